// SPDX-License-Identifier: MIT
/*
 * Timers that expire just when they are changed, ended or waited for.
 *
 *	left				right
 *	MOD to much later		set; expiry; wait
 *	DEL				set; expiry; wait
 *	close(instance)			expiry
 *	wait				expiry of every period
 *
 * The expiry is no thread's: a round sets the timer to a time at which both
 * sides have begun. It comes in a hard interrupt on the CPU that has set it: on
 * left's, between two of its instructions, or on right's, beside them.
 *
 * Invariants: after a MOD or a DEL no expiry of an earlier setting is reported;
 * as many periods are counted as have passed.
 */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <unistd.h>

#include <epollx.h>

#include "sourcefile.h"
#include "stress.h"

#define ID	3
#define NEVER	(1000000 * MS)
#define PERIOD	20000
#define TRACING	"/sys/kernel/tracing/"

static struct epx_payload_event got[64];
/* Of this round: right sets the timer, and has. */
static bool right_sets;
static atomic_long is_set;

static void need_sources(struct duel *duel)
{
	if (side() == NATIVE)
		race_skip("native epoll has no sources");
	duel->fd[0] = MUST_FD(ep_create1(0));
}

/* Sooner or later by up to the time that a side takes to begin. */
static int64_t soon(void)
{
	return 1 + random_next() % 40000;
}

static void set_soon(struct duel *duel)
{
	MUST(set_timer(duel->fd[0], EPX_CTL_PUT, ID, soon(),
		       random_next() & 1 ? 0 : PERIOD), 0);
	atomic_store(&is_set, 1);
}

static void prepare_soon(struct duel *duel)
{
	right_sets = random_next() & 1;
	atomic_store(&is_set, 0);
	if (!right_sets)
		set_soon(duel);
}

static void await_timer(void)
{
	if (!right_sets)
		return;
	await(&is_set, 1);
	random_delay();
}

static void set_and_wait(struct duel *duel)
{
	bool last;

	if (right_sets)
		set_soon(duel);
	do {
		last = atomic_load(&duel->left_over);
		MUST(epx_wait_payload(duel->fd[0], got, 64, 0) >= 0, true);
	} while (!last);
}

static void postpone(struct duel *duel)
{
	await_timer();
	MUST(set_timer(duel->fd[0], EPOLL_CTL_MOD, ID, NEVER, 0), 0);
	MUST(epx_wait(duel->fd[0], &(struct epoll_event){}, 1, 0), 0);
}

static void nothing_comes(struct duel *duel)
{
	MUST(epx_wait(duel->fd[0], &(struct epoll_event){}, 1, 0), 0);
}

RACE(timer_modify_beside_expiry, "met")
{
	struct duel duel = {
		.prepare = prepare_soon, .left = postpone,
		.right = set_and_wait, .check = nothing_comes,
	};

	need_sources(&duel);
	duel_run(&duel, rounds);
}

/*
 * The callback as slow as the line of a trace makes it, at its very entry: it
 * comes to the lock of its source when the change is over, which otherwise
 * takes longer than the way there.
 */
RACE(timer_modify_beside_slow_expiry, "met")
{
	struct duel duel = {
		.prepare = prepare_soon, .left = postpone,
		.right = set_and_wait, .check = nothing_comes,
	};

	need_sources(&duel);
	if (write_setting(TRACING "kprobe_events",
			  "p:epx_slow epollx:epx_timer_expire"))
		race_skip("no trace event can be had at a function's entry");
	MUST(write_setting(TRACING "events/kprobes/epx_slow/enable", "1"), 0);
	duel_run(&duel, rounds);
	MUST(write_setting(TRACING "events/kprobes/epx_slow/enable", "0"), 0);
	MUST(write_setting(TRACING "kprobe_events", "-:epx_slow"), 0);
}

static void delete_timer(struct duel *duel)
{
	await_timer();
	MUST(del_source(duel->fd[0], ID), 0);
	MUST(epx_wait(duel->fd[0], &(struct epoll_event){}, 1, 0), 0);
}

RACE(timer_delete_beside_expiry, "met")
{
	struct duel duel = {
		.prepare = prepare_soon, .left = delete_timer,
		.right = set_and_wait, .check = nothing_comes,
	};

	need_sources(&duel);
	duel_run(&duel, rounds);
}

static void prepare_instance(struct duel *duel)
{
	need_sources(duel);
	for (uint32_t id = 0; id < 4; id++)
		MUST(set_timer(duel->fd[0], EPOLL_CTL_ADD, id, soon(),
			       id & 1 ? PERIOD : 0), 0);
}

static void close_instance(struct duel *duel)
{
	close(duel->fd[0]);
}

static void wait_until_closed(struct duel *duel)
{
	while (epx_wait_payload(duel->fd[0], got, 64, 0) != -EBADF)
		;
}

RACE_FULL(timer_instance_goes_beside_expiry, "met", true)
{
	struct duel duel = {
		.prepare = prepare_instance, .left = close_instance,
		.right = wait_until_closed,
	};

	duel_run(&duel, rounds);
}

/* Two consumers of one timer share its periods. */
static void start_periods(struct duel *duel)
{
	duel->value[0] = 0;
	duel->value[1] = 0;
	duel->value[2] = clock_ns(CLOCK_MONOTONIC) + PERIOD;
	MUST(set_timer(duel->fd[0], EPX_CTL_PUT, ID, PERIOD, PERIOD), 0);
}

static void count_periods(struct duel *duel, int who)
{
	struct epx_payload_event event;

	for (int i = 0; i < 8; i++)
		if (epx_wait_payload(duel->fd[0], &event, 1, PERIOD) == 1)
			duel->value[who] += event.count;
}

static void count_left(struct duel *duel)
{
	count_periods(duel, 0);
}

static void count_right(struct duel *duel)
{
	count_periods(duel, 1);
}

/* The first period began between the two looks at the clock around the set. */
static void all_periods_are_counted(struct duel *duel)
{
	long counted = duel->value[0] + duel->value[1], before, after;
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	struct epx_payload_event event;

	MUST(epx_wait_payload(duel->fd[0], &event, 1, -1), 1);
	counted += event.count;
	before = (now - duel->value[2]) / PERIOD;
	after = (clock_ns(CLOCK_MONOTONIC) - duel->value[2]) / PERIOD + 1;
	/* What the set took is the one thing that is not known: below it by that. */
	if (counted > after)
		race_fail("%ld periods counted, %ld have passed", counted,
			  after);
	if (counted + duel->value[3] < before)
		race_fail("%ld periods counted, %ld have passed", counted,
			  before);
}

static void start_and_measure(struct duel *duel)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC);

	start_periods(duel);
	duel->value[3] = (clock_ns(CLOCK_MONOTONIC) - begin) / PERIOD + 1;
}

RACE(timer_periods_beside_two_waits, "met")
{
	struct duel duel = {
		.prepare = start_and_measure, .left = count_left,
		.right = count_right, .check = all_periods_are_counted,
	};

	need_sources(&duel);
	duel_run(&duel, rounds);
}
