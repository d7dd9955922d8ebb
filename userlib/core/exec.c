// SPDX-License-Identifier: MIT
/*
 * The executor: a queue of tasks whose futures may go on, and a place to sleep.
 *
 * It asks the futures one by one whether they are ready; those that are end
 * their tasks; those that are not have told something to wake them: the
 * reactor, a timer, another task, another thread. When there is nothing left to
 * ask, or after EPX_TURN of them, the reactor has its turn; it comes back with
 * wakes, and so on.
 *
 * Sleep against wakes from other threads. What they want is in the inbox, and a
 * system call wakes the executor only where it sleeps:
 *
 *	executor, epx_exec_fall_asleep()	thread, epx_inbox_push()
 *
 *	state = ASLEEP				inbox = post
 *	full barrier				full barrier
 *	inbox empty? else do not sleep		state ASLEEP? then NOTIFIED,
 *	sleep					  and unpark()
 *	state = AWAKE
 *	take the inbox
 *
 * Of the two looks at least one sees the other side's store, so no post is slept
 * over. Only who posts into an empty inbox looks; who finds it filled relies on
 * the one who filled it, whose look is still to come or has been made since the
 * executor last took the inbox. selftests/models/inbox.pml has all orders.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "exec.h"
#include "inbox.h"

/* Polls between two turns of the reactor, however much there is to do. */
#define EPX_TURN	61

/* In the inbox of an executor that is being freed, for ever. */
static struct epx_call closed;

bool epx_inbox_push(struct epx_exec *exec, struct epx_call *post)
{
	struct epx_call *old = __atomic_load_n(&exec->inbox, __ATOMIC_RELAXED);
	int asleep = EPX_ASLEEP;

	/* What the post is about before it. Pairs with exec_take_inbox(). */
	do {
		if (old == &closed)
			return false;
		__atomic_store_n(&post->next, old, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&exec->inbox, &old, post, true,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (old)
		return true;
	/* The post before the state. Pairs with that in epx_exec_fall_asleep(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&exec->state, __ATOMIC_RELAXED) == EPX_ASLEEP &&
	    __atomic_compare_exchange_n(&exec->state, &asleep, EPX_NOTIFIED,
					false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		exec->park->ops->unpark(exec->park);
	return true;
}

/* Calls what others have posted, the oldest first. */
static void exec_take_inbox(struct epx_exec *exec)
{
	struct epx_call *post, *next, *oldest = NULL;

	if (!__atomic_load_n(&exec->inbox, __ATOMIC_RELAXED))
		return;
	/* Acquires what the posts are about. Pairs with epx_inbox_push(). */
	post = __atomic_exchange_n(&exec->inbox, NULL, __ATOMIC_ACQ_REL);
	for (; post; post = next) {
		next = post->next;
		post->next = oldest;
		oldest = post;
	}
	for (; oldest; oldest = next) {
		next = oldest->next;
		exec->posts++;
		oldest->fn(oldest);
	}
}

bool epx_exec_fall_asleep(struct epx_exec *exec)
{
	__atomic_store_n(&exec->state, EPX_ASLEEP, __ATOMIC_RELAXED);
	/* The state before the inbox. Pairs with that in epx_inbox_push(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !__atomic_load_n(&exec->inbox, __ATOMIC_RELAXED);
}

/* Events, the inbox, timers. Sleeps until @deadline, 0 for not at all. */
static int exec_turn(struct epx_exec *exec, int64_t deadline)
{
	int err;

	if (deadline && !epx_exec_fall_asleep(exec))
		deadline = 0;
	exec->turns++;
	exec->sleeps += !!deadline;
	err = exec->park->ops->turn(exec->park, deadline);
	__atomic_store_n(&exec->state, EPX_AWAKE, __ATOMIC_RELAXED);
	exec_take_inbox(exec);
	if (exec->timers.used || deadline) {
		exec->seen = epx_time(exec);
		epx_timers_expire(&exec->timers, exec->seen);
	}
	return err;
}

static struct epx_task *exec_next(struct epx_exec *exec)
{
	struct epx_task *task;

	if (exec->random)
		epx_exec_shuffle(exec);
	task = exec->first;
	if (!task)
		return NULL;
	exec->first = task->next;
	if (!exec->first)
		exec->end = &exec->first;
	/* Before the poll, so that a wake during the poll is not lost. */
	task->is_queued = false;
	return task;
}

static void exec_drop(struct epx_task *task)
{
	epx_drop(task->future);
	epx_task_end(task, -ECANCELED);
}

static void exec_poll(struct epx_exec *exec, struct epx_task *task)
{
	struct epx_cx cx = {
		.exec = exec,
		.task = task,
		.budget = EPX_BUDGET,
	};

	if (!task->future) {
		/* Woken in its last poll; the queue had the reference. */
		epx_task_put(task);
		return;
	}
	exec->polls++;
	task->since = exec->seen;
	if (__atomic_load_n(&task->aborted, __ATOMIC_RELAXED))
		exec_drop(task);
	else if (epx_poll(task->future, &cx) == EPX_READY)
		epx_task_end(task, task->future->res);
}

static int exec_poll_some(struct epx_exec *exec)
{
	struct epx_task *task;
	int n;

	exec->is_running = true;
	for (n = 0; n < EPX_TURN && (task = exec_next(exec)); n++)
		exec_poll(exec, task);
	exec->is_running = false;
	return n;
}

int64_t epx_exec_deadline(struct epx_exec *exec, int64_t deadline)
{
	int64_t timer = epx_timers_next(&exec->timers);

	if (exec->first)
		return 0;
	return timer < deadline ? timer : deadline;
}

static int exec_may_run(struct epx_exec *exec)
{
	if (exec->is_running || exec->is_closing)
		return -EBUSY;
	return exec->forks == epx_forks ? 0 : -ECHILD;
}

int epx_run_once(struct epx_exec *exec, int64_t timeout)
{
	int64_t deadline = EPX_NEVER;
	int ret = exec_may_run(exec);

	if (ret)
		return ret;
	if (timeout <= 0)
		deadline = 0;
	else if (timeout != EPX_NEVER)
		deadline = epx_time_after(epx_time(exec), timeout);
	ret = exec_turn(exec, epx_exec_deadline(exec, deadline));
	if (!ret)
		ret = exec_poll_some(exec);
	epx_exec_leave(exec);
	return ret;
}

/* Until the task is over; without one, until all are, and none is to come. */
static int exec_run(struct epx_exec *exec, const struct epx_task *task)
{
	int err = exec_may_run(exec);

	while (!err) {
		exec_poll_some(exec);
		if (task ? !task->future : !exec->nr_tasks &&
		    !__atomic_load_n(&exec->inbox, __ATOMIC_RELAXED))
			break;
		err = exec_turn(exec, epx_exec_deadline(exec, EPX_NEVER));
	}
	epx_exec_leave(exec);
	return err;
}

int epx_run(struct epx_exec *exec)
{
	return exec_run(exec, NULL);
}

int64_t epx_block_on(struct epx_exec *exec, struct epx_future *future)
{
	struct epx_task *task;
	int64_t ret = exec_may_run(exec);

	if (!ret)
		ret = epx_spawn(exec, future, NULL, &task);
	if (ret)
		return ret;
	ret = exec_run(exec, task);
	if (task->future)
		exec_drop(task);
	else
		ret = task->res;
	epx_task_put(task);
	return ret;
}

int epx_exec_make(struct epx_exec **made, struct epx_park *park, uint64_t seed)
{
	struct epx_exec *exec = calloc(1, sizeof(*exec));

	if (!exec)
		return -ENOMEM;
	exec->park = park;
	exec->end = &exec->first;
	exec->random = seed;
	exec->refs = 1;
	exec->forks = epx_forks;
	epx_list_init(&exec->tasks);
	exec->seen = epx_time(exec);
	*made = exec;
	return 0;
}

/* Ends all tasks, children first; those too that ends or other threads bring. */
static void exec_drop_all(struct epx_exec *exec)
{
	struct epx_call *empty;

	do {
		while (!epx_list_is_empty(&exec->tasks))
			exec_drop(epx_container(exec->tasks.prev,
						struct epx_task, all));
		exec_take_inbox(exec);
		empty = NULL;
	} while (!epx_list_is_empty(&exec->tasks) ||
		 !__atomic_compare_exchange_n(&exec->inbox, &empty, &closed,
					      false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
}

void epx_exec_free(struct epx_exec *exec)
{
	if (!exec)
		return;
	assert(!exec->is_running);
	exec->is_closing = true;
	__atomic_store_n(&exec->state, EPX_AWAKE, __ATOMIC_RELAXED);
	exec_drop_all(exec);
	while (exec->first)
		epx_task_put(exec_next(exec));
	exec->park->ops->close(exec->park);
	free(exec->timers.heap);
	epx_exec_put(exec);
}

int64_t epx_time(struct epx_exec *exec)
{
	return exec->park->now(exec->park);
}

int64_t epx_now(struct epx_cx *cx)
{
	if (!cx->now)
		cx->now = epx_time(cx->exec);
	return cx->now;
}
