// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPOLLWAKEUP: wakeup sources that keep the system from suspending between
 * the moment in which an event is queued and the next wait of its consumer.
 *
 * A watch with EPOLLWAKEUP has a source that is active while the watch is
 * queued. While a scan has the watch in its hands the instance's own source
 * is active instead, so there is no gap between taking a watch and putting it
 * back. The sources appear in /sys/kernel/debug/wakeup_sources: "[epollx]"
 * for an instance, the watched file's name for a watch. That name is copied
 * when the source is made: a rename may free the file's own.
 *
 * The wake callback reads watch->ws under RCU, since EPOLL_CTL_MOD may take
 * the source away; everything else holds the instance's mutex.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/device.h>

#include "wakeup.h"

static struct wakeup_source *epx_ws_locked(struct epx_instance *inst,
					   struct wakeup_source __rcu *ws)
{
	return rcu_dereference_protected(ws, lockdep_is_held(&inst->mutex));
}

static int epx_wakeup_create(struct epx_watch *w, struct file *file)
{
	struct epx_instance *inst = w->instance;
	struct name_snapshot name;
	struct wakeup_source *ws;

	if (!rcu_access_pointer(inst->ws)) {
		ws = wakeup_source_register(NULL, "[epollx]");
		if (!ws)
			return -ENOMEM;
		rcu_assign_pointer(inst->ws, ws);
	}
	take_dentry_name_snapshot(&name, file->f_path.dentry);
	ws = wakeup_source_register(NULL, name.name.name);
	release_dentry_name_snapshot(&name);
	if (!ws)
		return -ENOMEM;
	rcu_assign_pointer(w->ws, ws);
	/*
	 * A level-triggered watch stays queued, so who is queued already must
	 * not wait for the next push to be active. The source before the look.
	 * Pairs with xchg() in epx_push(): one of us sees the other.
	 */
	smp_mb();
	if (READ_ONCE(w->queued))
		__pm_stay_awake(ws);
	return 0;
}

/**
 * epx_wakeup_change() - epx_wakeup_update() where there is a change
 * @w: the watch
 * @file: its file, referenced
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: 0 or -ENOMEM.
 */
int epx_wakeup_change(struct epx_watch *w, struct file *file)
{
	struct wakeup_source *ws;

	lockdep_assert_held(&w->instance->mutex);
	if (w->events & EPOLLWAKEUP)
		return epx_wakeup_create(w, file);
	ws = epx_ws_locked(w->instance, w->ws);
	RCU_INIT_POINTER(w->ws, NULL);
	/* A callback may have read it. */
	synchronize_rcu();
	wakeup_source_unregister(ws);
	return 0;
}

/**
 * epx_wakeup_remove() - take a watch's source away, if it has one
 * @w: a watch without hooks
 *
 * Context: process, may sleep; the instance's mutex held.
 */
void epx_wakeup_remove(struct epx_watch *w)
{
	wakeup_source_unregister(epx_ws_locked(w->instance, w->ws));
	RCU_INIT_POINTER(w->ws, NULL);
}

/**
 * epx_wakeup_release() - take the instance's own source away
 * @inst: an instance without watches
 *
 * Context: process, may sleep; the instance's mutex held.
 */
void epx_wakeup_release(struct epx_instance *inst)
{
	wakeup_source_unregister(epx_ws_locked(inst, inst->ws));
	RCU_INIT_POINTER(inst->ws, NULL);
}

/**
 * epx_wakeup_stay_slow() - epx_wakeup_stay() of a watch that has a source
 * @w: the watch
 *
 * Context: any.
 */
void epx_wakeup_stay_slow(struct epx_watch *w)
{
	struct wakeup_source *ws;

	rcu_read_lock();
	ws = rcu_dereference(w->ws);
	if (ws)
		__pm_stay_awake(ws);
	rcu_read_unlock();
}

/**
 * epx_wakeup_take_slow() - epx_wakeup_take() of a watch that has a source
 * @w: the watch
 *
 * Context: process; the instance's mutex held.
 */
void epx_wakeup_take_slow(struct epx_watch *w)
{
	struct wakeup_source *ws = epx_ws_locked(w->instance, w->ws);

	/* The instance first, so that the system is never without a reason. */
	if (ws->active)
		__pm_stay_awake(epx_ws_locked(w->instance, w->instance->ws));
	__pm_relax(ws);
}

/**
 * epx_wakeup_relax() - the instance's own source has done its part
 * @inst: the instance
 *
 * Context: process; the instance's mutex held.
 */
void epx_wakeup_relax(struct epx_instance *inst)
{
	__pm_relax(epx_ws_locked(inst, inst->ws));
}
