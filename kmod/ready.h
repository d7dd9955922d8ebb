/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_READY_H
#define EPX_READY_H

#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "busypoll.h"
#include "exclusive.h"
#include "instance.h"
#include "pin.h"
#include "ring.h"
#include "wakeup.h"

/*
 * The key of a wake-up of sleepers for what is ready still, and not for what
 * has become ready. Who counts the latter (gather.c) does not hear it.
 */
#define EPX_LEFT_OVER	EPOLLMSG
/*
 * The key for what a scan has put into a ring, any number of items: who counts
 * has to look.
 */
#define EPX_PUBLISHED	EPOLLPRI

/**
 * epx_sleepers_wake() - wake one sleeper
 * @inst: the instance, after a full barrier and a look at the queue
 * @sync: the waker is about to sleep itself, so do not preempt it
 * @key: 0, EPX_LEFT_OVER or EPX_PUBLISHED
 *
 * In one section of the lock. wake_up() of Linux 6.1 gives the lock up after
 * 64 entries: who entered there would stand before gatherers (gather.c).
 *
 * Context: any; takes the lock of @inst->sleepers.
 */
static inline void epx_sleepers_wake(struct epx_instance *inst, int sync,
				     __poll_t key)
{
	unsigned long flags;

	spin_lock_irqsave(&inst->sleepers.lock, flags);
	if (sync)
		__wake_up_locked_sync_key(&inst->sleepers, TASK_NORMAL,
					  poll_to_key(key));
	else
		wake_up_locked_poll(&inst->sleepers, key);
	spin_unlock_irqrestore(&inst->sleepers.lock, flags);
}

/**
 * epx_push() - queue a watch from a wake callback
 * @w: the watch
 *
 * A full barrier, whatever it returns.
 *
 * Context: any.
 * Return: whether the watch was not queued before.
 */
static inline bool epx_push(struct epx_watch *w)
{
	struct epx_instance *inst = w->instance;

	/* Before the source is read. Pairs with smp_mb() in epx_wakeup_create(). */
	if (xchg(&w->queued, 1))
		return false;
	epx_wakeup_stay(w);
	if (unlikely(READ_ONCE(inst->scan_seq) & 1))
		epx_count(arrived_in_scan);
	llist_add(&w->incoming, &inst->incoming);
	return true;
}

/**
 * epx_move_begin() - from here on queued watches may be in our hands
 * @inst: the instance
 *
 * Context: process; the instance's mutex held.
 */
static inline void epx_move_begin(struct epx_instance *inst)
{
	WRITE_ONCE(inst->scan_seq, inst->scan_seq + 1);
	/* Odd before a list is touched. Pairs with smp_rmb() in epx_is_none(). */
	smp_wmb();
}

/**
 * epx_move_end() - all queued watches are on a list again
 * @inst: the instance
 *
 * Context: process; the instance's mutex held.
 */
static inline void epx_move_end(struct epx_instance *inst)
{
	/* Lists before even. Pairs with smp_load_acquire() in epx_is_none(). */
	smp_store_release(&inst->scan_seq, inst->scan_seq + 1);
}

/**
 * epx_requeue() - link a watch that is in our hands
 * @w: the watch
 * @prev: what it comes behind
 *
 * Context: process; the instance's mutex held.
 * Return: false if a callback was faster: then it is on @incoming, or about to
 * be, and its place is that of a new arrival.
 */
static inline bool epx_requeue(struct epx_watch *w, struct list_head *prev)
{
	if (xchg(&w->queued, 1))
		return false;
	epx_wakeup_stay(w);
	list_add(&w->ready, prev);
	return true;
}

/**
 * epx_take() - off the list; from here on a wake-up queues the watch anew
 * @w: a watch on the ready list
 *
 * A full barrier.
 *
 * Context: process; the instance's mutex held.
 */
static inline void epx_take(struct epx_watch *w)
{
	__list_del_entry(&w->ready);
	epx_wakeup_take(w);
	xchg(&w->queued, 0);
}

/**
 * epx_event_put() - write an event to user memory
 * @event: where to, in a range that was checked
 * @revents: what the file is ready for
 * @data: what the watch's events carry
 *
 * Context: process, may sleep.
 * Return: false if it could not be written.
 */
static inline bool epx_event_put(struct epoll_event __user *event,
				 __poll_t revents, u64 data)
{
	if (!user_write_access_begin(event, sizeof(*event)))
		return false;
	unsafe_put_user(revents, &event->events, fault);
	unsafe_put_user(data, &event->data, fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

/**
 * epx_is_available() - may there be something to collect?
 * @inst: the instance
 *
 * Lock-free: a yes may be stale, a no may miss what a scan or a drain has in
 * its hands; epx_is_quiet() is for who must not miss it. With a ring the
 * ready list does not count (ring_scan.c).
 *
 * Context: any.
 * Return: whether a watch is on a list, or in the ring.
 */
static inline bool epx_is_available(struct epx_instance *inst)
{
	struct epx_publisher *ring = epx_ring_of(inst);

	if (!llist_empty(&inst->incoming))
		return true;
	if (unlikely(ring))
		return epx_ring_has_slot(ring);
	return !list_empty_careful(&inst->ready);
}

/*
 * "Nothing" is believed only if no watch changed lists while we looked: a scan
 * or a drain has watches in its hands that are on no list.
 */
static __always_inline bool epx_is_none(struct epx_instance *inst,
					bool (*is_any)(struct epx_instance *))
{
	/* Pairs with smp_store_release() in epx_move_end(). */
	unsigned int seq = smp_load_acquire(&inst->scan_seq);

	if ((seq & 1) || is_any(inst))
		return false;
	/* The lists before the count. Pairs with smp_wmb() in epx_move_begin(). */
	smp_rmb();
	return READ_ONCE(inst->scan_seq) == seq;
}

/**
 * epx_is_quiet() - is it certain that nothing is ready?
 * @inst: the instance
 *
 * Context: any.
 * Return: true if there was a moment in which no watch was queued, or with a
 * ring, none on incoming and none in the ring.
 */
static inline bool epx_is_quiet(struct epx_instance *inst)
{
	return epx_is_none(inst, epx_is_available);
}

static inline bool epx_has_queued_or_ring(struct epx_instance *inst)
{
	return !llist_empty(&inst->incoming) ||
	       !list_empty_careful(&inst->ready) || epx_ring_of(inst);
}

/**
 * epx_is_worth_a_scan() - has a wait to begin with a scan?
 * @inst: the instance
 *
 * With a ring always: what is level-triggered is polled by every wait.
 *
 * Context: any.
 * Return: false only if epx_is_quiet().
 */
static inline bool epx_is_worth_a_scan(struct epx_instance *inst)
{
	return !epx_is_none(inst, epx_has_queued_or_ring);
}

void epx_drain(struct epx_instance *inst);
void epx_queue(struct epx_watch *w, __poll_t revents);
int epx_collect(struct epx_instance *inst, struct epoll_event __user *events,
		int max);
int epx_collect_payload(struct epx_instance *inst,
			struct epx_payload_event __user *events, int max, u32 payload);
int epx_ready_count(struct epx_instance *inst, int most);
__poll_t epx_instance_poll(struct epx_instance *inst, struct file *file,
			   poll_table *pt, unsigned int depth);

/**
 * epx_watch_poll() - ask a watched file what is ready
 * @w: the watch
 * @file: its file, referenced
 * @pt: poll table; gets the watch's mask as its key, which drivers act on
 * @depth: of the file below the outermost instance, for lockdep
 *
 * Context: process, may sleep; the instance's mutex held. Always in the
 * context of a caller of wait or ctl: some files (signalfd) report by who asks.
 * Return: what is ready, within the watch's mask.
 */
static inline __poll_t epx_watch_poll(struct epx_watch *w, struct file *file,
				      poll_table *pt, unsigned int depth)
{
	pt->_key = w->events;
	if (unlikely(w->kind)) {
		if (w->kind == EPX_KIND_NESTED)
			return epx_instance_poll(file->private_data, file, pt,
						 depth) & w->events;
		epx_hooks_rotate(w);
	}
	return vfs_poll(file, pt) & w->events;
}

/*
 * Inlined: it is most of what a wait does for a watch. @then: what to do with
 * a ready one before its file may go, or NULL.
 */
static __always_inline __poll_t
epx_poll_pinned(struct epx_watch *w, unsigned int depth,
		void (*then)(struct epx_watch *w, __poll_t revents))
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
	if (revents && then)
		then(w, revents);
	fput(w->file);
	return revents;
}

#endif /* EPX_READY_H */
