/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: futures.
 *
 * A future is memory of the caller's that begins with a struct epx_future. It
 * is polled until it is ready, by a task, by another future that awaits it, or
 * it is dropped. Its result is one number: 0 and above a value, below -errno.
 *
 * Who owns what:
 *
 *  - The caller owns the memory, before, during and after. It must not move
 *    from the first poll on.
 *  - Handing a future to a combinator, an await or a spawn lends it until it
 *    is ready or dropped. Buffers are lent to an operation for as long.
 *  - epx_drop() is synchronous: when it returns, the library has no pointer
 *    into the future, and nothing of it is called any more. It never blocks,
 *    allocates or fails.
 *  - epx_spawn() alone can take a function that frees: it is called once, on
 *    the executor's thread, after the end.
 *
 * A future is polled, awaited and dropped by the thread of its executor
 * (epollx_exec.h) and by no other.
 */
#ifndef EPOLLX_FUTURE_H
#define EPOLLX_FUTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epx_exec;
struct epx_task;
struct epx_future;

/* What a poll function returns. */
#define EPX_PENDING	0
#define EPX_READY	1

/* No limit of time, where nanoseconds or a point in time are asked for. */
#define EPX_NEVER	INT64_MAX

/* Operations that one poll of a task may make before the others' turn. */
#define EPX_BUDGET	128

/**
 * struct epx_cx - the poll of a task, as its futures see it
 * @exec: the executor
 * @task: the task
 * @now: what epx_now() has answered in this poll, or 0
 * @budget: operations left, see epx_budget()
 */
struct epx_cx {
	struct epx_exec *exec;
	struct epx_task *task;
	int64_t now;
	unsigned int budget;
};

/**
 * struct epx_ops - a kind of future
 * @name: for epx_dump()
 * @poll: goes on as far as it can; EPX_READY with the result in @res, or
 *	  EPX_PENDING, when something has been told to wake @cx's task
 * @end: called once, when the future is ready or instead of that; lets go of
 *	 what it waits for. What it awaits has been dropped before. Or NULL
 * @describe: prints what it waits for, a few words, or NULL
 * @inner: the nth of several futures that it waits for, NULL behind the last;
 *	   or NULL where there is @awaiting at most. For epx_dump()
 */
struct epx_ops {
	const char *name;
	int (*poll)(struct epx_future *future, struct epx_cx *cx);
	void (*end)(struct epx_future *future);
	void (*describe)(const struct epx_future *future, FILE *to);
	struct epx_future *(*inner)(const struct epx_future *future,
				    unsigned int n);
};

/**
 * struct epx_site - a place in the program
 * @file: its file
 * @line: its line
 * @what: the expression that is awaited there
 */
struct epx_site {
	const char *file;
	int line;
	const char *what;
};

/**
 * struct epx_future - the head of each future; 40 bytes
 * @ops: its kind
 * @res: its result once it is ready; in a coroutine the last await's
 * @awaiting: what it awaits; dropped with it
 * @site: where it awaits that
 * @pc: where a coroutine goes on
 * @flags: EPX_FUTURE_*
 */
struct epx_future {
	const struct epx_ops *ops;
	int64_t res;
	struct epx_future *awaiting;
	const struct epx_site *site;
	uint32_t pc;
	uint32_t flags;
};

/* Is over: ready or dropped. */
#define EPX_FUTURE_DONE		(1U << 0)

/**
 * epx_init() - make memory a future
 * @future: its head
 * @ops: its kind
 *
 * Return: @future.
 */
static inline struct epx_future *epx_init(struct epx_future *future,
					  const struct epx_ops *ops)
{
	future->ops = ops;
	future->res = 0;
	future->awaiting = NULL;
	future->site = NULL;
	future->pc = 0;
	future->flags = 0;
	return future;
}

/**
 * epx_ready() - the end of a poll function: ready
 * @future: the future
 * @res: its result
 *
 * Return: EPX_READY.
 */
static inline int epx_ready(struct epx_future *future, int64_t res)
{
	future->res = res;
	return EPX_READY;
}

/**
 * epx_poll() - let a future go on
 * @future: the future, initialised
 * @cx: of the poll that this one is part of
 *
 * One that is over is a mistake of the caller's: an assertion fails where they
 * are compiled in, and it is ready with -EINVAL where not.
 *
 * Return: EPX_READY or EPX_PENDING.
 */
int epx_poll(struct epx_future *future, struct epx_cx *cx);

/**
 * epx_drop() - end a future, wherever it is
 * @future: the future, initialised, not in a poll of its own; nothing is done
 *	    with one that is over
 */
void epx_drop(struct epx_future *future);

/**
 * epx_budget() - may one more operation be made in this poll?
 * @cx: the poll
 *
 * Where not, the task is on the run queue already, and the poll function
 * returns EPX_PENDING: others have their turn first. Operations of the library
 * ask by themselves.
 *
 * Return: the answer.
 */
bool epx_budget(struct epx_cx *cx);

/**
 * struct epx_list - an element of a list, or its head
 * @prev: the one before
 * @next: the one behind
 */
struct epx_list {
	struct epx_list *prev;
	struct epx_list *next;
};

/**
 * struct epx_waiter - a task in the list of something that it waits for
 * @prev: the one before, NULL where it is in no list
 * @next: the one behind
 * @task: to be woken
 * @got: it has been given what it waits for
 */
struct epx_waiter {
	struct epx_waiter *prev;
	struct epx_waiter *next;
	struct epx_task *task;
	bool got;
};

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_FUTURE_H */
