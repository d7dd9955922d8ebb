/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_HOOK_H
#define EPX_HOOK_H

#include <linux/types.h>

struct epx_instance;
struct epx_watch;
struct file;

int epx_hooks_attach(struct epx_watch *w, struct file *file,
		     __poll_t *revents);
void epx_hooks_detach(struct epx_watch *w);
void epx_hooks_free(struct epx_watch *w);
void epx_pollers_wake(struct epx_instance *inst, struct epx_watch *w,
		      __poll_t key);
int epx_hooks_init(void);
void epx_hooks_exit(void);

#endif /* EPX_HOOK_H */
