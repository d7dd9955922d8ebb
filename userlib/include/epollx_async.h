/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: an executor of futures on a reactor.
 *
 * Two levels have the prefix epx_. The lower one is a system call or a step of
 * the ring per function, and takes a descriptor: <epollx.h>, <epollx_ring.h>.
 * The upper one is the parts below; its functions take an executor, a future or
 * what belongs to one, and those that wait fill in a struct of the caller's and
 * return its future. A program uses one of the levels, seldom both.
 *
 *	epollx_future.h		what a future is, how to write one, who owns it
 *	epollx_coro.h		coroutines: futures that read like functions
 *	epollx_exec.h		executor, tasks, wakers
 *	epollx_time.h		sleep, interval, timeout
 *	epollx_io.h		operations on descriptors
 *	epollx_combine.h	then, join, select, yield
 *	epollx_sync.h		events, semaphores, oneshots, channels, groups
 *	epollx_around.h		listening, signals, child processes, a pool
 *	epollx_script.h		the scripted backend, for tests
 *
 * What may be called from where:
 *
 *	call			the executor's	another		a signal
 *				thread		thread		handler
 *
 *	epx_wake		yes		yes		yes
 *	epx_call_on		yes		yes		yes
 *	epx_abort		yes		yes		yes
 *	epx_waker_put		yes		yes		no
 *	epx_task_put		yes		yes		no
 *	epx_spawn_on		yes		yes		no
 *	epx_exec_new		-		yes		no
 *	all others		yes		no		no
 *
 * "The executor's thread" is the one that is in one of its calls, or none: an
 * executor may be handed to another thread between two calls. epx_run(),
 * epx_block_on(), epx_run_once() and epx_exec_free() are not called in a poll;
 * all others may be called there.
 *
 * A child of fork(2) must not run an executor of its parent's: that is -ECHILD.
 * It may free it, which leaves the parent's alone.
 */
#ifndef EPOLLX_ASYNC_H
#define EPOLLX_ASYNC_H

#include <epollx_around.h>
#include <epollx_combine.h>
#include <epollx_coro.h>
#include <epollx_exec.h>
#include <epollx_future.h>
#include <epollx_io.h>
#include <epollx_script.h>
#include <epollx_sync.h>
#include <epollx_time.h>

#endif /* EPOLLX_ASYNC_H */
