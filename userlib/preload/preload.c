// SPDX-License-Identifier: MIT
/*
 * libepollx-preload.so: libc's epoll functions on /dev/epollx, for programs
 * that know nothing of it (epollx-run sets it up).
 *
 * Nothing is known about any descriptor: a call is tried on epollx, and if the
 * answer says that the file is no instance, it is made again as the native
 * system call, with the same arguments. So dup, fork, vfork, exec, SCM_RIGHTS,
 * close_range and descriptors that were closed behind our back need no help.
 *
 *	answer of the ioctl	the file is			the call is made
 *	EBADF			none; or an instance, but the	again
 *				target of a change is not open
 *	ENOTTY, another error	no instance			again
 *	that none gives
 *	EINVAL			an instance, or native epoll	again
 *				from Linux 6.9 on
 *	EPERM			an instance (or no file for us)	again
 *	all else		an instance			once
 *
 * Where "again" meets an instance, the native call gives the same errno: it
 * checks the event, both descriptors and whether the target can be polled in
 * epoll's order, and then says EINVAL, because an instance is no native epoll.
 * Only if another thread opens or closes the number between the two can the
 * second answer be about another file than the first; see epoll_ctl() and
 * wait_for_events().
 *
 * Without the device epoll_create(2) fails with ENODEV, or EACCES where it may
 * not be opened; it is not quietly made native, or else a measurement of
 * epollx could be one of native epoll. EPX_OR_NATIVE asks for that (options.h).
 *
 * Cancellation. A wait has to be a cancellation point, ioctl(2) is none. The
 * cancellation type is asynchronous around the system calls and nothing else,
 * which is how glibc 2.36 itself makes its waits cancellation points; while
 * cancellation is disabled nothing changes, and a process with one thread is
 * not cancelled, so it does not pay. What is done in between is system calls
 * on the caller's stack: no lock, no allocation, nothing to be undone, and our
 * frames have unwind tables for every instruction. The two moments that
 * matter:
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
#include <sys/single_threaded.h>

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

EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	const long native[6] = { epfd, op, fd, (long)event };
	int ret, again;

	count_made(CALL_CTL);
	ret = epx_ctl(epfd, op, fd, event);
	if (is_final_for_ctl(ret))
		return result(ret);
	count_native(CALL_CTL);
	again = sys_call6(SYS_epoll_ctl, native);
	/*
	 * After EBADF this is said of a file that was not there a moment ago.
	 * It may be an instance, of which it would be wrong; EBADF was right
	 * when it was said, and the event was readable.
	 */
	if (ret == -EBADF && (again == -EINVAL || again == -EPERM))
		again = ret;
	return result(again);
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

static int wait_on_epollx(const struct wait *wait)
{
	return sys_call3(SYS_ioctl, wait->epfd, wait->command,
			 (long)&wait->epollx);
}

static int wait_on_either(const struct wait *wait)
{
	int ret = wait_on_epollx(wait), again, late;

	if (is_final_for_wait(ret))
		return ret;
	count_native(wait->call);
	again = sys_call6(wait->nr, wait->native);
	if (ret != -EBADF || again != -EINVAL)
		return again;
	/* As in epoll_ctl(); but this EINVAL may be about an argument. */
	late = wait_on_epollx(wait);
	return is_final_for_wait(late) ? late : again;
}

static int wait_for_events(const struct wait *wait)
{
	bool is_alone = __libc_single_threaded;
	int type, ret;

	count_made(wait->call);
	if (!is_alone)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = wait_on_either(wait);
	if (!is_alone)
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
