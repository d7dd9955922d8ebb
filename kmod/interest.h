/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_INTEREST_H
#define EPX_INTEREST_H

#include "instance.h"

int epx_interest_add(struct epx_instance *inst, struct file *file, int fd,
		     __poll_t events, u64 data, bool check_paths);

#endif /* EPX_INTEREST_H */
