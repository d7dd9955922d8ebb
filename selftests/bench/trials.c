// SPDX-License-Identifier: MIT
/*
 * The benchmarks of event loops, by the names and sizes of libuv's and Tokio's
 * own. The measure is libuv: ratios of time are to its time in the same round.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "loops.h"

#define ROUNDS_MOST	64

#define AXIS(...)	((const int []){ __VA_ARGS__, -1 })
#define NOWHERE		((const int []){ -1 })

/**
 * struct trial - a benchmark of loops
 * @name: for the figures and the drivers
 * @xs: its axis
 * @short_xs: that of a short run
 * @in_kernel: the backend matters
 * @no_cost: depends on what the scheduler does: no instructions
 */
static const struct trial {
	const char *name;
	const int *xs, *short_xs;
	bool in_kernel, no_cost;
} trials[] = {
	{ "million_timers", AXIS(1000000), NOWHERE, false, false },
	{ "timers", AXIS(1000, 10000, 100000, 1000000), AXIS(1000), false,
	  false },
	{ "spawn_many", AXIS(10000), AXIS(10000), false, false },
	{ "yield_many", AXIS(200), AXIS(200), false, false },
	{ "ping_pong", AXIS(1000), AXIS(1000), false, false },
	{ "chained_spawn", AXIS(1000), AXIS(1000), false, false },
	{ "loop_count", AXIS(1), AXIS(1), true, false },
	{ "async", AXIS(1, 2, 4, 8), NOWHERE, true, false },
	{ "async_pummel", AXIS(1, 2, 4, 8), NOWHERE, true, true },
	{ "ping_pongs", AXIS(1), AXIS(1), true, false },
	{ "tcp4_pound", AXIS(100, 1000), NOWHERE, true, false },
};

enum { TRIALS = sizeof(trials) / sizeof(trials[0]) };

static bool trial_is_wanted(const char *name)
{
	return is_wanted(name) || is_wanted("loops");
}

/*
 * All rounds of a benchmark: @values by looper, figure and round, 0 where there
 * is none.
 */
struct rounds {
	struct driver drivers[LOOPERS];
	char names[FIGURES_MOST][64];
	int count, figures;
	double values[LOOPERS][FIGURES_MOST][ROUNDS_MOST];
};

static int figure_named(struct rounds *rounds, const char *name)
{
	int i;

	for (i = 0; i < rounds->figures; i++)
		if (!strcmp(rounds->names[i], name))
			return i;
	must(rounds->figures++ < FIGURES_MOST, "so many figures");
	snprintf(rounds->names[i], sizeof(rounds->names[i]), "%.63s", name);
	return i;
}

static void one_answer(struct rounds *rounds, int who, int round,
		       const struct trial *trial, int x)
{
	struct answer answers[FIGURES_MOST + 1];
	struct driver *driver = &rounds->drivers[who];
	int n;

	/* Who is not asked stands still: some have threads that never rest. */
	must(!kill(driver->pid, SIGCONT), driver->looper->name);
	n = driver_ask(driver, trial->name, x, answers);
	must(!kill(driver->pid, SIGSTOP), driver->looper->name);
	for (int i = 0; i < n; i++) {
		int at = figure_named(rounds, answers[i].name);

		rounds->values[who][at][round] = answers[i].value;
	}
}

static struct rounds *run_rounds(const struct trial *trial, int x, int count)
{
	struct rounds *rounds = calloc(1, sizeof(*rounds));

	must(!!rounds, "memory");
	must(count <= ROUNDS_MOST, "so many rounds");
	rounds->count = count;
	for (int i = 0; i < LOOPERS; i++)
		if (looper_is_wanted(&loopers[i], trial->in_kernel))
			rounds->drivers[i] = driver_start(&loopers[i], false);
	for (int round = 0; round < count; round++)
		for (int i = 0; i < LOOPERS; i++) {
			/* Who comes first takes turns. */
			int who = (i + round) % LOOPERS;

			if (rounds->drivers[who].pid)
				one_answer(rounds, who, round, trial, x);
		}
	for (int i = 0; i < LOOPERS; i++)
		if (rounds->drivers[i].pid)
			driver_stop(&rounds->drivers[i]);
	return rounds;
}

static void loop_cost(const struct trial *trial, int x)
{
	struct rounds *rounds;

	if (trial->no_cost)
		return;
	rounds = run_rounds(trial, x, x < 100000 ? 3 : 1);
	for (int i = 0; i < LOOPERS; i++)
		for (int f = 0; f < rounds->figures; f++) {
			double *values = rounds->values[i][f];

			if (values[0])
				figure("cost", rounds->names[f], x,
				       loopers[i].name,
				       median(values, rounds->count),
				       "instructions");
		}
	free(rounds);
}

static void loop_time_suite(const char *suite, const struct trial *trial, int x)
{
	int count = x < 100000 ? (options.rounds + 2) / 3 : 3;
	struct rounds *rounds = run_rounds(trial, x, count);

	for (int i = 1; i < LOOPERS; i++)
		for (int f = 0; f < rounds->figures; f++) {
			double *values = rounds->values[i][f];
			double *base = rounds->values[0][f];

			if (!values[0] || !base[0])
				continue;
			for (int round = 0; round < count; round++)
				values[round] /= base[round];
			figure_spread(suite, rounds->names[f], x,
				      loopers[i].name, values, count,
				      "of libuv's time");
		}
	free(rounds);
}

static void loop_time(const struct trial *trial, int x)
{
	loop_time_suite("time", trial, x);
}

static void loop_host(const struct trial *trial, int x)
{
	loop_time_suite("host", trial, x);
}

/* Of the whole run, with what it begins and ends with. */
static void loop_calls(const struct trial *trial, int x)
{
	struct answer answers[FIGURES_MOST + 1];

	if (x > 10000)
		return;
	for (int i = 0; i < LOOPERS; i++) {
		struct driver driver;
		int n;

		if (!looper_is_wanted(&loopers[i], trial->in_kernel))
			continue;
		driver = driver_start(&loopers[i], true);
		/* What a process does the first time only. */
		driver_ask(&driver, trial->name, x, answers);
		calls_begin(driver.counter);
		n = driver_ask(&driver, trial->name, x, answers);
		if (n)
			figure("calls", trial->name, x, loopers[i].name,
			       (double)calls_end_other(driver.counter) /
			       answers[n - 1].operations, "calls");
		driver_stop(&driver);
	}
}

/* The address of the echo server that a driver has become. */
static struct sockaddr_in driver_serve(struct driver *driver)
{
	struct answer answers[FIGURES_MOST + 1];
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	if (driver_ask(driver, "echo_loop", 1, answers) == 1)
		address.sin_port = htons(answers[0].value);
	return address;
}

static bool serve_round(const struct looper *looper, int connections,
			int requests, bool calls, struct load *load)
{
	struct driver driver = driver_start(looper, calls);
	struct sockaddr_in address = driver_serve(&driver);

	if (address.sin_port)
		*load = load_run(AF_INET, &address, sizeof(address),
				 connections, requests, driver.counter);
	driver_stop(&driver);
	return address.sin_port;
}

static int echo_rounds(const char *suite)
{
	if (!strcmp(suite, "calls"))
		return 1;
	return !strcmp(suite, "cost") ? 3 : (options.rounds + 2) / 3;
}

static void loop_echo(const char *suite, int connections)
{
	bool calls = !strcmp(suite, "calls"), cost = !strcmp(suite, "cost");
	int count = echo_rounds(suite), requests = 2000;
	static double rates[LOOPERS][ROUNDS_MOST];
	struct load load;

	/* All connections' last requests are answered after the end. */
	if (requests < 10 * connections)
		requests = 10 * connections;
	memset(rates, 0, sizeof(rates));
	for (int round = 0; round < count; round++)
		for (int i = 0; i < LOOPERS; i++) {
			int who = (i + round) % LOOPERS;

			if (looper_is_wanted(&loopers[who], true) &&
			    serve_round(&loopers[who], connections, requests,
					calls, &load))
				rates[who][round] = calls ? load.calls :
						    load.per_second;
		}
	for (int i = 0; i < LOOPERS; i++) {
		if (!rates[i][0] || (!calls && !cost && !i))
			continue;
		for (int round = 0; round < count && !calls && !cost; round++)
			rates[i][round] /= rates[0][round];
		if (calls)
			figure(suite, "echo_loop", connections, loopers[i].name,
			       rates[i][0], "calls");
		else if (cost)
			figure(suite, "echo_loop", connections, loopers[i].name,
			       1e9 / median(rates[i], count), "instructions");
		else
			figure_spread(suite, "echo_loop", connections,
				      loopers[i].name, rates[i], count,
				      "of libuv's requests/s");
	}
}

/* Private memory of a process. */
static long long anon_bytes(pid_t pid)
{
	char path[64], line[128];
	long long kib = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	must(!!file, path);
	while (kib < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "RssAnon: %lld", &kib);
	fclose(file);
	return kib * 1024;
}

/* A connection that has had its answer, and stays. */
static int idle_connection(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte = 0;

	must(!connect(fd, (void *)address, sizeof(*address)), "connect");
	must(write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1, "an answer");
	return fd;
}

static void idle_memory(const struct looper *looper)
{
	enum { CONNECTIONS = 4000 };
	struct driver driver = driver_start(looper, false);
	struct sockaddr_in address = driver_serve(&driver);
	long long before;
	int *fds = calloc(CONNECTIONS, sizeof(*fds));

	must(!!fds, "memory");
	if (address.sin_port) {
		close(idle_connection(&address));
		before = anon_bytes(driver.pid);
		for (int i = 0; i < CONNECTIONS; i++)
			fds[i] = idle_connection(&address);
		figure("memory", "idle_connection", CONNECTIONS, looper->name,
		       (double)(anon_bytes(driver.pid) - before) / CONNECTIONS,
		       "bytes");
		for (int i = 0; i < CONNECTIONS; i++)
			close(fds[i]);
	}
	driver_stop(&driver);
	free(fds);
}

static void sleeper_memory(const struct looper *looper)
{
	enum { SLEEPERS = 20000 };
	struct answer answers[FIGURES_MOST + 1];
	struct driver driver = driver_start(looper, false);

	if (driver_ask(&driver, "sleepers", SLEEPERS, answers))
		figure("memory", "sleepers", SLEEPERS, looper->name,
		       answers[0].value, "bytes");
	driver_stop(&driver);
}

static void measure_trials(void (*measure)(const struct trial *trial, int x))
{
	for (int i = 0; i < TRIALS; i++) {
		const int *x = options.is_short ? trials[i].short_xs :
						  trials[i].xs;

		if (trial_is_wanted(trials[i].name))
			for (; *x >= 0; x++)
				measure(&trials[i], *x);
	}
}

static void measure_servers(const char *suite)
{
	static const int all[] = { 10, 100, 1000, 0 };

	raise_fd_limit(20000);
	if (trial_is_wanted("echo_loop") && !options.is_short)
		for (const int *x = all; *x; x++)
			loop_echo(suite, *x);
}

void measure_loops_cost(void)
{
	measure_trials(loop_cost);
	measure_servers("cost");
}

void measure_loops_calls(void)
{
	measure_trials(loop_calls);
	measure_servers("calls");
}

/* A short run has no libuv to compare with. */
void measure_loops_time(void)
{
	if (options.is_short)
		return;
	measure_trials(loop_time);
	measure_servers("time");
}

void measure_loops_host(void)
{
	measure_trials(loop_host);
	measure_servers("host");
}

void measure_loops_memory(void)
{
	raise_fd_limit(20000);
	for (int i = 0; i < LOOPERS; i++) {
		if (!looper_is_wanted(&loopers[i], true))
			continue;
		if (trial_is_wanted("idle_connection"))
			idle_memory(&loopers[i]);
		if (trial_is_wanted("sleepers"))
			sleeper_memory(&loopers[i]);
	}
}
