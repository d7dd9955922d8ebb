/* SPDX-License-Identifier: MIT */
/*
 * The benchmarks for libepollx; EPOLLX_BACKEND says on which backend.
 */
#ifndef EPX_BENCH_LOOPS_EPOLLX_DRIVER_H
#define EPX_BENCH_LOOPS_EPOLLX_DRIVER_H

#include <epollx_async.h>

#include "driver.h"

static inline struct epx_exec *exec_new(void)
{
	struct epx_exec *exec;

	must(!epx_exec_new(&exec, NULL), "epx_exec_new");
	return exec;
}

static inline void must_spawn(struct epx_exec *exec, struct epx_future *future,
			      void (*end)(struct epx_future *))
{
	must(!epx_spawn(exec, future, end, NULL), "epx_spawn");
}

/* epollx.c */
void free_future(struct epx_future *future);

/* epollx_threads.c */
void run_async(int n);
void run_pummel(int n);

/* epollx_net.c */
void run_echo(int x);
void run_ping_pongs(int x);
void run_pound(int x);

#endif /* EPX_BENCH_LOOPS_EPOLLX_DRIVER_H */
