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
 * Before a watch leaves the lists a scan clears ->queued with a full barrier,
 * and only then polls the file: what a callback reports before the clear is
 * seen by the poll, and what comes after it queues the watch anew (hook.c has
 * the picture). A watch that stays on the list needs no clear.
 *
 * Order after a scan: what it did not visit, then what arrived meanwhile,
 * then what it delivered and is level-triggered. So a call with a small array
 * does not serve the same files for ever.
 *
 * Where a watch goes: not ready, off the list; edge-triggered, off the list;
 * one-shot, off the list and disarmed; level-triggered, to the end; event
 * could not be copied, back to the front with nothing changed.
 */
#include <linux/sched/signal.h>

#include "bury.h"
#include "exclusive.h"
#include "hook.h"
#include "ready.h"
#include "ring.h"
#include "ring_scan.h"
#include "source.h"
#include "trace.h"

static noinline void epx_drain_many(struct epx_instance *inst,
				    struct llist_node *first)
{
	struct epx_watch *w, *next;

	first = llist_reverse_order(first);
	llist_for_each_entry_safe(w, next, first, incoming)
		list_add_tail(&w->ready, &inst->ready);
}

/* Between epx_move_begin() and epx_move_end(); @incoming is not empty. */
static inline void epx_drain_moving(struct epx_instance *inst)
{
	struct llist_node *first = llist_del_all(&inst->incoming);
	struct epx_watch *w = llist_entry(first, struct epx_watch, incoming);

	if (first->next)
		epx_drain_many(inst, first);
	else
		list_add_tail(&w->ready, &inst->ready);
}

/**
 * epx_drain() - move what callbacks have pushed to the ready list
 * @inst: the instance
 *
 * Wakes nobody: a waiter that looked meanwhile has not believed what it saw.
 *
 * Context: process; the instance's mutex held, no scan running.
 */
void epx_drain(struct epx_instance *inst)
{
	lockdep_assert_held(&inst->mutex);
	if (llist_empty(&inst->incoming))
		return;
	epx_move_begin(inst);
	epx_drain_moving(inst);
	epx_move_end(inst);
}

/**
 * epx_queue() - make a watch ready from an add or a modify
 * @w: the watch, its file referenced by the caller
 * @revents: what the file is ready for
 *
 * A watch that is queued already keeps its place, and nobody is woken for it
 * again.
 *
 * Context: process; the instance's mutex held.
 */
void epx_queue(struct epx_watch *w, __poll_t revents)
{
	struct epx_instance *inst = w->instance;

	if (unlikely(epx_ring_of(inst))) {
		epx_ring_queue(w, revents);
	} else {
		epx_drain(inst);
		if (!epx_requeue(w, inst->ready.prev))
			return;
	}
	/*
	 * Pairs with smp_mb() in epx_sleep(), in epx_gatherer_enter() and in
	 * epx_instance_poll().
	 */
	if (wq_has_sleeper(&inst->sleepers))
		epx_sleepers_wake(inst, 0, 0);
	epx_pollers_wake(inst, NULL, 0);
}

static inline void epx_scan_begin(struct epx_instance *inst)
{
	epx_bury(inst);
	epx_move_begin(inst);
	if (!llist_empty(&inst->incoming))
		epx_drain_moving(inst);
}

/* What was visited and stays ready goes behind what was not, and the new. */
static noinline void epx_rotate(struct epx_instance *inst,
				struct list_head *next)
{
	LIST_HEAD(again);

	list_cut_before(&again, &inst->ready, next);
	if (!llist_empty(&inst->incoming))
		epx_drain_moving(inst);
	list_splice_tail(&again, &inst->ready);
}

/* @next: the first watch that was not visited. */
static inline void epx_scan_end(struct epx_instance *inst, struct list_head *next)
{
	/* Where all were visited and none came, the order is right already. */
	if (next != &inst->ready || !llist_empty(&inst->incoming))
		epx_rotate(inst, next);
	epx_move_end(inst);
	epx_wakeup_scan_end(inst);
	/*
	 * The chain: who has taken his share wakes the next for the rest.
	 * wq_has_sleeper()'s barrier pairs with smp_mb() in epx_sleep().
	 */
	if (!list_empty(&inst->ready) && wq_has_sleeper(&inst->sleepers))
		epx_sleepers_wake(inst, 0, EPX_LEFT_OVER);
}

/*
 * Is a queued watch ready? As long as it is, one that @stays is left where it
 * is, with ->queued set: a wake-up meanwhile need not queue it, the next scan
 * will look at it in any case. Otherwise the watch is taken off the list, and
 * polled only then: *@taken.
 */
static __always_inline __poll_t epx_look(struct epx_watch *w, bool stays,
					 unsigned int depth, bool *taken)
{
	__poll_t revents;

	for (;;) {
		*taken = !stays;
		if (!stays)
			epx_take(w);
		revents = epx_poll_pinned(w, depth, NULL);
		if (revents || !stays)
			return revents;
		stays = false;
	}
}

/*
 * Edge-triggered and one-shot watches leave the list and come back by a
 * wake-up. @next: what follows the watch on the list. @events: where its event
 * goes, or where @room of them can go.
 *
 * Returns the number of events delivered; 0: not ready, off the list; -EFAULT:
 * not copied, as it was, where it was.
 */
static __always_inline int epx_visit(struct epx_watch *w,
				     struct list_head *next,
				     void __user *events, int room,
				     u32 payload)
{
	bool is_level = !(w->events & (EPOLLET | EPOLLONESHOT));
	__poll_t revents;
	bool taken;

	if (unlikely(epx_is_source(w)))
		return epx_source_visit(w, next, events, room, payload);
	revents = epx_look(w, is_level, 1, &taken);
	if (!revents)
		return 0;
	if (payload ? !epx_payload_put(w, events, revents, payload) :
		      !epx_event_put(events, revents, w->data)) {
		if (taken)
			epx_requeue(w, next->prev);
		return -EFAULT;
	}
	trace_epx_deliver(w, revents);
	if (is_level && taken)
		epx_requeue(w, next->prev);
	if (w->events & EPOLLONESHOT)
		WRITE_ONCE(w->events, w->events & EPX_STEERING_BITS);
	return 1;
}

/*
 * Deliver from the front. What is ready and level-triggered stays on the list
 * before *@next, the first watch that was not visited. @payload: EPX_WAIT_*, the
 * events are struct epx_payload_event; or 0.
 */
static __always_inline int epx_scan(struct epx_instance *inst,
				    void __user *events, int max,
				    struct list_head **next, u32 payload)
{
	const size_t size = payload ? sizeof(struct epx_payload_event) :
				      sizeof(struct epoll_event);
	int n = 0;

	while (n < max && *next != &inst->ready) {
		struct epx_watch *w = list_entry(*next, struct epx_watch,
						 ready);
		struct list_head *after = w->ready.next;
		int visit = epx_visit(w, after, events + n * size, max - n,
				      payload);

		if (unlikely(visit < 0)) {
			epx_count(copy_fault);
			if (READ_ONCE(w->dead))
				epx_count(fault_dead);
			/* Unless a callback took it to @incoming. */
			if (after->prev != &w->ready)
				*next = after;
			return n ? n : -EFAULT;
		}
		n += visit;
		*next = after;
	}
	return n;
}

/* From the drain to what is put back; the mutex is held. */
static __always_inline int epx_scan_ready(struct epx_instance *inst,
					  void __user *events, int max,
					  u32 payload)
{
	struct list_head *next;
	int n;

	epx_scan_begin(inst);
	next = inst->ready.next;
	n = epx_scan(inst, events, max, &next, payload);
	epx_scan_end(inst, next);
	return n;
}

/**
 * epx_collect() - deliver what is ready
 * @inst: the instance
 * @events: user array, its range checked
 * @max: its length; 0 for epx_ring_collect() only
 *
 * Context: process, may sleep; takes the instance's mutex.
 * Return: number of events, 0 if nothing was ready after all, -EFAULT if the
 * first could not be copied, -EINTR if the caller is being killed: it may not
 * go on as long as there are events.
 */
int epx_collect(struct epx_instance *inst, struct epoll_event __user *events,
		int max)
{
	int n;

	if (fatal_signal_pending(current))
		return epx_wake_another(inst);
	epx_instance_lock(inst, 0);
	/* Under the mutex: a ring may come until then. */
	if (unlikely(epx_ring_of(inst)))
		n = epx_ring_collect(inst, events, max);
	else
		n = epx_scan_ready(inst, events, max, 0);
	epx_instance_unlock(inst);
	return n;
}

/**
 * epx_collect_payload() - epx_collect() with the payload of each event
 * @inst: the instance
 * @events: user array, its range checked
 * @max: its length
 * @payload: EPX_WAIT_PAYLOAD and EPX_WAIT_AMOUNT
 *
 * Context: process, may sleep; takes the instance's mutex.
 * Return: as epx_collect(); -EINVAL if it has got a ring.
 */
int epx_collect_payload(struct epx_instance *inst,
			struct epx_payload_event __user *events, int max, u32 payload)
{
	int n = -EINVAL;

	if (fatal_signal_pending(current))
		return epx_wake_another(inst);
	epx_instance_lock(inst, 0);
	if (!epx_ring_of(inst))
		n = epx_scan_ready(inst, events, max, payload);
	epx_instance_unlock(inst);
	return n;
}

/*
 * How many of the queued watches are ready? Looks no further than @most; those
 * found ready stay where they are, the stale ones before leave the list. The
 * mutex is held.
 */
static inline int epx_count_ready(struct epx_instance *inst, int most,
				  unsigned int depth)
{
	struct list_head *next;
	int n = 0;

	epx_scan_begin(inst);
	next = inst->ready.next;
	while (n < most && next != &inst->ready) {
		struct epx_watch *w = list_entry(next, struct epx_watch,
						 ready);
		bool taken;

		next = next->next;
		if (!(epx_is_source(w) ? epx_source_look(w, &taken) :
		      epx_look(w, true, depth + 1, &taken)))
			continue;
		n++;
		/*
		 * A callback has it, and is about to push it: a scan may not
		 * find it yet. Who counts will hear of it by that one's wake.
		 */
		if (taken && !epx_requeue(w, next->prev) && most > 1)
			n--;
	}
	epx_scan_end(inst, inst->ready.next);
	return n;
}

/**
 * epx_ready_count() - how many are ready, for who waits for more than one
 * @inst: the instance
 * @most: look no further
 *
 * Consumes nothing; wakes who waits for one.
 *
 * Context: process, may sleep; takes the instance's mutex.
 * Return: the count.
 */
int epx_ready_count(struct epx_instance *inst, int most)
{
	int n;

	epx_instance_lock(inst, 0);
	if (unlikely(epx_ring_of(inst)))
		n = epx_ring_count(inst, most);
	else
		n = epx_count_ready(inst, most, 0);
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
	bool is_readable;

	poll_wait(file, &inst->pollers, pt);
	if (!poll_does_not_wait(pt)) {
		/*
		 * On the queue before the look at the lists. Pairs with the
		 * full barrier of epx_push() in epx_hook_pass_on(), with
		 * wq_has_sleeper() in epx_queue(), and with smp_mb() in
		 * epx_ring_append().
		 */
		smp_mb();
	}
	epx_instance_lock(inst, depth);
	if (unlikely(epx_ring_of(inst)))
		is_readable = epx_ring_poll(inst, depth);
	else
		is_readable = epx_count_ready(inst, 1, depth);
	epx_instance_unlock(inst);
	return is_readable ? EPOLLIN | EPOLLRDNORM : 0;
}
