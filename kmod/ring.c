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
#include <linux/moduleparam.h>

#include "ring.h"
#include "ring_publish.h"

#ifdef EPX_DEBUG
int epx_ring_tries = 4;
module_param_named(ring_tries, epx_ring_tries, int, 0600);
MODULE_PARM_DESC(ring_tries, "how often a word may change before it is stored over");
#endif

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
	epx_ring_count_clear(w);
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

/**
 * epx_ring_force() - epx_ring_publish(), where the word does not stand still
 * @w: the watch
 * @state: what is right whatever the word was: all is to be polled anew
 *
 * Queued for that only after the store, which wipes what a scan may have
 * published before.
 *
 * Context: any.
 * Return: what was overwritten.
 */
u64 epx_ring_force(struct epx_watch *w, u64 state)
{
	u64 old = atomic64_xchg(epx_watch_word(w), state);

	epx_count(ring_forced);
	epx_ring_mark(w);
	epx_push(w);
	return old;
}

/**
 * epx_ring_other_mode() - a MOD beside a publication has changed the mode
 * @w: the watch
 * @once: it is a one-shot one now
 *
 * The MOD has made a one-shot watch of another one or the reverse, and may not
 * have seen that we armed or disarmed by the old mode. Put that right; what came
 * while it was disarmed gets its slot. Our event disarms only where it is in the
 * word still: if the MOD came after us it has dropped that, and armed.
 *
 * Context: any.
 */
void epx_ring_other_mode(struct epx_watch *w, bool once)
{
	atomic64_t *word = epx_watch_word(w);
	s64 old = atomic64_read(word);

	if (once) {
		for (int tries = 0; tries < EPX_RING_TRIES; tries++) {
			if (!(old & EPX_ITEM_READY) ||
			    atomic64_try_cmpxchg(word, &old,
						 old & ~EPX_ITEM_ARMED))
				break;
		}
		return;
	}
	atomic64_or(EPX_ITEM_ARMED, word);
	epx_ring_publish(w, 0);
}
