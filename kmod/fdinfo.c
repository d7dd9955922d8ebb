// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/PID/fdinfo/FD of an instance: one line per watch, in epoll's format,
 * which lsof, CRIU and people's scripts parse; then one per source.
 *
 * Context: a read(2) of the file in /proc, by a task that need not be a user
 * of the instance. May sleep.
 *
 * A line shows where a watched file stands and which inode it is, so the file
 * has to be followed, and a watch holds no reference on it. So each file is
 * pinned for its line. A file that cannot be pinned has had its last close:
 * its watch is as good as gone and has no line, whether or not it is buried
 * yet. The reference that a pin takes may turn out to be the last one; then
 * its put leaves __fput() to the return to user space, where none of our
 * locks is held, so dropping it under the mutex is right.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/rbtree.h>
#include <linux/seq_file.h>

#include "bury.h"
#include "fdinfo.h"
#include "instance.h"
#include "pin.h"
#include "ready.h"
#include "ring.h"
#include "runner.h"
#include "source.h"

static void epx_fdinfo_show_watch(struct seq_file *m, struct epx_watch *w)
{
	struct inode *inode;

	lockdep_assert_held(&w->instance->mutex);

	if (!epx_watch_pin(w))
		return;
	inode = file_inode(w->file);
	seq_printf(m,
		   "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%lx sdev:%x\n",
		   w->fd, w->events, epx_watch_data(w), (long long)w->file->f_pos,
		   inode->i_ino, inode->i_sb->s_dev);
	fput(w->file);
}

/**
 * epx_fdinfo_show() - the ->show_fdinfo of an instance
 * @m: where to print; once it is full, the caller starts again with a larger
 *     buffer, so there is no use in going on
 * @file: the instance's file
 *
 * Before the watches, what the instance was made with, where that is not what
 * epoll has: readers of epoll's format see nothing new otherwise.
 *
 * Lists disarmed one-shot watches, and watches whose number is closed but
 * whose file lives on; never a file that is closed.
 *
 * Context: process context, may sleep; takes the instance's mutex.
 */
void epx_fdinfo_show(struct seq_file *m, struct file *file)
{
	struct epx_instance *inst = file->private_data;
	struct rb_node *node;

	if (inst->is_fifo || inst->slots)
		seq_printf(m, "wake:\t%s\n", inst->is_fifo ? "fifo" : "lifo");
	if (inst->slots)
		epx_runners_show(m, inst->slots);
	epx_instance_lock(inst, 0);
	epx_bury(inst);
	for (node = rb_first(&inst->tree); node; node = rb_next(node)) {
		epx_fdinfo_show_watch(m, rb_entry(node, struct epx_watch, node));
		if (seq_has_overflowed(m))
			break;
	}
	epx_sources_show(m, inst);
	epx_instance_unlock(inst);
}
