/* SPDX-License-Identifier: MIT */
/*
 * The benchmark program: the same operations on native epoll and on epollx, in
 * one process, as figures in lines of JSON.
 *
 * Under -icount the clock counts instructions, so the time of an operation is
 * its exact cost (suites "cost", "memory"); otherwise both sides are timed in
 * short rounds, one after the other, and the ratio of each round is what counts
 * (suites "time", "echo").
 */
#ifndef EPX_BENCH_H
#define EPX_BENCH_H

#include <stdint.h>
#include <sys/epoll.h>

enum bench_side { BENCH_NATIVE, BENCH_EPX, BENCH_SIDES };

/**
 * struct peer - a side's best form of epoll's calls
 * @name: for the figures
 * @create: a new instance
 * @change: epoll_ctl(2), the event by value
 * @wait: epoll_wait(2), milliseconds or negative
 */
struct peer {
	const char *name;
	int (*create)(void);
	int (*change)(int ep, int op, int fd, uint32_t events, uint64_t data);
	int (*wait)(int ep, struct epoll_event *events, int max, int ms);
};

extern const struct peer peers[BENCH_SIDES];

long long clock_ns(void);
void must(int ok, const char *what);
void figure(const char *suite, const char *name, const char *side,
	    double value, const char *unit);
void raise_fd_limit(long count);

/* A scenario of suites "cost" and "time": @step is one operation. */
struct scenario {
	const char *name;
	void (*setup)(const struct peer *peer, int count, uint32_t events);
	void (*step)(const struct peer *peer);
	int count;
	uint32_t events;
};

extern const struct scenario scenarios[];
void scenario_end(void);

void run_cost(void);
void run_time(int rounds);
void run_close(void);
void run_memory(int count);
void run_growth(int most);
void run_echo(int rounds, int requests);
void run_journey(void);

#endif /* EPX_BENCH_H */
