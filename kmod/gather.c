// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gathering: a wait for more than one event (epx_enter.min_events), before
 * anything is collected.
 *
 * Process context; the wake-up function runs wherever a device wakes.
 *
 * A gatherer looks at what is queued, as poll(2) of the instance does: it polls
 * the watches, consumes nothing, and leaves the ready ones where they are. All
 * that it then delivers is collected in one scan, so no level-triggered watch
 * can be in the result twice, and none is held back from others meanwhile.
 *
 * Between looks it sleeps, and is not woken for each event: its wake-up
 * function counts, and lets it sleep until as many have come as were missing.
 * It does not know whether a watch is reported for the second time, so the
 * count is an upper bound of the watches that have become ready; after a
 * wake-up the look is repeated, and the rest slept for again.
 *
 * No event is missed: at any time the ready watches are at most those that the
 * last look found and those counted since it began.
 *
 *	epx_gatherer_enter()		epx_hook_pass_on()
 *	on the queue, count = 0		epx_push(): xchg, full barrier
 *	full barrier			anybody on the queue?
 *	epx_ready_count()		yes: count + 1
 *
 * What is pushed before the look is found by it, and what is pushed later sees
 * the gatherer on the queue; what does both is counted twice, which costs a
 * look. To be counted by all of them, an event must reach all of them: so
 * gatherers stay before all sleepers (WQ_FLAG_PRIORITY), and they are not
 * exclusive. Nor is then any wake-up spent on one that a sleeper should have
 * had. A wake-up with EPX_LEFT_OVER does not count: what a scan leaves behind
 * was counted when it came, and a gatherer's own look is such a scan. One with
 * EPX_PUBLISHED stands for any number, and ends the sleep.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "busypoll.h"
#include "gather.h"
#include "ready.h"

/**
 * struct epx_gatherer - who waits for more than one
 * @wait: entry in instance->sleepers; under that lock, as all of this
 * @count: wake-ups since it entered
 * @enough: wake it at this count
 */
struct epx_gatherer {
	wait_queue_entry_t wait;
	int count;
	int enough;
};

/* Any context, the lock of the sleepers held. Off the queue once it is over. */
static int epx_gatherer_wake(wait_queue_entry_t *wait, unsigned int mode,
			     int sync, void *key)
{
	struct epx_gatherer *gatherer =
		container_of(wait, struct epx_gatherer, wait);
	__poll_t why = key_to_poll(key);

	if (why == EPX_LEFT_OVER)
		return 0;
	if (why != EPX_PUBLISHED && ++gatherer->count < gatherer->enough)
		return 0;
	list_del_init(&wait->entry);
	return default_wake_function(wait, mode, sync, key);
}

static void epx_gatherer_enter(struct epx_instance *inst,
			       struct epx_gatherer *gatherer, int enough)
{
	spin_lock_irq(&inst->sleepers.lock);
	gatherer->count = 0;
	gatherer->enough = enough;
	if (list_empty(&gatherer->wait.entry))
		__add_wait_queue(&inst->sleepers, &gatherer->wait);
	spin_unlock_irq(&inst->sleepers.lock);
	/*
	 * On the queue before the look. Pairs with the full barrier of
	 * epx_push() in epx_hook_pass_on(), with smp_mb() in
	 * epx_ring_append(), and with wq_has_sleeper() in epx_queue() and in
	 * epx_ring_tell().
	 */
	smp_mb();
}

/* Unless as many as are missing have come since epx_gatherer_enter(). */
static void epx_gatherer_sleep(struct epx_instance *inst,
			       struct epx_gatherer *gatherer, int missing,
			       struct epx_deadline *deadline)
{
	bool timed_out = false;
	bool sleeps;

	spin_lock_irq(&inst->sleepers.lock);
	sleeps = gatherer->count < missing &&
		 !list_empty(&gatherer->wait.entry);
	gatherer->enough = missing;
	if (sleeps)
		__set_current_state(TASK_INTERRUPTIBLE);
	spin_unlock_irq(&inst->sleepers.lock);
	if (sleeps) {
		timed_out = epx_sleep_until(inst, deadline);
		__set_current_state(TASK_RUNNING);
	}
	/* One busy file, always faster than the timer, must not stop it. */
	deadline->is_now = timed_out || ktime_get() >= deadline->at;
}

static void epx_gatherer_leave(struct epx_instance *inst,
			       struct epx_gatherer *gatherer)
{
	spin_lock_irq(&inst->sleepers.lock);
	list_del_init(&gatherer->wait.entry);
	spin_unlock_irq(&inst->sleepers.lock);
}

/**
 * epx_gather() - wait until so many watches are ready
 * @inst: the instance
 * @enough: how many
 * @deadline: no longer than until then; marked as over if it is
 *
 * Returns on a signal, too. In any case there may be something to collect, and
 * the caller must.
 *
 * Context: process, sleeps; takes the instance's mutex.
 */
void epx_gather(struct epx_instance *inst, int enough,
		struct epx_deadline *deadline)
{
	struct epx_gatherer gatherer;
	int found = epx_ready_count(inst, enough);

	if (found >= enough)
		return;
	init_wait(&gatherer.wait);
	gatherer.wait.flags = WQ_FLAG_PRIORITY;
	gatherer.wait.func = epx_gatherer_wake;
	while (found < enough && !deadline->is_now &&
	       !signal_pending(current)) {
		if (!found)
			epx_busy_loop(inst);
		epx_gatherer_enter(inst, &gatherer, enough);
		found = epx_ready_count(inst, enough);
		if (found < enough)
			epx_gatherer_sleep(inst, &gatherer, enough - found,
					   deadline);
	}
	epx_gatherer_leave(inst, &gatherer);
}
