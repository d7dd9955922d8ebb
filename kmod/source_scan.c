// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a scan of the ready list does for a source: ready.c and ring_scan.c come
 * here for a watch without a file.
 *
 * Process context, under the instance's mutex. So there is one who delivers at
 * a time; posts and expiries run beside.
 *
 * Delivery takes what is pending, in one section of the source's lock, and only
 * then writes it to user memory, for which no lock can be held. What could not
 * be written is given back: a count is added to what has come meanwhile, and
 * the value of a user event is the newer one then. Values of a queue leave it
 * after they were written, since nobody else takes any.
 *
 * A scan clears ->queued first, as for files (hook.c has the picture):
 *
 *	epx_post(), under ->lock	epx_source_visit()
 *	count + 1			queued = 0, by xchg
 *	xchg(queued, 1)			->lock: take the count
 *	0: push on incoming
 *
 * If the post read 1, the scan's section comes later and has its count.
 */
#include "clock.h"
#include "ring.h"
#include "ring_publish.h"
#include "source.h"
#include "trace.h"

static bool epx_source_is_pending(struct epx_source *src)
{
	if (!epx_source_is_armed(src))
		return false;
	if (src->kind == EPX_SOURCE_TIMER)
		return epx_timer_is_pending(epx_timer_of(src));
	return epx_posted_is_pending(epx_posted_of(src));
}

static bool epx_user_take(struct epx_posted *user, struct epx_payload_event *event)
{
	struct epx_source *src = &user->source;

	spin_lock(&src->lock);
	event->count = src->count;
	event->value = user->value;
	src->count = 0;
	spin_unlock(&src->lock);
	return event->count;
}

static bool epx_source_take(struct epx_source *src, struct epx_payload_event *event)
{
	if (src->kind == EPX_SOURCE_TIMER)
		return epx_timer_take(epx_timer_of(src), event);
	return epx_user_take(epx_posted_of(src), event);
}

static void epx_source_give_back(struct epx_source *src,
				 const struct epx_payload_event *event)
{
	spin_lock_irq(&src->lock);
	src->count += event->count;
	/* Of a timer, nobody else sets it. */
	if (event->flags & EPX_EVENT_CLOCK_SET)
		epx_timer_of(src)->jumped = true;
	spin_unlock_irq(&src->lock);
	if (src->kind == EPX_SOURCE_TIMER && event->count)
		epx_timer_give_back(epx_timer_of(src));
}

/* The mask under the lock, for who decides by it whether to push. */
static void epx_source_delivered(struct epx_source *src)
{
	struct epx_watch *w = &src->watch;

	trace_epx_deliver(w, EPOLLIN);
	if (!(w->events & EPOLLONESHOT))
		return;
	spin_lock_irq(&src->lock);
	WRITE_ONCE(w->events, w->events & EPX_STEERING_BITS);
	spin_unlock_irq(&src->lock);
	/* It runs if an earlier delivery failed, or the event is a clock's. */
	if (src->kind == EPX_SOURCE_TIMER)
		epx_timer_stop(epx_timer_of(src));
}

static bool epx_source_put(void __user *to, const struct epx_payload_event *event,
			   bool payload)
{
	struct epx_payload_event __user *at = to;

	if (!payload)
		return epx_event_put(to, EPOLLIN, event->data);
	if (!user_write_access_begin(at, sizeof(*at)))
		return false;
	unsafe_put_user(event->events, &at->events, fault);
	unsafe_put_user(event->flags, &at->flags, fault);
	unsafe_put_user(event->data, &at->data, fault);
	unsafe_put_user(event->value, &at->value, fault);
	unsafe_put_user(event->count, &at->count, fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

/**
 * epx_payload_put() - write an event of a file, with what payload it has
 * @w: the watch
 * @to: where to, in a range that was checked
 * @revents: what the file is ready for
 * @payload: EPX_WAIT_AMOUNT, or not. Asked of a wait and not of a watch, which
 *	     has no room for it, and nobody else pays for it
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: false if it could not be written.
 */
bool epx_payload_put(struct epx_watch *w, struct epx_payload_event __user *to,
		     __poll_t revents, u32 payload)
{
	struct epx_payload_event event = {
		.events = (__force u32)revents, .data = w->data,
	};

	/* The one of the poll has gone. */
	if ((payload & EPX_WAIT_AMOUNT) &&
	    (revents & (EPOLLIN | EPOLLRDNORM)) && epx_watch_pin(w)) {
		epx_measure(w->file, &event);
		fput(w->file);
	}
	return epx_source_put(to, &event, true);
}

/* One event of a user event or a timer. */
static int epx_single_visit(struct epx_source *src, struct list_head *next,
			    void __user *to, bool payload)
{
	struct epx_payload_event event = {
		.events = (__force u32)EPOLLIN, .data = src->watch.data,
	};

	if (!epx_source_take(src, &event))
		return 0;
	if (!epx_source_put(to, &event, payload)) {
		epx_source_give_back(src, &event);
		epx_requeue(&src->watch, next->prev);
		return -EFAULT;
	}
	/* Where there is no place for it, the next event has it again. */
	if (unlikely(event.flags) && !payload)
		epx_clock_tell_again(epx_timer_of(src));
	epx_source_delivered(src);
	return 1;
}

/* That it is not empty; nothing is taken. */
static int epx_queue_report(struct epx_posted *queue, struct list_head *next,
			    struct epoll_event __user *to)
{
	struct epx_watch *w = &queue->source.watch;
	bool is_level = !(w->events & (EPOLLET | EPOLLONESHOT));

	if (!epx_posted_is_pending(queue))
		return 0;
	if (!epx_event_put(to, EPOLLIN, w->data)) {
		epx_requeue(w, next->prev);
		return -EFAULT;
	}
	epx_source_delivered(&queue->source);
	if (is_level)
		epx_requeue(w, next->prev);
	return 1;
}

/* Its values, each an event; what is left has not been reported yet. */
static int epx_queue_visit(struct epx_posted *queue, struct list_head *next,
			   struct epx_payload_event __user *to, int room)
{
	struct epx_watch *w = &queue->source.watch;
	int n = epx_queue_deliver(queue, to,
				  w->events & EPOLLONESHOT ? 1 : room);

	if (n > 0)
		epx_source_delivered(&queue->source);
	if (epx_source_is_pending(&queue->source))
		epx_requeue(w, next->prev);
	return n;
}

/**
 * epx_source_visit() - deliver what a source has
 * @w: the source's watch, on the ready list
 * @next: what follows it there
 * @events: where to, in a range that was checked
 * @room: for so many events
 * @payload: they are struct epx_payload_event
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: events delivered, 0 if it has nothing; -EFAULT: as it was, where it
 * was.
 */
int epx_source_visit(struct epx_watch *w, struct list_head *next,
		     void __user *events, int room, bool payload)
{
	struct epx_source *src = epx_source_of(w);

	lockdep_assert_held(&w->instance->mutex);
	epx_take(w);
	/* Its event waits for a MOD. */
	if (!epx_source_is_armed(src))
		return 0;
	if (src->kind != EPX_SOURCE_QUEUE)
		return epx_single_visit(src, next, events, payload);
	if (!payload)
		return epx_queue_report(epx_posted_of(src), next, events);
	return epx_queue_visit(epx_posted_of(src), next, events, room);
}

/**
 * epx_source_look() - has a source something to deliver?
 * @w: the source's watch, on the ready list
 * @taken: set if it was taken off the list; one that has something stays, but
 *	   where that came while it was taken
 *
 * Context: process; the instance's mutex held.
 * Return: EPOLLIN or 0.
 */
__poll_t epx_source_look(struct epx_watch *w, bool *taken)
{
	struct epx_source *src = epx_source_of(w);

	lockdep_assert_held(&w->instance->mutex);
	*taken = false;
	if (epx_source_is_pending(src))
		return EPOLLIN;
	*taken = true;
	epx_take(w);
	return epx_source_is_pending(src) ? EPOLLIN : 0;
}

/**
 * epx_source_recheck() - in a ring: publish what a source has
 * @w: the source's watch
 *
 * For a queue, which is level-triggered, and a timer, which has stopped until
 * its last event has been consumed. A user event has been published.
 *
 * Context: process; the instance's mutex held.
 * Return: whether it has something.
 */
bool epx_source_recheck(struct epx_watch *w)
{
	struct epx_source *src = epx_source_of(w);
	bool is_ready;

	lockdep_assert_held(&w->instance->mutex);
	if (src->kind == EPX_SOURCE_TIMER)
		is_ready = epx_timer_resume(epx_timer_of(src));
	else
		is_ready = src->kind == EPX_SOURCE_QUEUE &&
			   epx_posted_is_pending(epx_posted_of(src));
	if (is_ready) {
		epx_ring_publish(w, (__force u32)EPOLLIN);
		trace_epx_deliver(w, EPOLLIN);
	}
	return is_ready;
}
