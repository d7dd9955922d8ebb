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
	struct epx_task *before = exec->first, *task;
	uint64_t queued = 0, n;

	for (task = exec->first; task; task = task->next)
		queued++;
	n = queued > 1 ? exec_draw(exec) % queued : 0;
	if (!n)
		return;
	while (--n)
		before = before->next;
	task = before->next;
	before->next = task->next;
	if (exec->end == &task->next)
		exec->end = &before->next;
	task->next = exec->first;
	exec->first = task;
}
