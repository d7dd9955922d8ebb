/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mapped ring: items, and what is published in them (ring.c).
 */
#ifndef EPX_RING_H
#define EPX_RING_H

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/idr.h>

#include "instance.h"

struct user_struct;

/* How often a word may change under us before we store regardless. */
#ifdef EPX_DEBUG
/* 0: at once. Where both sides share one CPU of the host they hardly meet. */
extern int epx_ring_tries;
#define EPX_RING_TRIES		READ_ONCE(epx_ring_tries)
#else
#define EPX_RING_TRIES		16
#endif

/**
 * struct epx_publisher - the kernel's own half of a ring
 * @head: [C] in the map; what it holds is the program's
 * @slots: [C] in the map
 * @item: [C] in the map
 * @payload: [C] in the map, or NULL
 * @mask: [C] number of slots, less 1
 * @items: [C] number of items
 * @map: [C] the memory that is mapped
 * @map_size: [C] its bytes
 * @user: [C] who is charged for it
 * @charged: [C] pages charged to @user, 0 where it had no limit
 * @numbers: [its own lock] which items watches have; changed under [M]
 * @tail: [A] slots filled so far, on a line that only producers use
 */
struct epx_publisher {
	struct epx_ring_head *head;
	u32 *slots;
	struct epx_item *item;
	struct epx_payload *payload;
	u32 mask;
	u32 items;
	void *map;
	size_t map_size;
	struct user_struct *user;
	unsigned long charged;
	struct ida numbers;
	atomic_t tail ____cacheline_aligned_in_smp;
};

/**
 * epx_ring_of() - the ring of an instance
 * @inst: the instance
 *
 * Context: any. Once there it stays to the instance's release.
 * Return: the ring or NULL.
 */
static inline struct epx_publisher *epx_ring_of(const struct epx_instance *inst)
{
	/* What hangs from it is complete. Pairs with smp_store_release() in epx_ring_attach(). */
	return READ_ONCE(inst->ring);
}

/**
 * epx_state_word() - the state of an item, for atomic operations
 * @ring: the ring
 * @item: number of the item, which the kernel knows to be one
 *
 * Context: any.
 * Return: the word.
 */
static inline atomic64_t *epx_state_word(const struct epx_publisher *ring,
					 u32 item)
{
	BUILD_BUG_ON(sizeof(struct epx_item) != 16);
	BUILD_BUG_ON(sizeof(atomic64_t) != sizeof(__u64));
	return (atomic64_t *)&ring->item[item].state;
}

/**
 * epx_ring_item() - the item of a watch
 * @w: a watch of an instance with a ring
 *
 * Context: any.
 * Return: its number.
 */
static inline u32 epx_ring_item(const struct epx_watch *w)
{
	return (u32)w->data;
}

/**
 * epx_changed() - what an add or a modify returns
 * @w: the watch
 *
 * Context: process; the instance's mutex held.
 * Return: 0, or the watch's item where the instance has a ring.
 */
static inline int epx_changed(const struct epx_watch *w)
{
	return unlikely(epx_ring_of(w->instance)) ? epx_ring_item(w) : 0;
}

/**
 * epx_ring_has_slot() - is there something at the head of the ring?
 * @ring: the ring
 *
 * Context: any. The index is the program's and masked; what the slot holds
 * is looked at no further.
 * Return: whether the slot is filled.
 */
static inline bool epx_ring_has_slot(const struct epx_publisher *ring)
{
	u32 head = READ_ONCE(ring->head->head);

	return READ_ONCE(ring->slots[head & ring->mask]);
}

/**
 * epx_ring_count_up() - add to the payload of an item, before it is published
 * @w: the watch of a source of an instance with a ring
 * @count: posts or expiries
 * @value: of the latest post
 *
 * Context: any.
 */
static inline void epx_ring_count_up(const struct epx_watch *w, u64 count,
				     u64 value)
{
	struct epx_payload *payload = epx_ring_of(w->instance)->payload;

	BUILD_BUG_ON(sizeof(*payload) != 16);
	if (!payload)
		return;
	payload += epx_ring_item(w);
	WRITE_ONCE(payload->value, value);
	/* Fully ordered. Pairs with the exchange in epx_ring_payload(). */
	atomic64_add_return(count, (atomic64_t *)&payload->count);
}

/**
 * epx_ring_count_clear() - the payload of an item begins anew
 * @w: the watch of a source of an instance with a ring
 *
 * Context: process; the instance's mutex held.
 */
static inline void epx_ring_count_clear(const struct epx_watch *w)
{
	struct epx_payload *payload = epx_ring_of(w->instance)->payload;

	if (!payload)
		return;
	payload += epx_ring_item(w);
	WRITE_ONCE(payload->value, 0);
	atomic64_set((atomic64_t *)&payload->count, 0);
}

/**
 * epx_watch_data() - what the events of a watch carry
 * @w: the watch
 *
 * Context: process; the instance's mutex held. With a ring the word is the
 * program's to spoil.
 * Return: the data of the last change.
 */
static inline u64 epx_watch_data(const struct epx_watch *w)
{
	struct epx_publisher *ring = epx_ring_of(w->instance);

	if (likely(!ring))
		return w->data;
	return READ_ONCE(ring->item[epx_ring_item(w)].data);
}

int epx_ring_bind(struct epx_watch *w, u64 data);
void epx_ring_unbind(struct epx_watch *w);
void epx_ring_end(struct epx_watch *w);
void epx_ring_modify(struct epx_watch *w, u64 data);
bool epx_ring_rearm(struct epx_watch *w, u64 data);
bool epx_ring_recheck(struct epx_watch *w);
u64 epx_ring_state(const struct epx_watch *w);

#endif /* EPX_RING_H */
