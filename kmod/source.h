/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sources: watches without a file. <linux/epollx_source.h> is what programs
 * see of them.
 *
 *	source.c	adding, changing, ending
 *	source_new.c	memory, fdinfo
 *	source_scan.c	what a scan of the ready list does for one
 *	post.c		user events and queues
 *	timer.c		timers
 *	clock.c		timers that hear of a clock that was set
 *
 * A source begins with a struct epx_watch whose ->file is NULL and whose ->fd
 * is the id. It goes through the same lists and by the same rules: ->queued is
 * changed by xchg(), and so on. What differs is what stands in for the file:
 * nothing is polled, nothing pinned and nothing hooked; there is no other end
 * than EPOLL_CTL_DEL and the release of the instance.
 *
 * Sources are not in instance->tree but in instance->sources, an xarray by id,
 * so that a post finds its source without the mutex, and who walks the tree
 * meets files only.
 *
 * Who may touch a source that is about to end::
 *
 *	epx_post(), in rcu_read_lock()	epx_source_end(), under the mutex
 *	load from ->sources		erase from ->sources
 *	->lock				->lock
 *	dead? leave			dead = 1
 *	count, push			unlock
 *	unlock				drain: what was pushed is on @ready
 *					unlink, free after a grace period
 *
 * Either the post's section comes first, and its push is found by the drain; or
 * it sees ->dead and touches no list. A timer needs no such look: nobody but its
 * callback and the holder of the mutex starts it, and hrtimer_cancel() waits
 * for the callback.
 */
#ifndef EPX_SOURCE_H
#define EPX_SOURCE_H

#include <linux/hrtimer.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include "hook.h"
#include "instance.h"
#include "ready.h"

/**
 * struct epx_source - what all sources have
 * @watch: the watch. Its ->events are written under the mutex and @lock
 * @lock: innermost but for those of the sleepers and pollers. A timer's is taken
 *	  in hard interrupts, so everywhere with interrupts off
 * @kind: [C] EPX_SOURCE_*
 * @count: under @lock: posts or expiries that have not been delivered; of a
 *	   queue it is not used
 */
struct epx_source {
	struct epx_watch watch;
	spinlock_t lock; /* [itself] */
	u32 kind;
	u64 count;
};

/**
 * struct epx_posted - a user event or a queue
 * @source: what all have
 * @value: under the lock: of the latest post to a user event
 * @values: [C] of a queue: ring of @depth values; those from @head to @tail are
 *	    pending
 * @depth: [C] its length; 0: a user event
 * @head: under the lock, written under the mutex too: values taken
 * @tail: under the lock: values posted. Both run from 0 to 2 * @depth - 1, so
 *	  that full and empty differ
 */
struct epx_posted {
	struct epx_source source;
	u64 value;
	u64 *values;
	u32 depth;
	u32 head;
	u32 tail;
};

/**
 * struct epx_timer - a timer
 * @source: what all have
 * @timer: started by who has the mutex, or by its callback
 * @period: [M] nanoseconds, or 0
 * @offset: under the lock once it is listed: CLOCK_REALTIME - CLOCK_MONOTONIC
 *	    when last looked at, of one that follows the clock
 * @expired: under the lock: it has, and does not run; somebody has to forward it
 * @changing: [M] to write, the callback reads it: epx_timer_move() is at it
 * @missed: under the lock: the callback has come meanwhile
 * @jumped: under the lock: that the clock was set is to be told
 * @listed: [M] it is on the list of clock.c, by its ->siblings
 * @clock: [M] what it was last initialised for
 * @flags: [M] EPX_TIMER_*, likewise
 */
struct epx_timer {
	struct epx_source source;
	struct hrtimer timer;
	ktime_t period;
	ktime_t offset;
	bool expired;
	bool changing;
	bool missed;
	bool jumped;
	bool listed;
	u8 clock;
	u8 flags;
};

static inline struct epx_source *epx_source_of(struct epx_watch *w)
{
	return container_of(w, struct epx_source, watch);
}

static inline struct epx_posted *epx_posted_of(struct epx_source *src)
{
	return container_of(src, struct epx_posted, source);
}

static inline struct epx_timer *epx_timer_of(struct epx_source *src)
{
	return container_of(src, struct epx_timer, source);
}

/**
 * epx_timer_follows_clock() - does what is done to CLOCK_REALTIME matter to it?
 * @timer: the timer
 *
 * Context: any; the instance's mutex or the source's lock held.
 * Return: the answer.
 */
static inline bool epx_timer_follows_clock(const struct epx_timer *timer)
{
	return timer->clock == CLOCK_REALTIME &&
	       (timer->flags & EPX_TIMER_ABSTIME);
}

/**
 * epx_is_source() - is a watch one without a file?
 * @w: the watch
 *
 * Context: any.
 * Return: the answer.
 */
static inline bool epx_is_source(const struct epx_watch *w)
{
	return !w->file;
}

/**
 * epx_source_mask() - the mask of a source
 * @ctl: checked
 *
 * What its delivery takes away has no level.
 *
 * Context: any.
 * Return: the mask.
 */
static inline __poll_t epx_source_mask(const struct epx_source_ctl *ctl)
{
	__poll_t events = (__force __poll_t)ctl->events | EPOLLIN;

	return ctl->kind == EPX_SOURCE_QUEUE ? events : events | EPOLLET;
}

/**
 * epx_source_is_armed() - has its event somebody to go to?
 * @src: the source
 *
 * Context: any; exact under its lock or the instance's mutex.
 * Return: false of a one-shot that has been delivered.
 */
static inline bool epx_source_is_armed(const struct epx_source *src)
{
	return READ_ONCE(src->watch.events) & ~EPX_STEERING_BITS;
}

/**
 * epx_source_tell() - a source has been pushed or published: wake who waits
 * @inst: its instance
 *
 * At every post and expiry, as epx_hook_pass_on() does at every wake-up, and
 * behind the same full barrier, that of epx_push() or epx_ring_publish().
 *
 * Context: any; takes the locks of the sleepers and of the pollers.
 */
static inline void epx_source_tell(struct epx_instance *inst)
{
	/* Behind the caller's full barrier. */
	if (waitqueue_active(&inst->sleepers))
		epx_sleepers_wake(inst, 0, 0);
	epx_pollers_wake(inst, NULL, 0);
}

/* source.c */
long epx_source_change(struct epx_instance *inst, unsigned int cmd,
		       const void __user *uarg);
void epx_sources_clear(struct epx_instance *inst);

/* source_new.c */
struct epx_source *epx_source_new(struct epx_instance *inst,
				  const struct epx_source_ctl *ctl);
void epx_source_discard(struct epx_source *src);
void epx_queue_free(struct epx_posted *queue);
void epx_source_free(struct rcu_head *rcu);
void epx_sources_show(struct seq_file *m, struct epx_instance *inst);
int epx_sources_init(void);
void epx_sources_exit(void);

/* measure.c */
void epx_measure(struct file *file, struct epx_payload_event *event);

/* source_scan.c */
int epx_source_visit(struct epx_watch *w, struct list_head *next,
		     void __user *events, int room, bool payload);
bool epx_payload_put(struct epx_watch *w, struct epx_payload_event __user *to,
		     __poll_t revents, u32 payload);
__poll_t epx_source_look(struct epx_watch *w, bool *taken);
bool epx_source_recheck(struct epx_watch *w);

/* post.c */
bool epx_posted_is_pending(const struct epx_posted *posted);
void epx_posted_show(struct seq_file *m, struct epx_posted *posted);
int epx_queue_deliver(struct epx_posted *queue,
		      struct epx_payload_event __user *events, int room);
long epx_post(struct epx_instance *inst, unsigned int cmd,
	      const void __user *uarg);
long epx_queue_take(struct epx_instance *inst, unsigned int cmd,
		    const void __user *uarg);

/* timer.c */
void epx_timer_prepare(struct epx_timer *timer);
void epx_timer_stop(struct epx_timer *timer);
void epx_timer_set(struct epx_timer *timer, const struct epx_source_ctl *ctl);
bool epx_timer_move(struct epx_timer *timer, const struct epx_source_ctl *ctl);
bool epx_timer_is_pending(const struct epx_timer *timer);
bool epx_timer_take(struct epx_timer *timer, struct epx_payload_event *event);
void epx_timer_give_back(struct epx_timer *timer);
bool epx_timer_resume(struct epx_timer *timer);
void epx_timer_show(struct seq_file *m, struct epx_timer *timer);

#endif /* EPX_SOURCE_H */
