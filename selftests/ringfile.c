// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>

#include "helpers.h"
#include "ringfile.h"
#include "testfiles.h"

int new_ring(struct epx_consumer *ring, unsigned int items)
{
	int ep = new_ep();

	ASSERT_EQ(epx_ring_map(ep, items, ring), 0);
	return ep;
}

int new_fifo(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/fifo-%d",
		 getenv("TMPDIR") ?: "/tmp", getpid());
	ASSERT_EQ(mkfifo(path, 0600), 0);
	fd = own(open(path, O_RDWR | O_NONBLOCK));
	unlink(path);
	return fd;
}

int ring_add(int ep, int fd, uint32_t events, uint64_t data)
{
	int item = epx_change(ep, EPOLL_CTL_ADD, fd, events, data);

	ASSERT_GE(item, 0);
	return item;
}

int slots_filled(const struct epx_consumer *ring)
{
	int filled = 0;

	for (uint32_t i = 0; i <= ring->mask; i++)
		filled += __atomic_load_n(&ring->slots[i],
					  __ATOMIC_RELAXED) != 0;
	return filled;
}

uint32_t flags_of(const struct epx_consumer *ring, int item)
{
	return __atomic_load_n(&ring->items[item].state, __ATOMIC_RELAXED);
}

int ring_drain(struct epx_consumer *ring, struct epx_ring_event *last)
{
	int n = 0;

	while (epx_ring_next(ring, last))
		n++;
	return n;
}

static void *ring_sleeper_main(void *arg)
{
	struct ring_sleeper *sleeper = arg;

	atomic_store(&sleeper->tid, gettid());
	sleeper->result = epx_ring_sleep(sleeper->ring, -1);
	return NULL;
}

void ring_sleeper_start(struct ring_sleeper *sleeper,
			struct epx_consumer *ring)
{
	memset(sleeper, 0, sizeof(*sleeper));
	sleeper->ring = ring;
	ASSERT_EQ(pthread_create(&sleeper->thread, NULL, ring_sleeper_main,
				 sleeper), 0);
	wait_until_thread_sleeps(&sleeper->tid);
}

int ring_sleeper_join(struct ring_sleeper *sleeper)
{
	pthread_join(sleeper->thread, NULL);
	return sleeper->result;
}
