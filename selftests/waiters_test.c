// SPDX-License-Identifier: MIT
/*
 * Several threads in waits on one instance: who is woken, by what, and for
 * how long one sleeps that was woken for nothing. Timing is measured only
 * where the claim is "not earlier".
 *
 *   sleepers:  newest ── ... ── oldest        woken first: the newest
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "probefile.h"
#include "slowpage.h"
#include "testfiles.h"
#include "waiter.h"

#define N	3

/* An instance that watches one eventfd. */
static int watch_one(int *fd, uint32_t events)
{
	int ep = new_ep();

	*fd = new_eventfd(0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, *fd, events, 0), 0);
	return ep;
}

static void sleep_all(struct waiter *w, int n, int ep)
{
	for (int i = 0; i < n; i++)
		waiter_sleep(&w[i], WAITER_EPOLL, ep, 1, -1);
}

TEST(latest_sleeper_is_woken_first, "60")
{
	int fd, ep = watch_one(&fd, EPOLLIN | EPOLLET);
	struct waiter w[N] = {};

	sleep_all(w, N, ep);
	for (int i = N - 1; i >= 0; i--) {
		ASSERT_EQ(eventfd_write(fd, 1), 0);
		EXPECT_EQ(waiter_join(&w[i]), 1);
		for (int j = 0; j < i; j++)
			EXPECT_TRUE(waiter_is_undisturbed(&w[j]));
	}
	close_owned();
}

/* The latest of N sleepers; after that nothing is ready any more. */
static void wakes_exactly_one(uint32_t mode)
{
	int fd, ep = watch_one(&fd, EPOLLIN | mode);
	struct waiter w[N] = {};

	sleep_all(w, N, ep);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(waiter_join(&w[N - 1]), 1);
	for (int j = 0; j < N - 1; j++)
		EXPECT_TRUE(waiter_is_undisturbed(&w[j]));
	EXPECT_EQ(ready_now(ep), 0);
	close_owned();
}

TEST(edge_event_wakes_exactly_one, "61 39")
{
	wakes_exactly_one(EPOLLET);
}

TEST(oneshot_event_wakes_exactly_one, "61 39")
{
	wakes_exactly_one(EPOLLONESHOT);
}

TEST(level_event_goes_down_the_chain_of_sleepers, "61")
{
	int fd, ep = watch_one(&fd, EPOLLIN);
	struct waiter w[N] = {};

	sleep_all(w, N, ep);
	/* One write, nobody reads. */
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	for (int i = 0; i < N; i++)
		EXPECT_EQ(waiter_join(&w[i]), 1);
	close_owned();
}

TEST(three_events_reach_three_sleepers, "61")
{
	int ep = new_ep(), fd[N];
	struct waiter w[N] = {};
	uint64_t seen = 0;

	for (int i = 0; i < N; i++) {
		fd[i] = new_eventfd(1);
		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd[i], EPOLLET, i), 0);
	}
	sleep_all(w, N, ep);
	for (int i = 0; i < N; i++)
		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd[i], EPOLLIN | EPOLLET,
				 i), 0);
	for (int i = 0; i < N; i++) {
		EXPECT_EQ(waiter_join(&w[i]), 1);
		seen |= 1 << w[i].events[0].data.u64;
	}
	EXPECT_EQ(seen, 7);
	close_owned();
}

TEST(second_event_wakes_another_sleeper, "62")
{
	int ep = new_ep(), probe = probe_open();
	struct waiter w[2] = {};

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, EPOLLIN | EPOLLET, 0), 0);
	sleep_all(w, 2, ep);
	/* The first one is woken, and stopped before it can take anything. */
	probe_hold(probe);
	probe_set(probe, EPOLLIN);
	probe_wake(probe, EPOLLIN);
	probe_await_held(probe);
	EXPECT_TRUE(waiter_is_undisturbed(&w[0]));
	probe_wake(probe, EPOLLIN);
	EXPECT_EQ(waiter_is_undisturbed(&w[0]), false);
	probe_release(probe);
	EXPECT_EQ(waiter_join(&w[0]), 1);
	EXPECT_EQ(waiter_join(&w[1]), 1);
	close_owned();
}

/* Woken, and nothing is there: it sleeps on, and not from the beginning. */
TEST(sleeps_on_for_the_rest_of_the_time, "67")
{
	const int limit = time_factor() > 1 ? 3000 : 400;
	int ep = new_ep(), probe = probe_open(), wakes = 0;
	struct waiter w = {};

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, EPOLLIN, 0), 0);
	waiter_sleep(&w, WAITER_EPOLL, ep, 1, limit);
	while (waiter_await_sleep(&w)) {
		probe_wake(probe, EPOLLIN);
		wakes++;
	}
	EXPECT_EQ(waiter_join(&w), 0);
	EXPECT_GE(w.took_ns, limit * 1000000LL);
	/*
	 * Each wake would have made it longer by what had passed by then, so
	 * that it never came to an end. A busy host may stop the VM for a while.
	 */
	EXPECT_LE(w.took_ns, 10 * limit * 1000000LL);
	EXPECT_GE(wakes, 2);
	close_owned();
}

TEST(time_is_up_not_before_it_is, "67 49")
{
	int ep = new_ep(), fd = new_eventfd(0);

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	for (int i = 0; i < 20; i++) {
		struct waiter w = {};

		waiter_start(&w, WAITER_EPOLL, ep, 1, 1 + i % 3);
		EXPECT_EQ(waiter_join(&w), 0);
		EXPECT_GE(w.took_ns, (1 + i % 3) * 1000000LL);
	}
	close_owned();
}

/*
 * An event at about the time at which the sleeper gives up: it goes to this
 * one or to the next wait, and is never lost. The other sleeper, whose time
 * is long, must get what the first one has left.
 */
TEST_TIMEOUT(event_at_the_end_of_the_time_is_not_lost, "62 56", 60)
{
	int fd, ep = watch_one(&fd, EPOLLIN | EPOLLET);
	int by_short = 0, by_long = 0, rounds = 300 / time_factor();
	long pause_ns = 2000000;

	for (int i = 0; i < rounds || !by_short || !by_long; i++) {
		struct waiter patient = {}, hasty = {};
		struct timespec pause = { .tv_nsec = pause_ns };
		int n;

		waiter_sleep(&patient, WAITER_EPOLL, ep, 1, -1);
		waiter_start(&hasty, WAITER_EPOLL, ep, 1, 2);
		/* No synchronisation: it aims at the end of the 2 ms, and learns. */
		nanosleep(&pause, NULL);
		ASSERT_EQ(eventfd_write(fd, 1), 0);
		n = waiter_join(&hasty);
		ASSERT_TRUE(n == 0 || n == 1);
		if (n) {
			by_short++;
			pause_ns += 100000;
			ASSERT_EQ(eventfd_write(fd, 1), 0);
		} else {
			by_long++;
			pause_ns -= pause_ns > 100000 ? 100000 : 0;
		}
		ASSERT_EQ(waiter_join(&patient), 1);
		ASSERT_EQ(ready_now(ep), 0);
	}
	printf("# %d before the end of the time, %d after it\n", by_short,
	       by_long);
	close_owned();
}

/*
 * While one thread's scan has the event in its hands, another one asks with
 * a zero timeout. It is not told "nothing": it waits for the scan, and gets
 * the level-triggered event too.
 */
TEST(zero_timeout_waits_for_a_running_scan, "65")
{
	int ep = new_ep(), probe = probe_open();
	struct waiter scan = {}, quick = {};
	bool waits;

	probe_set(probe, EPOLLIN);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, EPOLLIN, 0), 0);
	probe_hold(probe);
	waiter_start(&scan, WAITER_EPOLL, ep, 4, 0);
	probe_await_held(probe);
	waiter_start(&quick, WAITER_EPOLL, ep, 4, 0);
	/* On the mutex, where nothing shows but the end of it. */
	waits = waiter_await_sleep(&quick);
	probe_release(probe);
	EXPECT_EQ(waiter_join(&scan), 1);
	EXPECT_TRUE(waits);
	EXPECT_EQ(waiter_join(&quick), 1);
	close_owned();
}

TEST(delivery_that_faults_blocks_the_others_and_no_wake, "66 25")
{
	int fd, ep = watch_one(&fd, EPOLLIN | EPOLLET);
	struct waiter slow = {}, other = {};
	struct slow_page page;

	slow_page_make(&page);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	slow.buffer = page.page;
	waiter_start(&slow, WAITER_EPOLL, ep, 1, -1);
	slow_page_await(&page);
	/* A wake-up goes through: no spin lock is held. */
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	/* Another wait has to wait for its turn. */
	waiter_start(&other, WAITER_EPOLL, ep, 1, -1);
	EXPECT_TRUE(waiter_await_sleep(&other));
	EXPECT_FALSE(waiter_has_returned(&slow));
	slow_page_fill(&page);
	EXPECT_EQ(waiter_join(&slow), 1);
	EXPECT_EQ(waiter_join(&other), 1);
	EXPECT_EQ(((struct epoll_event *)page.page)->events, EPOLLIN);
	slow_page_end(&page);
	close_owned();
}

static void *close_in_thread(void *arg)
{
	return (void *)(long)close(*(int *)arg);
}

/*
 * On epollx the close does not wait for the delivery. So what it leaves is
 * buried by who has the instance, when he lets go, without another call.
 */
TEST(file_closed_under_a_delivery_is_buried_after_it, "66 68")
{
	int fd, ep = watch_one(&fd, EPOLLIN);
	long buried = counter("bury"), busy = counter("reaper_busy");
	struct waiter slow = {};
	struct slow_page page;
	struct epoll_event ev;
	pthread_t closer;

	slow_page_make(&page);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	slow.buffer = page.page;
	waiter_start(&slow, WAITER_EPOLL, ep, 1, 0);
	slow_page_await(&page);
	ASSERT_EQ(pthread_create(&closer, NULL, close_in_thread, &fd), 0);
	/* The reaper must have come, found the mutex taken, and gone. */
	while (side() != NATIVE && counter("reaper_busy") == busy)
		sched_yield();
	slow_page_fill(&page);
	EXPECT_EQ(waiter_join(&slow), 1);
	ASSERT_EQ(pthread_join(closer, NULL), 0);
	while (side() != NATIVE && counter("bury") == buried)
		sched_yield();
	EXPECT_EQ(ep_wait(ep, &ev, 1, 0), 0);
	slow_page_end(&page);
	close_owned();
}

static void *delete_in_thread(void *arg)
{
	int *fds = arg;

	atomic_store((atomic_int *)&fds[2], syscall(SYS_gettid));
	return (void *)(long)ep_ctl(fds[0], EPOLL_CTL_DEL, fds[1], 0, 0);
}

TEST(delivery_that_faults_blocks_a_change, "66 25")
{
	int fd, ep = watch_one(&fd, EPOLLIN);
	struct slow_page page;
	struct waiter slow = {};
	int arg[3] = { ep, fd, 0 };
	pthread_t thread;
	void *result;
	pid_t tid;

	slow_page_make(&page);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	slow.buffer = page.page;
	waiter_start(&slow, WAITER_EPOLL, ep, 1, -1);
	slow_page_await(&page);
	ASSERT_EQ(pthread_create(&thread, NULL, delete_in_thread, arg), 0);
	do
		tid = atomic_load((atomic_int *)&arg[2]);
	while (!tid || !thread_is_asleep(tid));
	EXPECT_FALSE(waiter_has_returned(&slow));
	slow_page_fill(&page);
	EXPECT_EQ(waiter_join(&slow), 1);
	ASSERT_EQ(pthread_join(thread, &result), 0);
	EXPECT_EQ((long)result, 0);
	EXPECT_EQ(ready_now(ep), 0);
	slow_page_end(&page);
	close_owned();
}
