// SPDX-License-Identifier: MIT
/*
 * The tracepoints of sources: a post, an expiry, and what takes them. Those of
 * files are in trace_test.c.
 */
#define _GNU_SOURCE
#include <string.h>

#include <epollx.h>

#include "helpers.h"
#include "ringfile.h"
#include "sourcefile.h"
#include "testfiles.h"
#include "tracefile.h"

static void is_source(const struct line *line, uint32_t id, const char *mask,
		      const char *context)
{
	EXPECT_EQ(number(line, "fd"), id);
	EXPECT_TRUE(has(line, mask, "IN"));
	EXPECT_TRUE(is(line, "context", context));
}

/* A post that queues the source and one that finds it queued, and what takes. */
static void post_twice_and_take(int ep)
{
	uint64_t value[2];
	struct epx_payload_event event;

	ASSERT_EQ(add_user(ep, 11, EPOLLONESHOT, 0), 0);
	ASSERT_EQ(add_queue(ep, 12, 4, 0, 0), 0);
	ASSERT_EQ(epx_post(ep, 11, 1), 1);
	ASSERT_EQ(epx_post_many(ep, 11, (uint64_t[]){ 2, 3 }, 2), 2);
	ASSERT_TRUE(next_event(ep, &event, 0));
	ASSERT_EQ(epx_post(ep, 12, 1), 1);
	ASSERT_EQ(epx_take(ep, 12, value, 2), 1);
	ASSERT_EQ(epx_take(ep, 12, value, 2), -EAGAIN);
	/* Disarmed, and unknown: nobody hears of it. */
	ASSERT_EQ(epx_post(ep, 11, 1), 1);
	ASSERT_EQ(epx_post(ep, 13, 1), -ENOENT);
	ASSERT_EQ(del_source(ep, 11), 0);
}

TEST_ON(EPX, posts_and_takes_are_traced, "")
{
	static const char * const ops[] = { "ADD", "ADD", "DEL" };
	int ep = new_ep(), at = 0;
	char watch[32];
	struct line *line;

	trace_begin();
	post_twice_and_take(ep);
	trace_end();

	for (int i = 0; i < 3; i++) {
		line = trace_next(&at, "ctl", "");
		EXPECT_TRUE(is(line, "op", ops[i]));
		EXPECT_EQ(number(line, "fd"), i == 1 ? 12 : 11);
		EXPECT_EQ(number(line, "ret"), 0);
	}
	at = 0;
	for (int pushed = 1; pushed >= 0; pushed--) {
		line = trace_next(&at, "wake", "");
		is_source(line, 11, "key", "task");
		EXPECT_TRUE(has(line, "events", "ONESHOT"));
		EXPECT_EQ(number(line, "pushed"), pushed);
	}
	snprintf(watch, sizeof(watch), "%s", field(line, "watch"));
	line = trace_next(&at, "deliver", "");
	is_source(line, 11, "revents", "task");
	EXPECT_TRUE(is(line, "watch", watch));
	EXPECT_EQ(number(trace_next(&at, "return", ""), "ret"), 1);
	is_source(trace_next(&at, "wake", ""), 12, "key", "task");
	is_source(trace_next(&at, "deliver", ""), 12, "revents", "task");
	EXPECT_EQ(trace_lines(), 9);
	close_owned();
}

/* An interrupt, whose line comes before that of the wait that it ends. */
TEST_ON(EPX, an_expiry_is_traced_where_it_ran, "")
{
	struct epx_payload_event event;
	int ep = new_ep(), at = 0;
	struct line *line;

	trace_begin();
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, 21, MS, 0), 0);
	ASSERT_TRUE(next_event(ep, &event, -1));
	trace_end();

	EXPECT_EQ(number(trace_next(&at, "ctl", ""), "fd"), 21);
	line = trace_next(&at, "wake", "");
	is_source(line, 21, "key", "hardirq");
	EXPECT_EQ(number(line, "pushed"), 1);
	is_source(trace_next(&at, "deliver", ""), 21, "revents", "task");
	EXPECT_EQ(number(trace_next(&at, "return", ""), "ret"), 1);
	EXPECT_EQ(trace_count("wake"), 1);
	EXPECT_EQ(trace_count("deliver"), 1);
	close_owned();
}

/* There pushed= says whether the item is in the ring: not if it is disarmed. */
TEST_ON(EPX, in_the_ring_a_post_is_traced_when_it_is_published, "")
{
	struct epx_consumer ring;
	struct epx_ring_event last;
	int ep = new_ring(&ring, 4), at = 0, item;

	item = add_user(ep, 31, EPOLLONESHOT, 0);
	ASSERT_GE(item, 0);
	trace_begin();
	ASSERT_EQ(epx_post(ep, 31, 1), 1);
	ASSERT_EQ(ring_drain(&ring, &last), 1);
	ASSERT_EQ(epx_post(ep, 31, 2), 1);
	trace_end();
	EXPECT_EQ(last.item, item);
	for (int told = 1; told >= 0; told--) {
		struct line *line = trace_next(&at, "wake", "");

		is_source(line, 31, "key", "task");
		EXPECT_EQ(number(line, "pushed"), told);
	}
	EXPECT_EQ(trace_lines(), 2);
	epx_ring_unmap(&ring);
	close_owned();
}
