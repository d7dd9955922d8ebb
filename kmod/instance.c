// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of an instance: made by EPX_IOC_CREATE, released with the last
 * reference on its file, freed when nothing points to it any more.
 *
 * Watches hold no reference on their instance. A release ends those that are
 * alive and buries those that are dead, and when it drops the file's reference
 * none is left: a close that has marked a watch dead has pushed it to the
 * graveyard in the same section of the file's lock, and the release takes
 * that lock. The close takes a reference of its own in that section, for what it
 * does after it. Between release and free the instance is kept by those and by
 * pending work, and after the last by an RCU grace period, for who came to it
 * through a watch. All references are dropped with epx_instance_put(), which
 * does not sleep; what must sleep is done by the release. The last reference
 * never goes under the instance's own mutex: every holder of the mutex has
 * one.
 */
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "bury.h"
#include "debugfs.h"
#include "hook.h"
#include "instance.h"
#include "ring.h"
#include "ring_map.h"
#include "slots.h"
#include "source.h"
#include "wakeup.h"

DEFINE_PER_CPU(struct epx_counters, epx_counters);

static struct kmem_cache *epx_instance_cache;

/**
 * epx_instance_new() - an instance without a file
 *
 * The creator's user is charged for its watches.
 *
 * Context: process, may sleep.
 * Return: the instance or NULL.
 */
struct epx_instance *epx_instance_new(void)
{
	struct epx_instance *inst;

	inst = kmem_cache_zalloc(epx_instance_cache, GFP_KERNEL);
	if (!inst)
		return NULL;
	mutex_init(&inst->mutex);
	inst->tree = RB_ROOT;
	xa_init_flags(&inst->sources, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&inst->ready);
	init_llist_head(&inst->incoming);
	init_llist_head(&inst->graveyard);
	init_waitqueue_head(&inst->sleepers);
	init_waitqueue_head(&inst->pollers);
	refcount_set(&inst->refs, 1);
	inst->user = get_uid(current_user());
	INIT_WORK(&inst->reap, epx_reap);
	epx_debugfs_add(inst);
	return inst;
}

/**
 * epx_instance_get() - one more reference
 * @inst: the instance
 *
 * Context: any.
 */
void epx_instance_get(struct epx_instance *inst)
{
	refcount_inc(&inst->refs);
}

static void epx_instance_free_rcu(struct rcu_head *rcu)
{
	struct epx_instance *inst = container_of(rcu, struct epx_instance,
						 rcu);

	mutex_destroy(&inst->mutex);
	kmem_cache_free(epx_instance_cache, inst);
}

/**
 * epx_instance_put() - drop a reference
 * @inst: the instance
 *
 * Context: any but hard interrupts.
 */
void epx_instance_put(struct epx_instance *inst)
{
	if (!refcount_dec_and_test(&inst->refs))
		return;
	free_uid(inst->user);
	call_rcu(&inst->rcu, epx_instance_free_rcu);
}

/**
 * epx_instance_release() - the last use of an instance is over
 * @inst: the instance; the caller's reference is consumed
 *
 * Context: process, may sleep. ->file is cleared while the struct file is
 * still there, so that a walk upwards stops here; one that has read it just
 * before may count a later file's watches once.
 */
void epx_instance_release(struct epx_instance *inst)
{
	epx_debugfs_del(inst);
	epx_pollers_wake(inst, NULL, 0);
	epx_instance_lock(inst, 0);
	epx_instance_clear(inst);
	epx_sources_clear(inst);
	epx_wakeup_release(inst);
	WRITE_ONCE(inst->file, NULL);
	epx_instance_unlock(inst);
	if (epx_ring_of(inst))
		epx_ring_free(epx_ring_of(inst));
	epx_slots_free(inst->slots);
	epx_instance_put(inst);
}

/**
 * epx_instances_init() - make the slab cache
 *
 * Context: module init.
 * Return: 0 or -ENOMEM.
 */
int epx_instances_init(void)
{
	epx_instance_cache = kmem_cache_create("epx_instance",
					       sizeof(struct epx_instance), 0,
					       SLAB_ACCOUNT, NULL);
	return epx_instance_cache ? 0 : -ENOMEM;
}

/**
 * epx_instances_exit() - destroy the slab cache
 *
 * Context: module exit, after rcu_barrier().
 */
void epx_instances_exit(void)
{
	kmem_cache_destroy(epx_instance_cache);
}
