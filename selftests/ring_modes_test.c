// SPDX-License-Identifier: MIT
/*
 * Hints, marks and facts by key, context and mode, seen through the probe
 * device, whose ->poll and wake-ups are what the test says; and instances with
 * a ring above and below other instances.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "helpers.h"
#include "probefile.h"
#include "ringfile.h"
#include "testfiles.h"
#include "waiter.h"

#define ALL	(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND | \
		 EPOLLWRNORM | EPOLLWRBAND | EPOLLRDHUP)
#define HINTS	(EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM)

static int ring_with_probe(struct epx_consumer *ring, int *probe,
			   uint32_t events)
{
	int ep = new_ring(ring, 8);

	*probe = probe_open();
	ring_add(ep, *probe, events, 5);
	return ep;
}

TEST_ON(EPX, four_bits_are_hints_and_others_are_marks, "31")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int probe;

	ring_with_probe(&ring, &probe, ALL | EPOLLET);
	for (uint32_t bit = 1; bit <= EPOLLRDHUP; bit <<= 1) {
		bool asked = bit & (ALL | EPOLLERR | EPOLLHUP);
		uint32_t flags = EPX_ITEM_ARMED;

		probe_wake(probe, bit);
		if (asked)
			flags |= EPX_ITEM_INRING;
		if (asked && bit & HINTS)
			flags |= bit;
		else if (asked)
			flags |= EPX_ITEM_RECHECK;
		EXPECT_EQ(flags_of(&ring, 0), flags);
		/* The file is not ready: a hint comes, a mark comes to nothing. */
		EXPECT_EQ(ring_drain(&ring, &event), asked && bit & HINTS);
		EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	}
}

TEST_ON(EPX, a_key_outside_of_the_mask_is_nothing, "31")
{
	struct epx_consumer ring;
	int probe;

	ring_with_probe(&ring, &probe, EPOLLIN | EPOLLET);
	probe_wake(probe, EPOLLOUT | EPOLLPRI | EPOLLRDNORM);
	EXPECT_EQ(flags_of(&ring, 0), EPX_ITEM_ARMED);
	/* What is beside a bit of the mask does not count. */
	probe_wake(probe, EPOLLIN | EPOLLPRI | EPOLLRDBAND);
	EXPECT_EQ(flags_of(&ring, 0),
		  EPX_ITEM_ARMED | EPX_ITEM_INRING | EPOLLIN);
}

TEST_ON(EPX, a_mark_becomes_facts, "27 31")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int probe;

	ring_with_probe(&ring, &probe, EPOLLIN | EPOLLPRI | EPOLLET);
	probe_set(probe, EPOLLIN | EPOLLPRI | EPOLLERR | EPOLLOUT);
	probe_wake(probe, 0);
	EXPECT_EQ(flags_of(&ring, 0),
		  EPX_ITEM_ARMED | EPX_ITEM_INRING | EPX_ITEM_RECHECK);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
	EXPECT_EQ(flags_of(&ring, 0), EPX_ITEM_ARMED | EPX_ITEM_INRING |
		  EPOLLIN | EPOLLPRI | EPOLLERR);
	EXPECT_EQ(probe_state(probe).polls, 2);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(event.events, EPOLLIN | EPOLLPRI | EPOLLERR);
	/* One poll for one mark. */
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	EXPECT_EQ(probe_state(probe).polls, 2);
}

TEST_ON(EPX, an_edge_is_not_polled_without_a_mark, "57")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int probe;

	ring_with_probe(&ring, &probe, EPOLLIN | EPOLLET);
	probe_set(probe, EPOLLIN);
	for (int i = 0; i < 3; i++) {
		probe_wake(probe, EPOLLIN);
		EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
		EXPECT_EQ(ring_drain(&ring, &event), 1);
		EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	}
	EXPECT_EQ(probe_state(probe).polls, 1);
}

TEST_ON(EPX, a_mark_disarms_no_one_shot, "36 37")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int probe;

	ring_with_probe(&ring, &probe, EPOLLIN | EPOLLPRI | EPOLLONESHOT);
	probe_set(probe, EPOLLPRI);
	probe_wake(probe, 0);
	EXPECT_EQ(ring_drain(&ring, &event), 0);
	EXPECT_TRUE(ring.recheck);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
	ASSERT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(event.events, EPOLLPRI);
	/* The event did. */
	probe_wake(probe, EPOLLIN);
	EXPECT_EQ(slots_filled(&ring), 0);
	EXPECT_EQ(epx_ring_arm(&ring, 0, 1), EPOLLIN);
}

TEST_ON(EPX, a_level_in_the_ring_is_not_polled, "34")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int probe;

	ring_with_probe(&ring, &probe, EPOLLIN);
	probe_set(probe, EPOLLIN);
	probe_wake(probe, EPOLLIN);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
	EXPECT_EQ(probe_state(probe).polls, 1);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
	EXPECT_EQ(probe_state(probe).polls, 2);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
	/* Nor is one that is disarmed. */
	epx_ring_disarm(&ring, 0);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	EXPECT_EQ(probe_state(probe).polls, 2);
	EXPECT_EQ(epx_ring_arm(&ring, 0, 1), 0);
	probe_set(probe, 0);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	/* Looked at twice when it leaves the list, and then no more. */
	EXPECT_EQ(probe_state(probe).polls, 4);
}

TEST_ON(EPX, hints_come_from_every_context, "31")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int probe;

	ring_with_probe(&ring, &probe, EPOLLIN | EPOLLPRI | EPOLLET);
	for (uint32_t context = EPX_PROBE_TASK; context <= EPX_PROBE_HARDIRQ;
	     context++) {
		EXPECT_EQ(probe_wake_from(probe, EPOLLIN, 0, context, 0), 0);
		ASSERT_EQ(ring_drain(&ring, &event), 1);
		EXPECT_EQ(event.events, EPOLLIN);
		EXPECT_EQ(probe_wake_from(probe, 0, 0, context, 0), 0);
		EXPECT_EQ(ring_drain(&ring, &event), 0);
		EXPECT_TRUE(ring.recheck);
		EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	}
	EXPECT_GT(probe_state(probe).hard_wakes, 0);
	EXPECT_GT(probe_state(probe).soft_wakes, 0);
}

TEST_ON(EPX, two_heads_share_one_slot, "32")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int probe = probe_open(), ep = new_ring(&ring, 4);

	probe_heads(probe, 2);
	ring_add(ep, probe, EPOLLIN | EPOLLOUT | EPOLLONESHOT, 5);
	EXPECT_EQ(probe_wake_from(probe, EPOLLIN, 0, EPX_PROBE_HARDIRQ, 0), 0);
	EXPECT_EQ(probe_wake_from(probe, EPOLLOUT, 1, EPX_PROBE_TASK, 0), 0);
	EXPECT_EQ(slots_filled(&ring), 1);
	ASSERT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(event.events, EPOLLIN | EPOLLOUT);
	EXPECT_EQ(probe_wake_from(probe, EPOLLOUT, 1, EPX_PROBE_TASK, 0), 0);
	EXPECT_EQ(slots_filled(&ring), 0);
	EXPECT_EQ(epx_ring_arm(&ring, 0, 1), EPOLLOUT);
}

TEST_ON(EPX, a_freed_queue_leaves_a_mark, "72")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int probe;

	ring_with_probe(&ring, &probe, EPOLLIN | EPOLLET);
	probe_set(probe, EPOLLHUP);
	EXPECT_EQ(probe_wake_from(probe, EPOLLHUP, 0, EPX_PROBE_TASK,
				  EPX_PROBE_FREE), 0);
	EXPECT_EQ(ring_drain(&ring, &event), 0);
	EXPECT_TRUE(ring.recheck);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
	ASSERT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(event.events, EPOLLHUP);
	EXPECT_EQ(epx_change(ring.epfd, EPOLL_CTL_DEL, probe, 0, 0), 0);
}

/* probe ──┬─▶ ring instance, exclusive
 *         └─▶ second instance, exclusive
 */
TEST_ON(EPX, an_exclusive_watch_takes_a_wakeup_for_a_sleeper_only, "40 41")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	struct waiter w = {};
	int ep = new_ring(&ring, 4), probe = probe_open(), second = new_ep();

	probe_set(probe, EPOLLIN);
	ring_add(ep, probe, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, 1);
	ASSERT_EQ(ep_ctl(second, EPOLL_CTL_ADD, probe,
			 EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, 2), 0);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(ready_now(second), 1);
	/* Nobody sleeps: both are told. */
	probe_wake(probe, EPOLLIN);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(ready_now(second), 1);
	/* A sleeper takes it. */
	waiter_sleep(&w, WAITER_EPOLL, ep, 1, -1);
	probe_wake(probe, EPOLLIN);
	EXPECT_EQ(waiter_join(&w), 1);
	EXPECT_EQ(ready_now(second), 0);
	/* Not for a disarmed item. */
	epx_ring_disarm(&ring, 0);
	memset(&w, 0, sizeof(w));
	waiter_sleep(&w, WAITER_EPOLL, ep, 1, -1);
	probe_wake(probe, EPOLLIN);
	EXPECT_EQ(ready_now(second), 1);
	EXPECT_TRUE(waiter_is_undisturbed(&w));
	EXPECT_EQ(epx_ring_arm(&ring, 0, 1), EPOLLIN);
	EXPECT_EQ(epx_ring_arm(&ring, 0, 1), 0);
	probe_wake(probe, EPOLLIN);
	EXPECT_EQ(waiter_join(&w), 1);
}

/* file ──▶ ring instance ──▶ native epoll, or an instance, or one with a ring */
TEST_ON(EPX, a_ring_is_watched_by_others, "76 80")
{
	struct epx_consumer ring, outer_ring;
	struct epx_ring_event event;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = new_ring(&ring, 4), fd = new_eventfd(0);
	int native = own(epoll_create1(0)), outer = new_ep(), above;

	above = new_ring(&outer_ring, 4);
	ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	ASSERT_EQ(epoll_ctl(native, EPOLL_CTL_ADD, ep, &ev), 0);
	ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, ep, EPOLLIN, 0), 0);
	ring_add(above, ep, EPOLLIN, 3);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(epoll_wait(native, &ev, 1, 0), 0);
		EXPECT_EQ(ready_now(outer), 0);
		EXPECT_EQ(epx_ring_sleep(&outer_ring, 0), 0);
		eventfd_write(fd, 1);
		EXPECT_EQ(epoll_wait(native, &ev, 1, 0), 1);
		EXPECT_EQ(ready_now(outer), 1);
		EXPECT_EQ(ready_now(outer), 1);
		ASSERT_EQ(ring_drain(&outer_ring, &event), 1);
		EXPECT_EQ(event.data, 3);
		EXPECT_EQ(epx_ring_sleep(&outer_ring, 0), 1);
		EXPECT_EQ(ring_drain(&outer_ring, &event), 1);
		ASSERT_EQ(ring_drain(&ring, &event), 1);
	}
}

TEST_ON(EPX, rings_nest_as_deep_as_instances_do, "77 78")
{
	struct epx_consumer ring[6];
	struct epx_ring_event event;
	int ep[6], fd = new_eventfd(0);

	for (int i = 0; i < 6; i++)
		ep[i] = new_ring(&ring[i], 2);
	ring_add(ep[0], fd, EPOLLIN | EPOLLET, 1);
	for (int i = 1; i < 5; i++)
		ring_add(ep[i], ep[i - 1], EPOLLIN, 1);
	EXPECT_EQ(epx_change(ep[5], EPOLL_CTL_ADD, ep[4], EPOLLIN, 1), -ELOOP);
	EXPECT_EQ(epx_change(ep[0], EPOLL_CTL_ADD, ep[4], EPOLLIN, 1), -ELOOP);
	eventfd_write(fd, 1);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(slots_filled(&ring[i]), 1);
	EXPECT_EQ(ring_drain(&ring[4], &event), 1);
	EXPECT_EQ(epx_ring_sleep(&ring[4], 0), 1);
	/* Emptied from below, all are polled empty from above. */
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(ring_drain(&ring[i], &event), 1);
	EXPECT_EQ(epx_ring_sleep(&ring[4], 0), 0);
}
