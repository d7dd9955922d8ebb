// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits, polls and changes on an instance with a ring: what ready.c does for
 * the others.
 *
 * Process context, under the instance's mutex.
 *
 * The ready list has another meaning here: watches that a wait has to look at,
 * whether or not their items are in the ring. Who is on it:
 *
 *  - marked for a recheck: polled, and off;
 *  - level-triggered: polled when the item is armed and not in the ring, and
 *    stays as long as the file is ready;
 *  - with a wakeup source: stays until the item has been consumed.
 *
 * A scan visits them all, publishes facts, and never leaves a watch that is
 * ready, armed and out of the ring. So the list need not be looked at by who
 * wants to sleep, as ready.h's epx_is_available() does not: what is on it is
 * in the ring, which then is not empty, or disarmed.
 *
 * Facts are published while the file is pinned: the last close comes after
 * that, and epx_ring_end() has the last word.
 */
#include <linux/sched.h>

#include "bury.h"
#include "hook.h"
#include "ready.h"
#include "ring.h"
#include "ring_publish.h"
#include "ring_scan.h"
#include "source.h"
#include "trace.h"

static bool epx_is_level(const struct epx_watch *w)
{
	return !(w->events & (EPOLLET | EPOLLONESHOT));
}

static void epx_scan_publish(struct epx_watch *w, __poll_t revents)
{
	epx_ring_publish(w, (__force u32)revents & EPX_ITEM_READY);
	trace_epx_deliver(w, revents);
}

/* Returns whether it is ready; published before the pin goes. */
static bool epx_scan_poll(struct epx_watch *w, unsigned int depth)
{
	if (epx_is_source(w))
		return epx_source_recheck(w);
	return epx_poll_pinned(w, depth, epx_scan_publish);
}

/* Nothing to do for it now, and it is not forgotten: see the top. */
static bool epx_scan_leaves(struct epx_watch *w)
{
	u64 state;

	/* Marked later than this, it is in the ring or disarmed as well. */
	if (READ_ONCE(w->recheck))
		return false;
	state = epx_ring_state(w);
	if (epx_is_level(w))
		return (state & EPX_ITEM_INRING) || !(state & EPX_ITEM_ARMED);
	return rcu_access_pointer(w->ws) && (state & EPX_ITEM_INRING);
}

/* @next: what follows the watch on the list. */
static void epx_scan_visit(struct epx_watch *w, struct list_head *next,
			   unsigned int depth)
{
	bool is_level = epx_is_level(w), recheck, ready;

	if (epx_scan_leaves(w))
		return;
	/* A level-triggered one that is ready stays where it is. */
	if (is_level) {
		epx_ring_recheck(w);
		if (epx_scan_poll(w, depth))
			return;
	}
	epx_take(w);
	recheck = epx_ring_recheck(w);
	if (!is_level && !recheck)
		return;
	ready = epx_scan_poll(w, depth);
	if (ready && (is_level || rcu_access_pointer(w->ws)))
		epx_requeue(w, next->prev);
}

/*
 * Takes over incoming and visits the list; between this and the end it moves.
 * Returns the tail from before, for epx_ring_tell().
 */
static u32 epx_ring_scan_begin(struct epx_instance *inst, unsigned int depth)
{
	u32 tail = atomic_read(&epx_ring_of(inst)->tail);
	struct list_head *at, *next;

	epx_bury(inst);
	epx_drain(inst);
	epx_move_begin(inst);
	list_for_each_safe(at, next, &inst->ready) {
		epx_scan_visit(list_entry(at, struct epx_watch, ready), next,
			       depth);
		cond_resched();
	}
	return tail;
}

static void epx_ring_scan_end(struct epx_instance *inst)
{
	epx_move_end(inst);
	epx_wakeup_scan_end(inst);
}

/*
 * What a scan puts into the ring has had no wake-up, if the item was disarmed
 * at the time of its callback and has been armed since: somebody may sleep.
 * @tail: from before the scan; what callbacks put there is told twice.
 * @left: somebody else can have something in any case.
 */
static bool epx_ring_tell(struct epx_instance *inst, u32 tail, bool left)
{
	struct epx_publisher *ring = epx_ring_of(inst);
	bool is_new = (u32)atomic_read(&ring->tail) != tail &&
		      epx_ring_has_slot(ring);

	/* Pairs with smp_mb() in epx_sleep() and in epx_gatherer_enter(). */
	if ((is_new || left) && wq_has_sleeper(&inst->sleepers))
		epx_sleepers_wake(inst, 0,
				  is_new ? EPX_PUBLISHED : EPX_LEFT_OVER);
	return is_new;
}

/* Filled and about to be, at most one turn; the head is the program's. */
static u32 epx_ring_used(const struct epx_publisher *ring, u32 head)
{
	return min((u32)atomic_read(&ring->tail) - head, ring->mask + 1);
}

/* What a consumer takes. */
#define EPX_ITEM_TAKEN \
	(EPX_ITEM_READY | EPX_ITEM_RECHECK | EPX_ITEM_INRING)

/* What became of an item that a consumer wants to take. */
enum epx_taken {
	EPX_TAKEN,		/* the slot and the item are free again */
	EPX_TAKEN_FAULT,	/* the event could not be written: all as it was */
	EPX_TAKEN_NONE,		/* the ring is empty */
	EPX_TAKEN_STALE,	/* the slot is free; there was no event */
	EPX_TAKEN_PART,		/* the event; the item keeps its slot */
};

static void epx_slot_set(struct epx_publisher *ring, u32 head, u32 number,
			 u32 next)
{
	WRITE_ONCE(ring->slots[head & ring->mask], number);
	WRITE_ONCE(ring->head->head, next);
}

/*
 * Consume the item at the head of the ring into user memory, whose range has
 * been checked. The slot is freed before the item is, as the program does it.
 */
static enum epx_taken epx_ring_pop(struct epx_publisher *ring,
				   struct epoll_event __user *event)
{
	u32 head = READ_ONCE(ring->head->head), number;
	struct epx_item *item;
	atomic64_t *word;
	int tries = 0;
	u64 ready;
	s64 old;

	/* The slot before the state. Pairs with smp_store_release() in epx_ring_append(). */
	number = smp_load_acquire(&ring->slots[head & ring->mask]);
	if (!number)
		return EPX_TAKEN_NONE;
	if (number > ring->items) {
		epx_slot_set(ring, head, 0, head + 1);
		return EPX_TAKEN_STALE;
	}
	item = &ring->item[number - 1];
	word = epx_state_word(ring, number - 1);
	old = atomic64_read(word);
	do {
		ready = old & EPX_ITEM_READY;
		if (ready && !epx_event_put(event, (__force __poll_t)ready,
					    READ_ONCE(item->data))) {
			epx_slot_set(ring, head, number, head);
			return EPX_TAKEN_FAULT;
		}
		if (unlikely(tries++ == EPX_RING_TRIES)) {
			/* A step that cannot fail, and undoes nobody's. */
			epx_slot_set(ring, head, number, head);
			atomic64_andnot(ready, word);
			return ready ? EPX_TAKEN_PART : EPX_TAKEN_NONE;
		}
		epx_slot_set(ring, head, 0, head + 1);
	} while (!atomic64_try_cmpxchg(word, &old, old & ~EPX_ITEM_TAKEN));
	return ready ? EPX_TAKEN : EPX_TAKEN_STALE;
}

/*
 * Consume into the array: what is in the ring now, so no watch twice, whatever
 * it does meanwhile.
 */
static int epx_ring_deliver(struct epx_publisher *ring,
			    struct epoll_event __user *events, int max)
{
	u32 slots = epx_ring_used(ring, READ_ONCE(ring->head->head));
	int n = 0;

	while (n < max && slots--) {
		enum epx_taken taken = epx_ring_pop(ring, &events[n]);

		if (taken == EPX_TAKEN_NONE)
			break;
		if (taken == EPX_TAKEN_FAULT) {
			epx_count(copy_fault);
			return n ? n : -EFAULT;
		}
		if (taken == EPX_TAKEN_PART)
			return n + 1;
		if (taken == EPX_TAKEN)
			n++;
		else
			cond_resched();
	}
	return n;
}

/**
 * epx_ring_collect() - epx_collect() of an instance with a ring
 * @inst: the instance
 * @events: user array, its range checked; unused where @max is 0
 * @max: its length; 0: nothing is consumed
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: number of events, -EFAULT if the first could not be copied; where
 * @max is 0, whether the ring has something.
 */
int epx_ring_collect(struct epx_instance *inst,
		     struct epoll_event __user *events, int max)
{
	struct epx_publisher *ring = epx_ring_of(inst);
	bool left;
	u32 tail;
	int n;

	lockdep_assert_held(&inst->mutex);
	tail = epx_ring_scan_begin(inst, 1);
	if (max)
		n = epx_ring_deliver(ring, events, max);
	else
		n = epx_ring_has_slot(ring);
	epx_ring_scan_end(inst);
	/*
	 * Who has taken his share wakes the next for the rest, and for what is
	 * level-triggered and still ready. Who takes nothing answers for what
	 * others have been told of.
	 */
	left = max && (epx_ring_has_slot(ring) ||
		       (n > 0 && !list_empty(&inst->ready)));
	if (epx_ring_tell(inst, tail, left))
		epx_pollers_wake(inst, NULL, 0);
	return n;
}

/**
 * epx_ring_poll() - epx_instance_poll() of an instance with a ring
 * @inst: the instance
 * @depth: below the outermost instance, for lockdep
 *
 * Publishes facts as a wait does, and wakes who waits for one; consumes nothing.
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: whether the ring has something.
 */
bool epx_ring_poll(struct epx_instance *inst, unsigned int depth)
{
	u32 tail;

	lockdep_assert_held(&inst->mutex);
	tail = epx_ring_scan_begin(inst, depth + 1);
	epx_ring_scan_end(inst);
	epx_ring_tell(inst, tail, false);
	return epx_ring_has_slot(epx_ring_of(inst));
}

/**
 * epx_ring_count() - epx_ready_count() of an instance with a ring
 * @inst: the instance
 * @most: look no further
 *
 * Not up to the first empty slot, as a consumer goes: a slot may be filled
 * before an earlier one is, and its wake-up have been before the caller could
 * count it. Publishes facts; consumes nothing; wakes who waits for one.
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: filled slots, at most one turn of the ring.
 */
int epx_ring_count(struct epx_instance *inst, int most)
{
	struct epx_publisher *ring = epx_ring_of(inst);
	u32 head, slots, tail;
	int n = 0;

	lockdep_assert_held(&inst->mutex);
	tail = epx_ring_scan_begin(inst, 1);
	epx_ring_scan_end(inst);
	head = READ_ONCE(ring->head->head);
	slots = epx_ring_used(ring, head);
	for (u32 i = 0; i < slots && n < most; i++) {
		n += !!READ_ONCE(ring->slots[(head + i) & ring->mask]);
		cond_resched();
	}
	epx_ring_tell(inst, tail, n);
	return n;
}

/**
 * epx_ring_queue() - what epx_queue() does for a watch with an item
 * @w: the watch, its file referenced by the caller
 * @revents: what the file is ready for
 *
 * Waking is left to that.
 *
 * Context: process; the instance's mutex held.
 */
void epx_ring_queue(struct epx_watch *w, __poll_t revents)
{
	struct epx_instance *inst = w->instance;

	lockdep_assert_held(&inst->mutex);
	if (epx_is_level(w) || rcu_access_pointer(w->ws)) {
		epx_drain(inst);
		epx_requeue(w, inst->ready.prev);
	}
	epx_ring_publish(w, (__force u32)revents & EPX_ITEM_READY);
}
