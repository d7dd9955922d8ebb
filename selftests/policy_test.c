// SPDX-License-Identifier: MIT
/*
 * Wake policy: sleepers of one instance that are woken in turn, and instances
 * with exclusive watches of one file that take turns.
 *
 *   EPX_WAKE_FIFO    sleepers:  oldest ── ... ── newest     woken first: the oldest
 *   EPX_CTL_ROTATE   file ──▶ instances 0, 1, 2             woken: 0, then 1, 2, 0
 *
 * epollx only. Who is woken by a write is known when write(2) has returned.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <epollx.h>

#include "harness.h"
#include "helpers.h"
#include "probefile.h"
#include "testfiles.h"
#include "waiter.h"

#define N		3
#define EXCLUSIVE	(EPOLLIN | EPOLLEXCLUSIVE)
/* How a rotating watch shows in fdinfo. */
#define ROTATES		0x4000000

static int new_fifo(void)
{
	struct epx_create how = { .flags = EPX_WAKE_FIFO };

	return own(epx_create(&how));
}

/* A FIFO instance that watches @n quiet eventfds. */
static int fifo_watch(int *fd, int n, uint32_t events)
{
	int ep = new_fifo();

	for (int i = 0; i < n; i++) {
		fd[i] = new_eventfd(0);
		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd[i], events, i), 0);
	}
	return ep;
}

static void ring(int fd)
{
	ASSERT_EQ(eventfd_write(fd, 1), 0);
}

/* Of @n sleepers, those who have been woken; a bit mask. */
static int woken(struct waiter *w, int n)
{
	int mask = 0;

	for (int i = 0; i < n; i++)
		if (!waiter_is_undisturbed(&w[i]))
			mask |= 1 << i;
	return mask;
}

TEST_ON(EPX, the_oldest_sleeper_is_woken_first, "")
{
	int fd, ep = fifo_watch(&fd, 1, EPOLLIN | EPOLLET);
	struct waiter w[N] = {};

	for (int i = 0; i < N; i++)
		waiter_sleep(&w[i], WAITER_EPOLL, ep, 1, -1);
	for (int i = 0; i < N; i++) {
		ring(fd);
		EXPECT_EQ(waiter_join(&w[i]), 1);
		EXPECT_EQ(woken(w + i + 1, N - i - 1), 0);
	}
	close_owned();
}

TEST_ON(EPX, who_sleeps_again_goes_to_the_end, "")
{
	int fd, ep = fifo_watch(&fd, 1, EPOLLIN | EPOLLET);
	struct waiter w[N] = {};

	for (int i = 0; i < N; i++)
		waiter_sleep(&w[i], WAITER_EPOLL, ep, 1, -1);
	for (int turn = 0; turn < 3 * N; turn++) {
		struct waiter *next = &w[turn % N];

		ring(fd);
		EXPECT_EQ(waiter_join(next), 1);
		*next = (struct waiter){};
		waiter_sleep(next, WAITER_EPOLL, ep, 1, -1);
		EXPECT_EQ(woken(w, N), 0);
	}
	for (int i = 0; i < N; i++) {
		ring(fd);
		waiter_join(&w[i]);
	}
	close_owned();
}

/* One write that nobody reads wakes all, one by one. */
TEST_ON(EPX, what_is_left_goes_down_the_line, "")
{
	int fd, ep = fifo_watch(&fd, 1, EPOLLIN);
	struct waiter w[N] = {};

	for (int i = 0; i < N; i++)
		waiter_sleep(&w[i], WAITER_EPOLL, ep, 1, -1);
	ring(fd);
	for (int i = 0; i < N; i++)
		EXPECT_EQ(waiter_join(&w[i]), 1);
	close_owned();
}

/*
 * The gatherer comes last, and hears of what the sleepers in front of it are
 * woken for.
 */
TEST_ON(EPX, who_gathers_has_no_place_in_the_line, "")
{
	struct epx_enter enter = { .maxevents = 4, .min_events = 2,
				   .timeout = -1 };
	int fd[2], ep = fifo_watch(fd, 2, EPOLLIN);
	struct waiter w[N] = {}, gatherer = {};

	for (int i = 0; i < N; i++)
		waiter_sleep(&w[i], WAITER_EPOLL, ep, 1, -1);
	waiter_sleep_in(&gatherer, ep, &enter);
	/* Both are ready until the end: the sleepers do not read. */
	ring(fd[0]);
	ring(fd[1]);
	EXPECT_EQ(waiter_join(&gatherer), 2);
	for (int i = 0; i < N; i++)
		EXPECT_EQ(waiter_join(&w[i]), 1);
	close_owned();
}

TEST_ON(EPX, a_time_that_is_over_takes_nobodys_turn, "")
{
	int fd, ep = fifo_watch(&fd, 1, EPOLLIN | EPOLLET);
	struct waiter brief = {}, w[2] = {};

	waiter_sleep(&w[0], WAITER_EPOLL, ep, 1, -1);
	waiter_start(&brief, WAITER_EPOLL, ep, 1, 1);
	EXPECT_EQ(waiter_join(&brief), 0);
	waiter_sleep(&w[1], WAITER_EPOLL, ep, 1, -1);
	ring(fd);
	EXPECT_EQ(waiter_join(&w[0]), 1);
	EXPECT_EQ(woken(&w[1], 1), 0);
	ring(fd);
	EXPECT_EQ(waiter_join(&w[1]), 1);
	close_owned();
}

/* N instances that watch @fd, in this order; those in @rotating rotate. */
static void watch_by_all(int ep[N], int fd, int rotating, uint32_t mode)
{
	for (int i = 0; i < N; i++) {
		ep[i] = new_ep();
		if (rotating & 1 << i)
			ASSERT_EQ(epx_change_rotating(ep[i], EPOLL_CTL_ADD, fd,
						      EXCLUSIVE | mode, i), 0);
		else
			ASSERT_EQ(ep_ctl(ep[i], EPOLL_CTL_ADD, fd,
					 EXCLUSIVE | mode, i), 0);
	}
}

static void sleep_in_each(struct waiter w[N], const int ep[N])
{
	memset(w, 0, sizeof(*w) * N);
	for (int i = 0; i < N; i++)
		waiter_sleep(&w[i], WAITER_EPOLL, ep[i], 4, -1);
}

/* A write, which wakes just @who; its event is read, and it sleeps again. */
static void wakes(struct waiter w[N], const int ep[N], int fd, int who)
{
	eventfd_t value;

	ring(fd);
	EXPECT_EQ(woken(w, N), 1 << who);
	EXPECT_EQ(waiter_join(&w[who]), 1);
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	w[who] = (struct waiter){};
	waiter_sleep(&w[who], WAITER_EPOLL, ep[who], 4, -1);
}

/* Wakes who sleeps; all of them, since each ring wakes one at least. */
static void let_go(struct waiter w[N], int fd)
{
	for (int i = 0; i < N; i++)
		ring(fd);
	for (int i = 0; i < N; i++)
		EXPECT_EQ(waiter_join(&w[i]), 1);
	close_owned();
}

static void take_turns(uint32_t mode)
{
	int ep[N], fd = new_eventfd(0);
	struct waiter w[N];

	watch_by_all(ep, fd, 7, mode);
	sleep_in_each(w, ep);
	for (int turn = 0; turn < 3 * N; turn++)
		wakes(w, ep, fd, turn % N);
	let_go(w, fd);
}

TEST_ON(EPX, rotating_instances_take_turns, "")
{
	take_turns(0);
}

TEST_ON(EPX, edge_triggered_ones_take_turns, "")
{
	take_turns(EPOLLET);
}

TEST_ON(EPX, those_without_the_flag_keep_their_places, "")
{
	int ep[N], fd = new_eventfd(0);
	struct waiter w[N];

	watch_by_all(ep, fd, 1, 0);
	sleep_in_each(w, ep);
	wakes(w, ep, fd, 0);
	/* 0 is behind 1 and 2 now, and 1 stays where it is. */
	wakes(w, ep, fd, 1);
	wakes(w, ep, fd, 1);
	let_go(w, fd);
}

/* Who is passed over, having no sleeper, has taken nothing and stays first. */
TEST_ON(EPX, who_is_passed_over_keeps_its_turn, "")
{
	int ep[N], fd = new_eventfd(0);
	struct waiter w[N] = {};
	eventfd_t value;

	watch_by_all(ep, fd, 7, EPOLLET);
	waiter_sleep(&w[1], WAITER_EPOLL, ep[1], 4, -1);
	ring(fd);
	EXPECT_EQ(waiter_join(&w[1]), 1);
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	EXPECT_EQ(ready_now(ep[0]), 0);
	sleep_in_each(w, ep);
	wakes(w, ep, fd, 0);
	wakes(w, ep, fd, 2);
	wakes(w, ep, fd, 1);
	let_go(w, fd);
}

/*
 * Two sleepers in each of three instances, and one wake-up with @key for all or
 * for one; how many are woken.
 */
static int woken_by(uint32_t key, uint32_t context, uint32_t flags)
{
	int ep[N], probe = probe_open(), count = 0;
	struct waiter w[2][N];

	watch_by_all(ep, probe, 7, EPOLLET);
	sleep_in_each(w[0], ep);
	sleep_in_each(w[1], ep);
	probe_set(probe, EPOLLIN);
	ASSERT_EQ(probe_wake_from(probe, key, 0, context, flags), 0);
	for (int i = 0; i < N; i++) {
		/* Of each instance the later one, at most. */
		EXPECT_EQ(woken(&w[0][i], 1), 0);
		count += woken(&w[1][i], 1);
	}
	while (waiter_await_settled(w[0], 2 * N) < 2 * N)
		ASSERT_EQ(probe_wake_from(probe, 0, 0, EPX_PROBE_TASK,
					  EPX_PROBE_WAKE_ALL), 0);
	for (int i = 0; i < 2 * N; i++)
		EXPECT_EQ(waiter_join(&w[0][0] + i), 1);
	close_owned();
	return count;
}

TEST_ON(EPX, a_wake_up_for_all_reaches_each_instance_once, "")
{
	EXPECT_EQ(woken_by(EPOLLIN, EPX_PROBE_TASK, EPX_PROBE_WAKE_ALL), N);
	EXPECT_EQ(woken_by(0, EPX_PROBE_HARDIRQ, EPX_PROBE_WAKE_ALL), N);
	EXPECT_EQ(woken_by(EPOLLIN, EPX_PROBE_SOFTIRQ, EPX_PROBE_WAKE_ALL), N);
	EXPECT_EQ(woken_by(EPOLLIN, EPX_PROBE_HARDIRQ, 0), 1);
}

TEST_ON(EPX, what_all_are_told_is_nobodys_turn, "")
{
	int ep[N], probe = probe_open();
	struct waiter w[N];

	watch_by_all(ep, probe, 7, EPOLLET);
	sleep_in_each(w, ep);
	probe_set(probe, EPOLLIN | EPOLLOUT);
	/* In both directions: taken by none. */
	probe_wake(probe, EPOLLIN | EPOLLOUT);
	for (int i = 0; i < N; i++)
		EXPECT_EQ(waiter_join(&w[i]), 1);
	sleep_in_each(w, ep);
	for (int i = 0; i < N; i++) {
		probe_wake(probe, EPOLLIN);
		EXPECT_EQ(waiter_join(&w[i]), 1);
		EXPECT_EQ(woken(w + i + 1, N - i - 1), 0);
	}
	close_owned();
}

/* On two queues of one file, and one of them goes before the file. */
TEST_ON(EPX, rotation_outlives_a_queue, "")
{
	int ep[N], probe = probe_open();
	struct waiter w[N];

	probe_heads(probe, 2);
	watch_by_all(ep, probe, 7, EPOLLET);
	sleep_in_each(w, ep);
	probe_set(probe, EPOLLIN);
	ASSERT_EQ(probe_wake_from(probe, EPOLLIN, 1, EPX_PROBE_TASK, 0), 0);
	EXPECT_EQ(waiter_join(&w[0]), 1);
	ASSERT_EQ(probe_wake_from(probe, EPOLLIN, 1, EPX_PROBE_TASK,
				  EPX_PROBE_FREE), 0);
	for (int i = 1; i < N; i++)
		EXPECT_EQ(waiter_join(&w[i]), 1);
	EXPECT_EQ(ready_now(ep[0]), 1);
	sleep_in_each(w, ep);
	ASSERT_EQ(probe_wake_from(probe, EPOLLIN, 0, EPX_PROBE_TASK,
				  EPX_PROBE_WAKE_ALL), 0);
	for (int i = 0; i < N; i++)
		EXPECT_EQ(waiter_join(&w[i]), 1);
	close_owned();
}

TEST_ON(EPX, rotation_is_for_exclusive_adds, "")
{
	struct epx_ctl_entry entry = { .ctl = {
		.op = EPOLL_CTL_ADD, .events = EPOLLIN,
		.flags = EPX_CTL_ROTATE } };
	int ep = new_ep(), fd = new_eventfd(0), inner = new_ep();

	EXPECT_EQ(epx_change_rotating(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0),
		  -EINVAL);
	EXPECT_EQ(epx_change_rotating(ep, EPOLL_CTL_MOD, fd, EXCLUSIVE, 0),
		  -EINVAL);
	EXPECT_EQ(epx_change_rotating(ep, EPOLL_CTL_DEL, fd, EXCLUSIVE, 0),
		  -EINVAL);
	EXPECT_EQ(epx_change_rotating(ep, EPOLL_CTL_ADD, inner, EXCLUSIVE, 0),
		  -EINVAL);
	EXPECT_EQ(epx_change_rotating(ep, EPOLL_CTL_ADD, fd,
				      EXCLUSIVE | ROTATES, 0), -EINVAL);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_ADD, fd, EXCLUSIVE | ROTATES, 0),
		  -EINVAL);
	entry.ctl.fd = fd;
	ASSERT_EQ(epx_ctlv(ep, &entry, 1), 1);
	EXPECT_EQ(entry.result, -EINVAL);
	EXPECT_EQ(watches_of(ep), 0);

	entry.ctl.op = EPX_CTL_PUT;
	entry.ctl.events = EXCLUSIVE;
	ASSERT_EQ(epx_ctlv(ep, &entry, 1), 1);
	EXPECT_EQ(entry.result, 0);
	EXPECT_EQ(stored_mask(ep, fd), EXCLUSIVE | ROTATES | EPOLLERR |
		  EPOLLHUP);
	EXPECT_EQ(epx_change_rotating(ep, EPX_CTL_PUT, fd, EXCLUSIVE, 0),
		  -EINVAL);
	close_owned();
}

TEST_ON(EPX, rotation_is_not_for_a_ring, "")
{
	struct epx_ring ring = { .items = 4 };
	int ep = new_ep(), fd = new_eventfd(0);

	ASSERT_EQ(ioctl(ep, EPX_IOC_RING, &ring), 0);
	EXPECT_EQ(epx_change_rotating(ep, EPOLL_CTL_ADD, fd, EXCLUSIVE, 0),
		  -EINVAL);
	close_owned();
}
