// SPDX-License-Identifier: MIT
/*
 * libepollx: timers and tasks.
 *
 * A timer that is armed and cancelled is a future that is polled and dropped;
 * one that comes has a task that it wakes, and the task's end is part of that.
 */
#include <stdlib.h>

#include "epollx_driver.h"

void free_future(struct epx_future *future)
{
	free(future);
}

/* Arms all timers, then cancels them, in one poll. */
struct arm {
	struct epx_future future;
	struct epx_sleep *sleeps;
	int n;
	long long took;
};

static int arm_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct arm *me = (struct arm *)future;

	clock_start();
	for (int i = 0; i < me->n; i++)
		epx_poll(epx_sleep(&me->sleeps[i], timer_ns(i)), cx);
	me->took = clock_stop("timers_arm", me->n);
	clock_start();
	for (int i = 0; i < me->n; i++)
		epx_drop(&me->sleeps[i].future);
	me->took += clock_stop("timers_cancel", me->n);
	return epx_ready(future, 0);
}

static const struct epx_ops arm_ops = { .name = "arm", .poll = arm_poll };

/*
 * A task for each timer; none may come before the last one has been set, which
 * takes who knows how long. Returns the time from which they come, or 0 if some
 * have come.
 */
static int64_t sleep_all(struct epx_exec *exec, struct epx_sleep *sleeps, int n,
			 int64_t ahead)
{
	int64_t from = clock_ns() + ahead;
	int polled = 0;

	for (int i = 0; i < n; i++)
		must_spawn(exec, epx_sleep_until(&sleeps[i],
						 from + timer_ns(i)), NULL);
	while (polled < n)
		polled += epx_run_once(exec, 0);
	return clock_ns() < from ? from : 0;
}

static long long timers_expire(struct epx_sleep *sleeps, int n)
{
	struct epx_exec *exec = exec_new();
	int64_t ahead = 1000000 + n * 2000LL, from;
	long long took;

	while (!(from = sleep_all(exec, sleeps, n, ahead))) {
		epx_exec_free(exec);
		exec = exec_new();
		ahead *= 2;
	}
	while (clock_ns() < from)
		wait_until_due();
	wait_until_due();
	clock_start();
	must(!epx_run(exec), "epx_run");
	took = clock_stop("timers_expire", n);
	epx_exec_free(exec);
	return took;
}

/* Whose pages are there. */
static struct epx_sleep *sleeps_new(int n)
{
	struct epx_sleep *sleeps = must_alloc(n, sizeof(*sleeps));

	for (int i = 0; i < n; i++)
		epx_sleep(&sleeps[i], 0);
	return sleeps;
}

static void run_timers(int n)
{
	struct epx_exec *exec = exec_new();
	struct arm arm = { .n = n, .sleeps = sleeps_new(n) };

	epx_block_on(exec, epx_init(&arm.future, &arm_ops));
	epx_exec_free(exec);
	report("timers", arm.took + timers_expire(arm.sleeps, n), n);
	free(arm.sleeps);
}

static void run_million_timers(int n)
{
	struct epx_sleep *sleeps = sleeps_new(n);
	struct epx_exec *exec = exec_new();
	long long took;
	int polled = 0;

	clock_start();
	for (int i = 0; i < n; i++)
		must_spawn(exec, epx_sleep(&sleeps[i], i * (LATEST_NS / n)),
			   NULL);
	while (polled < n)
		polled += epx_run_once(exec, 0);
	took = clock_stop("million_timers_arm", n);
	wait_until_due();
	clock_start();
	must(!epx_run(exec), "epx_run");
	took += clock_stop("million_timers_expire", n);
	report("million_timers", took, n);
	epx_exec_free(exec);
	free(sleeps);
}

static void run_sleepers(int n)
{
	struct epx_exec *exec = exec_new();
	long long before;
	int polled = 0;

	must(!epx_run_once(exec, 0), "epx_run_once");
	before = anon_bytes();
	for (int i = 0; i < n; i++) {
		struct epx_sleep *sleep = must_alloc(1, sizeof(*sleep));

		must_spawn(exec, epx_sleep(sleep, 3600 * EPX_SEC), free_future);
	}
	while (polled < n)
		polled += epx_run_once(exec, 0);
	report_memory("sleepers", before, n);
	/* The process ends with it. */
}

static int nothing_poll(struct epx_future *future, struct epx_cx *cx)
{
	(void)cx;
	return epx_ready(future, 0);
}

static const struct epx_ops nothing_ops = {
	.name = "nothing",
	.poll = nothing_poll,
};

static void *must_malloc(size_t size)
{
	void *memory = malloc(size);

	must(!!memory, "memory");
	return memory;
}

static void run_spawn(int n)
{
	struct epx_exec *exec = exec_new();

	clock_start();
	for (int i = 0; i < n; i++)
		must_spawn(exec, epx_init(must_malloc(sizeof(struct epx_future)),
					  &nothing_ops), free_future);
	must(!epx_run(exec), "epx_run");
	/* Of the tasks' memory, too, the end is part of it. */
	epx_exec_free(exec);
	clock_stop("spawn_many", n);
}

struct yielding {
	struct epx_future future;
	struct epx_yield_now yield;
	int rounds;
};

EPX_ASYNC(yielding, NULL)
{
	EPX_BEGIN;
	for (me->rounds = 0; me->rounds < YIELDS; me->rounds++)
		EPX_AWAIT(epx_yield_now(&me->yield));
	EPX_END;
}

static void run_yield(int n)
{
	struct epx_exec *exec = exec_new();

	for (int i = 0; i < n; i++) {
		struct yielding *one = must_malloc(sizeof(*one));

		must_spawn(exec, EPX_INIT(one, yielding), free_future);
	}
	clock_start();
	must(!epx_run(exec), "epx_run");
	clock_stop("yield_many", (long)n * YIELDS);
	epx_exec_free(exec);
}

/* ping spawns pong; each waits for the other's oneshot. */
struct ping {
	struct epx_future future;
	struct epx_oneshot there, back;
	struct epx_wait_for wait;
};

struct pong {
	struct epx_future future;
	struct ping *ping;
	struct epx_wait_for wait;
};

EPX_ASYNC(pong, NULL)
{
	EPX_BEGIN;
	EPX_AWAIT(epx_oneshot_wait(&me->wait, &me->ping->there));
	epx_oneshot_set(&me->ping->back, EPX_RES);
	EPX_END;
}

EPX_ASYNC(ping, NULL)
{
	struct pong *pong;

	EPX_BEGIN;
	epx_oneshot_init(&me->there);
	epx_oneshot_init(&me->back);
	pong = must_malloc(sizeof(*pong));
	pong->ping = me;
	must_spawn(cx->exec, EPX_INIT(pong, pong), free_future);
	epx_oneshot_set(&me->there, 1);
	EPX_AWAIT(epx_oneshot_wait(&me->wait, &me->back));
	EPX_END;
}

static void run_ping_pong(int n)
{
	struct epx_exec *exec = exec_new();

	clock_start();
	for (int i = 0; i < n; i++) {
		struct ping *ping = must_malloc(sizeof(*ping));

		must_spawn(exec, EPX_INIT(ping, ping), free_future);
	}
	must(!epx_run(exec), "epx_run");
	clock_stop("ping_pong", n);
	epx_exec_free(exec);
}

struct chain {
	struct epx_future future;
	int left;
};

static void chain_spawn(struct epx_exec *exec, int left);

static int chain_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct chain *me = (struct chain *)future;

	if (me->left)
		chain_spawn(cx->exec, me->left);
	return epx_ready(future, 0);
}

static const struct epx_ops chain_ops = { .name = "chain", .poll = chain_poll };

static void chain_spawn(struct epx_exec *exec, int left)
{
	struct chain *chain = must_malloc(sizeof(*chain));

	chain->left = left - 1;
	must_spawn(exec, epx_init(&chain->future, &chain_ops), free_future);
}

static void run_chained(int n)
{
	struct epx_exec *exec = exec_new();

	clock_start();
	chain_spawn(exec, n);
	must(!epx_run(exec), "epx_run");
	clock_stop("chained_spawn", n);
	epx_exec_free(exec);
}

static void run_loop_count(int x)
{
	struct epx_exec *exec = exec_new();

	(void)x;
	must(!epx_run_once(exec, 0), "epx_run_once");
	clock_start();
	for (int i = 0; i < TURNS; i++)
		epx_run_once(exec, 0);
	clock_stop("loop_count", TURNS);
	epx_exec_free(exec);
}

const struct task tasks[] = {
	{ "million_timers", run_million_timers }, { "timers", run_timers },
	{ "sleepers", run_sleepers }, { "spawn_many", run_spawn },
	{ "yield_many", run_yield }, { "ping_pong", run_ping_pong },
	{ "chained_spawn", run_chained }, { "async", run_async },
	{ "async_pummel", run_pummel }, { "loop_count", run_loop_count },
	{ "ping_pongs", run_ping_pongs }, { "tcp4_pound", run_pound },
	{ "echo_loop", run_echo }, { },
};
