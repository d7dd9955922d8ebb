// SPDX-License-Identifier: MIT
/*
 * Run queues that are none: each seed is another order of tasks, and always the
 * same. For tests that look for what depends on the order.
 */
#include "core/inbox.h"

/* xorshift64; for schedules, not for secrets. */
static uint64_t exec_draw(struct epx_exec *exec)
{
	exec->random ^= exec->random << 13;
	exec->random ^= exec->random >> 7;
	exec->random ^= exec->random << 17;
	return exec->random;
}

void epx_exec_shuffle(struct epx_exec *exec)
{
	uint64_t n = exec_draw(exec) % exec->queued;
	struct epx_task *before = exec->first, *task;

	if (!n)
		return;
	while (--n)
		before = before->next;
	task = before->next;
	before->next = task->next;
	if (exec->last == task)
		exec->last = before;
	task->next = exec->first;
	exec->first = task;
}
