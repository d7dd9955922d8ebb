// SPDX-License-Identifier: MIT
/*
 * User events, queues and timers: what is refused, and how they stand changes,
 * posts and waits that make no sense together.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>

#include <epollx.h>

#include "helpers.h"
#include "sourcefile.h"
#include "testfiles.h"

#define ID	7

static struct epx_payload_event got[64];

static void refused(int ep, struct epx_source_ctl ctl, int error)
{
	EXPECT_EQ(epx_source(ep, &ctl), error);
}

TEST_ON(EPX, a_source_that_makes_no_sense_is_refused, "")
{
	const struct epx_source_ctl user = {
		.op = EPOLL_CTL_ADD, .kind = EPX_SOURCE_USER, .id = ID,
	}, queue = {
		.op = EPOLL_CTL_ADD, .kind = EPX_SOURCE_QUEUE, .id = ID,
		.depth = 1,
	};
	struct epx_source_ctl ctl;
	int ep = new_ep();

#define REFUSED(from, field, wrong)					\
	do { ctl = from; ctl.field = wrong; refused(ep, ctl, -EINVAL); } while (0)
	REFUSED(user, op, 0);
	REFUSED(user, op, 99);
	REFUSED(user, kind, 0);
	REFUSED(user, kind, EPX_SOURCE_TIMER + 1);
	REFUSED(user, events, EPOLLOUT);
	REFUSED(user, events, EPOLLEXCLUSIVE);
	REFUSED(user, events, EPOLLWAKEUP);
	REFUSED(user, flags, EPX_TIMER_ABSTIME);
	REFUSED(user, clock, CLOCK_MONOTONIC);
	REFUSED(user, depth, 1);
	REFUSED(user, reserved, 1);
	REFUSED(user, first, 1);
	REFUSED(user, period, 1);
	REFUSED(user, slack, 1);
	REFUSED(queue, depth, 0);
	REFUSED(queue, depth, EPX_QUEUE_MAX + 1);
	REFUSED(queue, first, 1);
#undef REFUSED
	EXPECT_EQ(mod_user(ep, ID, 0, 0), -ENOENT);
	ASSERT_EQ(add_queue(ep, ID, EPX_QUEUE_MAX, 0, 0), 0);
	EXPECT_EQ(mod_user(ep, ID, 0, 0), -EINVAL);
	ctl = queue;
	ctl.op = EPOLL_CTL_MOD;
	refused(ep, ctl, -EINVAL);
	ctl.depth = EPX_QUEUE_MAX;
	refused(ep, ctl, 0);
	ctl.op = EPX_CTL_PUT;
	refused(ep, ctl, 0);
	EXPECT_EQ(sources_of(ep), 1);
	close_owned();
}

TEST_ON(EPX, a_post_that_makes_no_sense_is_refused, "")
{
	struct epx_enter enter = {
		.events = -4096ULL, .maxevents = 8, .flags = EPX_WAIT_PAYLOAD,
	};
	uint64_t values[4] = {};
	int ep = new_ep();

	EXPECT_EQ(epx_post(ep, ID, 0), -ENOENT);
	EXPECT_EQ(epx_take(ep, ID, values, 1), -ENOENT);
	ASSERT_EQ(add_user(ep, ID, 0, 0), 0);
	ASSERT_EQ(set_timer(ep, EPOLL_CTL_ADD, 8, 0, 0), 0);
	ASSERT_EQ(add_queue(ep, 9, 8, 0, 0), 0);
	EXPECT_EQ(epx_post(ep, 8, 0), -EINVAL);
	EXPECT_EQ(epx_take(ep, 8, values, 1), -EINVAL);
	EXPECT_EQ(epx_take(ep, ID, values, 1), -EINVAL);
	EXPECT_EQ(epx_take(ep, 9, values, 0), -EINVAL);
	EXPECT_EQ(epx_take(ep, 9, values, EPX_POSTS_MAX + 1), -EINVAL);
	EXPECT_EQ(epx_post_many(ep, ID, values, EPX_POSTS_MAX + 1), -EINVAL);
	EXPECT_EQ(epx_post_many(ep, ID, values, 0), -EINVAL);
	EXPECT_EQ(epx_post_many(ep, ID, NULL, 1), -EFAULT);
	EXPECT_EQ(epx_wait_payload(ep, got, 0, 0), -EINVAL);
	EXPECT_EQ(epx_wait_payload(ep, got, 64, 0), 0);
	EXPECT_EQ(epx_enter(ep, &enter), -EFAULT);
	enter.flags |= EPX_WAIT_RING;
	EXPECT_EQ(epx_enter(ep, &enter), -EINVAL);
	close_owned();
}

TEST_ON(EPX, flags_are_looked_at_before_what_else_is_wrong, "")
{
	static const uint32_t wrong[] = {
		EPX_WAIT_AMOUNT, EPX_WAIT_PAYLOAD | EPX_WAIT_RING,
		EPX_WAIT_PAYLOAD | EPX_WAIT_AMOUNT | EPX_WAIT_RING,
	};
	struct epx_wait wait = {
		.events = 8, .timeout = 8, .sigmask = 8, .sigsetsize = 8,
	};
	int ep = new_ep();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		wait.flags = wrong[i] | EPX_WAIT_TIMESPEC;
		EXPECT_EQ(ioctl(ep, EPX_IOC_PWAIT, &wait), -1);
		EXPECT_EQ(errno, EINVAL);
	}
	wait.flags = EPX_WAIT_PAYLOAD | EPX_WAIT_TIMESPEC;
	EXPECT_EQ(ioctl(ep, EPX_IOC_PWAIT, &wait), -1);
	EXPECT_EQ(errno, EFAULT);
	close_owned();
}

/* Small fields in the right places, so that most of it is accepted. */
TEST_ON(EPX, sources_stand_garbage, "")
{
	static const int ops[] = {
		EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPX_CTL_PUT, EPOLL_CTL_DEL,
	};
	unsigned int seed = 20260101, added = 0;
	int ep = new_ep();

	for (int i = 0; i < 20000; i++) {
		uint64_t values[8] = {};
		unsigned int r = rand_r(&seed);
		struct epx_source_ctl ctl = {
			.op = ops[r % 4], .kind = 1 + (r >> 2) % 3,
			.id = (r >> 4) % 16, .data = i,
			.events = (r >> 8) & 1 ? EPOLLONESHOT : 0,
		};

		if (ctl.kind == EPX_SOURCE_QUEUE)
			ctl.depth = 1 + (r >> 9) % 8;
		if (ctl.kind == EPX_SOURCE_TIMER) {
			ctl.first = (r >> 9) % 4 * 1000;
			ctl.period = (r >> 11) % 4 * 10;
			ctl.flags = (r >> 13) & 1;
			ctl.clock = (r >> 14) & 1 ? CLOCK_BOOTTIME : (r >> 15) & 1;
		}
		switch ((r >> 16) % 4) {
		case 0:
			added += !epx_source(ep, &ctl);
			break;
		case 1:
			epx_post_many(ep, ctl.id, values, 1 + (r >> 18) % 8);
			break;
		case 2:
			epx_take(ep, ctl.id, values, 1 + (r >> 18) % 8);
			break;
		case 3:
			ASSERT_GE(epx_wait_payload(ep, got, (r >> 18) % 8 + 1,
						   0), 0);
			break;
		}
	}
	EXPECT_GT(added, 500);
	/* Whatever it has become, it goes. */
	for (uint32_t id = 0; id < 16; id++)
		del_source(ep, id);
	EXPECT_EQ(sources_of(ep), 0);
	EXPECT_EQ(epx_wait_payload(ep, got, 64, 0), 0);
	close_owned();
}
