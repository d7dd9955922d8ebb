// SPDX-License-Identifier: MIT
/*
 * Futures made of futures: yield, then, join, select.
 *
 * A wake wakes the task, and the set asks all of its members again: it is meant
 * for a handful. Many belong into a group, where each has a task of its own.
 */
#include <errno.h>

#include "core/exec.h"
#include "epollx_combine.h"

static int yield_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_yield_now *yield = (struct epx_yield_now *)future;

	if (yield->seen)
		return epx_ready(future, 0);
	yield->seen = true;
	epx_task_wake(cx->task);
	return EPX_PENDING;
}

static const struct epx_ops yield_ops = {
	.name = "yield",
	.poll = yield_poll,
};

struct epx_future *epx_yield_now(struct epx_yield_now *yield)
{
	yield->seen = false;
	return epx_init(&yield->future, &yield_ops);
}

/* The first future was ready: the one to go on with, or NULL at the end. */
static struct epx_future *then_next(struct epx_then *then, int64_t res)
{
	if (then->map) {
		then->future.res = then->map(then->arg, res);
		return NULL;
	}
	then->future.res = res;
	if (res < 0 || then->has_chained)
		return NULL;
	then->has_chained = true;
	then->future.res = 0;
	return then->chain(then->arg, res);
}

static int then_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_then *then = (struct epx_then *)future;

	do {
		future->awaiting = then->inner;
		if (epx_poll(then->inner, cx) == EPX_PENDING)
			return EPX_PENDING;
		future->awaiting = NULL;
		then->inner = then_next(then, then->inner->res);
	} while (then->inner);
	return EPX_READY;
}

static void then_end(struct epx_future *future)
{
	struct epx_then *then = (struct epx_then *)future;

	/* Not polled yet, and dropped. */
	if (then->inner)
		epx_drop(then->inner);
}

static const struct epx_ops then_ops = {
	.name = "then",
	.poll = then_poll,
	.end = then_end,
};

static struct epx_future *then_init(struct epx_then *then,
				    struct epx_future *inner, void *arg)
{
	then->inner = inner;
	then->map = NULL;
	then->chain = NULL;
	then->arg = arg;
	then->has_chained = false;
	return epx_init(&then->future, &then_ops);
}

struct epx_future *epx_then(struct epx_then *then, struct epx_future *inner,
			    int64_t (*map)(void *arg, int64_t res), void *arg)
{
	struct epx_future *future = then_init(then, inner, arg);

	then->map = map;
	return future;
}

struct epx_future *epx_and_then(struct epx_then *then, struct epx_future *inner,
				struct epx_future *(*chain)(void *, int64_t),
				void *arg)
{
	struct epx_future *future = then_init(then, inner, arg);

	then->chain = chain;
	return future;
}

static bool is_over(const struct epx_future *future)
{
	return future->flags & EPX_FUTURE_DONE;
}

static void set_end(struct epx_future *future)
{
	struct epx_set *set = (struct epx_set *)future;
	unsigned int i;

	for (i = 0; i < set->count; i++) {
		if (set->members[i])
			epx_drop(set->members[i]);
	}
}

static struct epx_future *set_inner(const struct epx_future *future,
				    unsigned int n)
{
	const struct epx_set *set = (const struct epx_set *)future;
	unsigned int i;

	for (i = 0; i < set->count; i++) {
		if (set->members[i] && !n--)
			return set->members[i];
	}
	return NULL;
}

static int join_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_set *set = (struct epx_set *)future;
	struct epx_future *member;
	unsigned int i;

	set->left = 0;
	for (i = 0; i < set->count; i++) {
		member = set->members[i];
		if (member && !is_over(member) && !epx_poll(member, cx))
			set->left++;
	}
	if (set->left)
		return EPX_PENDING;
	for (i = 0; i < set->count; i++) {
		if (set->members[i] && set->members[i]->res < 0)
			return epx_ready(future, set->members[i]->res);
	}
	return epx_ready(future, 0);
}

static int select_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_set *set = (struct epx_set *)future;
	unsigned int i;

	if (!set->left)
		return epx_ready(future, -EINVAL);
	for (i = 0; i < set->count; i++) {
		if (set->members[i] && epx_poll(set->members[i], cx))
			return epx_ready(future, i);
	}
	return EPX_PENDING;
}

static const struct epx_ops join_ops = {
	.name = "join",
	.poll = join_poll,
	.end = set_end,
	.inner = set_inner,
};

static const struct epx_ops select_ops = {
	.name = "select",
	.poll = select_poll,
	.end = set_end,
	.inner = set_inner,
};

static struct epx_future *set_init(struct epx_set *set,
				   const struct epx_ops *ops,
				   struct epx_future **members,
				   unsigned int count)
{
	unsigned int i;

	set->members = members;
	set->count = count;
	set->left = 0;
	for (i = 0; i < count; i++)
		set->left += !!members[i];
	return epx_init(&set->future, ops);
}

struct epx_future *epx_join(struct epx_set *set, struct epx_future **members,
			    unsigned int count)
{
	return set_init(set, &join_ops, members, count);
}

struct epx_future *epx_select(struct epx_set *set, struct epx_future **members,
			      unsigned int count)
{
	return set_init(set, &select_ops, members, count);
}
