/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_EXCLUSIVE_H
#define EPX_EXCLUSIVE_H

#include "instance.h"

bool epx_wake_exclusive(struct epx_watch *w, __poll_t events, __poll_t key);
void epx_hooks_rotate(struct epx_watch *w);
int epx_wake_another(struct epx_instance *inst);

#endif /* EPX_EXCLUSIVE_H */
