/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: the executor, its tasks, and wakers.
 *
 * An executor and all that belongs to it is used by one thread, whichever. What
 * another thread may call is said here with "from any thread", and in the table
 * in epollx_async.h.
 */
#ifndef EPOLLX_EXEC_H
#define EPOLLX_EXEC_H

#include <epollx_future.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct epx_options - properties of an executor
 * @backend: "ring", "ioctl", "epoll" or "scripted"; NULL for the best that
 *	     there is. EPOLLX_BACKEND in the environment overrides it
 * @items: watches that a ring begins with; 0 for the default
 * @seed: not 0: the run queue is no queue, but the next task is drawn; the
 *	  same seed draws the same ones
 */
struct epx_options {
	const char *backend;
	unsigned int items;
	uint64_t seed;
};

/**
 * epx_exec_new() - a new executor
 * @exec: set to the executor
 * @options: properties, or NULL
 *
 * Return: 0; -EINVAL for a backend that nobody knows, -ENODEV for one that is
 * asked for and absent (said on stderr if it was EPOLLX_BACKEND that asked);
 * -EMFILE, -ENFILE, -ENOMEM.
 */
int epx_exec_new(struct epx_exec **exec, const struct epx_options *options);

/**
 * epx_exec_free() - drop all tasks, then the executor
 * @exec: the executor, not running; NULL does nothing
 *
 * Tasks end with -ECANCELED, the newest first: what a task has made for its
 * children is there when they end. Nothing runs meanwhile. Open struct epx_io
 * become plain descriptors, which can still be closed, or opened for another
 * executor. Timers and waits outside of tasks must be over.
 */
void epx_exec_free(struct epx_exec *exec);

/**
 * epx_block_on() - run a future and all tasks until the future is ready
 * @exec: the executor
 * @future: the future
 *
 * Return: its result; -EBUSY in a task and in epx_exec_free(); -ENOMEM; -ECHILD
 * in a child of fork(2), which has to free the executor and make its own; what
 * the backend's wait says if that fails, with the future dropped.
 */
int64_t epx_block_on(struct epx_exec *exec, struct epx_future *future);

/**
 * epx_run() - run until there is no task left
 * @exec: the executor
 *
 * Those of epx_spawn_on() and calls of epx_call_on() that are on their way are
 * waited for.
 *
 * Return: 0, or as epx_block_on().
 */
int epx_run(struct epx_exec *exec);

/**
 * epx_run_once() - one turn: events, timers, a part of the run queue
 * @exec: the executor
 * @timeout: nanoseconds that it may sleep if there is nothing to do, or
 *	     EPX_NEVER
 *
 * Return: number of tasks polled, or -errno as epx_block_on().
 */
int epx_run_once(struct epx_exec *exec, int64_t timeout);

/**
 * epx_fd() - an executor inside of another event loop
 * @exec: the executor
 *
 * The loop calls epx_run_once(exec, 0) when the descriptor is readable or the
 * time of epx_next() is over. From this call on, other threads' wakes make the
 * descriptor readable while no turn runs. A loop that watches open files rather
 * than numbers, as epoll does, asks for @items enough of struct epx_options: a
 * ring that grows is another file of the same number.
 *
 * Return: the descriptor, which remains the executor's; -ENODEV (scripted).
 */
int epx_fd(struct epx_exec *exec);

/**
 * epx_next() - when epx_run_once() has to be called
 * @exec: the executor
 *
 * Return: nanoseconds from now, 0 for at once, EPX_NEVER.
 */
int64_t epx_next(struct epx_exec *exec);

/**
 * epx_spawn() - a task
 * @exec: the executor
 * @future: what it runs
 * @free: gets @future when the task is over, or NULL
 * @task: set to the task, for the caller to epx_task_put(), or NULL
 *
 * First polled in its turn, not in this call. Where this fails @future has not
 * been touched and @free is not called. The memory of tasks that are over is
 * kept for the next ones, until the executor is freed.
 *
 * Return: 0; -ENOMEM; -ECANCELED while the executor is being freed.
 */
int epx_spawn(struct epx_exec *exec, struct epx_future *future,
	      void (*free)(struct epx_future *), struct epx_task **task);

/**
 * epx_spawn_on() - epx_spawn() on another thread's executor
 * @exec: the executor, which the caller keeps from being freed
 * @future: what it runs; belongs to that thread from now on
 * @free: called on that thread; or NULL
 * @task: set to the task, or NULL
 *
 * Return: 0; -ENOMEM.
 */
int epx_spawn_on(struct epx_exec *exec, struct epx_future *future,
		 void (*free)(struct epx_future *), struct epx_task **task);

/**
 * epx_abort() - have a task's future dropped
 * @task: the task; one that is over is left alone
 *
 * The task ends with -ECANCELED in its turn, soon. From any thread.
 */
void epx_abort(struct epx_task *task);

/**
 * epx_task_put() - give a reference back
 * @task: from epx_spawn(); goes on running. From any thread
 */
void epx_task_put(struct epx_task *task);

/**
 * epx_waker_get() - a reference by which others wake this task
 * @cx: the poll of the task
 *
 * Return: the waker; never fails.
 */
struct epx_task *epx_waker_get(struct epx_cx *cx);

/**
 * epx_wake() - have a task polled
 * @waker: from epx_waker_get()
 *
 * From any thread and from signal handlers; keeps errno. A wake while the task
 * is being polled has it polled once more. A system call is made only if the
 * executor sleeps. Nothing happens where the task is over, even if its
 * executor has gone.
 */
void epx_wake(struct epx_task *waker);

/**
 * epx_waker_put() - give a waker back
 * @waker: from epx_waker_get(). From any thread, not from signal handlers
 */
void epx_waker_put(struct epx_task *waker);

/**
 * struct epx_call - a call to be made on an executor's thread
 * @fn: the function; may use the memory of @post again
 * @next: the library's, from epx_call_on() to the call
 */
struct epx_call {
	void (*fn)(struct epx_call *post);
	struct epx_call *next;
};

/**
 * epx_call_on() - have a function called on an executor's thread
 * @exec: the executor, which the caller keeps from being freed
 * @post: what to call; in nobody's hands yet
 *
 * From any thread and from signal handlers. Calls are made in the order of
 * posts, between two polls; those that are left when the executor is freed are
 * made then.
 */
void epx_call_on(struct epx_exec *exec, struct epx_call *post);

/**
 * struct epx_join_task - waits for the end of a task
 * @future: its result is the task's
 * @task: the task
 * @waiter: in the task's list
 */
struct epx_join_task {
	struct epx_future future;
	struct epx_task *task;
	struct epx_waiter waiter;
};

/**
 * epx_join_task() - wait for the end of a task
 * @join: the future
 * @task: the task, referenced by the caller until @join is over; of the same
 *	  executor
 *
 * Return: @join's future; its result is the task's. Dropping it leaves the
 * task alone.
 */
struct epx_future *epx_join_task(struct epx_join_task *join,
				 struct epx_task *task);

/**
 * struct epx_metrics - what an executor has done so far
 * @backend: its name
 * @tasks: that there are now
 * @timers: that are set now
 * @watches: registered descriptors now
 * @polls: of tasks
 * @turns: of the reactor
 * @sleeps: turns that were allowed to wait
 * @events: that the kernel reported
 * @stale: of these, for a descriptor that had been closed
 * @posts: wakes and calls from other threads
 * @unparks: sleeps that they ended by a system call
 */
struct epx_metrics {
	const char *backend;
	uint64_t tasks;
	uint64_t timers;
	uint64_t watches;
	uint64_t polls;
	uint64_t turns;
	uint64_t sleeps;
	uint64_t events;
	uint64_t stale;
	uint64_t posts;
	uint64_t unparks;
};

/**
 * epx_metrics() - what an executor has done so far
 * @exec: the executor
 * @metrics: filled in
 */
void epx_metrics(struct epx_exec *exec, struct epx_metrics *metrics);

/**
 * epx_dump() - print each task and what it awaits, down to the leaf
 * @exec: the executor
 * @to: where to
 */
void epx_dump(struct epx_exec *exec, FILE *to);

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_EXEC_H */
