/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_WAKEUP_H
#define EPX_WAKEUP_H

#include <linux/rcupdate.h>

#include "instance.h"

int epx_wakeup_change(struct epx_watch *w, struct file *file);
void epx_wakeup_remove(struct epx_watch *w);
void epx_wakeup_release(struct epx_instance *inst);
void epx_wakeup_stay_slow(struct epx_watch *w);
void epx_wakeup_take_slow(struct epx_watch *w);
void epx_wakeup_relax(struct epx_instance *inst);

/**
 * epx_wakeup_update() - give or take a watch's source, as its mask says
 * @w: the watch
 * @file: its file, referenced
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: 0 or -ENOMEM.
 */
static inline int epx_wakeup_update(struct epx_watch *w, struct file *file)
{
	if (likely(!(w->events & EPOLLWAKEUP) == !rcu_access_pointer(w->ws)))
		return 0;
	return epx_wakeup_change(w, file);
}

/**
 * epx_wakeup_stay() - a watch is queued: keep the system awake for it
 * @w: the watch
 *
 * Context: any. Costs a load where the watch has no EPOLLWAKEUP.
 */
static inline void epx_wakeup_stay(struct epx_watch *w)
{
	if (unlikely(rcu_access_pointer(w->ws)))
		epx_wakeup_stay_slow(w);
}

/**
 * epx_wakeup_take() - a scan takes a watch: the instance keeps awake instead
 * @w: the watch
 *
 * Context: process; the instance's mutex held.
 */
static inline void epx_wakeup_take(struct epx_watch *w)
{
	if (unlikely(rcu_access_pointer(w->ws)))
		epx_wakeup_take_slow(w);
}

/**
 * epx_wakeup_scan_end() - a scan has given back what is left
 * @inst: the instance
 *
 * Context: process; the instance's mutex held.
 */
static inline void epx_wakeup_scan_end(struct epx_instance *inst)
{
	if (unlikely(rcu_access_pointer(inst->ws)))
		epx_wakeup_relax(inst);
}

#endif /* EPX_WAKEUP_H */
