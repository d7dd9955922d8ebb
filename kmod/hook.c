// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks: our entries on the wait queues of watched files, and the callback
 * that a device's wake-up runs.
 *
 * Contexts: attach and detach run in process context (detach also from the
 * close of a file, preemption off); the callback runs wherever a device
 * wakes, hard interrupts included, with the wait-queue head's lock held and
 * interrupts off.
 *
 * Why the callback's pointers are safe. It reaches the watch through
 * wait->private and the instance through the watch. Both live until a grace
 * period after the hooks are detached, and a detach takes the head's lock,
 * so it returns only when no callback runs and none can start. The queue
 * itself is safe for the detacher because a watched file's queues live until
 * its ->release, and epx_file_closed() detaches before that; the exception is
 * a queue that is freed before its file (signalfd's belongs to a process).
 * Its owner wakes it with POLLFREE and frees it a grace period later:
 *
 *	callback (POLLFREE)		detacher, in rcu_read_lock()
 *	list_del_init(entry)
 *	store-release head = NULL	head = load-acquire
 *	touches nothing more		head ? remove from it : it is gone
 *
 * Who sees NULL may free the hook at once; who sees the head has a queue that
 * cannot be freed before it leaves the read section, and removing an entry
 * that was list_del_init'ed already does no harm.
 *
 * No wake-up is lost between the callback and a scan:
 *
 *	callback			epx_take() in a scan
 *	(file became ready)		queued = 0, by xchg
 *	xchg(queued, 1)			poll the file
 *	0: push on incoming
 *
 * Both xchg are full barriers. If the callback read 1, the scan's xchg comes
 * later, and its poll sees the file ready. That is why there is no shorter
 * way round the xchg by a plain read.
 */
#include <linux/poll.h>
#include <linux/slab.h>

#include "busypoll.h"
#include "exclusive.h"
#include "hook.h"
#include "instance.h"
#include "ready.h"
#include "ring.h"
#include "ring_publish.h"
#include "trace.h"

static struct kmem_cache *epx_hook_cache;

/* What the queue proc needs beside the poll table. */
struct epx_hook_table {
	poll_table pt;
	struct epx_watch *watch;
	unsigned int count;
	int error;
};

/*
 * Lock subclass for waking @inst's pollers on behalf of @w. Where @w watches
 * an inner instance, this runs inside that one's wake of its own pollers,
 * with their lock held, so the subclass is one above.
 */
static int epx_wake_subclass(struct epx_watch *w)
{
	struct epx_instance *inner;

	if (!w || w->kind != EPX_KIND_NESTED)
		return 0;
	inner = container_of(w->hook.head, struct epx_instance, pollers);
	return READ_ONCE(inner->wake_depth);
}

/**
 * epx_pollers_wake_some() - epx_pollers_wake() where somebody polls
 * @inst: the instance
 * @w: the watch that became ready in a wake callback, or NULL
 * @key: the key of that wake-up; EPOLL_URING_WAKE is passed on, so that
 *	 io_uring can tell a wake-up that it caused itself
 *
 * Context: any; takes the lock of @inst->pollers.
 */
void epx_pollers_wake_some(struct epx_instance *inst, struct epx_watch *w,
			   __poll_t key)
{
	unsigned long flags;
	int subclass;

	epx_count(nested_wake);
	subclass = epx_wake_subclass(w);
	spin_lock_irqsave_nested(&inst->pollers.lock, flags, subclass);
	inst->wake_depth = subclass + 1;
	wake_up_locked_poll(&inst->pollers,
			    EPOLLIN | (key & EPOLL_URING_WAKE));
	inst->wake_depth = 0;
	spin_unlock_irqrestore(&inst->pollers.lock, flags);
}

/*
 * Any context; head->lock held, interrupts off. The last full barrier was the
 * caller's. Returns whether other exclusive entries are to be woken too.
 */
static __always_inline int epx_hook_pass_on(struct epx_watch *w,
					    __poll_t events, __poll_t keys,
					    int sync)
{
	struct epx_instance *inst = w->instance;
	int ret = 1;

	/*
	 * What was pushed or published is visible before the look for who
	 * waits. Pairs with smp_mb() in epx_sleep(), in epx_gatherer_enter()
	 * and in epx_instance_poll().
	 */
	if (events & EPOLLEXCLUSIVE)
		ret = epx_wake_exclusive(w, events, keys);
	/* Behind the barrier, like the look into the pollers' queue. */
	else if (waitqueue_active(&inst->sleepers))
		epx_sleepers_wake(inst, sync, 0);
	epx_pollers_wake(inst, w, keys);
	return ret;
}

/* A full barrier; its pairs are in epx_hook_pass_on(). */
static __always_inline int epx_hook_push(struct epx_watch *w, __poll_t events,
					 __poll_t keys, int sync)
{
	bool pushed = epx_push(w);

	trace_epx_wake(w, keys, pushed);
	return epx_hook_pass_on(w, events, keys, sync);
}

/*
 * The same with a ring. A disarmed item keeps what it has been told to itself,
 * and takes no wake-up from others.
 */
static __always_inline int epx_hook_publish(struct epx_watch *w,
					    __poll_t events, __poll_t keys,
					    int sync)
{
	bool told = epx_ring_hint(w, events, keys);

	trace_epx_wake(w, keys, told);
	if (!told)
		return !(events & EPOLLEXCLUSIVE);
	return epx_hook_pass_on(w, events, keys, sync);
}

/* The queue is about to go: leave it. */
static noinline void epx_hook_leave(struct epx_hook *hook)
{
	struct epx_watch *w = hook->wait.private;

	epx_count(pollfree);
	/* Who has marked it waits for the lock that we are in. */
	if (READ_ONCE(w->dead))
		epx_count(pollfree_dead);
	list_del_init(&hook->wait.entry);
	/*
	 * The last access: who sees NULL frees the hook. Pairs with the acquire
	 * in epx_hook_detach() and in epx_hook_rotate().
	 */
	smp_store_release(&hook->head, NULL);
}

/*
 * Any context; head->lock held, interrupts off.
 *
 * The wake-up is passed on at every call, not only when the watch was pushed:
 * a watch that is queued already may have had its sleeper taken by another
 * event, and an outer edge-triggered watch counts callbacks.
 */
static __always_inline int epx_hook_run(wait_queue_entry_t *wait, int sync,
					void *key, bool has_ring)
{
	struct epx_watch *w = wait->private;
	/* Written under the mutex. Pairs with smp_mb() in epx_modify(). */
	__poll_t events = READ_ONCE(w->events);
	__poll_t keys = key_to_poll(key);
	int ret = !(events & EPOLLEXCLUSIVE);

	epx_busy_note(w->instance, w->file);
	/* A disarmed one-shot has steering bits only. A key of 0 says nothing. */
	if ((events & ~EPX_STEERING_BITS) && (!keys || (keys & events)))
		ret = has_ring ? epx_hook_publish(w, events, keys, sync) :
				 epx_hook_push(w, events, keys, sync);
	if (unlikely(keys & POLLFREE))
		epx_hook_leave(container_of(wait, struct epx_hook, wait));
	return ret;
}

static int epx_hook_wake(wait_queue_entry_t *wait, unsigned int mode,
			 int sync, void *key)
{
	return epx_hook_run(wait, sync, key, false);
}

static int epx_hook_wake_ring(wait_queue_entry_t *wait, unsigned int mode,
			      int sync, void *key)
{
	return epx_hook_run(wait, sync, key, true);
}

/* Process context, called by ->poll through poll_wait(). */
static void epx_hook_queue(struct file *file, wait_queue_head_t *head,
			   poll_table *pt)
{
	struct epx_hook_table *table =
		container_of(pt, struct epx_hook_table, pt);
	struct epx_watch *w = table->watch;
	struct epx_hook *hook = &w->hook;

	if (table->error)
		return;
	if (table->count++) {
		struct epx_extra_hook *extra;

		extra = kmem_cache_alloc(epx_hook_cache, GFP_KERNEL);
		if (!extra) {
			table->error = -ENOMEM;
			return;
		}
		hook = &extra->hook;
		extra->next = w->extra;
		w->extra = extra;
	}
	/* An instance with a watch is not given a ring any more. */
	init_waitqueue_func_entry(&hook->wait, epx_ring_of(w->instance) ?
				  epx_hook_wake_ring : epx_hook_wake);
	hook->wait.private = w;
	hook->head = head;
	if (w->events & EPOLLEXCLUSIVE)
		add_wait_queue_exclusive(head, &hook->wait);
	else
		add_wait_queue(head, &hook->wait);
}

/**
 * epx_hooks_attach() - put a new watch on its file's wait queues
 * @w: the watch, hashed already: a hook exists only on a hashed watch
 * @file: its file, with a reference of the caller's
 * @revents: what the file reports now, within the watch's mask
 *
 * Context: process, may sleep; the instance's mutex held. On failure some
 * hooks may be attached; the caller ends the watch, which detaches them.
 * Return: 0 or -ENOMEM.
 */
int epx_hooks_attach(struct epx_watch *w, struct file *file,
		     __poll_t *revents)
{
	struct epx_hook_table table = { .watch = w };

	lockdep_assert_held(&w->instance->mutex);
	init_poll_funcptr(&table.pt, epx_hook_queue);
	*revents = epx_watch_poll(w, file, &table.pt, 1);
	return table.error;
}

static void epx_hook_detach(struct epx_hook *hook)
{
	wait_queue_head_t *head;

	rcu_read_lock();
	/* Pairs with the release in epx_hook_leave(). */
	head = smp_load_acquire(&hook->head);
	if (head) {
		remove_wait_queue(head, &hook->wait);
		WRITE_ONCE(hook->head, NULL);
	}
	rcu_read_unlock();
}

/**
 * epx_hooks_detach() - take a watch off all wait queues
 * @w: the watch
 *
 * When it returns no callback of @w runs and none will. A second call finds
 * nothing to do.
 *
 * Context: any but interrupts; the file's lock held, takes the heads' locks.
 */
void epx_hooks_detach(struct epx_watch *w)
{
	struct epx_extra_hook *extra;

	epx_hook_detach(&w->hook);
	for (extra = w->extra; extra; extra = extra->next)
		epx_hook_detach(&extra->hook);
}

/**
 * epx_hooks_free() - free the hooks beyond the first
 * @w: a detached watch, after its grace period
 *
 * Context: any, softirq included.
 */
void epx_hooks_free(struct epx_watch *w)
{
	struct epx_extra_hook *extra, *next;

	for (extra = w->extra; extra; extra = next) {
		next = extra->next;
		kmem_cache_free(epx_hook_cache, extra);
	}
}

/**
 * epx_hooks_init() - make the slab cache
 *
 * Context: module init.
 * Return: 0 or -ENOMEM.
 */
int epx_hooks_init(void)
{
	epx_hook_cache = kmem_cache_create("epx_hook",
					   sizeof(struct epx_extra_hook), 0,
					   SLAB_ACCOUNT, NULL);
	return epx_hook_cache ? 0 : -ENOMEM;
}

/**
 * epx_hooks_exit() - destroy the slab cache
 *
 * Context: module exit, after rcu_barrier().
 */
void epx_hooks_exit(void)
{
	kmem_cache_destroy(epx_hook_cache);
}
