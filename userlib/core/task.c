// SPDX-License-Identifier: MIT
/*
 * Tasks: a future that the executor polls, from spawn to end.
 *
 * A task's memory has a counter: one reference is the executor's, until the
 * task is over; others are the spawner's and the wakers', and one is held by
 * the task's place in the inbox. They may outlive the executor, whose memory
 * the last one of them frees: so a late epx_wake() finds a task that is over
 * and an inbox that nobody reads, and nothing worse.
 *
 * Tasks are taken from blocks, which remain the executor's as long as it has
 * memory: malloc(3) for each is more than all else that a short task costs.
 */
#include <errno.h>
#include <stdlib.h>

#include "exec.h"
#include "inbox.h"

/* Tasks of a block; 0: each alone, so that tools see a use of one that is over. */
#ifndef EPX_BLOCK_TASKS
#define EPX_BLOCK_TASKS	32
#endif

struct epx_block {
	struct epx_block *next;
	struct epx_task tasks[EPX_BLOCK_TASKS];
};

void epx_exec_put(struct epx_exec *exec)
{
	struct epx_block *block;

	if (__atomic_sub_fetch(&exec->refs, 1, __ATOMIC_ACQ_REL))
		return;
	while ((block = exec->blocks)) {
		exec->blocks = block->next;
		free(block);
	}
	exec->park->ops->free(exec->park);
	free(exec);
}

void epx_task_get(struct epx_task *task)
{
	__atomic_add_fetch(&task->refs, 1, __ATOMIC_RELAXED);
}

void epx_task_put(struct epx_task *task)
{
	struct epx_exec *exec = task->exec;

	if (__atomic_sub_fetch(&task->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (task->is_alone) {
		free(task);
	} else {
		/* With the accesses before it. Pairs with task_take(). */
		task->next = __atomic_load_n(&exec->given, __ATOMIC_RELAXED);
		while (!__atomic_compare_exchange_n(&exec->given, &task->next,
						    task, true,
						    __ATOMIC_RELEASE,
						    __ATOMIC_RELAXED))
			;
	}
	epx_exec_put(exec);
}

void epx_task_wake(struct epx_task *task)
{
	struct epx_exec *exec = task->exec;

	if (task->is_queued || !task->future)
		return;
	task->is_queued = true;
	task->next = NULL;
	*exec->end = task;
	exec->end = &task->next;
}

/* The executor's reference: mostly the last one, and then it is no secret. */
static void task_retire(struct epx_task *task)
{
	struct epx_exec *exec = task->exec;

	if (task->is_alone ||
	    __atomic_load_n(&task->refs, __ATOMIC_ACQUIRE) > 1) {
		epx_task_put(task);
		return;
	}
	task->next = exec->spare;
	exec->spare = task;
	epx_exec_put(exec);
}

static struct epx_task *block_new(struct epx_exec *exec)
{
	struct epx_block *block = malloc(sizeof(*block));
	int i;

	if (!block)
		return NULL;
	block->next = exec->blocks;
	exec->blocks = block;
	for (i = 0; i < EPX_BLOCK_TASKS - 1; i++)
		block->tasks[i].next = &block->tasks[i + 1];
	block->tasks[i].next = NULL;
	return block->tasks;
}

static struct epx_task *task_take(struct epx_exec *exec)
{
	struct epx_task *task = exec->spare;

	if (!task)
		/* Pairs with epx_task_put(). */
		task = __atomic_exchange_n(&exec->given, NULL,
					   __ATOMIC_ACQUIRE);
	if (!task)
		task = block_new(exec);
	if (task)
		exec->spare = task->next;
	return task;
}

void epx_task_end(struct epx_task *task, int64_t res)
{
	struct epx_future *future = task->future;
	struct epx_waiter *one = &task->joiners;

	task->future = NULL;
	task->res = res;
	epx_list_remove(&task->all);
	task->exec->nr_tasks--;
	/* They stay in the list until they have seen it. */
	while ((one = one->next) != &task->joiners)
		epx_task_wake(one->task);
	if (task->on_end)
		task->on_end(task);
	if (task->free)
		task->free(future);
	/* Where it was woken in its last poll, who takes it from the queue. */
	if (!task->is_queued)
		task_retire(task);
}

void epx_task_init(struct epx_task *task, struct epx_exec *exec,
		   struct epx_future *future,
		   void (*free)(struct epx_future *), bool is_alone)
{
	/* Not the lists that it is in later, nor what comes with them. */
	task->exec = exec;
	task->future = future;
	task->free = free;
	task->joiners.prev = &task->joiners;
	task->joiners.next = &task->joiners;
	task->on_end = NULL;
	task->post.fn = epx_task_posted;
	task->refs = 1;
	task->is_queued = false;
	task->is_alone = is_alone;
	task->posted = false;
	task->aborted = false;
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
	made = EPX_BLOCK_TASKS ? task_take(exec) : malloc(sizeof(*made));
	if (!made)
		return -ENOMEM;
	epx_task_init(made, exec, future, free, !EPX_BLOCK_TASKS);
	if (task) {
		epx_task_get(made);
		*task = made;
	}
	epx_task_start(made);
	return 0;
}
