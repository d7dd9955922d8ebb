// SPDX-License-Identifier: MIT
/*
 * bench [OPTION...] SUITE...
 *
 *   cost part calls   under -icount: instructions, and system calls
 *   memory close      under -icount, or not
 *   host              event loops on this machine, in time; no module needed
 *   time              ratios of interleaved rounds
 *   accept            workers at one port: counts, not times
 *   scale             one instance from 10 watches to --count
 *   journey           two events for a trace
 *
 *   --short           fewer points, no peers
 *   --only NAME       benchmarks whose name begins so
 *   --sides A,B       these, and native
 *   --rounds N        of a time (31); fewer where a round takes long
 *   --count N         of scale (100000)
 *
 * Every line of output is a figure.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct options options = { .rounds = 31, .count = 100000 };

static void run_cost(void)
{
	measure_cost();
	measure_posts();
	measure_timers();
	if (is_wanted("wake_latency"))
		measure_latency(true);
	measure_loops_cost();
}

static void run_calls(void)
{
	measure_calls();
	if (is_wanted("echo"))
		measure_echo(true);
	measure_loops_calls();
}

static void run_time(void)
{
	measure_time();
	if (is_wanted("wake_latency"))
		measure_latency(false);
	if (is_wanted("timer_late"))
		measure_lateness();
	if (is_wanted("producers"))
		measure_producers();
	if (is_wanted("echo"))
		measure_echo(false);
	measure_loops_time();
}

static void run_accept(void)
{
	if (is_wanted("accept"))
		measure_accept();
}

static void run_memory(void)
{
	if (is_wanted("memory"))
		measure_memory();
	measure_loops_memory();
}

static void run_sides(void)
{
	print_sides();
	print_loopers();
}

static void run_close(void)
{
	if (is_wanted("close_cost"))
		measure_close();
}

static const struct {
	const char *name;
	void (*run)(void);
} suites[] = {
	{ "sides", run_sides }, { "cost", run_cost },
	{ "part", measure_parts }, { "calls", run_calls },
	{ "time", run_time }, { "accept", run_accept },
	{ "memory", run_memory },
	{ "close", run_close }, { "scale", measure_scale },
	{ "journey", run_journey }, { "host", measure_loops_host },
};

static void run_suite(const char *name)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (strcmp(name, suites[i].name))
			continue;
		suites[i].run();
		return;
	}
	must(0, "sides, cost, part, calls, time, accept, memory, close, scale, host or journey");
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "short", no_argument, NULL, 's' },
		{ "only", required_argument, NULL, 'o' },
		{ "sides", required_argument, NULL, 'd' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "count", required_argument, NULL, 'c' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's':
			options.is_short = true;
			break;
		case 'o':
			options.only = optarg;
			break;
		case 'd':
			options.sides = optarg;
			break;
		case 'r':
			options.rounds = atoi(optarg);
			break;
		case 'c':
			options.count = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	must(options.rounds > 0 && options.count > 0, "numbers above 0");
	for (int i = optind; i < argc; i++)
		run_suite(argv[i]);
	return 0;
}
