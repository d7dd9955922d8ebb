// SPDX-License-Identifier: MIT
/*
 * CLOCK_REALTIME is set just when a timer that wants to know is changed or ended.
 *
 *	left			right
 *	the clock is set	a wait for the news
 *	the clock is set	MOD: wants to know no more
 *	the clock is set	DEL
 *	the clock is set	close(instance)
 *
 * By a second ahead, and back the next time. Invariants: who waits is told; after
 * a MOD or a DEL nothing comes.
 */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <epollx.h>

#include "sourcefile.h"
#include "stress.h"

#define ID	3
#define SEC	(1000 * MS)
#define HOUR	(3600 * SEC)

static bool is_ahead;

static void move_clock(struct duel *duel)
{
	(void)duel;
	set_clock(is_ahead ? -SEC : SEC);
	is_ahead = !is_ahead;
}

static void listen_to_clock(struct duel *duel, uint32_t flags)
{
	struct epx_source_ctl ctl = {
		.op = EPX_CTL_PUT, .kind = EPX_SOURCE_TIMER, .id = ID,
		.clock = CLOCK_REALTIME, .flags = EPX_TIMER_ABSTIME | flags,
		.first = clock_ns(CLOCK_REALTIME) + HOUR,
	};

	MUST(epx_source(duel->fd[0], &ctl), 0);
}

static void listen_at_once(struct duel *duel)
{
	listen_to_clock(duel, EPX_TIMER_CLOCK_SET);
}

static void new_listener(struct duel *duel)
{
	if (side() == NATIVE)
		race_skip("native epoll has no sources");
	if (geteuid())
		race_skip("only root may set the clock");
	duel->fd[0] = MUST_FD(ep_create1(0));
}

static void run_with(void (*prepare)(struct duel *duel),
		     void (*right)(struct duel *duel),
		     void (*check)(struct duel *duel), long rounds)
{
	struct duel duel = {
		.prepare = prepare, .left = move_clock, .right = right,
		.check = check,
	};

	new_listener(&duel);
	duel_run(&duel, rounds);
	if (is_ahead)
		move_clock(&duel);
}

static void nothing_comes(struct duel *duel)
{
	MUST(epx_wait(duel->fd[0], &(struct epoll_event){}, 1, 0), 0);
}

/* Told of this round's change: the timer was set after the one before. */
static void wait_for_news(struct duel *duel)
{
	struct epx_payload_event event;

	MUST(epx_wait_payload(duel->fd[0], &event, 1, -1), 1);
	MUST(event.flags, EPX_EVENT_CLOCK_SET);
	MUST(event.count, 0);
}

RACE(clock_set_beside_wait, "met")
{
	run_with(listen_at_once, wait_for_news, nothing_comes, rounds);
}

static void listen_no_more(struct duel *duel)
{
	listen_to_clock(duel, 0);
	nothing_comes(duel);
}

RACE(clock_set_beside_modify, "met")
{
	run_with(listen_at_once, listen_no_more, nothing_comes, rounds);
}

static void delete_listener(struct duel *duel)
{
	MUST(del_source(duel->fd[0], ID), 0);
	nothing_comes(duel);
}

RACE(clock_set_beside_delete, "met")
{
	run_with(listen_at_once, delete_listener, nothing_comes, rounds);
}

static void open_listener(struct duel *duel)
{
	new_listener(duel);
	listen_at_once(duel);
}

static void close_listener(struct duel *duel)
{
	close(duel->fd[0]);
}

RACE_FULL(clock_set_beside_instance_close, "met", true)
{
	struct duel duel = {
		.prepare = open_listener, .left = move_clock,
		.right = close_listener,
	};

	duel_run(&duel, rounds);
	if (is_ahead)
		move_clock(&duel);
}
