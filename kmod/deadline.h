/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_DEADLINE_H
#define EPX_DEADLINE_H

#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/deadline.h>
#include <linux/sched/rt.h>

/**
 * struct epx_deadline - when a wait ends
 * @at: on CLOCK_MONOTONIC; KTIME_MAX, where the clock never gets, is never
 * @slack: nanoseconds that a timer may be late
 * @is_now: it is over
 */
struct epx_deadline {
	ktime_t at;
	u64 slack;
	bool is_now;
};

#define EPX_SLACK_MAX		(100 * NSEC_PER_MSEC)

/**
 * epx_slack() - how late a timer may be, so that timers can share an interrupt
 * @left: the time to go
 *
 * 0.1 % of it (0.5 % for a nice task), at most 100 ms, at least the task's own
 * slack; none for a real-time task. As select(2) and epoll have it.
 *
 * Context: process.
 * Return: nanoseconds.
 */
static inline u64 epx_slack(ktime_t left)
{
	u64 slack;

	if (rt_task(current) || dl_task(current))
		return 0;
	slack = div_u64(max_t(s64, left, 0), task_nice(current) > 0 ? 200 : 1000);
	return max_t(u64, min_t(u64, slack, EPX_SLACK_MAX),
		     current->timer_slack_ns);
}

/**
 * epx_deadline_in() - so many nanoseconds from now
 * @deadline: all zero, to be set
 * @ns: 0 is now, negative is never
 *
 * Context: process.
 */
static inline void epx_deadline_in(struct epx_deadline *deadline, s64 ns)
{
	if (ns < 0) {
		deadline->at = KTIME_MAX;
	} else if (!ns) {
		deadline->is_now = true;
	} else {
		/* Saturates: the sum of two positive numbers. */
		deadline->at = ktime_add_safe(ktime_get(), ns);
		deadline->slack = epx_slack(ns);
	}
}

/* Where events go. */
#define EPX_WAIT_WHERE	(EPX_WAIT_RING | EPX_WAIT_PAYLOAD | EPX_WAIT_AMOUNT)

/**
 * epx_wait_goes_together() - do flags that say where events go?
 * @flags: EPX_WAIT_* bits
 *
 * Context: any.
 * Return: the answer.
 */
static inline bool epx_wait_goes_together(u32 flags)
{
	switch (flags & EPX_WAIT_WHERE) {
	case 0:
	case EPX_WAIT_RING:
	case EPX_WAIT_PAYLOAD:
	case EPX_WAIT_PAYLOAD | EPX_WAIT_AMOUNT:
		return true;
	default:
		return false;
	}
}

int epx_deadline_read(struct epx_deadline *deadline, u32 flags, s64 timeout);

#endif /* EPX_DEADLINE_H */
