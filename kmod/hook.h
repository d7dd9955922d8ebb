/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_HOOK_H
#define EPX_HOOK_H

#include "instance.h"

/**
 * struct epx_extra_hook - a hook beyond the first
 * @hook: the hook
 * @next: the next extra hook of the same watch
 */
struct epx_extra_hook {
	struct epx_hook hook;
	struct epx_extra_hook *next;
};

void epx_pollers_wake_some(struct epx_instance *inst, struct epx_watch *w,
			   __poll_t key);

/**
 * epx_pollers_wake() - wake who polls an instance, if anybody does
 * @inst: the instance
 * @w: the watch that became ready in a wake callback, or NULL
 * @key: the key of that wake-up
 *
 * Context: any; takes the lock of @inst->pollers. The caller has made the
 * readiness visible with a full barrier before.
 */
static inline void epx_pollers_wake(struct epx_instance *inst,
				    struct epx_watch *w, __poll_t key)
{
	/* After the caller's full barrier. */
	if (waitqueue_active(&inst->pollers))
		epx_pollers_wake_some(inst, w, key);
}

int epx_hooks_attach(struct epx_watch *w, struct file *file,
		     __poll_t *revents);
void epx_hooks_detach(struct epx_watch *w);
void epx_hooks_free(struct epx_watch *w);
int epx_hooks_init(void);
void epx_hooks_exit(void);

#endif /* EPX_HOOK_H */
