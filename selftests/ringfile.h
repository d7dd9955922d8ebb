/* SPDX-License-Identifier: MIT */
/*
 * Instances with a mapped ring, and looks at the map past the library.
 */
#ifndef EPX_TEST_RINGFILE_H
#define EPX_TEST_RINGFILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <epollx.h>
#include <epollx_ring.h>

/* An instance with a mapped ring; the test owns the instance. */
int new_ring(struct epx_consumer *ring, unsigned int items);
/* A FIFO opened for reading and writing: two wait queues. Non-blocking. */
int new_fifo(void);

/* Adds a watch; the number of its item. */
int ring_add(int ep, int fd, uint32_t events, uint64_t data);
/* Slots that are not empty. */
int slots_filled(const struct epx_consumer *ring);
/* The state of an item, without the generation. */
uint32_t flags_of(const struct epx_consumer *ring, int item);
/* Events that there are now, without a system call; the item of the last. */
int ring_drain(struct epx_consumer *ring, struct epx_ring_event *last);

/* A thread in epx_ring_sleep(ring, -1). */
struct ring_sleeper {
	struct epx_consumer *ring;
	pthread_t thread;
	atomic_int tid;
	int result;
};

/* Starts it and returns once it is seen to sleep. */
void ring_sleeper_start(struct ring_sleeper *sleeper,
			struct epx_consumer *ring);
/* Waits for its end; what epx_ring_sleep() returned. */
int ring_sleeper_join(struct ring_sleeper *sleeper);

#endif /* EPX_TEST_RINGFILE_H */
