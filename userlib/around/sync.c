// SPDX-License-Identifier: MIT
/*
 * Events, semaphores, oneshots.
 *
 * What somebody waits for is handed to the first in the list, who leaves it with
 * waiter.got set; a newcomer finds nothing left and queues behind. A future that
 * is dropped with waiter.got set passes it on.
 */
#include <errno.h>

#include "waiters.h"
#include "epollx_sync.h"

static struct epx_future *wait_init(struct epx_wait_for *wait,
				    const struct epx_ops *ops, void *object)
{
	wait->waiter.prev = NULL;
	wait->waiter.got = false;
	wait->object = object;
	wait->value = NULL;
	return epx_init(&wait->future, ops);
}

static void wait_end(struct epx_future *future)
{
	epx_waiter_leave(&((struct epx_wait_for *)future)->waiter);
}

void epx_event_init(struct epx_event *event)
{
	epx_waiters_init(&event->waiters);
	event->is_set = false;
}

void epx_event_set(struct epx_event *event)
{
	event->is_set = true;
	epx_waiters_give_all(&event->waiters);
}

void epx_event_reset(struct epx_event *event)
{
	event->is_set = false;
}

static int event_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_wait_for *wait = (struct epx_wait_for *)future;
	struct epx_event *event = wait->object;

	if (event->is_set || wait->waiter.got)
		return epx_budget(cx) ? epx_ready(future, 0) : EPX_PENDING;
	epx_waiter_join(&event->waiters, &wait->waiter, cx);
	return EPX_PENDING;
}

static const struct epx_ops event_ops = {
	.name = "event",
	.poll = event_poll,
	.end = wait_end,
};

struct epx_future *epx_event_wait(struct epx_wait_for *wait,
				  struct epx_event *event)
{
	return wait_init(wait, &event_ops, event);
}

void epx_sem_init(struct epx_sem *sem, unsigned int permits)
{
	epx_waiters_init(&sem->waiters);
	sem->permits = permits;
}

void epx_sem_give(struct epx_sem *sem)
{
	if (!epx_waiters_give(&sem->waiters))
		sem->permits++;
}

static int sem_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_wait_for *wait = (struct epx_wait_for *)future;
	struct epx_sem *sem = wait->object;

	if (!wait->waiter.got && !sem->permits) {
		epx_waiter_join(&sem->waiters, &wait->waiter, cx);
		return EPX_PENDING;
	}
	if (!epx_budget(cx))
		return EPX_PENDING;
	if (!wait->waiter.got)
		sem->permits--;
	/* It is the caller's now, and not to be passed on. */
	wait->waiter.got = false;
	return epx_ready(future, 0);
}

static void sem_end(struct epx_future *future)
{
	struct epx_wait_for *wait = (struct epx_wait_for *)future;

	epx_waiter_leave(&wait->waiter);
	if (wait->waiter.got)
		epx_sem_give(wait->object);
}

static const struct epx_ops sem_ops = {
	.name = "sem",
	.poll = sem_poll,
	.end = sem_end,
};

struct epx_future *epx_sem_take(struct epx_wait_for *wait, struct epx_sem *sem)
{
	return wait_init(wait, &sem_ops, sem);
}

void epx_oneshot_init(struct epx_oneshot *oneshot)
{
	epx_waiters_init(&oneshot->waiters);
	oneshot->value = 0;
	oneshot->is_set = false;
}

int epx_oneshot_set(struct epx_oneshot *oneshot, int64_t value)
{
	if (oneshot->is_set)
		return -EALREADY;
	oneshot->is_set = true;
	oneshot->value = value;
	epx_waiters_give_all(&oneshot->waiters);
	return 0;
}

static int oneshot_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_wait_for *wait = (struct epx_wait_for *)future;
	struct epx_oneshot *oneshot = wait->object;

	if (oneshot->is_set)
		return epx_ready(future, oneshot->value);
	epx_waiter_join(&oneshot->waiters, &wait->waiter, cx);
	return EPX_PENDING;
}

static const struct epx_ops oneshot_ops = {
	.name = "oneshot",
	.poll = oneshot_poll,
	.end = wait_end,
};

struct epx_future *epx_oneshot_wait(struct epx_wait_for *wait,
				    struct epx_oneshot *oneshot)
{
	return wait_init(wait, &oneshot_ops, oneshot);
}
