// SPDX-License-Identifier: MIT
/*
 * epollx's mapped ring: events are taken from shared memory, one-shot watches
 * are armed there, and what nobody asks the kernel for costs no system call.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <epollx.h>
#include <epollx_ring.h>

#include "bench.h"

/* The item of a descriptor. */
struct ring_item {
	uint32_t number, generation;
};

struct ring_loop {
	struct loop loop;
	struct epx_consumer ring;
	int ep, items_most, turns;
	bool has_level;
	struct ring_item *items;
};

static struct ring_loop *ring_of(struct loop *loop)
{
	return (struct ring_loop *)loop;
}

static const char *ring_absent(void)
{
	static int status = 1;
	struct epx_consumer ring;

	if (status > 0) {
		int ep = epx_open(0);

		status = ep < 0 ? ep : epx_ring_map(ep, 1, &ring);
		if (!status)
			epx_ring_unmap(&ring);
		if (ep >= 0)
			close(ep);
	}
	return status ? "the module has no EPX_IOC_RING" : NULL;
}

static struct loop *ring_open(int files)
{
	struct ring_loop *loop = calloc(1, sizeof(*loop));

	must(!!loop, "memory");
	loop->ep = epx_open(0);
	/* A listener and the like beside the files that were announced. */
	must(loop->ep >= 0 && !epx_ring_map(loop->ep, files + 8, &loop->ring),
	     "a ring");
	return &loop->loop;
}

static void ring_close(struct loop *loop)
{
	struct ring_loop *mine = ring_of(loop);

	epx_ring_unmap(&mine->ring);
	close(mine->ep);
	free(mine->items);
	free(mine);
}

static struct ring_item *ring_item(struct ring_loop *loop, int fd)
{
	if (fd >= loop->items_most) {
		loop->items_most = 2 * fd + 64;
		loop->items = realloc(loop->items, loop->items_most *
						   sizeof(*loop->items));
		must(!!loop->items, "memory");
	}
	return &loop->items[fd];
}

static void ring_change(struct loop *loop, const struct change *changes, int n)
{
	struct ring_loop *mine = ring_of(loop);

	for (int i = 0; i < n; i++) {
		const struct change *change = &changes[i];
		int number = epx_change(mine->ep, change->op, change->fd,
					change->events, change->data);

		must(number >= 0, "epx_change");
		if (change->op != EPOLL_CTL_ADD)
			continue;
		if (!(change->events & (EPOLLET | EPOLLONESHOT)))
			mine->has_level = true;
		*ring_item(mine, change->fd) = (struct ring_item){ number,
			epx_ring_generation(&mine->ring, number) };
	}
}

static int ring_take(struct ring_loop *mine)
{
	struct epoll_event *events = mine->loop.events;
	struct epx_ring_event event;
	int n = 0;

	while (n < MAX_EVENTS && epx_ring_next(&mine->ring, &event)) {
		events[n].events = event.events;
		events[n++].data.u64 = event.data;
	}
	return n;
}

/* The kernel is asked where the library says that it has to be. */
static bool ring_must_ask(struct ring_loop *mine)
{
	return mine->ring.recheck ||
	       (mine->has_level && ++mine->turns >= EPX_RING_TURNS);
}

static int ring_wait(struct loop *loop, int ms)
{
	struct ring_loop *mine = ring_of(loop);
	int n;

	if (ring_must_ask(mine)) {
		mine->turns = 0;
		must(epx_ring_sleep(&mine->ring, 0) >= 0, "epx_ring_sleep");
	}
	n = ring_take(mine);
	/* An empty ring says nothing of level-triggered files. */
	while (!n && (ms || mine->has_level || mine->ring.recheck)) {
		mine->turns = 0;
		must(epx_ring_sleep(&mine->ring, ms < 0 ? -1 :
				    ms * 1000000LL) >= 0, "epx_ring_sleep");
		n = ring_take(mine);
		if (ms >= 0)
			break;
	}
	return n;
}

static void ring_rearm(struct loop *loop, const struct change *changes, int n)
{
	struct ring_loop *mine = ring_of(loop);

	for (int i = 0; i < n; i++) {
		const struct ring_item *item = &mine->items[changes[i].fd];

		must(!epx_ring_arm(&mine->ring, item->number,
				   item->generation), "nothing was latched");
	}
}

/* A watch that is to be toggled has been added with the bit. */
static void ring_toggle(struct loop *loop, const struct change *changes, int n)
{
	struct ring_loop *mine = ring_of(loop);

	for (int i = 0; i < n; i++)
		if (changes[i].events & (EPOLLIN | EPOLLOUT))
			ring_rearm(loop, &changes[i], 1);
		else
			epx_ring_disarm(&mine->ring,
					mine->items[changes[i].fd].number);
}

static void ring_idle(struct loop *loop, int times)
{
	struct ring_loop *mine = ring_of(loop);

	while (times--)
		must(epx_ring_is_empty(&mine->ring) && !mine->ring.recheck,
		     "nothing is ready");
}

static double ring_bytes(struct loop *loop, int watches)
{
	return (double)ring_of(loop)->ring.map_size / watches;
}

const struct side ring_side = {
	.name = "ring",
	.form = "epollx by the mapped ring, otherwise as epollx",
	.absent = ring_absent,
	.open = ring_open,
	.close = ring_close,
	.change = ring_change,
	.wait = ring_wait,
	.rearm = ring_rearm,
	.toggle = ring_toggle,
	.idle = ring_idle,
	.extra_bytes = ring_bytes,
};
