// SPDX-License-Identifier: MIT
/*
 * close_cost: the last close of a file that nobody watches. The caller runs
 * it with and without the module. The close is measured by itself: what a
 * file's creation costs would hide what the module adds.
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"

void measure_close(void)
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
	figure("cost", "close_cost", 1,
	       access("/dev/epollx", F_OK) ? "not_loaded" : "loaded",
	       median(cost, BATCHES), "instructions");
}
