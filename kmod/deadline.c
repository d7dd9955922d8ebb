// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a wait ends: the forms in which a caller can say it.
 *
 * Process context.
 */
#include <linux/epollx.h>
#include <linux/time64.h>
#include <linux/uaccess.h>

#include "deadline.h"

static int epx_deadline_timespec(struct epx_deadline *deadline,
				 const struct __kernel_timespec __user *uts)
{
	struct timespec64 ts;

	if (!uts) {
		deadline->at = KTIME_MAX;
		return 0;
	}
	if (get_timespec64(&ts, uts))
		return -EFAULT;
	if (!timespec64_valid(&ts))
		return -EINVAL;
	epx_deadline_in(deadline, timespec64_to_ns(&ts));
	return 0;
}

static int epx_deadline_at(struct epx_deadline *deadline, s64 at)
{
	ktime_t left;

	if (at < 0)
		return -EINVAL;
	left = ktime_sub(at, ktime_get());
	deadline->at = at;
	deadline->is_now = left <= 0;
	deadline->slack = epx_slack(left);
	return 0;
}

/**
 * epx_deadline_read() - when does a wait with these arguments end?
 * @deadline: all zero, to be set
 * @flags: EPX_WAIT_* bits
 * @timeout: what they say it is
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL or -EFAULT.
 */
noinline int epx_deadline_read(struct epx_deadline *deadline, u32 flags,
			       s64 timeout)
{
	/* Before what @timeout points to. */
	if (!epx_wait_goes_together(flags))
		return -EINVAL;
	switch (flags & ~EPX_WAIT_WHERE) {
	case 0:
		epx_deadline_in(deadline, timeout);
		return 0;
	case EPX_WAIT_TIMESPEC:
		return epx_deadline_timespec(deadline,
					     u64_to_user_ptr((u64)timeout));
	case EPX_WAIT_ABSTIME:
		return epx_deadline_at(deadline, timeout);
	default:
		return -EINVAL;
	}
}
