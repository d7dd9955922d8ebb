// SPDX-License-Identifier: MIT
/*
 * Wakers, what comes from other threads, and waiting for the end of one.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/inbox.h"
#include "waiters.h"

struct epx_task *epx_waker_get(struct epx_cx *cx)
{
	epx_task_get(cx->task);
	return cx->task;
}

void epx_waker_put(struct epx_task *waker)
{
	epx_task_put(waker);
}

void epx_task_posted(struct epx_call *post)
{
	struct epx_task *task = epx_container(post, struct epx_task, post);

	/*
	 * From here on the next wake posts again. What its thread did before
	 * it found the flag set is seen by the poll. Pairs with the exchange
	 * in epx_wake().
	 */
	(void)__atomic_exchange_n(&task->posted, false, __ATOMIC_ACQ_REL);
	epx_task_wake(task);
	epx_task_put(task);
}

void epx_wake(struct epx_task *waker)
{
	/*
	 * What this thread did before is seen by the poll that follows. Pairs
	 * with the exchange in epx_task_posted().
	 */
	if (__atomic_exchange_n(&waker->posted, true, __ATOMIC_ACQ_REL))
		return;
	epx_task_get(waker);
	/* Not the last reference: the caller has one. */
	if (!epx_inbox_push(waker->exec, &waker->post))
		epx_task_put(waker);
}

void epx_abort(struct epx_task *task)
{
	__atomic_store_n(&task->aborted, true, __ATOMIC_RELAXED);
	epx_wake(task);
}

void epx_call_on(struct epx_exec *exec, struct epx_call *post)
{
	epx_inbox_push(exec, post);
}

/* One that was spawned by another thread has arrived. */
static void task_arrived(struct epx_call *post)
{
	struct epx_task *task = epx_container(post, struct epx_task, post);

	post->fn = epx_task_posted;
	epx_task_start(task);
	/* A wake that came before has set the flag and posted nothing. */
	(void)__atomic_exchange_n(&task->posted, false, __ATOMIC_ACQ_REL);
}

int epx_spawn_on(struct epx_exec *exec, struct epx_future *future,
		 void (*free)(struct epx_future *), struct epx_task **task)
{
	struct epx_task *made = malloc(sizeof(*made));

	if (!made)
		return -ENOMEM;
	epx_task_init(made, exec, future, free, true);
	if (task) {
		epx_task_get(made);
		*task = made;
	}
	/* It is in the inbox until it has arrived: wakes are not to post it. */
	made->posted = true;
	made->post.fn = task_arrived;
	epx_inbox_push(exec, &made->post);
	return 0;
}

static int join_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_join_task *join = (struct epx_join_task *)future;

	if (!join->task->future)
		return epx_ready(future, join->task->res);
	epx_waiter_join(&join->task->joiners, &join->waiter, cx);
	return EPX_PENDING;
}

static void join_end(struct epx_future *future)
{
	epx_waiter_leave(&((struct epx_join_task *)future)->waiter);
}

static const struct epx_ops join_ops = {
	.name = "join_task",
	.poll = join_poll,
	.end = join_end,
};

struct epx_future *epx_join_task(struct epx_join_task *join,
				 struct epx_task *task)
{
	join->task = task;
	join->waiter.prev = NULL;
	return epx_init(&join->future, &join_ops);
}
