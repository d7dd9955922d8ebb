/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: what programs need around it.
 */
#ifndef EPOLLX_AROUND_H
#define EPOLLX_AROUND_H

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#include <epollx_io.h>

#ifdef __cplusplus
extern "C" {
#endif

/* epx_listen_tcp(): several sockets for one port, a kernel's choice for each. */
#define EPX_LISTEN_REUSEPORT	1U

/**
 * epx_listen_tcp() - a listening socket
 * @address: numeric, IPv4 or IPv6; NULL for all of this machine's, of both
 * @port: its port; 0 for a free one
 * @backlog: of listen(2)
 * @flags: EPX_LISTEN_REUSEPORT or 0
 *
 * Return: a descriptor for epx_io_init(), with SO_REUSEADDR; -EINVAL for no
 * address; -errno.
 */
int epx_listen_tcp(const char *address, uint16_t port, int backlog,
		   unsigned int flags);

/**
 * epx_port() - the port of a socket
 * @fd: the socket
 *
 * Return: the port, or -errno.
 */
int epx_port(int fd);

/**
 * struct epx_signal - signals that tasks wait for
 * @io: a signalfd
 * @info: the last one
 */
struct epx_signal {
	struct epx_io io;
	struct signalfd_siginfo info;
};

/**
 * epx_signal_open() - wait for signals instead of being interrupted
 * @exec: the executor
 * @signal: filled in
 * @mask: which; blocked in this thread from now on. Other threads of the
 *	  process have to block them, too
 *
 * Return: 0; -errno.
 */
int epx_signal_open(struct epx_exec *exec, struct epx_signal *signal,
		    const sigset_t *mask);

/**
 * epx_signal_next() - wait for one of the signals
 * @op: the operation
 * @signal: which ones; @info says who sent it
 *
 * Return: @op's future; its result is the signal's number.
 */
struct epx_future *epx_signal_next(struct epx_op *op,
				   struct epx_signal *signal);

/**
 * epx_signal_close() - no more
 * @signal: the signals, which stay blocked
 *
 * Return: 0; -errno.
 */
int epx_signal_close(struct epx_signal *signal);

/**
 * struct epx_child - a child process that a task waits for
 * @io: a pidfd
 */
struct epx_child {
	struct epx_io io;
};

/**
 * epx_child_open() - a child process, to be waited for
 * @exec: the executor
 * @child: filled in
 * @pid: the child, not waited for by others
 *
 * Return: 0; -ESRCH; -ENOSYS before Linux 5.4; -errno.
 */
int epx_child_open(struct epx_exec *exec, struct epx_child *child, pid_t pid);

/**
 * epx_child_wait() - wait until the child ends
 * @op: the operation
 * @child: the child
 *
 * Return: @op's future; its result is a status as of waitpid(2), for
 * WIFEXITED() and so on; -ECHILD if somebody else has waited for it.
 */
struct epx_future *epx_child_wait(struct epx_op *op, struct epx_child *child);

/**
 * epx_child_close() - wait for it no more; it goes on
 * @child: the child
 *
 * Return: 0; -errno.
 */
int epx_child_close(struct epx_child *child);

struct epx_pool;
struct epx_job;

/**
 * epx_pool_new() - threads for calls that block
 * @pool: set to the pool
 * @threads: how many at most; each starts when there is a call for it
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int epx_pool_new(struct epx_pool **pool, unsigned int threads);

/**
 * epx_pool_free() - wait for the calls that are being made, make no more
 * @pool: the pool; NULL does nothing
 *
 * Calls that have not begun end with -ECANCELED. Futures that wait for a call
 * may outlive the pool; none may be polled first after it.
 */
void epx_pool_free(struct epx_pool *pool);

/**
 * struct epx_blocking - a call on a thread of a pool
 * @future: its result is the call's
 * @pool: the pool
 * @call: what is called there
 * @done: gets @arg when that is over
 * @arg: passed on
 * @job: the call's own memory, while it is under way
 */
struct epx_blocking {
	struct epx_future future;
	struct epx_pool *pool;
	int64_t (*call)(void *arg);
	void (*done)(void *arg);
	void *arg;
	struct epx_job *job;
};

/**
 * epx_blocking() - make a call that blocks on another thread
 * @blocking: the future
 * @pool: whose
 * @call: the call
 * @done: gets @arg when the call is over or is never to be made: here when the
 *	  future is ready, on the pool's thread where it was dropped before.
 *	  NULL: @arg is nobody's or outlives the pool
 * @arg: passed on
 *
 * Dropping the future does not end a call that has begun, and does not wait for
 * it: therefore @arg is not the future's. A call that has not begun by then is
 * not made.
 *
 * Return: @blocking's future; its result is the call's, -ENOMEM, -EAGAIN (no
 * thread can be had), -ECANCELED (the pool has gone).
 */
struct epx_future *epx_blocking(struct epx_blocking *blocking,
				struct epx_pool *pool,
				int64_t (*call)(void *arg),
				void (*done)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_AROUND_H */
