// SPDX-License-Identifier: MIT
/*
 * Adds that race for a cycle, adds whose checks must not take for ever, and
 * graphs that are half native epoll.
 *
 * The racing threads meet at a barrier before each round, so that the adds of
 * a round really run at the same time where there is more than one CPU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "waiter.h"

#define MOST	3

/* One edge of a ring of instances, added by one thread. */
struct edge {
	pthread_barrier_t *gate;
	const int *ep;
	int from;
	int nr;
	int rounds;
	int result;
	pthread_t thread;
};

static void *add_edges(void *arg)
{
	struct edge *edge = arg;
	int to = (edge->from + 1) % edge->nr;

	for (int i = 0; i < edge->rounds; i++) {
		pthread_barrier_wait(edge->gate);
		edge->result = ep_ctl(edge->ep[edge->from], EPOLL_CTL_ADD,
				      edge->ep[to], EPOLLIN, 0);
		/* All have tried; the main thread looks, and clears. */
		pthread_barrier_wait(edge->gate);
		pthread_barrier_wait(edge->gate);
	}
	return NULL;
}

/* ep[0] -> ep[1] -> ... -> ep[0], by @nr threads: all but one get in. */
static void race_for_a_ring(int nr, int rounds)
{
	pthread_barrier_t gate;
	struct edge edge[MOST];
	int ep[MOST], losers[MOST] = {};

	pthread_barrier_init(&gate, NULL, nr + 1);
	for (int i = 0; i < nr; i++) {
		ep[i] = new_ep();
		edge[i] = (struct edge){
			.gate = &gate, .ep = ep, .from = i, .nr = nr,
			.rounds = rounds,
		};
	}
	for (int i = 0; i < nr; i++)
		ASSERT_EQ(pthread_create(&edge[i].thread, NULL, add_edges,
					 &edge[i]), 0);
	for (int round = 0; round < rounds; round++) {
		int refused = 0;

		pthread_barrier_wait(&gate);
		pthread_barrier_wait(&gate);
		for (int i = 0; i < nr; i++) {
			if (edge[i].result == -ELOOP) {
				refused++;
				losers[i]++;
				continue;
			}
			ASSERT_EQ(edge[i].result, 0);
			ASSERT_EQ(ep_ctl(ep[i], EPOLL_CTL_DEL,
					 ep[(i + 1) % nr], 0, 0), 0);
		}
		ASSERT_EQ(refused, 1);
		pthread_barrier_wait(&gate);
	}
	for (int i = 0; i < nr; i++) {
		pthread_join(edge[i].thread, NULL);
		printf("# edge %d lost %d of %d\n", i, losers[i], rounds);
	}
	pthread_barrier_destroy(&gate);
	close_owned();
}

TEST_TIMEOUT(of_two_adds_that_close_a_cycle_one_wins, "78", 60)
{
	race_for_a_ring(2, 5000 / time_factor());
}

TEST_TIMEOUT(of_three_adds_that_close_a_cycle_two_win, "78", 60)
{
	race_for_a_ring(3, 3000 / time_factor());
}

/* A native epoll, whatever side is under test. */
static int new_native(void)
{
	return own(epoll_create1(0));
}

static int native_add(int ep, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int native_ready(int ep)
{
	struct epoll_event ev[4];

	return epoll_wait(ep, ev, 4, 0);
}

/*
 * A native epoll as a target. On epollx it is refused, since a cycle through
 * both kinds would be seen by neither.
 */
TEST(native_epoll_as_a_target, "78")
{
	int ep = new_ep(), native = new_native();

	OBSERVE("add", ep_ctl(ep, EPOLL_CTL_ADD, native, EPOLLIN, 0));
	close_owned();
}

TEST_ON(EPX, renamed_or_passed_on_native_epoll_is_still_refused, "78")
{
	int ep = new_ep(), native = new_native(), inner = new_ep();
	int copy = own(dup(native));

	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, copy, EPOLLIN, 0), -ELOOP);
	/* ep -> native -> inner, and native -> ep, are equally refused. */
	ASSERT_EQ(native_add(native, inner, EPOLLIN), 0);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, native, EPOLLIN, 0), -ELOOP);
	ASSERT_EQ(native_add(native, ep, EPOLLIN), 0);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, native, EPOLLIN, 0), -ELOOP);
	EXPECT_EQ(watches_of(ep), 0);
	close_owned();
}

/* native -> epollx -> file */
TEST_ON(EPX, native_epoll_watches_an_instance, "81 82")
{
	int native = new_native(), ep = new_ep(), fd = new_eventfd(0);
	eventfd_t value;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	ASSERT_EQ(native_add(native, ep, EPOLLIN), 0);
	EXPECT_EQ(native_ready(native), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(native_ready(native), 1);
	EXPECT_EQ(native_ready(native), 1);
	EXPECT_EQ(ready_now(ep), 1);
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	EXPECT_EQ(native_ready(native), 0);
	close_owned();
}

TEST_ON(EPX, native_edge_over_an_instance_fires_on_each_write, "80")
{
	int native = new_native(), ep = new_ep(), fd = new_eventfd(0);

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	ASSERT_EQ(native_add(native, ep, EPOLLIN | EPOLLET), 0);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(eventfd_write(fd, 1), 0);
		EXPECT_EQ(native_ready(native), 1);
		EXPECT_EQ(native_ready(native), 0);
	}
	close_owned();
}

static void *native_wait(void *arg)
{
	struct epoll_event ev;
	int *state = arg;

	atomic_store((atomic_int *)&state[1], gettid());
	return (void *)(long)epoll_wait(state[0], &ev, 1, -1);
}

/* A sleeper in native -> epollx -> epollx -> file is woken. */
TEST_ON(EPX, native_sleeper_is_woken_through_two_instances, "81")
{
	int native = new_native(), ep = new_ep(), inner = new_ep();
	int fd = new_eventfd(0), state[2] = { native, 0 };
	pthread_t thread;
	void *result;

	ASSERT_EQ(native_add(native, ep, EPOLLIN), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, inner, EPOLLIN, 0), 0);
	ASSERT_EQ(ep_ctl(inner, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, native_wait, state), 0);
	while (!atomic_load((atomic_int *)&state[1]))
		sched_yield();
	wait_until_sleeping(state[1]);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	ASSERT_EQ(pthread_join(thread, &result), 0);
	EXPECT_EQ((long)result, 1);
	close_owned();
}

/* Both orders of closing; the kernel's checkers watch. */
TEST_ON(EPX, instance_watched_by_native_epoll_can_go_first, "74")
{
	int native = new_native(), ep = new_ep(), fd = new_eventfd(1);

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	ASSERT_EQ(native_add(native, ep, EPOLLIN), 0);
	EXPECT_EQ(native_ready(native), 1);
	close(ep);
	EXPECT_EQ(native_ready(native), 0);
	ep = new_ep();
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	ASSERT_EQ(native_add(native, ep, EPOLLIN), 0);
	close(native);
	EXPECT_EQ(ready_now(ep), 1);
	close_owned();
}

/* The best of three, since the machine may have other things to do. */
static long long ns_of_add(int outer, int inner)
{
	long long best = LLONG_MAX;

	for (int i = 0; i < 3; i++) {
		long long start = now_ns();

		EXPECT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 0), 0);
		start = now_ns() - start;
		best = start < best ? start : best;
		EXPECT_EQ(ep_ctl(outer, EPOLL_CTL_DEL, inner, 0, 0), 0);
	}
	return best;
}

/*
 *   crowd -> file, by 15,000 numbers      paths of length one
 *   top -> b -> file, by 400 of them
 *   top -> c -> 90 instances -> file
 *
 * The checks of the last two edges look at the file once, and not at all its
 * watches for each way to it, which takes seconds.
 */
TEST_TIMEOUT(a_crowd_on_a_file_is_counted_once, "79", 120)
{
	int numbers = 15000 / time_factor(), first = 0;
	struct rlimit files = { numbers + 1000, numbers + 1000 };
	int top = new_ep(), b = new_ep(), c = new_ep(), crowd = new_ep();
	int fd = new_eventfd(0);

	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (int i = 0; i < numbers; i++) {
		int number = dup(fd);

		ASSERT_GE(number, 0);
		first = first ? first : number;
		ASSERT_EQ(ep_ctl(crowd, EPOLL_CTL_ADD, number, EPOLLIN, 0), 0);
	}
	for (int i = 0; i < 90; i++) {
		int inner = new_ep();

		ASSERT_EQ(ep_ctl(inner, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
		ASSERT_EQ(ep_ctl(c, EPOLL_CTL_ADD, inner, EPOLLIN, 0), 0);
	}
	for (int i = 0; i < 400; i++)
		ASSERT_EQ(ep_ctl(b, EPOLL_CTL_ADD, first + i, EPOLLIN, 0), 0);
	EXPECT_LT(ns_of_add(top, b), 40000000);
	EXPECT_LT(ns_of_add(top, c), 40000000);
	close_owned();
}
