// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that have, or had, a slot of a concurrency limit: how a thread is
 * found by its limit, and how the limit hears that the thread exits or blocks.
 *
 * Contexts: waits run in process context; the exit of a thread is heard in its
 * own context with preemption off; a switch of threads with the run queue's
 * lock held and interrupts off.
 *
 * A runner is made by a thread's first wait and stays until the thread exits or
 * the instance is released, so a wait allocates once. Only the thread itself
 * adds its runner, and only its own exit and the release, beside which it is in
 * no wait, remove it: so a thread that has found its own may go on with it. All
 * others that walk the table do so in an RCU read section.
 *
 * The kernel has no call for a module that wants to know when a thread exits.
 * It has tracepoints, which modules may attach to: sched_process_exit is passed
 * by every thread, killed or not, when it runs user code no more and before its
 * parent can reap it. Nobody can switch it off, as tracing in general can be.
 * sched_switch says who blocks. They are attached to when the first instance
 * needs them, the latter only for EPX_CONCURRENCY_RUNNING, and stay until the
 * module goes: attaching patches code that all CPUs run. What they do has to be
 * short for everybody: so a thread has EPX_LIMITED_INSTANCES_MAX runners at most.
 *
 * A thread's slot is counted once: @has_slot and @is_out are written by the
 * thread, and @is_blocked by the switches from and to it, between which it does
 * not run. A thread that is preempted is not blocked, whatever its state; nor is
 * one that blocks inside a wait with its slot, on the mutex most often: others
 * would be woken for no more than to block there too. The free of a
 * slot may happen beside the release of the instance; its memory is there until
 * the end of the read section, and nobody sleeps there any more.
 */
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "runner.h"
#include "slots.h"

static DEFINE_HASHTABLE(epx_runners, 12);	/* RCU to read */
static DEFINE_SPINLOCK(epx_runner_lock);	/* the table, all lists */
static struct kmem_cache *epx_runner_cache;

static DEFINE_MUTEX(epx_listen_mutex);		/* both of the next */
static struct tracepoint *epx_exit_point;	/* attached to, if not NULL */
static struct tracepoint *epx_switch_point;

/* The calling thread's runner, or NULL; *@known: how many it has in all. */
static struct epx_runner *epx_runner_find(struct epx_slots *slots,
					  unsigned int *known)
{
	struct epx_runner *runner, *found = NULL;

	*known = 0;
	rcu_read_lock();
	hash_for_each_possible_rcu(epx_runners, runner, node,
				   (unsigned long)current) {
		if (runner->task != current)
			continue;
		++*known;
		if (runner->slots == slots)
			found = runner;
	}
	rcu_read_unlock();
	return found;
}

/**
 * epx_runner_get() - the calling thread's runner, which is out no more
 * @slots: the limit; the caller is in a call on its instance
 *
 * Context: process, may sleep.
 * Return: the runner; -ENOMEM, or -ENOSPC for a thread that has too many.
 */
struct epx_runner *epx_runner_get(struct epx_slots *slots)
{
	unsigned int known;
	struct epx_runner *runner = epx_runner_find(slots, &known);

	if (likely(runner)) {
		WRITE_ONCE(runner->is_out, false);
		return runner;
	}
	if (known >= EPX_LIMITED_INSTANCES_MAX)
		return ERR_PTR(-ENOSPC);
	runner = kmem_cache_zalloc(epx_runner_cache, GFP_KERNEL);
	if (!runner)
		return ERR_PTR(-ENOMEM);
	runner->task = current;
	runner->slots = slots;
	spin_lock(&epx_runner_lock);
	hash_add_rcu(epx_runners, &runner->node, (unsigned long)current);
	list_add_tail(&runner->list, &slots->runners);
	spin_unlock(&epx_runner_lock);
	return runner;
}

/**
 * epx_runner_take() - have a slot, if that is possible
 * @runner: the calling thread's
 *
 * Context: process.
 * Return: whether it has one.
 */
bool epx_runner_take(struct epx_runner *runner)
{
	if (!runner->has_slot && epx_slot_take(runner->slots))
		WRITE_ONCE(runner->has_slot, true);
	return runner->has_slot;
}

/**
 * epx_runner_receive() - it was woken with a slot
 * @runner: the calling thread's; if it has taken one itself, one is too much
 *
 * Context: process.
 */
void epx_runner_receive(struct epx_runner *runner)
{
	if (runner->has_slot) {
		epx_count(slot_twice);
		epx_slot_give(runner->slots);
	}
	WRITE_ONCE(runner->has_slot, true);
}

/**
 * epx_runner_give() - give the slot back
 * @runner: the calling thread's
 *
 * Context: process.
 * Return: whether it had one.
 */
bool epx_runner_give(struct epx_runner *runner)
{
	if (!runner->has_slot)
		return false;
	WRITE_ONCE(runner->is_out, false);
	WRITE_ONCE(runner->has_slot, false);
	epx_slot_give(runner->slots);
	return true;
}

/**
 * epx_runner_yield() - EPX_IOC_YIELD
 * @slots: the limit of the instance, or NULL
 *
 * Context: process.
 * Return: 1 or 0, whether the calling thread had a slot; -EINVAL.
 */
int epx_runner_yield(struct epx_slots *slots)
{
	struct epx_runner *runner;
	unsigned int known;

	if (!slots)
		return -EINVAL;
	runner = epx_runner_find(slots, &known);
	return runner && epx_runner_give(runner);
}

static void epx_runner_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(epx_runner_cache,
			container_of(rcu, struct epx_runner, rcu));
}

/* epx_runner_lock held. */
static void epx_runner_remove(struct epx_runner *runner)
{
	lockdep_assert_held(&epx_runner_lock);
	hash_del_rcu(&runner->node);
	list_del(&runner->list);
	call_rcu(&runner->rcu, epx_runner_free_rcu);
}

/**
 * epx_runners_end() - forget all threads of a limit
 * @slots: the limit
 *
 * Context: process; no wait on the instance.
 */
void epx_runners_end(struct epx_slots *slots)
{
	struct epx_runner *runner, *next;

	spin_lock(&epx_runner_lock);
	list_for_each_entry_safe(runner, next, &slots->runners, list)
		epx_runner_remove(runner);
	spin_unlock(&epx_runner_lock);
}

/**
 * epx_runners_show() - who has a slot, for fdinfo
 * @m: where to print
 * @slots: the limit
 *
 * Context: process.
 */
void epx_runners_show(struct seq_file *m, struct epx_slots *slots)
{
	struct epx_runner *runner;

	seq_printf(m, "concurrency:\t%u%s\nheld:\t%u\n", slots->most,
		   slots->counts_running ? " running" : "",
		   READ_ONCE(slots->used));
	spin_lock(&epx_runner_lock);
	list_for_each_entry(runner, &slots->runners, list)
		if (READ_ONCE(runner->has_slot))
			seq_printf(m, "holder:\t%d%s\n",
				   task_pid_vnr(runner->task),
				   READ_ONCE(runner->is_blocked) ?
				   " blocked" : "");
	spin_unlock(&epx_runner_lock);
}

/* Its thread exits. In an RCU read section; the release may be faster. */
static void epx_runner_ends(struct epx_runner *runner)
{
	bool is_ours;

	spin_lock(&epx_runner_lock);
	is_ours = !hlist_unhashed(&runner->node);
	if (is_ours)
		epx_runner_remove(runner);
	spin_unlock(&epx_runner_lock);
	if (is_ours && runner->has_slot)
		epx_slot_give(runner->slots);
}

/* Tracepoint, in the context of the thread that exits; preemption off. */
static void epx_runner_exits(void *unused, struct task_struct *task)
{
	struct epx_runner *runner;

	rcu_read_lock();
	hash_for_each_possible_rcu(epx_runners, runner, node,
				   (unsigned long)task)
		if (runner->task == task)
			epx_runner_ends(runner);
	rcu_read_unlock();
}

static void epx_runner_blocks(struct epx_runner *runner)
{
	if (!runner->slots->counts_running || !READ_ONCE(runner->is_out))
		return;
	WRITE_ONCE(runner->is_blocked, true);
	epx_slot_leave(runner->slots);
}

static void epx_runner_resumes(struct epx_runner *runner)
{
	if (!runner->is_blocked)
		return;
	WRITE_ONCE(runner->is_blocked, false);
	epx_slot_resume(runner->slots);
}

/* Tracepoint: run queue's lock held, interrupts off. */
static void epx_runner_switches(void *unused, bool is_preempted,
				struct task_struct *prev,
				struct task_struct *next,
				unsigned int prev_state)
{
	struct epx_runner *runner;

	rcu_read_lock();
	if (prev_state && !is_preempted) {
		hash_for_each_possible_rcu(epx_runners, runner, node,
					   (unsigned long)prev)
			if (runner->task == prev)
				epx_runner_blocks(runner);
	}
	hash_for_each_possible_rcu(epx_runners, runner, node,
				   (unsigned long)next)
		if (runner->task == next)
			epx_runner_resumes(runner);
	rcu_read_unlock();
}

/* A tracepoint that is looked for by its name. */
struct epx_point {
	const char *name;
	struct tracepoint *found;
};

static void epx_point_compare(struct tracepoint *point, void *arg)
{
	struct epx_point *wanted = arg;

	if (!strcmp(point->name, wanted->name))
		wanted->found = point;
}

static int epx_attach(struct tracepoint **point, const char *name,
		      void *callback)
{
	struct epx_point wanted = { .name = name };
	int err;

	if (*point)
		return 0;
	for_each_kernel_tracepoint(epx_point_compare, &wanted);
	if (!wanted.found)
		return -EOPNOTSUPP;
	err = tracepoint_probe_register(wanted.found, callback, NULL);
	if (!err)
		*point = wanted.found;
	return err;
}

/**
 * epx_runners_listen() - hear of threads from now on
 * @switches: also when they block
 *
 * Context: process, may sleep.
 * Return: 0, -EOPNOTSUPP or -ENOMEM.
 */
int epx_runners_listen(bool switches)
{
	int err;

	mutex_lock(&epx_listen_mutex);
	err = epx_attach(&epx_exit_point, "sched_process_exit",
			 epx_runner_exits);
	if (!err && switches)
		err = epx_attach(&epx_switch_point, "sched_switch",
				 epx_runner_switches);
	mutex_unlock(&epx_listen_mutex);
	return err;
}

/**
 * epx_runners_deafen() - hear of threads no more
 *
 * Context: module exit, before rcu_barrier(); no instance is open.
 */
void epx_runners_deafen(void)
{
	if (!epx_exit_point)
		return;
	tracepoint_probe_unregister(epx_exit_point, epx_runner_exits, NULL);
	if (epx_switch_point)
		tracepoint_probe_unregister(epx_switch_point,
					    epx_runner_switches, NULL);
	tracepoint_synchronize_unregister();
}

/**
 * epx_runners_init() - make the slab cache
 *
 * Context: module init.
 * Return: 0 or -ENOMEM.
 */
int epx_runners_init(void)
{
	epx_runner_cache = kmem_cache_create("epx_runner",
					     sizeof(struct epx_runner), 0,
					     SLAB_ACCOUNT, NULL);
	return epx_runner_cache ? 0 : -ENOMEM;
}

/**
 * epx_runners_exit() - destroy the slab cache
 *
 * Context: module exit, after rcu_barrier().
 */
void epx_runners_exit(void)
{
	kmem_cache_destroy(epx_runner_cache);
}
