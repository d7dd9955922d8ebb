// SPDX-License-Identifier: MIT
/*
 * Tasks: a future that the executor polls, from spawn to end.
 *
 * A task's memory has a counter: one reference is the executor's, until the
 * task is over; others are the spawner's and the wakers', and one is held by
 * the task's place in the inbox. They may outlive the executor, whose memory
 * the last one of them frees: so a late epx_wake() finds a task that is over
 * and an inbox that nobody reads, and nothing worse.
 */
#include <errno.h>
#include <stdlib.h>

#include "exec.h"
#include "inbox.h"

/* Memory of tasks that an executor keeps for the next ones. */
#ifndef EPX_SPARE_TASKS
#define EPX_SPARE_TASKS	256
#endif

void epx_exec_put(struct epx_exec *exec)
{
	if (__atomic_sub_fetch(&exec->refs, 1, __ATOMIC_ACQ_REL))
		return;
	exec->park->ops->free(exec->park);
	free(exec);
}

void epx_task_get(struct epx_task *task)
{
	__atomic_add_fetch(&task->refs, 1, __ATOMIC_RELAXED);
}

void epx_task_put(struct epx_task *task)
{
	if (__atomic_sub_fetch(&task->refs, 1, __ATOMIC_ACQ_REL))
		return;
	epx_exec_put(task->exec);
	free(task);
}

void epx_task_wake(struct epx_task *task)
{
	struct epx_exec *exec = task->exec;

	if (task->is_queued || task->is_over)
		return;
	task->is_queued = true;
	task->next = NULL;
	if (exec->last)
		exec->last->next = task;
	else
		exec->first = task;
	exec->last = task;
	exec->queued++;
}

static void task_wake_joiners(struct epx_task *task)
{
	struct epx_waiter *one = &task->joiners;

	/* They stay in the list until they have seen it. */
	while ((one = one->next) != &task->joiners)
		epx_task_wake(one->task);
}

/* The executor's reference: mostly the last one, and then it is no secret. */
static void task_retire(struct epx_task *task)
{
	struct epx_exec *exec = task->exec;

	if (__atomic_load_n(&task->refs, __ATOMIC_ACQUIRE) > 1 ||
	    exec->spares == EPX_SPARE_TASKS) {
		epx_task_put(task);
		return;
	}
	task->next = exec->spare;
	exec->spare = task;
	exec->spares++;
	epx_exec_put(exec);
}

static struct epx_task *task_spare(struct epx_exec *exec)
{
	struct epx_task *task = exec->spare;

	if (!task)
		return malloc(sizeof(*task));
	exec->spare = task->next;
	exec->spares--;
	return task;
}

void epx_task_end(struct epx_task *task, int64_t res)
{
	struct epx_future *future = task->future;

	task->is_over = true;
	task->res = res;
	task->future = NULL;
	epx_list_remove(&task->all);
	task->exec->nr_tasks--;
	task_wake_joiners(task);
	if (task->on_end)
		task->on_end(task);
	if (task->free)
		task->free(future);
	/* Where it was woken in its last poll, who takes it from the queue. */
	if (!task->is_queued)
		task_retire(task);
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

void epx_task_init(struct epx_task *task, struct epx_exec *exec,
		   struct epx_future *future,
		   void (*free)(struct epx_future *))
{
	*task = (struct epx_task){
		.exec = exec,
		.future = future,
		.free = free,
		.refs = 1,
		.post.fn = epx_task_posted,
		.joiners = { &task->joiners, &task->joiners, NULL, false },
	};
	epx_list_init(&task->all);
	__atomic_add_fetch(&exec->refs, 1, __ATOMIC_RELAXED);
}

void epx_task_start(struct epx_task *task)
{
	struct epx_exec *exec = task->exec;

	epx_list_append(&exec->tasks, &task->all);
	exec->nr_tasks++;
	task->since = exec->seen;
	epx_task_wake(task);
}

int epx_spawn(struct epx_exec *exec, struct epx_future *future,
	      void (*free)(struct epx_future *), struct epx_task **task)
{
	struct epx_task *made;

	if (exec->is_closing)
		return -ECANCELED;
	made = task_spare(exec);
	if (!made)
		return -ENOMEM;
	epx_task_init(made, exec, future, free);
	if (task) {
		epx_task_get(made);
		*task = made;
	}
	epx_task_start(made);
	return 0;
}
