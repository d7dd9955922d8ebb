// SPDX-License-Identifier: MIT
/*
 * What is compared: the operations that can be repeated, and the table of
 * them. All use eventfds, the cheapest file with a wait queue, or pipes, so
 * that what is compared weighs most.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "bench.h"

/* Times that a step repeats what costs next to nothing on some side. */
#define REPEAT	50

static const uint64_t one = 1;

static int files_x(int x)
{
	return x;
}

static int files_one(int x)
{
	(void)x;
	return 1;
}

static int files_repeat(int x)
{
	(void)x;
	return REPEAT;
}

static int files_x_and_one(int x)
{
	return x + 1;
}

static void write_one(struct point *point, int i)
{
	must(write(point->files->write[i], &one, 8) == 8, "write");
}

static void read_one(struct point *point, int i)
{
	uint64_t got;

	must(read(point->files->read[i], &got, 8) == 8, "read");
}

static void wait_for_one(struct point *point)
{
	must(point->side->wait(point->loop, 0) == 1, "one event");
}

/* 1: is anything ready, when nothing is? */
static int step_idle(struct point *point)
{
	const struct side *side = point->side;

	if (side->idle)
		side->idle(point->loop, REPEAT);
	else
		for (int i = 0; i < REPEAT; i++)
			must(!side->wait(point->loop, 0), "nothing is ready");
	return REPEAT;
}

static void setup_first(struct point *point)
{
	write_one(point, 0);
}

static int step_wait_one(struct point *point)
{
	wait_for_one(point);
	return 1;
}

/* 2: one event from the write to the read. */
static int step_one_event(struct point *point)
{
	write_one(point, 0);
	wait_for_one(point);
	read_one(point, 0);
	return 1;
}

static int step_write_wait(struct point *point)
{
	write_one(point, 0);
	wait_for_one(point);
	return 1;
}

/* 3: many files are ready. */
static void prepare_writes(struct point *point)
{
	for (int i = 0; i < point->files->count; i++)
		write_one(point, i);
}

static int step_drain(struct point *point)
{
	int got = 0;

	while (got < point->files->count) {
		int n = point->side->wait(point->loop, 0);

		must(n > 0, "an event from each file");
		got += n;
	}
	return got;
}

/*
 * 4: libevent's benchmark. Some of many pipes hold a byte; who is told reads
 * it and writes one to the next pipe.
 */
static void setup_tokens(struct point *point, int one_in)
{
	for (int i = 0; i < point->files->count; i += one_in)
		must(write(point->files->write[i], "", 1) == 1, "write");
}

static void setup_one_token(struct point *point)
{
	setup_tokens(point, point->files->count);
}

static void setup_tokens_in_ten(struct point *point)
{
	setup_tokens(point, 10);
}

static int step_tokens(struct point *point)
{
	int n = point->side->wait(point->loop, 0);

	must(n > 0, "an event");
	for (int i = 0; i < n; i++) {
		int at = point->loop->events[i].data.u64;
		char byte;

		must(read(point->files->read[at], &byte, 1) == 1, "read");
		at = (at + 1) % point->files->count;
		must(write(point->files->write[at], &byte, 1) == 1, "write");
	}
	return n;
}

/* 5: re-arming alone, and a cycle of one-shot with toggles of another file. */
static void rearm(struct point *point, int n)
{
	const struct side *side = point->side;

	(side->rearm ? side->rearm : side->change)(point->loop, point->mod, n);
}

static int step_rearm(struct point *point)
{
	rearm(point, point->files->count);
	return point->files->count;
}

/* A connection whose peer does not read: never writable. */
static void setup_full(struct point *point)
{
	static const char block[4096];
	int ends[2];

	must(!pipe2(ends, O_NONBLOCK), "pipe");
	while (write(ends[1], block, sizeof(block)) > 0)
		;
	point->full = ends[1];
	point->full_read = ends[0];
	side_change(point->side, point->loop, EPOLL_CTL_ADD, point->full,
		    EPOLLET | EPOLLOUT, 1);
}

static int step_cycle(struct point *point)
{
	const struct side *side = point->side;

	write_one(point, 0);
	wait_for_one(point);
	read_one(point, 0);
	rearm(point, 1);
	for (int i = 0; i < point->x; i++) {
		struct change change = { EPOLL_CTL_MOD, point->full,
			EPOLLET | (point->is_off ? EPOLLOUT : 0), 1 };

		(side->toggle ? side->toggle : side->change)(point->loop,
							     &change, 1);
		point->is_off = !point->is_off;
	}
	return 1;
}

/* 6: changes by themselves. The files are not watched between the steps. */
static void setup_unwatched(struct point *point)
{
	point->side->change(point->loop, point->del, point->files->count);
	if (point->side->settle)
		point->side->settle(point->loop);
}

static int step_add_del(struct point *point)
{
	const struct side *side = point->side;
	int n = point->files->count;

	side->change(point->loop, point->add, n);
	side->change(point->loop, point->del, n);
	if (side->settle)
		side->settle(point->loop);
	return n;
}

static int step_mod(struct point *point)
{
	point->side->change(point->loop, point->mod, point->files->count);
	return point->files->count;
}

/* 7: changes, and a wait that has one event; it is of the last file. */
static void prepare_last(struct point *point)
{
	write_one(point, point->files->count - 1);
}

static int step_change_and_wait(struct point *point)
{
	const struct side *side = point->side;
	int n = 0;

	if (side->change_wait) {
		n = side->change_wait(point->loop, point->mod, point->x, 0);
	} else {
		if (point->x)
			side->change(point->loop, point->mod, point->x);
		n = side->wait(point->loop, 0);
	}
	must(n == 1, "one event");
	return 1;
}

#define AXIS(...)	((const int []){ __VA_ARGS__, -1 })
#define LEVEL		EPOLLIN
#define EDGE		(EPOLLIN | EPOLLET)
#define ONCE		(EPOLLIN | EPOLLONESHOT)

#define AXIS_WATCHED	AXIS(10, 100, 1000, 10000, 100000)
#define AXIS_READY	AXIS(1, 4, 16, 64, 256, 1024, 4096)
#define AXIS_BATCH	AXIS(1, 4, 16, 64, 256, 1024)
#define AXIS_SHORT	AXIS(1, 16, 64)

const struct bench benches[] = {
	{ .name = "idle_check", .events = EDGE, .files = files_x,
	  .xs = AXIS_WATCHED, .short_xs = AXIS(10, 1000), .step = step_idle },
	{ .name = "one_ready", .events = LEVEL, .files = files_x,
	  .xs = AXIS_WATCHED, .short_xs = AXIS(10, 1000),
	  .stays_ready = true, .setup = setup_first, .step = step_wait_one },
	{ .name = "one_event_level", .events = LEVEL, .files = files_one,
	  .xs = AXIS(1), .short_xs = AXIS(1), .step = step_one_event },
	{ .name = "one_event_edge", .events = EDGE, .files = files_one,
	  .xs = AXIS(1), .short_xs = AXIS(1), .step = step_one_event },
	{ .name = "one_event_unread", .events = EDGE, .files = files_one,
	  .xs = AXIS(1), .short_xs = AXIS(1), .step = step_write_wait },
	{ .name = "drain_n_edge", .events = EDGE, .files = files_x,
	  .xs = AXIS_READY, .short_xs = AXIS_SHORT, .ready_one_in = 1,
	  .prepare = prepare_writes, .step = step_drain },
	{ .name = "drain_n_level", .events = LEVEL, .files = files_x,
	  .xs = AXIS_READY, .short_xs = AXIS(1, 16, 256), .ready_one_in = 1,
	  .ready = true, .stays_ready = true, .step = step_drain },
	{ .name = "active_fraction_one", .events = EDGE, .files = files_x,
	  .xs = AXIS(100, 1000, 10000, 100000), .short_xs = AXIS(100),
	  .pipes = true, .setup = setup_one_token, .step = step_tokens },
	{ .name = "active_fraction_tenth", .events = EDGE, .files = files_x,
	  .xs = AXIS(100, 1000, 10000), .short_xs = AXIS(100),
	  .pipes = true, .setup = setup_tokens_in_ten, .ready_one_in = 10,
	  .step = step_tokens },
	{ .name = "rearm_alone", .events = ONCE, .files = files_repeat,
	  .xs = AXIS(1), .short_xs = AXIS(1), .own_only = true,
	  .step = step_rearm },
	{ .name = "rearm_cycle", .events = ONCE, .files = files_one,
	  .xs = AXIS(0, 1, 2, 3, 4), .short_xs = AXIS(0, 1),
	  .setup = setup_full, .step = step_cycle },
	{ .name = "ctl_add_del", .events = LEVEL, .files = files_x,
	  .xs = AXIS_BATCH, .short_xs = AXIS_SHORT,
	  .setup = setup_unwatched, .step = step_add_del },
	{ .name = "ctl_mod", .events = LEVEL, .files = files_x,
	  .xs = AXIS_BATCH, .short_xs = AXIS_SHORT, .step = step_mod },
	{ .name = "change_and_wait", .events = EDGE, .files = files_x_and_one,
	  .xs = AXIS(0, 1, 4, 16, 64), .short_xs = AXIS(0, 4, 16),
	  .prepare = prepare_last, .step = step_change_and_wait },
	{ },
};
