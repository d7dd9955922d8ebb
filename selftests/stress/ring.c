// SPDX-License-Identifier: MIT
/*
 * What the races of the mapped ring share.
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>

#include "ring.h"
#include "stress.h"

struct epx_consumer ring;

void need_ring(struct duel *duel, unsigned int items)
{
	if (side() == NATIVE)
		race_skip("native epoll has no ring");
	duel->fd[0] = MUST_FD(ep_create1(0));
	MUST(epx_ring_map(duel->fd[0], items, &ring), 0);
}

int new_file(unsigned int value)
{
	return MUST_FD(eventfd(value, EFD_NONBLOCK));
}

int add_item(struct duel *duel, int fd, uint32_t events, uint64_t data)
{
	int item = epx_change(duel->fd[0], EPOLL_CTL_ADD, fd, events, data);

	if (item < 0)
		race_fail("no item: %d", item);
	return item;
}

int slots_filled(void)
{
	int filled = 0;

	for (uint32_t i = 0; i <= ring.mask; i++)
		filled += __atomic_load_n(&ring.slots[i],
					  __ATOMIC_RELAXED) != 0;
	return filled;
}

uint32_t flags_of(int item)
{
	return __atomic_load_n(&ring.items[item].state, __ATOMIC_RELAXED);
}

int drain_ring(uint64_t data)
{
	struct epx_ring_event event;
	int n = 0;

	while (epx_ring_next(&ring, &event)) {
		MUST(event.data, data);
		n++;
	}
	return n;
}

void write_right(struct duel *duel)
{
	MUST(eventfd_write(duel->fd[1], 1), 0);
}
