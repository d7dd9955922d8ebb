// SPDX-License-Identifier: MIT
/*
 * A million timers in one instance (20,000 on the debug kernels): what each
 * delivers is known exactly, whatever the machine's speed.
 *
 * A timer's part is its id % PARTS. "Soon" are points in time spread over some
 * seconds from the beginning, not in the order of the ids, so that some are past
 * before their timer is set or changed and some are not; "far" are spread over
 * hours.
 *
 *	part		set	changed		delivers
 *	FIRES		soon	no		once
 *	HASTENED	far	to soon		once, after the change
 *	POSTPONED	soon	to far		at most once, before the change
 *	CANCELLED	soon	deleted		at most once, before the delete
 *	FORGOTTEN	far	deleted		nothing
 *	the others	far	no		nothing: the close finds them running
 *
 * An event says by its data which setting of the timer it is of.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include <epollx.h>

#include "helpers.h"
#include "sourcefile.h"
#include "testfiles.h"

enum part { FIRES, HASTENED, POSTPONED, CANCELLED, FORGOTTEN, PARTS = 16 };

#define HOUR		(3600 * 1000 * MS)
#define BETWEEN_LOOKS	1000
/* Prime, and so no divisor of how many there are. */
#define SCATTER		7919

/**
 * struct setting - of one timer
 * @due: when it expires, from the beginning on
 * @number: how often it has been set; 0: deleted
 * @delivered: this setting has been
 */
struct setting {
	int64_t due;
	uint8_t number;
	bool delivered;
};

static struct setting *settings;
static int64_t begin;
static uint32_t nr_timers, nr_expected;
static int instance;

static int64_t scattered(uint32_t id)
{
	return (uint64_t)id * SCATTER % nr_timers;
}

/* 62,500 of a part: one each 40 us in all, more slowly on debug. */
static int64_t soon_end(void)
{
	return (int64_t)nr_timers * 10000 * time_factor();
}

static int64_t soon(uint32_t id)
{
	return soon_end() * scattered(id) / nr_timers;
}

static int64_t far(uint32_t id)
{
	return HOUR + scattered(id) * 10 * MS;
}

static void set(int op, uint32_t id, int64_t due)
{
	struct setting *setting = &settings[id];
	struct epx_source_ctl ctl = {
		.op = op, .kind = EPX_SOURCE_TIMER, .id = id,
		.clock = CLOCK_MONOTONIC, .flags = EPX_TIMER_ABSTIME,
		.first = begin + due,
	};

	setting->number++;
	setting->due = due;
	setting->delivered = false;
	ctl.data = (uint64_t)setting->number << 32 | id;
	ASSERT_EQ(epx_source(instance, &ctl), 0);
	nr_expected += due < HOUR;
}

static void delete(uint32_t id)
{
	ASSERT_EQ(del_source(instance, id), 0);
	settings[id].number = 0;
	settings[id].due = 0;
}

static void is_right(const struct epx_payload_event *event, int64_t now)
{
	struct setting *setting = &settings[(uint32_t)event->data];

	ASSERT_LT((uint32_t)event->data, nr_timers);
	ASSERT_EQ(event->data >> 32, setting->number);
	ASSERT_FALSE(setting->delivered);
	ASSERT_GE(now, begin + setting->due);
	ASSERT_EQ(event->count, 1);
	ASSERT_EQ(event->events, EPOLLIN);
	setting->delivered = true;
	nr_expected--;
}

/* What there is now, or the next after a sleep. */
static void look(int64_t timeout)
{
	static struct epx_payload_event got[1024];
	int n = epx_wait_payload(instance, got, 1024, timeout);
	int64_t now = clock_ns(CLOCK_MONOTONIC);

	ASSERT_GE(n, 0);
	for (int i = 0; i < n; i++)
		is_right(&got[i], now);
}

static void set_all(void)
{
	for (uint32_t id = 0; id < nr_timers; id++) {
		enum part part = id % PARTS;
		bool is_soon = part == FIRES || part == POSTPONED ||
			       part == CANCELLED;

		set(EPOLL_CTL_ADD, id, is_soon ? soon(id) : far(id));
		if (id % BETWEEN_LOOKS == 0)
			look(0);
	}
}

/* A soon that has not been delivered until now will not be. */
static void give_up(uint32_t id)
{
	nr_expected -= !settings[id].delivered;
}

static void change(uint32_t id)
{
	switch ((enum part)(id % PARTS)) {
	case HASTENED:
		set(EPOLL_CTL_MOD, id, soon(id));
		break;
	case POSTPONED:
		give_up(id);
		set(EPOLL_CTL_MOD, id, far(id));
		break;
	case CANCELLED:
		give_up(id);
		delete(id);
		break;
	case FORGOTTEN:
		delete(id);
		break;
	default:
		break;
	}
}

static void change_some(void)
{
	for (uint32_t id = 0; id < nr_timers; id++) {
		change(id);
		if (id % BETWEEN_LOOKS == 0)
			look(0);
	}
}

/* What has been deleted is unknown, what has not is there. */
static void look_for_some(void)
{
	for (uint32_t id = 0; id < nr_timers; id += 997)
		EXPECT_EQ(epx_post(instance, id, 0),
			  settings[id].number ? -EINVAL : -ENOENT);
}

static void run_timers(void)
{
	instance = new_ep();
	settings = calloc(nr_timers, sizeof(*settings));
	ASSERT_TRUE(settings);
	begin = clock_ns(CLOCK_MONOTONIC);
	set_all();
	change_some();
	while (nr_expected)
		look(-1);
	/* After the last soon of all: what was cancelled would have come. */
	set(EPOLL_CTL_MOD, 0, soon_end());
	while (nr_expected)
		look(-1);
	EXPECT_EQ(epx_wait(instance, &(struct epoll_event){}, 1, 0), 0);
	look_for_some();
	close_owned();
	free(settings);
}

TEST_FULL(a_million_timers_in_one_instance, "", ON_EPX, 120)
{
	long limit = watch_limit();

	if (geteuid())
		SKIP("needs root, for as many watches");
	nr_timers = time_factor() > 1 ? 20000 : 1000000;
	ASSERT_EQ(set_watch_limit(limit + nr_timers), 0);
	run_timers();
	EXPECT_EQ(set_watch_limit(limit), 0);
}
