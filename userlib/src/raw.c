// SPDX-License-Identifier: MIT
/*
 * The calls of the module, one to one.
 *
 * No state: everything lives behind the file descriptor, so dup, fork, exec
 * and SCM_RIGHTS need no help from here. errno is saved and restored because
 * callers mix these with libc calls and expect -errno only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "epollx.h"

#ifdef __x86_64__
/* The kernel returns -errno by itself; libc's detour by errno is for others. */
static int raw_ioctl(int fd, unsigned long cmd, const void *arg)
{
	long ret = SYS_ioctl;

	__asm__ volatile("syscall"
			 : "+a"(ret)
			 : "D"((long)fd), "S"(cmd), "d"(arg)
			 : "rcx", "r11", "memory");
	return ret;
}
#else
static int raw_ioctl(int fd, unsigned long cmd, const void *arg)
{
	int saved = errno;
	int ret = ioctl(fd, cmd, arg);

	if (ret < 0) {
		ret = -errno;
		errno = saved;
	}
	return ret;
}
#endif

int epx_open(unsigned int flags)
{
	struct epx_create create = { .flags = flags };
	int saved = errno;
	int dev, ret;

	dev = open("/dev/epollx", O_RDWR | O_CLOEXEC);
	if (dev < 0) {
		ret = -errno;
	} else {
		ret = raw_ioctl(dev, EPX_IOC_CREATE, &create);
		/* The device took the lowest number: the instance gets it. */
		if (ret >= 0 && dup3(ret, dev, flags) == dev) {
			close(ret);
			ret = dev;
		} else {
			close(dev);
		}
	}
	errno = saved;
	return ret;
}

int epx_ctl(int epfd, int op, int fd, const struct epoll_event *event)
{
	struct epx_ctl ctl = {
		.op = op,
		.fd = fd,
		.flags = EPX_CTL_INDIRECT,
		.data = (uintptr_t)event,
	};

	return raw_ioctl(epfd, EPX_IOC_CTL, &ctl);
}

int epx_change(int epfd, int op, int fd, uint32_t events, uint64_t data)
{
	struct epx_ctl ctl = {
		.op = op,
		.fd = fd,
		.events = events,
		.data = data,
	};

	return raw_ioctl(epfd, EPX_IOC_CTL, &ctl);
}

int epx_wait(int epfd, struct epoll_event *events, int maxevents,
	     int64_t timeout)
{
	struct epx_wait wait;

	/* EPX_IOC_WAIT passes the first EPX_WAIT_SIZE_MIN bytes only. */
	wait.events = (uintptr_t)events;
	wait.maxevents = maxevents;
	wait.flags = 0;
	wait.timeout = timeout;
	return raw_ioctl(epfd, EPX_IOC_WAIT, &wait);
}

int epx_pwait2(int epfd, struct epoll_event *events, int maxevents,
	       const struct timespec *timeout, const sigset_t *sigmask,
	       size_t sigsetsize)
{
	/* The kernel's timespec is 64 bits wide for 32-bit callers too. */
	struct { int64_t sec, nsec; } kts;
	struct epx_wait wait = {
		.events = (uintptr_t)events,
		.maxevents = maxevents,
		.flags = EPX_WAIT_TIMESPEC,
		.timeout = (uintptr_t)timeout,
		.sigmask = (uintptr_t)sigmask,
		.sigsetsize = sigsetsize,
	};

	if (sizeof(*timeout) != sizeof(kts) && timeout) {
		kts.sec = timeout->tv_sec;
		kts.nsec = timeout->tv_nsec;
		wait.timeout = (uintptr_t)&kts;
	}
	return raw_ioctl(epfd, EPX_IOC_PWAIT, &wait);
}
