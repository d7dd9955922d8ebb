/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: the scripted backend, for tests that come out the
 * same every time.
 *
 * Its clock is its own: it begins at EPX_SCRIPT_BEGIN and goes on only where
 * the executor would sleep, at once to the next timer or entry of the script. A
 * program that sleeps for an hour takes no time. Descriptors are real ones:
 * when it is asked for events it asks poll(2), without waiting, for those that
 * an operation waits for, in the order in which they were registered; with a
 * seed, in one that is drawn. Only where there is no timer and no entry left
 * does it wait in earnest, for descriptors and other threads.
 *
 * The script says what happens when, and which calls fail. All of it is called
 * on the executor's thread, and returns -ENODEV on another backend.
 */
#ifndef EPOLLX_SCRIPT_H
#define EPOLLX_SCRIPT_H

#include <epollx_time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* When time begins. */
#define EPX_SCRIPT_BEGIN	EPX_SEC

/**
 * struct epx_script - an entry: something happens
 * @at: when
 * @fn: what, not in a task
 * @next: the library's, until then
 */
struct epx_script {
	int64_t at;
	void (*fn)(struct epx_script *entry);
	struct epx_script *next;
};

/**
 * epx_script_at() - have something happen
 * @exec: the executor
 * @entry: @at and @fn are set
 *
 * Those of one time happen in the order of the calls, before the timers of that
 * time.
 *
 * Return: 0, or -ENODEV.
 */
int epx_script_at(struct epx_exec *exec, struct epx_script *entry);

/* What can be made to fail. */
enum epx_script_call {
	EPX_SCRIPT_ADD,		/* the registration of a descriptor */
	EPX_SCRIPT_WAIT,	/* a turn */
	EPX_SCRIPT_CALLS
};

/**
 * epx_script_fail() - have a call fail, once
 * @exec: the executor
 * @call: which kind
 * @after: how many of them succeed before
 * @err: -errno
 *
 * Return: 0, or -ENODEV.
 */
int epx_script_fail(struct epx_exec *exec, enum epx_script_call call,
		    unsigned int after, int err);

/**
 * epx_script_event() - report an event in the next turn
 * @exec: the executor
 * @token: of whom; see core/reactor.h
 * @events: EPOLL* bits
 *
 * Return: 0; -ENODEV; -ENOSPC if one is pending.
 */
int epx_script_event(struct epx_exec *exec, uint64_t token, uint32_t events);

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_SCRIPT_H */
