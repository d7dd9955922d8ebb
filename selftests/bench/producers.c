// SPDX-License-Identifier: MIT
/*
 * producers: so many threads, each writing to a file of its own as fast as it
 * can, and one that waits and reads until all that was written has come.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define WRITES	8000	/* of all threads together */
#define MOST	16

static const uint64_t one = 1;

struct producer {
	pthread_t thread;
	pthread_barrier_t *start;
	int fd, writes;
};

static void *produce(void *arg)
{
	struct producer *producer = arg;

	pthread_barrier_wait(producer->start);
	for (int i = 0; i < producer->writes; i++)
		must(write(producer->fd, &one, 8) == 8, "write");
	return NULL;
}

static void consume(const struct side *side, struct loop *loop,
		    const struct files *files, int left)
{
	while (left) {
		int n = side_sleep(side, loop);

		for (int i = 0; i < n; i++) {
			int from = loop->events[i].data.u64;
			uint64_t got;

			/* A hint may come after what it is about was read. */
			if (read(files->read[from], &got, 8) == 8)
				left -= got;
		}
	}
}

static double producers_took(const struct side *side, int count)
{
	struct producer producers[MOST];
	struct loop *loop = side->open(count);
	pthread_barrier_t start;
	struct files files;
	long long begin;

	files_open(&files, count, false);
	pthread_barrier_init(&start, NULL, count + 1);
	for (int i = 0; i < count; i++) {
		producers[i] = (struct producer){ .start = &start,
			.fd = files.write[i], .writes = WRITES / count };
		side_change(side, loop, EPOLL_CTL_ADD, files.read[i],
			    EPOLLIN | EPOLLET, i);
		must(!pthread_create(&producers[i].thread, NULL, produce,
				     &producers[i]), "a thread");
	}
	pthread_barrier_wait(&start);
	begin = clock_ns();
	consume(side, loop, &files, WRITES / count * count);
	begin = clock_ns() - begin;
	for (int i = 0; i < count; i++)
		pthread_join(producers[i].thread, NULL);
	pthread_barrier_destroy(&start);
	side->close(loop);
	files_close(&files);
	return begin;
}

struct crowd {
	const struct side *order[SIDES_MOST];
	int producers;
};

/* More is better: events for a time. */
static void producers_round(int side, double *rate, void *arg)
{
	const struct crowd *crowd = arg;

	*rate = 1 / producers_took(crowd->order[side], crowd->producers);
}

static void producers_time(int x)
{
	int rounds = (options.rounds + 1) / 2, count = 0;
	struct crowd crowd = { .producers = x };
	double *ratios;

	for (const struct side * const *s = sides; *s; s++)
		if (side_has(*s, x, x))
			crowd.order[count++] = *s;
	ratios = ratios_of_rounds(count, 1, rounds, producers_round, &crowd);
	for (int i = 1; i < count; i++)
		figure_spread("time", "producers", x, crowd.order[i]->name,
			      ratios + i * rounds, rounds,
			      "of native's events/ms");
	free(ratios);
}

void measure_producers(void)
{
	static const int all[] = { 1, 2, 4, 8, 16, 0 }, few[] = { 1, 4, 0 };

	for (const int *x = options.is_short ? few : all; *x; x++)
		producers_time(*x);
}
