/* SPDX-License-Identifier: MIT */
/*
 * Arming and disarming the items of a mapped ring. Part of <epollx_ring.h>,
 * which includes it.
 */
#ifndef EPOLLX_RING_ARM_H
#define EPOLLX_RING_ARM_H

#include <epollx_ring.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * epx_ring_disarm() - no more events of an item, for the time being
 * @ring: the ring
 * @item: the item's number
 *
 * One that is in the ring already still comes. Others are latched.
 */
static inline void epx_ring_disarm(struct epx_consumer *ring, uint32_t item)
{
	/* Orders nothing: a wake-up beside it may come before or after. */
	__atomic_fetch_and(&ring->items[item].state, ~EPX_ITEM_ARMED,
			   __ATOMIC_RELAXED);
}

/**
 * epx_ring_arm() - events of an item again, or what came meanwhile
 * @ring: the ring
 * @item: the item's number
 * @generation: of the watch that is meant
 *
 * Does not poll: after a one-shot event read until EAGAIN, or use
 * EPOLL_CTL_MOD. EPX_ITEM_RECHECK in the result asks for epx_ring_sleep(ring,
 * 0); the facts are latched then.
 *
 * Return: 0: armed. Above 0: READY and RECHECK bits that were latched; the
 * item stays disarmed: handle them and call again. -ESTALE: the watch has
 * ended.
 */
static inline int epx_ring_arm(struct epx_consumer *ring, uint32_t item,
			       uint32_t generation)
{
	uint64_t latched = EPX_ITEM_READY | EPX_ITEM_RECHECK;
	__u64 *word = &ring->items[item].state;
	__u64 state = __atomic_load_n(word, __ATOMIC_RELAXED), next;

	do {
		if (state >> EPX_ITEM_GENERATION_SHIFT != generation)
			return -ESTALE;
		next = state & latched ? state & ~(latched | EPX_ITEM_ARMED) :
					 state | EPX_ITEM_ARMED;
		/*
		 * What was read of the file before, and what was latched after
		 * it. Pairs with the cmpxchg, fully ordered, in
		 * epx_ring_publish().
		 */
	} while (!__atomic_compare_exchange_n(word, &state, next, true,
					      __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return state & latched;
}

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_RING_ARM_H */
