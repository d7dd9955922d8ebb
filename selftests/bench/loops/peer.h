/* SPDX-License-Identifier: MIT */
/*
 * A library of callbacks, as its benchmarks use it.
 *
 * A job is something that the loop calls; what follows it in memory is the
 * peer's own. All of it belongs to the thread that opened the loop; wake() alone
 * is called by others.
 */
#ifndef EPX_BENCH_LOOPS_PEER_H
#define EPX_BENCH_LOOPS_PEER_H

#include "driver.h"

#define container(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))

/**
 * struct job - something that a loop calls
 * @fn: the call
 * @ended: the last one, when the peer knows of it no more; or NULL
 */
struct job {
	void (*fn)(struct job *job);
	void (*ended)(struct job *job);
};

/**
 * struct conn - a connection; what follows it is the peer's own
 * @opened: it has been connected; NULL for one that was accepted
 * @came: bytes, or its end, where @n is 0 or below
 * @ended: the last call, when the peer knows of it no more
 */
struct conn {
	void (*opened)(struct conn *conn);
	void (*came)(struct conn *conn, const char *bytes, ssize_t n);
	void (*ended)(struct conn *conn);
};

/**
 * struct peer - a library
 * @timer_size: bytes of its own part of a timer, and so on
 * @open: a loop for this thread; whether others will wake it
 * @close: its end; no job is left in it
 * @run: until stop()
 * @turn: a turn that does not wait
 * @timer_init: a timer, not set
 * @timer_set: calls the job once, after @ns
 * @timer_clear: unless this comes first
 * @timer_end: an idle timer goes
 * @soon_init: a job for soon()
 * @soon: calls the job once, soon, after those that were there before
 * @soon_end: it goes
 * @wake_init: a job for wake()
 * @wake: calls the job on the loop's thread; several may be one call
 * @wake_end: it goes
 * @listen: accepts on @fd, with a conn from @make for each
 * @unlisten: and no more, and closes
 * @connect: to @port of this machine
 * @write: a message; sockets have room for one
 * @shut: closes
 */
struct peer {
	size_t timer_size, soon_size, wake_size, conn_size;
	void (*open)(bool threads);
	void (*close)(void);
	void (*run)(void);
	void (*stop)(void);
	void (*turn)(void);
	void (*timer_init)(struct job *job);
	void (*timer_set)(struct job *job, int64_t ns);
	void (*timer_clear)(struct job *job);
	void (*timer_end)(struct job *job);
	void (*soon_init)(struct job *job);
	void (*soon)(struct job *job);
	void (*soon_end)(struct job *job);
	void (*wake_init)(struct job *job);
	void (*wake)(struct job *job);
	void (*wake_end)(struct job *job);
	void (*listen)(int fd, struct conn *(*make)(void));
	void (*unlisten)(void);
	void (*connect)(struct conn *conn, int port);
	void (*write)(struct conn *conn, const char *bytes, size_t n);
	void (*shut)(struct conn *conn);
};

extern const struct peer peer;

/* Where the peer has nothing to do for an end. */
static inline void job_ended(struct job *job)
{
	if (job->ended)
		job->ended(job);
}

/* threads.c */
void run_async(int n);
void run_pummel(int n);
void run_loop_count(int x);

/* net.c */
void run_echo(int x);
void run_ping_pongs(int x);
void run_pound(int x);

#endif /* EPX_BENCH_LOOPS_PEER_H */
