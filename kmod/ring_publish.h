/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mapped ring: publishing in an item. Inline, since a wake callback does
 * little else; the argument is at the top of ring.c.
 */
#ifndef EPX_RING_PUBLISH_H
#define EPX_RING_PUBLISH_H

#include <linux/atomic.h>
#include <linux/rcupdate.h>

#include "instance.h"
#include "ready.h"
#include "ring.h"

/* What the kernel keeps of a word that it finds; the rest it knows itself. */
#define EPX_ITEM_KEPT \
	(EPX_ITEM_READY | EPX_ITEM_RECHECK | EPX_ITEM_ARMED | EPX_ITEM_INRING)

/**
 * epx_watch_word() - the state of a watch's item, for atomic operations
 * @w: a watch of an instance with a ring
 *
 * Context: any.
 * Return: the word.
 */
static inline atomic64_t *epx_watch_word(const struct epx_watch *w)
{
	return epx_state_word(epx_ring_of(w->instance), epx_ring_item(w));
}

/**
 * epx_watch_generation() - the generation of a watch's item
 * @w: a watch of an instance with a ring
 *
 * Context: any.
 * Return: the generation, where EPX_ITEM_* bits have it.
 */
static inline u64 epx_watch_generation(const struct epx_watch *w)
{
	return w->data >> EPX_ITEM_GENERATION_SHIFT
		       << EPX_ITEM_GENERATION_SHIFT;
}

u64 epx_ring_force(struct epx_watch *w, u64 state);
void epx_ring_other_mode(struct epx_watch *w, bool once);

/**
 * epx_ring_mark() - the file is ready for something that only a poll can tell
 * @w: the watch
 *
 * Context: any.
 */
static inline void epx_ring_mark(struct epx_watch *w)
{
	/* Behind that. Pairs with xchg() in epx_ring_recheck(). */
	smp_store_release(&w->recheck, 1);
}

/**
 * epx_ring_append() - put an item into the ring
 * @ring: the ring
 * @item: the item; the caller has turned INRING from 0 to 1
 *
 * A full barrier.
 *
 * Context: any.
 */
static inline void epx_ring_append(struct epx_publisher *ring, u32 item)
{
	u32 tail = atomic_fetch_inc(&ring->tail);

	/*
	 * The state before the slot. Pairs with the acquire in epx_ring_next()
	 * and with smp_load_acquire() in epx_ring_pop().
	 */
	smp_store_release(&ring->slots[tail & ring->mask], item + 1);
	/*
	 * The slot before the look for who waits. Pairs with smp_mb() in
	 * epx_sleep(), in epx_gatherer_enter() and in epx_instance_poll().
	 */
	smp_mb();
}

/**
 * epx_state_after() - what becomes of a word
 * @w: the watch
 * @old: the word
 * @bits: READY and RECHECK bits that are added
 * @once: the first event disarms; RECHECK is none yet: what the poll finds has
 *	  to be put into the ring
 *
 * Context: any.
 * Return: the word afterwards.
 */
static inline u64 epx_state_after(const struct epx_watch *w, u64 old, u64 bits,
				  bool once)
{
	u64 state = (old & EPX_ITEM_KEPT) | bits | epx_watch_generation(w);

	if (!(old & EPX_ITEM_ARMED))
		return state;
	if (once && (bits & EPX_ITEM_READY))
		state &= ~EPX_ITEM_ARMED;
	return state | EPX_ITEM_INRING;
}

/**
 * epx_ring_publish() - add to what a watch is ready for
 * @w: the watch, with hooks or its file pinned
 * @bits: READY and RECHECK bits
 *
 * A full barrier, whatever it returns.
 *
 * Context: any.
 * Return: whether the item is in the ring now; if not, it is disarmed.
 */
static __always_inline bool epx_ring_publish(struct epx_watch *w, u64 bits)
{
	struct epx_publisher *ring = epx_ring_of(w->instance);
	/* A MOD may run beside: see below. */
	bool once = READ_ONCE(w->events) & EPOLLONESHOT;
	atomic64_t *word = epx_watch_word(w);
	s64 old = atomic64_read(word);
	int tries = 0;
	u64 state;

	do {
		if (unlikely(tries++ == EPX_RING_TRIES)) {
			state = epx_state_after(w, EPX_ITEM_ARMED,
						bits | EPX_ITEM_RECHECK, once);
			old = epx_ring_force(w, state);
			break;
		}
		state = epx_state_after(w, old, bits, once);
		/*
		 * What became ready before the bits that tell it. Pairs with
		 * the atomic step in epx_ring_take() and in epx_ring_arm().
		 * With the look at the mask afterwards it pairs with
		 * smp_mb__before_atomic() in epx_ring_modify() and in
		 * epx_ring_rearm(): that comes after us and arms, or we see
		 * its mask.
		 */
	} while (!atomic64_try_cmpxchg(word, &old, state));
	if ((state & EPX_ITEM_INRING) && !(old & EPX_ITEM_INRING))
		epx_ring_append(ring, epx_ring_item(w));
	if (unlikely(once != !!(READ_ONCE(w->events) & EPOLLONESHOT)))
		epx_ring_other_mode(w, !once);
	return state & EPX_ITEM_INRING;
}

/**
 * epx_ring_hint() - a wake callback: publish what its key tells
 * @w: the watch
 * @events: its mask
 * @keys: the key, which has passed the filter
 *
 * What only a poll can tell is left to a scan: queued first, then marked, so
 * that who sees the mark and waits finds the watch. Level-triggered watches
 * are left to the scans as well, and those with a wakeup source, which stays
 * active until a scan finds the item consumed. A full barrier.
 *
 * Context: any.
 * Return: as epx_ring_publish().
 */
static __always_inline bool epx_ring_hint(struct epx_watch *w, __poll_t events, __poll_t keys)
{
	__poll_t seen = keys & events;
	u64 bits = (__force u32)(seen & EPX_RING_HINTS);
	bool recheck = !keys || (seen & ~EPX_RING_HINTS);

	if (recheck) {
		epx_ring_mark(w);
		bits |= EPX_ITEM_RECHECK;
	}
	if (recheck || !(events & (EPOLLET | EPOLLONESHOT)) ||
	    rcu_access_pointer(w->ws))
		epx_push(w);
	return epx_ring_publish(w, bits);
}

#endif /* EPX_RING_PUBLISH_H */
