// SPDX-License-Identifier: MIT
/*
 * Timers and a CLOCK_REALTIME that is set: with the timer's next event, or at
 * once for who asks for that. Each test sets the clock back to what it would be
 * without it.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/time.h>

#include <epollx.h>

#include "helpers.h"
#include "ringfile.h"
#include "sourcefile.h"
#include "testfiles.h"
#include "waiter.h"

#define ID	7
#define HOUR	(3600 * 1000 * MS)
#define AT_ONCE	(EPX_TIMER_ABSTIME | EPX_TIMER_CLOCK_SET)

static void need_clock(void)
{
	if (geteuid())
		SKIP("only root may set the clock");
}

/* A timer of CLOCK_REALTIME; @in: with EPX_TIMER_ABSTIME from now on, too. */
static int real_timer(int ep, int op, uint32_t events, uint32_t flags,
		      int64_t in, int64_t period)
{
	struct epx_source_ctl ctl = {
		.op = op, .kind = EPX_SOURCE_TIMER, .id = ID, .data = ID,
		.events = events, .clock = CLOCK_REALTIME, .flags = flags,
		.first = in, .period = period,
	};

	if ((flags & EPX_TIMER_ABSTIME) && in)
		ctl.first += clock_ns(CLOCK_REALTIME);
	return epx_source(ep, &ctl);
}

TEST_ON(EPX, a_clock_that_was_set_is_reported, "")
{
	struct epx_payload_event event;
	int ep = new_ep();

	need_clock();
	/* In an hour by that clock; and one that the clock is nothing to. */
	ASSERT_EQ(real_timer(ep, EPOLL_CTL_ADD, 0, EPX_TIMER_ABSTIME, HOUR, 0),
		  0);
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, 8, HOUR, 0), 0);
	set_clock(HOUR / 2);
	EXPECT_FALSE(next_event(ep, &event, 0));
	set_clock(HOUR / 2 + 1000 * MS);
	ASSERT_TRUE(next_event(ep, &event, -1));
	EXPECT_EQ(event.data, ID);
	EXPECT_EQ(event.count, 1);
	EXPECT_EQ(event.flags, EPX_EVENT_CLOCK_SET);
	/* Told once. */
	ASSERT_EQ(real_timer(ep, EPOLL_CTL_MOD, 0, EPX_TIMER_ABSTIME, 1, 0), 0);
	ASSERT_TRUE(next_event(ep, &event, -1));
	EXPECT_EQ(event.flags, 0);
	set_clock_back();
	EXPECT_FALSE(next_event(ep, &event, 0));
	close_owned();
}

/* The event that only says so; who sleeps is woken. */
TEST_ON(EPX, a_clock_that_is_set_is_told_at_once, "")
{
	struct pollfd pfd = { .events = POLLIN };
	struct waiter waiter = {};
	struct epx_payload_event event;
	int ep = new_ep();

	need_clock();
	pfd.fd = ep;
	ASSERT_EQ(real_timer(ep, EPOLL_CTL_ADD, 0, AT_ONCE, 2 * HOUR, 0), 0);
	EXPECT_FALSE(next_event(ep, &event, 0));
	waiter_sleep(&waiter, WAITER_POLL, ep, 1, -1);
	set_clock(HOUR);
	EXPECT_EQ(waiter_join(&waiter), 1);
	EXPECT_EQ(epx_wait_payload(ep, NULL, 1, 0), -EFAULT);
	ASSERT_TRUE(next_event(ep, &event, 0));
	EXPECT_EQ(event.events, EPOLLIN);
	EXPECT_EQ(event.data, ID);
	EXPECT_EQ(event.count, 0);
	EXPECT_EQ(event.flags, EPX_EVENT_CLOCK_SET);
	EXPECT_FALSE(next_event(ep, &event, 0));
	/* Each time, backwards too; and the timer has gone on. */
	set_clock(-HOUR / 2);
	ASSERT_TRUE(next_event(ep, &event, -1));
	EXPECT_EQ(event.count, 0);
	set_clock(2 * HOUR);
	for (int count = 0; !count; count = event.count) {
		ASSERT_TRUE(next_event(ep, &event, -1));
		EXPECT_EQ(event.count ? event.flags & ~EPX_EVENT_CLOCK_SET :
			  event.flags ^ EPX_EVENT_CLOCK_SET, 0);
	}
	set_clock_back();
	close_owned();
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT_EQ(pfd.revents, POLLNVAL);
}

TEST_ON(EPX, who_has_not_asked_is_not_woken_by_the_clock, "")
{
	struct epx_payload_event event;
	int asks = new_ep(), plain = new_ep();

	need_clock();
	ASSERT_EQ(real_timer(plain, EPOLL_CTL_ADD, 0, EPX_TIMER_ABSTIME,
			     2 * HOUR, 0), 0);
	ASSERT_EQ(real_timer(asks, EPOLL_CTL_ADD, 0, AT_ONCE, 2 * HOUR, 0), 0);
	set_clock(HOUR);
	/* All have been told when one has. */
	ASSERT_TRUE(next_event(asks, &event, -1));
	EXPECT_FALSE(next_event(plain, &event, 0));
	/* Who does not ask any more is forgotten, with what is pending. */
	set_clock(-HOUR);
	ASSERT_EQ(real_timer(asks, EPOLL_CTL_MOD, 0, EPX_TIMER_ABSTIME,
			     2 * HOUR, 0), 0);
	EXPECT_FALSE(next_event(asks, &event, 0));
	ASSERT_EQ(real_timer(plain, EPOLL_CTL_MOD, 0, AT_ONCE, 2 * HOUR, 0), 0);
	set_clock(HOUR);
	ASSERT_TRUE(next_event(plain, &event, -1));
	EXPECT_FALSE(next_event(asks, &event, 0));
	/* And a timer that is set to nothing does not ask. */
	ASSERT_EQ(real_timer(asks, EPOLL_CTL_MOD, 0, AT_ONCE, 0, 0), 0);
	set_clock_back();
	ASSERT_TRUE(next_event(plain, &event, -1));
	EXPECT_FALSE(next_event(asks, &event, 0));
	close_owned();
}

TEST_ON(EPX, a_one_shot_is_over_when_it_tells_of_the_clock, "")
{
	struct epx_payload_event event;
	char line[128];
	int ep = new_ep();

	need_clock();
	ASSERT_EQ(real_timer(ep, EPOLL_CTL_ADD, EPOLLONESHOT, AT_ONCE, HOUR,
			     MS), 0);
	set_clock(HOUR / 2);
	ASSERT_TRUE(next_event(ep, &event, -1));
	EXPECT_EQ(event.count, 0);
	ASSERT_TRUE(source_line(ep, ID, line, sizeof(line)));
	EXPECT_TRUE(strstr(line, " left:0 "));
	set_clock(HOUR);
	EXPECT_FALSE(next_event(ep, &event, 10 * MS));
	ASSERT_EQ(real_timer(ep, EPOLL_CTL_MOD, EPOLLONESHOT, AT_ONCE, HOUR,
			     0), 0);
	set_clock_back();
	EXPECT_TRUE(next_event(ep, &event, -1));
	close_owned();
}

/* Periods are counted by the clock as it is; an hour ahead are 3600 of them. */
TEST_ON(EPX, a_period_goes_on_by_the_clock_as_it_is, "")
{
	struct epx_payload_event event;
	uint64_t count = 0;
	bool told = false;
	int ep = new_ep();

	need_clock();
	ASSERT_EQ(real_timer(ep, EPOLL_CTL_ADD, 0, AT_ONCE, 1000 * MS,
			     1000 * MS), 0);
	set_clock(HOUR);
	while (count < 3600 || !told) {
		ASSERT_TRUE(next_event(ep, &event, -1));
		count += event.count;
		told |= event.flags & EPX_EVENT_CLOCK_SET;
	}
	EXPECT_LE(count, 3600 + 20);
	set_clock_back();
	close_owned();
}

TEST_ON(EPX, in_the_ring_a_clock_that_is_set_is_an_event, "")
{
	struct ring_sleeper sleeper;
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), item;

	need_clock();
	item = real_timer(ep, EPOLL_CTL_ADD, 0, AT_ONCE, 2 * HOUR, 0);
	ASSERT_GE(item, 0);
	EXPECT_EQ(ring_drain(&ring, &event), 0);
	sleeper.ring = &ring;
	ring_sleeper_start(&sleeper, &ring);
	set_clock(HOUR);
	ASSERT_GE(ring_sleeper_join(&sleeper), 0);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(event.item, item);
	EXPECT_EQ(event.events, EPOLLIN);
	ASSERT_EQ(del_source(ep, ID), 0);
	set_clock_back();
	EXPECT_EQ(ring_drain(&ring, &event), 0);
	epx_ring_unmap(&ring);
	close_owned();
}
