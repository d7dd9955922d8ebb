// SPDX-License-Identifier: MIT
/*
 * A library for programs that make a call of epoll as a raw system call, by
 * libc's syscall(2), where libc has a function for it now: stress-ng 0.15 and
 * its epoll_pwait2. Put behind the preload library in LD_PRELOAD, it has them
 * call that function, which the preload library reaches.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Six arguments are read whatever the caller gave: registers, or its stack. */
__attribute__((visibility("default"))) long syscall(long nr, ...)
{
	static long (*libc_syscall)(long nr, ...);
	long arg[6];
	va_list args;

	va_start(args, nr);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (nr == SYS_epoll_pwait2)
		return epoll_pwait2(arg[0], (void *)arg[1], arg[2],
				    (void *)arg[3], (void *)arg[4]);
	if (!libc_syscall)
		*(void **)&libc_syscall = dlsym(RTLD_NEXT, "syscall");
	return libc_syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4],
			    arg[5]);
}
