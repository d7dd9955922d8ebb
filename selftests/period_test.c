// SPDX-License-Identifier: MIT
/*
 * Periods: that a timer counts each of them once, whatever delays its delivery
 * or makes it fail.
 *
 *   begin    +1       +2       +3        periods
 *     |--------|--------|--------|----
 *              ^ an expiry, some slack late: counts 2
 */
#define _GNU_SOURCE
#include <poll.h>
#include <string.h>

#include "helpers.h"
#include "ringfile.h"
#include "sourcefile.h"
#include "testfiles.h"

#define ID	7
#define PERIOD	(5 * MS)
#define LONG	(400 * MS)

/* Expiries of a timer from @begin on that are over at @now. */
static uint64_t over(int64_t begin, int64_t now, int64_t period)
{
	return now < begin ? 0 : (now - begin) / period + 1;
}

static uint64_t over_now(int64_t begin, int64_t period)
{
	return over(begin, clock_ns(CLOCK_MONOTONIC), period);
}

/*
 * Where it begins. It may expire with an interrupt of the clock that comes before
 * the end of its slack, every 4 ms: most of the time there is one.
 */
static int64_t add_slack_timer(int ep)
{
	struct epx_source_ctl ctl = {
		.op = EPOLL_CTL_ADD, .kind = EPX_SOURCE_TIMER, .id = ID,
		.clock = CLOCK_MONOTONIC, .flags = EPX_TIMER_ABSTIME,
		.first = clock_ns(CLOCK_MONOTONIC) + MS, .period = PERIOD,
		.slack = 3 * MS,
	};

	ASSERT_GE(epx_source(ep, &ctl), 0);
	return ctl.first;
}

/* Never asleep: an idle CPU's clock does not tick. */
TEST_ON(EPX, slack_adds_no_periods, "")
{
	struct epx_payload_event event;
	uint64_t seen = 0, least;
	int ep = new_ep();
	int64_t begin = add_slack_timer(ep);

	while (clock_ns(CLOCK_MONOTONIC) < begin + LONG || !seen) {
		least = over_now(begin, PERIOD);
		if (!next_event(ep, &event, 0))
			continue;
		seen += event.count;
		ASSERT_GE(seen, least);
		ASSERT_LE(seen, over_now(begin, PERIOD));
	}
	close_owned();
}

TEST_ON(EPX, slack_adds_no_periods_in_the_ring, "")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	uint64_t seen = 0;
	int64_t begin;
	int ep = new_ep();

	ASSERT_EQ(epx_ring_map_with(ep, 1, EPX_RING_PAYLOAD, &ring), 0);
	begin = add_slack_timer(ep);
	while (clock_ns(CLOCK_MONOTONIC) < begin + LONG || !seen) {
		if (epx_ring_next(&ring, &event))
			seen += epx_ring_payload(&ring, 0).count;
		if (ring.recheck)
			epx_ring_sleep(&ring, 0);
		ASSERT_LE(seen, over_now(begin, PERIOD));
	}
	close_owned();
}

/* A periodic one-shot timer, pending. Where it begins. */
static int64_t add_once(int ep, int64_t period)
{
	struct pollfd pfd = { .fd = ep, .events = POLLIN };
	struct epx_source_ctl ctl = {
		.op = EPOLL_CTL_ADD, .kind = EPX_SOURCE_TIMER, .id = ID,
		.events = EPOLLONESHOT, .clock = CLOCK_MONOTONIC,
		.flags = EPX_TIMER_ABSTIME,
		.first = clock_ns(CLOCK_MONOTONIC) + MS, .period = period,
	};

	ASSERT_EQ(epx_source(ep, &ctl), 0);
	ASSERT_EQ(poll(&pfd, 1, -1), 1);
	return ctl.first;
}

/* Its one event, and that it is the last. */
static void comes_once(int ep, int64_t begin, int64_t period)
{
	uint64_t least = over_now(begin, period);
	struct epx_payload_event event;
	char line[128];

	ASSERT_TRUE(next_event(ep, &event, 0));
	EXPECT_GE(event.count, least);
	EXPECT_LE(event.count, over_now(begin, period));
	ASSERT_TRUE(source_line(ep, ID, line, sizeof(line)));
	EXPECT_TRUE(strstr(line, " left:0 "));
	EXPECT_TRUE(strstr(line, " pending:0"));
	close_owned();
}

TEST_ON(EPX, a_one_shot_counts_until_it_is_delivered, "")
{
	int ep = new_ep();
	int64_t begin = add_once(ep, MS);

	pass(CLOCK_MONOTONIC, begin + 20 * MS);
	comes_once(ep, begin, MS);
}

TEST_ON(EPX, a_one_shot_that_could_not_be_written_counts_on, "")
{
	int ep = new_ep();
	int64_t begin = add_once(ep, MS);

	pass(CLOCK_MONOTONIC, begin + 5 * MS);
	EXPECT_EQ(epx_wait_payload(ep, NULL, 8, 0), -EFAULT);
	pass(CLOCK_MONOTONIC, begin + 20 * MS);
	comes_once(ep, begin, MS);
}

/* Of an hour: it is delivered before its next expiry, and is over all the same. */
TEST_ON(EPX, a_one_shot_that_could_not_be_written_stops, "")
{
	int ep = new_ep();
	int64_t begin = add_once(ep, 3600 * SEC);

	EXPECT_EQ(epx_wait_payload(ep, NULL, 8, 0), -EFAULT);
	comes_once(ep, begin, 3600 * SEC);
}

/* Every millisecond of a clock that has just been set. */
static int new_timer_of_a_set_clock(void)
{
	struct pollfd pfd = { .events = POLLIN };
	int ep = new_ep();

	if (geteuid())
		SKIP("only root may set the clock");
	pfd.fd = ep;
	ASSERT_EQ(timer_on(ep, EPOLL_CTL_ADD, ID, CLOCK_REALTIME,
			   EPX_TIMER_ABSTIME,
			   clock_ns(CLOCK_REALTIME) + 3600 * SEC, MS), 0);
	set_clock(3601 * SEC);
	ASSERT_EQ(poll(&pfd, 1, -1), 1);
	return ep;
}

/* The next two events of such a timer. */
static void is_told_once(int ep)
{
	struct epx_payload_event event;

	ASSERT_TRUE(next_event(ep, &event, -1));
	EXPECT_EQ(event.flags, EPX_EVENT_CLOCK_SET);
	ASSERT_TRUE(next_event(ep, &event, -1));
	EXPECT_EQ(event.flags, 0);
}

TEST_ON(EPX, a_set_clock_that_could_not_be_told_is_told_later, "")
{
	struct epoll_event plain;
	int ep = new_timer_of_a_set_clock();

	EXPECT_EQ(epx_wait_payload(ep, NULL, 8, 0), -EFAULT);
	/* Which has no room for it. */
	EXPECT_EQ(epx_wait(ep, &plain, 1, -1), 1);
	is_told_once(ep);
	set_clock_back();
	close_owned();
}
