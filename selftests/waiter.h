/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for an instance, and what can be said about them without
 * a guess: that one sleeps, that nobody has woken it since, that it is back.
 *
 * A waiter counts as asleep when /proc says that it is off the CPU in a
 * system call (the kernel looks twice, so a thread that is just about to
 * sleep does not count) and in a state of sleep. Waking is done by whoever writes to a file, before
 * write(2) returns; so a waiter that is asleep after it, with as many context
 * switches as before, has not been woken by it.
 */
#ifndef EPX_TEST_WAITER_H
#define EPX_TEST_WAITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include <epollx.h>

#define WAITER_EVENTS	16

enum waiter_kind {
	WAITER_EPOLL,	/* ep_wait() */
	WAITER_POLL,	/* poll(2) for POLLIN on the instance */
	WAITER_ENTER,	/* epx_enter() */
};

/**
 * struct waiter - a thread in one wait
 * @kind: which call
 * @fd: what it waits for
 * @max: maxevents of ep_wait()
 * @timeout: milliseconds
 * @events: what ep_wait() delivers, poisoned before
 * @buffer: where it delivers to; @events, unless a test gives another
 * @enter: the argument of epx_enter(), with @buffer in it
 * @result: what the call returned, once @returned is set
 * @took_ns: how long it took
 * @order: how many other waiters had returned before this one
 * @tid: the thread, set right before the call
 * @returned: the call is over
 * @switches: context switches when it was last seen asleep
 * @thread: to be joined
 */
struct waiter {
	enum waiter_kind kind;
	int fd;
	int max;
	int timeout;
	struct epoll_event events[WAITER_EVENTS];
	struct epoll_event *buffer;
	struct epx_enter enter;
	int result;
	long long took_ns;
	int order;
	atomic_int tid;
	atomic_bool returned;
	long switches;
	pthread_t thread;
};

/* Starts it and returns once it sleeps. Fails the test if it comes back. */
void waiter_sleep(struct waiter *w, enum waiter_kind kind, int fd, int max,
		  int timeout);
/* Starts it, no more. */
void waiter_start(struct waiter *w, enum waiter_kind kind, int fd, int max,
		  int timeout);
/* In epx_enter(): starts it, and returns once it sleeps. */
void waiter_sleep_in(struct waiter *w, int fd, const struct epx_enter *enter);
/* Waits until it sleeps; false if it has returned instead. */
bool waiter_await_sleep(struct waiter *w);
/* Has slept without a break since it was last seen asleep. */
bool waiter_is_undisturbed(struct waiter *w);
bool waiter_has_returned(struct waiter *w);
/* Waits for its end; returns what its call returned. */
int waiter_join(struct waiter *w);
/* Waits until one of @n has returned; its index. */
int waiter_await_any(struct waiter *w, int n);
/* Of @n waiters, how many have returned by now. */
int waiter_count_returned(struct waiter *w, int n);
/* Waits until each of @n has returned or sleeps; how many have returned. */
int waiter_await_settled(struct waiter *w, int n);

/* A thread of this process is off the CPU in a system call. */
bool thread_is_asleep(pid_t tid);
/* How often it has left the CPU to sleep. */
long thread_switches(pid_t tid);

#endif /* EPX_TEST_WAITER_H */
