/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One change of an interest list, from the caller's struct to the watch. In a
 * header because both who makes one (change.c) and who makes many (batch.c)
 * have it inlined.
 *
 *	read, prepare	from user memory; no lock
 *	check		the file is referenced
 *	apply		under the instance's mutex
 *
 * Process context. The order of the checks is epoll_ctl(2)'s, and programs see
 * it.
 *
 * An add must not take a dead watch for a living one: a file that was closed
 * may have left a watch under the same number, and the new file may have been
 * given the same address. So the dead are buried between the lookup of the
 * file, after which it can no longer be the closed one, and the lookup of the
 * watch.
 */
#ifndef EPX_CHANGE_H
#define EPX_CHANGE_H

#include <linux/capability.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "bury.h"
#include "interest.h"
#include "nest.h"
#include "ready.h"
#include "ring.h"
#include "tree.h"
#include "wakeup.h"

/* What may accompany EPOLLEXCLUSIVE. */
#define EPX_EXCLUSIVE_OK_BITS \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | \
	 EPOLLEXCLUSIVE)

/* ERR and HUP are reported whether asked for or not. */
#define EPX_ALWAYS_BITS		(EPOLLERR | EPOLLHUP)

/**
 * struct epx_change - what a caller wants of the interest list
 * @file: the watched file, referenced, once it has been looked up
 * @op: from here to @data laid out as struct epx_ctl, which describes them
 * @fd: the number
 * @events: mask
 * @flags: EPX_CTL_* bits
 * @data: what an event carries, or with EPX_CTL_INDIRECT where it stands
 * @result: of a change in a batch
 * @reserved: as in struct epx_ctl_entry
 */
struct epx_change {
	struct file *file;
	int op;
	int fd;
	__poll_t events;
	u32 flags;
	u64 data;
	int result;
	u32 reserved;
};

long epx_change_ctl(struct epx_instance *inst, unsigned int cmd,
		    const void __user *uarg);
int epx_change_indirect(struct epx_change *change);
int epx_change_rotating(struct epx_change *change);
int epx_apply_nested(struct epx_instance *inst,
		     const struct epx_change *change);

/**
 * epx_change_read() - read a change in words, straight to its place
 * @change: where to
 * @ctl: where from
 *
 * Context: process; between user_access_begin() and its end, may fault.
 * Return: false if it cannot be read.
 */
static __always_inline bool
epx_change_read(struct epx_change *change, const struct epx_ctl __user *ctl)
{
	const u64 __user *from = (const u64 __user *)ctl;
	u64 *to = (u64 *)&change->op;

	BUILD_BUG_ON(offsetof(struct epx_change, result) -
		     offsetof(struct epx_change, op) != sizeof(*ctl));
	unsafe_get_user(to[0], &from[0], fault);
	unsafe_get_user(to[1], &from[1], fault);
	unsafe_get_user(to[2], &from[2], fault);
	return true;
fault:
	return false;
}

/**
 * epx_change_prepare() - what is to be done before the file is looked up
 * @change: as it was read
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL for flags that are not defined or have no meaning here,
 * -EFAULT.
 */
static inline int epx_change_prepare(struct epx_change *change)
{
	if (unlikely(change->flags & ~EPX_CTL_INDIRECT))
		return epx_change_rotating(change);
	if ((change->flags & EPX_CTL_INDIRECT) && change->op != EPOLL_CTL_DEL)
		return epx_change_indirect(change);
	return 0;
}

/*
 * The new mask before the poll: a callback that still saw the old mask, and
 * was filtered by it, made the file ready before our poll looks.
 */
static __always_inline int epx_modify(struct epx_watch *w,
				      const struct epx_change *change)
{
	poll_table pt = { ._qproc = NULL };
	__poll_t revents;

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
	 * wait queue, inside which epx_hook_run() reads the mask after the
	 * file has become ready.
	 */
	smp_mb();
	revents = epx_watch_poll(w, change->file, &pt, 1);
	if (revents)
		epx_queue(w, revents);
	return epx_changed(w);
}

static inline int epx_delete(struct epx_watch *w)
{
	epx_watch_end(w);
	return 0;
}

/**
 * epx_apply() - look up the watch, and what follows from that
 * @inst: the instance
 * @change: checked
 * @check_paths: as in epx_interest_add()
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: 0 or -errno.
 */
static __always_inline int epx_apply(struct epx_instance *inst,
				     const struct epx_change *change,
				     bool check_paths)
{
	struct epx_watch *w;

	epx_bury(inst);
	w = epx_tree_find(inst, change->file, change->fd);
	switch (change->op) {
	case EPOLL_CTL_DEL:
		return w ? epx_delete(w) : -ENOENT;
	case EPOLL_CTL_ADD:
		if (w)
			return -EEXIST;
		break;
	case EPOLL_CTL_MOD:
		if (!w)
			return -ENOENT;
		break;
	case EPX_CTL_PUT:
		break;
	default:
		return -EINVAL;
	}
	if (w)
		return epx_modify(w, change);
	return epx_interest_add(inst, change->file, change->fd,
				change->events, change->data, check_paths);
}

static inline bool epx_may_add(const struct epx_change *change)
{
	return change->op == EPOLL_CTL_ADD || change->op == EPX_CTL_PUT;
}

static inline bool epx_is_exclusive_ok(struct epx_instance *inst,
				       const struct epx_change *change)
{
	__poll_t allowed = EPX_EXCLUSIVE_OK_BITS;

	/* The bit is the module's own then: epx_change_rotating(). */
	if ((change->flags & EPX_CTL_ROTATE) && !epx_ring_of(inst))
		allowed |= EPX_ROTATES;
	if (change->op == EPOLL_CTL_MOD)
		return false;
	if (!epx_may_add(change))
		return true;
	return !epx_is_instance(change->file) &&
	       !epx_is_native_epoll(change->file) &&
	       !(change->events & ~allowed);
}

/**
 * epx_check() - the checks that come before the lookup
 * @inst: the instance
 * @change: prepared, its file referenced; bits of its mask may change
 *
 * Context: process.
 * Return: 0 or -errno.
 */
static __always_inline int epx_check(struct epx_instance *inst,
				     struct epx_change *change)
{
	/* There is no event to read, and so no bit to check. */
	if (change->op == EPOLL_CTL_DEL)
		change->events = 0;
	if (!file_can_poll(change->file))
		return -EPERM;
	if ((change->events & EPOLLWAKEUP) &&
	    (!IS_ENABLED(CONFIG_PM_SLEEP) || !capable(CAP_BLOCK_SUSPEND)))
		change->events &= ~EPOLLWAKEUP;
	if (change->file == inst->file)
		return -EINVAL;
	if ((change->events & EPOLLEXCLUSIVE) && !epx_is_exclusive_ok(inst, change))
		return -EINVAL;
	change->events |= EPX_ALWAYS_BITS;
	if (epx_may_add(change) && epx_is_native_epoll(change->file)) {
		epx_count(loop_refused);
		return -ELOOP;
	}
	return 0;
}

#endif /* EPX_CHANGE_H */
