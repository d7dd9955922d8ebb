/* SPDX-License-Identifier: MIT */
/*
 * The differential machine: random programs of operations, run on native
 * epoll and on epollx, and compared outcome by outcome.
 *
 *   controller (main.c, workers.c)        compare.c, minimise.c, coverage.c
 *     |  one batch of programs, by seed        ^
 *     v                                        | two logs
 *   worker "native"     worker "epollx"        |  (shared memory)
 *     generate.c  both make the same programs from the same seed
 *     execute.c   and carry them out, each in a world of its own:
 *                 the same descriptor numbers, the same data words, in
 *                 lock step: an operation on the left, then on the right
 *
 * An operation names the descriptor numbers it uses *and* those it makes, so
 * that a program means the same when some of its operations are left out:
 * that is what lets a divergence be minimised and replayed.
 *
 * What native epoll has in another form is translated: a source of epollx is a
 * file there, which nobody but the machine knows of (sources.c, standin.c).
 *
 * Nothing is timed. Each worker lives on one CPU, and its waiting threads have
 * a real-time priority there: who is woken has run, and sleeps or is back,
 * before the operation that woke it is over; threads.c looks in /proc that it
 * is so. What arrives by itself (a timer, a pty's work item, TCP's other half)
 * is awaited where it is made (settle.c).
 */
#ifndef EPX_ORACLE_H
#define EPX_ORACLE_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness.h"
#include "model.h"
#include "ops.h"

/* Programs of one batch, and room for their outcomes. */
#define BATCH		24
#define LOG_WORDS	(1 << 20)
/* A program may fill this much; the rest is cut off, on both sides. */
#define LOG_PROGRAM	(LOG_WORDS / BATCH - 64)

/*
 * The log of a program: for each operation a header, the result, and tagged
 * words. A header has the operation's index in bits 32-47, its kind in 24-31,
 * who did it in 20, what the instance's number stood for (enum target) in
 * 16-19, and the number of tagged words in 0-15. A tag is in bits 56-63 of its
 * word.
 */
enum tag {
	TAG_EVENT = 1,	/* an event's mask; its data is the next word */
	TAG_POISON,	/* written to behind the events: where, what */
	TAG_THREAD,	/* a thread is back: its number in 32-39, its result */
	TAG_ASLEEP,	/* a thread sleeps in its wait; how many do, in 32-39 */
	TAG_FDINFO,	/* number in 32-47, mask; the data is the next word */
	TAG_ZOMBIE,	/* as TAG_FDINFO, of a number that is something else */
	TAG_HANDLER,	/* the signal handler has run: mask inside it */
	TAG_MASK,	/* the signal mask afterwards */
	TAG_VALUE,	/* what else the operation showed */
	TAG_GUARDED,	/* a wait without end was given none: nothing ready */
	TAG_SKIPPED,	/* not possible in this world: not done */
	TAG_UNSETTLED,	/* what had to come by itself did not come */
	TAG_SOURCE,	/* in fdinfo: mask; id, data and pending follow */
	TAG_PAYLOAD,	/* kind of source in 32-47, flags; value, count follow */
	TAG_REUSED,	/* added under a number that had another file: it lives? */
};

#define TAG_SHIFT	56
#define LOW_WORD(word)	((uint32_t)(word))
#define TAG_OF(word)	((enum tag)((word) >> TAG_SHIFT))

struct record {
	int op;
	int kind;
	enum process by;
	enum target target;
	int nr;
	long long ret;
	const uint64_t *words;
};

/* Reads the record at *@at and moves on; false at the end of the log. */
bool record_next(const uint64_t **at, const uint64_t *end, struct record *r);

/* What a worker is told to do. */
enum order {
	ORDER_BATCH,	/* programs @first and on of @seed */
	ORDER_GIVEN,	/* @given */
	ORDER_QUIT,
};

/**
 * struct half - what a worker shows
 * @log: outcomes of its programs
 * @end: where the log of each program ends
 * @used: words in @log
 * @limit: where the current program's part of @log ends
 * @header: where the header of the current operation is
 * @ret: the result of a child's operation
 * @program: index of the program that it is at
 * @op: index of the operation that it is at
 * @broken: the worker itself could not go on, and why
 * @model: what its descriptors stand for, shared with its child
 */
struct half {
	uint64_t log[LOG_WORDS];
	uint32_t end[BATCH];
	uint32_t used;
	uint32_t limit;
	uint32_t header;
	long long ret;
	atomic_int program;
	atomic_int op;
	char broken[160];
	struct model model;
};

/**
 * struct shared - the memory between the controller and its workers
 * @order: what to do next
 * @seed: of the programs
 * @first: number of the batch's first program
 * @count: programs of this batch
 * @lock_step: an operation starts when the other side's last has ended
 * @turn: whose it is, with @lock_step
 * @cpu: where both live, with @lock_step; else the first one
 * @given: the program to run, with ORDER_GIVEN
 * @half: by position, not by kind: both may be of one kind
 */
struct shared {
	enum order order;
	uint64_t seed;
	uint64_t first;
	int count;
	bool lock_step;
	int cpu;
	sem_t turn[2];
	struct program given;
	struct half half[2];
};

extern struct shared *shared;

/* In a worker: its own half. */
extern struct half *half;

/* log.c: a worker's side of the log */
void log_begin(int index, const struct op *op, enum target target);
void log_word(uint64_t word);
void log_tag(enum tag tag, uint64_t low);
void log_event(uint32_t events, uint64_t data);
void log_end(long long ret);

/* generate.c: program @number of @seed, always the same */
void generate(struct program *program, uint64_t seed, uint64_t number);

/* workers.c: the two processes */
enum run_outcome {
	RUN_DONE,
	RUN_HUNG,	/* one of them did not end */
	RUN_DIED,	/* one of them ended by itself */
};

void workers_init(const enum side sides[2], unsigned int seconds);
void workers_stop(void);
enum run_outcome workers_run(enum order order);
/* What was wrong with the last run, for people. */
const char *workers_trouble(void);

/* world.c: a worker's life */
__attribute__((noreturn)) void world_main(enum side side, int position,
					  int orders, int replies);

/* minimise.c: makes @program as short as it gets and still diverge */
bool minimise(struct program *program);
/* Runs it up to @tries times; false if both sides agreed each time. */
bool program_diverges(const struct program *program, int tries);

/* report.c */
void print_program(FILE *to, const struct program *program,
		   const char *prefix);
void print_as_test(FILE *to, const struct program *program,
		   const char *prefix);
void print_record(FILE *to, const struct record *r);

#endif /* EPX_ORACLE_H */
