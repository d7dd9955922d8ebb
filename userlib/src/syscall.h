/* SPDX-License-Identifier: MIT */
/*
 * System calls that return -errno, leave errno alone, and are neither
 * cancellation points nor to be had in between by another library.
 *
 * open(2) and close(2) of libc are cancellation points, epoll_create(2) is
 * none: who makes an instance must not be cancelled half-way.
 */
#ifndef EPOLLX_SYSCALL_H
#define EPOLLX_SYSCALL_H

#include <sys/syscall.h>

#ifdef __x86_64__
/* The kernel returns -errno by itself; libc's detour by errno is for others. */
static inline long sys_call3(long nr, long a, long b, long c)
{
	long ret = nr;

	__asm__ volatile("syscall"
			 : "+a"(ret)
			 : "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline long sys_call6(long nr, const long *args)
{
	register long r10 __asm__("r10") = args[3];
	register long r8 __asm__("r8") = args[4];
	register long r9 __asm__("r9") = args[5];
	long ret = nr;

	__asm__ volatile("syscall"
			 : "+a"(ret)
			 : "D"(args[0]), "S"(args[1]), "d"(args[2]),
			   "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#else
#include <errno.h>
#include <unistd.h>

static inline long sys_call6(long nr, const long *args)
{
	int saved = errno;
	long ret = syscall(nr, args[0], args[1], args[2], args[3], args[4],
			   args[5]);

	if (ret < 0) {
		ret = -errno;
		errno = saved;
	}
	return ret;
}

static inline long sys_call3(long nr, long a, long b, long c)
{
	const long args[6] = { a, b, c };

	return sys_call6(nr, args);
}
#endif

#endif /* EPOLLX_SYSCALL_H */
