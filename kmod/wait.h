/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_WAIT_H
#define EPX_WAIT_H

#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "busypoll.h"
#include "deadline.h"
#include "instance.h"
#include "ready.h"
#include "slots.h"

struct epx_runner;

int epx_wait_check(struct epx_instance *inst, void __user *events, int max,
		   u32 flags);

/**
 * epx_events_check() - can events be delivered to this array?
 * @events: user array
 * @max: its length
 *
 * Context: process.
 * Return: 0, -EINVAL or -EFAULT.
 */
static inline int epx_events_check(struct epoll_event __user *events, int max)
{
	if (max <= 0 || max > EPX_MAX_EVENTS)
		return -EINVAL;
	return access_ok(events, max * sizeof(*events)) ? 0 : -EFAULT;
}

int epx_wait_into(struct epx_instance *inst, void __user *events, int max,
		  struct epx_deadline *deadline, u32 flags);
bool epx_sleep_until(struct epx_instance *inst, struct epx_deadline *deadline);
int epx_mask_set(u64 user_mask, u64 size);
void epx_mask_restore(int ret);
bool epx_sleep(struct epx_instance *inst, struct epx_deadline *deadline,
	       struct epx_runner *runner);
int epx_wait_limited(struct epx_instance *inst, void __user *events, int max,
		     struct epx_deadline *deadline, u32 payload);
long epx_wait(struct epx_instance *inst, unsigned int cmd,
	      const void __user *uarg);

static __always_inline int epx_collect_into(struct epx_instance *inst,
					    void __user *events, int max,
					    u32 payload)
{
	return payload ? epx_collect_payload(inst, events, max, payload) :
			 epx_collect(inst, events, max);
}

/**
 * epx_wait_events() - wait for an event, and collect what there is
 * @inst: the instance
 * @events: user array, checked
 * @max: its length; 0 where the wait is for the ring
 * @deadline: no longer than until then
 * @payload: EPX_WAIT_* bits, the array is one of struct epx_payload_event; or 0
 *
 * In its callers, for a frame less.
 *
 * Context: process, sleeps; takes the instance's mutex.
 * Return: number of events or -errno.
 */
static __always_inline int epx_wait_events(struct epx_instance *inst,
					   void __user *events, int max,
					   struct epx_deadline *deadline,
					   u32 payload)
{
	bool look;

	if (unlikely(inst->slots))
		return epx_wait_limited(inst, events, max, deadline, payload);
	look = epx_is_worth_a_scan(inst);
	for (;;) {
		if (look) {
			int n = epx_collect_into(inst, events, max, payload);

			if (n)
				return n;
		}
		if (deadline->is_now)
			return 0;
		look = epx_busy_loop(inst);
		if (look)
			continue;
		if (signal_pending(current))
			return -EINTR;
		look = epx_sleep(inst, deadline, NULL);
	}
}

#endif /* EPX_WAIT_H */
