/* SPDX-License-Identifier: MIT */
/*
 * Inside a worker: a world of descriptors, threads and a child, in which
 * operations are carried out. One call of perform() per operation, by the
 * worker's main thread or by the child.
 */
#ifndef EPX_ORACLE_WORLD_H
#define EPX_ORACLE_WORLD_H

#include <signal.h>
#include <sys/epoll.h>

#include "oracle.h"

/* perform() gives this where the operation makes no sense in this world. */
#define SKIPPED		(-4096)

/*
 * After so many ns it counts as an outcome of its own that what must come does
 * not. Long, since the emulated CPU on which the softirq or the work item is
 * to run may itself have to wait for the host.
 */
#define LATE	20000000000LL

/* Memory at the same address in both workers; see world.c for its pages. */
#define ARENA		((char *)0x10000000)
#define ARENA_BUFFER	(ARENA + 0x400)
#define ARENA_EVENT	(ARENA + 0x200)
#define ARENA_EDGE	(ARENA + 0x1000)
#define ARENA_READONLY	(ARENA + 0x2000)
#define KERNEL_ADDRESS	((void *)0xffff888000001000)

/* The program's own signals, and the one that ends a thread's wait. */
#define SIGNAL_MAIN	SIGUSR1
#define SIGNAL_THREAD	SIGUSR2
#define SIGNAL_RELEASE	SIGRTMAX

/* What the handler has seen, in the thread that it ran in. */
extern __thread unsigned int handler_runs;
extern __thread uint64_t handler_mask;

extern int channel[2];

void world_fail(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
/* Moves a descriptor of the machine's own out of the programs' way. */
int move_up(int fd);
/* The result of a libc call, or -errno. */
long long result_of(long long ret);
/* Lets @fd have the number that the program has for it. */
void place(int fd, long long number);
uint64_t current_mask(void);
/* The kernel's mask for MASK_OPEN or MASK_SHUT, of the main thread or another. */
uint64_t mask_of(int mask, bool is_thread);
void set_handlers(int flags);

/* The operation itself, and what it leads to by itself is awaited. */
long long perform(const struct op *op);
long long perform_make(const struct op *op);
long long perform_io(const struct op *op);
long long perform_ctl(const struct op *op);
long long perform_wait(const struct op *op);
long long perform_poll(const struct op *op);
long long perform_fdinfo(const struct op *op);

/* sources.c */
long long perform_source(const struct op *op);
long long perform_post(const struct op *op);
long long perform_take(const struct op *op);
long long perform_payload(const struct op *op);
/* A plain wait has these: it has taken what user events and timers had. */
void sources_delivered(const struct epoll_event *events, int nr);
/* The slot of the source that the data is of, or -1. */
int source_of(uint64_t data);

/* standin.c: files that stand for sources on native epoll */
void standins_init(void);
/* As they were, after a program. */
void standins_reset(void);
/* @slot: of the op's source if that @exists, or one that it would have. */
long long standin_change(const struct op *op, int slot, bool exists);
long long standin_post(int slot, uint64_t value, int count);
/* Takes what it has; false if that is nothing. */
bool standin_read(int slot, uint64_t *what);
/* A queue's value has been taken by a delivery, not by TAKE. */
void standin_taken(int ep, int slot);
bool standin_is_pending(int slot);
uint64_t standin_holds(int slot);
/* The slot of the source that number @tfd stands for, or -1. */
int standin_slot(int tfd);
/* When a timer expires; of SOURCE_* and the clock. */
void source_times(const struct op *op, int64_t *first, int64_t *period,
		  bool *is_absolute);
bool source_expires(const struct op *op);

/* threads.c */
void threads_start(void);
long long threads_park(const struct op *op);
long long threads_raise(const struct op *op);
/* All that were woken are back, or asleep again; logs who is back. */
void threads_settle(void);
void threads_release(void);

/* child.c */
void child_init(void);
long long child_fork(void);
long long child_perform(const struct op *op);
long long child_end(void);

/* settle.c */
int tcp_pair(int pair[2]);
void settle_tcp(enum process by);
/* How much the other end of a pty can read; -1: there is none to be asked. */
long pty_before_write(enum process by, long long fd, long long bytes);
void pty_after_write(enum process by, long long fd, long before,
		     long long written);

#endif /* EPX_ORACLE_WORLD_H */
