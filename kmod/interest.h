/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_INTEREST_H
#define EPX_INTEREST_H

#include "instance.h"

struct epx_change;

long epx_interest_ctl(struct epx_instance *inst, unsigned int cmd,
		      const void __user *uarg);
int epx_interest_add(struct epx_instance *inst, struct file *file, int fd,
		     __poll_t events, u64 data, bool check_paths);
int epx_apply_nested(struct epx_instance *inst,
		     const struct epx_change *change);
int epx_change_indirect(struct epx_change *change);

#endif /* EPX_INTEREST_H */
