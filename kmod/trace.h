/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: one event's way from the device's wake-up to the return to
 * user space, in order
 *
 *   epx_ctl      a change of an interest list, with its result
 *   epx_wake     a wake callback passed the filter of its watch; pushed=0: the
 *                watch was queued already
 *   epx_sleep    a waiter found nothing and goes to sleep
 *   epx_wakeup   it is back
 *   epx_deliver  a watch polled ready, its event is copied to the user
 *   epx_return   the wait returns: a number of events, or an error
 *   epx_slot     of a concurrency limit; used= is how many are, right after
 *
 * and of a watch's end: epx_close (its file is closed) and epx_bury. Of sources
 * epx_wake is a post or an expiry, epx_deliver also what EPX_IOC_TAKE took.
 *
 * Each has the number of its instance (as in debugfs epollx/instances) and,
 * where there is a watch, its address as an identity (as in epollx/watches)
 * and its number, a file descriptor's or a source's id. `context' says where the
 * code ran, which the flags of every trace line leave to be guessed in part.
 *
 * The assignments run with preemption off, in whatever context the caller is
 * in, and read fields that may change beside them.
 *
 * Included twice on purpose: <trace/define_trace.h> reads it again.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM epollx

#ifndef EPX_TRACE_ONCE
#define EPX_TRACE_ONCE

#include <linux/preempt.h>

/* Where the code runs, innermost first. */
#define EPX_IN_TASK	0
#define EPX_IN_SOFTIRQ	1
#define EPX_IN_HARDIRQ	2
#define EPX_IN_NMI	3

/* Slots: by who runs or is woken; back; its thread blocks; and runs again. */
enum { EPX_SLOT_TAKEN, EPX_SLOT_GIVEN, EPX_SLOT_LEFT, EPX_SLOT_RESUMED };

static inline unsigned int epx_trace_context(void)
{
	if (in_nmi())
		return EPX_IN_NMI;
	if (in_hardirq())
		return EPX_IN_HARDIRQ;
	return in_serving_softirq() ? EPX_IN_SOFTIRQ : EPX_IN_TASK;
}

#endif /* EPX_TRACE_ONCE */

#if !defined(EPX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define EPX_TRACE_H

#include <linux/ktime.h>
#include <linux/tracepoint.h>

#include "instance.h"

/*
 * Plain numbers, since a trace reader sees this text and knows no EPOLLIN;
 * trace.c asserts that they are right.
 */
#define epx_show_context(context)					\
	__print_symbolic(context,					\
			 { 0, "task" }, { 1, "softirq" },		\
			 { 2, "hardirq" }, { 3, "nmi" })

#define epx_show_op(op)							\
	__print_symbolic(op,						\
			 { 1, "ADD" }, { 2, "DEL" }, { 3, "MOD" },	\
			 { 0x100, "PUT" })

#define epx_show_step(step)						\
	__print_symbolic(step, { 0, "taken" }, { 1, "given" },		\
			 { 2, "left" }, { 3, "resumed" })

#define epx_show_events(events)						\
	__print_flags(events, "|",					\
		      { 0x00000001, "IN" }, { 0x00000002, "PRI" },	\
		      { 0x00000004, "OUT" }, { 0x00000008, "ERR" },	\
		      { 0x00000010, "HUP" }, { 0x00000020, "NVAL" },	\
		      { 0x00000040, "RDNORM" }, { 0x00000080, "RDBAND" }, \
		      { 0x00000100, "WRNORM" }, { 0x00000200, "WRBAND" }, \
		      { 0x00000400, "MSG" }, { 0x00002000, "RDHUP" },	\
		      { 0x00004000, "FREE" },				\
		      { 0x08000000, "URING_WAKE" },			\
		      { 0x10000000, "EXCLUSIVE" },			\
		      { 0x20000000, "WAKEUP" },				\
		      { 0x40000000, "ONESHOT" }, { 0x80000000, "ET" })

TRACE_EVENT(epx_ctl,
	TP_PROTO(struct epx_instance *inst, int op, int fd, u32 events,
		 int ret),
	TP_ARGS(inst, op, fd, events, ret),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(int, op)
		__field(int, fd)
		__field(u32, events)
		__field(int, ret)
		__field(u8, context)
	),
	TP_fast_assign(
		__entry->instance = inst->id;
		__entry->op = op;
		__entry->fd = fd;
		__entry->events = events;
		__entry->ret = ret;
		__entry->context = epx_trace_context();
	),
	TP_printk("instance=%llu op=%s fd=%d events=%s ret=%d context=%s",
		  __entry->instance, epx_show_op(__entry->op), __entry->fd,
		  epx_show_events(__entry->events), __entry->ret,
		  epx_show_context(__entry->context))
);

TRACE_EVENT(epx_wake,
	TP_PROTO(struct epx_watch *w, __poll_t key, bool pushed),
	TP_ARGS(w, key, pushed),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(const void *, watch)
		__field(int, fd)
		__field(u32, key)
		__field(u32, events)
		__field(u8, pushed)
		__field(u8, context)
	),
	TP_fast_assign(
		__entry->instance = w->instance->id;
		__entry->watch = w;
		__entry->fd = w->fd;
		__entry->key = (__force u32)key;
		__entry->events = (__force u32)READ_ONCE(w->events);
		__entry->pushed = pushed;
		__entry->context = epx_trace_context();
	),
	TP_printk("instance=%llu watch=%p fd=%d key=%s events=%s pushed=%u context=%s",
		  __entry->instance, __entry->watch, __entry->fd,
		  epx_show_events(__entry->key),
		  epx_show_events(__entry->events), __entry->pushed,
		  epx_show_context(__entry->context))
);

/* The deadline is KTIME_MAX, 9223372036854775807, where there is none. */
TRACE_EVENT(epx_sleep,
	TP_PROTO(struct epx_instance *inst, ktime_t deadline),
	TP_ARGS(inst, deadline),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(s64, deadline)
		__field(u8, context)
	),
	TP_fast_assign(
		__entry->instance = inst->id;
		__entry->deadline = ktime_to_ns(deadline);
		__entry->context = epx_trace_context();
	),
	TP_printk("instance=%llu deadline=%lld context=%s",
		  __entry->instance, __entry->deadline,
		  epx_show_context(__entry->context))
);

TRACE_EVENT(epx_wakeup,
	TP_PROTO(struct epx_instance *inst, bool timed_out),
	TP_ARGS(inst, timed_out),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u8, timed_out)
		__field(u8, context)
	),
	TP_fast_assign(
		__entry->instance = inst->id;
		__entry->timed_out = timed_out;
		__entry->context = epx_trace_context();
	),
	TP_printk("instance=%llu timed_out=%u context=%s",
		  __entry->instance, __entry->timed_out,
		  epx_show_context(__entry->context))
);

TRACE_EVENT(epx_deliver,
	TP_PROTO(struct epx_watch *w, __poll_t revents),
	TP_ARGS(w, revents),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(const void *, watch)
		__field(int, fd)
		__field(u32, revents)
		__field(u8, context)
	),
	TP_fast_assign(
		__entry->instance = w->instance->id;
		__entry->watch = w;
		__entry->fd = w->fd;
		__entry->revents = (__force u32)revents;
		__entry->context = epx_trace_context();
	),
	TP_printk("instance=%llu watch=%p fd=%d revents=%s context=%s",
		  __entry->instance, __entry->watch, __entry->fd,
		  epx_show_events(__entry->revents),
		  epx_show_context(__entry->context))
);

/* The last reference to a watched file goes, inside __fput(). */
TRACE_EVENT(epx_close,
	TP_PROTO(struct epx_watch *w, bool queued),
	TP_ARGS(w, queued),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(const void *, watch)
		__field(int, fd)
		__field(u8, queued)
		__field(u8, context)
	),
	TP_fast_assign(
		__entry->instance = w->instance->id;
		__entry->watch = w;
		__entry->fd = w->fd;
		__entry->queued = queued;
		__entry->context = epx_trace_context();
	),
	TP_printk("instance=%llu watch=%p fd=%d queued=%u context=%s",
		  __entry->instance, __entry->watch, __entry->fd,
		  __entry->queued, epx_show_context(__entry->context))
);

TRACE_EVENT(epx_bury,
	TP_PROTO(struct epx_watch *w),
	TP_ARGS(w),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(const void *, watch)
		__field(int, fd)
		__field(u8, context)
	),
	TP_fast_assign(
		__entry->instance = w->instance->id;
		__entry->watch = w;
		__entry->fd = w->fd;
		__entry->context = epx_trace_context();
	),
	TP_printk("instance=%llu watch=%p fd=%d context=%s",
		  __entry->instance, __entry->watch, __entry->fd,
		  epx_show_context(__entry->context))
);

TRACE_EVENT(epx_slot,
	TP_PROTO(struct epx_instance *inst, u32 used, u32 most, u8 step),
	TP_ARGS(inst, used, most, step),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(u32, used)
		__field(u32, most)
		__field(u8, step)
		__field(u8, context)
	),
	TP_fast_assign(
		__entry->instance = inst->id;
		__entry->used = used;
		__entry->most = most;
		__entry->step = step;
		__entry->context = epx_trace_context();
	),
	TP_printk("instance=%llu step=%s used=%u most=%u context=%s",
		  __entry->instance, epx_show_step(__entry->step), __entry->used,
		  __entry->most, epx_show_context(__entry->context))
);

TRACE_EVENT(epx_return,
	TP_PROTO(struct epx_instance *inst, int ret),
	TP_ARGS(inst, ret),
	TP_STRUCT__entry(
		__field(u64, instance)
		__field(int, ret)
		__field(u8, context)
	),
	TP_fast_assign(
		__entry->instance = inst->id;
		__entry->ret = ret;
		__entry->context = epx_trace_context();
	),
	TP_printk("instance=%llu ret=%d context=%s",
		  __entry->instance, __entry->ret,
		  epx_show_context(__entry->context))
);

#endif /* EPX_TRACE_H */

/* Outside the guard: where define_trace.h finds this file. */
#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
