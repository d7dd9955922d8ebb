/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_ENTER_H
#define EPX_ENTER_H

#include "instance.h"

long epx_enter(struct epx_instance *inst, unsigned int cmd,
	       const void __user *uarg);

#endif /* EPX_ENTER_H */
