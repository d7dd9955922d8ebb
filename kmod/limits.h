/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many watches a user may have (limits.c).
 */
#ifndef EPX_LIMITS_H
#define EPX_LIMITS_H

#include <linux/percpu_counter.h>
#include <linux/sched/user.h>

#include "instance.h"

int epx_limit_charge(struct epx_instance *inst);
int epx_limits_init(void);
void epx_limits_exit(void);

/**
 * epx_limit_uncharge() - count one watch less
 * @inst: the instance that had the watch
 *
 * Context: any but NMI, atomic or not; takes no lock of ours.
 */
static inline void epx_limit_uncharge(struct epx_instance *inst)
{
	percpu_counter_dec(&inst->user->epoll_watches);
}

#endif /* EPX_LIMITS_H */
