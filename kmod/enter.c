// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes, then a wait, in one call.
 *
 * Process context. All that can be refused is refused before the first change;
 * after that the changes have their results in user memory, so that the call's
 * own result, a number of events or an error of the wait, says nothing about
 * them.
 *
 * The wait is in two parts. The first gathers: until min_events are ready, or
 * to the end of min_wait or of the timeout, whichever is earlier; gather.c.
 * The second is an ordinary wait, which collects what there is and sleeps
 * only if that is nothing.
 */
#include <linux/uaccess.h>

#include "argument.h"
#include "batch.h"
#include "compat.h"
#include "enter.h"
#include "gather.h"
#include "runner.h"
#include "trace.h"
#include "wait.h"

/* The usual size is read word by word, straight to its place. */
static __always_inline int epx_enter_fetch(struct epx_enter *enter,
					   unsigned int cmd,
					   const struct epx_enter __user *uarg)
{
	if (unlikely(cmd != EPX_IOC_ENTER))
		return epx_fetch(enter, sizeof(*enter), sizeof(*enter), cmd,
				 uarg);
	if (!user_read_access_begin(uarg, sizeof(*uarg)))
		return -EFAULT;
	unsafe_get_user(enter->changes, &uarg->changes, fault);
	unsafe_get_user(enter->count, &uarg->count, fault);
	unsafe_get_user(enter->flags, &uarg->flags, fault);
	unsafe_get_user(enter->events, &uarg->events, fault);
	unsafe_get_user(enter->maxevents, &uarg->maxevents, fault);
	unsafe_get_user(enter->min_events, &uarg->min_events, fault);
	unsafe_get_user(enter->timeout, &uarg->timeout, fault);
	unsafe_get_user(enter->min_wait, &uarg->min_wait, fault);
	unsafe_get_user(enter->sigmask, &uarg->sigmask, fault);
	unsafe_get_user(enter->sigsetsize, &uarg->sigsetsize, fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

/* What can be refused without a look at more user memory. */
static __always_inline int epx_enter_check(struct epx_instance *inst,
					   const struct epx_enter *enter,
					   struct epx_batch *batch)
{
	int err;

	if (enter->min_events < 0 || enter->min_events > enter->maxevents ||
	    enter->min_wait < 0 || !epx_wait_goes_together(enter->flags))
		return -EINVAL;
	err = epx_wait_check(inst, u64_to_user_ptr(enter->events),
			     enter->maxevents, enter->flags);
	if (err)
		return err;
	return epx_batch_check(batch, enter->changes, enter->count);
}

/*
 * All of the changes: 0 or -EFAULT. A failed one makes the wait one that does
 * not sleep.
 */
static __always_inline int epx_enter_change(struct epx_instance *inst,
					    struct epx_batch *batch,
					    struct epx_deadline *deadline)
{
	epx_batch_make(inst, batch);
	if (batch->results < 0)
		deadline->is_now = true;
	return batch->done < batch->count ? -EFAULT : 0;
}

/*
 * The changes, and the first part of the wait where more than one event is
 * wanted. Both times begin before the changes.
 */
static noinline int epx_enter_gather(struct epx_instance *inst,
				     const struct epx_enter *enter,
				     struct epx_batch *batch,
				     struct epx_deadline *deadline)
{
	struct epx_deadline first = {};
	int err = 0;

	if (enter->min_wait)
		err = epx_deadline_read(&first,
					enter->flags & EPX_WAIT_ABSTIME,
					enter->min_wait);
	if (!err)
		err = epx_enter_change(inst, batch, deadline);
	if (err || deadline->is_now || first.is_now)
		return err;
	/* Who gathers has no event in hand. */
	epx_runner_yield(inst->slots);
	if (!enter->min_wait || ktime_before(deadline->at, first.at))
		epx_gather(inst, enter->min_events, deadline);
	else
		epx_gather(inst, enter->min_events, &first);
	return 0;
}

static __always_inline int epx_enter_run(struct epx_instance *inst,
					 const struct epx_enter *enter,
					 struct epx_batch *batch,
					 struct epx_deadline *deadline)
{
	int err = 0;

	if (enter->min_events > 1)
		err = epx_enter_gather(inst, enter, batch, deadline);
	else if (batch->count)
		err = epx_enter_change(inst, batch, deadline);
	if (err)
		return err;
	if (unlikely(enter->flags & EPX_WAIT_PAYLOAD))
		return epx_wait_into(inst, u64_to_user_ptr(enter->events),
				     enter->maxevents, deadline, enter->flags);
	return epx_wait_events(inst, u64_to_user_ptr(enter->events),
			       enter->maxevents, deadline, 0);
}

/**
 * epx_enter() - EPX_IOC_ENTER
 * @inst: the instance
 * @cmd: the command, whose size tells the version
 * @uarg: struct epx_enter
 *
 * Context: process, sleeps.
 * Return: number of events or -errno.
 */
long epx_enter(struct epx_instance *inst, unsigned int cmd,
	       const void __user *uarg)
{
	/* Written before they are read. */
	struct epx_enter enter __uninitialized;
	struct epx_batch batch __uninitialized;
	struct epx_deadline deadline = {};
	int ret;

	BUILD_BUG_ON(sizeof(enter) != 64);
	ret = epx_enter_fetch(&enter, cmd, uarg);
	if (!ret)
		ret = epx_enter_check(inst, &enter, &batch);
	if (!ret)
		ret = epx_deadline_read(&deadline, enter.flags, enter.timeout);
	if (!ret && enter.sigmask)
		ret = epx_mask_set(enter.sigmask, enter.sigsetsize);
	if (ret)
		return ret;
	ret = epx_enter_run(inst, &enter, &batch, &deadline);
	trace_epx_return(inst, ret);
	if (enter.sigmask)
		epx_mask_restore(ret);
	return ret;
}
