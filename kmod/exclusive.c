// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who takes a wake-up: with exclusive watches, which of several instances on the
 * wait queue of one file, and how they take turns; and who is killed does not.
 *
 * Contexts: the decision runs in a wake callback (hook.c); the turn is taken in
 * process context, by who polls the file.
 *
 * Rotation (EPX_CTL_ROTATE). The callback does not move its entry to the end of
 * the queue. It runs inside the kernel's walk over that queue, which has read
 * the next entry already: a moved entry is met again at the end. Where the
 * walk ends with the first taker, that does no harm. But a callback cannot know
 * it: a walk that wakes all goes on, and with two entries that move it would
 * go round for as long as sleepers come back to be woken, under the lock and
 * with interrupts off. So the callback leaves a mark, and who polls the file
 * next moves the entry, most often the thread that was woken:
 *
 *	callback, head's lock		epx_hooks_rotate(), head's lock
 *	took = 1			took = 0
 *	wake one: taken			entry to the end
 *
 * No walk has the lock then. One that gave it up in its middle (Linux 6.1,
 * after 64 entries) has an entry of its own as a bookmark, and finds ours
 * behind it, as it would find one that is added. The poller has the instance's
 * mutex and a reference on the file, so nobody else detaches; POLLFREE leaves
 * an entry that is empty. A wake-up that comes between mark and move meets the
 * old order; there the instance has one sleeper fewer, and if that was the
 * last, the wake-up goes on to the next instance in any case.
 */
#include <linux/poll.h>

#include "exclusive.h"
#include "hook.h"
#include "ready.h"
#include "slots.h"

/*
 * An exclusive watch may swallow a wake-up only if somebody sleeps here and
 * the key is about one direction that is asked for (or tells nothing).
 */
static bool epx_is_consumer(__poll_t events, __poll_t key)
{
	__poll_t direction = key & (EPOLLIN | EPOLLOUT);

	if (key & POLLFREE)
		return false;
	if (direction == (EPOLLIN | EPOLLOUT))
		return false;
	return !direction || (events & direction);
}

/**
 * epx_wake_exclusive() - wake one sleeper for an exclusive watch
 * @w: the watch, queued, after a full barrier
 * @events: its mask
 * @key: of the wake-up
 *
 * Whether somebody is woken and what is answered are decided in one section,
 * or a sleeper could leave in between, and the event would have nobody.
 *
 * Context: any; takes the lock of the instance's sleepers.
 * Return: whether the wake-up is taken from the other instances.
 */
bool epx_wake_exclusive(struct epx_watch *w, __poll_t events,
			__poll_t key)
{
	struct epx_instance *inst = w->instance;
	bool consumed = false;
	unsigned long flags;

	spin_lock_irqsave(&inst->sleepers.lock, flags);
	/* Under the lock, where the answer is exact. */
	if (waitqueue_active(&inst->sleepers)) {
		consumed = epx_is_consumer(events, key) &&
			   (!inst->slots || epx_slot_is_free(inst->slots));
		/* Before the one who will go and look. */
		if (consumed && (events & EPX_ROTATES))
			WRITE_ONCE(w->took, 1);
		wake_up_locked(&inst->sleepers);
	}
	spin_unlock_irqrestore(&inst->sleepers.lock, flags);
	return consumed;
}

/*
 * To the end of the queue, unless it is on none. Nobody detaches it meanwhile;
 * a wake-up with POLLFREE takes it off within the head's lock.
 */
static void epx_hook_rotate(struct epx_hook *hook)
{
	wait_queue_head_t *head;
	unsigned long flags;

	rcu_read_lock();
	/* Pairs with the release in epx_hook_leave(). */
	head = smp_load_acquire(&hook->head);
	if (head) {
		spin_lock_irqsave(&head->lock, flags);
		if (!list_empty(&hook->wait.entry))
			list_move_tail(&hook->wait.entry, &head->head);
		spin_unlock_irqrestore(&head->lock, flags);
	}
	rcu_read_unlock();
}

/**
 * epx_hooks_rotate() - go behind others if a wake-up was taken
 * @w: a rotating watch whose file is open
 *
 * Context: process; the instance's mutex held, takes the heads' locks.
 */
noinline void epx_hooks_rotate(struct epx_watch *w)
{
	struct epx_extra_hook *extra;

	lockdep_assert_held(&w->instance->mutex);
	/* What is taken from here on is for the next time. */
	if (!READ_ONCE(w->took))
		return;
	WRITE_ONCE(w->took, 0);
	epx_hook_rotate(&w->hook);
	for (extra = w->extra; extra; extra = extra->next)
		epx_hook_rotate(&extra->hook);
}

/**
 * epx_wake_another() - who is being killed collects nothing
 * @inst: the instance
 *
 * A wake-up may have been spent on it. That is somebody else's then.
 *
 * Context: process.
 * Return: -EINTR.
 */
noinline int epx_wake_another(struct epx_instance *inst)
{
	if (!epx_is_quiet(inst) && wq_has_sleeper(&inst->sleepers)) {
		epx_count(killed_rewake);
		epx_sleepers_wake(inst, 0, 0);
	}
	return -EINTR;
}
