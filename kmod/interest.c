// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a watch comes into an interest list.
 *
 * Process context, under the instance's mutex.
 *
 * The order of an add is what the close of the file relies on: tree, then
 * hash, then hooks. The caller's reference keeps the file open all the while,
 * so a close comes after the add has returned and finds the watch hashed. An
 * add that fails half-way ends the watch as EPOLL_CTL_DEL would.
 */
#include "bury.h"
#include "busypoll.h"
#include "fput.h"
#include "hook.h"
#include "interest.h"
#include "limits.h"
#include "nest.h"
#include "ready.h"
#include "ring.h"
#include "tree.h"
#include "wakeup.h"

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
	if (epx_is_instance(file))
		w->kind = EPX_KIND_NESTED;
	else if (unlikely((events & EPOLLEXCLUSIVE) && (events & EPX_ROTATES)))
		w->kind = EPX_KIND_ROTATING;
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
