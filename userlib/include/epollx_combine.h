/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: futures made of futures.
 *
 * A future that is handed to one of these is lent to it: dropped with it, and
 * not to be polled by others. None of them allocates.
 */
#ifndef EPOLLX_COMBINE_H
#define EPOLLX_COMBINE_H

#include <epollx_future.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct epx_yield_now - lets the others have a turn
 * @future: its result is 0
 * @seen: has been polled once
 */
struct epx_yield_now {
	struct epx_future future;
	bool seen;
};

/**
 * epx_yield_now() - let all tasks that can go on have a turn
 * @yield: the future
 *
 * Return: @yield's future; its result is 0.
 */
struct epx_future *epx_yield_now(struct epx_yield_now *yield);

/**
 * struct epx_then - a call with the result of a future
 * @future: its result is what the call returns
 * @inner: whose result
 * @map: of epx_then()
 * @chain: of epx_and_then()
 * @arg: passed on
 * @has_chained: @inner is @chain's
 */
struct epx_then {
	struct epx_future future;
	struct epx_future *inner;
	int64_t (*map)(void *arg, int64_t res);
	struct epx_future *(*chain)(void *arg, int64_t res);
	void *arg;
	bool has_chained;
};

/**
 * epx_then() - make something else of a result, good or bad
 * @then: the future
 * @inner: whose result
 * @map: called once, in a poll, never in here; not if @then is dropped before
 * @arg: passed on
 *
 * Return: @then's future; its result is @map's.
 */
struct epx_future *epx_then(struct epx_then *then, struct epx_future *inner,
			    int64_t (*map)(void *arg, int64_t res), void *arg);

/**
 * epx_and_then() - go on with another future, unless the first one fails
 * @then: the future
 * @inner: the first one
 * @chain: called once, in a poll, with a result that is not below 0; returns
 *	   the future to go on with, or NULL for the result 0
 * @arg: passed on
 *
 * Return: @then's future; its result is that of the second one, or the first
 * one's error.
 */
struct epx_future *epx_and_then(struct epx_then *then, struct epx_future *inner,
				struct epx_future *(*chain)(void *, int64_t),
				void *arg);

/**
 * struct epx_set - several futures
 * @future: its result: see epx_join(), epx_select()
 * @members: the futures
 * @count: their number
 * @left: of these, not over
 */
struct epx_set {
	struct epx_future future;
	struct epx_future **members;
	unsigned int count;
	unsigned int left;
};

/**
 * epx_join() - wait for all of several futures
 * @set: the future
 * @members: the futures; NULLs are skipped, and so is what is over
 * @count: their number
 *
 * Return: @set's future; its result is 0, or the error of the first one in the
 * array that has one. Each member has its own in its res.
 */
struct epx_future *epx_join(struct epx_set *set, struct epx_future **members,
			    unsigned int count);

/**
 * epx_select() - wait for one of several futures
 * @set: the future
 * @members: the futures, the most urgent first; NULLs are skipped
 * @count: their number
 *
 * When one is ready the others are dropped. Only that one has gone on to its
 * end: what is cancel-safe loses nothing.
 *
 * Return: @set's future; its result is the number of the one that is ready,
 * which has its own result in its res; -EINVAL where there is no member.
 */
struct epx_future *epx_select(struct epx_set *set, struct epx_future **members,
			      unsigned int count);

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_COMBINE_H */
