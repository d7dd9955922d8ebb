/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_SLOTS_H
#define EPX_SLOTS_H

#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "instance.h"

struct seq_file;

/**
 * struct epx_slots - the concurrency limit of an instance
 * @lock: the next one; innermost, taken in any context and inside a switch of
 *	  threads
 * @used: slots that are not free: of threads that are out with events, or look
 *	  for some, or are being woken. More than @most where threads that had
 *	  blocked run again
 * @most: [C] the limit
 * @counts_running: [C] a thread that blocks does not count while it does
 * @inst: [C] the instance; lives longer
 * @runners: [epx_runner_lock] all threads that had a slot and may again
 * @work: wakes somebody for a slot that a switch of threads has freed
 * @rcu: for the free
 */
struct epx_slots {
	spinlock_t lock;	/* @used */
	unsigned int used;
	unsigned int most;
	bool counts_running;
	struct epx_instance *inst;
	struct list_head runners;
	struct irq_work work;
	struct rcu_head rcu;
};

int epx_slots_new(struct epx_instance *inst, u32 most, bool counts_running);
void epx_slots_free(struct epx_slots *slots);
bool epx_slot_take(struct epx_slots *slots);
void epx_slot_give(struct epx_slots *slots);
void epx_slot_leave(struct epx_slots *slots);
void epx_slot_resume(struct epx_slots *slots);
bool epx_slot_is_free(struct epx_slots *slots);

#endif /* EPX_SLOTS_H */
