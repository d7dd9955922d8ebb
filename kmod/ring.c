// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mapped ring: items, and what is published in them.
 *
 * <linux/epollx_ring.h> is the specification. An item's state is one word,
 * changed by atomic operations on both sides; a slot of the ring has an item's
 * number + 1. Contexts: publishing runs in wake callbacks, hard interrupts
 * included, any number at a time; the end of a watch runs with preemption off;
 * the rest is process context under the instance's mutex.
 *
 * The map is the program's to spoil, at any moment, so the kernel never relies
 * on it for its own sake: the tail, the mask, which items are in use and which
 * generation a watch has are in struct epx_publisher and in the watch. Of the
 * map it reads a word once, masks or checks what becomes an index, and bounds
 * every loop that waits for the word to stand still; past the bound it stores
 * unconditionally, marked RECHECK, so that nothing is lost.
 *
 * An item is in the ring at most once, so at most as many slots are filled as
 * there are items, and an append always finds its slot free:
 *
 *	consumer			epx_ring_publish()
 *	slot = 0			cmpxchg: INRING 0 -> 1
 *	atomic: INRING 1 -> 0		tail + 1, slot = number + 1
 *
 * Only who turns INRING from 0 to 1 appends, and the consumer frees the slot
 * before he allows that. The end of a watch keeps INRING: whoever gets the
 * item next has it in the ring already.
 *
 * No event is lost between a consumer that takes an item and a producer:
 *
 *	consumer			epx_ring_publish()
 *	atomic: takes READY,		cmpxchg: READY |= bits,
 *	clears INRING			INRING seen or set
 *
 * One word, so one comes first: the consumer has the bits, or they come with
 * an append of their own. The same word decides between arming in user space
 * and a wake-up: epx_ring_arm() sets ARMED only where nothing is latched, and
 * takes what is.
 *
 * No sleeper is left behind:
 *
 *	epx_sleep()			epx_ring_append()
 *	enter the queue			slot = number + 1
 *	full barrier			full barrier
 *	slot at the head empty?		is the queue empty?
 *	yes: sleep			no: wake one
 *
 * A slot may be filled before an earlier one is, whose producer is slower.
 * Until then the ring is empty for everybody, and it is the slower one whose
 * wake-up counts.
 */
#include <linux/bitops.h>
#include <linux/err.h>

#include "ready.h"
#include "ring.h"

/* What the kernel keeps of a word that it finds; the rest it knows itself. */
#define EPX_ITEM_KEPT \
	(EPX_ITEM_READY | EPX_ITEM_RECHECK | EPX_ITEM_ARMED | EPX_ITEM_INRING)

static atomic64_t *epx_watch_word(const struct epx_watch *w)
{
	return epx_state_word(epx_ring_of(w->instance), epx_ring_item(w));
}

/* The generation in its place. */
static u64 epx_watch_generation(const struct epx_watch *w)
{
	return w->data >> EPX_ITEM_GENERATION_SHIFT
		       << EPX_ITEM_GENERATION_SHIFT;
}

/*
 * Another life for an item. Nobody else writes the word but a consumer that
 * clears INRING, which must be seen whenever it comes. Not a loop: two steps
 * that cannot fail; between them the item has generation 0 and is disarmed.
 */
static void epx_ring_reset(const struct epx_watch *w, u64 state)
{
	atomic64_t *word = epx_watch_word(w);

	atomic64_and(EPX_ITEM_INRING, word);
	atomic64_or(state, word);
}

/**
 * epx_ring_bind() - give a new watch an item, armed
 * @w: the watch, without hooks
 * @data: what its events carry
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: 0, -ENOSPC where all items are in use, -ENOMEM.
 */
int epx_ring_bind(struct epx_watch *w, u64 data)
{
	struct epx_publisher *ring = epx_ring_of(w->instance);
	int item = ida_alloc_max(&ring->numbers, ring->items - 1,
				 GFP_KERNEL_ACCOUNT);
	u64 word, generation;

	lockdep_assert_held(&w->instance->mutex);
	if (item < 0)
		return item;
	/* Odd, and not the last one. The program's word, and its concern. */
	word = atomic64_read(epx_state_word(ring, item));
	generation = ((word >> EPX_ITEM_GENERATION_SHIFT) + 1) | 1;
	w->data = item | generation << EPX_ITEM_GENERATION_SHIFT;
	/*
	 * The end of the last watch before our data, and the data before our
	 * generation. Pairs with the fence in epx_ring_next().
	 */
	smp_wmb();
	WRITE_ONCE(ring->item[item].data, data);
	/* As above. Pairs with the acquire in epx_ring_next(). */
	smp_wmb();
	epx_ring_reset(w, epx_watch_generation(w) | EPX_ITEM_ARMED);
	return 0;
}

/**
 * epx_ring_unbind() - the item of an ended watch is free
 * @w: the watch
 *
 * Context: process; the instance's mutex held.
 */
void epx_ring_unbind(struct epx_watch *w)
{
	lockdep_assert_held(&w->instance->mutex);
	ida_free(&epx_ring_of(w->instance)->numbers, epx_ring_item(w));
}

/**
 * epx_ring_end() - the watch is over: its events are gone
 * @w: a watch without hooks, whose file nobody has pinned
 *
 * Nothing is published for it any more: callbacks are off, and a scan
 * publishes only while it has the file pinned.
 *
 * Context: any but interrupts; the file's lock held.
 */
void epx_ring_end(struct epx_watch *w)
{
	u64 next = epx_watch_generation(w) +
		   (1ULL << EPX_ITEM_GENERATION_SHIFT);

	epx_ring_reset(w, next);
}

/**
 * epx_ring_modify() - arm, with other data, and drop what was latched
 * @w: the watch
 * @data: what its events carry from now on
 *
 * The caller polls afterwards, so nothing is lost.
 *
 * Context: process; the instance's mutex held, the file pinned.
 */
void epx_ring_modify(struct epx_watch *w, u64 data)
{
	struct epx_publisher *ring = epx_ring_of(w->instance);
	atomic64_t *word = epx_watch_word(w);

	lockdep_assert_held(&w->instance->mutex);
	WRITE_ONCE(ring->item[epx_ring_item(w)].data, data);
	/*
	 * The mask, which the caller has stored, before the word. Pairs with
	 * the compare-and-exchange in epx_ring_publish().
	 */
	smp_mb__before_atomic();
	atomic64_and(~(EPX_ITEM_READY | EPX_ITEM_RECHECK), word);
	atomic64_or(EPX_ITEM_ARMED, word);
}

/**
 * epx_ring_rearm() - arm, with other data, and keep what is latched
 * @w: the watch of a source, which has nothing to poll
 * @data: what its events carry from now on
 *
 * Context: process; the instance's mutex held.
 * Return: whether something is latched, which is to be published again.
 */
bool epx_ring_rearm(struct epx_watch *w, u64 data)
{
	struct epx_publisher *ring = epx_ring_of(w->instance);

	lockdep_assert_held(&w->instance->mutex);
	WRITE_ONCE(ring->item[epx_ring_item(w)].data, data);
	/*
	 * The mask before the word. Pairs with the compare-and-exchange in
	 * epx_ring_publish().
	 */
	smp_mb__before_atomic();
	return atomic64_fetch_or(EPX_ITEM_ARMED, epx_watch_word(w)) &
	       (EPX_ITEM_READY | EPX_ITEM_RECHECK);
}

/**
 * epx_ring_state() - the state of a watch's item, as the program left it
 * @w: the watch
 *
 * Context: any.
 * Return: EPX_ITEM_*.
 */
u64 epx_ring_state(const struct epx_watch *w)
{
	return atomic64_read(epx_watch_word(w));
}

/**
 * epx_ring_recheck() - a scan is about to poll a watch: was that asked for?
 * @w: the watch
 *
 * A full barrier. What is asked for from now on is another poll's business,
 * so the mark in the item goes too: no consumer need come for this one.
 *
 * Context: process; the instance's mutex held.
 * Return: whether a wake-up said what only a poll can tell.
 */
bool epx_ring_recheck(struct epx_watch *w)
{
	lockdep_assert_held(&w->instance->mutex);
	if (epx_ring_state(w) & EPX_ITEM_RECHECK)
		atomic64_and(~EPX_ITEM_RECHECK, epx_watch_word(w));
	/* Before the poll. Pairs with smp_store_release() in epx_ring_mark(). */
	return xchg(&w->recheck, 0);
}

/* The file is ready for something that only a poll can tell. Any context. */
static void epx_ring_mark(struct epx_watch *w)
{
	/* Behind that. Pairs with xchg() in epx_ring_recheck(). */
	smp_store_release(&w->recheck, 1);
}

/* Any context. The caller has turned INRING from 0 to 1. */
static void epx_ring_append(struct epx_publisher *ring, u32 item)
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

/*
 * What becomes of a word by @bits. @once: the first event disarms; RECHECK is
 * none yet: what the poll finds has to be put into the ring.
 */
static u64 epx_state_after(const struct epx_watch *w, u64 old, u64 bits,
			   bool once)
{
	u64 state = (old & EPX_ITEM_KEPT) | bits | epx_watch_generation(w);

	if (!(old & EPX_ITEM_ARMED))
		return state;
	if (once && (bits & EPX_ITEM_READY))
		state &= ~EPX_ITEM_ARMED;
	return state | EPX_ITEM_INRING;
}

/*
 * The word does not stand still. Store what is right whatever it was: all is
 * to be polled anew. Queued for that only after the store, which wipes what a
 * scan may have published before.
 */
static u64 epx_ring_force(struct epx_watch *w, u64 bits, bool once, u64 *old)
{
	u64 state;

	epx_count(ring_forced);
	state = epx_state_after(w, EPX_ITEM_ARMED, bits | EPX_ITEM_RECHECK,
				once);
	*old = atomic64_xchg(epx_watch_word(w), state);
	epx_ring_mark(w);
	epx_push(w);
	return state;
}

/*
 * A MOD has made a one-shot watch of another one or the reverse, and has not
 * seen that we armed or disarmed by the old mode. Put that right; what came
 * while it was disarmed gets its slot.
 */
static noinline void epx_ring_other_mode(struct epx_watch *w, bool once)
{
	if (once) {
		atomic64_and(~EPX_ITEM_ARMED, epx_watch_word(w));
		return;
	}
	atomic64_or(EPX_ITEM_ARMED, epx_watch_word(w));
	epx_ring_publish(w, 0);
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
bool epx_ring_publish(struct epx_watch *w, u64 bits)
{
	struct epx_publisher *ring = epx_ring_of(w->instance);
	/* A MOD may run beside: see below. */
	bool once = READ_ONCE(w->events) & EPOLLONESHOT;
	atomic64_t *word = epx_watch_word(w);
	s64 old = atomic64_read(word);
	u64 state, was;
	int tries = 0;

	do {
		if (unlikely(tries++ == EPX_RING_TRIES)) {
			state = epx_ring_force(w, bits, once, &was);
			goto appended;
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
	was = old;
appended:
	if ((state & EPX_ITEM_INRING) && !(was & EPX_ITEM_INRING))
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
bool epx_ring_hint(struct epx_watch *w, __poll_t events, __poll_t keys)
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
