// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who watches a file, and what happens when the file's last reference goes.
 *
 * epoll is told of a close by a call in __fput(), which is not open to
 * modules. We put an ftrace_ops on __fput() instead: every final close passes
 * through that function (the return to user space, the delayed work of kernel
 * threads, __fput_sync()), with the file as its argument and a count of 0.
 *
 * No close can be missed:
 *  - the module does not load unless the function was found, the ops was
 *    accepted, and a self-test saw closes (selftest.c says which);
 *  - FTRACE_OPS_FL_PERMANENT: while we are loaded, kernel.ftrace_enabled
 *    cannot be set to 0, and if it is 0 the registration fails;
 *  - the callback has no recursion guard of its own that could make it return
 *    early. __fput() cannot recurse inside it: it closes nothing.
 *
 * Context of the callback: process, interrupts on; preemption off when ftrace
 * has a second user on __fput(). So: spin locks only; the reaper may sleep.
 *
 * The table: hash chains, as many as the memory of the machine suggests, with
 * one entry a watched file: the first of its watches, which leads a ring of
 * them. So an unwatched file costs a look at one chain, a watch no memory
 * beyond its own, and removing one of a million of a file takes no walk.
 *
 * The probe at a close is lock-free. It may miss a watch only if that watch
 * was unhashed, and hooks are detached before:
 *
 *	release of an instance		close of the file
 *	detach hooks (head's lock)
 *	unhash (file's lock)		probe: nothing there
 *					acquire; free the wait queues
 *
 * The barriers: epx_watch_kill(), epx_fput_entry(). An add holds a reference.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/file.h>
#include <linux/ftrace.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/vmalloc.h>

#include "bury.h"
#include "compat.h"
#include "fput.h"
#include "hook.h"
#include "limits.h"
#include "ring.h"
#include "trace.h"

#define EPX_FILE_LOCKS		256

/* A chain for each 16 KiB of memory, between 1024 and 4 million. */
#define EPX_BYTES_PER_CHAIN	16384
#ifdef EPX_DEBUG
/* Few: the tests want to meet strangers in a chain. */
#define EPX_FILE_BITS_MIN	4
#define EPX_FILE_BITS_MAX	4
#else
#define EPX_FILE_BITS_MIN	10
#define EPX_FILE_BITS_MAX	22
#endif

static struct hlist_head *epx_files __read_mostly;
static unsigned int epx_files_bits __read_mostly;
/* The size of epx_files, for debugfs. */
size_t epx_files_bytes;
static spinlock_t epx_file_locks[EPX_FILE_LOCKS];

static u32 epx_file_slot(const struct file *file)
{
	return hash_ptr(file, epx_files_bits);
}

static spinlock_t *epx_file_lock(const struct file *file)
{
	return &epx_file_locks[epx_file_slot(file) % EPX_FILE_LOCKS];
}

/* RCU or the file's lock held. The first watch of the ring, or NULL. */
static inline struct epx_watch *epx_file_find(const struct file *file)
{
	struct epx_watch *w;

	hlist_for_each_entry_rcu(w, &epx_files[epx_file_slot(file)], hash,
				 lockdep_is_held(epx_file_lock(file)))
		if (w->file == file)
			return w;
	return NULL;
}

/**
 * epx_file_is_watched() - does any instance watch this file?
 * @file: the file
 *
 * Context: any.
 * Return: the answer, which is stable only if the caller excludes changes.
 */
bool epx_file_is_watched(struct file *file)
{
	bool watched;

	rcu_read_lock();
	watched = epx_file_find(file);
	rcu_read_unlock();
	return watched;
}

/**
 * epx_file_hash() - enter a watch; from here on the file's close finds it
 * @w: a watch without hooks yet, its file referenced by the caller
 *
 * Context: process; takes the file's lock.
 */
void epx_file_hash(struct epx_watch *w)
{
	spinlock_t *lock = epx_file_lock(w->file);
	struct epx_watch *first;

	spin_lock(lock);
	first = epx_file_find(w->file);
	if (first)
		list_add(&w->siblings, &first->siblings);
	else
		hlist_add_head_rcu(&w->hash,
				   &epx_files[epx_file_slot(w->file)]);
	spin_unlock(lock);
}

/* The file's lock held. Does nothing where @w is not hashed. */
static inline void epx_file_unhash_locked(struct epx_watch *w)
{
	bool is_first = !hlist_unhashed(&w->hash);

	lockdep_assert_held(epx_file_lock(w->file));
	if (is_first && list_empty(&w->siblings)) {
		hlist_del_init_rcu(&w->hash);
		return;
	}
	if (is_first) {
		struct epx_watch *heir = list_next_entry(w, siblings);

		hlist_replace_rcu(&w->hash, &heir->hash);
		/* Readers go on from ->next; we want to see "unhashed". */
		WRITE_ONCE(w->hash.pprev, NULL);
	}
	list_del_init(&w->siblings);
}

/**
 * epx_file_unhash() - have a close missed, for the self-test that must notice
 * @w: the watch
 *
 * Context: process; takes the file's lock.
 */
void epx_file_unhash(struct epx_watch *w)
{
	spinlock_t *lock = epx_file_lock(w->file);

	spin_lock(lock);
	epx_file_unhash_locked(w);
	spin_unlock(lock);
}

/*
 * The end of a watch, whichever path it takes; the file's lock held. One
 * section, so that nobody who has the lock meets a watch that is half dead.
 */
static inline void epx_watch_kill(struct epx_watch *w)
{
	WRITE_ONCE(w->dead, 1);
	/*
	 * Before the file can be recycled, with all that a new open writes.
	 * Pairs with epx_file_tryget() in epx_watch_pin().
	 */
	smp_wmb();
	epx_hooks_detach(w);
	if (unlikely(epx_ring_of(w->instance)))
		epx_ring_end(w);
	/*
	 * No hook where no watch is hashed. Pairs with
	 * smp_acquire__after_ctrl_dep() in epx_fput_entry().
	 */
	smp_wmb();
	epx_file_unhash_locked(w);
}

/**
 * epx_watch_own() - paths B and C: end a watch, unless its file was faster
 * @w: the watch
 *
 * Context: process; the instance's mutex held; takes the file's lock, by the
 * address of a file that may be gone.
 * Return: false if the watch is dead already: then it is on the graveyard.
 */
bool epx_watch_own(struct epx_watch *w)
{
	spinlock_t *lock = epx_file_lock(w->file);
	bool owned;

	spin_lock(lock);
	owned = !w->dead;
	if (likely(owned))
		epx_watch_kill(w);
	spin_unlock(lock);
	if (likely(owned))
		epx_limit_uncharge(w->instance);
	return owned;
}

/**
 * epx_file_visit_watches() - call a function for each watch of a file
 * @file: the file, or NULL, which nobody watches
 * @fn: the function; runs under the file's lock, returns whether to go on
 * @arg: passed to @fn
 *
 * Context: any but interrupts; takes the file's lock.
 */
void epx_file_visit_watches(struct file *file, epx_watch_fn fn, void *arg)
{
	spinlock_t *lock = epx_file_lock(file);
	struct epx_watch *first, *w;

	spin_lock(lock);
	first = epx_file_find(file);
	for (w = first; w && fn(w, arg); ) {
		w = list_empty(&w->siblings) ?
		    first : list_next_entry(w, siblings);
		if (w == first)
			break;
	}
	spin_unlock(lock);
}

/* For the record: a scan may be moving the watch just now. */
static void epx_count_close(const struct epx_watch *w, bool queued)
{
	bool in_scan = READ_ONCE(w->instance->scan_seq) & 1;

	if (queued)
		epx_count(close_queued);
	if (in_scan)
		epx_count(close_in_scan);
	if (in_scan && queued)
		epx_count(queued_in_scan);
	if (in_scan && READ_ONCE(w->instance->incoming.first) == &w->incoming)
		epx_count(incoming_in_scan);
}

/*
 * Path A for one watch; the file's lock held, in rcu_read_lock().
 *
 * The push comes last, since the watch may be buried and freed (after our
 * grace period) as soon as it is pushed; the instance has a reference of our
 * own by then.
 */
static void epx_watch_closed(struct epx_watch *w)
{
	struct epx_instance *inst = w->instance;
	bool queued = READ_ONCE(w->queued);

	epx_count_close(w, queued);
	epx_watch_kill(w);
	trace_epx_close(w, queued);
	epx_limit_uncharge(inst);
	epx_instance_get(inst);
	llist_add(&w->grave, &inst->graveyard);
	epx_reap_later(inst);
	epx_instance_put(inst);
}

/*
 * The last reference on a watched file has gone. Process context, preemption
 * possibly off. The time grows with the number of watches of this one file.
 */
static noinline void epx_file_closed(struct file *file)
{
	spinlock_t *lock = epx_file_lock(file);
	struct epx_watch *w, *next;

	epx_count(fput_hits);
	rcu_read_lock();
	spin_lock(lock);
	for (w = epx_file_find(file); w; w = next) {
		next = list_empty(&w->siblings) ?
		       NULL : list_next_entry(w, siblings);
		epx_watch_closed(w);
	}
	spin_unlock(lock);
	rcu_read_unlock();
}

/* Out of line: what every close of every file runs then saves no registers. */
static noinline void epx_fput_look(struct file *file)
{
	if (epx_file_is_watched(file))
		epx_file_closed(file);
}

/* __fput(), first instruction. Process context, preemption possibly off. */
static void notrace epx_fput_entry(unsigned long ip, unsigned long parent_ip,
				   struct ftrace_ops *ops,
				   struct ftrace_regs *fregs)
{
	struct file *file = (struct file *)epx_ftrace_first_argument(fregs);

	/* Most chains are empty. */
	if (unlikely(!hlist_empty(&epx_files[epx_file_slot(file)])))
		epx_fput_look(file);
	/*
	 * A no is acted upon: the file goes. Pairs with smp_wmb() in
	 * epx_watch_kill().
	 */
	smp_acquire__after_ctrl_dep();
}

static struct ftrace_ops epx_fput_ops = {
	.func = epx_fput_entry,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

/**
 * epx_close_hook_init() - from here on, closes are seen
 *
 * Context: module init, may sleep.
 * Return: 0 or -errno, with a reason in the log.
 */
int epx_close_hook_init(void)
{
	static unsigned char target[] = "__fput";
	int err;

	err = ftrace_set_filter(&epx_fput_ops, target, strlen(target), 1);
	if (err) {
		pr_err("cannot trace __fput (%d): closes would be missed\n",
		       err);
		return err;
	}
	err = register_ftrace_function(&epx_fput_ops);
	if (err) {
		pr_err("cannot hook __fput (%d): is kernel.ftrace_enabled 0?\n",
		       err);
		ftrace_free_filter(&epx_fput_ops);
	}
	return err;
}

/**
 * epx_close_hook_exit() - closes are no longer seen
 *
 * After a failure of its own (elsewhere in the kernel) ftrace gives no call
 * site back: __fput() would go on to call us. Then the unload must not end.
 *
 * Context: module exit, may sleep; returns when no callback runs any more.
 */
void epx_close_hook_exit(void)
{
	int err = unregister_ftrace_function(&epx_fput_ops);

	if (err)
		pr_emerg("hook on __fput stuck (%d): reboot to unload\n", err);
	while (err)
		schedule_timeout_idle(MAX_SCHEDULE_TIMEOUT);
	ftrace_free_filter(&epx_fput_ops);
}

/**
 * epx_files_init() - make the table of watched files
 *
 * Context: module init.
 * Return: 0 or -ENOMEM.
 */
int epx_files_init(void)
{
	unsigned long chains = totalram_pages() /
			       (EPX_BYTES_PER_CHAIN / PAGE_SIZE);

	epx_files_bits = clamp_t(unsigned int, ilog2(chains | 1),
				 EPX_FILE_BITS_MIN, EPX_FILE_BITS_MAX);
	epx_files_bytes = sizeof(*epx_files) << epx_files_bits;
	epx_files = kvzalloc(epx_files_bytes, GFP_KERNEL);
	if (!epx_files)
		return -ENOMEM;
	for (int i = 0; i < EPX_FILE_LOCKS; i++)
		spin_lock_init(&epx_file_locks[i]);
	return 0;
}

/**
 * epx_files_exit() - free the table
 * Context: module exit; no watch is left.
 */
void epx_files_exit(void)
{
	kvfree(epx_files);
}
