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
