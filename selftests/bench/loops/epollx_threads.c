// SPDX-License-Identifier: MIT
/*
 * libepollx: wakes from other threads.
 */
#include <pthread.h>

#include "epollx_driver.h"

#define THREADS_MOST	8

/* One end of an exchange: a task, which the other end wakes. */
struct end {
	struct epx_future future;
	struct epx_task *waker;
	struct end *other;
	pthread_barrier_t *ready;	/* of the other thread's; or NULL */
	int trips;		/* still to be made */
	bool rang;		/* the other end has been here */
};

/* The flag says why it is woken: a task may be woken for nothing. */
static void end_ring(struct end *end)
{
	__atomic_store_n(&end->rang, true, __ATOMIC_RELEASE);
	epx_wake(end->waker);
}

static int end_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct end *me = (struct end *)future;

	if (!me->waker) {
		me->waker = epx_waker_get(cx);
		if (me->ready)
			pthread_barrier_wait(me->ready);
		return EPX_PENDING;
	}
	if (!__atomic_exchange_n(&me->rang, false, __ATOMIC_ACQUIRE))
		return EPX_PENDING;
	me->trips--;
	/* The main thread's end rings first, so it has the last word. */
	if (me->ready || me->trips)
		end_ring(me->other);
	return me->trips ? EPX_PENDING : epx_ready(future, 0);
}

static const struct epx_ops end_ops = { .name = "end", .poll = end_poll };

static void *end_thread(void *arg)
{
	struct epx_exec *exec = exec_new();
	struct end *end = arg;

	epx_block_on(exec, &end->future);
	epx_exec_free(exec);
	return NULL;
}

void run_async(int n)
{
	struct end here[THREADS_MOST] = { 0 }, there[THREADS_MOST] = { 0 };
	struct epx_exec *exec = exec_new();
	pthread_t threads[THREADS_MOST];
	pthread_barrier_t ready;

	pthread_barrier_init(&ready, NULL, n + 1);
	for (int i = 0; i < n; i++) {
		here[i].other = &there[i];
		here[i].trips = ASYNC_TRIPS;
		must_spawn(exec, epx_init(&here[i].future, &end_ops), NULL);
		there[i].other = &here[i];
		there[i].trips = ASYNC_TRIPS;
		there[i].ready = &ready;
		epx_init(&there[i].future, &end_ops);
	}
	epx_run_once(exec, 0);
	for (int i = 0; i < n; i++)
		must(!pthread_create(&threads[i], NULL, end_thread, &there[i]),
		     "a thread");
	pthread_barrier_wait(&ready);
	clock_start();
	for (int i = 0; i < n; i++)
		end_ring(&there[i]);
	must(!epx_run(exec), "epx_run");
	clock_stop("async", (long)n * ASYNC_TRIPS);
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		epx_waker_put(here[i].waker);
		epx_waker_put(there[i].waker);
	}
	epx_exec_free(exec);
	pthread_barrier_destroy(&ready);
}

/* One task that many threads wake as fast as they can. */
struct pummeled {
	struct epx_future future;
	struct epx_task *waker;
	pthread_barrier_t ready;
	int sends;
	int left;		/* threads that have not done */
};

static int pummeled_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct pummeled *me = (struct pummeled *)future;

	if (!me->waker)
		me->waker = epx_waker_get(cx);
	return __atomic_load_n(&me->left, __ATOMIC_RELAXED) ? EPX_PENDING :
							      EPX_READY;
}

static const struct epx_ops pummeled_ops = {
	.name = "pummeled",
	.poll = pummeled_poll,
};

static void *pummel_thread(void *arg)
{
	struct pummeled *to = arg;

	pthread_barrier_wait(&to->ready);
	for (int i = 1; i < to->sends; i++)
		epx_wake(to->waker);
	__atomic_sub_fetch(&to->left, 1, __ATOMIC_RELAXED);
	epx_wake(to->waker);
	return NULL;
}

void run_pummel(int n)
{
	struct pummeled pummeled = { .sends = PUMMEL / n, .left = n };
	struct epx_exec *exec = exec_new();
	pthread_t threads[THREADS_MOST];

	pthread_barrier_init(&pummeled.ready, NULL, n + 1);
	must_spawn(exec, epx_init(&pummeled.future, &pummeled_ops), NULL);
	epx_run_once(exec, 0);
	for (int i = 0; i < n; i++)
		must(!pthread_create(&threads[i], NULL, pummel_thread,
				     &pummeled), "a thread");
	pthread_barrier_wait(&pummeled.ready);
	clock_start();
	must(!epx_run(exec), "epx_run");
	clock_stop("async_pummel", (long)n * pummeled.sends);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	epx_waker_put(pummeled.waker);
	epx_exec_free(exec);
	pthread_barrier_destroy(&pummeled.ready);
}
