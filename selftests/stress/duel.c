// SPDX-License-Identifier: MIT
/*
 * Two threads in lockstep, and the seeded randomness of a race.
 *
 * The caller's thread prepares and checks while the other waits for the next
 * round; between these both run at once, each after a random delay, so that
 * every order of the two gets its turn. The meeting is a spin, since a sleep
 * and a wake-up would always let the same one be first; with one CPU, or a
 * busy machine, the spin yields.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

#include "stress.h"

#define SPINS_BEFORE_YIELD	2000

static _Thread_local uint64_t random_state = 1;

void random_start(unsigned int thread)
{
	random_state = (stress_seed + thread + 1) * 0x9e3779b97f4a7c15ULL;
	if (!random_state)
		random_state = 1;
	for (int i = 0; i < 4; i++)
		random_next();
}

/* xorshift64* */
uint64_t random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL >> 8;
}

void spin(unsigned long turns)
{
	while (turns--)
		__asm__ volatile("" ::: "memory");
}

unsigned long random_turns(void)
{
	unsigned int bits = random_next() % 14;

	return random_next() & ((1UL << bits) - 1);
}

void random_delay(void)
{
	spin(random_turns());
}

void await(atomic_long *value, long least)
{
	unsigned long spins = 0;

	while (atomic_load(value) < least)
		if (++spins > SPINS_BEFORE_YIELD)
			sched_yield();
}

/* The CPUs that there are, before anybody stays on one. */
static cpu_set_t allowed;

__attribute__((constructor)) static void learn_allowed(void)
{
	sched_getaffinity(0, sizeof(allowed), &allowed);
}

void stay_on(int who)
{
	cpu_set_t one;

	if (who < 0)
		sched_setaffinity(0, sizeof(allowed), &allowed);
	for (int cpu = 0, nr = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || nr++ != who)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static void fight(struct duel *duel, int who)
{
	random_delay();
	duel->cpu[who] = sched_getcpu();
	duel->began[who] = now_ns();
	if (who)
		duel->right(duel);
	else
		duel->left(duel);
	duel->ended[who] = now_ns();
	if (!who)
		atomic_store(&duel->left_over, 1);
}

static void *right_main(void *arg)
{
	struct duel *duel = arg;

	random_start(1);
	stay_on(1);
	for (long round = 1; ; round++) {
		await(&duel->start, round);
		if (atomic_load(&duel->over))
			return NULL;
		fight(duel, 1);
		atomic_store(&duel->end, round);
	}
}

void duel_run(struct duel *duel, long rounds)
{
	long batch = duel->batch ? duel->batch : 1;
	pthread_t thread;
	long round;

	random_start(0);
	MUST(pthread_create(&thread, NULL, right_main, duel), 0);
	stay_on(0);
	for (round = 1; race_goes_on((round - 1) * batch, rounds); round++) {
		if (duel->prepare)
			duel->prepare(duel);
		atomic_store(&duel->left_over, 0);
		atomic_store(&duel->start, round);
		fight(duel, 0);
		await(&duel->end, round);
		if (duel->cpu[0] != duel->cpu[1] &&
		    duel->began[0] < duel->ended[1] &&
		    duel->began[1] < duel->ended[0])
			race_hit();
		if (duel->check)
			duel->check(duel);
		race_rounds(batch);
	}
	atomic_store(&duel->over, 1);
	atomic_store(&duel->start, round);
	pthread_join(thread, NULL);
}

void write_right(struct duel *duel)
{
	MUST(eventfd_write(duel->fd[1], 1), 0);
}

int instance_with_residents(int nr, uint64_t data)
{
	int ep = MUST_FD(ep_create1(0));

	while (nr--)
		MUST(ep_ctl(ep, EPOLL_CTL_ADD,
			    MUST_FD(eventfd(1, EFD_NONBLOCK)), EPOLLIN, data),
		     0);
	return ep;
}
