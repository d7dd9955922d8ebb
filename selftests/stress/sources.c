// SPDX-License-Identifier: MIT
/* See sources.h. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/eventfd.h>

#include "sources.h"
#include "stress.h"

#define CONSUMERS_MOST	2
#define STOP		99

static struct sources running;
static int source[SOURCES_MOST];
static atomic_long taken[SOURCES_MOST];
static long source_rounds;
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

bool sources_take(uint64_t data)
{
	eventfd_t count;

	if (data == STOP)
		return false;
	/* A second one for the same write finds nothing. */
	MUST(eventfd_read(source[data], &count), 0);
	MUST(count, 1);
	atomic_fetch_add(&taken[data], 1);
	return true;
}

void *sources_wait(void *arg)
{
	struct epoll_event ev[SOURCES_MOST];

	random_start(10 + (long)arg);
	for (;;) {
		int n;

		if (atomic_fetch_add(&waiting, 1))
			race_hit();
		n = ep_wait(running.ep, ev, running.most, -1);
		atomic_fetch_sub(&waiting, 1);
		if (n < 1)
			race_fail("wait gave %d", n);
		for (int i = 0; i < n; i++)
			if (!sources_take(ev[i].data.u64))
				return NULL;
	}
}

/* A new eventfd that is watched. Where there is a ring, ADD gives an item. */
static int watched_file(uint32_t events, uint64_t data)
{
	int fd = MUST_FD(eventfd(0, EFD_NONBLOCK));

	MUST_FD(ep_ctl(running.ep, EPOLL_CTL_ADD, fd, events, data));
	return fd;
}

void sources_run(const struct sources *sources, long rounds)
{
	pthread_t producer[SOURCES_MOST], consumer[CONSUMERS_MOST];
	int stop;

	running = *sources;
	source_rounds = rounds / running.nr;
	for (long i = 0; i < running.nr; i++)
		source[i] = watched_file(EPOLLIN | EPOLLET, i);
	stop = watched_file(EPOLLIN, STOP);
	for (long i = 0; i < running.consumers; i++)
		MUST(pthread_create(&consumer[i], NULL, running.consumer,
				    (void *)i), 0);
	for (long i = 0; i < running.nr; i++)
		MUST(pthread_create(&producer[i], NULL, produce, (void *)i), 0);
	for (int i = 0; i < running.nr; i++)
		pthread_join(producer[i], NULL);
	MUST(eventfd_write(stop, 1), 0);
	for (int i = 0; i < running.consumers; i++)
		pthread_join(consumer[i], NULL);
}
