// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a source is added, changed and ended.
 *
 * Process context, under the instance's mutex; a post runs beside all of this
 * (source.h has the picture), and a timer's callback beside all but its end.
 *
 * A change is exact because delivery needs the mutex, too: what an
 * EPOLL_CTL_DEL unlinks is on no list when it gives the mutex up, and what a
 * MOD of a timer drops cannot come back, since the callback has been waited
 * for before. In the ring it is the item's word that decides: the end clears
 * READY there in the section that ends all posts.
 *
 * A source is complete before it is seen: it enters ->sources last.
 */
#include <linux/mm.h>
#include <linux/time.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "argument.h"
#include "bury.h"
#include "compat.h"
#include "limits.h"
#include "ring.h"
#include "source.h"
#include "trace.h"

/* What the mask of a source may have in it. */
#define EPX_SOURCE_EVENTS	(EPOLLIN | EPOLLET | EPOLLONESHOT)

static bool epx_source_is_queued_depth(const struct epx_source_ctl *ctl)
{
	if (ctl->kind != EPX_SOURCE_QUEUE)
		return !ctl->depth;
	if (!ctl->depth)
		return ctl->op == EPOLL_CTL_MOD;
	return ctl->depth <= EPX_QUEUE_MAX;
}

static bool epx_source_is_time(const struct epx_source_ctl *ctl)
{
	if (ctl->kind != EPX_SOURCE_TIMER)
		return !(ctl->flags | ctl->clock | ctl->first | ctl->period |
			 ctl->slack);
	if ((ctl->flags & EPX_TIMER_CLOCK_SET) &&
	    (!(ctl->flags & EPX_TIMER_ABSTIME) || ctl->clock != CLOCK_REALTIME))
		return false;
	return !(ctl->flags & ~(EPX_TIMER_ABSTIME | EPX_TIMER_CLOCK_SET)) &&
	       (ctl->clock == CLOCK_REALTIME || ctl->clock == CLOCK_MONOTONIC ||
		ctl->clock == CLOCK_BOOTTIME) &&
	       (ctl->first | ctl->period | (s64)ctl->slack) >= 0;
}

static int epx_source_check(const struct epx_source_ctl *ctl)
{
	switch (ctl->op) {
	case EPOLL_CTL_DEL:
		return 0;
	case EPOLL_CTL_ADD:
	case EPOLL_CTL_MOD:
	case EPX_CTL_PUT:
		break;
	default:
		return -EINVAL;
	}
	if (ctl->kind < EPX_SOURCE_USER || ctl->kind > EPX_SOURCE_TIMER ||
	    (ctl->events & ~(__force u32)EPX_SOURCE_EVENTS) || ctl->reserved)
		return -EINVAL;
	return epx_source_is_queued_depth(ctl) && epx_source_is_time(ctl) ?
	       0 : -EINVAL;
}

static int epx_source_add(struct epx_instance *inst,
			  const struct epx_source_ctl *ctl)
{
	struct epx_source *src;
	int err;

	err = epx_limit_charge(inst);
	if (err)
		return err;
	src = epx_source_new(inst, ctl);
	if (IS_ERR(src)) {
		err = PTR_ERR(src);
		goto uncharge;
	}
	err = xa_insert(&inst->sources, ctl->id, src, GFP_KERNEL);
	if (err)
		goto free;
	if (src->kind == EPX_SOURCE_TIMER)
		epx_timer_set(epx_timer_of(src), ctl);
	return epx_changed(&src->watch);

free:
	if (epx_ring_of(inst)) {
		epx_ring_end(&src->watch);
		epx_ring_unbind(&src->watch);
	}
	epx_source_discard(src);
uncharge:
	epx_limit_uncharge(inst);
	return err;
}

/* The mask that a post sees, and what was pending is under one lock. */
static void epx_posted_modify(struct epx_posted *posted,
			      const struct epx_source_ctl *ctl)
{
	struct epx_source *src = &posted->source;
	struct epx_watch *w = &src->watch;
	bool is_pending;

	spin_lock(&src->lock);
	WRITE_ONCE(w->events, epx_source_mask(ctl));
	is_pending = epx_posted_is_pending(posted);
	spin_unlock(&src->lock);
	if (epx_ring_of(w->instance))
		is_pending = epx_ring_rearm(w, ctl->data) || is_pending;
	else
		w->data = ctl->data;
	if (is_pending)
		epx_queue(w, EPOLLIN);
}

static void epx_timer_modify(struct epx_timer *timer,
			     const struct epx_source_ctl *ctl)
{
	struct epx_watch *w = &timer->source.watch;
	bool moved = ctl->first && epx_timer_move(timer, ctl);

	if (!moved)
		epx_timer_stop(timer);
	/* Where its callback reads these it is over; a scan needs the mutex. */
	WRITE_ONCE(w->events, epx_source_mask(ctl));
	if (epx_ring_of(w->instance)) {
		epx_ring_modify(w, ctl->data);
		epx_ring_count_clear(w);
	} else {
		w->data = ctl->data;
	}
	if (!moved)
		epx_timer_set(timer, ctl);
}

static int epx_source_modify(struct epx_source *src,
			     const struct epx_source_ctl *ctl)
{
	if (src->kind != ctl->kind)
		return -EINVAL;
	if (src->kind == EPX_SOURCE_TIMER) {
		epx_timer_modify(epx_timer_of(src), ctl);
	} else {
		if (ctl->depth && ctl->depth != epx_posted_of(src)->depth)
			return -EINVAL;
		epx_posted_modify(epx_posted_of(src), ctl);
	}
	return epx_changed(&src->watch);
}

/* No post and no expiry goes on, or comes any more. */
static void epx_source_kill(struct epx_source *src)
{
	struct epx_watch *w = &src->watch;

	if (src->kind == EPX_SOURCE_TIMER)
		epx_timer_stop(epx_timer_of(src));
	spin_lock_irq(&src->lock);
	WRITE_ONCE(w->dead, 1);
	if (epx_ring_of(w->instance))
		epx_ring_end(w);
	spin_unlock_irq(&src->lock);
	/* Who finds ->dead looks at nothing else. */
	if (src->kind == EPX_SOURCE_QUEUE)
		epx_queue_free(epx_posted_of(src));
}

static void epx_source_end(struct epx_source *src)
{
	struct epx_watch *w = &src->watch;
	struct epx_instance *inst = w->instance;

	lockdep_assert_held(&inst->mutex);
	/* By its bits: of type int, for files. */
	xa_erase(&inst->sources, (u32)w->fd);
	epx_source_kill(src);
	epx_limit_uncharge(inst);
	if (w->queued) {
		epx_drain(inst);
		list_del(&w->ready);
	}
	if (epx_ring_of(inst))
		epx_ring_unbind(w);
	call_rcu(&w->rcu, epx_source_free);
}

static int epx_source_apply(struct epx_instance *inst,
			    const struct epx_source_ctl *ctl)
{
	struct epx_source *src = xa_load(&inst->sources, ctl->id);

	lockdep_assert_held(&inst->mutex);
	switch (ctl->op) {
	case EPOLL_CTL_DEL:
		if (!src)
			return -ENOENT;
		epx_source_end(src);
		return 0;
	case EPOLL_CTL_ADD:
		if (src)
			return -EEXIST;
		break;
	case EPOLL_CTL_MOD:
		if (!src)
			return -ENOENT;
		break;
	}
	if (src)
		return epx_source_modify(src, ctl);
	return epx_source_add(inst, ctl);
}

/*
 * The usual size is read in words: a timer is set as often as a program has
 * something to time.
 */
static __always_inline int
epx_source_fetch(struct epx_source_ctl *ctl, unsigned int cmd,
		 const struct epx_source_ctl __user *uarg)
{
	const u64 __user *from = (const u64 __user *)uarg;
	u64 *to = (u64 *)ctl;

	if (unlikely(cmd != EPX_IOC_SOURCE))
		return epx_fetch(ctl, sizeof(*ctl), sizeof(*ctl), cmd, uarg);
	if (!user_read_access_begin(uarg, sizeof(*uarg)))
		return -EFAULT;
	/* The loop would take three times what the words do. */
#pragma GCC unroll 8
	for (size_t i = 0; i < sizeof(*ctl) / sizeof(*to); i++)
		unsafe_get_user(to[i], &from[i], fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

/**
 * epx_source_change() - EPX_IOC_SOURCE
 * @inst: the instance
 * @cmd: the command, whose size tells the version
 * @uarg: struct epx_source_ctl
 *
 * Context: process, may sleep.
 * Return: 0 or the number of an item, or -errno.
 */
long epx_source_change(struct epx_instance *inst, unsigned int cmd,
		       const void __user *uarg)
{
	/* Written before it is read. */
	struct epx_source_ctl ctl __uninitialized;
	int err;

	BUILD_BUG_ON(sizeof(ctl) != 64);
	BUILD_BUG_ON(offsetof(struct epx_source, watch));
	err = epx_source_fetch(&ctl, cmd, uarg);
	if (!err)
		err = epx_source_check(&ctl);
	if (err)
		return err;
	epx_instance_lock(inst, 0);
	err = epx_source_apply(inst, &ctl);
	epx_instance_unlock(inst);
	trace_epx_ctl(inst, ctl.op, ctl.id, ctl.events, err);
	return err;
}

/**
 * epx_sources_clear() - path C: end all sources of an instance
 * @inst: the instance, which nobody can reach any more but its timers
 *
 * Context: process, may sleep; the instance's mutex held.
 */
void epx_sources_clear(struct epx_instance *inst)
{
	struct epx_source *src;
	unsigned long id;

	lockdep_assert_held(&inst->mutex);
	xa_for_each(&inst->sources, id, src) {
		epx_source_end(src);
		cond_resched();
	}
	xa_destroy(&inst->sources);
}
