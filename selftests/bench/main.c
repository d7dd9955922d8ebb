// SPDX-License-Identifier: MIT
/*
 * bench SUITE...: cost, close, memory, growth (under -icount), time, echo;
 * journey makes two events for a trace.
 * EPX_BENCH=long measures longer. Every line of output is a figure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <epollx.h>

#include "bench.h"

static int native_create(void)
{
	return epoll_create1(0);
}

static int native_change(int ep, int op, int fd, uint32_t events,
			 uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return syscall(SYS_epoll_ctl, ep, op, fd, &event);
}

static int native_wait(int ep, struct epoll_event *events, int max, int ms)
{
	return syscall(SYS_epoll_wait, ep, events, max, ms);
}

static int epollx_create(void)
{
	return epx_open(0);
}

static int epollx_wait(int ep, struct epoll_event *events, int max, int ms)
{
	return epx_wait(ep, events, max, ms < 0 ? -1 : ms * 1000000LL);
}

const struct peer peers[BENCH_SIDES] = {
	{ "native", native_create, native_change, native_wait },
	{ "epollx", epollx_create, epx_change, epollx_wait },
};

long long clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

void figure(const char *suite, const char *name, const char *side,
	    double value, const char *unit)
{
	static struct utsname kernel;
	const char *accel = getenv("EPX_ACCEL");

	if (!kernel.release[0])
		uname(&kernel);
	printf("{\"suite\":\"%s\",\"name\":\"%s\",\"side\":\"%s\",",
	       suite, name, side);
	printf("\"value\":%.6g,\"unit\":\"%s\",", value, unit);
	printf("\"kernel\":\"%s\",\"accel\":\"%s\"}\n", kernel.release,
	       accel ? accel : "unknown");
	fflush(stdout);
}

void raise_fd_limit(long count)
{
	struct rlimit limit = { count, count };

	must(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

int main(int argc, char **argv)
{
	const char *length = getenv("EPX_BENCH");
	int is_long = length && !strcmp(length, "long");

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "cost"))
			run_cost();
		else if (!strcmp(argv[i], "close"))
			run_close();
		else if (!strcmp(argv[i], "memory"))
			run_memory(100000);
		else if (!strcmp(argv[i], "growth"))
			run_growth(100000);
		else if (!strcmp(argv[i], "time"))
			run_time(is_long ? 100 : 31);
		else if (!strcmp(argv[i], "echo"))
			run_echo(is_long ? 31 : 5, is_long ? 5000 : 1000);
		else if (!strcmp(argv[i], "journey"))
			run_journey();
		else
			must(0, "cost, close, memory, growth, time, echo or journey");
	}
	return 0;
}
