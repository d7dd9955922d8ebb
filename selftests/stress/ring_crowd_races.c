// SPDX-License-Identifier: MIT
/*
 * The mapped ring: sleepers, and producers that write once per event. A lost
 * wake-up is an end that does not come.
 *
 *	three producers			one thread sleeps for the ring
 *	three producers			two threads wait into an array
 */
#define _GNU_SOURCE

#include "ring.h"
#include "sources.h"
#include "stress.h"

#define SOURCES	3

static void *consume_ring(void *arg)
{
	struct epx_ring_event event;

	random_start(20);
	for (;;) {
		while (epx_ring_next(&ring, &event))
			if (!sources_take(event.data))
				return arg;
		/* As late as can be: the window is before the sleep. */
		random_delay();
		if (epx_ring_is_empty(&ring))
			race_hit();
		MUST(epx_ring_sleep(&ring, -1), 1);
	}
}

static void crowd(long rounds, void *(*consumer)(void *), int consumers)
{
	struct sources sources = {
		.nr = SOURCES, .most = 2,
		.consumer = consumer, .consumers = consumers,
	};
	struct duel duel;

	/* And a slot for what tells the consumers to stop. */
	need_ring(&duel, SOURCES + 1);
	sources.ep = duel.fd[0];
	sources_run(&sources, rounds);
}

RACE(ring_sleep_beside_wake, "met")
{
	crowd(rounds, consume_ring, 1);
}

RACE(ring_shared_by_two_waits, "met")
{
	crowd(rounds, sources_wait, 2);
}
