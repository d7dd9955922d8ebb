/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_BATCH_H
#define EPX_BATCH_H

#include <linux/uaccess.h>

#include "instance.h"

/**
 * struct epx_batch - the changes of one call
 * @entries: user array, its range checked
 * @count: its length
 * @done: entries that have their result
 * @results: these, or'ed: negative if one is an error
 */
struct epx_batch {
	struct epx_ctl_entry __user *entries;
	unsigned int count;
	unsigned int done;
	int results;
};

/**
 * epx_batch_check() - what can be wrong with a batch as a whole
 * @batch: to be set up
 * @changes: user address of the entries
 * @count: how many
 *
 * Context: process.
 * Return: 0, -EINVAL for too many, -EFAULT for what is no user memory.
 */
static inline int epx_batch_check(struct epx_batch *batch, u64 changes,
				  u32 count)
{
	*batch = (struct epx_batch){
		.entries = u64_to_user_ptr(changes), .count = count,
	};
	if (count > EPX_CHANGES_MAX)
		return -EINVAL;
	if (count && !access_ok(batch->entries,
				count * sizeof(*batch->entries)))
		return -EFAULT;
	return 0;
}

void epx_batch_make(struct epx_instance *inst, struct epx_batch *batch);
long epx_batch_ctlv(struct epx_instance *inst, unsigned int cmd,
		    const void __user *uarg);

#endif /* EPX_BATCH_H */
