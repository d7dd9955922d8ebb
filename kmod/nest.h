/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_NEST_H
#define EPX_NEST_H

#include <linux/types.h>

struct epx_instance;
struct file;

bool epx_is_native_epoll(const struct file *file);
void epx_nest_lock(void);
void epx_nest_unlock(void);
int epx_nest_check_edge(struct epx_instance *outer, struct file *target);
int epx_nest_check_paths(struct file *target);

#endif /* EPX_NEST_H */
