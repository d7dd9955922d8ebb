/* SPDX-License-Identifier: MIT */
/*
 * The interface of /dev/epx_probe, the tests' own device: a file whose
 * ->poll result, wait queues and wake-ups are what the test says. Each open
 * file has its own state.
 *
 * It shows what no ordinary file can: the key that ->poll is called with, a
 * wake-up with a chosen key from a chosen context, a wait queue that goes
 * away before its file (POLLFREE), and a ->poll that stops half-way, so that
 * a test can act in the middle of a scan and not only try to hit it.
 *
 * All calls are ioctls on the file and return 0 unless something else is said.
 */
#ifndef EPX_PROBE_H
#define EPX_PROBE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define EPX_PROBE_HEADS_MAX	3
#define EPX_PROBE_KEYS		16

enum epx_probe_context {
	EPX_PROBE_TASK,
	EPX_PROBE_SOFTIRQ,
	EPX_PROBE_HARDIRQ,
};

/* Wakes every exclusive waiter, and not only the first. */
#define EPX_PROBE_WAKE_ALL	(1U << 0)
/* The wait queue goes: the key gets POLLFREE, nothing may be left on it. */
#define EPX_PROBE_FREE		(1U << 1)

/**
 * struct epx_probe_wake - one wake-up
 * @key: event bits; 0 is a wake-up without a key
 * @head: which wait queue, below EPX_PROBE_HEADS_MAX
 * @context: enum epx_probe_context
 * @flags: EPX_PROBE_WAKE_ALL, EPX_PROBE_FREE
 */
struct epx_probe_wake {
	__u32 key;
	__u32 head;
	__u32 context;
	__u32 flags;
};

/**
 * struct epx_probe_state - what happened to this file
 * @polls: calls of ->poll
 * @hooked: those that came with a queue proc
 * @dead_polls: those at which nobody held a reference on the file
 * @waiters: entries on all wait queues now
 * @hard_wakes: wake-ups that ran in hard-interrupt context
 * @soft_wakes: wake-ups that ran in softirq context
 * @keys: pt->_key of the last calls of ->poll, the latest first
 */
struct epx_probe_state {
	__u32 polls;
	__u32 hooked;
	__u32 dead_polls;
	__u32 waiters;
	__u32 hard_wakes;
	__u32 soft_wakes;
	__u32 keys[EPX_PROBE_KEYS];
};

#define EPX_PROBE_MAGIC		0xEC

/* What ->poll reports from now on. No wake-up. */
#define EPX_PROBE_SET		_IO(EPX_PROBE_MAGIC, 1)
/* On how many wait queues ->poll puts who asks; 1 at first. */
#define EPX_PROBE_HEADS		_IO(EPX_PROBE_MAGIC, 2)
#define EPX_PROBE_WAKE		_IOW(EPX_PROBE_MAGIC, 3, struct epx_probe_wake)
#define EPX_PROBE_STATE		_IOR(EPX_PROBE_MAGIC, 4, struct epx_probe_state)
/*
 * The next ->poll without a queue proc takes its result and then stops until
 * EPX_PROBE_RELEASE, or until it is killed.
 */
#define EPX_PROBE_HOLD		_IO(EPX_PROBE_MAGIC, 5)
/* Waits until a ->poll has stopped; EINTR. */
#define EPX_PROBE_AWAIT_HELD	_IO(EPX_PROBE_MAGIC, 6)
#define EPX_PROBE_RELEASE	_IO(EPX_PROBE_MAGIC, 7)

#endif /* EPX_PROBE_H */
