/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_RUNNER_H
#define EPX_RUNNER_H

#include <linux/list.h>
#include <linux/rcupdate.h>

#include "slots.h"

struct seq_file;
struct task_struct;

/**
 * struct epx_runner - a thread, as the limit of one instance knows it
 * @node: [epx_runner_lock] to write, RCU to read: in the table, by @task
 * @list: [epx_runner_lock] on slots->runners
 * @task: [C] the thread. No reference: the runner goes when it exits, so it is
 *	  valid to follow under epx_runner_lock
 * @slots: [C] the limit
 * @has_slot: to write, the thread itself: one slot is counted for it, unless
 *	      @is_blocked
 * @is_blocked: to write, the switches from and to the thread
 * @rcu: for the free
 */
struct epx_runner {
	struct hlist_node node;
	struct list_head list;
	struct task_struct *task;
	struct epx_slots *slots;
	bool has_slot;
	bool is_blocked;
	struct rcu_head rcu;
};

struct epx_runner *epx_runner_get(struct epx_slots *slots);
bool epx_runner_take(struct epx_runner *runner);
void epx_runner_receive(struct epx_runner *runner);
bool epx_runner_give(struct epx_runner *runner);
int epx_runner_yield(struct epx_slots *slots);
void epx_runners_show(struct seq_file *m, struct epx_slots *slots);
void epx_runners_end(struct epx_slots *slots);
int epx_runners_listen(bool switches);
int epx_runners_init(void);
void epx_runners_deafen(void);
void epx_runners_exit(void);

#endif /* EPX_RUNNER_H */
