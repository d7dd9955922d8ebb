// SPDX-License-Identifier: MIT
/*
 * scale: one instance from 10 watches to ten million, on descriptors that have
 * been dup'ed from ten thousand files, so that a close or a wake-up has bounded
 * work. Of each size: the time to build it, what a watch takes in memory, a
 * wait with one file ready among all, and the time to take it down.
 *
 * Each size gets an instance of its own; native epoll goes through all sizes,
 * then epollx. Timers come last, up to a million (scale_timers.c).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"

#define FILES	10000

static void write_setting(const char *path, long value, bool must_be)
{
	FILE *file = fopen(path, "w");

	must(file || !must_be, path);
	if (!file)
		return;
	must(fprintf(file, "%ld", value) > 0 && !fclose(file), path);
}

/* What a system with ten million watches has to be told beforehand. */
static void raise_limits(long count)
{
	long descriptors = count + FILES + 1000;

	/* The kernel wants a multiple of the bits of a word. */
	descriptors += 64 - descriptors % 64;
	write_setting("/proc/sys/fs/nr_open", descriptors < 1048576 ?
		      1048576 : descriptors, true);
	raise_fd_limit(descriptors);
	write_setting("/proc/sys/fs/epoll/max_user_watches", 2 * count + 1000,
		      true);
	write_setting("/proc/sys/fs/epollx/max_user_watches", 2 * count + 1000,
		      false);
}

/* @fds gets @count descriptors of at most FILES files. */
static void open_descriptors(int *fds, int count)
{
	int files = count < FILES ? count : FILES;

	for (int i = 0; i < count; i++) {
		fds[i] = i < files ? eventfd(0, EFD_NONBLOCK) :
			 dup(fds[i % files]);
		must(fds[i] >= 0, i < files ? "eventfd" : "dup");
	}
}

static double cost_of_wait(const struct side *side, struct loop *loop)
{
	enum { BATCHES = 41, STEPS = 20 };
	double cost[BATCHES];

	for (int i = 0; i < BATCHES; i++) {
		long long start = clock_ns();

		for (int step = 0; step < STEPS; step++)
			must(side->wait(loop, 0) == 1, "one event");
		cost[i] = (double)(clock_ns() - start) / STEPS;
	}
	return median(cost, BATCHES);
}

/* Under -icount the clock counts instructions. */
const char *scale_unit(void)
{
	const char *accel = getenv("EPX_ACCEL");

	return accel && strstr(accel, "icount") ? "instructions" : "ns";
}

static void scale_to(const struct side *side, const int *fds, int count,
		     int ready)
{
	const char *unit = scale_unit();
	long long before = slab_bytes_at_rest(watch_caches), start = clock_ns();
	struct loop *loop = side->open(count + 1);

	for (int i = 0; i < count; i++)
		side_change(side, loop, EPOLL_CTL_ADD, fds[i], EPOLLIN, i);
	figure("scale", "build", count, side->name,
	       (double)(clock_ns() - start) / count, unit);
	figure("scale", "memory", count, side->name,
	       (double)(slab_bytes(watch_caches) - before) / count +
	       (side->extra_bytes ? side->extra_bytes(loop, count) : 0),
	       "bytes");
	side_change(side, loop, EPOLL_CTL_ADD, ready, EPOLLIN, count);
	figure("scale", "wait", count, side->name, cost_of_wait(side, loop),
	       unit);
	start = clock_ns();
	side->close(loop);
	figure("scale", "teardown", count, side->name,
	       (double)(clock_ns() - start) / count, unit);
}

void measure_scale(void)
{
	int most = options.count, ready = eventfd(1, 0);
	int *fds = malloc(most * sizeof(*fds));

	must(fds && ready >= 0, "memory");
	raise_limits(most);
	open_descriptors(fds, most);
	for (const struct side * const *s = sides; *s; s++) {
		if ((*s)->is_peer || !side_has(*s, most, 1))
			continue;
		for (int count = 10; count <= most; count *= 10)
			scale_to(*s, fds, count, ready);
	}
	for (int i = 0; i < most; i++)
		close(fds[i]);
	close(ready);
	measure_timer_scale(fds);
	free(fds);
}
