/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: tasks of one executor among themselves.
 *
 * All of these belong to the caller, allocate nothing and are used by the
 * executor's thread; another thread uses epx_call_on(). Who waits is served in
 * order. What was given to a future that is dropped before it took it goes on to
 * the next one, so dropping loses nothing. None may go while somebody waits.
 */
#ifndef EPOLLX_SYNC_H
#define EPOLLX_SYNC_H

#include <stddef.h>

#include <epollx_exec.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct epx_wait_for - waits for one of what is in this file
 * @future: its result is 0, unless said otherwise
 * @waiter: in a list
 * @object: what it waits for
 * @value: of channels: where the element is, or goes
 */
struct epx_wait_for {
	struct epx_future future;
	struct epx_waiter waiter;
	void *object;
	void *value;
};

/**
 * struct epx_event - something has happened, or not yet
 * @waiters: who waits
 * @is_set: it has
 */
struct epx_event {
	struct epx_waiter waiters;
	bool is_set;
};

/**
 * epx_event_init() - not yet
 * @event: the event
 */
void epx_event_init(struct epx_event *event);

/**
 * epx_event_set() - it has happened: wakes all
 * @event: the event
 */
void epx_event_set(struct epx_event *event);

/**
 * epx_event_reset() - not yet, again; who has been woken is not held up
 * @event: the event
 */
void epx_event_reset(struct epx_event *event);

/**
 * epx_event_wait() - wait until it happens
 * @wait: the future
 * @event: the event
 *
 * Return: @wait's future.
 */
struct epx_future *epx_event_wait(struct epx_wait_for *wait,
				  struct epx_event *event);

/**
 * struct epx_sem - so many permits
 * @waiters: who waits for one
 * @permits: left
 */
struct epx_sem {
	struct epx_waiter waiters;
	unsigned int permits;
};

/**
 * epx_sem_init() - a semaphore
 * @sem: the semaphore
 * @permits: to begin with
 */
void epx_sem_init(struct epx_sem *sem, unsigned int permits);

/**
 * epx_sem_take() - wait for a permit, and take it
 * @wait: the future
 * @sem: the semaphore
 *
 * Return: @wait's future.
 */
struct epx_future *epx_sem_take(struct epx_wait_for *wait, struct epx_sem *sem);

/**
 * epx_sem_give() - give a permit
 * @sem: the semaphore
 */
void epx_sem_give(struct epx_sem *sem);

/**
 * struct epx_oneshot - a value that comes once
 * @waiters: who waits for it
 * @value: the value
 * @is_set: it is there
 */
struct epx_oneshot {
	struct epx_waiter waiters;
	int64_t value;
	bool is_set;
};

/**
 * epx_oneshot_init() - without a value
 * @oneshot: the oneshot
 */
void epx_oneshot_init(struct epx_oneshot *oneshot);

/**
 * epx_oneshot_set() - the value
 * @oneshot: the oneshot
 * @value: the value
 *
 * Return: 0, or -EALREADY where it has one.
 */
int epx_oneshot_set(struct epx_oneshot *oneshot, int64_t value);

/**
 * epx_oneshot_wait() - wait for the value
 * @wait: the future
 * @oneshot: the oneshot
 *
 * Return: @wait's future; its result is the value.
 */
struct epx_future *epx_oneshot_wait(struct epx_wait_for *wait,
				    struct epx_oneshot *oneshot);

/**
 * struct epx_chan - a channel: a queue with a bound
 * @senders: who waits for room
 * @receivers: who waits for an element
 * @ring: memory for @capacity elements, the caller's
 * @size: of an element
 * @capacity: elements
 * @first: where the oldest is
 * @used: elements that are there
 * @is_closed: no more elements are sent
 */
struct epx_chan {
	struct epx_waiter senders;
	struct epx_waiter receivers;
	char *ring;
	size_t size;
	unsigned int capacity;
	unsigned int first;
	unsigned int used;
	bool is_closed;
};

/**
 * epx_chan_init() - an empty channel
 * @chan: the channel
 * @ring: memory for @capacity elements
 * @size: of an element
 * @capacity: elements, at least 1
 *
 * Return: 0, or -EINVAL.
 */
int epx_chan_init(struct epx_chan *chan, void *ring, size_t size,
		  unsigned int capacity);

/**
 * epx_chan_send() - wait for room, and send
 * @wait: the future
 * @chan: the channel
 * @value: the element; copied when there is room
 *
 * Return: @wait's future; its result is 0, or -EPIPE if the channel is closed.
 */
struct epx_future *epx_chan_send(struct epx_wait_for *wait,
				 struct epx_chan *chan, const void *value);

/**
 * epx_chan_try_send() - send if there is room, and nobody waits for it
 * @chan: the channel
 * @value: the element
 *
 * Return: 0, -EAGAIN or -EPIPE.
 */
int epx_chan_try_send(struct epx_chan *chan, const void *value);

/**
 * epx_chan_recv() - wait for an element, and take it
 * @wait: the future
 * @chan: the channel
 * @value: where the element goes, in the poll that is ready
 *
 * Return: @wait's future; its result is 0, or -EPIPE if the channel is closed
 * and empty.
 */
struct epx_future *epx_chan_recv(struct epx_wait_for *wait,
				 struct epx_chan *chan, void *value);

/**
 * epx_chan_close() - no more is sent
 * @chan: the channel
 *
 * What is there is still received.
 */
void epx_chan_close(struct epx_chan *chan);

/**
 * struct epx_group - tasks that end together
 * @exec: the executor
 * @members: the tasks
 * @waiters: who waits until there is none
 * @count: of the members
 * @error: the first error that one ended with, but -ECANCELED after a cancel
 * @is_cancelled: no more tasks
 */
struct epx_group {
	struct epx_exec *exec;
	struct epx_list members;
	struct epx_waiter waiters;
	unsigned int count;
	int64_t error;
	bool is_cancelled;
};

/**
 * epx_group_init() - a group without members
 * @group: the group
 * @exec: the executor
 */
void epx_group_init(struct epx_group *group, struct epx_exec *exec);

/**
 * epx_group_spawn() - epx_spawn() into a group
 * @group: the group, which has to be there until its members are over
 * @future: what the task runs
 * @free: gets @future when the task is over, or NULL
 *
 * Return: 0, -ENOMEM, or -ECANCELED after a cancel.
 */
int epx_group_spawn(struct epx_group *group, struct epx_future *future,
		    void (*free)(struct epx_future *));

/**
 * epx_group_cancel() - abort all members, and take no more
 * @group: the group
 *
 * They are over soon: await the group.
 */
void epx_group_cancel(struct epx_group *group);

/**
 * epx_group_wait() - wait until all members are over
 * @wait: the future
 * @group: the group
 *
 * Return: @wait's future; its result is 0, or the first error of a member.
 */
struct epx_future *epx_group_wait(struct epx_wait_for *wait,
				  struct epx_group *group);

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_SYNC_H */
