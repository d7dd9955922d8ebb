// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of sources, and what fdinfo shows of them.
 *
 * Process context, but for the free after a grace period. The values of a queue
 * go at once, when it ends, the source itself is looked at by posts until the
 * grace period is over.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "clock.h"
#include "ring.h"
#include "source.h"

static struct kmem_cache *epx_posted_cache;
static struct kmem_cache *epx_timer_cache;

/**
 * epx_queue_free() - free the values of a queue, which is over
 * @queue: the queue, or a user event, which has none
 *
 * Context: process, may sleep; nobody posts any more.
 */
void epx_queue_free(struct epx_posted *queue)
{
	kvfree(queue->values);
	queue->values = NULL;
}

/**
 * epx_source_free() - free a source without values
 * @rcu: its ->rcu, after a grace period if anybody has seen it
 *
 * Context: any, softirq included.
 */
void epx_source_free(struct rcu_head *rcu)
{
	struct epx_source *src = container_of(rcu, struct epx_source,
					      watch.rcu);

	if (src->kind == EPX_SOURCE_TIMER)
		kmem_cache_free(epx_timer_cache, epx_timer_of(src));
	else
		kmem_cache_free(epx_posted_cache, epx_posted_of(src));
}

static struct epx_source *epx_posted_new(const struct epx_source_ctl *ctl)
{
	struct epx_posted *posted = kmem_cache_zalloc(epx_posted_cache,
						      GFP_KERNEL);

	if (!posted)
		return NULL;
	/* Never taken in interrupts; a timer's has a class of its own. */
	spin_lock_init(&posted->source.lock);
	posted->depth = ctl->depth;
	if (!ctl->depth)
		return &posted->source;
	posted->values = kvmalloc_array(ctl->depth, sizeof(u64),
					GFP_KERNEL_ACCOUNT);
	if (posted->values)
		return &posted->source;
	kmem_cache_free(epx_posted_cache, posted);
	return NULL;
}

static struct epx_source *epx_timer_new(void)
{
	struct epx_timer *timer = kmem_cache_zalloc(epx_timer_cache,
						    GFP_KERNEL);

	if (!timer)
		return NULL;
	spin_lock_init(&timer->source.lock);
	epx_timer_prepare(timer);
	return &timer->source;
}

/**
 * epx_source_discard() - free a source that nobody has seen
 * @src: the source
 *
 * Context: process, may sleep.
 */
void epx_source_discard(struct epx_source *src)
{
	if (src->kind == EPX_SOURCE_QUEUE)
		epx_queue_free(epx_posted_of(src));
	epx_source_free(&src->watch.rcu);
}

/**
 * epx_source_new() - a source on no list, whose timer does not run
 * @inst: its instance
 * @ctl: checked
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: the source; -ENOMEM, or -ENOSPC where it finds no place in the ring.
 */
struct epx_source *epx_source_new(struct epx_instance *inst,
				  const struct epx_source_ctl *ctl)
{
	struct epx_source *src = ctl->kind == EPX_SOURCE_TIMER ?
				 epx_timer_new() : epx_posted_new(ctl);
	int err;

	if (!src)
		return ERR_PTR(-ENOMEM);
	src->kind = ctl->kind;
	src->watch.instance = inst;
	src->watch.fd = ctl->id;
	src->watch.data = ctl->data;
	src->watch.events = epx_source_mask(ctl);
	if (epx_ring_of(inst)) {
		err = epx_ring_bind(&src->watch, ctl->data);
		if (err) {
			epx_source_discard(src);
			return ERR_PTR(err);
		}
	}
	return src;
}

/**
 * epx_sources_show() - the lines of an instance's sources in fdinfo
 * @m: where to print
 * @inst: the instance
 *
 * Context: process, may sleep; the instance's mutex held. Posts run beside.
 */
void epx_sources_show(struct seq_file *m, struct epx_instance *inst)
{
	static const char * const kinds[] = {
		[EPX_SOURCE_USER] = "user", [EPX_SOURCE_QUEUE] = "queue",
		[EPX_SOURCE_TIMER] = "timer",
	};
	struct epx_source *src;
	unsigned long id;

	lockdep_assert_held(&inst->mutex);
	xa_for_each(&inst->sources, id, src) {
		seq_printf(m, "source: %8lu events: %8x data: %16llx  kind:%s",
			   id, (__force u32)src->watch.events,
			   epx_watch_data(&src->watch), kinds[src->kind]);
		if (src->kind == EPX_SOURCE_TIMER)
			epx_timer_show(m, epx_timer_of(src));
		else
			epx_posted_show(m, epx_posted_of(src));
		if (seq_has_overflowed(m))
			break;
	}
}

/**
 * epx_sources_init() - make the slab caches
 *
 * Context: module init.
 * Return: 0 or -ENOMEM.
 */
int epx_sources_init(void)
{
	epx_posted_cache = kmem_cache_create("epx_posted",
					     sizeof(struct epx_posted), 0,
					     SLAB_ACCOUNT, NULL);
	if (!epx_posted_cache)
		return -ENOMEM;
	epx_timer_cache = kmem_cache_create("epx_timer",
					    sizeof(struct epx_timer), 0,
					    SLAB_ACCOUNT, NULL);
	if (epx_timer_cache)
		return 0;
	kmem_cache_destroy(epx_posted_cache);
	return -ENOMEM;
}

/**
 * epx_sources_exit() - destroy the slab caches
 *
 * Context: module exit, may sleep, after rcu_barrier().
 */
void epx_sources_exit(void)
{
	epx_clock_exit();
	kmem_cache_destroy(epx_timer_cache);
	kmem_cache_destroy(epx_posted_cache);
}
