/* SPDX-License-Identifier: MIT */
/*
 * What the files of the executor share of each other, and a few of around/.
 */
#ifndef EPX_CORE_INBOX_H
#define EPX_CORE_INBOX_H

#include "exec.h"

/* From any thread and signal handlers. False: the executor has gone. */
bool epx_inbox_push(struct epx_exec *exec, struct epx_call *post);

/* From here on other threads' posts unpark. Is there none yet? */
bool epx_exec_fall_asleep(struct epx_exec *exec);

/* After the last turn for now: where it is embedded, other threads unpark. */
void epx_exec_leave(struct epx_exec *exec);

/* Until when it may sleep: work, the next timer, or @deadline. */
int64_t epx_exec_deadline(struct epx_exec *exec, int64_t deadline);

/* Put a task drawn by lot in front of the run queue. */
void epx_exec_shuffle(struct epx_exec *exec);

/* One reference, the executor's; then its place among the tasks. */
void epx_task_init(struct epx_task *task, struct epx_exec *exec,
		   struct epx_future *future,
		   void (*free)(struct epx_future *), bool is_alone);
void epx_task_start(struct epx_task *task);
void epx_task_get(struct epx_task *task);

/* A wake from another thread has come out of the inbox. */
void epx_task_posted(struct epx_call *post);

/* The task's future is over; all but its memory goes. */
void epx_task_end(struct epx_task *task, int64_t res);

void epx_exec_put(struct epx_exec *exec);

#endif /* EPX_CORE_INBOX_H */
