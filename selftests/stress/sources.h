/* SPDX-License-Identifier: MIT */
/*
 * Producers that write to a file each, once per event, and consumers that share
 * an instance which watches all the files: edge-triggered, so that what a lost
 * wake-up or a lost event leaves behind is a round that never ends.
 */
#ifndef STRESS_SOURCES_H
#define STRESS_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct sources - who takes part
 * @ep: the instance
 * @nr: producers, a thread and a file each; SOURCES_MOST at most
 * @most: events that sources_wait() takes at once
 * @consumers: threads
 * @consumer: what they do until sources_take() says it is over; gets its number
 */
struct sources {
	int ep;
	int nr;
	int most;
	int consumers;
	void *(*consumer)(void *arg);
};

#define SOURCES_MOST	4

/* Returns when each producer has had its share of @rounds. */
void sources_run(const struct sources *sources, long rounds);

/* Takes the event with @data, which must be one, no more. False: the last. */
bool sources_take(uint64_t data);

/*
 * A consumer that waits into an array; hits are waits that began while another
 * consumer was in its own.
 */
void *sources_wait(void *arg);

#endif /* STRESS_SOURCES_H */
