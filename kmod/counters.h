/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_COUNTERS_H
#define EPX_COUNTERS_H

#include <linux/percpu.h>

/**
 * struct epx_counters - one CPU's share; the sum over CPUs is the count
 * @fput_hits: a watched file was closed
 * @close_queued: and a watch of it was on incoming or on ready
 * @close_in_scan: and a scan or a drain of the watch's instance was at work
 * @queued_in_scan: both of these
 * @incoming_in_scan: and the watch was the newest on incoming
 * @release_dead: the release of an instance met a dead watch (A had it)
 * @pin_failed: a scan met a file on its way out
 * @bury: watches buried
 * @reaper_busy: the reaper found the mutex taken and left it to the holder
 * @pollfree: a wait queue was freed under a hook
 * @pollfree_dead: and the watch's end was about to take that hook off
 * @timeout_woken: a waiter's time ended but a wake had dequeued it already
 * @killed_rewake: a killed waiter passed its wake-up on
 * @copy_fault: a delivery stopped at a bad address
 * @fault_dead: and the file had been closed since it was polled
 * @loop_refused: an add that would have nested in a loop or too deep
 * @paths_refused: an add that would have made too many wake-up paths
 * @arrived_in_scan: a watch pushed while a scan ran
 * @nested_wake: a wake-up passed on to an outer instance or a poller
 * @ring_forced: an item changed all the while, and was stored regardless
 * @busy_spin: a waiter went to poll a network queue
 * @busy_dropped: and nothing became available, so the queue was forgotten
 * @slot_twice: a sleeper took a slot, and was woken with one at the same time
 *
 * Rare windows, for the tests that must hit them and for a reader who wants
 * to see them: debugfs epollx/counters, whose table lists them once more.
 */
struct epx_counters {
	unsigned long fput_hits;
	unsigned long close_queued;
	unsigned long close_in_scan;
	unsigned long queued_in_scan;
	unsigned long incoming_in_scan;
	unsigned long release_dead;
	unsigned long pin_failed;
	unsigned long bury;
	unsigned long reaper_busy;
	unsigned long pollfree;
	unsigned long pollfree_dead;
	unsigned long timeout_woken;
	unsigned long killed_rewake;
	unsigned long copy_fault;
	unsigned long fault_dead;
	unsigned long loop_refused;
	unsigned long paths_refused;
	unsigned long arrived_in_scan;
	unsigned long nested_wake;
	unsigned long ring_forced;
	unsigned long busy_spin;
	unsigned long busy_dropped;
	unsigned long slot_twice;
};

DECLARE_PER_CPU(struct epx_counters, epx_counters);

#define epx_count(name) this_cpu_inc(epx_counters.name)

#endif /* EPX_COUNTERS_H */
