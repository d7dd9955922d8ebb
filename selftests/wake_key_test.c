// SPDX-License-Identifier: MIT
/*
 * Keys: what ->poll is asked for, and which wake-ups count. A wake-up whose
 * key has nothing in common with the mask is nobody's business; one without a
 * key may be anything. Seen through the probe device, whose ->poll and
 * wake-ups are what the test says.
 *
 * All watches here are edge-triggered unless it is said: then an event is
 * there if and only if a wake-up has been let through.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "probefile.h"
#include "testfiles.h"
#include "waiter.h"

#define ALL_READY	(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDNORM)

/* An instance that watches a new probe, whose first event has been taken. */
static int watch_probe(int *probe, uint32_t events)
{
	int ep = new_ep();

	*probe = probe_open();
	probe_set(*probe, ALL_READY);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, *probe, events, 0), 0);
	ready_now(ep);
	return ep;
}

TEST(poll_is_asked_for_the_mask, "30")
{
	int ep = new_ep(), probe = probe_open();
	struct epx_probe_state state;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, EPOLLIN | EPOLLET, 0), 0);
	state = probe_state(probe);
	EXPECT_EQ(state.polls, 1);
	EXPECT_EQ(state.hooked, 1);
	EXPECT_EQ(state.keys[0], EPOLLIN | EPOLLET | EPOLLERR | EPOLLHUP);

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, probe, EPOLLOUT | EPOLLPRI, 0), 0);
	state = probe_state(probe);
	EXPECT_EQ(state.polls, 2);
	EXPECT_EQ(state.hooked, 1);
	EXPECT_EQ(state.keys[0], EPOLLOUT | EPOLLPRI | EPOLLERR | EPOLLHUP);

	probe_set(probe, EPOLLOUT);
	probe_wake(probe, EPOLLOUT);
	EXPECT_EQ(ready_now(ep), 1);
	state = probe_state(probe);
	EXPECT_EQ(state.polls, 3);
	EXPECT_EQ(state.hooked, 1);
	EXPECT_EQ(state.keys[0], EPOLLOUT | EPOLLPRI | EPOLLERR | EPOLLHUP);
	EXPECT_EQ(state.dead_polls, 0);
	close_owned();
}

TEST(unqueued_file_is_not_polled, "27 57")
{
	int probe, ep = watch_probe(&probe, EPOLLIN | EPOLLET);
	struct epx_probe_state before = probe_state(probe);

	EXPECT_EQ(ready_now(ep), 0);
	EXPECT_EQ(ready_now(ep), 0);
	EXPECT_EQ(probe_state(probe).polls, before.polls);
	close_owned();
}

TEST(wake_without_interest_does_not_queue, "31")
{
	int probe, ep = watch_probe(&probe, EPOLLIN | EPOLLET);

	probe_wake(probe, EPOLLOUT);
	EXPECT_EQ(ready_now(ep), 0);
	probe_wake(probe, EPOLLPRI | EPOLLRDNORM);
	EXPECT_EQ(ready_now(ep), 0);
	probe_wake(probe, EPOLLIN | EPOLLRDNORM);
	EXPECT_EQ(ready_now(ep), 1);
	close_owned();
}

TEST(wake_without_key_queues, "31")
{
	int probe, ep = watch_probe(&probe, EPOLLOUT | EPOLLET);

	probe_wake(probe, 0);
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(ready_now(ep), 0);
	close_owned();
}

TEST(hup_and_err_keys_queue_whatever_is_asked, "31 26")
{
	int probe, ep = watch_probe(&probe, EPOLLET);

	probe_set(probe, EPOLLHUP);
	probe_wake(probe, EPOLLIN | EPOLLOUT);
	EXPECT_EQ(ready_now(ep), 0);
	probe_wake(probe, EPOLLHUP);
	EXPECT_EQ(ready_now(ep), 1);
	probe_wake(probe, EPOLLERR);
	EXPECT_EQ(ready_now(ep), 1);
	close_owned();
}

/* Every key of one bit against every mask of one bit. */
TEST(key_filter_for_each_mask_and_key, "31")
{
	int probe = probe_open();

	probe_set(probe, 0xfff);
	for (int bit = 0; bit < 12; bit++) {
		int ep = new_ep();
		unsigned int passed = 0;

		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe,
				 1U << bit | EPOLLET, 0), 0);
		ready_now(ep);
		for (int key = 0; key < 12; key++) {
			probe_wake(probe, 1U << key);
			if (ready_now(ep))
				passed |= 1U << key;
		}
		EXPECT_EQ(passed, 1U << bit | EPOLLERR | EPOLLHUP);
		close(ep);
	}
	close_owned();
}

TEST(filtered_wake_does_not_disturb_the_sleeper, "31")
{
	int probe, ep = watch_probe(&probe, EPOLLIN | EPOLLET);
	struct waiter w = {};

	waiter_sleep(&w, WAITER_EPOLL, ep, 4, -1);
	for (int i = 0; i < 10; i++) {
		probe_wake(probe, EPOLLOUT);
		EXPECT_TRUE(waiter_is_undisturbed(&w));
	}
	probe_wake(probe, EPOLLIN);
	EXPECT_EQ(waiter_join(&w), 1);
	EXPECT_EQ(w.events[0].events, EPOLLIN);
	close_owned();
}

TEST(write_is_nothing_to_who_waits_for_room, "31")
{
	int ep = new_ep(), fd = new_eventfd(0);
	struct waiter w = {};
	eventfd_t value;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLOUT | EPOLLET, 0), 0);
	EXPECT_EQ(ready_now(ep), 1);
	waiter_sleep(&w, WAITER_EPOLL, ep, 4, -1);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_TRUE(waiter_is_undisturbed(&w));
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	EXPECT_EQ(waiter_join(&w), 1);
	EXPECT_EQ(w.events[0].events, EPOLLOUT);
	close_owned();
}

TEST(fired_oneshot_ignores_all_wakes, "31 38")
{
	int probe, ep = watch_probe(&probe, EPOLLIN | EPOLLONESHOT);

	probe_wake(probe, EPOLLIN);
	probe_wake(probe, 0);
	probe_wake(probe, EPOLLHUP);
	EXPECT_EQ(ready_now(ep), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, probe, EPOLLIN | EPOLLONESHOT, 0), 0);
	EXPECT_EQ(ready_now(ep), 1);
	close_owned();
}

/*
 *   head 0 ──▶ hook ─┐
 *   head 1 ──▶ hook ─┼─▶ one watch
 *   head 2 ──▶ hook ─┘
 */
TEST(each_wait_queue_of_a_file_wakes, "32")
{
	int ep = new_ep(), probe = probe_open();

	probe_heads(probe, 3);
	probe_set(probe, EPOLLIN);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, EPOLLIN | EPOLLET, 0), 0);
	EXPECT_EQ(probe_state(probe).waiters, 3);
	EXPECT_EQ(ready_now(ep), 1);
	for (int head = 0; head < 3; head++) {
		EXPECT_EQ(probe_wake_from(probe, EPOLLIN, head,
					  EPX_PROBE_TASK, 0), 0);
		EXPECT_EQ(ready_now(ep), 1);
	}
	/* All three at once are one event. */
	for (int head = 0; head < 3; head++)
		probe_wake_from(probe, EPOLLIN, head, EPX_PROBE_TASK, 0);
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(ready_now(ep), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, probe, 0, 0), 0);
	EXPECT_EQ(probe_state(probe).waiters, 0);
	close_owned();
}

TEST(closing_the_instance_takes_all_hooks_off, "32 74")
{
	int ep = new_ep(), probe = probe_open(), twin = own(dup(probe));

	probe_heads(probe, 2);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, EPOLLIN, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, twin, EPOLLOUT, 0), 0);
	EXPECT_EQ(probe_state(probe).waiters, 4);
	close(ep);
	EXPECT_EQ(probe_state(probe).waiters, 0);
	close_owned();
}

TEST(file_without_wait_queue_reports_at_add, "32")
{
	int ep = new_ep(), probe = probe_open();

	probe_heads(probe, 0);
	probe_set(probe, EPOLLIN);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, EPOLLIN, 0), 0);
	EXPECT_EQ(probe_state(probe).waiters, 0);
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(ready_now(ep), 1);
	probe_set(probe, 0);
	EXPECT_EQ(ready_now(ep), 0);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, probe, 0, 0), 0);
	close_owned();
}

/* A wake-up from @context reaches a sleeper. */
static void wake_sleeper_from(uint32_t context)
{
	int probe, ep = watch_probe(&probe, EPOLLIN | EPOLLET);

	for (int round = 0; round < 20; round++) {
		struct waiter w = {};

		waiter_sleep(&w, WAITER_EPOLL, ep, 4, -1);
		EXPECT_EQ(probe_wake_from(probe, EPOLLIN, 0, context, 0), 0);
		EXPECT_EQ(waiter_join(&w), 1);
	}
	EXPECT_EQ(probe_state(probe).hard_wakes,
		  context == EPX_PROBE_HARDIRQ ? 20 : 0);
	EXPECT_EQ(probe_state(probe).soft_wakes,
		  context == EPX_PROBE_SOFTIRQ ? 20 : 0);
}

TEST(wake_from_hard_interrupt_reaches_the_sleeper, "31 63")
{
	wake_sleeper_from(EPX_PROBE_HARDIRQ);
	close_owned();
}

TEST(wake_from_softirq_reaches_the_sleeper, "31 63")
{
	wake_sleeper_from(EPX_PROBE_SOFTIRQ);
	close_owned();
}

/*
 * The wait queue goes away before the file: everybody is told once, lets go
 * of the queue, and stays registered.
 */
static void free_wait_queue(uint32_t events, int expected)
{
	int probe, ep = watch_probe(&probe, events);

	EXPECT_EQ(probe_state(probe).waiters, 1);
	EXPECT_EQ(probe_wake_from(probe, EPOLLHUP, 0, EPX_PROBE_TASK,
				  EPX_PROBE_FREE), 0);
	EXPECT_EQ(probe_state(probe).waiters, 0);
	EXPECT_EQ(ready_now(ep), expected);
	/* Deaf from now on; but it can be changed and removed. */
	probe_wake(probe, EPOLLIN);
	EXPECT_EQ(ready_now(ep), 0);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, events, 0), -EEXIST);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, probe, EPOLLIN | EPOLLET, 0),
		  events & EPOLLEXCLUSIVE ? -EINVAL : 0);
	EXPECT_EQ(ready_now(ep), events & EPOLLEXCLUSIVE ? 0 : 1);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, probe, 0, 0), 0);
}

TEST(freed_wait_queue_is_let_go, "26 31")
{
	free_wait_queue(EPOLLIN | EPOLLET, 1);
	close_owned();
}

TEST(freed_wait_queue_is_let_go_by_a_fired_oneshot, "31 38")
{
	free_wait_queue(EPOLLIN | EPOLLONESHOT, 0);
	close_owned();
}

TEST(freed_wait_queue_is_let_go_by_an_exclusive_watch, "31 40")
{
	free_wait_queue(EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, 1);
	close_owned();
}

TEST(freed_wait_queue_wakes_the_sleeper, "31")
{
	int probe, ep = watch_probe(&probe, EPOLLIN | EPOLLET);
	struct waiter w = {};

	waiter_sleep(&w, WAITER_EPOLL, ep, 4, -1);
	EXPECT_EQ(probe_wake_from(probe, EPOLLHUP, 0, EPX_PROBE_HARDIRQ,
				  EPX_PROBE_FREE), 0);
	EXPECT_EQ(waiter_join(&w), 1);
	close_owned();
}
