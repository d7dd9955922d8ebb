// SPDX-License-Identifier: MIT
/*
 * wake_latency: from before a write until the thread that waits for it is back
 * in user space. The thread sleeps on the writer's CPU, sleeps on the other
 * one, or asks over and over again.
 *
 * The writer goes on when the other is seen to sleep, or to have asked twice.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define SAMPLES	200

enum mode { SAME, OTHER, SPIN, MODES };

static const char * const mode_names[MODES] = {
	"wake_latency_same", "wake_latency_other", "wake_latency_spin",
};

static const int percents[] = { 50, 99 };

#define PERCENTS	2

struct waiter {
	const struct side *side;
	enum mode mode;
	int fd, tid;
	long long woke;
	atomic_int ready, done, asked;
};

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(!sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

static void wait_for_event(struct waiter *w, struct loop *loop)
{
	int n = 0;

	if (w->mode != SPIN)
		n = side_sleep(w->side, loop);
	while (!n) {
		n = w->side->wait(loop, 0);
		atomic_fetch_add_explicit(&w->asked, 1, memory_order_relaxed);
	}
	must(n == 1, "one event");
}

static void *waiter_main(void *arg)
{
	struct waiter *w = arg;
	struct loop *loop = w->side->open(1);
	uint64_t value;

	pin_to(w->mode == SAME ? 0 : 1);
	w->tid = syscall(SYS_gettid);
	side_change(w->side, loop, EPOLL_CTL_ADD, w->fd, EPOLLIN | EPOLLET, 0);
	for (int i = 1; i <= SAMPLES; i++) {
		atomic_store(&w->ready, i);
		wait_for_event(w, loop);
		w->woke = clock_ns();
		must(read(w->fd, &value, sizeof(value)) == sizeof(value),
		     "read");
		atomic_store(&w->done, i);
	}
	w->side->close(loop);
	return NULL;
}

static void wait_until_waiting(struct waiter *w, int sample)
{
	int asked;

	while (atomic_load(&w->ready) < sample)
		sched_yield();
	if (w->mode != SPIN) {
		wait_until_sleeping(w->tid);
		return;
	}
	asked = atomic_load(&w->asked);
	while (atomic_load(&w->asked) - asked < 2)
		;
}

/* Fills @at with one round's percentiles. */
static void latency_of(const struct side *side, enum mode mode, double *at)
{
	struct waiter w = { .side = side, .mode = mode };
	double took[SAMPLES];
	struct files files;
	pthread_t thread;

	files_open(&files, 1, false);
	w.fd = files.read[0];
	must(!pthread_create(&thread, NULL, waiter_main, &w), "a thread");
	for (int i = 1; i <= SAMPLES; i++) {
		long long start;

		wait_until_waiting(&w, i);
		start = clock_ns();
		must(write(w.fd, &(uint64_t){ 1 }, 8) == 8, "write");
		while (atomic_load(&w.done) < i)
			sched_yield();
		took[i - 1] = w.woke - start - clock_overhead();
	}
	pthread_join(thread, NULL);
	files_close(&files);
	median(took, SAMPLES);
	for (int p = 0; p < PERCENTS; p++)
		at[p] = took[SAMPLES * percents[p] / 100 - 1];
}

/* Of one CPU, to the digit: the sleeping thread's way back costs both. */
static void latency_cost(void)
{
	for (const struct side * const *s = sides; *s; s++) {
		double at[PERCENTS];

		if (!side_has(*s, 1, 1))
			continue;
		latency_of(*s, SAME, at);
		for (int p = 0; p < PERCENTS; p++)
			figure("cost", mode_names[SAME], percents[p],
			       (*s)->name, at[p], "instructions");
	}
}

struct latency {
	const struct side *order[SIDES_MOST];
	enum mode mode;
};

static void latency_round(int side, double *at, void *arg)
{
	const struct latency *latency = arg;

	latency_of(latency->order[side], latency->mode, at);
}

static void latency_time(enum mode mode)
{
	int rounds = (options.rounds + 1) / 2, count = 0;
	struct latency latency = { .mode = mode };
	double *ratios;

	for (const struct side * const *s = sides; *s; s++)
		if (side_has(*s, 1, 1))
			latency.order[count++] = *s;
	ratios = ratios_of_rounds(count, PERCENTS, rounds, latency_round,
				  &latency);
	for (int i = PERCENTS; i < count * PERCENTS; i++)
		figure_spread("time", mode_names[mode], percents[i % PERCENTS],
			      latency.order[i / PERCENTS]->name,
			      ratios + i * rounds, rounds, "of native's time");
	free(ratios);
}

void measure_latency(bool exact)
{
	pin_to(0);
	if (exact) {
		latency_cost();
		return;
	}
	for (int mode = 0; mode < MODES; mode++)
		if (mode == SAME || sysconf(_SC_NPROCESSORS_ONLN) > 1)
			latency_time(mode);
}
