// SPDX-License-Identifier: MIT
/*
 * The calls of the module, one to one.
 *
 * No state: everything lives behind the file descriptor, so dup, fork, exec
 * and SCM_RIGHTS need no help from here. The system calls are made without
 * libc (syscall.h), which would set errno and act on a cancellation.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>

#include "epollx.h"
#include "syscall.h"

static int raw_ioctl(int fd, unsigned long cmd, const void *arg)
{
	return sys_call3(SYS_ioctl, fd, cmd, (long)arg);
}

int epx_create(const struct epx_create *how)
{
	unsigned int cloexec = how->flags & EPX_CLOEXEC;
	struct epx_create create = *how;
	int dev, ret;

	/* Until it has its number nobody may inherit it. */
	create.flags |= EPX_CLOEXEC;

	dev = sys_call3(SYS_open, (long)"/dev/epollx", O_RDWR | O_CLOEXEC, 0);
	if (dev < 0)
		return dev;
	ret = raw_ioctl(dev, EPX_IOC_CREATE, &create);
	/* The device took the lowest number: the instance gets it. */
	if (ret >= 0 && sys_call3(SYS_dup3, ret, dev, cloexec) == dev) {
		sys_call3(SYS_close, ret, 0, 0);
		return dev;
	}
	if (ret >= 0)
		sys_call3(SYS_fcntl, ret, F_SETFD, cloexec ? FD_CLOEXEC : 0);
	sys_call3(SYS_close, dev, 0, 0);
	return ret;
}

int epx_open(unsigned int flags)
{
	/* As epoll_create1(2), where one flag is known: others are refused. */
	struct epx_create create = {
		.flags = flags,
		.concurrency = flags & ~EPX_CLOEXEC ? UINT32_MAX : 0,
	};

	return epx_create(&create);
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

int epx_change_rotating(int epfd, int op, int fd, uint32_t events,
			uint64_t data)
{
	struct epx_ctl ctl = {
		.op = op,
		.fd = fd,
		.events = events,
		.flags = EPX_CTL_ROTATE,
		.data = data,
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

int epx_ctlv(int epfd, struct epx_ctl_entry *entries, unsigned int count)
{
	struct epx_ctlv ctlv = {
		.changes = (uintptr_t)entries,
		.count = count,
	};

	return raw_ioctl(epfd, EPX_IOC_CTLV, &ctlv);
}

int epx_enter(int epfd, const struct epx_enter *enter)
{
	return raw_ioctl(epfd, EPX_IOC_ENTER, enter);
}

int epx_yield(int epfd)
{
	return raw_ioctl(epfd, EPX_IOC_YIELD, NULL);
}

int epx_wait_payload(int epfd, struct epx_payload_event *events, int maxevents,
		     int64_t timeout)
{
	struct epx_wait wait;

	/* As in epx_wait(). */
	wait.events = (uintptr_t)events;
	wait.maxevents = maxevents;
	wait.flags = EPX_WAIT_PAYLOAD;
	wait.timeout = timeout;
	return raw_ioctl(epfd, EPX_IOC_WAIT, &wait);
}

int epx_source(int epfd, const struct epx_source_ctl *ctl)
{
	return raw_ioctl(epfd, EPX_IOC_SOURCE, ctl);
}

int epx_post(int epfd, uint32_t id, uint64_t value)
{
	struct epx_post post = { .id = id, .value = value };

	return raw_ioctl(epfd, EPX_IOC_POST, &post);
}

int epx_post_many(int epfd, uint32_t id, const uint64_t *values,
		  unsigned int count)
{
	struct epx_post post = {
		.id = id,
		.count = count,
		.value = (uintptr_t)values,
	};

	/* To the kernel that is one post, of the address. */
	if (!count)
		return -EINVAL;
	return raw_ioctl(epfd, EPX_IOC_POST, &post);
}

int epx_take(int epfd, uint32_t id, uint64_t *values, unsigned int count)
{
	struct epx_take take = {
		.id = id,
		.count = count,
		.values = (uintptr_t)values,
	};

	return raw_ioctl(epfd, EPX_IOC_TAKE, &take);
}
