/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * The mapped ring of epollx: readiness without system calls. Part of
 * <linux/epollx.h>, which includes it.
 *
 * EPX_IOC_RING gives an instance a ring; mmap(2) of the instance's file shows
 * it. Every watch has an *item*, an atomic word and the watch's data. The
 * numbers of items that have something to say are in a ring of *slots*. The
 * wake-up of a watched file writes both, in whatever context it runs; the
 * program reads them. The map, map_size bytes from offset 0:
 *
 *	0		struct epx_ring_head	head is the program's
 *	slots_offset	__u32[slots]		number of an item + 1; 0: empty
 *	items_offset	struct epx_item[items]
 *	payloads_offset	struct epx_payload[items], with EPX_RING_PAYLOAD
 *
 * An add returns the number of the watch's item (EPOLL_CTL_ADD and
 * EPX_CTL_PUT, and EPOLL_CTL_MOD too: not 0 but a number from 0 on).
 *
 * The program consumes: slot = slots[head & (slots - 1)], by a load with
 * acquire semantics; 0 means that the ring is empty. Else it stores 0 there,
 * adds 1 to head, and then, in one atomic step with release and acquire
 * semantics, clears READY, RECHECK and INRING of the item's state, keeping the
 * rest, and looks at what it cleared. No READY and no RECHECK: nothing, go on
 * (the watch was deleted, or somebody else took its event). An item is in the
 * ring at most once, so the ring cannot overflow.
 *
 * One thread consumes at a time. Several take turns under a lock of theirs,
 * or use EPX_IOC_WAIT with an event array, which consumes too.
 *
 * Hints and facts. A wake-up publishes IN, OUT, RDNORM and WRNORM, as far as
 * its key and the watch's mask have them, as *hints*: "try". A wake-up that
 * has another bit of the mask, or no key, sets RECHECK instead: the program
 * calls EPX_IOC_WAIT with a zero timeout, which polls such files and publishes
 * *facts*, what poll(2) would say, within the mask: READY bits of the same
 * items. A connect or a close costs one such call. EPOLL_CTL_ADD and MOD
 * publish facts too. So, of the bits: ERR, HUP, RDHUP, PRI, RDBAND, WRBAND and
 * MSG are exact, as epoll's are; IN, OUT, RDNORM and WRNORM can be stale
 * (another thread read the data, or the bit was in the mask before a MOD that
 * ran beside the wake-up) and are never lost.
 *
 * What a watch's mode means:
 *
 *  EPOLLET	   an armed item is put into the ring by every wake-up, unless
 *		   it is there; bits add up until it is consumed.
 *  level	   as EPOLLET, and every EPX_IOC_WAIT, one with a zero timeout
 *		   too, polls those that were ready last time, are armed and
 *		   are not in the ring, and puts the ready ones there. A
 *		   program that is never out of events calls it now and then.
 *  EPOLLONESHOT   the step that publishes an event, hint or fact, of an armed
 *		   item disarms it; RECHECK alone does not. Re-armed by the
 *		   program, or by EPOLL_CTL_MOD. A MOD that turns another
 *		   mode into it beside a wake-up may give one event more.
 *  EPOLLEXCLUSIVE a wake-up is taken from the others on the file's queue only
 *		   where a thread sleeps in EPX_IOC_WAIT here and the item is
 *		   armed; awake programs with a ring are all told.
 *  EPOLLWAKEUP	   the system is kept awake from the wake-up to the first
 *		   EPX_IOC_WAIT after the item was consumed.
 *
 * Arming. A disarmed item is not put into the ring and wakes nobody; what
 * happens is latched: READY and RECHECK add up in its state. One that is in
 * the ring already is consumed all the same, with what has been added. The
 * program disarms by clearing ARMED, and arms, in one atomic step: if READY or
 * RECHECK are set it takes them, clears them and leaves ARMED clear: it has
 * its event at once, and tries again when that is handled; else it sets ARMED.
 * Neither costs a system call. Arming does not poll: where a program has not
 * read until EAGAIN, and no wake-up comes any more, nothing is latched. There
 * it uses EPOLL_CTL_MOD, which arms, polls, and drops what was latched. A
 * level-triggered item that has been armed again is polled by the next wait, or
 * poll(2) of the instance, which then wakes a thread that sleeps in another.
 * A program that changes a word 16 times and more during one wake-up may get
 * an event of an item that it has disarmed, marked RECHECK.
 *
 * Generations. The upper half of the state is odd while a watch has the item,
 * and goes up when the watch ends (EPOLL_CTL_DEL, close of the file) and when
 * another begins. With the end READY is cleared and INRING kept: what was not
 * consumed is gone, as epoll's is. A thread that consumes beside another that
 * deletes reads data between two looks at the generation.
 *
 * The map is the program's own: the kernel trusts nothing in it. A program
 * that writes other things there gets wrong events of its own instance, or
 * none; nobody else does.
 */
#ifndef _UAPI_LINUX_EPOLLX_RING_H
#define _UAPI_LINUX_EPOLLX_RING_H

#include <linux/types.h>

/**
 * struct epx_ring - the ring of an instance (EPX_IOC_RING)
 * @items: how many watches the instance can have, 1 to EPX_RING_ITEMS_MAX
 * @flags: EPX_RING_PAYLOAD or 0
 * @slots: written by the kernel: slots of the ring, a power of two
 * @reserved: zero
 * @map_size: written by the kernel: the one length that mmap(2) takes
 * @slots_offset: written by the kernel, in bytes
 * @items_offset: written by the kernel, in bytes
 * @payloads_offset: written by the kernel, in bytes; 0 without EPX_RING_PAYLOAD
 *
 * 48 bytes; 40 without the last, where @flags must be 0. Once in an instance's
 * life, while it has no watch. An add beyond @items is ENOSPC. The memory is
 * charged to the caller's memory cgroup and, without CAP_IPC_LOCK, to the
 * caller's RLIMIT_MEMLOCK, until the last descriptor and the last map are gone:
 * a map keeps the instance alive.
 *
 * All fields but @items and @flags must be 0 in the call. Errors, in this order: EFAULT
 * and E2BIG (reading), EINVAL, EBUSY (has a ring or a watch), ENOMEM (the limit
 * or memory), EFAULT (writing).
 *
 * mmap(2): MAP_SHARED, offset 0, @map_size, no PROT_EXEC. A child of fork(2)
 * does not inherit the map. Errors: ENODEV without a ring, EINVAL, EPERM.
 */
struct epx_ring {
	__u32 items;
	__u32 flags;
	__u32 slots;
	__u32 reserved;
	__u64 map_size;
	__u64 slots_offset;
	__u64 items_offset;
	__u64 payloads_offset;
};

/* Payloads of sources are in the map. */
#define EPX_RING_PAYLOAD	(1U << 0)
/* Bytes of struct epx_ring without its last field. */
#define EPX_RING_SIZE_MIN	40

#define EPX_RING_ITEMS_MAX	(1U << 24)

/**
 * struct epx_ring_head - the first bytes of the map
 * @head: slots consumed so far. Only the consumer writes it: the program, or
 *	  EPX_IOC_WAIT with an event array. Wraps
 * @reserved: zero
 */
struct epx_ring_head {
	__u32 head;
	__u32 reserved;
};

/**
 * struct epx_item - the shared half of a watch
 * @state: EPX_ITEM_*, changed by atomic operations only
 * @data: as epoll_event.data; only the kernel writes it
 */
struct epx_item {
	__u64 state;
	__u64 data;
};

/**
 * struct epx_payload - what the item of a source brings, beside it
 * @value: of a user event: the latest post's; else 0
 * @count: posts or expiries since it was last 0; of a queue or a file 0. The
 *	   consumer takes it by an atomic exchange with 0, when he has taken the
 *	   item, and reads @value after that
 *
 * 16 bytes. Both are written before the item is published, so that nothing is
 * lost: what comes between the taking of the item and that of the count is in
 * the count already, and the item that it comes with has 0 then. @value may be
 * that of a post which is not in the count yet.
 */
struct epx_payload {
	__u64 value;
	__u64 count;
};

/* What the watch is ready for: EPOLL* bits. */
#define EPX_ITEM_READY		0xffffULL
/* Call EPX_IOC_WAIT: something has happened that only a poll can tell. */
#define EPX_ITEM_RECHECK	(1ULL << 16)
/* To be put into the ring when there is something. */
#define EPX_ITEM_ARMED		(1ULL << 17)
/* Is in the ring. Set by the kernel, cleared by the consumer. */
#define EPX_ITEM_INRING		(1ULL << 18)
/* The generation, 32 bits. */
#define EPX_ITEM_GENERATION_SHIFT	32

/* What a wake-up publishes as a hint. */
#define EPX_RING_HINTS	(EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM)

/*
 * epx_wait.flags: wait for the ring instead of events. @events and @maxevents
 * must be 0 (EINVAL). Publishes facts, as every wait does, and returns 1 when
 * the ring has a slot at its head, 0 at the end of the time. May be combined
 * with EPX_WAIT_ABSTIME or EPX_WAIT_TIMESPEC. EINVAL on an instance without a
 * ring.
 *
 * Without the flag EPX_IOC_WAIT consumes from the same ring, by the same
 * rules, into its event array: hints are delivered as they are; nothing is
 * polled for them. Where the array cannot be written the item stays where it
 * is. What becomes ready again during the call is for the next one, so that no
 * item is in the array twice.
 *
 * An instance with a ring is readable, for poll(2), epoll and outer instances,
 * when the ring has a slot at its head: what is consumed then may be empty.
 */
#define EPX_WAIT_RING		(1U << 2)

#endif /* _UAPI_LINUX_EPOLLX_RING_H */
