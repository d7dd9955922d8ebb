// SPDX-License-Identifier: GPL-2.0-only
/*
 * The code of the tracepoints, which trace.h declares and describes.
 *
 * The one file that defines CREATE_TRACE_POINTS; all others that include
 * trace.h get calls, each a no-op until the event is switched on. The build
 * must find trace.h by the name "./trace.h", so this directory is on the
 * include path of this file.
 *
 * Context: none, there are no functions here but what the macros make.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"

#include <linux/build_bug.h>

/* The numbers that trace.h spells out for the readers of a trace. */
static_assert((__force u32)EPOLLIN == 0x00000001);
static_assert((__force u32)EPOLLPRI == 0x00000002);
static_assert((__force u32)EPOLLOUT == 0x00000004);
static_assert((__force u32)EPOLLERR == 0x00000008);
static_assert((__force u32)EPOLLHUP == 0x00000010);
static_assert((__force u32)EPOLLNVAL == 0x00000020);
static_assert((__force u32)EPOLLRDNORM == 0x00000040);
static_assert((__force u32)EPOLLRDBAND == 0x00000080);
static_assert((__force u32)EPOLLWRNORM == 0x00000100);
static_assert((__force u32)EPOLLWRBAND == 0x00000200);
static_assert((__force u32)EPOLLMSG == 0x00000400);
static_assert((__force u32)EPOLLRDHUP == 0x00002000);
static_assert((__force u32)POLLFREE == 0x00004000);
static_assert((__force u32)EPOLL_URING_WAKE == 0x08000000);
static_assert((__force u32)EPOLLEXCLUSIVE == 0x10000000);
static_assert((__force u32)EPOLLWAKEUP == 0x20000000);
static_assert((__force u32)EPOLLONESHOT == 0x40000000);
static_assert((__force u32)EPOLLET == 0x80000000);
static_assert(EPOLL_CTL_ADD == 1 && EPOLL_CTL_DEL == 2 && EPOLL_CTL_MOD == 3);
static_assert(EPX_CTL_PUT == 0x100);
static_assert(EPX_SLOT_TAKEN == 0 && EPX_SLOT_GIVEN == 1);
static_assert(EPX_SLOT_LEFT == 2 && EPX_SLOT_RESUMED == 3);
static_assert(EPX_IN_TASK == 0 && EPX_IN_SOFTIRQ == 1);
static_assert(EPX_IN_HARDIRQ == 2 && EPX_IN_NMI == 3);
