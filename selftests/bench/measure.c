// SPDX-License-Identifier: MIT
/*
 * How scenarios are measured: by the operation under -icount, as interleaved
 * ratios otherwise; and the figures that are no scenario: the close of a file
 * that nobody watches, memory of a watch, a wait as the interest list grows.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"

static double time_steps(const struct scenario *scenario,
			 const struct peer *peer, int steps)
{
	long long start = clock_ns();

	for (int i = 0; i < steps; i++)
		scenario->step(peer);
	return (double)(clock_ns() - start) / steps;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * A timer interrupt costs thousands of instructions and is nobody's: the
 * median of short batches leaves it out and repeats to the digit.
 */
static double cost_of(const struct scenario *scenario, const struct peer *peer)
{
	enum { BATCHES = 41 };
	int steps = scenario->count > 16 ? 4 : scenario->count > 1 ? 16 : 50;
	double cost[BATCHES];

	scenario->setup(peer, scenario->count, scenario->events);
	time_steps(scenario, peer, 2 * steps);
	for (int i = 0; i < BATCHES; i++)
		cost[i] = time_steps(scenario, peer, steps);
	scenario_end();
	qsort(cost, BATCHES, sizeof(cost[0]), compare_doubles);
	return cost[BATCHES / 2];
}

/* ADD and DEL by themselves, in batches: one undoes the other. */
static void cost_of_changes(const struct peer *peer)
{
	enum { BATCHES = 41, FILES = 50 };
	double add[BATCHES], del[BATCHES];
	int ep = peer->create(), fds[FILES];

	for (int i = 0; i < FILES; i++)
		fds[i] = eventfd(0, 0);
	for (int batch = -2; batch < BATCHES; batch++) {
		long long start = clock_ns(), middle;

		for (int i = 0; i < FILES; i++)
			must(!peer->change(ep, EPOLL_CTL_ADD, fds[i], EPOLLIN,
					   0), "add");
		middle = clock_ns();
		for (int i = 0; i < FILES; i++)
			must(!peer->change(ep, EPOLL_CTL_DEL, fds[i], 0, 0),
			     "del");
		if (batch < 0)
			continue;
		add[batch] = (double)(middle - start) / FILES;
		del[batch] = (double)(clock_ns() - middle) / FILES;
	}
	qsort(add, BATCHES, sizeof(add[0]), compare_doubles);
	qsort(del, BATCHES, sizeof(del[0]), compare_doubles);
	figure("cost", "add", peer->name, add[BATCHES / 2], "instructions");
	figure("cost", "del", peer->name, del[BATCHES / 2], "instructions");
	for (int i = 0; i < FILES; i++)
		close(fds[i]);
	close(ep);
}

void run_cost(void)
{
	for (const struct scenario *s = scenarios; s->name; s++)
		for (int side = 0; side < BENCH_SIDES; side++)
			figure("cost", s->name, peers[side].name,
			       cost_of(s, &peers[side]), "instructions");
	for (int side = 0; side < BENCH_SIDES; side++)
		cost_of_changes(&peers[side]);
}

/* Median and quartiles of epollx's time over native's, round by round. */
void run_time(int rounds)
{
	double *ratios = calloc(rounds, sizeof(*ratios));

	for (const struct scenario *s = scenarios; s->name; s++) {
		int steps = 2000 / (s->count + 1) + 10;

		for (int round = 0; round < rounds; round++) {
			double ns[BENCH_SIDES];

			for (int i = 0; i < BENCH_SIDES; i++) {
				/* Who comes first takes turns. */
				int side = i ^ (round & 1);

				s->setup(&peers[side], s->count, s->events);
				time_steps(s, &peers[side], steps / 10 + 1);
				ns[side] = time_steps(s, &peers[side], steps);
				scenario_end();
			}
			ratios[round] = ns[BENCH_EPX] / ns[BENCH_NATIVE];
		}
		qsort(ratios, rounds, sizeof(*ratios), compare_doubles);
		figure("time", s->name, "q1", ratios[rounds / 4], "ratio");
		figure("time", s->name, "median", ratios[rounds / 2], "ratio");
		figure("time", s->name, "q3", ratios[rounds * 3 / 4], "ratio");
	}
	free(ratios);
}

/*
 * The caller runs it with and without the module. The close is measured by
 * itself: what a file's creation costs would hide what the module adds.
 */
void run_close(void)
{
	enum { BATCHES = 41, STEPS = 50 };
	double cost[BATCHES];
	int fds[STEPS];

	for (int i = -2; i < BATCHES; i++) {
		long long start;

		for (int step = 0; step < STEPS; step++) {
			fds[step] = eventfd(0, 0);
			must(fds[step] >= 0, "eventfd");
		}
		start = clock_ns();
		for (int step = 0; step < STEPS; step++)
			close(fds[step]);
		if (i >= 0)
			cost[i] = (double)(clock_ns() - start) / STEPS;
	}
	qsort(cost, BATCHES, sizeof(cost[0]), compare_doubles);
	figure("close", "eventfd_close",
	       access("/dev/epollx", F_OK) ? "not_loaded" : "loaded",
	       cost[BATCHES / 2], "instructions");
}

/* Bytes in use in the slab caches that watches live in. */
static long long slab_bytes(void)
{
	static const char * const caches[] = {
		"eventpoll_epi", "eventpoll_pwq", "ep_head",
		"epx_watch", "epx_hook",
	};
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[512], name[64];
	long long total = 0;

	must(!!file, "/proc/slabinfo");
	while (fgets(line, sizeof(line), file)) {
		long active, objects, size, per_slab, pages, slabs;
		char *data = strstr(line, "slabdata");

		if (!data || sscanf(line, "%63s %ld %ld %ld %ld %ld", name,
				    &active, &objects, &size, &per_slab,
				    &pages) != 6 ||
		    sscanf(data, "slabdata %*d %ld", &slabs) != 1)
			continue;
		for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++)
			if (!strcmp(name, caches[i]))
				total += slabs * pages * 4096;
	}
	fclose(file);
	return total;
}

/* The table of watched files: fixed at load, a share for each of @count. */
static double table_bytes(const struct peer *peer, int count)
{
	FILE *file;
	long bytes;

	if (peer == &peers[BENCH_NATIVE])
		return 0;
	file = fopen("/sys/kernel/debug/epollx/file_table_bytes", "r");
	must(file && fscanf(file, "%ld", &bytes) == 1, "file_table_bytes");
	fclose(file);
	return (double)bytes / count;
}

void run_memory(int count)
{
	int *fds = malloc(count * sizeof(*fds));

	raise_fd_limit(count + 100);
	for (int i = 0; i < count; i++) {
		fds[i] = eventfd(0, 0);
		must(fds[i] >= 0, "eventfd");
	}
	for (int side = 0; side < BENCH_SIDES; side++) {
		const struct peer *peer = &peers[side];
		long long before = slab_bytes();
		int ep = peer->create();

		for (int i = 0; i < count; i++)
			must(!peer->change(ep, EPOLL_CTL_ADD, fds[i], EPOLLIN,
					   i), "add");
		figure("memory", "bytes_per_watch", peer->name,
		       (double)(slab_bytes() - before) / count +
		       table_bytes(peer, count), "bytes");
		close(ep);
	}
	for (int i = 0; i < count; i++)
		close(fds[i]);
	free(fds);
}

/* One file ready among 10 ... @most: the cost of a wait must not grow. */
void run_growth(int most)
{
	raise_fd_limit(most + 100);
	for (int side = 0; side < BENCH_SIDES; side++) {
		const struct peer *peer = &peers[side];
		int ep = peer->create(), ready = eventfd(1, 0), watched = 1;
		int *fds = malloc(most * sizeof(*fds));
		struct epoll_event ev[8];

		must(!peer->change(ep, EPOLL_CTL_ADD, ready, EPOLLIN, 0),
		     "add");
		for (int n = 10; n <= most; n *= 10) {
			double cost[41];
			char name[32];

			for (; watched < n; watched++) {
				fds[watched] = eventfd(0, 0);
				must(!peer->change(ep, EPOLL_CTL_ADD,
						   fds[watched], EPOLLIN, 0),
				     "add");
			}
			for (int i = 0; i < 41; i++) {
				long long start = clock_ns();

				for (int step = 0; step < 20; step++)
					peer->wait(ep, ev, 8, 0);
				cost[i] = (clock_ns() - start) / 20.0;
			}
			qsort(cost, 41, sizeof(cost[0]), compare_doubles);
			snprintf(name, sizeof(name), "%d", n);
			figure("growth", name, peer->name, cost[20],
			       "instructions");
		}
		for (int i = 1; i < watched; i++)
			close(fds[i]);
		close(ready);
		close(ep);
		free(fds);
	}
}
