/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects of epollx, and the rules between them. Read this page first.
 *
 * An *instance* is what epoll_create1(2) returns: an interest list of
 * *watches* (a file and the events asked of it), and a ready list. A watch
 * sits on its file's wait queues through *hooks*; the wake callback of a hook
 * runs in whatever context the device wakes in, and moves the watch towards
 * the ready list. A waiter polls what is there and delivers it.
 *
 *  device          hook              watch             instance       waiter
 *  wake_up() --> epx_hook_wake() --> queued 0->1 --> incoming  --> ready
 *                (hook.c)            push            llist         list
 *                     `--> wake one sleeper, wake pollers  epx_collect()
 *
 * Locks, outermost first. Each is taken only inside those above it:
 *
 *  epx_nest_mutex       one for all: adding an edge between instances, so
 *    |                  that two adds cannot close a cycle or a long chain
 *    |                  together (nest.c)
 *  instance->mutex      interest list, ready list, delivery. Sleeps, since a
 *    |                  delivery copies to user memory and calls ->poll.
 *    |                  Nested by depth, outer instance first
 *  epx_file_lock()      one of 256, by file: who watches this file, whether a
 *    |                  watch is dead, and its hooks' removal (fput.c)
 *  wait-queue head      of the watched file, or the lock of a source
 *    |                  (source.h); the wake callback runs inside
 *    |                  it, interrupts off, so from here on irqsave
 *  instance->sleepers   its lock: who sleeps in a wait
 *    |
 *  instance->pollers    its lock: who polls the instance. It is the wait-queue
 *                       head of a watched file for an outer instance, so it
 *                       nests by depth with its own subclass
 *
 * What protects a field is said there: [M] the instance's mutex, [F] the file's
 * lock, [C] constant after set-up, [A] atomic or lock-free as its comment says.
 *
 * How a watch ends. A watch holds no reference on its file, so the file can
 * go at any time. Three paths compete, and whoever turns ->dead from 0 to 1
 * under the file's lock owns the end. In the same section he detaches the
 * hooks and unhashes, so nobody meets a watch that is half dead:
 *
 *  A  close: the last reference to the file goes; epx_file_closed() runs
 *     inside __fput(), atomic, and may not take the mutex. It leaves the watch
 *     on the instance's graveyard, in that section too; somebody who has the
 *     mutex buries it.
 *  B  EPOLL_CTL_DEL, or the roll-back of an add. Holds a reference on the
 *     file, so A cannot run for this watch.
 *  C  release of the instance. Takes what is alive as B does, leaves alone what
 *     is dead (A owns it), and buries at the end: A's mark and A's push are one
 *     section, so a watch seen dead is on the graveyard.
 *
 *  A against B: cannot meet. A against C: the file's lock decides; A waits
 *  there for a half-way C, or finds the watch unhashed and so without a hook,
 *  and __fput() goes on to free the wait queues. B against C: cannot meet, B's
 *  system call holds the instance's file.
 *
 * Watches are freed after an RCU grace period: A, posts, and the probe of the
 * file table look at them under rcu_read_lock(). So are instances.
 */
#ifndef EPX_INSTANCE_H
#define EPX_INSTANCE_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
/* After what it needs and does not include itself. */
#include <linux/eventpoll.h>
#include <linux/epollx.h>

#include "counters.h"

struct epx_extra_hook;
struct epx_publisher;
struct epx_slots;
struct user_struct;
struct wakeup_source;

/* Bits of the mask that steer a watch and are never reported as events. */
#define EPX_STEERING_BITS \
	(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

/* In an exclusive mask, where no caller's bit can be: goes behind the others. */
#define EPX_ROTATES	((__force __poll_t)(1U << 26))

/* The longest event array, whose bytes an int counts. */
#define EPX_MAX_EVENTS		(INT_MAX / (int)sizeof(struct epoll_event))

/**
 * struct epx_hook - one entry of ours on one wait queue of a watched file
 * @wait: the entry; its ->private is the watch
 * @head: the wait queue, or NULL once the entry is off it. Set by the queue
 *	  proc before the hook can fire; cleared under the file's lock by a remover,
 *	  or by the wake callback when the queue itself is freed (POLLFREE)
 */
struct epx_hook {
	wait_queue_entry_t wait;
	wait_queue_head_t *head;
};

/* What is done about a watch before its file is polled. */
enum epx_kind {
	EPX_KIND_PLAIN,		/* nothing */
	EPX_KIND_NESTED,	/* the file is an instance of ours: our own poll */
	EPX_KIND_ROTATING,	/* exclusive: go behind others, maybe (hook.c) */
};

/**
 * struct epx_watch - one entry of an interest list
 * @node: [M] in instance->tree, by (file, fd)
 * @rcu: for the free, once off the tree
 * @hook: the first hook
 * @grave: [A] on instance->graveyard, pushed once by path A when the hooks are
 *	   off and nobody looks at the first one any more
 * @incoming: [A] on instance->incoming, while @queued and not yet drained
 * @ready: [M] on instance->ready or a scan's own list, while @queued
 * @hash: [F] in the file table, only the first watch of a file (RCU readers)
 * @siblings: [F] all watches of the same file, a ring without a head; of a
 *	      timer: clock.c
 * @file: [C] the watched file. No reference: valid to follow only with a pin
 *	  (epx_watch_pin()), or a reference from elsewhere. NULL: source.h
 * @fd: [C] number under which it was added
 * @events: [M] to write, the wake callback reads it
 * @data: [M] what an event carries; with a ring, where that is (ring.h) [C]
 * @walked: [epx_nest_mutex] the last check of paths that went up from @file
 * @queued: [A] 1 while on @incoming or on @ready, exactly one of them. Only
 *	    xchg() changes it; who turns it from 0 to 1 puts the watch on a list
 * @dead: [F] to write, pins and counts read it; the end has an owner
 * @kind: [C] enum epx_kind
 * @recheck: [A] with a ring: a wake-up said what only a poll can tell
 * @took: [A] where @kind is EPX_KIND_ROTATING, and so without a ring: a hook
 *	  has taken a wake-up since the hooks went to the ends of their queues
 * @instance: [C] lives longer: its release ends every watch
 * @extra: [M] hooks beyond the first
 * @ws: [M] to write, RCU to read in the wake callback: keeps the system awake
 *	while the watch is queued (EPOLLWAKEUP)
 *
 * 176 bytes on a stock 64-bit kernel. @incoming and @ready share memory
 * because @queued makes them exclusive.
 */
struct epx_watch {
	union {
		struct rb_node node;
		struct rcu_head rcu;
	};
	union {
		struct epx_hook hook;
		struct llist_node grave;
	};
	union {
		struct llist_node incoming;
		struct list_head ready;
	};
	struct hlist_node hash;
	struct list_head siblings;
	struct file *file;
	int fd;
	__poll_t events;
	u64 data;
	u8 queued;
	u8 dead;
	u8 kind;
	union {
		u8 recheck;
		u8 took;
	};
	u32 walked;
	struct epx_instance *instance;
	struct epx_extra_hook *extra;
	struct wakeup_source __rcu *ws;
};

/**
 * struct epx_reach - scratch of the walk towards outer instances (nest.c)
 * @next: the next instance at the same distance
 * @paths: how many paths lead here
 * @walk: number of the walk that these belong to
 */
struct epx_reach {
	struct epx_instance *next;
	u64 paths;
	u64 walk;
};

/**
 * struct epx_instance - what EPX_IOC_CREATE returns
 * @mutex: interest list, ready list, delivery
 * @tree: [M] the interest list, and
 * @sources: [M] to write, RCU to read: its watches without a file (source.h)
 * @ready: [M] watches to look at, in the order in which they became ready
 * @incoming: [A] watches pushed by wake callbacks, newest first; drained to
 *	      @ready under the mutex
 * @graveyard: [A] dead watches of closed files, buried under the mutex
 * @scan_seq: [M] to write: odd while a scan or a drain has watches in its
 *	      hands, so that who finds the lists empty knows whether to
 *	      believe it
 * @sleepers: who sleeps in a wait: exclusive entries, who is woken next first
 * @pollers: who polls the instance
 * @wake_depth: under the lock of @pollers: subclass of that lock, plus one
 * @refs: the file, pending work, a close at work; the last frees after RCU
 * @user: [C] who is charged for watches: the creator's
 * @file: [C] the instance's own file; no reference, gone after release
 * @ws: [M] to write, RCU to read: keeps the system awake during a delivery
 * @reap: buries when nobody else comes to take the mutex
 * @reach: [epx_nest_mutex] scratch for two neighbouring distances
 * @below_walk: [epx_nest_mutex] the walk in which @below was found
 * @below: [epx_nest_mutex] edges on the longest chain below, a memo
 * @id: [C] small number for traces and debugfs
 * @all: in the list of all instances (debugfs.c)
 * @is_fifo: [C] sleepers are woken in the order in which they came
 * @slots: [C] of a concurrency limit, or NULL where there is none (slots.h)
 * @ring: [M] to write, once, before the first watch: the mapped ring or NULL
 * @napi_id: [A] last NAPI context that an event came from (busypoll.c)
 * @busy_usecs: [A] EPIOCSPARAMS, and so are the next two
 * @busy_budget: [A]
 * @busy_prefer: [A]
 * @rcu: for the free
 */
struct epx_instance {
	struct mutex mutex;	/* [M] */
	struct rb_root tree;
	struct xarray sources;
	struct list_head ready;
	struct llist_head incoming;
	struct llist_head graveyard;
	unsigned int scan_seq;

	wait_queue_head_t sleepers;
	wait_queue_head_t pollers;
	int wake_depth;

	refcount_t refs;
	struct user_struct *user;
	struct file *file;
	struct wakeup_source __rcu *ws;
	struct work_struct reap;
	struct epx_reach reach[2];
	u64 below_walk;
	int below;

	u64 id;
	struct list_head all;
	bool is_fifo;
	struct epx_slots *slots;
	struct epx_publisher *ring;
	unsigned int napi_id;
	u32 busy_usecs;
	u16 busy_budget;
	u8 busy_prefer;
	struct rcu_head rcu;
};

/* instance.c */
struct epx_instance *epx_instance_new(void);
void epx_instance_get(struct epx_instance *inst);
void epx_instance_put(struct epx_instance *inst);
void epx_reap_later(struct epx_instance *inst);
void epx_instance_release(struct epx_instance *inst);
int epx_instances_init(void);
void epx_instances_exit(void);

extern const struct file_operations epx_instance_fops; /* device.c */

/**
 * epx_instance_lock() - take the mutex
 * @inst: the instance
 * @depth: instances whose mutex the caller has already, outermost first
 *
 * Context: process, may sleep.
 */
static inline void epx_instance_lock(struct epx_instance *inst,
				     unsigned int depth)
{
	mutex_lock_nested(&inst->mutex, depth);
}

/**
 * epx_instance_unlock() - release the mutex
 * @inst: the instance; the caller has a reference beyond the unlock
 *
 * Context: process.
 */
static inline void epx_instance_unlock(struct epx_instance *inst)
{
	mutex_unlock(&inst->mutex);
	/* The release before the look. Pairs with smp_mb() in epx_reap(). */
	smp_mb();
	if (unlikely(!llist_empty(&inst->graveyard)))
		epx_reap_later(inst);
}

#endif /* EPX_INSTANCE_H */
