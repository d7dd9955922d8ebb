// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ready list: from "a wake-up came" to "an event is in user memory".
 *
 * Everything here runs in process context under the instance's mutex, but
 * for what ready.h says about its own.
 *
 * Who runs beside whom. Wake callbacks push to @incoming at any time; only
 * the holder of the mutex drains it to @ready, and only it takes from @ready.
 * So a scan owns what it has taken, and nobody can put the same watch on a
 * list twice: ->queued is turned from 0 to 1 by exactly one of callback, scan
 * and EPOLL_CTL_ADD/MOD, and that one links the watch.
 *
 * A scan takes a watch, clears ->queued with a full barrier, and only then
 * polls the file: what a callback reports before the clear is seen by the
 * poll, and what comes after it queues the watch anew (hook.c has the
 * picture).
 *
 * Order after a scan: what it did not visit, then what arrived meanwhile,
 * then what it delivered and is level-triggered. So a call with a small array
 * does not serve the same files for ever.
 *
 * Where a watch goes: not ready, off the list; edge-triggered, off the list;
 * one-shot, off the list and disarmed; level-triggered, to the end; event
 * could not be copied, back to the front with nothing changed.
 *
 * A file is polled only while pinned: its count is raised from a non-zero
 * value under watch->lock, with the watch not dead. The close of the file has
 * to take that lock before the struct file can be freed or recycled, so the
 * pointer is good for as long as the lock is held and the watch is alive.
 */
#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "busypoll.h"
#include "bury.h"
#include "compat.h"
#include "hook.h"
#include "ready.h"
#include "trace.h"

/**
 * epx_is_quiet() - is it certain that nothing is ready?
 * @inst: the instance
 *
 * For a wait that may not sleep: "nothing" is believed only if no scan ran
 * while we looked, since a scan holds watches in its hands.
 *
 * Context: any. Return: true if no watch is queued and none was in a scan.
 */
bool epx_is_quiet(struct epx_instance *inst)
{
	/* Pairs with smp_store_release() in epx_scan_end(). */
	unsigned int seq = smp_load_acquire(&inst->scan_seq);

	if ((seq & 1) || epx_is_available(inst))
		return false;
	/* The lists before the count. Pairs with smp_wmb() in epx_scan_begin(). */
	smp_rmb();
	return READ_ONCE(inst->scan_seq) == seq;
}

/**
 * epx_watch_pin() - take a reference on a watched file
 * @w: the watch
 *
 * Context: process; takes @w->lock. The caller drops the reference with
 * fput(), which defers a final close to the return to user space.
 * Return: false if the file is on its way out.
 */
bool epx_watch_pin(struct epx_watch *w)
{
	bool pinned;

	spin_lock(&w->lock);
	pinned = !w->dead && epx_file_tryget(w->file);
	spin_unlock(&w->lock);
	return pinned;
}

/**
 * epx_watch_poll() - ask a watched file what is ready
 * @w: the watch
 * @file: its file, referenced
 * @pt: poll table; gets the watch's mask as its key, which drivers act on
 * @depth: of the file below the outermost instance, for lockdep
 *
 * Context: process, may sleep. Always in the context of a caller of wait or
 * ctl: some files (signalfd) report by who asks.
 * Return: what is ready, within the watch's mask.
 */
__poll_t epx_watch_poll(struct epx_watch *w, struct file *file,
			poll_table *pt, unsigned int depth)
{
	__poll_t revents;

	pt->_key = w->events;
	if (w->is_nested)
		revents = epx_instance_poll(file->private_data, file, pt,
					    depth);
	else
		revents = vfs_poll(file, pt);
	return revents & w->events;
}

/**
 * epx_drain() - move what callbacks have pushed to the ready list
 * @inst: the instance
 *
 * Context: process; the instance's mutex held.
 */
void epx_drain(struct epx_instance *inst)
{
	struct epx_watch *w, *next;
	struct llist_node *first;

	lockdep_assert_held(&inst->mutex);
	if (llist_empty(&inst->incoming))
		return;
	first = llist_reverse_order(llist_del_all(&inst->incoming));
	llist_for_each_entry_safe(w, next, first, incoming)
		list_add_tail(&w->ready, &inst->ready);
}

/* Link a watch that is in our hands, unless a callback was faster. */
static void epx_requeue(struct epx_watch *w, struct list_head *prev)
{
	if (xchg(&w->queued, 1))
		return;
	epx_wakeup_stay(w);
	list_add(&w->ready, prev);
}

/**
 * epx_queue() - make a watch ready from an add or a modify
 * @w: the watch
 *
 * A watch that is queued already keeps its place.
 *
 * Context: process; the instance's mutex held. Wakes.
 */
void epx_queue(struct epx_watch *w)
{
	struct epx_instance *inst = w->instance;

	epx_drain(inst);
	epx_requeue(w, inst->ready.prev);
	if (wq_has_sleeper(&inst->sleepers))
		wake_up(&inst->sleepers);
	epx_pollers_wake(inst, NULL, 0);
}

static void epx_scan_begin(struct epx_instance *inst)
{
	WRITE_ONCE(inst->scan_seq, inst->scan_seq + 1);
	/* Odd before a list is touched. Pairs with smp_rmb() in epx_is_quiet(). */
	smp_wmb();
	epx_bury(inst);
	epx_drain(inst);
}

/* @again: level-triggered watches that were delivered. */
static void epx_scan_end(struct epx_instance *inst, struct list_head *again)
{
	epx_drain(inst);
	list_splice_tail(again, &inst->ready);
	/* Lists before even. Pairs with smp_load_acquire() in epx_is_quiet(). */
	smp_store_release(&inst->scan_seq, inst->scan_seq + 1);
	epx_wakeup_scan_end(inst);
	/* The chain: who has taken his share wakes the next for the rest. */
	if (!list_empty(&inst->ready) && wq_has_sleeper(&inst->sleepers))
		wake_up(&inst->sleepers);
}

/* Take the first ready watch; from here on a wake-up queues it anew. */
static struct epx_watch *epx_take(struct epx_instance *inst)
{
	struct epx_watch *w = list_first_entry(&inst->ready, struct epx_watch,
					       ready);

	list_del(&w->ready);
	epx_wakeup_take(w);
	xchg(&w->queued, 0);
	return w;
}

static __poll_t epx_poll_pinned(struct epx_watch *w, unsigned int depth)
{
	__poll_t revents;
	poll_table pt;

	if (!epx_watch_pin(w)) {
		epx_count(pin_failed);
		return 0;
	}
	init_poll_funcptr(&pt, NULL);
	revents = epx_watch_poll(w, w->file, &pt, depth);
	if (revents)
		epx_busy_note(w->instance, w->file);
	fput(w->file);
	return revents;
}

static bool epx_put_event(struct epx_watch *w, __poll_t revents,
			  struct epoll_event __user *event)
{
	return !__put_user(revents, &event->events) &&
	       !__put_user(w->data, &event->data);
}

static int epx_scan(struct epx_instance *inst,
		    struct epoll_event __user *events, int max,
		    struct list_head *again)
{
	int n = 0;

	while (n < max && !list_empty(&inst->ready)) {
		struct epx_watch *w = epx_take(inst);
		__poll_t revents = epx_poll_pinned(w, 1);

		if (!revents)
			continue;
		if (!epx_put_event(w, revents, &events[n])) {
			epx_count(copy_fault);
			epx_requeue(w, &inst->ready);
			return n ? n : -EFAULT;
		}
		trace_epx_deliver(w, revents);
		n++;
		if (w->events & EPOLLONESHOT)
			WRITE_ONCE(w->events, w->events & EPX_STEERING_BITS);
		else if (!(w->events & EPOLLET))
			epx_requeue(w, again->prev);
	}
	return n;
}

/**
 * epx_collect() - deliver what is ready
 * @inst: the instance
 * @events: user array, its range checked
 * @max: its length
 *
 * Context: process, may sleep; takes the instance's mutex.
 * Return: number of events, 0 if nothing was ready after all, -EFAULT if the
 * first could not be copied, -EINTR if the caller is being killed: it may not
 * go on as long as there are events.
 */
int epx_collect(struct epx_instance *inst, struct epoll_event __user *events,
		int max)
{
	LIST_HEAD(again);
	int n;

	if (fatal_signal_pending(current)) {
		/* A wake-up may have been spent on us. Somebody else's then. */
		if (epx_is_available(inst) && wq_has_sleeper(&inst->sleepers)) {
			epx_count(killed_rewake);
			wake_up(&inst->sleepers);
		}
		return -EINTR;
	}
	epx_instance_lock(inst, 0);
	epx_scan_begin(inst);
	n = epx_scan(inst, events, max, &again);
	epx_scan_end(inst, &again);
	epx_instance_unlock(inst);
	return n;
}

/**
 * epx_instance_poll() - is an instance readable?
 * @inst: the instance
 * @file: its file
 * @pt: who asks
 * @depth: below the outermost instance, for lockdep
 *
 * Stops at the first watch that is ready and leaves it where it is; takes
 * what is stale before it off the list. Consumes nothing.
 *
 * Context: process, may sleep; takes the instance's mutex.
 * Return: EPOLLIN | EPOLLRDNORM or 0.
 */
__poll_t epx_instance_poll(struct epx_instance *inst, struct file *file,
			   poll_table *pt, unsigned int depth)
{
	__poll_t revents = 0;
	LIST_HEAD(again);

	poll_wait(file, &inst->pollers, pt);
	/*
	 * On the queue before the look at the lists. Pairs with the full
	 * barrier of epx_push() in epx_hook_wake().
	 */
	if (!poll_does_not_wait(pt))
		smp_mb();
	epx_instance_lock(inst, depth);
	epx_scan_begin(inst);
	while (!revents && !list_empty(&inst->ready)) {
		struct epx_watch *w = epx_take(inst);

		if (epx_poll_pinned(w, depth + 1)) {
			revents = EPOLLIN | EPOLLRDNORM;
			epx_requeue(w, &inst->ready);
		}
	}
	epx_scan_end(inst, &again);
	epx_instance_unlock(inst);
	return revents;
}
