// SPDX-License-Identifier: MIT
/*
 * Timers as watches: when they expire, what they count, and that a change is
 * exact. Lateness is the machine's, so that nothing is said of it here but that
 * nothing is early.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/mman.h>

#include <epollx.h>

#include "helpers.h"
#include "sourcefile.h"
#include "testfiles.h"
#include "waiter.h"

#define ID	7
#define NEVER	(1000 * SEC)

static struct epx_payload_event got[64];

static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME,
				    CLOCK_REALTIME };

TEST_ON(EPX, a_timer_expires_once_and_not_early, "")
{
	struct epx_payload_event event;

	for (int c = 0; c < 3; c++) {
		for (uint32_t flags = 0; flags <= EPX_TIMER_ABSTIME; flags++) {
			int ep = new_ep();
			int64_t at = clock_ns(clocks[c]) + 3 * MS;
			int64_t first = flags ? at : 3 * MS;

			ASSERT_EQ(timer_on(ep, EPOLL_CTL_ADD, ID, clocks[c],
					   flags, first, 0), 0);
			ASSERT_TRUE(next_event(ep, &event, -1));
			EXPECT_GE(clock_ns(clocks[c]), at);
			EXPECT_EQ(event.events, EPOLLIN);
			EXPECT_EQ(event.flags, 0);
			EXPECT_EQ(event.data, ID);
			EXPECT_EQ(event.value, 0);
			EXPECT_EQ(event.count, 1);
			EXPECT_FALSE(next_event(ep, &event, 0));
			close_owned();
		}
	}
}

TEST_ON(EPX, what_is_past_expires_at_once, "")
{
	struct epx_payload_event event;
	int ep = new_ep();

	for (int c = 0; c < 3; c++) {
		ASSERT_EQ(timer_on(ep, EPX_CTL_PUT, ID, clocks[c],
				   EPX_TIMER_ABSTIME, 1, 0), 0);
		ASSERT_TRUE(next_event(ep, &event, -1));
		EXPECT_EQ(event.count, 1);
	}
	close_owned();
}

TEST_ON(EPX, a_period_is_counted_until_it_is_delivered, "")
{
	const int64_t period = 2 * MS;
	struct epx_payload_event event;
	int64_t begin, end, least;
	uint64_t seen = 0;
	int ep = new_ep();

	begin = clock_ns(CLOCK_MONOTONIC) + period;
	ASSERT_EQ(timer_on(ep, EPOLL_CTL_ADD, ID, CLOCK_MONOTONIC,
			   EPX_TIMER_ABSTIME, begin, period), 0);
	for (int turn = 1; turn <= 5; turn++) {
		pass(CLOCK_MONOTONIC, begin + turn * 7 * MS);
		least = (clock_ns(CLOCK_MONOTONIC) - begin) / period + 1;
		ASSERT_TRUE(next_event(ep, &event, -1));
		end = clock_ns(CLOCK_MONOTONIC);
		seen += event.count;
		/* None lost, none invented: all that are over, and no more. */
		EXPECT_GE(seen, least);
		EXPECT_LE(seen, (end - begin) / period + 1);
	}
	close_owned();
}

/* Of a nanosecond: an interrupt for each would leave no time for this. */
TEST_ON(EPX, the_shortest_period_costs_an_interrupt_for_each_delivery, "")
{
	struct epx_payload_event event;
	uint64_t seen = 0;
	int64_t begin;
	int ep = new_ep();

	begin = clock_ns(CLOCK_MONOTONIC);
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, ID, 1, 1), 0);
	for (int i = 0; i < 100; i++) {
		ASSERT_TRUE(next_event(ep, &event, -1));
		EXPECT_GE(event.count, 1);
		seen += event.count;
	}
	EXPECT_LE(seen, clock_ns(CLOCK_MONOTONIC) - begin + 1);
	close_owned();
}

TEST_ON(EPX, a_plain_wait_takes_the_expiry, "")
{
	struct epoll_event ev[2];
	struct epx_payload_event event;
	int ep = new_ep();

	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, ID, MS, 0), 0);
	ASSERT_EQ(epx_wait(ep, ev, 2, -1), 1);
	EXPECT_EQ(ev[0].events, EPOLLIN);
	EXPECT_EQ(ev[0].data.u64, ID);
	EXPECT_EQ(epx_wait(ep, ev, 2, 0), 0);
	/* And a periodic one goes on. */
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_MOD, ID, MS, MS), 0);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(epx_wait(ep, ev, 2, -1), 1);
	ASSERT_TRUE(next_event(ep, &event, -1));
	close_owned();
}

TEST_ON(EPX, a_modify_drops_what_is_pending, "")
{
	struct pollfd pfd = { .events = POLLIN };
	struct epx_payload_event event;
	int ep = new_ep();

	pfd.fd = ep;
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, ID, 1, 0), 0);
	ASSERT_EQ(poll(&pfd, 1, -1), 1);
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_MOD, ID, NEVER, 0), 0);
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	EXPECT_FALSE(next_event(ep, &event, 0));
	/* Stopped, too. */
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_MOD, ID, 1, 1), 0);
	ASSERT_EQ(poll(&pfd, 1, -1), 1);
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_MOD, ID, 0, 1), 0);
	EXPECT_EQ(poll(&pfd, 1, 5), 0);
	close_owned();
}

TEST_ON(EPX, after_a_delete_no_expiry_is_delivered, "")
{
	struct epx_payload_event event;
	int ep = new_ep();

	for (int round = 0; round < 200; round++) {
		ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, ID, 1 + round * 500,
				    round & 1 ? 1 : 0), 0);
		if (round & 2)
			next_event(ep, &event, 0);
		ASSERT_EQ(del_source(ep, ID), 0);
		EXPECT_FALSE(next_event(ep, &event, 0));
	}
	EXPECT_EQ(sources_of(ep), 0);
	close_owned();
}

TEST_ON(EPX, a_one_shot_timer_stops_with_its_delivery, "")
{
	struct epx_source_ctl ctl = {
		.op = EPOLL_CTL_ADD, .kind = EPX_SOURCE_TIMER, .id = ID,
		.events = EPOLLONESHOT, .clock = CLOCK_MONOTONIC,
		.first = MS, .period = MS,
	};
	struct epx_payload_event event;
	char line[128];
	int ep = new_ep();

	ASSERT_EQ(epx_source(ep, &ctl), 0);
	ASSERT_TRUE(next_event(ep, &event, -1));
	EXPECT_GE(event.count, 1);
	EXPECT_FALSE(next_event(ep, &event, 10 * MS));
	ASSERT_TRUE(source_line(ep, ID, line, sizeof(line)));
	EXPECT_TRUE(strstr(line, " left:0 "));
	EXPECT_TRUE(strstr(line, " pending:0"));
	ctl.op = EPOLL_CTL_MOD;
	ASSERT_EQ(epx_source(ep, &ctl), 0);
	EXPECT_TRUE(next_event(ep, &event, -1));
	close_owned();
}

TEST_ON(EPX, an_expiry_that_could_not_be_written_is_kept, "")
{
	struct pollfd pfd = { .events = POLLIN };
	struct epx_payload_event event;
	uint64_t count;
	int ep = new_ep();

	pfd.fd = ep;
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, ID, 1, 0), 0);
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, 8, 1, MS), 0);
	pass(CLOCK_MONOTONIC, clock_ns(CLOCK_MONOTONIC) + 4 * MS);
	ASSERT_EQ(poll(&pfd, 1, -1), 1);
	EXPECT_EQ(epx_wait_payload(ep, NULL, 8, 0), -EFAULT);
	EXPECT_EQ(epx_wait_payload(ep, NULL, 8, 0), -EFAULT);
	ASSERT_EQ(epx_wait_payload(ep, got, 8, 0), 2);
	for (int i = 0; i < 2; i++) {
		count = got[i].count;
		if (got[i].data == ID)
			EXPECT_EQ(count, 1);
		else
			EXPECT_GE(count, 5);
	}
	EXPECT_TRUE(next_event(ep, &event, -1));
	EXPECT_EQ(event.data, 8);
	close_owned();
}

TEST_ON(EPX, an_expiry_wakes_who_waits_polls_and_nests, "")
{
	struct waiter inner_wait = {}, inner_poll = {}, outer_wait = {};
	int inner = new_ep(), outer = new_ep();

	ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 1), 0);
	ASSERT_EQ(set_timer(inner, EPOLL_CTL_ADD, ID, 0, 0), 0);
	waiter_sleep(&inner_poll, WAITER_POLL, inner, 1, -1);
	waiter_sleep(&outer_wait, WAITER_EPOLL, outer, 1, -1);
	ASSERT_EQ(set_timer(inner, EPOLL_CTL_MOD, ID, MS, 0), 0);
	EXPECT_EQ(waiter_join(&inner_poll), 1);
	EXPECT_EQ(waiter_join(&outer_wait), 1);
	ASSERT_EQ(set_timer(inner, EPOLL_CTL_MOD, ID, 0, 0), 0);
	waiter_sleep(&inner_wait, WAITER_EPOLL, inner, 1, -1);
	ASSERT_EQ(set_timer(inner, EPOLL_CTL_MOD, ID, MS, 0), 0);
	EXPECT_EQ(waiter_join(&inner_wait), 1);
	close_owned();
}

TEST_ON(EPX, timers_expire_in_the_order_of_their_times, "")
{
	int64_t at, ahead = MS;
	int ep, n = 0;

	/* All set before one expires (it would keep its place); unordered. */
	do {
		ep = new_ep();
		at = clock_ns(CLOCK_MONOTONIC) + ahead;
		for (uint32_t i = 0; i < 32; i++)
			ASSERT_EQ(timer_on(ep, EPX_CTL_PUT, i * 13 % 32,
					   CLOCK_MONOTONIC, EPX_TIMER_ABSTIME,
					   at + i * 13 % 32 * 1000, 0), 0);
		ahead *= 2;
	} while (clock_ns(CLOCK_MONOTONIC) >= at);
	while (n < 32) {
		int more = epx_wait_payload(ep, got + n, 32 - n, -1);

		ASSERT_GE(more, 1);
		n += more;
	}
	for (int i = 0; i < 32; i++)
		EXPECT_EQ(got[i].data, i);
	close_owned();
}

/* Slack may delay, to meet another timer; never beyond. */
TEST_ON(EPX, slack_is_never_early, "")
{
	struct epx_source_ctl ctl = {
		.op = EPOLL_CTL_ADD, .kind = EPX_SOURCE_TIMER, .id = ID,
		.clock = CLOCK_MONOTONIC, .flags = EPX_TIMER_ABSTIME,
		.slack = 20 * MS,
	};
	struct epx_payload_event event;
	int ep = new_ep();

	ctl.first = clock_ns(CLOCK_MONOTONIC) + 2 * MS;
	ASSERT_EQ(epx_source(ep, &ctl), 0);
	ASSERT_TRUE(next_event(ep, &event, -1));
	EXPECT_GE(clock_ns(CLOCK_MONOTONIC), ctl.first);
	close_owned();
}

TEST_ON(EPX, fdinfo_shows_the_time_that_is_left, "")
{
	long long left, period, pending;
	unsigned int clock, flags;
	char line[128];
	int ep = new_ep(), fields;

	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, ID, NEVER, 5), 0);
	ASSERT_TRUE(source_line(ep, ID, line, sizeof(line)));
	fields = sscanf(line,
			"kind:timer clock:%u flags:%x left:%lld period:%lld pending:%lld",
			&clock, &flags, &left, &period, &pending);
	ASSERT_EQ(fields, 5);
	EXPECT_EQ(clock, CLOCK_MONOTONIC);
	EXPECT_EQ(flags, 0);
	EXPECT_GT(left, NEVER - 20 * SEC);
	EXPECT_LE(left, NEVER);
	EXPECT_EQ(period, 5);
	EXPECT_EQ(pending, 0);
	close_owned();
}

TEST_ON(EPX, a_timer_that_makes_no_sense_is_refused, "")
{
	const struct epx_source_ctl good = {
		.op = EPOLL_CTL_ADD, .kind = EPX_SOURCE_TIMER, .id = ID,
		.clock = CLOCK_MONOTONIC,
	};
	struct epx_source_ctl ctl;
	int ep = new_ep();

#define REFUSED(field, wrong) do {					\
	ctl = good;							\
	ctl.field = wrong;						\
	EXPECT_EQ(epx_source(ep, &ctl), -EINVAL);			\
} while (0)
	REFUSED(clock, CLOCK_PROCESS_CPUTIME_ID);
	REFUSED(clock, CLOCK_TAI);
	REFUSED(clock, 0xffffffff);
	REFUSED(flags, EPX_TIMER_CLOCK_SET);
	REFUSED(flags, EPX_TIMER_CLOCK_SET | EPX_TIMER_ABSTIME);
	REFUSED(flags, EPX_TIMER_CLOCK_SET << 1);
	REFUSED(first, -1);
	REFUSED(period, -1);
	REFUSED(slack, 1ULL << 63);
	REFUSED(depth, 1);
	REFUSED(reserved, 1);
	REFUSED(events, EPOLLOUT);
#undef REFUSED
	ctl = good;
	ctl.first = INT64_MAX;
	ctl.period = INT64_MAX;
	ctl.slack = INT64_MAX;
	EXPECT_EQ(epx_source(ep, &ctl), 0);
	EXPECT_EQ(sources_of(ep), 1);
	close_owned();
}
