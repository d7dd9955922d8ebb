// SPDX-License-Identifier: MIT
/*
 * epollx with changes in batches: EPX_IOC_CTLV where there is more than one,
 * EPX_IOC_ENTER for changes and the wait that follows them.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

#include <epollx.h>

#include "bench.h"

struct batch_loop {
	struct loop loop;
	int ep;
	struct epx_ctl_entry entries[MAX_EVENTS];
};

static struct batch_loop *batch_of(struct loop *loop)
{
	return (struct batch_loop *)loop;
}

static const char *batch_absent(void)
{
	static int status = 1;

	if (status > 0) {
		int ep = epx_open(0);

		status = ep < 0 ? ep : epx_ctlv(ep, NULL, 0);
		if (ep >= 0)
			close(ep);
	}
	return status ? "the module has no EPX_IOC_CTLV" : NULL;
}

static struct loop *batch_open(int files)
{
	struct batch_loop *loop = calloc(1, sizeof(*loop));

	(void)files;
	must(!!loop, "memory");
	loop->ep = epx_open(0);
	must(loop->ep >= 0, "a new instance");
	return &loop->loop;
}

static void batch_close(struct loop *loop)
{
	close(batch_of(loop)->ep);
	free(loop);
}

static void batch_fill(struct batch_loop *mine, const struct change *changes,
		       int n)
{
	for (int i = 0; i < n; i++)
		mine->entries[i] = (struct epx_ctl_entry){ .ctl = {
			.op = changes[i].op,
			.fd = changes[i].fd,
			.events = changes[i].events,
			.data = changes[i].data,
		} };
}

/* Each change has a result, which a program has to look at. */
static void batch_check(const struct batch_loop *mine, int n)
{
	for (int i = 0; i < n; i++)
		must(!mine->entries[i].result, "a change of a batch");
}

static void batch_change(struct loop *loop, const struct change *changes, int n)
{
	struct batch_loop *mine = batch_of(loop);

	if (n == 1) {
		must(!epx_change(mine->ep, changes->op, changes->fd,
				 changes->events, changes->data),
		     "epx_change");
		return;
	}
	while (n) {
		int some = n < MAX_EVENTS ? n : MAX_EVENTS;

		batch_fill(mine, changes, some);
		must(epx_ctlv(mine->ep, mine->entries, some) == some,
		     "epx_ctlv");
		batch_check(mine, some);
		changes += some;
		n -= some;
	}
}

static int batch_wait(struct loop *loop, int ms)
{
	return epx_wait(batch_of(loop)->ep, loop->events, MAX_EVENTS,
			ms < 0 ? -1 : ms * 1000000LL);
}

static int batch_change_wait(struct loop *loop, const struct change *changes,
			     int n, int ms)
{
	struct batch_loop *mine = batch_of(loop);
	struct epx_enter enter = {
		.changes = (uintptr_t)mine->entries,
		.count = n,
		.events = (uintptr_t)loop->events,
		.maxevents = MAX_EVENTS,
		.timeout = ms < 0 ? -1 : ms * 1000000LL,
	};
	int found;

	if (!n)
		return batch_wait(loop, ms);
	must(n <= MAX_EVENTS, "so many changes at a time");
	batch_fill(mine, changes, n);
	found = epx_enter(mine->ep, &enter);
	batch_check(mine, n);
	return found;
}

static void batch_idle(struct loop *loop, int times)
{
	while (times--)
		must(!batch_wait(loop, 0), "nothing is ready");
}

const struct side batch_side = {
	.name = "batch",
	.form = "epollx by EPX_IOC_CTLV and EPX_IOC_ENTER, otherwise as epollx",
	.absent = batch_absent,
	.open = batch_open,
	.close = batch_close,
	.change = batch_change,
	.wait = batch_wait,
	.change_wait = batch_change_wait,
	.idle = batch_idle,
};
