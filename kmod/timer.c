// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers.
 *
 * The callback runs in hard interrupts; all else is process context under the
 * instance's mutex.
 *
 * A periodic timer does not run while an expiry of it is pending. Who delivers
 * that one forwards it past now, counts the periods that this skips, and starts
 * it again: so no period is lost, and a timer of a nanosecond costs one
 * interrupt for each delivery, not for each nanosecond.
 *
 *	epx_timer_expire()		epx_timer_take(), under the mutex
 *	->lock: count + 1, expired = 1	->lock: takes count and expired
 *	push				expired: forward, start
 *	does not start itself
 *
 * With a ring the consumer makes no call that could start it. So the callback
 * starts it itself, as long as the program takes what it publishes: if it finds
 * the last expiry not consumed, it stops and marks the item RECHECK. Then the
 * consumer calls a wait, as for every RECHECK, whose scan forwards and starts.
 * One of a very short period stops every time: its consumer on another CPU could
 * keep this one in interrupts for ever.
 *
 * Its end is hrtimer_cancel(), which waits for the callback. The callback takes
 * the source's lock and those that a wake-up takes; the canceller has the mutex
 * and none of these. What starts a timer has the mutex, or is the callback
 * itself, which hrtimer_cancel() accounts for.
 *
 * A change of a timer that runs starts it anew without a cancel before, which
 * would cost as much again. Then an expiry of the earlier setting may be on its
 * way, and must not be taken for one of the new:
 *
 *	epx_timer_expire()		epx_timer_move(), under the mutex
 *	base's lock: dequeued, running	changing = 1
 *	->lock: changing? missed = 1	hrtimer_start(), in the base's lock
 *	        else count + 1		->lock: changing = 0, count = 0;
 *	base's lock: not running		missed, or running? again, with a cancel
 *
 * What is dequeued before the start is of the earlier setting: it is over before
 * the last section, which drops its count, or it is still seen to run. What is
 * dequeued after the start is of the new one: it comes after the last section
 * and counts, or it has seen ->changing and said so.
 *
 * The clock. A timer of CLOCK_REALTIME that was set to a point in time follows
 * that clock, the kernel sees to it. That the clock has been set, and not slewed,
 * shows in its distance from CLOCK_MONOTONIC, which is compared with what it
 * was: at the next event of the timer, or at once if that is asked for (clock.c).
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>

#include "clock.h"
#include "ring.h"
#include "ring_publish.h"
#include "source.h"
#include "trace.h"

/* What is over when it is over: neither a period nor a wish to be started. */
static bool epx_timer_is_periodic(const struct epx_timer *timer)
{
	return timer->period &&
	       !(READ_ONCE(timer->source.watch.events) & EPOLLONESHOT);
}

/*
 * Past now, to be started again; the number of periods. 0 where the clock was
 * set back behind the expiry: that one comes again.
 *
 * By the time from which it may expire. hrtimer_forward() goes by the end of the
 * slack, until which it would expire again and again.
 */
static u64 epx_timer_forward(struct epx_timer *timer)
{
	struct hrtimer *hrtimer = &timer->timer;
	ktime_t late = ktime_sub(hrtimer_cb_get_time(hrtimer),
				 hrtimer_get_softexpires(hrtimer));
	s64 skipped;

	if (late < 0)
		return 0;
	skipped = ktime_divns(late, timer->period);
	/* One by one, since each saturates. */
	hrtimer_add_expires(hrtimer, skipped * timer->period);
	hrtimer_add_expires(hrtimer, timer->period);
	return skipped + 1;
}

/* As epx_timer_expire(), where the instance has a ring. */
static enum hrtimer_restart epx_timer_expire_ring(struct epx_timer *timer)
{
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	struct epx_source *src = &timer->source;
	struct epx_watch *w = &src->watch;
	__poll_t events = READ_ONCE(w->events);
	bool told = false;
	u64 count = 1;

	if (epx_timer_is_periodic(timer)) {
		if (timer->period < EPX_RING_PERIOD_MIN ||
		    (epx_ring_state(w) & (EPX_ITEM_READY | EPX_ITEM_INRING))) {
			spin_lock(&src->lock);
			timer->expired = true;
			spin_unlock(&src->lock);
			told = epx_ring_hint(w, events, 0);
		} else {
			count = epx_timer_forward(timer);
			restart = HRTIMER_RESTART;
		}
	}
	epx_ring_count_up(w, count, 0);
	told |= epx_ring_publish(w, (__force u32)EPOLLIN);
	trace_epx_wake(w, EPOLLIN, told);
	if (told)
		epx_source_tell(w->instance);
	return restart;
}

/* Hard interrupt. */
static enum hrtimer_restart epx_timer_expire(struct hrtimer *hrtimer)
{
	struct epx_timer *timer = container_of(hrtimer, struct epx_timer,
					       timer);
	struct epx_source *src = &timer->source;
	struct epx_watch *w = &src->watch;
	bool pushed;

	if (epx_ring_of(w->instance))
		return epx_timer_expire_ring(timer);
	spin_lock(&src->lock);
	if (unlikely(READ_ONCE(timer->changing))) {
		timer->missed = true;
		spin_unlock(&src->lock);
		return HRTIMER_NORESTART;
	}
	WRITE_ONCE(src->count, src->count + 1);
	timer->expired = true;
	spin_unlock(&src->lock);
	pushed = epx_push(w);
	trace_epx_wake(w, EPOLLIN, pushed);
	epx_source_tell(w->instance);
	return HRTIMER_NORESTART;
}

static void epx_timer_init(struct epx_timer *timer, u32 clock, u32 flags)
{
	/* A relative one of CLOCK_REALTIME follows no change of the clock. */
	hrtimer_init(&timer->timer, clock, flags & EPX_TIMER_ABSTIME ?
		     HRTIMER_MODE_ABS : HRTIMER_MODE_REL);
	timer->timer.function = epx_timer_expire;
	timer->clock = clock;
	timer->flags = flags;
}

/**
 * epx_timer_prepare() - a timer that can be stopped
 * @timer: all zero
 *
 * Context: process.
 */
void epx_timer_prepare(struct epx_timer *timer)
{
	epx_timer_init(timer, CLOCK_MONOTONIC, 0);
}

/**
 * epx_timer_stop() - no callback runs or comes, and nothing is pending
 * @timer: the timer
 *
 * Context: process, may sleep; the instance's mutex held, unless nobody else has
 * the timer; none of the locks that the callback takes.
 */
void epx_timer_stop(struct epx_timer *timer)
{
	if (unlikely(timer->listed))
		epx_clock_unlist(timer);
	hrtimer_cancel(&timer->timer);
	timer->source.count = 0;
	timer->expired = false;
	timer->jumped = false;
}

static void epx_timer_start(struct epx_timer *timer,
			    const struct epx_source_ctl *ctl)
{
	hrtimer_start_range_ns(&timer->timer, ctl->first, ctl->slack,
			       ctl->flags & EPX_TIMER_ABSTIME ?
			       HRTIMER_MODE_ABS : HRTIMER_MODE_REL);
}

/**
 * epx_timer_set() - set a timer that is stopped
 * @timer: the timer
 * @ctl: checked
 *
 * Context: process, may sleep; the instance's mutex held.
 */
void epx_timer_set(struct epx_timer *timer, const struct epx_source_ctl *ctl)
{
	lockdep_assert_held(&timer->source.watch.instance->mutex);
	if (timer->clock != ctl->clock || timer->flags != ctl->flags)
		epx_timer_init(timer, ctl->clock, ctl->flags);
	timer->period = ctl->period;
	if (!ctl->first)
		return;
	if (ctl->flags & EPX_TIMER_CLOCK_SET)
		epx_clock_list(timer);
	else if (epx_timer_follows_clock(timer))
		timer->offset = ktime_mono_to_real(0);
	epx_timer_start(timer, ctl);
}

/**
 * epx_timer_move() - set a timer that runs, if that can be had for less
 * @timer: the timer
 * @ctl: checked; its ->first is not 0
 *
 * Context: process; the instance's mutex held.
 * Return: false: it has to be stopped and set, its state is not known.
 */
bool epx_timer_move(struct epx_timer *timer, const struct epx_source_ctl *ctl)
{
	struct epx_source *src = &timer->source;
	bool again;

	lockdep_assert_held(&src->watch.instance->mutex);
	/* Whether it is queued is a guess, and either way is right. */
	if (!hrtimer_is_queued(&timer->timer) || timer->clock != ctl->clock ||
	    timer->flags != ctl->flags || epx_timer_follows_clock(timer) ||
	    epx_ring_of(src->watch.instance))
		return false;
	/* Before the base's lock, in hrtimer_start_range_ns(). */
	WRITE_ONCE(timer->changing, true);
	epx_timer_start(timer, ctl);
	spin_lock_irq(&src->lock);
	WRITE_ONCE(timer->changing, false);
	again = timer->missed || hrtimer_callback_running(&timer->timer);
	timer->missed = false;
	timer->expired = false;
	src->count = 0;
	spin_unlock_irq(&src->lock);
	timer->period = ctl->period;
	return !again;
}

/* epx_timer_forward(), where the first of the periods has been counted. */
static u64 epx_timer_skip(struct epx_timer *timer)
{
	u64 periods = epx_timer_forward(timer);

	return periods ? periods - 1 : 0;
}

/* Returns whether it has stopped and has to be started again. */
static bool epx_timer_collect(struct epx_timer *timer,
			      struct epx_payload_event *event)
{
	struct epx_source *src = &timer->source;
	bool expired;

	spin_lock_irq(&src->lock);
	event->count = src->count;
	if ((event->count || timer->jumped) && epx_timer_follows_clock(timer) &&
	    (epx_clock_has_jumped(timer) || timer->jumped))
		event->flags |= EPX_EVENT_CLOCK_SET;
	src->count = 0;
	timer->jumped = false;
	expired = timer->expired;
	timer->expired = false;
	spin_unlock_irq(&src->lock);
	return expired && timer->period;
}

/**
 * epx_timer_is_pending() - is there something to deliver?
 * @timer: the timer
 *
 * Context: any; the source's lock held, or the instance's mutex, and then a no
 * may be old.
 * Return: the answer.
 */
bool epx_timer_is_pending(const struct epx_timer *timer)
{
	return READ_ONCE(timer->source.count) || READ_ONCE(timer->jumped);
}

/**
 * epx_timer_take() - take what is pending
 * @timer: the timer
 * @event: its payload is filled in
 *
 * Context: process; the instance's mutex held.
 * Return: whether there is something.
 */
bool epx_timer_take(struct epx_timer *timer, struct epx_payload_event *event)
{
	bool has_stopped = epx_timer_collect(timer, event);

	lockdep_assert_held(&timer->source.watch.instance->mutex);
	if (has_stopped) {
		event->count += epx_timer_skip(timer);
		if (epx_timer_is_periodic(timer))
			hrtimer_restart(&timer->timer);
	}
	return event->count || event->flags;
}

/**
 * epx_timer_give_back() - what was taken could not be written
 * @timer: the timer; its count is the caller's
 *
 * Context: process; the instance's mutex held.
 */
void epx_timer_give_back(struct epx_timer *timer)
{
	lockdep_assert_held(&timer->source.watch.instance->mutex);
	/* One that was to be over counts on. */
	if (timer->period && !epx_timer_is_periodic(timer))
		hrtimer_restart(&timer->timer);
}

/**
 * epx_timer_resume() - in a ring: start a timer that waited for its consumer
 * @timer: the timer
 *
 * Context: process; the instance's mutex held.
 * Return: whether periods have passed since it stopped.
 */
bool epx_timer_resume(struct epx_timer *timer)
{
	struct epx_payload_event unused = {};
	u64 count;

	lockdep_assert_held(&timer->source.watch.instance->mutex);
	if (!epx_timer_collect(timer, &unused))
		return false;
	count = epx_timer_skip(timer);
	if (count)
		epx_ring_count_up(&timer->source.watch, count, 0);
	hrtimer_restart(&timer->timer);
	return count;
}

/**
 * epx_timer_show() - the end of its line in fdinfo
 * @m: where to print
 * @timer: the timer
 *
 * Context: process; the instance's mutex held.
 */
void epx_timer_show(struct seq_file *m, struct epx_timer *timer)
{
	ktime_t left = hrtimer_get_remaining(&timer->timer);

	seq_printf(m, " clock:%u flags:%x left:%lld period:%lld pending:%llu\n",
		   timer->clock, timer->flags,
		   hrtimer_active(&timer->timer) ?
		   max_t(s64, ktime_to_ns(left), 0) : 0,
		   ktime_to_ns(timer->period), READ_ONCE(timer->source.count));
}
