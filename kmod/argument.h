/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From an ioctl's argument in user memory to a struct in ours (argument.c).
 */
#ifndef EPX_ARGUMENT_H
#define EPX_ARGUMENT_H

#include <linux/types.h>

int epx_fetch(void *arg, size_t size, size_t size_min, unsigned int cmd,
	      const void __user *uarg);

#endif /* EPX_ARGUMENT_H */
