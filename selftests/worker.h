/* SPDX-License-Identifier: MIT */
/*
 * Threads that do one thing after the other as a test tells them, and run all
 * the while in between: for what an instance knows of a thread from one call to
 * the next.
 */
#ifndef EPX_TEST_WORKER_H
#define EPX_TEST_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include <epollx.h>

enum task {
	TASK_NONE,	/* runs on the spot */
	TASK_WAIT,	/* epx_wait() with the worker's array */
	TASK_ENTER,	/* epx_enter() */
	TASK_YIELD,	/* epx_yield() */
	TASK_READ,	/* blocks until the test writes to @fd */
	TASK_EXIT,	/* the thread ends */
};

/**
 * struct worker - a thread at the test's command
 * @thread: to be joined after TASK_EXIT
 * @tid: the thread
 * @task: what it does at the moment
 * @fd: of the task
 * @max: of a wait
 * @ns: timeout of a wait
 * @enter: argument of epx_enter()
 * @events: what a wait delivers
 * @buffer: where to; @events, unless a test gives another
 * @result: of the last task
 * @switches: context switches when it was seen to sleep
 */
struct worker {
	pthread_t thread;
	atomic_int tid;
	atomic_int task;
	int fd, max;
	long long ns;
	struct epx_enter enter;
	struct epoll_event events[4];
	struct epoll_event *buffer;
	int result;
	long switches;
};

/* An instance with this limit, owned by the test. */
int new_limited(unsigned int concurrency, unsigned int flags);
/* A file that is ready, watched by @ep. */
int add_ready(int ep, uint32_t mode);

/* Starts @n of them. */
void workers_start(struct worker *workers, int n);
/* The next task, begun; what it needs is set. */
void worker_begin(struct worker *worker, enum task task);
/* Until the task is over; its result. */
int worker_end(struct worker *worker);
/* Both, for a wait for one event, and for epx_yield(). */
int worker_wait(struct worker *worker, int ep, long long ns);
int worker_yield(struct worker *worker, int ep);
/* Until it sleeps in its task, which must not end before. */
void worker_await_sleep(struct worker *worker);
/* A wait without a limit, begun and seen to sleep. */
void worker_sleep(struct worker *worker, int ep);
/* Has slept without a break since it was seen to sleep. */
bool worker_sleeps(struct worker *worker);
/* Ends @n of them, whose tasks are over. */
void workers_stop(struct worker *workers, int n);

#endif /* EPX_TEST_WORKER_H */
