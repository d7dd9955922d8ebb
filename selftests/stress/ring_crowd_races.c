// SPDX-License-Identifier: MIT
/*
 * The mapped ring: sleepers, and producers that write once per event. A lost
 * wake-up is an end that does not come.
 *
 *	three producers			one thread sleeps for the ring
 *	three producers			two threads wait into an array
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/eventfd.h>

#include "ring.h"
#include "stress.h"

#define SOURCES	3
#define STOP	99

static int source[SOURCES];
static atomic_long taken[SOURCES];
static long source_rounds;
static int crowd_ep;
/* Consumers that wait or are about to. */
static atomic_int waiting;

static void *produce(void *arg)
{
	long i = (long)arg;

	random_start(i);
	for (long round = 1; race_goes_on(round - 1, source_rounds); round++) {
		MUST(eventfd_write(source[i], 1), 0);
		await(&taken[i], round);
		random_delay();
		race_rounds(1);
	}
	return NULL;
}

static bool take_one(uint64_t data)
{
	eventfd_t count;

	if (data == STOP)
		return false;
	MUST(eventfd_read(source[data], &count), 0);
	MUST(count, 1);
	atomic_fetch_add(&taken[data], 1);
	return true;
}

static void *consume_ring(void *arg)
{
	struct epx_ring_event event;

	random_start(20);
	for (;;) {
		while (epx_ring_next(&ring, &event))
			if (!take_one(event.data))
				return arg;
		/* As late as can be: the window is before the sleep. */
		random_delay();
		if (epx_ring_is_empty(&ring))
			race_hit();
		MUST(epx_ring_sleep(&ring, -1), 1);
	}
}

static void *consume_array(void *arg)
{
	struct epoll_event ev[2];

	random_start(10 + (long)arg);
	for (;;) {
		int n;

		if (atomic_fetch_add(&waiting, 1))
			race_hit();
		n = ep_wait(crowd_ep, ev, 2, -1);
		atomic_fetch_sub(&waiting, 1);
		if (n < 1)
			race_fail("wait gave %d", n);
		while (n--)
			if (!take_one(ev[n].data.u64))
				return NULL;
	}
}

static void crowd(long rounds, void *(*consumer)(void *), int consumers)
{
	pthread_t producer[SOURCES], thread[2];
	struct duel duel;
	int stop;

	need_ring(&duel, SOURCES + 1);
	crowd_ep = duel.fd[0];
	source_rounds = rounds / SOURCES;
	for (long i = 0; i < SOURCES; i++) {
		source[i] = new_file(0);
		add_item(&duel, source[i], EPOLLIN | EPOLLET, i);
	}
	stop = new_file(0);
	add_item(&duel, stop, EPOLLIN, STOP);
	for (long i = 0; i < consumers; i++)
		MUST(pthread_create(&thread[i], NULL, consumer, (void *)i), 0);
	for (long i = 0; i < SOURCES; i++)
		MUST(pthread_create(&producer[i], NULL, produce, (void *)i), 0);
	for (int i = 0; i < SOURCES; i++)
		pthread_join(producer[i], NULL);
	MUST(eventfd_write(stop, 1), 0);
	for (int i = 0; i < consumers; i++)
		pthread_join(thread[i], NULL);
}

RACE(ring_sleep_beside_wake, "met")
{
	crowd(rounds, consume_ring, 1);
}

RACE(ring_shared_by_two_waits, "met")
{
	crowd(rounds, consume_array, 2);
}
