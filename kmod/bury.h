/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_BURY_H
#define EPX_BURY_H

#include <linux/llist.h>

#include "instance.h"

void epx_bury_slow(struct epx_instance *inst);

/**
 * epx_bury() - remove the watches of files that have been closed
 * @inst: the instance
 *
 * After a reference on a file is taken and before a lookup, so that a dead
 * watch is never found under the address of a new file.
 *
 * Context: process, may sleep; the instance's mutex held.
 */
static inline void epx_bury(struct epx_instance *inst)
{
	if (unlikely(!llist_empty(&inst->graveyard)))
		epx_bury_slow(inst);
}

struct epx_watch *epx_watch_new(struct epx_instance *inst, u64 data);
void epx_watch_end(struct epx_watch *w);
void epx_instance_clear(struct epx_instance *inst);
void epx_reap(struct work_struct *work);
int epx_bury_init(void);
void epx_bury_stop(void);
void epx_bury_exit(void);

#endif /* EPX_BURY_H */
