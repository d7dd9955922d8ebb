/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_READY_H
#define EPX_READY_H

#include <linux/atomic.h>
#include <linux/poll.h>

#include "instance.h"
#include "wakeup.h"

/**
 * epx_push() - queue a watch from a wake callback
 * @w: the watch
 *
 * A full barrier, whatever it returns.
 *
 * Context: any. Return: whether the watch was not queued before.
 */
static inline bool epx_push(struct epx_watch *w)
{
	struct epx_instance *inst = w->instance;

	if (xchg(&w->queued, 1))
		return false;
	epx_wakeup_stay(w);
	if (unlikely(READ_ONCE(inst->scan_seq) & 1))
		epx_count(arrived_in_scan);
	llist_add(&w->incoming, &inst->incoming);
	return true;
}

/**
 * epx_is_available() - may there be something to collect?
 * @inst: the instance
 *
 * Lock-free: a yes may be stale, a no may miss what a running scan holds in
 * its hands; a scan that puts something back wakes a sleeper.
 *
 * Context: any. Return: whether a watch is queued.
 */
static inline bool epx_is_available(struct epx_instance *inst)
{
	return !llist_empty(&inst->incoming) ||
	       !list_empty_careful(&inst->ready);
}

bool epx_is_quiet(struct epx_instance *inst);
bool epx_watch_pin(struct epx_watch *w);
__poll_t epx_watch_poll(struct epx_watch *w, struct file *file,
			poll_table *pt, unsigned int depth);
void epx_drain(struct epx_instance *inst);
void epx_queue(struct epx_watch *w);
int epx_collect(struct epx_instance *inst, struct epoll_event __user *events,
		int max);
__poll_t epx_instance_poll(struct epx_instance *inst, struct file *file,
			   poll_table *pt, unsigned int depth);

#endif /* EPX_READY_H */
