/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_WAIT_H
#define EPX_WAIT_H

#include "instance.h"

long epx_wait(struct epx_instance *inst, unsigned int cmd,
	      const void __user *uarg);

#endif /* EPX_WAIT_H */
