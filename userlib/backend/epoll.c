// SPDX-License-Identifier: MIT
/*
 * The backend that every Linux has: native epoll.
 *
 * epoll_pwait2(2) takes nanoseconds; where it is missing (before 5.11, under
 * valgrind, in a sandbox) epoll_wait(2) takes milliseconds, rounded up, since a
 * timer may be late and must not be early.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/reactor.h"

struct epoll_state {
	int epfd;
	bool has_pwait2;
};

static int backend_open(struct epx_reactor *reactor,
			const struct epx_options *options)
{
	struct epoll_state *state = malloc(sizeof(*state));

	(void)options;
	if (!state)
		return -ENOMEM;
	state->has_pwait2 = true;
	state->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (state->epfd < 0) {
		int err = -errno;

		free(state);
		return err;
	}
	reactor->state = state;
	return 0;
}

static void backend_close(struct epx_reactor *reactor)
{
	struct epoll_state *state = reactor->state;

	close(state->epfd);
	free(state);
}

static int backend_fd(struct epx_reactor *reactor)
{
	return ((struct epoll_state *)reactor->state)->epfd;
}

static int backend_ctl(struct epx_reactor *reactor, int op, int fd,
		       uint32_t events, uint64_t token)
{
	struct epoll_event event = { .events = events, .data.u64 = token };

	return epoll_ctl(backend_fd(reactor), op, fd, &event) ? -errno : 0;
}

static int wait_ms(int epfd, struct epoll_event *events, int max, int64_t ns)
{
	int64_t ms = ns / EPX_MSEC + !!(ns % EPX_MSEC);
	int n;

	n = epoll_wait(epfd, events, max,
		       ns == EPX_NEVER ? -1 : ms > INT_MAX ? INT_MAX : ms);
	return n < 0 ? -errno : n;
}

static int backend_wait(struct epx_reactor *reactor, struct epoll_event *events,
			int max, int64_t deadline)
{
	struct epoll_state *state = reactor->state;
	struct timespec ts;
	int64_t ns = deadline;
	int n;

	if (ns && ns != EPX_NEVER) {
		ns -= epx_clock(&reactor->park);
		if (ns < 0)
			ns = 0;
	}
	/* What needs no nanoseconds takes the older call, which needs no copy. */
	if (!state->has_pwait2 || !ns || ns == EPX_NEVER)
		return wait_ms(state->epfd, events, max, ns);
	/* A time_t may have 32 bits; who wakes early looks at the clock again. */
	ts.tv_sec = ns / EPX_SEC < INT_MAX ? ns / EPX_SEC : INT_MAX;
	ts.tv_nsec = ns % EPX_SEC;
	n = epoll_pwait2(state->epfd, events, max, &ts, NULL);
	/* Sandboxes forbid what they do not know. */
	if (n < 0 && (errno == ENOSYS || errno == EPERM)) {
		state->has_pwait2 = false;
		return wait_ms(state->epfd, events, max, ns);
	}
	return n < 0 ? -errno : n;
}

const struct epx_backend epx_backend_epoll = {
	.name = "epoll",
	.open = backend_open,
	.close = backend_close,
	.ctl = backend_ctl,
	.wait = backend_wait,
	.now = epx_clock,
	.fd = backend_fd,
};
