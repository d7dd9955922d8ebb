/* SPDX-License-Identifier: MIT */
/*
 * What load.c and curl.c have in common: how long answers took, and what became of each
 * request, printed as one line of JSON.
 */
#ifndef APPS_LOAD_H
#define APPS_LOAD_H

#include <stdio.h>
#include <time.h>

/*
 * Microseconds in steps of 1/32 of their power of two: a p99 is right to 3 %, from one
 * microsecond to more than an hour.
 */
#define LATENCY_STEPS	32
#define LATENCY_SIZE	(28 * LATENCY_STEPS)

struct latency {
	unsigned long count;
	unsigned int steps[LATENCY_SIZE];
};

static inline long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static inline void latency_add(struct latency *l, long long us)
{
	unsigned int step = us < 0 ? 0 : us;

	if (us >= LATENCY_STEPS) {
		int power = 63 - __builtin_clzll(us) - 5;

		step = power * LATENCY_STEPS + (us >> power);
	}
	if (step >= LATENCY_SIZE)
		step = LATENCY_SIZE - 1;
	l->steps[step]++;
	l->count++;
}

/* The time within which PERCENT of all answers came. */
static inline long long latency_within(const struct latency *l, double percent)
{
	unsigned long want = l->count * percent / 100, seen = 0;
	unsigned int step;

	if (!l->count)
		return 0;
	for (step = 0; step < LATENCY_SIZE - 1; step++) {
		seen += l->steps[step];
		if (seen > want)
			break;
	}
	if (step < 2 * LATENCY_STEPS)
		return step;
	return (long long)(step % LATENCY_STEPS + LATENCY_STEPS) << (step / LATENCY_STEPS - 1);
}

#endif /* APPS_LOAD_H */
