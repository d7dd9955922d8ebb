// SPDX-License-Identifier: MIT
/*
 * Wakes from other threads, for libraries of callbacks; and a loop's turn, which
 * needs something in the loop to be woken.
 */
#include <pthread.h>
#include <stdlib.h>

#include "peer.h"

#define THREADS_MOST	8

static long left;

/* A thread and what it exchanges with the main one. */
struct partner {
	pthread_t thread;
	pthread_barrier_t *ready;
	bool quit;
	int trips;
	struct job *here, *there;	/* of the main thread, of this one */
};

/* The partner of a job stands in front of it. */
static struct job *partner_job(struct partner *partner,
			       void (*fn)(struct job *job))
{
	struct partner **at = must_alloc(1, sizeof(*at) + sizeof(struct job) +
					 peer.wake_size);
	struct job *job = (struct job *)(at + 1);

	*at = partner;
	job->fn = fn;
	peer.wake_init(job);
	return job;
}

static struct partner *partner_of(struct job *job)
{
	return ((struct partner **)job)[-1];
}

static void partner_job_end(struct job *job)
{
	peer.wake_end(job);
}

static void partner_job_free(struct job *job)
{
	free((struct partner **)job - 1);
}

static void woken_there(struct job *job)
{
	struct partner *partner = partner_of(job);

	if (__atomic_load_n(&partner->quit, __ATOMIC_ACQUIRE))
		peer.stop();
	else
		peer.wake(partner->here);
}

static void *partner_thread(void *arg)
{
	struct partner *partner = arg;

	peer.open(true);
	partner->there = partner_job(partner, woken_there);
	pthread_barrier_wait(partner->ready);
	peer.run();
	partner_job_end(partner->there);
	peer.turn();
	peer.close();
	partner_job_free(partner->there);
	return NULL;
}

static void woken_here(struct job *job)
{
	struct partner *partner = partner_of(job);

	if (++partner->trips < ASYNC_TRIPS) {
		peer.wake(partner->there);
		return;
	}
	__atomic_store_n(&partner->quit, true, __ATOMIC_RELEASE);
	peer.wake(partner->there);
	if (!--left)
		peer.stop();
}

void run_async(int n)
{
	struct partner partners[THREADS_MOST] = { 0 };
	pthread_barrier_t ready;

	peer.open(true);
	pthread_barrier_init(&ready, NULL, n + 1);
	for (int i = 0; i < n; i++) {
		partners[i].ready = &ready;
		partners[i].here = partner_job(&partners[i], woken_here);
		must(!pthread_create(&partners[i].thread, NULL, partner_thread,
				     &partners[i]), "a thread");
	}
	pthread_barrier_wait(&ready);
	left = n;
	clock_start();
	for (int i = 0; i < n; i++)
		peer.wake(partners[i].there);
	peer.run();
	clock_stop("async", (long)n * ASYNC_TRIPS);
	for (int i = 0; i < n; i++) {
		pthread_join(partners[i].thread, NULL);
		partner_job_end(partners[i].here);
	}
	peer.turn();
	peer.close();
	for (int i = 0; i < n; i++)
		partner_job_free(partners[i].here);
	pthread_barrier_destroy(&ready);
}

static void pummeled(struct job *job)
{
	(void)job;
	/* Acquires nothing but the count itself. */
	if (!__atomic_load_n(&left, __ATOMIC_RELAXED))
		peer.stop();
}

static void *pummel_thread(void *arg)
{
	struct partner *partner = arg;

	pthread_barrier_wait(partner->ready);
	for (int i = 1; i < partner->trips; i++)
		peer.wake(partner->here);
	__atomic_sub_fetch(&left, 1, __ATOMIC_RELAXED);
	peer.wake(partner->here);
	return NULL;
}

void run_pummel(int n)
{
	struct partner partner = { .trips = PUMMEL / n };
	pthread_t threads[THREADS_MOST];
	pthread_barrier_t ready;

	peer.open(true);
	pthread_barrier_init(&ready, NULL, n + 1);
	partner.ready = &ready;
	partner.here = partner_job(&partner, pummeled);
	left = n;
	for (int i = 0; i < n; i++)
		must(!pthread_create(&threads[i], NULL, pummel_thread,
				     &partner), "a thread");
	pthread_barrier_wait(&ready);
	clock_start();
	peer.run();
	clock_stop("async_pummel", (long)n * partner.trips);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	partner_job_end(partner.here);
	peer.turn();
	peer.close();
	partner_job_free(partner.here);
	pthread_barrier_destroy(&ready);
}

void run_loop_count(int x)
{
	struct job *job;

	(void)x;
	peer.open(true);
	/* A loop with nothing at all in it would not turn. */
	job = partner_job(NULL, pummeled);
	peer.turn();
	clock_start();
	for (int i = 0; i < TURNS; i++)
		peer.turn();
	clock_stop("loop_count", TURNS);
	partner_job_end(job);
	peer.turn();
	peer.close();
	partner_job_free(job);
}
