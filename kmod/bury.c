// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a watch ends, the part that may sleep: unlink it from its instance and
 * free it. instance.h names the paths: A the file was closed, B the watch was
 * deleted, C the instance was released. fput.c has the atomic half of A.
 *
 * Everything here runs in process context under the instance's mutex, but for
 * epx_reap_later(), which the close of a file calls with preemption off.
 *
 * The order of burying is what makes it right: take the graveyard, *then*
 * drain @incoming, *then* unlink. A watch is put on the graveyard after its
 * hooks are gone, so when we have it no callback pushes it any more, and if
 * it was pushed before, the drain has moved it to @ready, from whose middle it
 * can be taken (an llist cannot lose an entry from its middle).
 *
 * Nobody is left unburied. Who pushes to a graveyard queues the reaper; the
 * reaper only tries the mutex, because its holder may sleep on a user page
 * for as long as the user likes:
 *
 *	epx_reap()			epx_instance_unlock()
 *	(the push is visible)		release the mutex
 *	full barrier			full barrier
 *	try the mutex			look at the graveyard
 *
 * Either the try succeeds, or the holder's look sees the push and queues the
 * reaper again.
 */
#include <linux/file.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "bury.h"
#include "fput.h"
#include "hook.h"
#include "limits.h"
#include "ready.h"
#include "ring.h"
#include "trace.h"

static struct kmem_cache *epx_watch_cache;
static struct workqueue_struct *epx_reaper;

/* A place in the ring for a new watch, or no watch. */
static noinline struct epx_watch *epx_watch_with_item(struct epx_watch *w)
{
	int err = epx_ring_bind(w, w->data);

	if (!err)
		return w;
	kmem_cache_free(epx_watch_cache, w);
	return ERR_PTR(err);
}

/**
 * epx_watch_new() - a watch of an instance, on no list
 * @inst: the instance. The watch needs no reference on it: a release ends or
 *	  buries every watch before it drops its own
 * @data: what its events carry
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: the watch; -ENOMEM, or -ENOSPC where it finds no place in the ring.
 */
struct epx_watch *epx_watch_new(struct epx_instance *inst, u64 data)
{
	struct epx_watch *w = kmem_cache_zalloc(epx_watch_cache, GFP_KERNEL);

	if (!w)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&w->siblings);
	w->instance = inst;
	w->data = data;
	if (unlikely(epx_ring_of(inst)))
		return epx_watch_with_item(w);
	return w;
}

static void epx_watch_free_rcu(struct rcu_head *rcu)
{
	struct epx_watch *w = container_of(rcu, struct epx_watch, rcu);

	if (unlikely(w->extra))
		epx_hooks_free(w);
	kmem_cache_free(epx_watch_cache, w);
}

/*
 * Off the ready list and the tree, and free. The hooks are gone; @incoming
 * has been drained since, if the watch is queued.
 */
static inline void epx_watch_unlink(struct epx_watch *w)
{
	struct epx_instance *inst = w->instance;

	lockdep_assert_held(&inst->mutex);
	if (w->queued)
		list_del(&w->ready);
	if (unlikely(rcu_access_pointer(w->ws)))
		epx_wakeup_remove(w);
	if (unlikely(epx_ring_of(inst)))
		epx_ring_unbind(w);
	rb_erase(&w->node, &inst->tree);
	call_rcu(&w->rcu, epx_watch_free_rcu);
}

/**
 * epx_watch_end() - path B: end a watch whose file the caller holds
 * @w: the watch
 *
 * Context: process, may sleep; the instance's mutex held.
 */
void epx_watch_end(struct epx_watch *w)
{
	if (WARN_ON_ONCE(!epx_watch_own(w)))
		return;
	if (w->queued)
		epx_drain(w->instance);
	epx_watch_unlink(w);
}

/**
 * epx_bury_slow() - epx_bury() of a graveyard that is not empty
 * @inst: the instance
 *
 * Context: process, may sleep; the instance's mutex held.
 */
void epx_bury_slow(struct epx_instance *inst)
{
	struct llist_node *graves;
	struct epx_watch *w, *next;

	lockdep_assert_held(&inst->mutex);
	graves = llist_del_all(&inst->graveyard);
	epx_drain(inst);
	llist_for_each_entry_safe(w, next, graves, grave) {
		epx_count(bury);
		trace_epx_bury(w);
		epx_watch_unlink(w);
		cond_resched();
	}
}

/**
 * epx_instance_clear() - path C: end all watches of an instance
 * @inst: the instance, which nobody can reach any more but closing files
 *
 * Context: process, may sleep; the instance's mutex held.
 */
void epx_instance_clear(struct epx_instance *inst)
{
	struct rb_node *node, *next;

	epx_drain(inst);
	for (node = rb_first(&inst->tree); node; node = next) {
		struct epx_watch *w = rb_entry(node, struct epx_watch, node);

		next = rb_next(node);
		if (epx_watch_own(w)) {
			if (w->queued)
				epx_drain(inst);
			epx_watch_unlink(w);
		} else {
			epx_count(release_dead);
		}
		cond_resched();
	}
	/* A watch that was seen dead is on the graveyard by now. */
	epx_bury(inst);
	WARN_ON_ONCE(!RB_EMPTY_ROOT(&inst->tree));
}

/**
 * epx_reap_later() - have the graveyard looked after
 * @inst: the instance; the caller has a reference
 *
 * Context: any but hard interrupts; does not sleep.
 */
void epx_reap_later(struct epx_instance *inst)
{
	epx_instance_get(inst);
	if (!queue_work(epx_reaper, &inst->reap))
		epx_instance_put(inst);
}

/**
 * epx_reap() - the reaper's work item
 * @work: of an instance, with a reference
 *
 * Context: workqueue.
 */
void epx_reap(struct work_struct *work)
{
	struct epx_instance *inst = container_of(work, struct epx_instance,
						 reap);

	/* Pairs with smp_mb() in epx_instance_unlock(). */
	smp_mb();
	if (mutex_trylock(&inst->mutex)) {
		epx_bury(inst);
		epx_instance_unlock(inst);
	} else {
		epx_count(reaper_busy);
	}
	epx_instance_put(inst);
}

/**
 * epx_bury_init() - make the slab cache and the workqueue
 *
 * Context: module init.
 * Return: 0 or -ENOMEM.
 */
int epx_bury_init(void)
{
	epx_watch_cache = kmem_cache_create("epx_watch",
					    sizeof(struct epx_watch), 0,
					    SLAB_ACCOUNT, NULL);
	if (!epx_watch_cache)
		return -ENOMEM;
	epx_reaper = alloc_workqueue("epollx_reaper", WQ_MEM_RECLAIM, 0);
	if (!epx_reaper) {
		kmem_cache_destroy(epx_watch_cache);
		return -ENOMEM;
	}
	return 0;
}

/**
 * epx_bury_stop() - let the pending work finish
 *
 * Context: module exit; no instance and no hook on closes is left.
 */
void epx_bury_stop(void)
{
	destroy_workqueue(epx_reaper);
}

/**
 * epx_bury_exit() - destroy the slab cache
 *
 * Context: module exit, after rcu_barrier().
 */
void epx_bury_exit(void)
{
	kmem_cache_destroy(epx_watch_cache);
}
