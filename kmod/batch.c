// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many changes of an interest list in one call.
 *
 * Process context. What one change does is in change.h; here they are taken
 * from the user's array and their results put there, in groups:
 *
 *	read a group, mark each result	user memory, no lock
 *	read indirect events		user memory, no lock
 *	make the changes		the instance's mutex, once
 *	write their results		user memory, no lock
 *	reschedule, die			between groups only
 *
 * A group is small enough for the stack, and for others to be let at the mutex
 * in time, and large enough that what it shares weighs little.
 *
 * A change must not be made and its result be lost. So an entry is written to
 * before its change is made: -EINPROGRESS, which is no change's result. A page
 * that cannot be written is found then. What is left is a page that goes away
 * while a group is at work, and that takes another thread of the caller's; the
 * ABI header says what such a caller sees.
 *
 * Files are looked up one by one, right before the change and under the mutex.
 * Dead watches are buried after each lookup (epx_apply()), not once
 * in a group: between two changes of a group another thread may close a file
 * and open one of the same number, at the same address. A last fput() here
 * does not close: that is left to the return to user space.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "argument.h"
#include "batch.h"
#include "change.h"
#include "compat.h"
#include "fput.h"
#include "lookup.h"
#include "trace.h"

/* What there is to do before the mutex is taken; few changes have any. */
static noinline void epx_group_prepare(struct epx_change *group,
				       unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		group[i].result = group[i].reserved ? -EINVAL :
				  epx_change_prepare(&group[i]);
}

/*
 * Read and mark; a function of its own, since with the rest of the work beside
 * it the compiler has too few registers. Returns the entries that were fit for
 * both.
 */
static noinline unsigned int
epx_group_read(struct epx_change *group, struct epx_ctl_entry __user *entries,
	       unsigned int count)
{
	unsigned int i = 0;
	u32 special = 0;

	if (!user_access_begin(entries, count * sizeof(*entries)))
		return 0;
	for (; i < count; i++) {
		if (!epx_change_read(&group[i], &entries[i].ctl))
			break;
		unsafe_get_user(group[i].reserved, &entries[i].reserved,
				fault);
		unsafe_put_user(-EINPROGRESS, &entries[i].result, fault);
		group[i].result = 0;
		special |= group[i].flags | group[i].reserved;
	}
fault:
	user_access_end();
	if (unlikely(special))
		epx_group_prepare(group, i);
	return i;
}

/*
 * One of many; the mutex is held, but given up for a change that may alter the
 * graph of instances. @is_watched: 1 or 0 if somebody watches the instance or
 * not, asked since the mutex was taken; -1: not asked yet. Asking once is as
 * good as asking for each: who begins to watch us meanwhile waits for the
 * mutex before looking at what is below, and finds there what we have added.
 */
static __always_inline int epx_change_locked(struct epx_instance *inst,
					     struct epx_change *change,
					     int *is_watched)
{
	int err = epx_check(inst, change);

	if (err)
		return err;
	if (epx_may_add(change) && *is_watched < 0)
		*is_watched = epx_file_is_watched(inst->file);
	if (likely(!epx_may_add(change) ||
		   !(*is_watched || epx_is_instance(change->file))))
		return epx_apply(inst, change, false);

	epx_instance_unlock(inst);
	err = epx_apply_nested(inst, change);
	epx_instance_lock(inst, 0);
	*is_watched = -1;
	return err;
}

static __always_inline void epx_group_make(struct epx_instance *inst,
					   struct epx_change *group,
					   unsigned int count)
{
	struct files_struct *own = epx_lookup_begin();
	int is_watched = -1;

	epx_instance_lock(inst, 0);
	for (struct epx_change *change = group; count--; change++) {
		if (unlikely(change->result))
			continue;
		change->file = epx_lookup(own, change->fd);
		if (unlikely(!change->file)) {
			change->result = -EBADF;
			continue;
		}
		change->result = epx_change_locked(inst, change, &is_watched);
		trace_epx_ctl(inst, change->op, change->fd,
			      (__force u32)change->events, change->result);
		epx_lookup_end(own, change->file);
	}
	epx_instance_unlock(inst);
}

/* Returns the results that are in user memory; *@all: all of them, or'ed. */
static __always_inline unsigned int
epx_group_write(const struct epx_change *group,
		struct epx_ctl_entry __user *entries, unsigned int count,
		int *all)
{
	unsigned int i = 0;

	if (!user_write_access_begin(entries, count * sizeof(*entries)))
		return 0;
	for (; i < count; i++) {
		unsafe_put_user(group[i].result, &entries[i].result, fault);
		*all |= group[i].result;
	}
fault:
	user_write_access_end();
	return i;
}

/**
 * epx_batch_make() - make the changes of a batch and write their results
 * @inst: the instance
 * @batch: the batch. Its @done is less than its @count if an entry could not
 *	   be read and written, or the caller is being killed
 *
 * Context: process, may sleep; takes the instance's mutex.
 */
void epx_batch_make(struct epx_instance *inst, struct epx_batch *batch)
{
	/* Written before it is read: that it is zero first costs too much. */
	struct epx_change group[EPX_CHANGES_AT_ONCE] __uninitialized;

	while (batch->done < batch->count) {
		struct epx_ctl_entry __user *entries =
			batch->entries + batch->done;
		unsigned int count = min_t(unsigned int, ARRAY_SIZE(group),
					   batch->count - batch->done);
		unsigned int read = epx_group_read(group, entries, count);
		unsigned int written;

		epx_group_make(inst, group, read);
		written = epx_group_write(group, entries, read,
					  &batch->results);
		batch->done += written;
		if (batch->done == batch->count || written < count ||
		    fatal_signal_pending(current))
			break;
		cond_resched();
	}
}

/**
 * epx_batch_ctlv() - EPX_IOC_CTLV
 * @inst: the instance
 * @cmd: the command, whose size tells the version
 * @uarg: struct epx_ctlv
 *
 * Context: process, may sleep.
 * Return: number of changes that have a result, or -errno.
 */
long epx_batch_ctlv(struct epx_instance *inst, unsigned int cmd,
		    const void __user *uarg)
{
	struct epx_batch batch;
	struct epx_ctlv ctlv;
	int err;

	BUILD_BUG_ON(sizeof(ctlv) != 16);
	BUILD_BUG_ON(sizeof(*batch.entries) != 32);
	err = epx_fetch(&ctlv, sizeof(ctlv), sizeof(ctlv), cmd, uarg);
	if (err)
		return err;
	if (ctlv.flags)
		return -EINVAL;
	err = epx_batch_check(&batch, ctlv.changes, ctlv.count);
	if (err)
		return err;
	epx_batch_make(inst, &batch);
	return batch.done || !batch.count ? batch.done : -EFAULT;
}
