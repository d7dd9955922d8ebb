// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slots of a concurrency limit: a count, and who is woken when one is free.
 *
 * Any context, as said at each function.
 *
 * A thread collects only with a slot. One that sleeps has none; who wakes it
 * takes one for it, inside the lock of the sleepers (wait.c). Where none is
 * free the wake callback's wake-up finds nobody, and the event waits. So there
 * are two reasons to wake a sleeper, an event and a slot, and each must see the
 * other:
 *
 *	epx_hook_pass_on()			epx_slot_give()
 *	the event is pushed			used - 1, in the lock
 *	anybody asleep?				full barrier
 *	epx_slot_take(), in the lock: none	is there an event?
 *						yes: wake one
 *
 * If the look for a slot failed, the lock was given up before the giver took
 * it, and the push is before that: the giver sees the event. A sleeper that
 * comes meanwhile is on the queue first, and then looks for both:
 *
 *	epx_sleep()				epx_slot_give(), epx_hook_pass_on()
 *	enter the queue				a slot, or an event
 *	full barrier				full barrier
 *	an event? and a slot?			is the queue empty?
 *
 * Where it saw the event and no slot, the giver's section of the lock is later
 * than the sleeper's look, and so sees the event and the sleeper.
 *
 * The same for an exclusive watch, which answers whether it took the wake-up
 * (exclusive.c): if it saw a free slot and somebody else took that before the
 * sleeper could be given it, then the one who took it collects afterwards, and
 * finds the event.
 */
#include <linux/slab.h>

#include "ready.h"
#include "runner.h"
#include "slots.h"
#include "trace.h"

/*
 * A slot is free: has anybody use for it? The caller's instance lives, or is in
 * rcu_read_lock().
 */
static bool epx_slots_are_wanted(struct epx_slots *slots)
{
	struct epx_instance *inst = slots->inst;

	/* The slot before the look. Pairs with smp_mb() in epx_sleep(). */
	smp_mb();
	/* Behind the barrier, both. */
	return waitqueue_active(&inst->sleepers) && !epx_is_quiet(inst);
}

static void epx_slots_wake(struct epx_slots *slots)
{
	if (epx_slots_are_wanted(slots))
		epx_sleepers_wake(slots->inst, 0, EPX_LEFT_OVER);
}

/* Hard interrupt: after a switch of threads, whose locks are given up. */
static void epx_slots_work(struct irq_work *work)
{
	epx_slots_wake(container_of(work, struct epx_slots, work));
}

/**
 * epx_slots_new() - limit an instance
 * @inst: the instance; nobody has it yet
 * @most: threads at a time, 0 for no limit
 * @counts_running: only those that do not block
 *
 * Context: process, may sleep.
 * Return: 0, -ENOMEM, or -EOPNOTSUPP where threads are not heard of.
 */
int epx_slots_new(struct epx_instance *inst, u32 most, bool counts_running)
{
	struct epx_slots *slots;
	int err;

	if (!most)
		return 0;
	err = epx_runners_listen(counts_running);
	if (err)
		return err;
	slots = kzalloc(sizeof(*slots), GFP_KERNEL_ACCOUNT);
	if (!slots)
		return -ENOMEM;
	spin_lock_init(&slots->lock);
	INIT_LIST_HEAD(&slots->runners);
	init_irq_work(&slots->work, epx_slots_work);
	slots->most = most;
	slots->counts_running = counts_running;
	slots->inst = inst;
	inst->slots = slots;
	return 0;
}

/**
 * epx_slots_free() - the limit ends with its instance
 * @slots: the limit, or NULL; no wait, no watch
 *
 * Context: process, may sleep; the instance's memory is still there.
 */
void epx_slots_free(struct epx_slots *slots)
{
	if (!slots)
		return;
	epx_runners_end(slots);
	if (slots->counts_running) {
		/* Who was in a switch of threads has queued the work by then. */
		synchronize_rcu();
		irq_work_sync(&slots->work);
	}
	/* An exit of a thread may be about to give one back. */
	kfree_rcu(slots, rcu);
}

/* Their number changes; the trace has it as it is then. */
static void epx_slots_count(struct epx_slots *slots, int change, u8 step)
{
	unsigned long flags;
	unsigned int used;

	spin_lock_irqsave(&slots->lock, flags);
	WARN_ON_ONCE(change < 0 && !slots->used);
	slots->used += change;
	used = slots->used;
	spin_unlock_irqrestore(&slots->lock, flags);
	trace_epx_slot(slots->inst, used, slots->most, step);
}

/**
 * epx_slot_take() - take a slot if one is free
 * @slots: the limit
 *
 * Context: any.
 * Return: whether one was.
 */
bool epx_slot_take(struct epx_slots *slots)
{
	unsigned long flags;
	unsigned int used;
	bool is_free;

	spin_lock_irqsave(&slots->lock, flags);
	is_free = slots->used < slots->most;
	slots->used += is_free;
	used = slots->used;
	spin_unlock_irqrestore(&slots->lock, flags);
	if (is_free)
		trace_epx_slot(slots->inst, used, slots->most, EPX_SLOT_TAKEN);
	return is_free;
}

/**
 * epx_slot_give() - give a slot back, and wake who has use for it
 * @slots: the limit
 *
 * Context: any but a switch of threads; takes the lock of the sleepers.
 */
void epx_slot_give(struct epx_slots *slots)
{
	epx_slots_count(slots, -1, EPX_SLOT_GIVEN);
	epx_slots_wake(slots);
}

/**
 * epx_slot_leave() - epx_slot_give() where nobody may be woken
 * @slots: a limit that counts who runs
 *
 * Context: a switch of threads: the run queue's lock held, interrupts off.
 */
void epx_slot_leave(struct epx_slots *slots)
{
	epx_slots_count(slots, -1, EPX_SLOT_LEFT);
	if (epx_slots_are_wanted(slots))
		irq_work_queue(&slots->work);
}

/**
 * epx_slot_resume() - a thread that had left its slot has it again
 * @slots: a limit that counts who runs; from now on there may be too many
 *
 * Context: as epx_slot_leave().
 */
void epx_slot_resume(struct epx_slots *slots)
{
	epx_slots_count(slots, 1, EPX_SLOT_RESUMED);
}

/**
 * epx_slot_is_free() - would epx_slot_take() get one?
 * @slots: the limit
 *
 * Context: any.
 * Return: the answer, in the order of the lock's sections.
 */
bool epx_slot_is_free(struct epx_slots *slots)
{
	unsigned long flags;
	bool is_free;

	spin_lock_irqsave(&slots->lock, flags);
	is_free = slots->used < slots->most;
	spin_unlock_irqrestore(&slots->lock, flags);
	return is_free;
}
