/* SPDX-License-Identifier: MIT */
/*
 * Between loops.c, which has the programs of loops/ run, and trials.c, which
 * measures them.
 */
#ifndef EPX_BENCH_LOOPS_H
#define EPX_BENCH_LOOPS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define FIGURES_MOST	4	/* that a benchmark has */
#define LOOPERS		9

/*
 * Who: @program of loops/; @backend is libepollx's. Of those only the first one
 * that is there takes part where the kernel has none.
 */
struct looper {
	const char *name, *program, *backend, *form;
};

/* libuv first. */
extern const struct looper loopers[LOOPERS];

/** struct driver - a program of loops/ that runs */
struct driver {
	const struct looper *looper;
	pid_t pid;
	FILE *ask, *answer;
	int counter;		/* of its system calls, or -1 */
};

/** struct answer - a line of a driver's */
struct answer {
	char name[64];
	double value;
	long operations;
};

/* Does it take part? @in_kernel: in what the backend matters for. */
bool looper_is_wanted(const struct looper *looper, bool in_kernel);

/* @calls: with a count of its system calls. */
struct driver driver_start(const struct looper *looper, bool calls);
void driver_stop(struct driver *driver);
/* Returns how many @answers it gave: none where it has no such benchmark. */
int driver_ask(struct driver *driver, const char *name, int x,
	       struct answer *answers);

#endif /* EPX_BENCH_LOOPS_H */
