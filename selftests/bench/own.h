/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of what has no files on epollx, and so none of the sides of
 * bench.h: posts.c, timers.c, scale_timers.c.
 */
#ifndef EPX_BENCH_OWN_H
#define EPX_BENCH_OWN_H

#include <stdint.h>

#include <epollx.h>
#include <epollx_ring.h>

#include "bench.h"

/* The id of the one source that there is. */
#define ID	1

/**
 * struct own - a benchmark on one side
 * @name: of the benchmark
 * @side: of the side
 * @x: where on its axis
 * @open: makes the side's instance, and its source
 * @prepare: as in struct bench
 * @step: as in struct bench
 */
struct own {
	const char *name;
	const char *side;
	int x;
	void (*open)(void);
	void (*prepare)(struct point *point);
	int (*step)(struct point *point);
};

/* Of the benchmark that runs; own_fd: the eventfd or timerfd, or -1. */
extern int own_ep, own_fd;
extern struct epx_consumer own_ring;

/* epoll with one file, which is made already. */
void own_open_native(int fd);
void own_open_epollx(void);
void own_open_ring(void);
/* With an eventfd, or with a user event. */
void own_open_eventfd(void);
void own_open_user(void);
void own_open_ring_user(void);
void own_close(void);

/* A timer of CLOCK_MONOTONIC that expires once, relative. */
void own_set_timer(int op, uint32_t id, int64_t first);
void own_set_timerfd(int fd, int64_t first);

/* Take the one event there is, its count included. */
void own_wait_native(int ms);
void own_wait_epollx(int64_t timeout);
void own_wait_ring(int64_t timeout);

/* Suite cost. @table ends with an empty one. */
void own_measure(const struct own *table);

#endif /* EPX_BENCH_OWN_H */
