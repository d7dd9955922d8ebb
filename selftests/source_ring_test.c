// SPDX-License-Identifier: MIT
/*
 * User events, queues and timers in the mapped ring: what is published without
 * a call, what its payload is, and when a timer runs.
 */
#define _GNU_SOURCE
#include <poll.h>

#include "helpers.h"
#include "ringfile.h"
#include "sourcefile.h"
#include "testfiles.h"
#include "waiter.h"

#define ID	7

static int new_payload_ring(struct epx_consumer *ring, unsigned int items)
{
	int ep = new_ep();

	ASSERT_EQ(epx_ring_map_with(ep, items, EPX_RING_PAYLOAD, ring), 0);
	return ep;
}

TEST_ON(EPX, a_post_is_published_as_a_fact, "")
{
	struct epx_ring_event event;
	struct epx_payload payload;
	struct epx_consumer ring;
	int ep = new_payload_ring(&ring, 4);

	ASSERT_EQ(add_user(ep, 1, 0, 0xab), 0);
	ASSERT_EQ(add_user(ep, ID, 0, 0xda7a), 1);
	EXPECT_EQ(flags_of(&ring, 1), EPX_ITEM_ARMED);
	for (int i = 1; i <= 5; i++)
		ASSERT_EQ(epx_post(ep, ID, 100 + i), 1);
	EXPECT_EQ(slots_filled(&ring), 1);
	EXPECT_EQ(flags_of(&ring, 1),
		  EPX_ITEM_ARMED | EPX_ITEM_INRING | EPOLLIN);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.data, 0xda7a);
	EXPECT_EQ(event.events, EPOLLIN);
	EXPECT_EQ(event.item, 1);
	EXPECT_FALSE(ring.recheck);
	payload = epx_ring_payload(&ring, 1);
	EXPECT_EQ(payload.count, 5);
	EXPECT_EQ(payload.value, 105);
	EXPECT_EQ(epx_ring_payload(&ring, 0).count, 0);
	EXPECT_FALSE(epx_ring_next(&ring, &event));
	/* Nothing of it is left for a scan. */
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	ASSERT_EQ(epx_post(ep, ID, 1), 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(epx_ring_payload(&ring, 1).count, 1);
}

TEST_ON(EPX, a_post_wakes_who_sleeps_for_the_ring, "")
{
	struct waiter w = {};
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4);

	ASSERT_EQ(add_user(ep, ID, 0, 1), 0);
	waiter_sleep(&w, WAITER_EPOLL, ep, 4, -1);
	epx_post(ep, ID, 0);
	EXPECT_EQ(waiter_join(&w), 1);
	waiter_sleep(&w, WAITER_POLL, ep, 4, -1);
	epx_post(ep, ID, 0);
	EXPECT_EQ(waiter_join(&w), 1);
	EXPECT_EQ(slots_filled(&ring), 1);
	close_owned();
}

TEST_ON(EPX, a_disarmed_item_latches_posts, "")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_payload_ring(&ring, 4);

	ASSERT_EQ(add_user(ep, ID, EPOLLONESHOT, 1), 0);
	epx_post(ep, ID, 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(epx_ring_payload(&ring, 0).count, 1);
	EXPECT_EQ(flags_of(&ring, 0), 0);
	epx_post(ep, ID, 2);
	epx_post(ep, ID, 3);
	EXPECT_EQ(slots_filled(&ring), 0);
	/* In user space it has its event at once. */
	EXPECT_EQ(epx_ring_arm(&ring, 0, event.generation), EPOLLIN);
	EXPECT_EQ(epx_ring_payload(&ring, 0).count, 2);
	EXPECT_EQ(epx_ring_arm(&ring, 0, event.generation), 0);
	epx_post(ep, ID, 4);
	EXPECT_TRUE(epx_ring_next(&ring, &event));
	/* By a modify it comes into the ring, and nothing is dropped. */
	epx_post(ep, ID, 5);
	EXPECT_EQ(slots_filled(&ring), 0);
	ASSERT_EQ(mod_user(ep, ID, EPOLLONESHOT, 9), 0);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.data, 9);
	EXPECT_EQ(epx_ring_payload(&ring, 0).count, 2);
	ASSERT_EQ(mod_user(ep, ID, 0, 9), 0);
	EXPECT_EQ(slots_filled(&ring), 0);
	EXPECT_EQ(flags_of(&ring, 0), EPX_ITEM_ARMED);
}

TEST_ON(EPX, a_deleted_source_takes_its_event_along, "")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_payload_ring(&ring, 1);

	for (int life = 0; life < 3; life++) {
		ASSERT_EQ(add_user(ep, life, 0, life), 0);
		EXPECT_EQ(add_user(ep, ID, 0, 1), -ENOSPC);
		EXPECT_EQ(epx_ring_generation(&ring, 0), 2 * life + 1);
		EXPECT_EQ(ring.payloads[0].count, 0);
		epx_post(ep, life, 0);
		ASSERT_EQ(del_source(ep, life), 0);
		EXPECT_EQ(epx_ring_generation(&ring, 0), 2 * life + 2);
		EXPECT_FALSE(epx_ring_next(&ring, &event));
	}
	/* And a file has the item after it. */
	EXPECT_EQ(ring_add(ep, new_eventfd(1), EPOLLIN | EPOLLET, 8), 0);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.data, 8);
}

TEST_ON(EPX, a_queue_in_the_ring_has_its_mode, "")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	uint64_t values[4];
	int ep = new_ring(&ring, 4);

	ASSERT_EQ(add_queue(ep, 1, 4, 0, 1), 0);
	ASSERT_EQ(add_queue(ep, 2, 4, EPOLLET, 2), 1);
	epx_post(ep, 1, 10);
	epx_post(ep, 2, 20);
	EXPECT_EQ(ring_drain(&ring, &event), 2);
	EXPECT_TRUE(epx_ring_is_empty(&ring));
	/* A wait publishes what is level-triggered and left. */
	ASSERT_EQ(epx_ring_sleep(&ring, 0), 1);
	ASSERT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(event.data, 1);
	ASSERT_EQ(epx_take(ep, 1, values, 4), 1);
	EXPECT_EQ(values[0], 10);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	epx_post(ep, 2, 21);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	ASSERT_EQ(epx_take(ep, 2, values, 4), 2);
	EXPECT_EQ(values[1], 21);
}

/* No call is made until the last line. */
TEST_ON(EPX, a_timer_goes_on_as_long_as_it_is_consumed, "")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	uint64_t count = 0;
	int ep = new_payload_ring(&ring, 4), events = 0;
	int64_t begin = clock_ns(CLOCK_MONOTONIC);

	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, ID, MS, MS), 0);
	while (events < 10) {
		if (epx_ring_next(&ring, &event)) {
			EXPECT_EQ(event.data, ID);
			count += epx_ring_payload(&ring, 0).count;
			events++;
		}
		if (ring.recheck)
			epx_ring_sleep(&ring, 0);
	}
	EXPECT_GE(count, 10);
	EXPECT_LE(count, (clock_ns(CLOCK_MONOTONIC) - begin) / MS);
	ASSERT_EQ(del_source(ep, ID), 0);
}

static bool is_stopped(int ep)
{
	char line[128];

	ASSERT_TRUE(source_line(ep, ID, line, sizeof(line)));
	return strstr(line, " left:0 ");
}

TEST_ON(EPX, a_timer_that_is_not_consumed_stops_and_asks, "")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_payload_ring(&ring, 4);
	int64_t begin, set, stopped;
	uint64_t count;

	/* Of a nanosecond: else the machine would do nothing else. */
	begin = clock_ns(CLOCK_MONOTONIC);
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, ID, 1, 1), 0);
	set = clock_ns(CLOCK_MONOTONIC);
	/* Before its first expiry the time that is left is 0, too. */
	while (flags_of(&ring, 0) != (EPX_ITEM_ARMED | EPX_ITEM_INRING |
				      EPX_ITEM_RECHECK | EPOLLIN))
		before_next_look();
	stopped = clock_ns(CLOCK_MONOTONIC);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_TRUE(ring.recheck);
	count = epx_ring_payload(&ring, 0).count;
	EXPECT_GE(count, 1);
	EXPECT_LE(count, stopped - begin);
	EXPECT_TRUE(is_stopped(ep));
	/* The wait counts what has passed, and starts it. */
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	count += epx_ring_payload(&ring, 0).count;
	EXPECT_GE(count, stopped - set);
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_MOD, ID, 0, 0), 0);
	EXPECT_EQ(ring.payloads[0].count, 0);
}

/* A longer one stops at the second expiry at the earliest, which finds the first. */
TEST_ON(EPX, a_timer_of_a_short_period_stops_every_time, "")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_payload_ring(&ring, 4);

	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(set_timer(ep, EPX_CTL_PUT, ID, 1,
				    EPX_RING_PERIOD_MIN - 1), 0);
		while (flags_of(&ring, 0) != (EPX_ITEM_ARMED | EPX_ITEM_INRING |
					      EPX_ITEM_RECHECK | EPOLLIN))
			before_next_look();
		ASSERT_TRUE(epx_ring_next(&ring, &event));
		EXPECT_EQ(epx_ring_payload(&ring, 0).count, 1);
		EXPECT_TRUE(is_stopped(ep));
		/* The wait starts it. */
		pass(CLOCK_MONOTONIC, clock_ns(CLOCK_MONOTONIC) + MS);
		EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
		ASSERT_TRUE(epx_ring_next(&ring, &event));
	}
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_MOD, ID, 0, 0), 0);
	close_owned();
}

TEST_ON(EPX, a_modify_of_a_timer_drops_what_is_in_the_ring, "")
{
	struct pollfd pfd = { .events = POLLIN };
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_payload_ring(&ring, 4);

	pfd.fd = ep;
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, ID, 1, 0), 0);
	ASSERT_EQ(poll(&pfd, 1, -1), 1);
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_MOD, ID, 0, 0), 0);
	EXPECT_FALSE(epx_ring_next(&ring, &event));
	EXPECT_EQ(ring.payloads[0].count, 0);
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_MOD, ID, 1, 0), 0);
	ASSERT_EQ(epx_ring_sleep(&ring, -1), 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(epx_ring_payload(&ring, 0).count, 1);
	EXPECT_FALSE(ring.recheck);
}

TEST_ON(EPX, a_ring_takes_no_array_of_payloads, "")
{
	struct epoll_event ev[4];
	struct epx_payload_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4);

	ASSERT_EQ(add_user(ep, ID, 0, 3), 0);
	epx_post(ep, ID, 0);
	EXPECT_EQ(epx_wait_payload(ep, &event, 1, 0), -EINVAL);
	ASSERT_EQ(epx_wait(ep, ev, 4, 0), 1);
	EXPECT_EQ(ev[0].data.u64, 3);
	EXPECT_EQ(epx_ring_map(ep, 4, &ring), -EBUSY);
	close_owned();
}

TEST_ON(EPX, a_ring_comes_before_the_first_source, "")
{
	struct epx_consumer ring;
	int ep = new_ep();

	ASSERT_EQ(add_user(ep, ID, 0, 3), 0);
	EXPECT_EQ(epx_ring_map(ep, 4, &ring), -EBUSY);
	ASSERT_EQ(del_source(ep, ID), 0);
	EXPECT_EQ(epx_ring_map(ep, 4, &ring), 0);
	close_owned();
}
