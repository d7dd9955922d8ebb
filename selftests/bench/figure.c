// SPDX-License-Identifier: MIT
/*
 * Lines of output, and the little statistics behind them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#include "bench.h"

long long clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, int count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[count / 2];
}

double *ratios_of_rounds(int sides, int values, int rounds,
			 void (*round)(int side, double *values, void *arg),
			 void *arg)
{
	double *ratios = calloc(sides * values * rounds, sizeof(*ratios));
	double *got = calloc(sides * values, sizeof(*got));

	must(ratios && got, "memory");
	for (int r = 0; r < rounds; r++) {
		for (int i = 0; i < sides; i++) {
			int side = (i + r) % sides;

			round(side, got + side * values, arg);
		}
		for (int i = 0; i < sides * values; i++)
			ratios[i * rounds + r] = got[i] / got[i % values];
	}
	free(got);
	return ratios;
}

/* What two readings of the clock differ by when nothing is between them. */
long long clock_overhead(void)
{
	static double least = -1;
	double differences[101];

	if (least >= 0)
		return least;
	for (int i = 0; i < 101; i++) {
		long long start = clock_ns();

		differences[i] = clock_ns() - start;
	}
	least = median(differences, 101);
	return least;
}

static void begin_line(const char *suite, const char *name, int x,
		       const char *side)
{
	static struct utsname kernel;
	const char *accel = getenv("EPX_ACCEL");

	if (!kernel.release[0])
		uname(&kernel);
	printf("{\"suite\":\"%s\",\"name\":\"%s\",\"x\":%d,\"side\":\"%s\",",
	       suite, name, x, side);
	printf("\"kernel\":\"%s\",\"accel\":\"%s\",", kernel.release,
	       accel ? accel : "unknown");
}

void figure(const char *suite, const char *name, int x, const char *side,
	    double value, const char *unit)
{
	begin_line(suite, name, x, side);
	printf("\"value\":%.9g,\"unit\":\"%s\"}\n", value, unit);
	fflush(stdout);
}

/* Sorts @values. */
void figure_spread(const char *suite, const char *name, int x,
		   const char *side, double *values, int count,
		   const char *unit)
{
	double middle = median(values, count);

	begin_line(suite, name, x, side);
	printf("\"value\":%.6g,\"q1\":%.6g,\"q3\":%.6g,\"rounds\":%d,",
	       middle, values[count / 4], values[count * 3 / 4], count);
	printf("\"unit\":\"%s\"}\n", unit);
	fflush(stdout);
}

void figure_side(const char *side, const char *form, const char *absent)
{
	begin_line("sides", "sides", 0, side);
	printf("\"form\":\"%s\",\"absent\":\"%s\"}\n", form,
	       absent ? absent : "");
	fflush(stdout);
}

void raise_fd_limit(long count)
{
	struct rlimit limit;

	must(!getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	if ((long)limit.rlim_cur >= count)
		return;
	limit.rlim_cur = count;
	limit.rlim_max = count;
	must(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}
