/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: time.
 *
 * Times are nanoseconds of CLOCK_MONOTONIC; those of the scripted backend are
 * its own. What waits for a time that has passed is ready at once. Timers cost
 * the kernel nothing: an executor keeps them in a heap and passes the next one
 * to its wait. None is early.
 */
#ifndef EPOLLX_TIME_H
#define EPOLLX_TIME_H

#include <epollx_exec.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EPX_USEC	1000LL
#define EPX_MSEC	1000000LL
#define EPX_SEC		1000000000LL

/**
 * struct epx_timer - a place in an executor's heap of timers
 * @at: when
 * @seq: among those of the same time, the order in which they were set
 * @exec: the executor
 * @task: to be woken
 * @place: in the heap, from 1; or 0
 */
struct epx_timer {
	int64_t at;
	uint64_t seq;
	struct epx_exec *exec;
	struct epx_task *task;
	uint32_t place;
};

/**
 * epx_now() - the time
 * @cx: the poll
 *
 * Read once in each poll of a task, when it is first asked for.
 *
 * Return: nanoseconds.
 */
int64_t epx_now(struct epx_cx *cx);

/**
 * epx_time() - the time, outside of a poll
 * @exec: the executor
 *
 * Return: nanoseconds.
 */
int64_t epx_time(struct epx_exec *exec);

/**
 * struct epx_sleep - waits for a point in time
 * @future: its result is 0, or -ENOMEM
 * @timer: the timer
 * @ns: the time, or the point in time
 * @relative: which of these
 */
struct epx_sleep {
	struct epx_future future;
	struct epx_timer timer;
	int64_t ns;
	bool relative;
};

/**
 * epx_sleep() - wait for some time, which begins with the first poll
 * @sleep: the future
 * @ns: nanoseconds
 *
 * Return: @sleep's future; its result is 0, or -ENOMEM.
 */
struct epx_future *epx_sleep(struct epx_sleep *sleep, int64_t ns);

/**
 * epx_sleep_until() - wait for a point in time
 * @sleep: the future
 * @at: nanoseconds of epx_now()
 *
 * Return: @sleep's future; its result is 0, or -ENOMEM.
 */
struct epx_future *epx_sleep_until(struct epx_sleep *sleep, int64_t at);

/* What an interval does with periods that went by unseen. */
enum epx_missed {
	EPX_MISSED_SKIP,	/* the next tick is the next whole period */
	EPX_MISSED_BURST,	/* a tick for each, at once */
	EPX_MISSED_DELAY,	/* the next tick is a period from now */
};

/**
 * struct epx_interval - ticks
 * @next: when the next one is due, 0 before the first call of epx_tick()
 * @period: nanoseconds
 * @missed: what is done about late ticks
 */
struct epx_interval {
	int64_t next;
	int64_t period;
	enum epx_missed missed;
};

/**
 * struct epx_tick - waits for a tick
 * @future: its result is the number of periods since the last tick, or -ENOMEM
 * @timer: the timer
 * @interval: whose tick
 */
struct epx_tick {
	struct epx_future future;
	struct epx_timer timer;
	struct epx_interval *interval;
};

/**
 * epx_interval_init() - begin to tick
 * @interval: the interval
 * @period: nanoseconds, above 0
 * @missed: what is done about late ticks
 *
 * Time begins when the first tick is first polled for; that tick comes a
 * period later.
 *
 * Return: 0, or -EINVAL.
 */
int epx_interval_init(struct epx_interval *interval, int64_t period,
		      enum epx_missed missed);

/**
 * epx_tick() - wait for the next tick
 * @tick: the future
 * @interval: whose; of one epx_tick at a time
 *
 * Dropping it loses no tick.
 *
 * Return: @tick's future; its result is the number of periods since the last
 * tick, at least 1 (always 1 for EPX_MISSED_BURST), or -ENOMEM.
 */
struct epx_future *epx_tick(struct epx_tick *tick,
			    struct epx_interval *interval);

/**
 * struct epx_timeout - a future, for some time
 * @future: its result is the future's, or -ETIMEDOUT
 * @timer: the timer
 * @inner: the future
 * @ns: nanoseconds
 */
struct epx_timeout {
	struct epx_future future;
	struct epx_timer timer;
	struct epx_future *inner;
	int64_t ns;
};

/**
 * epx_timeout() - wait for a future, but only for some time
 * @timeout: the future
 * @inner: what is waited for; dropped at the end of the time
 * @ns: nanoseconds from the first poll
 *
 * Return: @timeout's future; its result is @inner's, or, with @inner
 * dropped, -ETIMEDOUT or -ENOMEM.
 */
struct epx_future *epx_timeout(struct epx_timeout *timeout,
			       struct epx_future *inner, int64_t ns);

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_TIME_H */
