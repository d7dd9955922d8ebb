// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers that are told at once when CLOCK_REALTIME is set (EPX_TIMER_CLOCK_SET).
 *
 * timerfd's list of such timers is not open to modules. What is open is a
 * notifier of the timekeeper's updates, by which hypervisors copy its state. It
 * is called at each update, once a tick, and so in the middle of one, with the
 * timekeeper's lock held and its sequence odd: who looked at a clock there would
 * wait for ever. Its argument says whether the clock was set. So it does no more
 * than raise an interrupt for later, which queues work, which goes through the
 * timers. It is registered only while there are any.
 *
 *	update of the timekeeper	epx_clock_list(), in epx_clock_mutex
 *	new offset			notifier registered
 *	notifier: it was set		offset noted, listed
 *	end of the update
 *	interrupt, work			epx_clock_unlist(), likewise
 *	in epx_clock_mutex: looks at	off the list; with the last one the
 *	each one's offset		notifier goes, too
 *
 * A clock that is set before the offset is noted is no change to that timer. One
 * that is set after it finds the notifier registered, and its work comes behind
 * the section that lists the timer. Who has taken a timer off the list knows that
 * the work is not at it, and that its instance is not needed any more.
 *
 * The mutex is taken under that of an instance, and never the other way round.
 */
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pvclock_gtod.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "clock.h"
#include "ring.h"
#include "ring_publish.h"
#include "source.h"
#include "trace.h"

static DEFINE_MUTEX(epx_clock_mutex);
static LIST_HEAD(epx_clock_timers); /* [epx_clock_mutex] */

/**
 * epx_clock_has_jumped() - has CLOCK_REALTIME been set since the last call?
 * @timer: a timer that follows it
 *
 * Context: any; the source's lock held.
 * Return: the answer.
 */
bool epx_clock_has_jumped(struct epx_timer *timer)
{
	ktime_t offset = ktime_mono_to_real(0);

	if (offset == timer->offset)
		return false;
	timer->offset = offset;
	return true;
}

/**
 * epx_clock_tell_again() - who should have been told has not been
 * @timer: the timer, whose event had EPX_EVENT_CLOCK_SET
 *
 * Context: process; the instance's mutex held.
 */
void epx_clock_tell_again(struct epx_timer *timer)
{
	struct epx_source *src = &timer->source;

	lockdep_assert_held(&src->watch.instance->mutex);
	spin_lock_irq(&src->lock);
	/* No distance of two clocks. */
	timer->offset = KTIME_MIN;
	spin_unlock_irq(&src->lock);
}

/* A timer hears of it, unless it has. */
static void epx_clock_tell(struct epx_timer *timer)
{
	struct epx_source *src = &timer->source;
	struct epx_watch *w = &src->watch;
	bool pushed = false, seen;

	spin_lock_irq(&src->lock);
	seen = epx_source_is_armed(src) && epx_clock_has_jumped(timer);
	if (seen && epx_ring_of(w->instance)) {
		pushed = epx_ring_publish(w, (__force u32)EPOLLIN);
	} else if (seen) {
		WRITE_ONCE(timer->jumped, true);
		pushed = epx_push(w);
	}
	spin_unlock_irq(&src->lock);
	if (!seen)
		return;
	trace_epx_wake(w, EPOLLIN, pushed);
	epx_source_tell(w->instance);
}

/* Process context. */
static void epx_clock_walk(struct work_struct *work)
{
	struct epx_watch *w;

	mutex_lock(&epx_clock_mutex);
	list_for_each_entry(w, &epx_clock_timers, siblings) {
		epx_clock_tell(epx_timer_of(epx_source_of(w)));
		cond_resched();
	}
	mutex_unlock(&epx_clock_mutex);
}

static DECLARE_WORK(epx_clock_work, epx_clock_walk);

/* Hard interrupt. */
static void epx_clock_raise(struct irq_work *irq)
{
	schedule_work(&epx_clock_work);
}

static DEFINE_IRQ_WORK(epx_clock_irq, epx_clock_raise);

/* Interrupts off, the timekeeper locked and in the middle of an update. */
static int epx_clock_updated(struct notifier_block *block,
			     unsigned long was_set, void *timekeeper)
{
	if (unlikely(was_set))
		irq_work_queue(&epx_clock_irq);
	return NOTIFY_OK;
}

static struct notifier_block epx_clock_notifier = {
	.notifier_call = epx_clock_updated,
};

/**
 * epx_clock_list() - from now on a timer is told when the clock is set
 * @timer: a timer that is not listed; its offset is noted
 *
 * Context: process, may sleep; the instance's mutex held.
 */
void epx_clock_list(struct epx_timer *timer)
{
	lockdep_assert_held(&timer->source.watch.instance->mutex);
	mutex_lock(&epx_clock_mutex);
	if (list_empty(&epx_clock_timers))
		pvclock_gtod_register_notifier(&epx_clock_notifier);
	timer->offset = ktime_mono_to_real(0);
	list_add_tail(&timer->source.watch.siblings, &epx_clock_timers);
	timer->listed = true;
	mutex_unlock(&epx_clock_mutex);
}

/**
 * epx_clock_unlist() - and from now on it is not
 * @timer: a timer that is listed
 *
 * Context: process, may sleep; the instance's mutex held.
 */
void epx_clock_unlist(struct epx_timer *timer)
{
	lockdep_assert_held(&timer->source.watch.instance->mutex);
	mutex_lock(&epx_clock_mutex);
	list_del(&timer->source.watch.siblings);
	timer->listed = false;
	if (list_empty(&epx_clock_timers))
		pvclock_gtod_unregister_notifier(&epx_clock_notifier);
	mutex_unlock(&epx_clock_mutex);
}

/**
 * epx_clock_exit() - nothing of this runs or comes any more
 *
 * Context: module exit, may sleep; there is no timer.
 */
void epx_clock_exit(void)
{
	irq_work_sync(&epx_clock_irq);
	cancel_work_sync(&epx_clock_work);
}
