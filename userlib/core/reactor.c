// SPDX-License-Identifier: MIT
/*
 * The reactor.
 *
 * In its turn it takes what the kernel reports and makes of each event a bit in
 * a struct epx_io and a wake of the task that waits for it. Nothing of the
 * program runs in between, so no descriptor is closed while events are being
 * handed out, and all that is stale is stale in the kernel.
 *
 * Another thread wakes it by its eventfd, edge-triggered: each write is an
 * event, so nobody has to read it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "reactor.h"

#define SLOTS_AT_FIRST	64

uint32_t epx_forks;

static void count_fork(void)
{
	epx_forks++;
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, count_fork);
}

static uint64_t token_of(const struct epx_reactor *reactor, uint32_t slot)
{
	return (uint64_t)reactor->slots[slot].generation << 32 | slot;
}

/* What the program's operations may now try. */
static unsigned int directions(uint32_t events)
{
	unsigned int ways = 0;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ways |= EPX_IN;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		ways |= EPX_OUT;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ways |= EPX_IN_END;
	if (events & (EPOLLHUP | EPOLLERR))
		ways |= EPX_OUT_END;
	return ways;
}

static void reactor_dispatch(struct epx_reactor *reactor,
			     const struct epoll_event *event)
{
	uint32_t slot = event->data.u64;
	struct epx_io *io;
	unsigned int ways;

	if (event->data.u64 == EPX_TOKEN_WAKE) {
		reactor->unparks++;
		return;
	}
	reactor->events++;
	if (slot >= reactor->nr_slots || !reactor->slots[slot].io ||
	    token_of(reactor, slot) != event->data.u64) {
		reactor->stale++;
		return;
	}
	io = reactor->slots[slot].io;
	ways = directions(event->events);
	io->tick++;
	io->ready |= ways;
	if (ways & EPX_IN && io->reader)
		epx_task_wake(io->reader->task);
	if (ways & EPX_OUT && io->writer)
		epx_task_wake(io->writer->task);
}

static int reactor_turn(struct epx_park *park, int64_t deadline)
{
	struct epx_reactor *reactor = (struct epx_reactor *)park;
	int n, i;

	n = reactor->backend->wait(reactor, reactor->ready, EPX_TURN_EVENTS,
				   deadline);
	for (i = 0; i < n; i++)
		reactor_dispatch(reactor, &reactor->ready[i]);
	return n < 0 && n != -EINTR ? n : 0;
}

static void reactor_unpark(struct epx_park *park)
{
	struct epx_reactor *reactor = (struct epx_reactor *)park;
	int saved = errno;
	uint64_t one = 1;

	/* Fails only where it has been written 2^64 - 2 times: is readable. */
	if (write(reactor->wake_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

static int reactor_fd(struct epx_park *park)
{
	struct epx_reactor *reactor = (struct epx_reactor *)park;

	return reactor->backend->fd ? reactor->backend->fd(reactor) : -ENODEV;
}

static void reactor_count(struct epx_park *park, struct epx_metrics *metrics)
{
	struct epx_reactor *reactor = (struct epx_reactor *)park;

	metrics->backend = reactor->backend->name;
	metrics->watches = reactor->registered;
	metrics->events = reactor->events;
	metrics->stale = reactor->stale;
	metrics->unparks = reactor->unparks;
}

static void reactor_close(struct epx_park *park)
{
	struct epx_reactor *reactor = (struct epx_reactor *)park;
	struct epx_io *io;
	uint32_t slot;

	for (slot = 0; slot < reactor->nr_slots; slot++) {
		io = reactor->slots[slot].io;
		if (!io)
			continue;
		/* What outlives the executor is a plain descriptor. */
		epx_reactor_forget(reactor, io);
		io->reactor = NULL;
	}
	reactor->backend->close(reactor);
	free(reactor->slots);
}

static void reactor_free(struct epx_park *park)
{
	struct epx_reactor *reactor = (struct epx_reactor *)park;

	close(reactor->wake_fd);
	free(reactor);
}

static const struct epx_park_ops park_ops = {
	.turn = reactor_turn,
	.unpark = reactor_unpark,
	.fd = reactor_fd,
	.count = reactor_count,
	.close = reactor_close,
	.free = reactor_free,
};

int epx_reactor_new(struct epx_reactor **made,
		    const struct epx_backend *backend,
		    const struct epx_options *options)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct epx_reactor *reactor = calloc(1, sizeof(*reactor));
	int err;

	pthread_once(&once, watch_forks);
	if (!reactor)
		return -ENOMEM;
	reactor->park.ops = &park_ops;
	reactor->park.now = backend->now;
	reactor->backend = backend;
	reactor->forks = epx_forks;
	reactor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reactor->wake_fd < 0) {
		err = -errno;
		goto free_reactor;
	}
	err = backend->open(reactor, options);
	if (err)
		goto close_wake;
	err = backend->ctl(reactor, EPOLL_CTL_ADD, reactor->wake_fd,
			   EPOLLIN | EPOLLET, EPX_TOKEN_WAKE);
	if (err < 0)
		goto close_backend;
	*made = reactor;
	return 0;

close_backend:
	backend->close(reactor);
close_wake:
	close(reactor->wake_fd);
free_reactor:
	free(reactor);
	return err;
}

struct epx_reactor *epx_reactor_of(struct epx_exec *exec)
{
	return (struct epx_reactor *)exec->park;
}

static int grow(struct epx_reactor *reactor)
{
	uint32_t old = reactor->nr_slots;
	uint32_t nr = old ? old * 2 : SLOTS_AT_FIRST, slot;
	struct epx_slot *slots;

	slots = realloc(reactor->slots, nr * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (slot = old; slot < nr; slot++) {
		slots[slot].io = NULL;
		slots[slot].generation = 0;
		slots[slot].next_free = slot + 1;
	}
	reactor->slots = slots;
	reactor->nr_slots = nr;
	/* All were taken, so first_free is the first new one already. */
	return 0;
}

static void slot_free(struct epx_reactor *reactor, uint32_t slot)
{
	reactor->slots[slot].io = NULL;
	reactor->slots[slot].generation++;
	reactor->slots[slot].next_free = reactor->first_free;
	reactor->first_free = slot;
}

/*
 * At once, and not with the next wait, where an error would come when nobody
 * asks any more; what that would save stands in userlib/README.md.
 */
int epx_reactor_register(struct epx_reactor *reactor, struct epx_io *io)
{
	uint32_t slot;
	int err;

	if (reactor->first_free == reactor->nr_slots && grow(reactor))
		return -ENOMEM;
	slot = reactor->first_free;
	reactor->first_free = reactor->slots[slot].next_free;
	reactor->slots[slot].io = io;
	reactor->slots[slot].generation++;
	err = reactor->backend->ctl(reactor, EPOLL_CTL_ADD, io->fd, EPX_INTEREST,
				    token_of(reactor, slot));
	if (err < 0) {
		slot_free(reactor, slot);
		return err;
	}
	io->slot = slot;
	io->registered = true;
	reactor->registered++;
	return 0;
}

void epx_reactor_forget(struct epx_reactor *reactor, struct epx_io *io)
{
	if (!io->registered)
		return;
	/*
	 * A child of fork(2) shares the parent's instance, and leaves it alone.
	 * An error means that somebody else has closed the descriptor.
	 */
	if (reactor->forks == epx_forks)
		reactor->backend->ctl(reactor, EPOLL_CTL_DEL, io->fd, 0,
				      token_of(reactor, io->slot));
	slot_free(reactor, io->slot);
	io->registered = false;
	reactor->registered--;
}
