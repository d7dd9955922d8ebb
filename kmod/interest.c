// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interest list: a red-black tree of watches by (file, fd number), and
 * the changes that EPOLL_CTL_ADD, MOD, DEL and EPX_CTL_PUT make to it.
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
 *
 * The order of the checks is epoll_ctl(2)'s, and programs see it.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "argument.h"
#include "bury.h"
#include "busypoll.h"
#include "compat.h"
#include "fput.h"
#include "hook.h"
#include "interest.h"
#include "limits.h"
#include "nest.h"
#include "ready.h"
#include "ring.h"
#include "trace.h"

/* ERR and HUP are reported whether asked for or not. */
#define EPX_ALWAYS_BITS		(EPOLLERR | EPOLLHUP)

/* What one call wants: struct epx_ctl, and the file. */
struct epx_change {
	struct file *file;
	int op;
	int fd;
	u32 flags;
	__poll_t events;
	u64 data;
};

static int epx_compare(const struct epx_watch *w, const struct file *file,
		       int fd)
{
	if (w->file != file)
		return file < w->file ? -1 : 1;
	return fd - w->fd;
}

static struct epx_watch *epx_find(struct epx_instance *inst,
				  const struct file *file, int fd)
{
	struct rb_node *node = inst->tree.rb_node;

	while (node) {
		struct epx_watch *w = rb_entry(node, struct epx_watch, node);
		int order = epx_compare(w, file, fd);

		if (!order)
			return w;
		node = order < 0 ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static void epx_link(struct epx_instance *inst, struct epx_watch *new)
{
	struct rb_node **link = &inst->tree.rb_node, *parent = NULL;

	while (*link) {
		struct epx_watch *w = rb_entry(*link, struct epx_watch, node);

		parent = *link;
		link = epx_compare(w, new->file, new->fd) < 0 ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&new->node, parent, link);
	rb_insert_color(&new->node, &inst->tree);
}

/* What an add or a modify returns. */
static inline int epx_changed(const struct epx_watch *w)
{
	return unlikely(epx_ring_of(w->instance)) ? epx_ring_item(w) : 0;
}

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
	epx_link(inst, w);
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

/*
 * The new mask before the poll: a callback that still saw the old mask, and
 * was filtered by it, made the file ready before our poll looks.
 */
static int epx_modify(struct epx_watch *w, const struct epx_change *change)
{
	__poll_t revents;
	poll_table pt;

	if ((w->events | change->events) & EPOLLEXCLUSIVE)
		return -EINVAL;
	WRITE_ONCE(w->events, change->events);
	if (unlikely(epx_ring_of(w->instance)))
		epx_ring_modify(w, change->data);
	else
		w->data = change->data;
	/* Without memory for it the watch works all the same, as epoll's. */
	epx_wakeup_update(w, change->file);
	/*
	 * The mask before the file's state. Pairs with the lock of the file's
	 * wait queue, inside which epx_hook_wake() reads the mask after the
	 * file has become ready.
	 */
	smp_mb();
	init_poll_funcptr(&pt, NULL);
	revents = epx_watch_poll(w, change->file, &pt, 1);
	if (revents)
		epx_queue(w, revents);
	return epx_changed(w);
}

static int epx_delete(struct epx_watch *w)
{
	epx_watch_end(w);
	return 0;
}

/* The lookup and what follows from it; both locks are the caller's. */
static __always_inline int epx_apply(struct epx_instance *inst,
				     const struct epx_change *change,
				     bool check_paths)
{
	struct epx_watch *w;

	epx_bury(inst);
	w = epx_find(inst, change->file, change->fd);
	switch (change->op) {
	case EPOLL_CTL_DEL:
		return w ? epx_delete(w) : -ENOENT;
	case EPOLL_CTL_MOD:
		return w ? epx_modify(w, change) : -ENOENT;
	case EPX_CTL_PUT:
		if (w)
			return epx_modify(w, change);
		break;
	case EPOLL_CTL_ADD:
		if (w)
			return -EEXIST;
		break;
	default:
		return -EINVAL;
	}
	return epx_interest_add(inst, change->file, change->fd,
				change->events, change->data, check_paths);
}

static bool epx_is_exclusive_ok(const struct epx_change *change)
{
	if (change->op == EPOLL_CTL_MOD)
		return false;
	if (change->op != EPOLL_CTL_ADD && change->op != EPX_CTL_PUT)
		return true;
	return !epx_is_instance(change->file) &&
	       !epx_is_native_epoll(change->file) &&
	       !(change->events & ~EPX_EXCLUSIVE_OK_BITS);
}

/* A change that may alter the graph of instances. */
static noinline int epx_apply_nested(struct epx_instance *inst,
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
			      const struct epx_change *change, bool may_add)
{
	bool is_nested;
	int err = 0;

	epx_instance_lock(inst, 0);
	is_nested = may_add && (epx_is_instance(change->file) ||
				epx_file_is_watched(inst->file));
	if (likely(!is_nested))
		err = epx_apply(inst, change, false);
	epx_instance_unlock(inst);
	if (unlikely(is_nested))
		err = epx_apply_nested(inst, change);
	return err;
}

/* The checks that come before the lookup. */
static int epx_check_and_apply(struct epx_instance *inst,
			       struct epx_change *change)
{
	bool may_add = change->op == EPOLL_CTL_ADD ||
		       change->op == EPX_CTL_PUT;

	if (!file_can_poll(change->file))
		return -EPERM;
	if ((change->events & EPOLLWAKEUP) &&
	    (!IS_ENABLED(CONFIG_PM_SLEEP) || !capable(CAP_BLOCK_SUSPEND)))
		change->events &= ~EPOLLWAKEUP;
	if (change->file == inst->file)
		return -EINVAL;
	if ((change->events & EPOLLEXCLUSIVE) && !epx_is_exclusive_ok(change))
		return -EINVAL;
	change->events |= EPX_ALWAYS_BITS;
	if (may_add && epx_is_native_epoll(change->file)) {
		epx_count(loop_refused);
		return -ELOOP;
	}
	return epx_lock_and_apply(inst, change, may_add);
}

/* The event of struct epoll_event's layout, in user memory of its own. */
static noinline int epx_change_indirect(struct epx_change *change)
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

/* The common size is fetched field by field, straight to its place. */
static __always_inline int epx_change_fetch(struct epx_change *change,
					    unsigned int cmd,
					    const struct epx_ctl __user *ctl)
{
	u32 events;

	if (unlikely(cmd != EPX_IOC_CTL))
		return epx_change_fetch_sized(change, cmd, ctl);
	if (!user_read_access_begin(ctl, sizeof(*ctl)))
		return -EFAULT;
	unsafe_get_user(change->op, &ctl->op, fault);
	unsafe_get_user(change->fd, &ctl->fd, fault);
	unsafe_get_user(change->flags, &ctl->flags, fault);
	unsafe_get_user(events, &ctl->events, fault);
	unsafe_get_user(change->data, &ctl->data, fault);
	user_read_access_end();
	change->events = (__force __poll_t)events;
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
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
	struct epx_change change;
	struct fd watched;
	int err;

	err = epx_change_fetch(&change, cmd, uarg);
	if (err)
		return err;
	if (change.flags & ~EPX_CTL_INDIRECT)
		return -EINVAL;
	/* A DEL has no event: there is nothing to read and no bit to check. */
	if (change.op == EPOLL_CTL_DEL)
		change.events = 0;
	else if (change.flags & EPX_CTL_INDIRECT)
		err = epx_change_indirect(&change);
	if (err)
		return err;

	/*
	 * The descriptor of a task that shares its table with nobody is as
	 * good as a reference: only we could close it.
	 */
	watched = fdget(change.fd);
	change.file = fd_file(watched);
	if (!change.file)
		return -EBADF;
	err = epx_check_and_apply(inst, &change);
	trace_epx_ctl(inst, change.op, change.fd, (__force u32)change.events,
		      err);
	fdput(watched);
	return err;
}
