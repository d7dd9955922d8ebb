/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * The ABI of epollx: epoll as a loadable module.
 *
 * /dev/epollx is a factory. EPX_IOC_CREATE on it returns an instance, a file
 * of its own named "anon_inode:[epollx]", which is to be used as an epoll
 * file descriptor is. All other calls are ioctls on the instance.
 *
 * Rules that hold for every call:
 *
 *  - fields have fixed widths, structs have no holes, a user address is a
 *    __u64, so 32-bit callers use the same layout;
 *  - flag bits that are not defined here and reserved fields must be zero,
 *    otherwise the call fails with EINVAL and changes nothing;
 *  - the size in the ioctl number tells the version of the struct: a shorter
 *    struct means zeros for what it lacks, a longer one is accepted when what
 *    this module does not know is zero, and is E2BIG otherwise;
 *  - a command that is not listed here is ENOTTY;
 *  - times are nanoseconds of CLOCK_MONOTONIC.
 *
 * Event bits, struct epoll_event and the EPOLL_CTL_* operations are the
 * kernel's own, from <linux/eventpoll.h>; epoll_ctl(2) and epoll_wait(2)
 * describe them.
 */
#ifndef _UAPI_LINUX_EPOLLX_H
#define _UAPI_LINUX_EPOLLX_H

#include <linux/types.h>
#include <linux/ioctl.h>

/** EPX_ABI_VERSION - what epx_info.abi_version holds */
#define EPX_ABI_VERSION		1

#define EPX_IOC_MAGIC		0xEB

/**
 * struct epx_info - what this module is (EPX_IOC_INFO)
 * @abi_version: EPX_ABI_VERSION of the module
 * @max_nests: instances in the longest allowed chain of watches, 5
 * @features: EPX_FEATURE_* bits
 * @max_events: largest epx_wait.maxevents
 * @reserved: zero
 *
 * 24 bytes; written by the kernel. EPX_IOC_INFO works on the device and on
 * an instance. Errors: EFAULT.
 */
struct epx_info {
	__u32 abi_version;
	__u32 max_nests;
	__u64 features;
	__u32 max_events;
	__u32 reserved;
};

/* The module has busy polling (the kernel has CONFIG_NET_RX_BUSY_POLL). */
#define EPX_FEATURE_BUSY_POLL	(1ULL << 0)

/* struct epx_create: wake policy and concurrency limit of an instance. */
#include <linux/epollx_create.h>

/**
 * struct epx_ctl - one change of the interest list (EPX_IOC_CTL)
 * @op: EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL or EPX_CTL_PUT
 * @fd: the file, by its number in the caller's table
 * @events: as epoll_event.events, unless EPX_CTL_INDIRECT
 * @flags: EPX_CTL_INDIRECT, EPX_CTL_ROTATE, or 0
 * @data: as epoll_event.data; with EPX_CTL_INDIRECT the user address of a
 *        struct epoll_event that holds both
 *
 * 24 bytes. EPX_CTL_INDIRECT is epoll_ctl(2) to the errno: the event is read
 * before @fd is looked up, so that EFAULT comes before EBADF, and it is not
 * read for EPOLL_CTL_DEL. Errors are those of epoll_ctl(2), in its order.
 */
struct epx_ctl {
	__s32 op;
	__s32 fd;
	__u32 events;
	__u32 flags;
	__u64 data;
};

/* Add the file, or modify its watch where there is one already. */
#define EPX_CTL_PUT		0x100

/* epx_ctl.data is the address of a struct epoll_event. */
#define EPX_CTL_INDIRECT	(1U << 0)

/*
 * Of several instances that watch one file with EPOLLEXCLUSIVE, the first with
 * a sleeper takes the wake-up. With this flag a watch that took one goes behind
 * the others, when the instance looks at the file next, so they take turns;
 * those without the flag keep their places. Only with EPOLLEXCLUSIVE, in an
 * add, and without a ring: EINVAL. fdinfo shows it as 4000000 in the mask.
 */
#define EPX_CTL_ROTATE		(1U << 1)

/**
 * struct epx_wait - wait for events (EPX_IOC_WAIT)
 * @events: user address of an array of struct epoll_event
 * @maxevents: its length, 1 to epx_info.max_events
 * @flags: EPX_WAIT_ABSTIME, EPX_WAIT_TIMESPEC or 0; not both. Beside them
 *	   EPX_WAIT_RING (<linux/epollx_ring.h>)
 * @timeout: 0 returns at once, a negative one never expires; with
 *           EPX_WAIT_ABSTIME the point in time at which the call returns,
 *           not negative; with EPX_WAIT_TIMESPEC the user address of a
 *           struct __kernel_timespec, relative, or 0 for no limit, which is
 *           the argument of epoll_pwait2(2)
 * @sigmask: user address of the signal mask during the wait, or 0
 * @sigsetsize: size of *@sigmask, 8; ignored where @sigmask is 0
 *
 * 40 bytes; EPX_IOC_WAIT passes the first 24, EPX_IOC_PWAIT all. Returns the
 * number of events, 0 at the end of the time. Errors, in this order: EINVAL
 * (flags), EFAULT and EINVAL (timespec), EINVAL (sigsetsize), EFAULT
 * (sigmask), EINVAL (maxevents), EFAULT (the address range of @events, then
 * a copy to it), EINTR (a signal, nothing ready, @timeout not 0). Never
 * restarted after a signal.
 */
struct epx_wait {
	__u64 events;
	__s32 maxevents;
	__u32 flags;
	__s64 timeout;
	__u64 sigmask;
	__u64 sigsetsize;
};

#define EPX_WAIT_ABSTIME	(1U << 0)
#define EPX_WAIT_TIMESPEC	(1U << 1)

/* Bytes of struct epx_wait that a wait without a signal mask passes. */
#define EPX_WAIT_SIZE_MIN	24

#define EPX_IOC_INFO	_IOR(EPX_IOC_MAGIC, 0x10, struct epx_info)
#define EPX_IOC_CREATE	_IOW(EPX_IOC_MAGIC, 0x11, struct epx_create)
#define EPX_IOC_CTL	_IOW(EPX_IOC_MAGIC, 0x12, struct epx_ctl)
#define EPX_IOC_WAIT	_IOC(_IOC_WRITE, EPX_IOC_MAGIC, 0x13, EPX_WAIT_SIZE_MIN)
#define EPX_IOC_PWAIT	_IOW(EPX_IOC_MAGIC, 0x13, struct epx_wait)

/* The mapped ring: EPX_IOC_RING, EPX_WAIT_RING, and what a map shows. */
#include <linux/epollx_ring.h>
#include <linux/epollx_source.h>
#define EPX_IOC_RING	_IOWR(EPX_IOC_MAGIC, 0x16, struct epx_ring)
/* The module has EPX_IOC_RING and EPX_WAIT_RING. */
#define EPX_FEATURE_RING	(1ULL << 3)

/*
 * The thread gives back its slot of a concurrency limit, without a wait.
 * Returns 1, or 0 if it had none. Errors: EINVAL (the instance has no limit).
 */
#define EPX_IOC_YIELD	_IO(EPX_IOC_MAGIC, 0x1A)
/* The module has wake policies, concurrency limits and EPX_CTL_ROTATE. */
#define EPX_FEATURE_POLICY	(1ULL << 6)
/* Many changes in one call, and changes and a wait in one call. */
#define EPX_FEATURE_CTLV	(1ULL << 1)
#define EPX_FEATURE_ENTER	(1ULL << 2)

/* Changes that one call takes at most. */
#define EPX_CHANGES_MAX		65536

/**
 * struct epx_ctl_entry - one change of many, and what came of it
 * @ctl: the change, to the errno what EPX_IOC_CTL makes of it
 * @result: written by the kernel: what EPX_IOC_CTL would have returned: 0 or
 *          -errno, with a ring the item
 * @reserved: zero, otherwise the result is -EINVAL and nothing is changed
 *
 * 32 bytes. The changes of a call are made in their order, and one that fails
 * stops none of those after it. Others may change, wait and close files in
 * between: a call is no transaction.
 *
 * The kernel takes the entries in groups of up to EPX_CHANGES_AT_ONCE. Before
 * it makes the changes of a group it has read each of its entries, an
 * EPX_CTL_INDIRECT event included, and has set each result to -EINPROGRESS.
 * An entry that cannot be read and written ends the call before that entry's
 * change is made; the changes before it have been made and have their
 * results. So the result of a change that was made gets lost only if another
 * thread takes the memory away during the call, and then that of one group at
 * most: where such a result can still be read it is -EINPROGRESS, which no
 * change returns.
 */
struct epx_ctl_entry {
	struct epx_ctl ctl;
	__s32 result;
	__u32 reserved;
};

#define EPX_CHANGES_AT_ONCE	16

/**
 * struct epx_ctlv - many changes of the interest list (EPX_IOC_CTLV)
 * @changes: user address of an array of struct epx_ctl_entry
 * @count: its length, 0 to EPX_CHANGES_MAX
 * @flags: 0
 *
 * 16 bytes. Returns the number of changes that have a result, good or bad:
 * @count, unless an entry cannot be read and written, which ends the call
 * there. Errors, in this order, with nothing changed: EINVAL (flags, @count),
 * EFAULT (the address range, then the first entry). Signals do not end it,
 * except one that kills.
 */
struct epx_ctlv {
	__u64 changes;
	__u32 count;
	__u32 flags;
};

/**
 * struct epx_enter - changes, then a wait (EPX_IOC_ENTER)
 * @changes: user address of an array of struct epx_ctl_entry; not looked at
 *           where @count is 0
 * @count: its length, 0 to EPX_CHANGES_MAX
 * @flags: as epx_wait.flags
 * @events: as in struct epx_wait
 * @maxevents: as in struct epx_wait
 * @min_events: events that the wait is to gather, 0 to @maxevents; 0 and 1
 *              are the same, a wait as EPX_IOC_PWAIT's
 * @timeout: as in struct epx_wait
 * @min_wait: how long to gather: 0 for as long as @timeout allows, otherwise
 *            nanoseconds or, with EPX_WAIT_ABSTIME, a point in time; not
 *            negative. From then on one event is enough
 * @sigmask: as in struct epx_wait
 * @sigsetsize: as in struct epx_wait
 *
 * 64 bytes. Relative times begin with the call, before the changes.
 *
 * The changes are made as EPX_IOC_CTLV makes them, and all of them before the
 * wait. If one has failed the call does not sleep: it collects what is ready,
 * as with a @timeout of 0, and returns, so that nobody waits for what was
 * never added. A result of the call that is negative says nothing of the
 * changes; who sets each epx_ctl_entry.result to INT_MIN before, which is
 * neither an error nor an item, sees which were reached.
 *
 * The wait returns
 *
 *  - when @min_events watches or more are ready: all that are, up to
 *    @maxevents;
 *  - with at least one event when @min_wait is over, otherwise it goes on and
 *    returns with the first;
 *  - at the end of @timeout, also if @min_wait would be longer, with what is
 *    ready, maybe nothing;
 *  - on a signal with what is ready; with EINTR if that is nothing.
 *
 * Events are delivered once, at the end, so a call delivers no watch twice.
 * While it gathers, nothing is consumed and nothing is kept from others: a
 * ready file may be found or emptied by another thread, and then it does not
 * count. All @min_events were ready when the call looked; a file that another
 * thread empties at that very moment makes the events fewer, but never none:
 * then the wait goes on. A @min_events above the number of watches is reached
 * by no event. For EPOLLEXCLUSIVE who gathers is a waiter as any other.
 * With a ring the filled slots are counted, and the events can be fewer.
 *
 * Returns the number of events. Errors, in this order: EINVAL (@count,
 * @maxevents, @min_events, @min_wait), EFAULT (the address ranges of @events
 * and @changes), EINVAL (flags), EFAULT and EINVAL (timespec), EINVAL
 * (@sigsetsize), EFAULT (@sigmask), all of these with nothing changed; then
 * EFAULT (an entry that cannot be read and written: the changes before it
 * have been made, nothing was waited for); then, with all changes made, EFAULT
 * (a copy to @events) and EINTR. Never restarted after a signal.
 */
struct epx_enter {
	__u64 changes;
	__u32 count;
	__u32 flags;
	__u64 events;
	__s32 maxevents;
	__s32 min_events;
	__s64 timeout;
	__s64 min_wait;
	__u64 sigmask;
	__u64 sigsetsize;
};

#define EPX_IOC_CTLV	_IOW(EPX_IOC_MAGIC, 0x14, struct epx_ctlv)
#define EPX_IOC_ENTER	_IOW(EPX_IOC_MAGIC, 0x15, struct epx_enter)

/*
 * Busy polling takes epoll's own commands and struct (Linux 6.9). They are
 * repeated for headers that are older than that.
 */
#ifndef EPIOCSPARAMS
/**
 * struct epoll_params - busy polling of an instance
 * @busy_poll_usecs: microseconds to spin, 0 for none, at most S32_MAX
 * @busy_poll_budget: packets per round; above 64 needs CAP_NET_ADMIN
 * @prefer_busy_poll: 0 or 1
 * @__pad: zero
 */
struct epoll_params {
	__u32 busy_poll_usecs;
	__u16 busy_poll_budget;
	__u8 prefer_busy_poll;
	__u8 __pad;
};

#define EPOLL_IOC_TYPE	0x8A
#define EPIOCSPARAMS	_IOW(EPOLL_IOC_TYPE, 0x01, struct epoll_params)
#define EPIOCGPARAMS	_IOR(EPOLL_IOC_TYPE, 0x02, struct epoll_params)
#endif

#endif /* _UAPI_LINUX_EPOLLX_H */
