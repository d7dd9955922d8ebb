// SPDX-License-Identifier: MIT
/*
 * Exclusive watches: of several instances that watch one file, which one a
 * wake-up reaches.
 *
 * The wait queue of the file calls the exclusive hooks in the order in which
 * they were added, until one says that it has woken somebody. A hook says so
 * if its instance has a sleeper in a wait, and the wake-up is for reading or
 * for writing, not both.
 *
 *            ┌─▶ instance 0 ◀── sleeper?
 *     file ──┼─▶ instance 1 ◀── sleeper?
 *            └─▶ instance 2 ◀── sleeper?
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "probefile.h"
#include "testfiles.h"
#include "waiter.h"

#define N	3

/* N instances that watch @fd, in this order. */
static void watch_by_all(int ep[N], int fd, uint32_t events)
{
	for (int i = 0; i < N; i++) {
		ep[i] = new_ep();
		ASSERT_EQ(ep_ctl(ep[i], EPOLL_CTL_ADD, fd, events, i), 0);
	}
}

/* A sleeper in each instance of @which, a bit mask. */
static void sleep_in(struct waiter w[N], const int ep[N], int which)
{
	memset(w, 0, sizeof(*w) * N);
	for (int i = 0; i < N; i++)
		if (which & 1 << i)
			waiter_sleep(&w[i], WAITER_EPOLL, ep[i], 4, -1);
}

/* Of the sleepers in @which, those that are not as they were; a bit mask. */
static int disturbed(struct waiter w[N], int which)
{
	int mask = 0;

	for (int i = 0; i < N; i++)
		if (which & 1 << i && !waiter_is_undisturbed(&w[i]))
			mask |= 1 << i;
	return mask;
}

TEST(allowed_companions, "40")
{
	static const uint32_t allowed[] = {
		0, EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLWAKEUP, EPOLLET,
		EPOLLIN | EPOLLOUT | EPOLLET | EPOLLWAKEUP | EPOLLERR | EPOLLHUP,
	};
	int ep = new_ep(), fd = new_eventfd(0);

	for (int i = 0; i < 8; i++) {
		EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd,
				 EPOLLEXCLUSIVE | allowed[i], 0), 0);
		EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	}
	close_owned();
}

TEST(all_other_bits_are_refused, "40")
{
	int ep = new_ep(), fd = new_eventfd(0);

	for (int bit = 0; bit < 32; bit++) {
		uint32_t event = 1U << bit;

		if (event & (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP |
			     EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE))
			continue;
		EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd,
				 EPOLLEXCLUSIVE | event, 0), -EINVAL);
	}
	EXPECT_EQ(watches_of(ep), 0);
	close_owned();
}

TEST(only_add_and_no_instance, "40 19")
{
	int ep = new_ep(), inner = new_ep(), fd = new_eventfd(0);

	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, inner,
			 EPOLLEXCLUSIVE | EPOLLIN, 0), -EINVAL);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd,
			 EPOLLEXCLUSIVE | EPOLLIN, 0), -EINVAL);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLEXCLUSIVE | EPOLLIN, 0), 0);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 0), -EINVAL);
	EXPECT_EQ(stored_mask(ep, fd), 0x10000019);
	close_owned();
}

TEST(first_added_with_a_sleeper_is_woken, "41")
{
	int ep[N], fd = new_eventfd(0);
	struct waiter w[N];
	eventfd_t value;

	watch_by_all(ep, fd, EPOLLIN | EPOLLEXCLUSIVE);
	/* No rotation: the same one again and again. */
	for (int round = 0; round < 3; round++) {
		sleep_in(w, ep, round ? 1 : 7);
		ASSERT_EQ(eventfd_write(fd, 1), 0);
		EXPECT_EQ(waiter_join(&w[0]), 1);
		ASSERT_EQ(eventfd_read(fd, &value), 0);
	}
	close_owned();
}

TEST(one_write_wakes_one_instance, "41")
{
	int ep[N], fd = new_eventfd(0);
	struct waiter w[N];

	watch_by_all(ep, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET);
	sleep_in(w, ep, 7);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(disturbed(w, 7), 1);
	EXPECT_EQ(waiter_join(&w[0]), 1);
	EXPECT_EQ(disturbed(w, 6), 0);
	/* Now the first has no sleeper. */
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(disturbed(w, 6), 2);
	EXPECT_EQ(waiter_join(&w[1]), 1);
	EXPECT_EQ(disturbed(w, 4), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(waiter_join(&w[2]), 1);
	close_owned();
}

TEST(idle_instance_passed_over_has_the_event, "41")
{
	int ep[N], fd = new_eventfd(0);
	struct waiter w[N];

	watch_by_all(ep, fd, EPOLLIN | EPOLLEXCLUSIVE);
	sleep_in(w, ep, 2);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(waiter_join(&w[1]), 1);
	EXPECT_EQ(ready_now(ep[0]), 1);
	/* Never visited: it knows nothing, although the file is readable. */
	EXPECT_EQ(ready_now(ep[2]), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(ready_now(ep[2]), 1);
	close_owned();
}

TEST(without_sleepers_all_have_the_event, "41")
{
	int ep[N], fd = new_eventfd(0);

	watch_by_all(ep, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	for (int i = 0; i < N; i++)
		EXPECT_EQ(ready_now(ep[i]), 1);
	close_owned();
}

/*
 * Which of three sleeping instances that ask for @asked wake up from a
 * wake-up with @key; a bit mask.
 */
static int woken_by_key(uint32_t asked, uint32_t key, uint32_t context)
{
	int ep[N], probe = probe_open(), woken = 0;
	struct waiter w[N];

	watch_by_all(ep, probe, asked | EPOLLEXCLUSIVE | EPOLLET);
	sleep_in(w, ep, 7);
	probe_set(probe, EPOLLIN | EPOLLOUT | EPOLLHUP);
	ASSERT_EQ(probe_wake_from(probe, key, 0, context, 0), 0);
	woken = disturbed(w, 7);
	/* Let all go. */
	ASSERT_EQ(probe_wake_from(probe, 0, 0, EPX_PROBE_TASK,
				  EPX_PROBE_WAKE_ALL), 0);
	for (int i = 0; i < N; i++) {
		EXPECT_EQ(waiter_join(&w[i]), 1);
		close(ep[i]);
	}
	close(probe);
	return woken;
}

TEST(which_keys_are_taken_by_one, "41")
{
	const uint32_t both = EPOLLIN | EPOLLOUT;

	EXPECT_EQ(woken_by_key(EPOLLIN, EPOLLIN, EPX_PROBE_TASK), 1);
	EXPECT_EQ(woken_by_key(EPOLLOUT, EPOLLOUT, EPX_PROBE_TASK), 1);
	EXPECT_EQ(woken_by_key(both, EPOLLIN, EPX_PROBE_TASK), 1);
	EXPECT_EQ(woken_by_key(both, EPOLLOUT, EPX_PROBE_TASK), 1);
	EXPECT_EQ(woken_by_key(EPOLLIN, EPOLLIN | EPOLLRDNORM,
			       EPX_PROBE_TASK), 1);
	EXPECT_EQ(woken_by_key(EPOLLIN, EPOLLIN, EPX_PROBE_HARDIRQ), 1);
	EXPECT_EQ(woken_by_key(EPOLLIN, EPOLLIN, EPX_PROBE_SOFTIRQ), 1);
	close_owned();
}

TEST(key_for_both_directions_wakes_all, "41")
{
	const uint32_t both = EPOLLIN | EPOLLOUT;

	EXPECT_EQ(woken_by_key(both, both, EPX_PROBE_TASK), 7);
	EXPECT_EQ(woken_by_key(EPOLLIN, both, EPX_PROBE_TASK), 7);
	close_owned();
}

TEST(key_for_neither_direction_is_taken_by_one, "41")
{
	EXPECT_EQ(woken_by_key(EPOLLIN, EPOLLHUP, EPX_PROBE_TASK), 1);
	EXPECT_EQ(woken_by_key(EPOLLIN, 0, EPX_PROBE_TASK), 1);
	EXPECT_EQ(woken_by_key(0, EPOLLHUP, EPX_PROBE_TASK), 1);
	close_owned();
}

/* Woken for hanging up and for a direction that this one did not ask for. */
TEST(unwanted_direction_is_not_taken, "41")
{
	EXPECT_EQ(woken_by_key(EPOLLIN, EPOLLHUP | EPOLLOUT,
			       EPX_PROBE_TASK), 7);
	close_owned();
}

/* The peer's close is for everybody. */
static void close_wakes_all(int s[2])
{
	struct waiter w[N];
	int ep[N];

	watch_by_all(ep, s[0], EPOLLIN | EPOLLEXCLUSIVE);
	sleep_in(w, ep, 7);
	close(s[1]);
	for (int i = 0; i < N; i++) {
		EXPECT_EQ(waiter_join(&w[i]), 1);
		EXPECT_TRUE(w[i].events[0].events & EPOLLIN);
	}
}

TEST(close_of_a_unix_peer_wakes_every_instance, "42")
{
	int s[2];

	new_socketpair(SOCK_STREAM, s);
	close_wakes_all(s);
	close_owned();
}

TEST(close_of_a_tcp_peer_wakes_every_instance, "42")
{
	int s[2];

	new_tcp_pair(s);
	close_wakes_all(s);
	close_owned();
}

TEST(ordinary_watches_are_always_told, "42")
{
	int ep[N], plain = new_ep(), late = new_ep();
	int fd = new_eventfd(0);
	struct waiter w[N];

	ASSERT_EQ(ep_ctl(plain, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	watch_by_all(ep, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET);
	ASSERT_EQ(ep_ctl(late, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	sleep_in(w, ep, 7);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(disturbed(w, 7), 1);
	EXPECT_EQ(waiter_join(&w[0]), 1);
	EXPECT_EQ(ready_now(plain), 1);
	EXPECT_EQ(ready_now(late), 1);
	close_owned();
}

/*
 *   file ──┬─▶ instance 0 ◀── @poller, which waits for @polls
 *          ├─▶ instance 1 ◀── a wait
 *          └─▶ instance 2 ◀── a wait
 */
static void first_does_not_take_the_wake(const int ep[N], int fd,
					 enum waiter_kind poller, int polls)
{
	struct waiter w[N] = {};

	waiter_sleep(&w[0], poller, polls, 4, -1);
	waiter_sleep(&w[1], WAITER_EPOLL, ep[1], 4, -1);
	waiter_sleep(&w[2], WAITER_EPOLL, ep[2], 4, -1);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(waiter_join(&w[0]), 1);
	EXPECT_EQ(waiter_join(&w[1]), 1);
	EXPECT_TRUE(waiter_is_undisturbed(&w[2]));
	close_owned();
}

TEST(polled_instance_does_not_take_the_wake, "43")
{
	int ep[N], fd = new_eventfd(0);

	watch_by_all(ep, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET);
	first_does_not_take_the_wake(ep, fd, WAITER_POLL, ep[0]);
}

/* The same with an outer instance in the place of poll(2). */
TEST(nested_instance_does_not_take_the_wake, "43 80")
{
	int ep[N], outer = new_ep(), fd = new_eventfd(0);

	watch_by_all(ep, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET);
	ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, ep[0], EPOLLIN, 0), 0);
	first_does_not_take_the_wake(ep, fd, WAITER_EPOLL, outer);
}
