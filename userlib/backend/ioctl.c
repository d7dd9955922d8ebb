// SPDX-License-Identifier: MIT
/*
 * The backend of the module's ioctls: exact, as epoll, with a point in time as
 * its wait's limit.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/reactor.h"
#include "epollx.h"

static int backend_fd(struct epx_reactor *reactor)
{
	return (intptr_t)reactor->state;
}

static int backend_open(struct epx_reactor *reactor,
			const struct epx_options *options)
{
	int fd = epx_open(EPX_CLOEXEC);

	(void)options;
	if (fd < 0)
		return fd;
	reactor->state = (void *)(intptr_t)fd;
	return 0;
}

static void backend_close(struct epx_reactor *reactor)
{
	close(backend_fd(reactor));
}

static int backend_ctl(struct epx_reactor *reactor, int op, int fd,
		       uint32_t events, uint64_t token)
{
	return epx_change(backend_fd(reactor), op, fd, events, token);
}

static int backend_wait(struct epx_reactor *reactor, struct epoll_event *events,
			int max, int64_t deadline)
{
	struct epx_wait wait = {
		.events = (uintptr_t)events,
		.maxevents = max,
	};
	int n;

	if (deadline == EPX_NEVER) {
		wait.timeout = -1;
	} else if (deadline) {
		wait.timeout = deadline;
		wait.flags = EPX_WAIT_ABSTIME;
	}
	n = ioctl(backend_fd(reactor), EPX_IOC_WAIT, &wait);
	return n < 0 ? -errno : n;
}

const struct epx_backend epx_backend_ioctl = {
	.name = "ioctl",
	.open = backend_open,
	.close = backend_close,
	.ctl = backend_ctl,
	.wait = backend_wait,
	.now = epx_clock,
	.fd = backend_fd,
};
