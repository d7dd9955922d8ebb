// SPDX-License-Identifier: MIT
/*
 * A ring that more than one thread has to do with: one polls while another
 * sleeps, one makes the ring while another waits, a file becomes ready while
 * its last event is delivered; and a program that consumes in both ways.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "helpers.h"
#include "probefile.h"
#include "ringfile.h"
#include "slowpage.h"
#include "testfiles.h"
#include "waiter.h"

/*
 * Armed again by another thread, polled by a third: what that one puts into the
 * ring is for who sleeps.
 */
TEST_ON(EPX, what_a_scan_publishes_wakes_who_sleeps, "61")
{
	struct epx_consumer ring, other;
	struct ring_sleeper sleeper;
	struct epx_ring_event event;
	struct waiter poller = {};
	int ep = new_ring(&ring, 4), fd = new_eventfd(1), item;
	struct pollfd pfd = { .fd = ep, .events = POLLIN };
	uint32_t generation;
	int outer = new_ep();

	item = ring_add(ep, fd, EPOLLIN, 7);
	generation = epx_ring_generation(&ring, item);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(ring_drain(&ring, &event), 1);
		epx_ring_disarm(&ring, item);
		if (i)
			ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, ep, EPOLLIN, 1),
				  0);
		ring_sleeper_start(&sleeper, &ring);
		ASSERT_EQ(epx_ring_arm(&ring, item, generation), 0);
		wait_until_sleeping(atomic_load(&sleeper.tid));
		if (i) {
			other = ring;
			waiter_sleep(&poller, WAITER_POLL, outer, 1, -1);
			EXPECT_EQ(epx_ring_sleep(&other, 0), 1);
			EXPECT_EQ(waiter_join(&poller), 1);
		} else {
			EXPECT_EQ(poll(&pfd, 1, 0), 1);
		}
		EXPECT_EQ(slots_filled(&ring), 1);
		EXPECT_EQ(ring_sleeper_join(&sleeper), 1);
	}
}

/*
 * The array's second event is on a page that is not there. Until it is, the
 * first one's file becomes ready again: for the next call.
 */
TEST_ON(EPX, a_call_delivers_no_watch_twice, "")
{
	struct epoll_event *events, ev[4];
	struct waiter waiter = {};
	struct epx_consumer ring;
	struct slow_page slow;
	int ep = new_ring(&ring, 4), fd[2];

	for (int i = 0; i < 2; i++) {
		fd[i] = new_eventfd(1);
		ring_add(ep, fd[i], EPOLLIN | EPOLLET, i);
	}
	slow_page_make(&slow);
	events = (struct epoll_event *)slow.page - 1;
	waiter.buffer = events;
	waiter_start(&waiter, WAITER_EPOLL, ep, 4, 0);
	slow_page_await(&slow);
	ASSERT_EQ(eventfd_write(fd[0], 1), 0);
	slow_page_fill(&slow);
	ASSERT_EQ(waiter_join(&waiter), 2);
	EXPECT_EQ(events[0].data.u64, 0);
	EXPECT_EQ(events[1].data.u64, 1);
	ASSERT_EQ(ep_wait(ep, ev, 4, 0), 1);
	EXPECT_EQ(ev[0].data.u64, 0);
	slow_page_end(&slow);
}

/* One CPU for who calls, and whether all others of it have to wait. */
static void run_on_first(bool ahead)
{
	struct sched_param param = { .sched_priority = ahead };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_EQ(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	ASSERT_EQ(sched_setscheduler(0, ahead ? SCHED_FIFO : SCHED_OTHER,
				     &param), 0);
}

struct first {
	int ep, probe, fd;
	struct epx_consumer ring;
};

/*
 * Has the instance while a wait comes, and when it leaves it, makes a ring of
 * it before the other one's turn.
 */
static void *make_ring_ahead(void *arg)
{
	struct first *first = arg;
	struct epoll_event ev;

	run_on_first(true);
	ASSERT_EQ(ep_wait(first->ep, &ev, 1, 0), 1);
	ASSERT_EQ(ep_ctl(first->ep, EPOLL_CTL_DEL, first->probe, 0, 0), 0);
	ASSERT_EQ(epx_ring_map(first->ep, 4, &first->ring), 0);
	ASSERT_EQ(ring_add(first->ep, first->fd, EPOLLIN, 77), 0);
	return NULL;
}

TEST_ON(EPX, a_wait_that_began_before_the_ring_delivers_from_it, "")
{
	struct first first = {
		.ep = new_ep(), .probe = probe_open(), .fd = new_eventfd(1),
	};
	struct waiter waiter = {};
	pthread_t thread;

	probe_set(first.probe, EPOLLIN);
	ASSERT_EQ(ep_ctl(first.ep, EPOLL_CTL_ADD, first.probe, EPOLLIN, 1), 0);
	probe_hold(first.probe);
	ASSERT_EQ(pthread_create(&thread, NULL, make_ring_ahead, &first), 0);
	probe_await_held(first.probe);
	run_on_first(false);
	waiter_start(&waiter, WAITER_EPOLL, first.ep, 1, -1);
	/* On the mutex. */
	ASSERT_TRUE(waiter_await_sleep(&waiter));
	probe_release(first.probe);
	pthread_join(thread, NULL);
	ASSERT_EQ(waiter_join(&waiter), 1);
	EXPECT_EQ(waiter.events[0].data.u64, 77);
	EXPECT_EQ(flags_of(&first.ring, 0), EPX_ITEM_ARMED);
}

/* An array in between moves the head; the library goes on from there. */
TEST_ON(EPX, the_library_goes_on_behind_an_array, "")
{
	struct epx_ring_event event;
	struct epoll_event ev[2];
	struct epx_consumer ring;
	int ep = new_ring(&ring, 2), fd[2];

	for (int i = 0; i < 2; i++) {
		fd[i] = new_eventfd(0);
		ring_add(ep, fd[i], EPOLLIN | EPOLLET, i);
	}
	EXPECT_FALSE(epx_ring_next(&ring, &event));
	eventfd_write(fd[0], 1);
	ASSERT_EQ(ep_wait(ep, ev, 2, 0), 1);
	for (int round = 0; round < 3; round++) {
		/* From slot 1 on, and round. */
		eventfd_write(fd[0], 1);
		eventfd_write(fd[1], 1);
		ASSERT_EQ(epx_ring_wait(&ring, &event, 1, 0), 1);
		EXPECT_EQ(event.data, 0);
		ASSERT_EQ(epx_ring_wait(&ring, &event, 1, 0), 1);
		EXPECT_EQ(event.data, 1);
		EXPECT_EQ(slots_filled(&ring), 0);
		EXPECT_EQ(epx_ring_wait(&ring, &event, 1, 0), 0);
		eventfd_write(fd[0], 1);
		ASSERT_EQ(ep_wait(ep, ev, 2, 0), 1);
	}
}

/**
 * struct flipper - a thread that arms and disarms an item all the time
 * @ring: the ring; the item is 0
 * @over: stop
 * @undone: was armed, and is not
 */
struct flipper {
	struct epx_consumer *ring;
	atomic_bool over;
	int undone;
};

static void *flip(void *arg)
{
	struct flipper *flipper = arg;
	struct epx_consumer *ring = flipper->ring;
	uint32_t generation = epx_ring_generation(ring, 0);

	while (!atomic_load(&flipper->over)) {
		if (!epx_ring_arm(ring, 0, generation) &&
		    !(flags_of(ring, 0) & EPX_ITEM_ARMED))
			flipper->undone++;
		epx_ring_disarm(ring, 0);
	}
	return NULL;
}

/* However often the word changes while an array takes the event. */
TEST_ON(EPX, an_array_undoes_no_arming, "")
{
	struct epx_consumer ring;
	struct flipper flipper = { .ring = &ring };
	int ep = new_ring(&ring, 1), fd = new_eventfd(0);
	struct epoll_event ev;
	pthread_t thread;

	ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	ASSERT_EQ(pthread_create(&thread, NULL, flip, &flipper), 0);
	for (int i = 0; i < 30000; i++) {
		ASSERT_EQ(eventfd_write(fd, 1), 0);
		EXPECT_GE(ep_wait(ep, &ev, 1, 0), 0);
	}
	atomic_store(&flipper.over, true);
	pthread_join(thread, NULL);
	EXPECT_EQ(flipper.undone, 0);
}
