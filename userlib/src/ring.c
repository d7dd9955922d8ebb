// SPDX-License-Identifier: MIT
/*
 * The mapped ring: what needs a system call. The rest is inline, in
 * epollx_ring.h.
 *
 * No state but the caller's struct epx_consumer. The head of the ring is in the
 * map, so a thread that takes over starts where the last one stopped.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "epollx_ring.h"
#include "syscall.h"

#define NSEC_PER_SEC	1000000000LL

int epx_ring_map(int epfd, unsigned int items, struct epx_consumer *ring)
{
	return epx_ring_map_with(epfd, items, 0, ring);
}

int epx_ring_map_with(int epfd, unsigned int items, unsigned int flags,
		      struct epx_consumer *ring)
{
	struct epx_ring made = { .items = items, .flags = flags };
	int err, saved = errno;
	char *map;

	err = sys_call3(SYS_ioctl, epfd, EPX_IOC_RING, (long)&made);
	if (err)
		return err;
	if (made.map_size != (size_t)made.map_size)
		return -ENOMEM;
	map = mmap(NULL, made.map_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   epfd, 0);
	errno = saved;
	if (map == MAP_FAILED)
		return -ENOMEM;
	memset(ring, 0, sizeof(*ring));
	ring->map = map;
	ring->map_size = made.map_size;
	ring->head = &((struct epx_ring_head *)map)->head;
	ring->slots = (uint32_t *)(map + made.slots_offset);
	ring->items = (struct epx_item *)(map + made.items_offset);
	if (made.payloads_offset)
		ring->payloads = (struct epx_payload *)(map +
							made.payloads_offset);
	ring->mask = made.slots - 1;
	ring->nr_items = made.items;
	ring->epfd = epfd;
	ring->next = &ring->slots[*ring->head & ring->mask];
	return 0;
}

void epx_ring_unmap(struct epx_consumer *ring)
{
	int saved = errno;

	munmap(ring->map, ring->map_size);
	errno = saved;
	memset(ring, 0, sizeof(*ring));
}

static int ring_sleep(struct epx_consumer *ring, int64_t timeout,
		      unsigned int flags)
{
	struct epx_wait wait;
	int ret;

	wait.events = 0;
	wait.maxevents = 0;
	wait.flags = EPX_WAIT_RING | flags;
	wait.timeout = timeout;
	/* Marks that come from now on are for the next call. */
	ring->recheck = false;
	ring->turns = 0;
	ret = sys_call3(SYS_ioctl, ring->epfd, EPX_IOC_WAIT, (long)&wait);
	/* Another consumer may have moved the head. */
	ring->next = &ring->slots[*ring->head & ring->mask];
	return ret;
}

int epx_ring_sleep(struct epx_consumer *ring, int64_t timeout)
{
	return ring_sleep(ring, timeout, 0);
}

static int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static int ring_take_all(struct epx_consumer *ring,
			 struct epx_ring_event *events, int max)
{
	int n = 0;

	while (n < max && epx_ring_next(ring, &events[n]))
		n++;
	return n;
}

/*
 * A point in time, since the kernel may be asked more than once: what is in
 * the ring may turn out to be nothing.
 */
static int64_t deadline_after(int64_t timeout)
{
	int64_t at;

	if (__builtin_add_overflow(monotonic_ns(), timeout, &at))
		return INT64_MAX;
	return at;
}

int epx_ring_wait(struct epx_consumer *ring, struct epx_ring_event *events,
		  int max, int64_t timeout)
{
	int64_t deadline = -1;
	int n, ret;

	if (ring->recheck || ++ring->turns >= EPX_RING_TURNS) {
		ret = ring_sleep(ring, 0, 0);
		if (ret < 0)
			return ret;
	}
	for (;;) {
		n = ring_take_all(ring, events, max);
		/* With marks alone there may be more: ask, and look again. */
		if (n || (!timeout && !ring->recheck))
			return n;
		if (timeout > 0 && deadline < 0)
			deadline = deadline_after(timeout);
		if (ring->recheck)
			ret = ring_sleep(ring, 0, 0);
		else if (timeout < 0)
			ret = ring_sleep(ring, -1, 0);
		else
			ret = ring_sleep(ring, deadline, EPX_WAIT_ABSTIME);
		if (ret < 0)
			return ret;
		if (!ret && timeout >= 0 &&
		    (!timeout || monotonic_ns() >= deadline))
			return 0;
	}
}
