/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_WAIT_H
#define EPX_WAIT_H

#include "instance.h"

int epx_wait(struct epx_instance *inst, const struct epx_wait *wait);

#endif /* EPX_WAIT_H */
