/* SPDX-License-Identifier: MIT */
/*
 * In front of the kernel's epoll_wakeup_test.c, which makes one of its calls
 * as a raw system call, the only one in it: libc has a function for it now,
 * and that is what the preload library can reach.
 */
#ifndef EPX_TEST_LIBC_CALLS_H
#define EPX_TEST_LIBC_CALLS_H

#define _GNU_SOURCE
#include <sys/epoll.h>
#include <unistd.h>

#define syscall(nr, fd, events, max, timeout, mask, size)		\
	((void)(nr), (void)(size),					\
	 epoll_pwait2(fd, events, max, (const struct timespec *)(timeout), mask))

#endif /* EPX_TEST_LIBC_CALLS_H */
