/* SPDX-License-Identifier: MIT */
/*
 * The executor's own: tasks, the run queue, the inbox of other threads.
 *
 * What an executor knows of the reactor is struct epx_park; what the reactor
 * knows of the executor is epx_task_wake().
 *
 *	field			changed by		protected by
 *	state, inbox		any thread		atomic; see exec.c
 *	exec.refs, task.refs	any thread		atomic
 *	exec.given		any thread		atomic
 *	task.posted, .aborted	any thread		atomic
 *	all else		the executor's thread	that there is but one
 */
#ifndef EPX_CORE_EXEC_H
#define EPX_CORE_EXEC_H

#include <stddef.h>

#include "epollx_exec.h"
#include "epollx_time.h"

#define epx_container(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))

/* Lists have a head that is an element, and are empty where it is alone. */
static inline void epx_list_init(struct epx_list *head)
{
	head->prev = head;
	head->next = head;
}

static inline bool epx_list_is_empty(const struct epx_list *head)
{
	return head->next == head;
}

static inline void epx_list_append(struct epx_list *head, struct epx_list *one)
{
	one->prev = head->prev;
	one->next = head;
	head->prev->next = one;
	head->prev = one;
}

/* One that is in no list, but initialised, may be removed again. */
static inline void epx_list_remove(struct epx_list *one)
{
	one->prev->next = one->next;
	one->next->prev = one->prev;
	epx_list_init(one);
}

struct epx_park;

/*
 * Where an executor sleeps. turn(): events become wakes of tasks; waits until
 * @deadline (0: not at all, EPX_NEVER), or until unpark(), for which any thread
 * and any signal handler may ask. Returns 0 or -errno; a signal is no error.
 */
struct epx_park_ops {
	int (*turn)(struct epx_park *park, int64_t deadline);
	void (*unpark)(struct epx_park *park);
	int (*fd)(struct epx_park *park);
	void (*count)(struct epx_park *park, struct epx_metrics *metrics);
	/* All that the executor's thread uses; unpark() goes on working. */
	void (*close)(struct epx_park *park);
	/* The rest. */
	void (*free)(struct epx_park *park);
};

struct epx_park {
	const struct epx_park_ops *ops;
	int64_t (*now)(struct epx_park *park);
};

/* A 4-ary heap; element 0 is not used. */
struct epx_timers {
	struct epx_heap_entry *heap;
	uint32_t used;
	uint32_t room;
	uint64_t seq;
};

/* exec.state */
enum { EPX_AWAKE, EPX_ASLEEP, EPX_NOTIFIED };

struct epx_exec {
	struct epx_park *park;
	struct epx_timers timers;
	struct epx_task *first;		/* of the run queue, by task.next */
	struct epx_task **end;		/* where the next one goes */
	struct epx_task *spare;		/* memory for tasks, by task.next */
	struct epx_task *given;		/* the same, from other threads */
	struct epx_block *blocks;	/* what that memory is in */
	bool is_running;		/* a task is being polled */
	bool is_closing;
	bool is_embedded;		/* somebody sleeps on epx_fd() */
	uint32_t forks;			/* in which process: epx_forks */
	struct epx_list tasks;		/* all, by task.all */
	uint64_t random;		/* not 0: which task is next */
	int64_t seen;			/* the time of the last turn */
	uint64_t nr_tasks;
	uint64_t polls, turns, sleeps, posts;
	uint32_t refs;			/* the owner's, and one for each task */
	int state;
	struct epx_call *inbox;		/* the newest first */
};

struct epx_group;

struct epx_task {
	struct epx_exec *exec;
	struct epx_future *future;	/* NULL: is over */
	void (*free)(struct epx_future *future);
	struct epx_task *next;
	struct epx_list all;
	struct epx_waiter joiners;	/* the head of their list */
	void (*on_end)(struct epx_task *task);	/* or NULL */
	struct epx_group *group;
	struct epx_list in_group;
	struct epx_call post;		/* a wake, or the start, in the inbox */
	int64_t res;
	int64_t since;			/* when it was last polled, about */
	uint32_t refs;			/* until it is over the executor has one */
	bool is_queued;
	bool is_alone;			/* in memory of its own, from malloc() */
	bool posted;
	bool aborted;
};

/* Goes up in a child of fork(2). */
extern uint32_t epx_forks;

/* On the executor's thread: have the task polled in its turn. */
void epx_task_wake(struct epx_task *task);

/* The executor around a place to sleep, which it frees in the end. */
int epx_exec_make(struct epx_exec **exec, struct epx_park *park, uint64_t seed);

/* timer.c */
int epx_timer_set(struct epx_timer *timer, struct epx_cx *cx, int64_t at);
void epx_timer_clear(struct epx_timer *timer);
int64_t epx_timers_next(const struct epx_timers *timers);
/* Wake whose time has come, the earliest first. */
void epx_timers_expire(struct epx_timers *timers, int64_t now);
/* @ns after @now; never, where that is too far. */
int64_t epx_time_after(int64_t now, int64_t ns);

#endif /* EPX_CORE_EXEC_H */
