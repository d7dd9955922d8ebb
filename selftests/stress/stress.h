/* SPDX-License-Identifier: MIT */
/*
 * Races: bounded stress with an invariant as its oracle.
 *
 * A race is a function that runs rounds until it has had as many as it was
 * asked for; a broken invariant ends it with race_fail(). The driver (stress.c)
 * runs each in a child, sees to it that rounds go on, and that everything that
 * the module counts comes back to where it began.
 *
 * A race's window says what must have happened, or nothing was shown: the
 * module's counters that must have moved, and "met" where the race says
 * itself how often its two sides were at it at the same time (race_hit()).
 * Only what cannot move unless they were belongs there, or has "met" beside
 * it: what a round counts in any order of the two is no window.
 */
#ifndef EPX_STRESS_H
#define EPX_STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "helpers.h"

/**
 * struct shared - what a race's child tells the driver, in shared memory
 * @round: rounds done; must move, or the race hangs
 * @hits: how often the race itself saw its window hit
 * @failed: an invariant is broken
 * @skipped: the kernel has not what the race needs
 * @deadline: no round begins after it (now_ns()); 0: no limit
 * @text: why
 */
struct shared {
	atomic_long round;
	atomic_long hits;
	atomic_int failed;
	atomic_int skipped;
	long long deadline;
	char text[256];
};

/**
 * struct race - one race
 * @name: who runs beside whom
 * @window: what must move, separated by spaces: counters, and "met", which is
 *	    @hits of struct shared. The window was hit as often as the least
 * @run: does this many rounds
 * @files: the number of the system's open files must come back too
 * @next: in the order of definition
 */
struct race {
	const char *name;
	const char *window;
	void (*run)(long rounds);
	bool files;
	struct race *next;
};

void race_register(struct race *race);

extern struct shared *shared;

/* window.c: the module's counters, and what they say of a window */
#define COUNTERS	32

struct counters {
	int nr;
	char name[COUNTERS][32];
	long value[COUNTERS];
};

void counters_read(struct counters *counters);
/* The least of the window's terms; @terms: all of them, for a reader. */
long window_hits(const char *window, const struct counters *before,
		 const struct counters *after, char *terms, unsigned long size);

#define RACE_FULL(id, counters, count_files)				\
	static void run_##id(long rounds);				\
	static struct race race_##id = {				\
		.name = #id, .window = counters, .run = run_##id,	\
		.files = count_files,					\
	};								\
	__attribute__((constructor)) static void register_##id(void)	\
	{								\
		race_register(&race_##id);				\
	}								\
	static void run_##id(long rounds)

#define RACE(id, counters)	RACE_FULL(id, counters, false)

/* In a race's child; any thread or descendant may call these. */
void race_fail(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
void race_skip(const char *why) __attribute__((noreturn));
void race_hit(void);
void race_rounds(long nr);
/* After @done of @rounds: goes it on? Not when the short rounds are cut. */
bool race_goes_on(long done, long rounds);

/* Ends the race where @expr is not @want. */
#define MUST(expr, want) ({						\
	long must_got = (long)(expr), must_want = (long)(want);		\
	if (must_got != must_want)					\
		race_fail("%s:%d: %s is %ld, not %ld", __FILE__, __LINE__, \
			  #expr, must_got, must_want);			\
	must_got; })

/* A file descriptor or ends the race. */
#define MUST_FD(expr) ({						\
	int must_fd = (expr);						\
	if (must_fd < 0)						\
		race_fail("%s:%d: %s is %d", __FILE__, __LINE__, #expr,	\
			  must_fd);					\
	must_fd; })

extern uint64_t stress_seed;

/* Seeded, one sequence for each thread. */
uint64_t random_next(void);
void random_start(unsigned int thread);
void spin(unsigned long turns);
/* Spins for a random time, short ones more often; widens windows. */
void random_delay(void);
unsigned long random_turns(void);
/* Waits until @value is at least @least; yields where it takes long. */
void await(atomic_long *value, long least);
/*
 * On a CPU of its own: on one CPU the two would take turns and never meet.
 * Negative: on any again.
 */
void stay_on(int who);

/**
 * struct duel - two threads that do one thing each at the same time
 * @prepare: before each round, alone; or none
 * @left: in the calling thread
 * @right: in the other one
 * @check: after each round, alone; or none
 * @batch: rounds that this is, where they do the same thing that often; 0: one
 * @left_over: the left one has done what it does in this round; for a right one
 *	       that goes on until then
 * @fd: scratch for them
 * @value: scratch for them
 *
 * The times that both were at it at the same time, and on two CPUs, are counted
 * as hits.
 */
struct duel {
	void (*prepare)(struct duel *duel);
	void (*left)(struct duel *duel);
	void (*right)(struct duel *duel);
	void (*check)(struct duel *duel);
	long batch;
	atomic_int left_over;
	int fd[32];
	long value[8];

	/* duel.c's own */
	atomic_long start, end;
	atomic_int over;
	uint64_t began[2], ended[2];
	int cpu[2];
};

void duel_run(struct duel *duel, long rounds);

/* For a duel's side: writes to the eventfd fd[1]. */
void write_right(struct duel *duel);

/*
 * An instance with @nr watches of files that are ready all the while, with
 * @data, so that a scan takes its time.
 */
int instance_with_residents(int nr, uint64_t data);

/* balance.c: what must come back to where it began */
#define CACHES	8

struct balance {
	int caches;
	char name[CACHES][32];
	long objects[CACHES];
	long watches;
	long files;
};

void balance_take(struct balance *balance, bool files);
/* False, and why, if the counts did not come back in time. */
bool balance_returns(const struct balance *before, bool files, char *why,
		     unsigned long size);

#endif /* EPX_STRESS_H */
