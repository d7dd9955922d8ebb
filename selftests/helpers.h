/* SPDX-License-Identifier: MIT */
/*
 * epoll's calls on the side under test, and sleepers that are seen to sleep.
 *
 * All calls return what the kernel returned, or -errno. On the native side
 * they are raw system calls, so that a bad argument reaches the kernel; on
 * epollx they are libepollx's thin wrappers with the exact forms; on the
 * preload side they are the preload library's functions.
 */
#ifndef EPX_TEST_HELPERS_H
#define EPX_TEST_HELPERS_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <time.h>

#include "harness.h"

/* Size of the kernel's signal mask; libc's sigset_t is larger. */
#define KERNEL_SIGSET_SIZE	8

int ep_create(int size);
int ep_create1(int flags);
int ep_ctl(int ep, int op, int fd, uint32_t events, uint64_t data);
int ep_ctl_raw(int ep, int op, int fd, struct epoll_event *event);
int ep_wait(int ep, struct epoll_event *events, int max, int ms);
int ep_pwait(int ep, struct epoll_event *events, int max, int ms,
	     const sigset_t *mask, size_t sigsetsize);
int ep_pwait2(int ep, struct epoll_event *events, int max,
	      const struct timespec *timeout, const sigset_t *mask,
	      size_t sigsetsize);

/* A file of the source tree that this program was built in. */
void source_path(char *path, size_t size, const char *file);

long long now_ns(void);
int count_fds(void);
long counter(const char *name);
/* To a file that is a setting, in one write: 0 or -errno. */
int write_setting(const char *path, const char *text);

/*
 * Between two looks at what others do: leaves the CPU for a moment, since where
 * two virtual machines share the host's, a look after the other keeps from
 * running who is waited for.
 */
void before_next_look(void);

/* Return once thread @tid of process @pid sleeps in a system call. */
void wait_until_sleeping_in(pid_t pid, pid_t tid);
void wait_until_sleeping(pid_t tid);
/* Of a thread that is about to say its id. */
void wait_until_thread_sleeps(atomic_int *tid);

/**
 * struct sleeper - a thread blocked in ep_wait()
 * @ep: the instance
 * @max: maxevents
 * @ms: timeout
 * @events: what was delivered
 * @result: what ep_wait() returned, after sleeper_join()
 * @tid: the thread
 * @thread: to be joined
 */
struct sleeper {
	int ep;
	int max;
	int ms;
	struct epoll_event events[16];
	int result;
	atomic_int tid;
	pthread_t thread;
};

/* Starts it and returns once it is seen to sleep. */
void sleeper_start(struct sleeper *sleeper, int ep, int max, int ms);
int sleeper_join(struct sleeper *sleeper);

#endif /* EPX_TEST_HELPERS_H */
