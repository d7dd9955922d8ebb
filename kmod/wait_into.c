// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits whose flags say where events go: with their payload, or into the ring.
 *
 * Process context. They share the loop of all waits, in wait.h, but not its
 * code: the common wait does not ask for a payload.
 */
#include <linux/uaccess.h>

#include "ring.h"
#include "wait.h"

/**
 * epx_wait_check() - can what is waited for be delivered there?
 * @inst: the instance
 * @events: the array
 * @max: its length
 * @flags: EPX_WAIT_*, of which those that say where go together
 *
 * Context: process.
 * Return: 0, -EINVAL or -EFAULT.
 */
int epx_wait_check(struct epx_instance *inst, void __user *events, int max,
		   u32 flags)
{
	int err;

	if (flags & EPX_WAIT_RING)
		return epx_ring_of(inst) && !events && !max ? 0 : -EINVAL;
	if ((flags & EPX_WAIT_PAYLOAD) && epx_ring_of(inst))
		return -EINVAL;
	err = epx_events_check(events, max);
	if (err || !(flags & EPX_WAIT_PAYLOAD))
		return err;
	return access_ok(events, max * sizeof(struct epx_payload_event)) ?
	       0 : -EFAULT;
}

/**
 * epx_wait_into() - epx_wait_events() into an array of either kind
 * @inst: the instance
 * @events: user array, checked; unused for the ring
 * @max: its length
 * @deadline: no longer than until then
 * @flags: EPX_WAIT_*, checked
 *
 * Context: process, sleeps; takes the instance's mutex.
 * Return: number of events or -errno.
 */
int epx_wait_into(struct epx_instance *inst, void __user *events, int max,
		  struct epx_deadline *deadline, u32 flags)
{
	if (flags & EPX_WAIT_PAYLOAD)
		return epx_wait_events(inst, events, max, deadline,
				       flags & (EPX_WAIT_PAYLOAD |
						EPX_WAIT_AMOUNT));
	return epx_wait_events(inst, events, max, deadline, 0);
}
