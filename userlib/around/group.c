// SPDX-License-Identifier: MIT
/*
 * Groups: tasks that are cancelled and awaited together.
 */
#include <errno.h>

#include "waiters.h"
#include "epollx_sync.h"

void epx_group_init(struct epx_group *group, struct epx_exec *exec)
{
	group->exec = exec;
	epx_list_init(&group->members);
	epx_waiters_init(&group->waiters);
	group->count = 0;
	group->error = 0;
	group->is_cancelled = false;
}

static void group_leave(struct epx_task *task)
{
	struct epx_group *group = task->group;
	bool is_ours = group->is_cancelled && task->res == -ECANCELED;

	epx_list_remove(&task->in_group);
	group->count--;
	if (task->res < 0 && !group->error && !is_ours)
		group->error = task->res;
	if (!group->count)
		epx_waiters_give_all(&group->waiters);
}

int epx_group_spawn(struct epx_group *group, struct epx_future *future,
		    void (*free)(struct epx_future *))
{
	struct epx_task *task;
	int err;

	if (group->is_cancelled)
		return -ECANCELED;
	err = epx_spawn(group->exec, future, free, &task);
	if (err)
		return err;
	task->group = group;
	task->on_end = group_leave;
	epx_list_append(&group->members, &task->in_group);
	group->count++;
	epx_task_put(task);
	return 0;
}

void epx_group_cancel(struct epx_group *group)
{
	struct epx_list *one;

	group->is_cancelled = true;
	for (one = group->members.next; one != &group->members; one = one->next)
		epx_abort(epx_container(one, struct epx_task, in_group));
}

static int group_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_wait_for *wait = (struct epx_wait_for *)future;
	struct epx_group *group = wait->object;

	if (!group->count)
		return epx_ready(future, group->error);
	epx_waiter_join(&group->waiters, &wait->waiter, cx);
	return EPX_PENDING;
}

static void group_end(struct epx_future *future)
{
	epx_waiter_leave(&((struct epx_wait_for *)future)->waiter);
}

static const struct epx_ops group_ops = {
	.name = "group",
	.poll = group_poll,
	.end = group_end,
};

struct epx_future *epx_group_wait(struct epx_wait_for *wait,
				  struct epx_group *group)
{
	wait->waiter.prev = NULL;
	wait->waiter.got = false;
	wait->object = group;
	wait->value = NULL;
	return epx_init(&wait->future, &group_ops);
}
