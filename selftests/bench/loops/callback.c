// SPDX-License-Identifier: MIT
/*
 * The benchmarks for libraries of callbacks, those of threads and sockets apart.
 *
 * Where Tokio's have tasks, these have jobs that the loop calls soon: libuv's
 * and libev's idle handles, libevent's activated events. Each job has memory of
 * its own, as a task has.
 */
#include <stdlib.h>

#include "peer.h"

static long left;

/* An hour: timers that only are there. */
#define HOUR_NS	3600000000000LL

static struct job *timers_at(char *timers, long i)
{
	return (struct job *)(timers + i * (sizeof(struct job) +
					    peer.timer_size));
}

static void timer_came(struct job *job)
{
	(void)job;
	if (!--left)
		peer.stop();
}

static char *timers_new(int n)
{
	char *timers = must_alloc(n, sizeof(struct job) + peer.timer_size);

	/* The loop's time is now, and the memory is there. */
	peer.turn();
	for (int i = 0; i < n; i++)
		timers_at(timers, i)->fn = timer_came;
	return timers;
}

static void timers_end(char *timers, int n)
{
	for (int i = 0; i < n; i++)
		peer.timer_end(timers_at(timers, i));
	peer.turn();
	free(timers);
}

/* The timers come; waiting for their time is nobody's. */
static long long timers_expire(const char *name, int n)
{
	left = n;
	wait_until_due();
	clock_start();
	peer.run();
	return clock_stop(name, n);
}

static void run_million_timers(int n)
{
	char *timers;
	long long took;

	peer.open(false);
	timers = timers_new(n);
	clock_start();
	for (int i = 0; i < n; i++) {
		peer.timer_init(timers_at(timers, i));
		peer.timer_set(timers_at(timers, i), i * (LATEST_NS / n));
	}
	took = clock_stop("million_timers_arm", n);
	took += timers_expire("million_timers_expire", n);
	report("million_timers", took, n);
	timers_end(timers, n);
	peer.close();
}

static long long timers_arm(const char *name, char *timers, int n)
{
	clock_start();
	for (int i = 0; i < n; i++)
		peer.timer_set(timers_at(timers, i), timer_ns(i));
	return clock_stop(name, n);
}

static void run_timers(int n)
{
	char *timers;
	long long took;

	peer.open(false);
	timers = timers_new(n);
	for (int i = 0; i < n; i++)
		peer.timer_init(timers_at(timers, i));
	took = timers_arm("timers_arm", timers, n);
	clock_start();
	for (int i = 0; i < n; i++)
		peer.timer_clear(timers_at(timers, i));
	took += clock_stop("timers_cancel", n);
	/* The same once more, to come. */
	for (int i = 0; i < n; i++)
		peer.timer_set(timers_at(timers, i), timer_ns(i));
	took += timers_expire("timers_expire", n);
	report("timers", took, n);
	timers_end(timers, n);
	peer.close();
}

static void run_sleepers(int n)
{
	long long before;

	peer.open(false);
	peer.turn();
	before = anon_bytes();
	for (int i = 0; i < n; i++) {
		struct job *job = must_alloc(1, sizeof(*job) + peer.timer_size);

		job->fn = timer_came;
		peer.timer_init(job);
		peer.timer_set(job, HOUR_NS);
	}
	report_memory("sleepers", before, n);
	/* The process ends with it. */
}

/* A job with what the benchmark wants to know of it. */
struct work {
	int rounds;
	struct work *other;
	struct job job;
};

static struct work *work_of(struct job *job)
{
	return container(job, struct work, job);
}

static void work_ended(struct job *job)
{
	free(work_of(job));
	if (!--left)
		peer.stop();
}

static struct work *work_spawn(void (*fn)(struct job *job))
{
	struct work *work = malloc(sizeof(*work) + peer.soon_size);

	must(!!work, "memory");
	work->rounds = 0;
	work->other = NULL;
	work->job.fn = fn;
	work->job.ended = work_ended;
	peer.soon_init(&work->job);
	peer.soon(&work->job);
	return work;
}

static void spawned(struct job *job)
{
	peer.soon_end(job);
}

static void run_spawn(int n)
{
	peer.open(false);
	left = n;
	clock_start();
	for (int i = 0; i < n; i++)
		work_spawn(spawned);
	peer.run();
	clock_stop("spawn_many", n);
	peer.close();
}

static void yielding(struct job *job)
{
	if (++work_of(job)->rounds <= YIELDS)
		peer.soon(job);
	else
		peer.soon_end(job);
}

static void run_yield(int n)
{
	peer.open(false);
	left = n;
	for (int i = 0; i < n; i++)
		work_spawn(yielding);
	clock_start();
	peer.run();
	clock_stop("yield_many", (long)n * YIELDS);
	peer.close();
}

/* The second one answers the first. */
static void pong(struct job *job)
{
	peer.soon(&work_of(job)->other->job);
	peer.soon_end(job);
}

static void ping(struct job *job)
{
	struct work *work = work_of(job);

	if (work->rounds++) {
		peer.soon_end(job);
		return;
	}
	work_spawn(pong)->other = work;
}

static void run_ping_pong(int n)
{
	peer.open(false);
	left = 2L * n;
	clock_start();
	for (int i = 0; i < n; i++)
		work_spawn(ping);
	peer.run();
	clock_stop("ping_pong", n);
	peer.close();
}

static void chain(struct job *job)
{
	int rounds = work_of(job)->rounds - 1;

	if (rounds) {
		left++;
		work_spawn(chain)->rounds = rounds;
	}
	peer.soon_end(job);
}

static void run_chained(int n)
{
	peer.open(false);
	left = 1;
	clock_start();
	work_spawn(chain)->rounds = n;
	peer.run();
	clock_stop("chained_spawn", n);
	peer.close();
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
