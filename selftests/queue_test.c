// SPDX-License-Identifier: MIT
/*
 * Queues of values: order, bounds, and what a plain wait makes of them.
 */
#define _GNU_SOURCE
#include <epollx.h>

#include "helpers.h"
#include "sourcefile.h"
#include "testfiles.h"

#define ID	7

static struct epx_payload_event got[64];

TEST_ON(EPX, queued_posts_are_delivered_each_in_order, "")
{
	uint64_t values[8] = { 50, 40, 30, 20, 10, 9, 8, 7 };
	int ep = new_ep();

	/* Round and round: a depth that is no power of two. */
	ASSERT_EQ(add_queue(ep, ID, 5, 0, 0xda7a), 0);
	for (int turn = 0; turn < 12; turn++) {
		ASSERT_EQ(epx_post_many(ep, ID, values, 4), 4);
		ASSERT_EQ(epx_wait_payload(ep, got, 3, 0), 3);
		for (int i = 0; i < 3; i++) {
			EXPECT_EQ(got[i].events, EPOLLIN);
			EXPECT_EQ(got[i].data, 0xda7a);
			EXPECT_EQ(got[i].value, values[i]);
			EXPECT_EQ(got[i].count, 1);
		}
		/* Full is refused, and nothing is dropped for it. */
		ASSERT_EQ(epx_post_many(ep, ID, values, 8), 4);
		ASSERT_EQ(epx_post(ep, ID, 1), -EAGAIN);
		ASSERT_EQ(epx_wait_payload(ep, got, 64, 0), 5);
		EXPECT_EQ(got[0].value, values[3]);
		for (int i = 1; i < 5; i++)
			EXPECT_EQ(got[i].value, values[i - 1]);
		ASSERT_EQ(epx_wait_payload(ep, got, 64, 0), 0);
	}
	close_owned();
}

TEST_ON(EPX, a_plain_wait_takes_nothing_from_a_queue, "")
{
	struct epoll_event ev[4];
	uint64_t values[4];
	int ep = new_ep();

	ASSERT_EQ(add_queue(ep, ID, 4, 0, 1), 0);
	ASSERT_EQ(add_queue(ep, ID + 1, 4, EPOLLET, 2), 0);
	for (int i = 0; i < 2; i++) {
		epx_post(ep, ID, 10 + i);
		epx_post(ep, ID + 1, 20 + i);
	}
	ASSERT_EQ(epx_wait(ep, ev, 4, 0), 2);
	/* The level-triggered one goes on, the other has been told. */
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(epx_wait(ep, ev, 4, 0), 1);
		EXPECT_EQ(ev[0].data.u64, 1);
	}
	epx_post(ep, ID + 1, 22);
	EXPECT_EQ(epx_wait(ep, ev, 4, 0), 2);
	ASSERT_EQ(epx_take(ep, ID, values, 4), 2);
	EXPECT_EQ(values[0], 10);
	EXPECT_EQ(values[1], 11);
	EXPECT_EQ(epx_wait(ep, ev, 4, 0), 0);
	EXPECT_EQ(epx_take(ep, ID, values, 4), -EAGAIN);
	ASSERT_EQ(epx_take(ep, ID + 1, values, 1), 1);
	EXPECT_EQ(values[0], 20);
	ASSERT_EQ(epx_take(ep, ID + 1, values, 4), 2);
	EXPECT_EQ(values[1], 22);
	close_owned();
}

TEST_ON(EPX, a_queue_shares_the_array_with_others, "")
{
	int ep = new_ep(), queued = 0, others = 0;

	ASSERT_EQ(add_queue(ep, 1, 64, EPOLLET, 1), 0);
	ASSERT_EQ(add_user(ep, 2, 0, 2), 0);
	for (int i = 0; i < 20; i++)
		epx_post(ep, 1, i);
	epx_post(ep, 2, 0);
	for (int turn = 0; turn < 4; turn++) {
		int n = epx_wait_payload(ep, got, 8, 0);

		for (int i = 0; i < n; i++) {
			if (got[i].data == 2)
				others++;
			else
				EXPECT_EQ(got[i].value, queued++);
		}
		/* At the latest in the second turn. */
		if (turn)
			EXPECT_EQ(others, 1);
	}
	EXPECT_EQ(queued, 20);
	close_owned();
}
