// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting: sleepers, signals and their masks, and waits for a slot.
 *
 * Process context throughout. A sleeper is an exclusive entry at the *head*
 * of the instance's queue, so the latest is woken first (at its end, where the
 * instance is to wake in turn), and a wake takes the entry off: the next event
 * finds another sleeper. Gatherers stand before all of them (gather.c).
 *
 * No wake-up is lost between the last look at the lists and the sleep:
 *
 *	epx_sleep()			epx_hook_wake()
 *	enter the queue			epx_push(): xchg, full barrier
 *	full barrier			is the queue empty?
 *	is it quiet?			no: wake one
 *	yes: sleep
 *
 * Either the sleeper sees the push or the callback sees the sleeper. "Quiet"
 * is more than empty lists: while a scan or a drain has watches in its hands
 * the sleeper does not sleep but goes to collect, behind the mutex. A scan
 * wakes a sleeper for what it puts back, with the same pair of barriers.
 *
 * Where the instance has a concurrency limit a wake-up comes with a slot
 * (slots.c): the one who wakes takes it for the one who is woken. While none
 * is free nobody is woken, and a sleeper does not stay awake for events alone.
 *
 * A wake-up that was spent on us is not dropped: whoever finds itself taken
 * off the queue goes to collect once more, even if its time is over, and if
 * it is being killed it passes the wake-up on (epx_collect()).
 */
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/uaccess.h>

#include "argument.h"
#include "ready.h"
#include "ring.h"
#include "runner.h"
#include "slots.h"
#include "trace.h"
#include "wait.h"

/*
 * Wait-queue callback: any context, the queue's lock held. Takes the entry
 * off even if the task was awake already: the wake-up is spent on it, and it
 * will look again.
 */
static int epx_sleeper_wake(wait_queue_entry_t *wait, unsigned int mode,
			    int sync, void *key)
{
	int ret = default_wake_function(wait, mode, sync, key);

	/* The sleeper reads this without the lock; see epx_sleep(). */
	list_del_init_careful(&wait->entry);
	return ret;
}

/*
 * Who sleeps in an instance with a concurrency limit.
 * @wait: entry in instance->sleepers; under that lock, as @has_slot
 * @slots: the limit
 * @has_slot: was woken with one
 */
struct epx_limited_sleeper {
	wait_queue_entry_t wait;
	struct epx_slots *slots;
	bool has_slot;
};

/* As epx_sleeper_wake(). Where no slot is free nobody is woken: that ends the walk. */
static int epx_limited_wake(wait_queue_entry_t *wait, unsigned int mode,
			    int sync, void *key)
{
	struct epx_limited_sleeper *sleeper =
		container_of(wait, struct epx_limited_sleeper, wait);

	if (!epx_slot_take(sleeper->slots))
		return -EBUSY;
	sleeper->has_slot = true;
	return epx_sleeper_wake(wait, mode, sync, key);
}

/**
 * epx_sleep_until() - give up the CPU
 * @inst: the instance, for the trace
 * @deadline: until then, at most
 *
 * Context: process; the caller's state is TASK_INTERRUPTIBLE, and it is where
 * it will be woken.
 * Return: whether the time was over.
 */
bool epx_sleep_until(struct epx_instance *inst, struct epx_deadline *deadline)
{
	bool is_never = deadline->at == KTIME_MAX;
	bool timed_out;

	trace_epx_sleep(inst, deadline->at);
	timed_out = !schedule_hrtimeout_range(is_never ? NULL : &deadline->at,
					      deadline->slack,
					      HRTIMER_MODE_ABS);
	trace_epx_wakeup(inst, timed_out);
	return timed_out;
}

/**
 * epx_sleep() - sleep until a wake-up, a signal or the deadline
 * @inst: the instance
 * @deadline: the deadline; marked as over if it is
 * @runner: of this thread where the instance has a concurrency limit, without
 *	    a slot; NULL where it has none
 *
 * Context: process, sleeps.
 * Return: true if there is a reason to collect (@runner has a slot for it,
 * unless a signal is the reason), false if the time is over and no wake-up was
 * ours.
 */
noinline bool epx_sleep(struct epx_instance *inst,
			struct epx_deadline *deadline,
			struct epx_runner *runner)
{
	struct epx_limited_sleeper sleeper = { .slots = inst->slots };
	wait_queue_entry_t *wait = &sleeper.wait;
	bool timed_out = false;
	bool dequeued = true;
	bool is_over;

	init_wait(wait);
	wait->func = runner ? epx_limited_wake : epx_sleeper_wake;
	spin_lock_irq(&inst->sleepers.lock);
	__set_current_state(TASK_INTERRUPTIBLE);
	if (unlikely(inst->is_fifo))
		__add_wait_queue_entry_tail_exclusive(&inst->sleepers, wait);
	else
		__add_wait_queue_exclusive(&inst->sleepers, wait);
	spin_unlock_irq(&inst->sleepers.lock);
	/*
	 * On the queue before the look. Pairs with the full barrier of
	 * epx_push() in epx_hook_pass_on(), with smp_mb() in
	 * epx_ring_append(), and with wq_has_sleeper() in epx_scan_end(), in
	 * epx_queue() and in epx_ring_tell(), and with smp_mb() in
	 * epx_slots_are_wanted().
	 */
	smp_mb();
	is_over = !epx_is_quiet(inst);
	if (unlikely(runner) && is_over)
		is_over = epx_runner_take(runner);
	if (!is_over)
		timed_out = epx_sleep_until(inst, deadline);
	__set_current_state(TASK_RUNNING);

	/* Off the queue already, with all its effects: see above. */
	if (!list_empty_careful(&wait->entry)) {
		spin_lock_irq(&inst->sleepers.lock);
		dequeued = list_empty(&wait->entry);
		__remove_wait_queue(&inst->sleepers, wait);
		spin_unlock_irq(&inst->sleepers.lock);
	}
	if (sleeper.has_slot)
		epx_runner_receive(runner);
	if (timed_out && dequeued)
		epx_count(timeout_woken);
	deadline->is_now = timed_out;
	return !timed_out || dequeued;
}

/**
 * epx_wait_limited() - epx_wait_events() with a concurrency limit
 * @inst: the instance
 * @events: user array, checked
 * @max: its length
 * @deadline: no longer than until then
 * @payload: as in epx_wait_events()
 *
 * A slot that the thread has is kept as long as it finds events; otherwise it
 * is given back before the sleep and before the return.
 *
 * Context: process, sleeps; takes the instance's mutex.
 * Return: number of events, with a slot; 0 or -errno, without.
 */
noinline int epx_wait_limited(struct epx_instance *inst, void __user *events,
			      int max, struct epx_deadline *deadline,
			      u32 payload)
{
	struct epx_runner *runner = epx_runner_get(inst->slots);
	bool look = epx_is_worth_a_scan(inst);
	int n = 0;

	if (IS_ERR(runner))
		return PTR_ERR(runner);
	for (;;) {
		if (look && epx_runner_take(runner)) {
			n = epx_collect_into(inst, events, max, payload);
			if (n > 0) {
				WRITE_ONCE(runner->is_out, true);
				return n;
			}
		}
		/* Who spins runs, and is not told to where he may not. */
		if (!n && !deadline->is_now && epx_is_busy(inst) &&
		    epx_runner_take(runner)) {
			look = epx_busy_loop(inst);
			if (look)
				continue;
		}
		epx_runner_give(runner);
		if (n || deadline->is_now)
			return n;
		if (signal_pending(current))
			return -EINTR;
		look = epx_sleep(inst, deadline, runner);
	}
}

/**
 * epx_mask_set() - block these signals during the wait
 * @user_mask: user address of the mask
 * @size: its size
 *
 * Set here and not by two calls of user space: between those a signal could be
 * handled and the wait go on without noticing. On -EINTR the old mask is
 * restored after the handler has run, by the code that sets up the handler's
 * frame; otherwise by epx_mask_restore().
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL for another size than the kernel's, -EFAULT.
 */
noinline int epx_mask_set(u64 user_mask, u64 size)
{
	sigset_t mask;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	/* On little-endian machines a 32-bit caller's mask has the same bits. */
	if (copy_from_user(&mask, u64_to_user_ptr(user_mask), sizeof(mask)))
		return -EFAULT;
	sigdelsetmask(&mask, sigmask(SIGKILL) | sigmask(SIGSTOP));
	set_restore_sigmask();
	current->saved_sigmask = current->blocked;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return 0;
}

/**
 * epx_mask_restore() - the end of what epx_mask_set() began
 * @ret: what the call returns
 *
 * Context: process.
 */
void epx_mask_restore(int ret)
{
	if (ret == -EINTR)
		WARN_ON_ONCE(test_restore_sigmask() &&
			     !signal_pending(current));
	else if (test_and_clear_restore_sigmask())
		sigprocmask(SIG_SETMASK, &current->saved_sigmask, NULL);
}

/* The whole struct, with a mask or without. */
static noinline int epx_pwait(struct epx_instance *inst, unsigned int cmd,
			      const void __user *uarg)
{
	struct epx_deadline deadline = {};
	struct epx_wait wait;
	int ret;

	BUILD_BUG_ON(sizeof(wait) != 40);
	BUILD_BUG_ON(offsetof(struct epx_wait, sigmask) != EPX_WAIT_SIZE_MIN);
	ret = epx_fetch(&wait, sizeof(wait), EPX_WAIT_SIZE_MIN, cmd, uarg);
	if (ret)
		return ret;
	ret = epx_deadline_read(&deadline, wait.flags, wait.timeout);
	if (ret)
		return ret;
	if (wait.sigmask) {
		ret = epx_mask_set(wait.sigmask, wait.sigsetsize);
		if (ret)
			return ret;
	}
	ret = epx_wait_check(inst, u64_to_user_ptr(wait.events),
			     wait.maxevents, wait.flags);
	if (!ret)
		ret = epx_wait_into(inst, u64_to_user_ptr(wait.events),
				    wait.maxevents, &deadline, wait.flags);
	trace_epx_return(inst, ret);
	if (wait.sigmask)
		epx_mask_restore(ret);
	return ret;
}

/**
 * epx_wait() - EPX_IOC_WAIT and EPX_IOC_PWAIT
 * @inst: the instance
 * @cmd: the command, whose size tells which
 * @uarg: struct epx_wait, of that size
 *
 * The common one has its fields fetched one by one, into registers.
 *
 * Context: process, sleeps.
 * Return: number of events or -errno, as epoll_pwait2(2).
 */
long epx_wait(struct epx_instance *inst, unsigned int cmd,
	      const void __user *uarg)
{
	const struct epx_wait __user *wait = uarg;
	struct epx_deadline deadline = {};
	u64 events;
	s64 timeout;
	u32 flags;
	int max, ret;

	if (unlikely(cmd != EPX_IOC_WAIT))
		return epx_pwait(inst, cmd, uarg);
	if (!user_read_access_begin(wait, EPX_WAIT_SIZE_MIN))
		return -EFAULT;
	unsafe_get_user(events, &wait->events, fault);
	unsafe_get_user(max, &wait->maxevents, fault);
	unsafe_get_user(flags, &wait->flags, fault);
	unsafe_get_user(timeout, &wait->timeout, fault);
	user_read_access_end();

	if (unlikely(flags)) {
		ret = epx_deadline_read(&deadline, flags, timeout);
		if (ret)
			return ret;
		ret = epx_wait_check(inst, u64_to_user_ptr(events), max, flags);
		if (!ret && (flags & EPX_WAIT_PAYLOAD)) {
			ret = epx_wait_into(inst, u64_to_user_ptr(events), max,
					    &deadline, flags);
			trace_epx_return(inst, ret);
			return ret;
		}
	} else {
		epx_deadline_in(&deadline, timeout);
		ret = epx_events_check(u64_to_user_ptr(events), max);
	}
	if (!ret)
		ret = epx_wait_events(inst, u64_to_user_ptr(events), max,
				      &deadline, 0);
	trace_epx_return(inst, ret);
	return ret;
fault:
	user_read_access_end();
	return -EFAULT;
}
