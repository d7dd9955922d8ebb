// SPDX-License-Identifier: MIT
/*
 * libepollx-preload.so: libc's epoll functions on /dev/epollx, for programs
 * that know nothing of it (epollx-run sets it up).
 *
 * Nothing is known about any descriptor: a call is tried on epollx, and if the
 * answer is not one that only an instance gives, it is made again as the native
 * system call. So dup, fork, vfork, exec, SCM_RIGHTS, close_range and
 * descriptors that were closed behind our back need no help.
 *
 *	answer of the ioctl	the file is			made again
 *	EBADF			none; or an instance, but the	on descriptor -1
 *				target of a change is not open
 *	ENOTTY and others	no instance			as it was
 *	EINVAL, EPERM		an instance; or native epoll,	as it was
 *				from Linux 6.9 on
 *	all else		an instance			no
 *
 * EBADF is true when it is said, but native epoll looks at the event and at
 * most arguments of a wait first. On descriptor -1 the native call says which
 * of them is wrong, and otherwise EBADF: not whatever another thread has put
 * at the number in the meantime.
 *
 * "As it was" on an instance gives the same errno again: native epoll checks
 * the event, both descriptors and whether the target can be polled in its
 * order, and then says EINVAL, because an instance is no native epoll. Only a
 * number that changes between native epoll and epollx under a call, by another
 * thread, can get that EINVAL for an answer.
 *
 * Without the device epoll_create(2) fails with ENODEV, or EACCES where it may
 * not be opened; it is not quietly made native, or else a measurement of
 * epollx could be one of native epoll. EPX_OR_NATIVE asks for that (options.h).
 *
 * Cancellation. A wait has to be a cancellation point, ioctl(2) is none. The
 * cancellation type is asynchronous around the system calls and nothing else,
 * which is how glibc 2.36 itself makes its waits cancellation points; while
 * cancellation is disabled nothing changes. A process with one thread can be
 * cancelled, too, by itself, and libc does not say in a way that holds for
 * both word sizes whether there is one only; so the type is always set. What
 * is done in between is system calls on the caller's stack: no lock, no
 * allocation, nothing to be undone, and our frames have unwind tables for
 * every instruction. The two moments that matter:
 *
 *	before the system call		nothing was consumed, nothing is lost
 *	after it, before the type is	the call has its events, and the thread
 *	deferred again			ends without giving them to anyone
 *
 * The second is a few instructions long and the same in glibc's own epoll_wait
 * up to 2.40: an edge or a one-shot can go with its thread. It cannot be
 * closed from outside of libc, whose signal handler decides. Level-triggered
 * events are reported to the next wait.
 *
 * Any context: each function is system calls and atomic operations, so all may
 * be called from signal handlers, before constructors have run, and by several
 * threads at once. errno is changed by failure only. Nothing is bound lazily
 * (-z now): the dynamic linker is not entered from a signal handler.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "epollx.h"
#include "options.h"
#include "syscall.h"

#define EXPORT		__attribute__((visibility("default")))

/* Size of the kernel's signal mask; libc's sigset_t is larger. */
#define KERNEL_SIGSET_SIZE	8

#define NS_PER_MS	1000000LL

static int result(long ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

static int create(enum call call, int flags)
{
	int ret;

	count_made(call);
	/* The kernel looks at the flags before it looks for a number. */
	if (flags & ~EPOLL_CLOEXEC)
		return result(-EINVAL);
	ret = epx_open(flags);
	/* The argument is on the stack: a page of it could not be had. */
	if (ret == -EFAULT)
		ret = -ENOMEM;
	if (ret >= 0 || ret == -EMFILE || ret == -ENFILE || ret == -ENOMEM)
		return result(ret);
	if (!is_or_native())
		return result(ret == -EACCES || ret == -EPERM ? ret : -ENODEV);
	count_native(call);
	return result(sys_call3(SYS_epoll_create1, flags, 0, 0));
}

EXPORT int epoll_create(int size)
{
	if (size > 0)
		return create(CALL_CREATE, 0);
	count_made(CALL_CREATE);
	return result(-EINVAL);
}

EXPORT int epoll_create1(int flags)
{
	return create(CALL_CREATE1, flags);
}

/* What a change of an instance can answer, and no other file does. */
static bool is_final_for_ctl(int ret)
{
	switch (ret) {
	case 0:
	case -EEXIST:
	case -EFAULT:
	case -ELOOP:
	case -ENOENT:
	case -ENOMEM:
	case -ENOSPC:
		return true;
	default:
		return false;
	}
}

/* The native call, after this answer of the ioctl: see above. */
static int call_again(enum call call, int answer, long nr, const long *args)
{
	const long on_none[6] = { -1, args[1], args[2], args[3], args[4],
				  args[5] };

	count_native(call);
	return sys_call6(nr, answer == -EBADF ? on_none : args);
}

EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	const long native[6] = { epfd, op, fd, (long)event };
	int ret;

	count_made(CALL_CTL);
	ret = epx_ctl(epfd, op, fd, event);
	if (!is_final_for_ctl(ret))
		ret = call_again(CALL_CTL, ret, SYS_epoll_ctl, native);
	return result(ret);
}

/**
 * struct wait - one wait, in both forms
 * @call: which function
 * @epfd: the descriptor
 * @command: the ioctl
 * @epollx: its argument
 * @nr: the native system call
 * @native: its arguments
 */
struct wait {
	enum call call;
	int epfd;
	unsigned long command;
	struct epx_wait epollx;
	long nr;
	long native[6];
};

/* What a wait on an instance can answer, and no other file does. */
static bool is_final_for_wait(int ret)
{
	return ret >= 0 || ret == -EINTR || ret == -EFAULT;
}

static int wait_for_events(const struct wait *wait)
{
	int type, ret;

	count_made(wait->call);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = sys_call3(SYS_ioctl, wait->epfd, wait->command,
			(long)&wait->epollx);
	if (!is_final_for_wait(ret))
		ret = call_again(wait->call, ret, wait->nr, wait->native);
	pthread_setcanceltype(type, NULL);
	return result(ret);
}

EXPORT int epoll_wait(int epfd, struct epoll_event *events, int maxevents,
		      int timeout)
{
	const struct wait wait = {
		.call = CALL_WAIT,
		.epfd = epfd,
		.command = EPX_IOC_WAIT,
		.epollx.events = (uintptr_t)events,
		.epollx.maxevents = maxevents,
		.epollx.timeout = timeout * NS_PER_MS,
		.nr = SYS_epoll_wait,
		.native = { epfd, (long)events, maxevents, timeout },
	};

	return wait_for_events(&wait);
}

EXPORT int epoll_pwait(int epfd, struct epoll_event *events, int maxevents,
		       int timeout, const sigset_t *sigmask)
{
	const struct wait wait = {
		.call = CALL_PWAIT,
		.epfd = epfd,
		.command = sigmask ? EPX_IOC_PWAIT : EPX_IOC_WAIT,
		.epollx.events = (uintptr_t)events,
		.epollx.maxevents = maxevents,
		.epollx.timeout = timeout * NS_PER_MS,
		.epollx.sigmask = (uintptr_t)sigmask,
		.epollx.sigsetsize = KERNEL_SIGSET_SIZE,
		.nr = SYS_epoll_pwait,
		.native = { epfd, (long)events, maxevents, timeout,
			    (long)sigmask, KERNEL_SIGSET_SIZE },
	};

	return wait_for_events(&wait);
}

/* @timeout is the kernel's timespec, of 64 bits for both word sizes. */
static int pwait2(int epfd, struct epoll_event *events, int maxevents,
		  const void *timeout, const sigset_t *sigmask)
{
	const struct wait wait = {
		.call = CALL_PWAIT2,
		.epfd = epfd,
		.command = EPX_IOC_PWAIT,
		.epollx.events = (uintptr_t)events,
		.epollx.maxevents = maxevents,
		.epollx.flags = EPX_WAIT_TIMESPEC,
		.epollx.timeout = (uintptr_t)timeout,
		.epollx.sigmask = (uintptr_t)sigmask,
		.epollx.sigsetsize = KERNEL_SIGSET_SIZE,
		.nr = SYS_epoll_pwait2,
		.native = { epfd, (long)events, maxevents, (long)timeout,
			    (long)sigmask, KERNEL_SIGSET_SIZE },
	};

	return wait_for_events(&wait);
}

#if __SIZEOF_LONG__ == 8
EXPORT int epoll_pwait2(int epfd, struct epoll_event *events, int maxevents,
			const struct timespec *timeout,
			const sigset_t *sigmask)
{
	return pwait2(epfd, events, maxevents, timeout, sigmask);
}
#else
/* What programs built for a 64-bit time_t call instead. */
EXPORT int __epoll_pwait2_time64(int epfd, struct epoll_event *events,
				 int maxevents, const void *timeout,
				 const sigset_t *sigmask);
int __epoll_pwait2_time64(int epfd, struct epoll_event *events, int maxevents,
			  const void *timeout, const sigset_t *sigmask)
{
	return pwait2(epfd, events, maxevents, timeout, sigmask);
}

/* As libc: the time is read here, and a bad pointer is a fault here. */
EXPORT int epoll_pwait2(int epfd, struct epoll_event *events, int maxevents,
			const struct timespec *timeout,
			const sigset_t *sigmask)
{
	struct { int64_t sec, nsec; } wide;

	if (timeout) {
		wide.sec = timeout->tv_sec;
		wide.nsec = timeout->tv_nsec;
	}
	return pwait2(epfd, events, maxevents, timeout ? &wide : NULL,
		      sigmask);
}
#endif
