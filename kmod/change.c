// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPOLL_CTL_ADD, MOD, DEL and EPX_CTL_PUT: one change of an interest list, as a
 * call of its own, and the part of a change that is not worth inlining.
 *
 * Process context.
 */
#include <linux/uaccess.h>

#include "argument.h"
#include "change.h"
#include "fput.h"
#include "lookup.h"
#include "trace.h"

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

/**
 * epx_change_rotating() - prepare a change with more flags than
 * EPX_CTL_INDIRECT
 * @change: the change; from here on its mask has EPX_ROTATES
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL or -EFAULT.
 */
noinline int epx_change_rotating(struct epx_change *change)
{
	int err = 0;

	if ((change->flags & ~(EPX_CTL_INDIRECT | EPX_CTL_ROTATE)) ||
	    !epx_may_add(change))
		return -EINVAL;
	if (change->flags & EPX_CTL_INDIRECT)
		err = epx_change_indirect(change);
	if (err)
		return err;
	if (!(change->events & EPOLLEXCLUSIVE) ||
	    (change->events & EPX_ROTATES))
		return -EINVAL;
	change->events |= EPX_ROTATES;
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
 * epx_change_ctl() - EPX_IOC_CTL
 * @inst: the instance
 * @cmd: the command, whose size tells the version
 * @uarg: struct epx_ctl
 *
 * Context: process, may sleep.
 * Return: 0 or -errno, as epoll_ctl(2).
 */
long epx_change_ctl(struct epx_instance *inst, unsigned int cmd,
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
