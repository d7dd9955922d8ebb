/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_GATHER_H
#define EPX_GATHER_H

#include "wait.h"

void epx_gather(struct epx_instance *inst, int enough,
		struct epx_deadline *deadline);

#endif /* EPX_GATHER_H */
