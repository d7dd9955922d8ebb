// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interest list, and the changes that EPOLL_CTL_ADD, MOD, DEL and
 * EPX_CTL_PUT make to it.
 *
 * Process context, under the instance's mutex.
 *
 * The order of an add is what the close of the file relies on: tree, then
 * hash, then hooks. The caller's reference keeps the file open all the while,
 * so a close comes after the add has returned and finds the watch hashed. An
 * add that fails half-way ends the watch as EPOLL_CTL_DEL would.
 *
 * An add must not take a dead watch for a living one: a file that was closed
 * may have left a watch under the same fd number, and the new file may have
 * been given the same address. So the dead are buried between the fdget(),
 * after which our file can no longer be the closed one, and the lookup.
 */
#include <linux/uaccess.h>

#include "argument.h"
#include "bury.h"
#include "busypoll.h"
#include "change.h"
#include "fput.h"
#include "hook.h"
#include "interest.h"
#include "limits.h"
#include "lookup.h"
#include "nest.h"
#include "ready.h"
#include "ring.h"
#include "trace.h"
#include "tree.h"

/**
 * epx_interest_add() - add a watch
 * @inst: the instance
 * @file: the file, referenced
 * @fd: its number, part of the key
 * @events: mask
 * @data: what an event carries
 * @check_paths: the caller has epx_nest_lock() and wants the paths counted
 *
 * Context: process, may sleep; the instance's mutex held, no watch of
 * (@file, @fd) in the tree.
 * Return: 0, or the number of the item where the instance has a ring; -ENOSPC,
 * -ENOMEM, or -EINVAL for too many paths. On an error nothing is left behind.
 */
int epx_interest_add(struct epx_instance *inst, struct file *file, int fd,
		     __poll_t events, u64 data, bool check_paths)
{
	struct epx_watch *w;
	__poll_t revents;
	int err;

	lockdep_assert_held(&inst->mutex);
	err = epx_limit_charge(inst);
	if (err)
		return err;
	w = epx_watch_new(inst, data);
	if (IS_ERR(w)) {
		epx_limit_uncharge(inst);
		return PTR_ERR(w);
	}
	w->file = file;
	w->fd = fd;
	w->events = events;
	w->is_nested = epx_is_instance(file);
	epx_tree_link(inst, w);
	epx_file_hash(w);

	if (check_paths)
		err = epx_nest_check_paths(file);
	if (!err)
		err = epx_wakeup_update(w, file);
	if (!err)
		err = epx_hooks_attach(w, file, &revents);
	if (err) {
		epx_watch_end(w);
		return err;
	}
	epx_busy_note(inst, file);
	if (revents)
		epx_queue(w, revents);
	return epx_changed(w);
}

/**
 * epx_apply_nested() - make a change that may alter the graph of instances
 * @inst: the instance
 * @change: checked
 *
 * Context: process, may sleep; no instance's mutex held.
 * Return: 0 or -errno.
 */
noinline int epx_apply_nested(struct epx_instance *inst,
			      const struct epx_change *change)
{
	int err = 0;

	epx_nest_lock();
	if (epx_is_instance(change->file))
		err = epx_nest_check_edge(inst, change->file);
	if (!err) {
		epx_instance_lock(inst, 0);
		err = epx_apply(inst, change, true);
		epx_instance_unlock(inst);
	}
	epx_nest_unlock();
	return err;
}

/*
 * An add may alter the graph if its target is an instance, or if the instance
 * is watched itself. That is asked under the mutex, and once more with the
 * lock of all adds first: nest.c has the other half of this.
 */
static int epx_lock_and_apply(struct epx_instance *inst,
			      const struct epx_change *change)
{
	bool is_nested;
	int err = 0;

	epx_instance_lock(inst, 0);
	is_nested = epx_may_add(change) &&
		    (epx_is_instance(change->file) ||
		     epx_file_is_watched(inst->file));
	if (likely(!is_nested))
		err = epx_apply(inst, change, false);
	epx_instance_unlock(inst);
	if (unlikely(is_nested))
		err = epx_apply_nested(inst, change);
	return err;
}

/**
 * epx_change_indirect() - read the event of a change with EPX_CTL_INDIRECT
 * @change: the change; the event has struct epoll_event's layout
 *
 * Context: process, may sleep.
 * Return: 0 or -EFAULT.
 */
noinline int epx_change_indirect(struct epx_change *change)
{
	struct epoll_event event;

	if (copy_from_user(&event, u64_to_user_ptr(change->data),
			   sizeof(event)))
		return -EFAULT;
	change->events = event.events;
	change->data = event.data;
	return 0;
}

static noinline int epx_change_fetch_sized(struct epx_change *change,
					   unsigned int cmd,
					   const void __user *uarg)
{
	struct epx_ctl ctl;
	int err;

	err = epx_fetch(&ctl, sizeof(ctl), sizeof(ctl), cmd, uarg);
	change->op = ctl.op;
	change->fd = ctl.fd;
	change->flags = ctl.flags;
	change->events = (__force __poll_t)ctl.events;
	change->data = ctl.data;
	return err;
}

static __always_inline int epx_change_fetch(struct epx_change *change,
					    unsigned int cmd,
					    const struct epx_ctl __user *ctl)
{
	bool is_read;

	if (unlikely(cmd != EPX_IOC_CTL))
		return epx_change_fetch_sized(change, cmd, ctl);
	if (!user_read_access_begin(ctl, sizeof(*ctl)))
		return -EFAULT;
	is_read = epx_change_read(change, ctl);
	user_read_access_end();
	return is_read ? 0 : -EFAULT;
}

/**
 * epx_interest_ctl() - EPX_IOC_CTL
 * @inst: the instance
 * @cmd: the command, whose size tells the version
 * @uarg: struct epx_ctl
 *
 * Context: process, may sleep.
 * Return: 0 or -errno, as epoll_ctl(2); with a ring a number from 0 on.
 */
long epx_interest_ctl(struct epx_instance *inst, unsigned int cmd,
		      const void __user *uarg)
{
	struct files_struct *own;
	struct epx_change change;
	int err;

	err = epx_change_fetch(&change, cmd, uarg);
	if (!err)
		err = epx_change_prepare(&change);
	if (err)
		return err;

	own = epx_lookup_begin();
	change.file = epx_lookup(own, change.fd);
	if (!change.file)
		return -EBADF;
	err = epx_check(inst, &change);
	if (!err)
		err = epx_lock_and_apply(inst, &change);
	trace_epx_ctl(inst, change.op, change.fd, (__force u32)change.events,
		      err);
	epx_lookup_end(own, change.file);
	return err;
}
