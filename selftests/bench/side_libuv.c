// SPDX-License-Identifier: MIT
/*
 * libuv: a poll handle for each watch. It is level-triggered always, applies
 * changes when it next waits, and knows no one-shot: its users stop a handle
 * in the callback.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "bench.h"

struct libuv_watch {
	uv_poll_t handle;
	struct libuv_loop *loop;
	uint64_t data;
	uint32_t events;
};

struct libuv_loop {
	struct loop loop;
	uv_loop_t uv;
	struct by_fd watches;
	int found;
};

static struct libuv_loop *libuv_of(struct loop *loop)
{
	return (struct libuv_loop *)loop;
}

static struct loop *libuv_open(int files)
{
	struct libuv_loop *loop = calloc(1, sizeof(*loop));

	(void)files;
	must(loop && !uv_loop_init(&loop->uv), "libuv");
	return &loop->loop;
}

static void libuv_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void libuv_close(struct loop *loop)
{
	struct libuv_loop *mine = libuv_of(loop);

	for (int fd = 0; fd < mine->watches.most; fd++) {
		struct libuv_watch *watch = mine->watches.at[fd];

		if (watch)
			uv_close((uv_handle_t *)&watch->handle, libuv_closed);
	}
	uv_run(&mine->uv, UV_RUN_DEFAULT);
	must(!uv_loop_close(&mine->uv), "uv_loop_close");
	free(mine->watches.at);
	free(mine);
}

static void libuv_came(uv_poll_t *handle, int status, int what)
{
	struct libuv_watch *watch = handle->data;
	struct epoll_event *event =
		&watch->loop->loop.events[watch->loop->found++];

	event->events = status < 0 ? EPOLLERR :
			(what & UV_READABLE ? EPOLLIN : 0) |
			(what & UV_WRITABLE ? EPOLLOUT : 0);
	event->data.u64 = watch->data;
	if (watch->events & EPOLLONESHOT)
		uv_poll_stop(handle);
}

static struct libuv_watch *libuv_watch(struct libuv_loop *loop, int fd)
{
	struct libuv_watch *watch = by_fd_get(&loop->watches, fd,
					      sizeof(*watch));

	if (!watch->loop) {
		must(!uv_poll_init(&loop->uv, &watch->handle, fd),
		     "uv_poll_init");
		watch->loop = loop;
		watch->handle.data = watch;
	}
	return watch;
}

static void libuv_change(struct loop *loop, const struct change *changes, int n)
{
	for (int i = 0; i < n; i++) {
		const struct change *change = &changes[i];
		struct libuv_watch *watch = libuv_watch(libuv_of(loop),
							change->fd);
		int what = (change->events & EPOLLIN ? UV_READABLE : 0) |
			   (change->events & EPOLLOUT ? UV_WRITABLE : 0);

		if (change->op == EPOLL_CTL_DEL) {
			must(!uv_poll_stop(&watch->handle), "uv_poll_stop");
			continue;
		}
		watch->data = change->data;
		watch->events = change->events;
		must(!uv_poll_start(&watch->handle, what, libuv_came),
		     "uv_poll_start");
	}
}

static int libuv_wait(struct loop *loop, int ms)
{
	struct libuv_loop *mine = libuv_of(loop);

	must(ms <= 0, "a wait with a time");
	mine->found = 0;
	do {
		uv_run(&mine->uv, ms ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	} while (ms && !mine->found);
	return mine->found;
}

/* It goes on polling while it gets 1024 events, and level ones stay. */
const struct side libuv_side = {
	.name = "libuv",
	.form = "libuv 1.44, poll handles",
	.is_peer = true,
	.must_delete = true,
	.most_ready = 1020,
	.open = libuv_open,
	.close = libuv_close,
	.change = libuv_change,
	.wait = libuv_wait,
};
