// SPDX-License-Identifier: MIT
/*
 * What operations are made of, each by itself and without the others: calls
 * that do nothing, files that nobody watches, and what a watch adds to the
 * write that wakes it. The cost model (scripts/model.py) puts them together
 * again and says what a benchmark should come to.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static const uint64_t one = 1;

static struct loop *nobody_open(int files)
{
	(void)files;
	return malloc(sizeof(struct loop));
}

static void nobody_close(struct loop *loop)
{
	free(loop);
}

static void nobody_change(struct loop *loop, const struct change *changes,
			  int n)
{
	(void)loop;
	(void)changes;
	(void)n;
}

/* Files that nobody watches. */
static const struct side nobody_side = {
	.name = "nobody",
	.open = nobody_open,
	.close = nobody_close,
	.change = nobody_change,
};

static int files_one(int x)
{
	(void)x;
	return 1;
}

static int step_syscall(struct point *point)
{
	(void)point;
	syscall(SYS_getppid);
	return 1;
}

static int step_ioctl(struct point *point)
{
	must(ioctl(point->files->read[0], 0xEBFF) < 0, "an unknown ioctl");
	return 1;
}

static void write_one(struct point *point)
{
	must(write(point->files->write[0], &one, 8) == 8, "write");
}

static void read_one(struct point *point)
{
	uint64_t got;

	must(read(point->files->read[0], &got, 8) == 8, "read");
}

static int step_write(struct point *point)
{
	write_one(point);
	return 1;
}

static int step_read(struct point *point)
{
	read_one(point);
	return 1;
}

static int step_pipe(struct point *point)
{
	char byte;

	must(write(point->files->write[0], "", 1) == 1, "write");
	must(read(point->files->read[0], &byte, 1) == 1, "read");
	return 1;
}

/* The watch is as it is before its first event. */
static void prepare_quiet(struct point *point)
{
	while (point->side->wait(point->loop, 0) > 0)
		read_one(point);
}

static const struct bench parts[] = {
	{ .name = "syscall", .files = files_one, .step = step_syscall },
	{ .name = "ioctl", .files = files_one, .step = step_ioctl },
	{ .name = "write", .files = files_one, .step = step_write },
	{ .name = "read", .files = files_one, .prepare = write_one,
	  .step = step_read },
	{ .name = "pipe", .files = files_one, .pipes = true,
	  .step = step_pipe },
};

static const struct bench watched_write = {
	.name = "write", .files = files_one, .events = EPOLLIN | EPOLLET,
	.prepare = prepare_quiet, .step = step_write,
};

static void measure_part(const struct bench *bench, const struct side *side)
{
	struct point point;
	struct files files;

	files_open(&files, 1, bench->pipes);
	point_open(&point, bench, side, 1, &files);
	figure("part", bench->name, 1, side->name, cost_of_steps(&point),
	       "instructions");
	point_close(&point);
	files_close(&files);
}

void measure_parts(void)
{
	for (unsigned int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		measure_part(&parts[i], &nobody_side);
	for (const struct side * const *s = sides; *s; s++)
		if (side_has(*s, 1, 1))
			measure_part(&watched_write, *s);
}
