// SPDX-License-Identifier: MIT
/*
 * Bounded channels.
 *
 * The first of a list has been woken whenever there is something for it, and
 * stays in the list until it has taken it; so nobody overtakes it, and where it
 * is dropped the one behind it is woken. chan_nudge(), after each change, sees to
 * that.
 */
#include <errno.h>
#include <string.h>

#include "waiters.h"
#include "epollx_sync.h"

static bool has_room(const struct epx_chan *chan)
{
	return chan->is_closed || chan->used < chan->capacity;
}

static bool has_element(const struct epx_chan *chan)
{
	return chan->is_closed || chan->used;
}

static void chan_nudge(struct epx_chan *chan)
{
	struct epx_waiter *sender = epx_waiters_first(&chan->senders);
	struct epx_waiter *receiver = epx_waiters_first(&chan->receivers);

	if (sender && has_room(chan))
		epx_task_wake(sender->task);
	if (receiver && has_element(chan))
		epx_task_wake(receiver->task);
}

static char *element(struct epx_chan *chan, unsigned int n)
{
	return chan->ring + (chan->first + n) % chan->capacity * chan->size;
}

static void chan_push(struct epx_chan *chan, const void *value)
{
	memcpy(element(chan, chan->used), value, chan->size);
	chan->used++;
}

static void chan_pop(struct epx_chan *chan, void *value)
{
	memcpy(value, element(chan, 0), chan->size);
	chan->first = (chan->first + 1) % chan->capacity;
	chan->used--;
}

int epx_chan_init(struct epx_chan *chan, void *ring, size_t size,
		  unsigned int capacity)
{
	if (!capacity || !size)
		return -EINVAL;
	epx_waiters_init(&chan->senders);
	epx_waiters_init(&chan->receivers);
	chan->ring = ring;
	chan->size = size;
	chan->capacity = capacity;
	chan->first = 0;
	chan->used = 0;
	chan->is_closed = false;
	return 0;
}

void epx_chan_close(struct epx_chan *chan)
{
	chan->is_closed = true;
	chan_nudge(chan);
}

int epx_chan_try_send(struct epx_chan *chan, const void *value)
{
	if (chan->is_closed)
		return -EPIPE;
	if (chan->used == chan->capacity || epx_waiters_first(&chan->senders))
		return -EAGAIN;
	chan_push(chan, value);
	chan_nudge(chan);
	return 0;
}

/* May it go on: is there something, and nobody before it? */
static bool is_next(struct epx_waiter *list, const struct epx_waiter *waiter)
{
	struct epx_waiter *first = epx_waiters_first(list);

	return !first || first == waiter;
}

static int send_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_wait_for *wait = (struct epx_wait_for *)future;
	struct epx_chan *chan = wait->object;

	if (chan->is_closed)
		return epx_ready(future, -EPIPE);
	if (chan->used == chan->capacity ||
	    !is_next(&chan->senders, &wait->waiter)) {
		epx_waiter_join(&chan->senders, &wait->waiter, cx);
		return EPX_PENDING;
	}
	if (!epx_budget(cx))
		return EPX_PENDING;
	chan_push(chan, wait->value);
	return epx_ready(future, 0);
}

static int recv_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_wait_for *wait = (struct epx_wait_for *)future;
	struct epx_chan *chan = wait->object;

	if (!chan->used && chan->is_closed)
		return epx_ready(future, -EPIPE);
	if (!chan->used || !is_next(&chan->receivers, &wait->waiter)) {
		epx_waiter_join(&chan->receivers, &wait->waiter, cx);
		return EPX_PENDING;
	}
	if (!epx_budget(cx))
		return EPX_PENDING;
	chan_pop(chan, wait->value);
	return epx_ready(future, 0);
}

/* Also after the last step: that one may have made room for others. */
static void chan_end(struct epx_future *future)
{
	struct epx_wait_for *wait = (struct epx_wait_for *)future;

	epx_waiter_leave(&wait->waiter);
	chan_nudge(wait->object);
}

static const struct epx_ops send_ops = {
	.name = "chan_send",
	.poll = send_poll,
	.end = chan_end,
};

static const struct epx_ops recv_ops = {
	.name = "chan_recv",
	.poll = recv_poll,
	.end = chan_end,
};

static struct epx_future *chan_wait(struct epx_wait_for *wait,
				    const struct epx_ops *ops,
				    struct epx_chan *chan, void *value)
{
	wait->waiter.prev = NULL;
	wait->waiter.got = false;
	wait->object = chan;
	wait->value = value;
	return epx_init(&wait->future, ops);
}

struct epx_future *epx_chan_send(struct epx_wait_for *wait,
				 struct epx_chan *chan, const void *value)
{
	return chan_wait(wait, &send_ops, chan, (void *)value);
}

struct epx_future *epx_chan_recv(struct epx_wait_for *wait,
				 struct epx_chan *chan, void *value)
{
	return chan_wait(wait, &recv_ops, chan, value);
}
