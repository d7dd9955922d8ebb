// SPDX-License-Identifier: MIT
/*
 * What can be seen of an executor: its counters, and each task's logical stack.
 *
 * A future knows what it awaits and where; so the stack is there to be walked,
 * without anybody having kept it.
 */
#include <string.h>

#include "core/exec.h"

void epx_metrics(struct epx_exec *exec, struct epx_metrics *metrics)
{
	*metrics = (struct epx_metrics){
		.tasks = exec->nr_tasks,
		.timers = exec->timers.used,
		.polls = exec->polls,
		.turns = exec->turns,
		.sleeps = exec->sleeps,
		.posts = exec->posts,
	};
	exec->park->ops->count(exec->park, metrics);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void dump_future(const struct epx_future *future, int depth, FILE *to)
{
	const struct epx_future *inner;
	unsigned int n;

	fprintf(to, "%*s%s", depth * 2, "", future->ops->name);
	if (future->awaiting && future->site)
		fprintf(to, " at %s:%d: %s", base_name(future->site->file),
			future->site->line, future->site->what);
	if (future->flags & EPX_FUTURE_DONE) {
		fputs(": over\n", to);
		return;
	}
	if (future->ops->describe) {
		fputs(": ", to);
		future->ops->describe(future, to);
	}
	fputc('\n', to);
	if (future->awaiting)
		dump_future(future->awaiting, depth + 1, to);
	if (!future->ops->inner)
		return;
	for (n = 0; (inner = future->ops->inner(future, n)); n++)
		dump_future(inner, depth + 1, to);
}

void epx_dump(struct epx_exec *exec, FILE *to)
{
	int64_t now = epx_time(exec);
	const struct epx_task *task;
	struct epx_list *one;
	unsigned int n = 0;

	for (one = exec->tasks.next; one != &exec->tasks; one = one->next) {
		task = epx_container(one, struct epx_task, all);
		fprintf(to, "task %u, %s for %.3f ms\n", ++n,
			task->is_queued ? "on the run queue" : "waiting",
			(now - task->since) / 1e6);
		dump_future(task->future, 1, to);
	}
	fprintf(to, "%u tasks, %u timers\n", n, exec->timers.used);
}
