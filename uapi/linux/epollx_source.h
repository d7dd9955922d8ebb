/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * Sources: watches without a file. Part of <linux/epollx.h>, which includes it.
 *
 * A source is an entry of an instance's interest list that no file stands
 * behind: a user event, which a program triggers itself, or a timer. It is
 * delivered as a watch is: by EPX_IOC_WAIT and EPX_IOC_ENTER, in the mapped
 * ring, through poll(2) and outer instances. It needs no descriptor, no read
 * and no write. It belongs to the instance, not to a process: who has the
 * instance, by fork(2) or over a socket, uses the same sources. It is counted
 * as a watch of the instance's user, and it ends by EPOLL_CTL_DEL or with the
 * instance.
 *
 * The program names a source by an @id of its choice, all 32 bits of it; ids
 * and file descriptors have nothing to do with each other. Ids that are close
 * together take less memory.
 *
 * A source's event is EPOLLIN with the source's data. Its *payload* is a value
 * and a count, in the larger struct epx_payload_event of a wait with
 * EPX_WAIT_PAYLOAD.
 *
 *  EPX_SOURCE_USER	one event at most is pending. A post makes it pending,
 *			adds to its count, and its value replaces that of the
 *			post before. Delivery takes the event, with the count of
 *			posts since the last one and the value of the latest of
 *			them, both as of one moment.
 *  EPX_SOURCE_QUEUE	every post is an event of its own, delivered once, in
 *			the order of the posts, with its value and count 1. At
 *			most @depth are pending; a post beyond that is EAGAIN.
 *  EPX_SOURCE_TIMER	expires at a time, and then at every @period. One event
 *			at most is pending. Delivery takes it, with the number of
 *			expiries since the last one as count; the value is 0.
 *
 * A plain wait, into struct epoll_event, takes the event of a user event or a
 * timer too, and its payload is gone. It takes nothing from a queue: it reports
 * a queue that is not empty as it reports a file that is readable, each time,
 * or with EPOLLET once for a post. Values are taken by EPX_IOC_TAKE, or by a
 * wait with EPX_WAIT_PAYLOAD, which delivers as many of them as the array
 * takes, each as an event.
 *
 * EPOLLONESHOT: the first event that is delivered disarms the source. Posts to
 * a disarmed one add up; EPOLL_CTL_MOD arms, and what is pending is reported
 * at once. A disarmed timer does not run; EPOLL_CTL_MOD sets it anew.
 *
 * After EPOLL_CTL_DEL has returned no event of the source is delivered, and
 * after an EPOLL_CTL_MOD of a timer has returned none of an earlier setting. A
 * post has come before a EPOLL_CTL_DEL beside it, and is gone with the source,
 * or has failed with ENOENT.
 *
 * In the ring a source has an item as a watch has, and EPOLLIN is a fact there.
 * With EPX_RING_PAYLOAD the payload of a user event or a timer is in the map,
 * too; values of a queue are taken by EPX_IOC_TAKE. A periodic timer runs as
 * long as its item is consumed: it stops at an expiry that finds the item in
 * the ring, or latched, and sets RECHECK there; the next EPX_IOC_WAIT starts it
 * again and has counted what passed meanwhile. With a @period of less than
 * EPX_RING_PERIOD_MIN it stops at every expiry. Consuming and counting are two
 * steps there, so an event may come with the count of the next, which then has
 * 0. EPX_EVENT_CLOCK_SET is not told in the ring. EPX_WAIT_PAYLOAD is EINVAL
 * on an instance with a ring.
 */
#ifndef _UAPI_LINUX_EPOLLX_SOURCE_H
#define _UAPI_LINUX_EPOLLX_SOURCE_H

#include <linux/types.h>
#include <linux/ioctl.h>

/* The module has all of this. */
#define EPX_FEATURE_SOURCE	(1ULL << 4)

#define EPX_SOURCE_USER		1
#define EPX_SOURCE_QUEUE	2
#define EPX_SOURCE_TIMER	3

/**
 * struct epx_source_ctl - one change of a source (EPX_IOC_SOURCE)
 * @op: EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL or EPX_CTL_PUT
 * @kind: EPX_SOURCE_*; the same as before for a MOD
 * @id: the source, in its instance
 * @events: EPOLLONESHOT, or for a queue EPOLLET or EPOLLONESHOT or both;
 *	    EPOLLIN may be there or not, and so may EPOLLET of the others, which
 *	    are edge-triggered in any case: their delivery takes the event
 * @data: what an event carries
 * @flags: for a timer EPX_TIMER_*, otherwise 0
 * @clock: of a timer: CLOCK_REALTIME, CLOCK_MONOTONIC or CLOCK_BOOTTIME
 * @depth: of a new queue: values that it holds, 1 to EPX_QUEUE_MAX; with MOD
 *	   the same or 0. 8 bytes of accounted memory each, from the start
 * @reserved: zero
 * @first: when a timer expires first, in nanoseconds from now, or with
 *	   EPX_TIMER_ABSTIME of @clock; not negative. 0: it does not run. What is
 *	   past expires at once
 * @period: nanoseconds from one expiry to the next; 0: it expires once
 * @slack: nanoseconds that an expiry may be late, so that timers can share an
 *	   interrupt; never early
 *
 * 64 bytes. Fields of another kind must be 0. For DEL only @op and @id are
 * looked at.
 *
 * A MOD of a user event or a queue keeps what is pending. A MOD of a timer sets
 * it anew, and drops what is pending.
 *
 * A periodic timer that nobody takes events from runs no interrupts: it counts
 * on when the event is taken, without losing a period. Its expiries are
 * @first + n * @period, whenever they were delivered.
 *
 * Returns 0, or the number of the item where the instance has a ring. Errors,
 * in this order: EFAULT, E2BIG (reading), EINVAL (any field), EEXIST, ENOENT,
 * EINVAL (MOD of another kind or depth), ENOSPC (the user's watches, or the
 * items of the ring), ENOMEM.
 */
struct epx_source_ctl {
	__s32 op;
	__u32 kind;
	__u32 id;
	__u32 events;
	__u64 data;
	__u32 flags;
	__u32 clock;
	__u32 depth;
	__u32 reserved;
	__s64 first;
	__s64 period;
	__u64 slack;
};

/* epx_source_ctl.first is a point in time of the clock. */
#define EPX_TIMER_ABSTIME	(1U << 0)

/*
 * With EPX_TIMER_ABSTIME and CLOCK_REALTIME, otherwise EINVAL: when the clock is
 * set there is an event at once, whose count is 0 if the timer has not expired.
 * It has EPX_EVENT_CLOCK_SET; without EPX_WAIT_PAYLOAD, and in the ring, it is an
 * event like others, and the program looks at its clocks. The timer goes on, by
 * the clock as it is now, unless it is EPOLLONESHOT. Told from the change that
 * asks for it on, if @first is not 0, until the next change.
 */
#define EPX_TIMER_CLOCK_SET	(1U << 1)

#define EPX_QUEUE_MAX		(1U << 20)

/* Nanoseconds, 50 us: periods that a ring has without calls are not shorter. */
#define EPX_RING_PERIOD_MIN	50000

/**
 * struct epx_post - trigger a user event, or put values into a queue
 *		     (EPX_IOC_POST)
 * @id: the source
 * @count: 0: one post, of @value. Otherwise as many posts, up to EPX_POSTS_MAX
 * @value: of one post; of more, the user address of an array of __u64
 *
 * 16 bytes. Any thread of any process that has the instance may post. A post
 * to a consumer that does not sleep wakes nobody.
 *
 * Returns the number of posts made: @count, or 1; fewer where a queue became
 * full or the array could not be read further. Posts of one call are made in
 * order, but others may come between. Errors: EFAULT, E2BIG, EINVAL (@count),
 * ENOENT (no such source), EINVAL (a timer), and with no post made EFAULT (the
 * array), EAGAIN (the queue is full).
 */
struct epx_post {
	__u32 id;
	__u32 count;
	__u64 value;
};

#define EPX_POSTS_MAX		65536

/**
 * struct epx_take - take values out of a queue (EPX_IOC_TAKE)
 * @id: the queue
 * @count: values to take at most, 1 to EPX_POSTS_MAX
 * @values: user address of an array of __u64
 *
 * 16 bytes. Never sleeps. Values are taken once, in their order. One that
 * cannot be written stays.
 *
 * Returns the number of values. Errors: EFAULT, E2BIG, EINVAL (@count),
 * ENOENT, EINVAL (no queue), and with none taken EFAULT (the array), EAGAIN
 * (the queue is empty).
 */
struct epx_take {
	__u32 id;
	__u32 count;
	__u64 values;
};

/**
 * struct epx_payload_event - an event with its payload (EPX_WAIT_PAYLOAD)
 * @events: as epoll_event.events
 * @flags: EPX_EVENT_*
 * @data: as epoll_event.data
 * @value: of a user event or a queue: the posted value; of a file what
 *	   EPX_WAIT_AMOUNT says; otherwise 0
 * @count: of a user event: posts; of a timer: expiries; of a queue: 1; of a
 *	   file: 0. All since the last delivery
 *
 * 32 bytes.
 */
struct epx_payload_event {
	__u32 events;
	__u32 flags;
	__u64 data;
	__u64 value;
	__u64 count;
};

/*
 * Of a CLOCK_REALTIME timer with EPX_TIMER_ABSTIME: since it was set, or since
 * its last event that said so, the clock has been set (settimeofday(2),
 * adjtime by steps, resume from suspend), not only slewed. It comes with the
 * next event of the timer, or with EPX_TIMER_CLOCK_SET at once.
 */
#define EPX_EVENT_CLOCK_SET	(1U << 0)

/* Of a file: @value says how much there is to be read. */
#define EPX_EVENT_AMOUNT	(1U << 1)

/*
 * epx_wait.flags, epx_enter.flags: the array is one of struct epx_payload_event.
 * EINVAL beside EPX_WAIT_RING and on an instance with a ring.
 */
#define EPX_WAIT_PAYLOAD	(1U << 3)

/*
 * Beside EPX_WAIT_PAYLOAD, otherwise EINVAL: an event of a file that has
 * EPOLLIN or EPOLLRDNORM says how much it holds, by value and EPX_EVENT_AMOUNT:
 * bytes in a pipe, a TCP or a unix stream socket, connections at a listening
 * one. Told where that can be had at once; without EPX_EVENT_AMOUNT (another
 * file, or somebody else is at it just now) it is not known.
 */
#define EPX_WAIT_AMOUNT		(1U << 4)

#define EPX_IOC_SOURCE	_IOW(EPX_IOC_MAGIC, 0x17, struct epx_source_ctl)
#define EPX_IOC_POST	_IOW(EPX_IOC_MAGIC, 0x18, struct epx_post)
#define EPX_IOC_TAKE	_IOW(EPX_IOC_MAGIC, 0x19, struct epx_take)

#endif /* _UAPI_LINUX_EPOLLX_SOURCE_H */
