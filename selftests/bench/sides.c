// SPDX-License-Identifier: MIT
/*
 * Who is compared: the table, native epoll, and epollx by ioctls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <epollx.h>

#include "bench.h"

const struct side * const sides[] = {
	&native_side, &epollx_side, &ring_side, &batch_side, &poll_side,
	&select_side, &uring_side, &libevent_side, &libuv_side, NULL,
};

struct kernel_loop {
	struct loop loop;
	int ep;
};

static int ep_of(struct loop *loop)
{
	return ((struct kernel_loop *)loop)->ep;
}

static struct loop *kernel_open(int ep)
{
	struct kernel_loop *loop = malloc(sizeof(*loop));

	must(loop && ep >= 0, "a new instance");
	loop->ep = ep;
	return &loop->loop;
}

static void kernel_close(struct loop *loop)
{
	close(ep_of(loop));
	free(loop);
}

/* As libc does, without its look at cancellation. */
static int native_call(struct loop *loop, int max, int ms)
{
	return syscall(SYS_epoll_wait, ep_of(loop), loop->events, max, ms);
}

static struct loop *native_open(int files)
{
	(void)files;
	return kernel_open(epoll_create1(0));
}

static void native_change(struct loop *loop, const struct change *changes,
			  int n)
{
	for (int i = 0; i < n; i++) {
		struct epoll_event event = {
			.events = changes[i].events,
			.data.u64 = changes[i].data,
		};

		must(!syscall(SYS_epoll_ctl, ep_of(loop), changes[i].op,
			      changes[i].fd, &event), "epoll_ctl");
	}
}

static int native_wait(struct loop *loop, int ms)
{
	int n = native_call(loop, MAX_EVENTS, ms);

	return n < 0 ? -errno : n;
}

static void native_idle(struct loop *loop, int times)
{
	while (times--)
		must(!native_call(loop, MAX_EVENTS, 0), "nothing is ready");
}

const struct side native_side = {
	.name = "native",
	.form = "epoll, edge-triggered where the benchmark allows, 1024 events a wait",
	.open = native_open,
	.close = kernel_close,
	.change = native_change,
	.wait = native_wait,
	.idle = native_idle,
};

static const char *epollx_absent(void)
{
	return access("/dev/epollx", F_OK) ? "the module is not loaded" : NULL;
}

static struct loop *epollx_open(int files)
{
	(void)files;
	return kernel_open(epx_open(0));
}

static void epollx_change(struct loop *loop, const struct change *changes,
			  int n)
{
	for (int i = 0; i < n; i++)
		must(!epx_change(ep_of(loop), changes[i].op, changes[i].fd,
				 changes[i].events, changes[i].data),
		     "epx_change");
}

static int epollx_wait(struct loop *loop, int ms)
{
	return epx_wait(ep_of(loop), loop->events, MAX_EVENTS,
			ms < 0 ? -1 : ms * 1000000LL);
}

static void epollx_idle(struct loop *loop, int times)
{
	while (times--)
		must(!epx_wait(ep_of(loop), loop->events, MAX_EVENTS, 0),
		     "nothing is ready");
}

const struct side epollx_side = {
	.name = "epollx",
	.form = "epollx by EPX_IOC_CTL and EPX_IOC_WAIT, otherwise as native epoll",
	.absent = epollx_absent,
	.open = epollx_open,
	.close = kernel_close,
	.change = epollx_change,
	.wait = epollx_wait,
	.idle = epollx_idle,
};

bool side_is_wanted(const struct side *side)
{
	const char *at = options.sides;
	size_t length = strlen(side->name);

	if (options.is_short && side->is_peer)
		return false;
	/* Without native epoll there is nothing to compare with. */
	if (!at || side == &native_side)
		return true;
	while (at && strncmp(at, side->name, length)) {
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	return at && (!at[length] || at[length] == ',');
}

/* Can @side be measured with so many files, of which so many get ready? */
bool side_has(const struct side *side, int files, int ready)
{
	if (!side_is_wanted(side) || (side->absent && side->absent()))
		return false;
	return (!side->most_files || files <= side->most_files) &&
	       (!side->most_ready || ready <= side->most_ready);
}

/*
 * What io_uring has left to be done when its loop was closed interrupts a call
 * of this thread later, as a signal does.
 */
int side_sleep(const struct side *side, struct loop *loop)
{
	int n;

	do {
		n = side->wait(loop, -1);
	} while (n == -EINTR);
	must(n > 0, side->name);
	return n;
}

void side_change(const struct side *side, struct loop *loop, int op, int fd,
		 uint32_t events, uint64_t data)
{
	struct change change = { op, fd, events, data };

	side->change(loop, &change, 1);
}

void print_sides(void)
{
	for (const struct side * const *s = sides; *s; s++)
		if (side_is_wanted(*s))
			figure_side((*s)->name, (*s)->form,
				    (*s)->absent ? (*s)->absent() : NULL);
}
