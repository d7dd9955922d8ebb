/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the ring module: readiness without system calls.
 *
 * The consumer's side of <linux/epollx_ring.h>, which says what hints, facts,
 * modes and generations are. In short:
 *
 *	epx_ring_map(epfd, 1000, &ring);
 *	epx_change(epfd, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, data);
 *	while ((n = epx_ring_wait(&ring, events, 64, -1)) >= 0)
 *		...
 *
 * epx_ring_wait() makes a system call only where the ring is empty, where a
 * connect or a close asks for one, and every EPX_RING_TURNS calls. A loop of
 * another shape uses epx_ring_next() and epx_ring_sleep().
 *
 * One thread at a time calls epx_ring_next(), _wait() and _sleep() of one
 * struct epx_consumer; any thread calls the others. All return -errno and
 * leave errno alone.
 */
#ifndef EPOLLX_RING_H
#define EPOLLX_RING_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include <linux/epollx.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calls of epx_ring_wait() in which level-triggered watches may have to wait. */
#define EPX_RING_TURNS	61

/**
 * struct epx_consumer - a mapped ring
 * @next: the slot at the head, unless others have consumed since
 * @head: slots consumed, in the map
 * @slots: in the map
 * @items: in the map
 * @payloads: in the map, or NULL
 * @mask: number of slots, less 1
 * @nr_items: number of items
 * @epfd: the instance
 * @turns: since the last system call
 * @recheck: an item asked for a system call; cleared by that
 * @map: the map
 * @map_size: its bytes
 */
struct epx_consumer {
	uint32_t *next;
	uint32_t *head;
	uint32_t *slots;
	struct epx_item *items;
	struct epx_payload *payloads;
	uint32_t mask;
	uint32_t nr_items;
	int epfd;
	uint32_t turns;
	bool recheck;
	void *map;
	uint64_t map_size;
};

/**
 * struct epx_ring_event - what one item had to say
 * @data: of the watch
 * @events: EPOLL* bits: hints or facts
 * @item: the item's number
 * @generation: of the watch, for epx_ring_arm()
 */
struct epx_ring_event {
	uint64_t data;
	uint32_t events;
	uint32_t item;
	uint32_t generation;
};

/**
 * epx_ring_map() - give an instance a ring, and map it
 * @epfd: the instance, without watches and without a ring
 * @items: watches that it will have, at most EPX_RING_ITEMS_MAX
 * @ring: filled in
 *
 * Return: 0; -EINVAL, -EBUSY, -ENOMEM (RLIMIT_MEMLOCK, too), -ENOTTY.
 */
int epx_ring_map(int epfd, unsigned int items, struct epx_consumer *ring);

/**
 * epx_ring_map_with() - epx_ring_map() with flags
 * @epfd: as there, and so are @items and @ring
 * @items: sources have one each, too
 * @flags: EPX_RING_PAYLOAD or 0
 * @ring: filled in
 *
 * Return: as epx_ring_map().
 */
int epx_ring_map_with(int epfd, unsigned int items, unsigned int flags,
		      struct epx_consumer *ring);

/**
 * epx_ring_unmap() - take the map away; the instance keeps its ring
 * @ring: the ring
 */
void epx_ring_unmap(struct epx_consumer *ring);

/**
 * epx_ring_sleep() - publish facts, and wait until the ring is not empty
 * @ring: the ring
 * @timeout: nanoseconds from now; 0 returns at once, negative never expires
 *
 * Return: 1 when it is not empty, 0 at the end of the time, -EINTR.
 */
int epx_ring_sleep(struct epx_consumer *ring, int64_t timeout);

/**
 * epx_ring_wait() - the next events, as epoll_wait(2)
 * @ring: the ring
 * @events: for the events
 * @max: its length, at least 1
 * @timeout: nanoseconds from now; 0 returns at once, negative never expires
 *
 * A file that becomes ready again meanwhile may be in @events twice. Who ends
 * a watch while he goes through them compares epx_ring_generation() with the
 * event's before he uses its data.
 *
 * Return: number of events, 0 at the end of the time, -EINTR.
 */
int epx_ring_wait(struct epx_consumer *ring, struct epx_ring_event *events,
		  int max, int64_t timeout);

/**
 * epx_ring_is_empty() - is there nothing in the ring?
 * @ring: the ring
 *
 * After a wait with an event array, which consumes as well, not before the next
 * call of epx_ring_next(), _wait() or _sleep().
 *
 * Return: the answer; one load of shared memory.
 */
static inline bool epx_ring_is_empty(const struct epx_consumer *ring)
{
	return !__atomic_load_n(ring->next, __ATOMIC_RELAXED);
}

/**
 * epx_ring_generation() - of the watch that has an item now
 * @ring: the ring
 * @item: the item's number
 *
 * Return: the generation; odd, or no watch has it.
 */
static inline uint32_t epx_ring_generation(const struct epx_consumer *ring,
					   uint32_t item)
{
	return __atomic_load_n(&ring->items[item].state, __ATOMIC_RELAXED) >>
	       EPX_ITEM_GENERATION_SHIFT;
}

/*
 * Take what an item has. Returns its state before; clears READY, RECHECK and
 * INRING. The slot has been freed: before INRING goes, or the kernel could
 * append where it is not free yet.
 */
static inline uint64_t epx_ring_take(struct epx_item *item)
{
	uint64_t taken = EPX_ITEM_READY | EPX_ITEM_RECHECK | EPX_ITEM_INRING;

	/*
	 * Releases the slot, acquires what was published. Pairs with the
	 * cmpxchg, fully ordered, in epx_ring_publish().
	 */
	return __atomic_fetch_and(&item->state, ~taken, __ATOMIC_ACQ_REL);
}

/**
 * epx_ring_payload() - take the payload of an item that has been consumed
 * @ring: the ring, mapped with EPX_RING_PAYLOAD
 * @item: the item's number
 *
 * Return: as <linux/epollx_ring.h> says, without a system call; count 0 where
 * it was taken with an event before.
 */
static inline struct epx_payload
epx_ring_payload(const struct epx_consumer *ring, uint32_t item)
{
	struct epx_payload *at = &ring->payloads[item], taken;

	/*
	 * The count before the value. Pairs with the addition, fully ordered,
	 * in epx_ring_count_up().
	 */
	taken.count = __atomic_exchange_n(&at->count, 0, __ATOMIC_ACQUIRE);
	taken.value = __atomic_load_n(&at->value, __ATOMIC_RELAXED);
	return taken;
}

/**
 * epx_ring_next() - consume one event
 * @ring: the ring
 * @event: filled in
 *
 * No system call. Sets @ring->recheck where an item has more to say after
 * epx_ring_sleep(ring, 0).
 *
 * Return: false if there is none.
 */
static inline bool epx_ring_next(struct epx_consumer *ring,
				 struct epx_ring_event *event)
{
	uint32_t *shared_head = ring->head, *slot;
	struct epx_item *item;
	uint32_t number, head;
	uint64_t state, now;

	for (;;) {
		/* A wait with an event array moves it, too. */
		head = *shared_head;
		slot = &ring->slots[head & ring->mask];
		/*
		 * The slot before the item. Pairs with smp_store_release() in
		 * epx_ring_append().
		 */
		number = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		if (!number)
			break;
		__atomic_store_n(slot, 0, __ATOMIC_RELAXED);
		__atomic_store_n(shared_head, ++head, __ATOMIC_RELAXED);
		ring->next = &ring->slots[head & ring->mask];
		item = &ring->items[number - 1];
		/* Also before the data. Pairs with smp_wmb() in epx_ring_bind(). */
		state = epx_ring_take(item);
		if (state & EPX_ITEM_RECHECK)
			ring->recheck = true;
		if (!(state & EPX_ITEM_READY))
			continue;
		event->data = __atomic_load_n(&item->data, __ATOMIC_RELAXED);
		/*
		 * The data before the second look. Pairs with smp_wmb() in
		 * epx_ring_bind(): the data is that of the generation, or the
		 * watch has ended since, by another thread, with its events.
		 */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		now = __atomic_load_n(&item->state, __ATOMIC_RELAXED);
		if ((state ^ now) >> EPX_ITEM_GENERATION_SHIFT)
			continue;
		event->events = state & EPX_ITEM_READY;
		event->item = number - 1;
		event->generation = state >> EPX_ITEM_GENERATION_SHIFT;
		return true;
	}
	ring->next = slot;
	return false;
}

#ifdef __cplusplus
}
#endif

#include <epollx_ring_arm.h>

#endif /* EPOLLX_RING_H */
