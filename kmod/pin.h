/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_PIN_H
#define EPX_PIN_H

#include <linux/file.h>
#include <linux/preempt.h>

#include "compat.h"
#include "instance.h"

/**
 * epx_watch_pin() - take a reference on a watched file
 * @w: the watch
 *
 * A file is polled only while pinned. The pin is lock-free::
 *
 *	epx_watch_pin()			close of the file
 *	preempt_disable()
 *	dead? no			count is 0
 *	count + 1 unless it is 0	dead = 1 (epx_watch_kill())
 *	dead? no			free; recycled: count = 1
 *	preempt_enable()
 *
 * The memory is a struct file throughout: it is freed after an RCU grace
 * period (6.1), or is of a slab whose pages are (6.12, where another open may
 * reuse the object at once), and that cannot end in our section if it began
 * after the first look. If the count was raised on a recycled file, the
 * recycling came before, and so did dead = 1, which the second look sees; the
 * stranger's reference is dropped again.
 *
 * Context: process; the instance's mutex held, which keeps other ends of the
 * watch than its file's close away. The caller drops the reference with
 * fput(), which defers a final close to the return to user space.
 * Return: false if the file is on its way out.
 */
static inline bool epx_watch_pin(struct epx_watch *w)
{
	struct file *file = w->file;
	bool pinned;

	lockdep_assert_held(&w->instance->mutex);
	preempt_disable();
	pinned = !READ_ONCE(w->dead) && epx_file_tryget(file);
	preempt_enable();
	/*
	 * The count before the second look: epx_file_tryget() is a full
	 * barrier. Pairs with smp_wmb() in epx_watch_kill().
	 */
	if (pinned && unlikely(READ_ONCE(w->dead))) {
		fput(file);
		pinned = false;
	}
	return pinned;
}

#endif /* EPX_PIN_H */
