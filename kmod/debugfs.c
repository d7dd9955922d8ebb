// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/epollx, for tests and for who wants to see what goes on:
 *
 *  counters	one "name value" per line: struct epx_counters, and the number of
 *		live instances; writing 0 starts the former anew
 *  instances	one line per live instance
 *  watches	one line per watch of every instance, closed files' included
 *		as long as they are not buried; a source has no file and its id
 *		for a number
 *  file_table_bytes	size of the table of watched files, fixed at load
 *
 * and the list of all instances that the latter two need.
 *
 * Contexts: adding and removing an instance, and all reads, in process
 * context.
 *
 * How a reader walks the instances. Its position is the number of an
 * instance; numbers grow along the list, which is why they are given here.
 * The spin lock of the list is held only for a step: to find the next
 * instance and take a reference on it. An instance is on the list from its
 * creation to its release, so there its count is not zero. With the reference
 * the reader waits for the instance's mutex, for as long as a delivery may
 * take to fault in a user page; a kill ends that wait, and no other create or
 * release waits with it.
 *
 * Under the mutex all lists of the instance can be walked, also the lock-free
 * ones: callbacks only push at their heads, and only the holder of the mutex
 * takes from them or frees what is on them.
 */
#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/seq_file.h>
#include <linux/sched/user.h>
#include <linux/uaccess.h>

#include "debugfs.h"
#include "fput.h"
#include "hook.h"
#include "instance.h"
#include "source.h"

#define EPX_COUNTER(field) { #field, offsetof(struct epx_counters, field) }

static const struct {
	const char *name;
	size_t offset;
} epx_counter_table[] = {
	EPX_COUNTER(fput_hits),
	EPX_COUNTER(close_queued),
	EPX_COUNTER(close_in_scan),
	EPX_COUNTER(queued_in_scan),
	EPX_COUNTER(incoming_in_scan),
	EPX_COUNTER(release_dead),
	EPX_COUNTER(pin_failed),
	EPX_COUNTER(bury),
	EPX_COUNTER(reaper_busy),
	EPX_COUNTER(pollfree),
	EPX_COUNTER(pollfree_dead),
	EPX_COUNTER(timeout_woken),
	EPX_COUNTER(killed_rewake),
	EPX_COUNTER(copy_fault),
	EPX_COUNTER(fault_dead),
	EPX_COUNTER(loop_refused),
	EPX_COUNTER(paths_refused),
	EPX_COUNTER(arrived_in_scan),
	EPX_COUNTER(nested_wake),
	EPX_COUNTER(ring_forced),
	EPX_COUNTER(busy_spin),
	EPX_COUNTER(busy_dropped),
	EPX_COUNTER(slot_twice),
};

#define EPX_NR_COUNTERS	ARRAY_SIZE(epx_counter_table)

static_assert(EPX_NR_COUNTERS * sizeof(unsigned long) ==
	      sizeof(struct epx_counters));

/*
 * What the counts were when they were started anew. Subtracted when read: the
 * counters themselves cannot be cleared without losing what another CPU
 * counts at that moment.
 */
static unsigned long epx_counter_base[EPX_NR_COUNTERS];
static DEFINE_MUTEX(epx_counter_mutex);	/* epx_counter_base */

static DEFINE_SPINLOCK(epx_all_lock);	/* all of the following */
static LIST_HEAD(epx_all);		/* by ->id, ascending */
static unsigned int epx_all_count;
static u64 epx_last_id;

static struct dentry *epx_debugfs_dir;

/**
 * epx_debugfs_add() - number a new instance and put it on the list
 * @inst: the instance, complete but for its ->id
 *
 * Context: process context, not under a lock of @inst.
 */
void epx_debugfs_add(struct epx_instance *inst)
{
	spin_lock(&epx_all_lock);
	inst->id = ++epx_last_id;
	list_add_tail(&inst->all, &epx_all);
	epx_all_count++;
	spin_unlock(&epx_all_lock);
}

/**
 * epx_debugfs_del() - take an instance off the list
 * @inst: the instance; the caller still has the reference of its file
 *
 * A reader that got hold of @inst before goes on to use it, with a reference
 * of its own.
 *
 * Context: process context.
 */
void epx_debugfs_del(struct epx_instance *inst)
{
	spin_lock(&epx_all_lock);
	list_del_init(&inst->all);
	epx_all_count--;
	spin_unlock(&epx_all_lock);
}

/* The first instance from number @id on, with a reference, or NULL. */
static struct epx_instance *epx_all_find(u64 id)
{
	struct epx_instance *inst, *found = NULL;

	spin_lock(&epx_all_lock);
	list_for_each_entry(inst, &epx_all, all) {
		if (inst->id >= id) {
			epx_instance_get(inst);
			found = inst;
			break;
		}
	}
	spin_unlock(&epx_all_lock);
	return found;
}

/* The one after @inst: a step, or a search if @inst was released meanwhile. */
static struct epx_instance *epx_all_next(struct epx_instance *inst)
{
	struct epx_instance *next = NULL;
	bool is_released;

	spin_lock(&epx_all_lock);
	is_released = list_empty(&inst->all);
	if (!is_released && !list_is_last(&inst->all, &epx_all)) {
		next = list_next_entry(inst, all);
		epx_instance_get(next);
	}
	spin_unlock(&epx_all_lock);
	return is_released ? epx_all_find(inst->id + 1) : next;
}

static void *epx_all_seq_start(struct seq_file *m, loff_t *pos)
{
	struct epx_instance *inst;

	inst = epx_all_find(*pos);
	if (inst)
		*pos = inst->id;
	return inst;
}

static void *epx_all_seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct epx_instance *inst = v;
	struct epx_instance *next = epx_all_next(inst);

	*pos = next ? next->id : inst->id + 1;
	epx_instance_put(inst);
	return next;
}

static void epx_all_seq_stop(struct seq_file *m, void *v)
{
	if (v)
		epx_instance_put(v);
}

static unsigned int epx_count_llist(struct llist_head *head)
{
	unsigned int n = 0;
	struct llist_node *node;

	/* Pushes may go on; what was there before stays linked. */
	llist_for_each(node, READ_ONCE(head->first))
		n++;
	return n;
}

static const char *epx_has_waiters(struct wait_queue_head *head)
{
	/* Old news at once, so without a lock or a barrier. */
	return waitqueue_active(head) ? "yes" : "no";
}

static int epx_instances_show(struct seq_file *m, void *v)
{
	struct epx_instance *inst = v;
	unsigned int watches = 0, dead = 0, ready = 0;
	struct rb_node *node;
	struct list_head *entry;
	struct epx_source *src;
	unsigned long id;

	if (mutex_lock_killable(&inst->mutex))
		return -EINTR;
	for (node = rb_first(&inst->tree); node; node = rb_next(node)) {
		watches++;
		/* The close of a file may set it beside; then it is new. */
		dead += READ_ONCE(rb_entry(node, struct epx_watch, node)->dead);
	}
	xa_for_each(&inst->sources, id, src)
		watches++;
	list_for_each(entry, &inst->ready)
		ready++;
	seq_printf(m,
		   "id=%llu user=%u watches=%u dead=%u ready=%u incoming=%u graveyard=%u sleepers=%s pollers=%s\n",
		   inst->id,
		   from_kuid_munged(seq_user_ns(m), inst->user->uid),
		   watches, dead, ready, epx_count_llist(&inst->incoming),
		   epx_count_llist(&inst->graveyard),
		   epx_has_waiters(&inst->sleepers),
		   epx_has_waiters(&inst->pollers));
	epx_instance_unlock(inst);
	return 0;
}

static unsigned int epx_count_hooks(struct epx_watch *w)
{
	struct epx_extra_hook *extra;
	unsigned int n;

	/* A hook may come off its queue beside: shown on it or off it. */
	n = !!READ_ONCE(w->hook.head);
	for (extra = w->extra; extra; extra = extra->next)
		n += !!READ_ONCE(extra->hook.head);
	return n;
}

static void epx_watch_show(struct seq_file *m, struct epx_watch *w)
{
	/* Callbacks and closes run beside; each word is as it was. */
	seq_printf(m,
		   "id=%llu watch=%p file=%p fd=%d events=%08x queued=%u dead=%u hooks=%u\n",
		   w->instance->id, w, w->file, w->fd, (__force u32)w->events,
		   READ_ONCE(w->queued), READ_ONCE(w->dead),
		   epx_count_hooks(w));
}

static int epx_watches_show(struct seq_file *m, void *v)
{
	struct epx_instance *inst = v;
	struct epx_source *src;
	struct rb_node *node;
	unsigned long id;

	if (mutex_lock_killable(&inst->mutex))
		return -EINTR;
	for (node = rb_first(&inst->tree); node; node = rb_next(node)) {
		epx_watch_show(m, rb_entry(node, struct epx_watch, node));
		if (seq_has_overflowed(m))
			break;
	}
	xa_for_each(&inst->sources, id, src) {
		epx_watch_show(m, &src->watch);
		if (seq_has_overflowed(m))
			break;
	}
	epx_instance_unlock(inst);
	return 0;
}

static const struct seq_operations epx_instances_sops = {
	.start	= epx_all_seq_start,
	.next	= epx_all_seq_next,
	.stop	= epx_all_seq_stop,
	.show	= epx_instances_show,
};
DEFINE_SEQ_ATTRIBUTE(epx_instances);

static const struct seq_operations epx_watches_sops = {
	.start	= epx_all_seq_start,
	.next	= epx_all_seq_next,
	.stop	= epx_all_seq_stop,
	.show	= epx_watches_show,
};
DEFINE_SEQ_ATTRIBUTE(epx_watches);

/* The sum over all CPUs; never falls, since each CPU's share never does. */
static unsigned long epx_counter_sum(unsigned int i)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		void *share = per_cpu_ptr(&epx_counters, cpu);
		unsigned long *count = share + epx_counter_table[i].offset;

		/* That CPU goes on counting. */
		sum += READ_ONCE(*count);
	}
	return sum;
}

static int epx_counters_show(struct seq_file *m, void *v)
{
	unsigned int i, count;

	mutex_lock(&epx_counter_mutex);
	for (i = 0; i < EPX_NR_COUNTERS; i++)
		seq_printf(m, "%s %lu\n", epx_counter_table[i].name,
			   epx_counter_sum(i) - epx_counter_base[i]);
	mutex_unlock(&epx_counter_mutex);

	spin_lock(&epx_all_lock);
	count = epx_all_count;
	spin_unlock(&epx_all_lock);
	seq_printf(m, "instances %u\n", count);
	return 0;
}

static int epx_counters_open(struct inode *inode, struct file *file)
{
	return single_open(file, epx_counters_show, NULL);
}

static ssize_t epx_counters_write(struct file *file, const char __user *buf,
				  size_t size, loff_t *pos)
{
	unsigned int i, value;
	int ret;

	ret = kstrtouint_from_user(buf, size, 0, &value);
	if (ret)
		return ret;
	if (value)
		return -EINVAL;

	mutex_lock(&epx_counter_mutex);
	for (i = 0; i < EPX_NR_COUNTERS; i++)
		epx_counter_base[i] = epx_counter_sum(i);
	mutex_unlock(&epx_counter_mutex);
	return size;
}

static const struct file_operations epx_counters_fops = {
	.owner		= THIS_MODULE,
	.open		= epx_counters_open,
	.read		= seq_read,
	.write		= epx_counters_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

/**
 * epx_debugfs_init() - make the directory and its files
 *
 * Nothing depends on them, so it may fail in silence, as debugfs does.
 *
 * Context: process context, may sleep.
 */
void epx_debugfs_init(void)
{
	epx_debugfs_dir = debugfs_create_dir("epollx", NULL);
	debugfs_create_file("counters", 0644, epx_debugfs_dir, NULL,
			    &epx_counters_fops);
	debugfs_create_file("instances", 0444, epx_debugfs_dir, NULL,
			    &epx_instances_fops);
	debugfs_create_file("watches", 0444, epx_debugfs_dir, NULL,
			    &epx_watches_fops);
	debugfs_create_size_t("file_table_bytes", 0444, epx_debugfs_dir,
			      &epx_files_bytes);
}

/**
 * epx_debugfs_exit() - remove the directory
 *
 * Comes before the RCU barrier of the module's exit: a reader that was on its
 * way may have put the last reference of an instance.
 *
 * Context: process context, may sleep: waits for calls that run.
 */
void epx_debugfs_exit(void)
{
	debugfs_remove(epx_debugfs_dir);
	WARN_ON_ONCE(!list_empty(&epx_all));
}
