/* SPDX-License-Identifier: MIT */
/*
 * Lists of waiting tasks, first come, first served.
 *
 * The list's head is a struct epx_waiter without a task, so that one can leave
 * the list without knowing where it is: dropping a future costs no search.
 */
#ifndef EPX_AROUND_WAITERS_H
#define EPX_AROUND_WAITERS_H

#include "core/exec.h"

static inline void epx_waiters_init(struct epx_waiter *head)
{
	head->prev = head;
	head->next = head;
	head->task = NULL;
}

static inline struct epx_waiter *epx_waiters_first(struct epx_waiter *head)
{
	return head->next == head ? NULL : head->next;
}

static inline bool epx_waiter_is_listed(const struct epx_waiter *one)
{
	return one->prev;
}

static inline void epx_waiter_leave(struct epx_waiter *one)
{
	if (!one->prev)
		return;
	one->prev->next = one->next;
	one->next->prev = one->prev;
	one->prev = NULL;
	one->next = NULL;
}

/* The task may be another one each time that the future is polled. */
static inline void epx_waiter_join(struct epx_waiter *head,
				   struct epx_waiter *one, struct epx_cx *cx)
{
	one->task = cx->task;
	if (one->prev)
		return;
	one->prev = head->prev;
	one->next = head;
	head->prev->next = one;
	head->prev = one;
}

/* The first one leaves, with what it waited for. */
static inline struct epx_waiter *epx_waiters_give(struct epx_waiter *head)
{
	struct epx_waiter *one = epx_waiters_first(head);

	if (!one)
		return NULL;
	epx_waiter_leave(one);
	one->got = true;
	epx_task_wake(one->task);
	return one;
}

static inline void epx_waiters_give_all(struct epx_waiter *head)
{
	while (epx_waiters_give(head))
		;
}

#endif /* EPX_AROUND_WAITERS_H */
