/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * What an instance of epollx is made with: who is woken, and how many threads
 * may run. Part of <linux/epollx.h>, which includes it.
 *
 * Wake policy. An event wakes one of the threads that sleep in a wait. By
 * default that is the latest one, whose caches are warm, as in epoll. With
 * EPX_WAKE_FIFO it is the one that has slept longest; a thread that waits
 * again goes to the end. So threads that share an instance take turns, as far
 * as they sleep: one that waits again before it would have to sleep takes what
 * is ready, whoever else sleeps. Threads that gather (epx_enter.min_events) and
 * who polls the instance are told of everything and have no place in the line.
 *
 * Instances that watch the same file with EPOLLEXCLUSIVE take turns where their
 * watches are added with EPX_CTL_ROTATE: see there.
 *
 * Concurrency limit. With epx_create.concurrency N, at most N threads are out
 * with events of the instance at any time: each holds a *slot*. What is
 * guaranteed, exactly:
 *
 *  - EPX_IOC_WAIT, EPX_IOC_PWAIT and EPX_IOC_ENTER return events only to a
 *    thread that has got a slot. It keeps that until its next wait on the same
 *    instance, EPX_IOC_YIELD, its exit, or the last close of the instance,
 *    whichever is first. It never has two.
 *  - A wait uses the slot that the thread still has: where events are ready it
 *    goes on with them, and nobody else is woken for them. Before it sleeps it
 *    gives the slot back. A wait that returns anything but events, also an
 *    error, leaves the thread without a slot. One that is refused for its
 *    arguments (every error that comes before the wait, in the order that is
 *    given at each call, and those of a thread that waits there for the first
 *    time: ENOSPC, ENOMEM) changes nothing.
 *  - A thread can use EPX_LIMITED_INSTANCES_MAX instances with a limit. Its
 *    first wait on one more is ENOSPC, until another of them is released.
 *  - While no slot is free nobody is woken: not by an event, and not by what a
 *    full array left behind. A wait sleeps although events are ready; at the
 *    end of its time (at once, where that is 0) it returns 0. No event is lost.
 *  - A slot that is given back while events are ready is handed to one sleeper,
 *    by the wake policy, which is woken with it. One that is woken has a slot:
 *    it never wakes up to sleep again for want of one.
 *  - For EPOLLEXCLUSIVE an instance with no free slot is as one in which nobody
 *    sleeps: the wake-up goes on to the next instance, and the event is here
 *    too.
 *  - A thread that exits, or is killed, gives its slot back on its way out:
 *    before its parent can reap the process, but perhaps a moment after
 *    pthread_join(3) has returned. A child of fork(2) or clone(2) has none;
 *    execve(2) changes nothing while the instance stays open. Threads of all
 *    processes that have the instance count alike, each as itself.
 *  - A thread that blocks elsewhere (a lock, a disk, another instance, a page
 *    fault) keeps its slot: the limit is on threads that are out, running or
 *    not. So N threads that wait for an (N + 1)th to act on an event of this
 *    instance wait for ever. Who is about to block calls EPX_IOC_YIELD first.
 *  - With EPX_CONCURRENCY_RUNNING the limit is on threads that run, as with
 *    the completion ports of Windows: a thread that blocks outside of its
 *    waits on the instance, wherever and for however short a time, leaves its
 *    slot to others while it does, and has it again when it runs again. Then
 *    more than N may be out and run; until they are fewer than N again, no
 *    other one gets a slot. A thread that is preempted counts as running; one
 *    that has blocked and is ready again does not until it has a CPU. From the
 *    first such instance until the module is unloaded each switch of threads in
 *    the system costs some instructions more.
 *  - What else shows readiness has no limit: poll(2), select(2), epoll on the
 *    instance, other instances that watch it, and the look of a thread that
 *    gathers before it collects. Gathering is done without a slot.
 *
 * An instance with a limit can have no ring (EPX_IOC_RING is EINVAL): who reads
 * a ring makes no call that could take or give back a slot.
 *
 * fdinfo of an instance that was made with any of this begins with the lines
 * "wake: fifo" or "wake: lifo"; with a limit "concurrency: N" or "concurrency: N
 * running", "held: n" (slots that are not free; a thread that is in a wait may
 * have one) and for each thread with a slot "holder: TID" or "holder: TID
 * blocked". Between the colon and what follows is a tab.
 */
#ifndef _UAPI_LINUX_EPOLLX_CREATE_H
#define _UAPI_LINUX_EPOLLX_CREATE_H

#include <linux/types.h>

/**
 * struct epx_create - properties of a new instance (EPX_IOC_CREATE)
 * @flags: EPX_CLOEXEC, EPX_WAKE_FIFO, EPX_CONCURRENCY_RUNNING
 * @concurrency: how many threads may be out with events, up to
 *		 EPX_CONCURRENCY_MAX; 0: as many as like
 *
 * 8 bytes. The ioctl returns the new file descriptor. Errors: EINVAL for an
 * unknown flag, a number out of range, or EPX_CONCURRENCY_RUNNING without a
 * number, before anything else is tried; EOPNOTSUPP where the kernel does not
 * tell modules when a thread exits or blocks, and the limit needs it; EMFILE,
 * ENFILE, ENOMEM, EFAULT. A module without EPX_FEATURE_POLICY answers
 * EPX_WAKE_FIFO and @concurrency with EINVAL.
 */
struct epx_create {
	__u32 flags;
	__u32 concurrency;
};

/* Close the new descriptor on exec; the value of O_CLOEXEC. */
#define EPX_CLOEXEC		02000000

/* Who has slept longest is woken first. */
#define EPX_WAKE_FIFO		(1U << 0)

/* With @concurrency: threads that block do not count while they do. */
#define EPX_CONCURRENCY_RUNNING	(1U << 1)

#define EPX_CONCURRENCY_MAX	4096

/* Instances with a limit that a thread has waited on and that are not released. */
#define EPX_LIMITED_INSTANCES_MAX	64

#endif /* _UAPI_LINUX_EPOLLX_CREATE_H */
