// SPDX-License-Identifier: MIT
/*
 * The backend of the mapped ring: events without a system call, while there are
 * any.
 *
 * IN and OUT are hints here, which is all that the reactor wants: an operation
 * tries, and EAGAIN clears the bit. A ring has room for so many watches; one
 * more than that moves all of them to a new instance, twice as large.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/reactor.h"
#include "epollx.h"
#include "epollx_ring.h"

#define ITEMS_AT_FIRST	1024

struct ring_state {
	struct epx_consumer ring;
	struct epx_ring_event events[EPX_TURN_EVENTS];
};

static int ring_open(unsigned int items, struct epx_consumer *ring)
{
	int fd = epx_open(EPX_CLOEXEC), err;

	if (fd < 0)
		return fd;
	err = epx_ring_map(fd, items, ring);
	if (err)
		close(fd);
	return err;
}

static void ring_close(struct epx_consumer *ring)
{
	int fd = ring->epfd;

	epx_ring_unmap(ring);
	close(fd);
}

static int backend_open(struct epx_reactor *reactor,
			const struct epx_options *options)
{
	struct ring_state *state = malloc(sizeof(*state));
	unsigned int items = options && options->items ? options->items :
							 ITEMS_AT_FIRST;
	int err;

	if (!state)
		return -ENOMEM;
	err = ring_open(items, &state->ring);
	if (err) {
		free(state);
		return err;
	}
	reactor->state = state;
	return 0;
}

static void backend_close(struct epx_reactor *reactor)
{
	struct ring_state *state = reactor->state;

	/* A child of fork(2) has no map: there may be something else. */
	if (reactor->forks == epx_forks)
		ring_close(&state->ring);
	else
		close(state->ring.epfd);
	free(state);
}

static int backend_fd(struct epx_reactor *reactor)
{
	return ((struct ring_state *)reactor->state)->ring.epfd;
}

static int ring_add(struct epx_consumer *ring, int fd, uint32_t events,
		    uint64_t token)
{
	int item = epx_change(ring->epfd, EPOLL_CTL_ADD, fd, events, token);

	return item < 0 ? item : 0;
}

/*
 * Adds everything to a larger instance, which gets the old one's number. What
 * was in the old ring is reported by the adds, which publish facts. Another loop
 * that watches the number has to add it again, or asks for items enough at the
 * beginning.
 */
static int ring_move(struct epx_reactor *reactor)
{
	struct ring_state *state = reactor->state;
	struct epx_consumer ring;
	struct epx_io *io;
	uint64_t token;
	uint32_t slot;
	int err;

	err = ring_open(state->ring.nr_items * 2, &ring);
	if (err)
		return err;
	err = ring_add(&ring, reactor->wake_fd, EPOLLIN | EPOLLET,
		       EPX_TOKEN_WAKE);
	for (slot = 0; !err && slot < reactor->nr_slots; slot++) {
		io = reactor->slots[slot].io;
		if (!io || !io->registered)
			continue;
		token = (uint64_t)reactor->slots[slot].generation << 32 | slot;
		err = ring_add(&ring, io->fd, EPX_INTEREST, token);
		/* Closed by somebody else, as it was in the old one. */
		if (err == -EBADF || err == -EEXIST)
			err = 0;
	}
	/* The map is the new one's already; the number follows. */
	if (!err && dup3(ring.epfd, state->ring.epfd, O_CLOEXEC) < 0)
		err = -errno;
	if (err) {
		ring_close(&ring);
		return err;
	}
	close(ring.epfd);
	ring.epfd = state->ring.epfd;
	epx_ring_unmap(&state->ring);
	state->ring = ring;
	return 0;
}

static int backend_ctl(struct epx_reactor *reactor, int op, int fd,
		       uint32_t events, uint64_t token)
{
	struct ring_state *state = reactor->state;
	int err;

	if (op != EPOLL_CTL_ADD)
		return epx_change(state->ring.epfd, op, fd, events, token);
	err = ring_add(&state->ring, fd, events, token);
	if (err != -ENOSPC || state->ring.nr_items >= EPX_RING_ITEMS_MAX / 2)
		return err;
	err = ring_move(reactor);
	return err ? err : ring_add(&state->ring, fd, events, token);
}

static int64_t time_left(struct epx_reactor *reactor, int64_t deadline)
{
	int64_t left;

	if (deadline == EPX_NEVER)
		return -1;
	left = deadline - epx_clock(&reactor->park);
	return left > 0 ? left : 0;
}

static int backend_wait(struct epx_reactor *reactor, struct epoll_event *events,
			int max, int64_t deadline)
{
	struct ring_state *state = reactor->state;
	int64_t timeout = 0;
	int n, i;

	/*
	 * Who has something to do needs no clock. A slot may bring no event, of
	 * a watch that is gone: that is another turn, and no sleep.
	 */
	if (deadline && epx_ring_is_empty(&state->ring))
		timeout = time_left(reactor, deadline);
	n = epx_ring_wait(&state->ring, state->events, max, timeout);
	for (i = 0; i < n; i++) {
		events[i].events = state->events[i].events;
		events[i].data.u64 = state->events[i].data;
	}
	return n;
}

const struct epx_backend epx_backend_ring = {
	.name = "ring",
	.open = backend_open,
	.close = backend_close,
	.ctl = backend_ctl,
	.wait = backend_wait,
	.now = epx_clock,
	.fd = backend_fd,
};
