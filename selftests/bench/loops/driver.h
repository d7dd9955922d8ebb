/* SPDX-License-Identifier: MIT */
/*
 * Event loops compared: a program for each, with the same main().
 *
 *   driver.c          main(): what the bench program asks for, what is answered
 *   callback.c        the benchmarks, for libraries of callbacks: struct peer
 *   threads.c net.c   the same for those with other threads, on sockets
 *   uv.c event.c ev.c the peers of that kind; rawio.c is what the last two lack
 *   epollx.c epollx_net.c epollx_threads.c
 *                     the benchmarks for libepollx, as futures
 *   timerfd.c         a timerfd for each timer
 *   go/ tokio/        programs of their own that answer to the same questions
 *
 * The bench program (../loops.c) writes a line, "NAME X"; the driver runs the
 * benchmark once and answers with lines "NAME NS OPERATIONS", the last of which
 * is ".". What is not part of the benchmark is outside of clock_start() and
 * clock_stop().
 */
#ifndef EPX_BENCH_LOOPS_DRIVER_H
#define EPX_BENCH_LOOPS_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** struct task - a benchmark: by name, with what x stands for */
struct task {
	const char *name;
	void (*run)(int x);
};

/* The driver's own; the last has no name. */
extern const struct task tasks[];

/* Sizes that belong to a benchmark's name: those of the projects it is from. */
#define YIELDS		1000	/* of each task of yield_many */
#define ASYNC_TRIPS	2000	/* round trips of each thread of async */
#define PUMMEL		20000	/* sends of all threads of async_pummel */
#define PING_PONGS	1000	/* round trips */
#define POUNDS		2	/* connections of each client of tcp4_pound */
#define TURNS		2000	/* of loop_count */
#define MESSAGE		64	/* bytes that travel on a connection */
#define LATEST_NS	200000000LL	/* the last timer to come, from now */

void fail(const char *what) __attribute__((noreturn));

static inline void must(int ok, const char *what)
{
	if (!ok)
		fail(what);
}

void *must_alloc(size_t count, size_t size);

long long clock_ns(void);
void clock_start(void);
/* Since clock_start(), as @operations of benchmark @name. */
long long clock_stop(const char *name, long operations);
void report(const char *name, long long ns, long operations);

/* A time from 1 ms to LATEST_NS, the same ones in each driver. */
int64_t timer_ns(int i);
/* Tells how much private memory has come since @before, for each of @count. */
void report_memory(const char *name, long long before, long count);
/* The private memory of this process. */
long long anon_bytes(void);
/* Sleeps until even the last timer set by now is due. */
void wait_until_due(void);

/* A listening socket on 127.0.0.1 and its port, which is told to the asker. */
int listen_here(int *port);
void tell_port(int port);
/* A socket that is being connected to @port of 127.0.0.1. */
int connect_here(int port);
void set_nodelay(int fd);

#endif /* EPX_BENCH_LOOPS_DRIVER_H */
