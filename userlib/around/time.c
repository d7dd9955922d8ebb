// SPDX-License-Identifier: MIT
/*
 * Futures of time: sleep, tick, timeout.
 *
 * Each owns one timer, which is in the executor's heap from the first poll that
 * finds its time not come, to the end of the future.
 */
#include <errno.h>

#include "core/exec.h"

/* Ready when @at has come, with *@res 0, or without memory. */
static int wait_until(struct epx_timer *timer, struct epx_cx *cx, int64_t at,
		      int64_t *res)
{
	*res = 0;
	/* The time of the last turn will do for one that its timer woke. */
	if (cx->exec->seen >= at || epx_now(cx) >= at)
		return epx_budget(cx) ? EPX_READY : EPX_PENDING;
	/* Never takes no place: nothing would ever take it away. */
	if (at != EPX_NEVER)
		*res = epx_timer_set(timer, cx, at);
	return *res ? EPX_READY : EPX_PENDING;
}

static void describe(const struct epx_timer *timer, FILE *to)
{
	if (timer->place)
		fprintf(to, "in %.3f ms",
			(timer->at - epx_time(timer->exec)) / 1e6);
}

static int sleep_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_sleep *sleep = (struct epx_sleep *)future;

	if (sleep->relative) {
		sleep->ns = epx_time_after(epx_now(cx), sleep->ns);
		sleep->relative = false;
	}
	return wait_until(&sleep->timer, cx, sleep->ns, &future->res);
}

static void sleep_end(struct epx_future *future)
{
	epx_timer_clear(&((struct epx_sleep *)future)->timer);
}

static void sleep_describe(const struct epx_future *future, FILE *to)
{
	describe(&((const struct epx_sleep *)future)->timer, to);
}

static const struct epx_ops sleep_ops = {
	.name = "sleep",
	.poll = sleep_poll,
	.end = sleep_end,
	.describe = sleep_describe,
};

static struct epx_future *sleep_init(struct epx_sleep *sleep, int64_t ns,
				     bool relative)
{
	sleep->timer.place = 0;
	sleep->ns = ns;
	sleep->relative = relative;
	return epx_init(&sleep->future, &sleep_ops);
}

struct epx_future *epx_sleep(struct epx_sleep *sleep, int64_t ns)
{
	return sleep_init(sleep, ns, true);
}

struct epx_future *epx_sleep_until(struct epx_sleep *sleep, int64_t at)
{
	return sleep_init(sleep, at, false);
}

int epx_interval_init(struct epx_interval *interval, int64_t period,
		      enum epx_missed missed)
{
	if (period <= 0)
		return -EINVAL;
	interval->next = 0;
	interval->period = period;
	interval->missed = missed;
	return 0;
}

/* A tick is due: count the periods, and say when the next one is. */
static int64_t interval_take(struct epx_interval *interval, int64_t now)
{
	int64_t periods = 1 + (now - interval->next) / interval->period;

	switch (interval->missed) {
	case EPX_MISSED_BURST:
		interval->next = epx_time_after(interval->next, interval->period);
		return 1;
	case EPX_MISSED_DELAY:
		interval->next = epx_time_after(now, interval->period);
		return periods;
	default:
		interval->next += (periods - 1) * interval->period;
		interval->next = epx_time_after(interval->next, interval->period);
		return periods;
	}
}

static int tick_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_tick *tick = (struct epx_tick *)future;
	struct epx_interval *interval = tick->interval;

	if (!interval->next)
		interval->next = epx_time_after(epx_now(cx), interval->period);
	if (wait_until(&tick->timer, cx, interval->next, &future->res) ==
	    EPX_PENDING)
		return EPX_PENDING;
	if (!future->res)
		future->res = interval_take(interval, epx_now(cx));
	return EPX_READY;
}

static void tick_end(struct epx_future *future)
{
	epx_timer_clear(&((struct epx_tick *)future)->timer);
}

static void tick_describe(const struct epx_future *future, FILE *to)
{
	describe(&((const struct epx_tick *)future)->timer, to);
}

static const struct epx_ops tick_ops = {
	.name = "tick",
	.poll = tick_poll,
	.end = tick_end,
	.describe = tick_describe,
};

struct epx_future *epx_tick(struct epx_tick *tick,
			    struct epx_interval *interval)
{
	tick->timer.place = 0;
	tick->interval = interval;
	return epx_init(&tick->future, &tick_ops);
}

static int timeout_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_timeout *timeout = (struct epx_timeout *)future;
	int64_t res;

	if (!future->awaiting) {
		timeout->ns = epx_time_after(epx_now(cx), timeout->ns);
		future->awaiting = timeout->inner;
	}
	/* First the future: one that is ready has not timed out. */
	if (epx_poll(timeout->inner, cx) == EPX_READY)
		return epx_ready(future, timeout->inner->res);
	if (wait_until(&timeout->timer, cx, timeout->ns, &res) == EPX_PENDING)
		return EPX_PENDING;
	epx_drop(timeout->inner);
	return epx_ready(future, res ? res : -ETIMEDOUT);
}

static void timeout_end(struct epx_future *future)
{
	struct epx_timeout *timeout = (struct epx_timeout *)future;

	epx_timer_clear(&timeout->timer);
	/* Where this one was never polled nobody has dropped the other one. */
	epx_drop(timeout->inner);
}

static void timeout_describe(const struct epx_future *future, FILE *to)
{
	describe(&((const struct epx_timeout *)future)->timer, to);
}

static const struct epx_ops timeout_ops = {
	.name = "timeout",
	.poll = timeout_poll,
	.end = timeout_end,
	.describe = timeout_describe,
};

struct epx_future *epx_timeout(struct epx_timeout *timeout,
			       struct epx_future *inner, int64_t ns)
{
	timeout->timer.place = 0;
	timeout->inner = inner;
	timeout->ns = ns;
	return epx_init(&timeout->future, &timeout_ops);
}
