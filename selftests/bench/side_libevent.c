// SPDX-License-Identifier: MIT
/*
 * libevent on its epoll backend: an event for each watch, which says in its
 * callback that it came.
 */
#define _GNU_SOURCE
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct libevent_watch {
	struct event event;
	struct libevent_loop *loop;
	uint64_t data;
};

struct libevent_loop {
	struct loop loop;
	struct event_base *base;
	struct by_fd watches;
	int found;
};

static struct libevent_loop *libevent_of(struct loop *loop)
{
	return (struct libevent_loop *)loop;
}

static struct loop *libevent_open(int files)
{
	struct libevent_loop *loop = calloc(1, sizeof(*loop));
	struct event_config *config = event_config_new();

	(void)files;
	must(loop && config, "libevent");
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_require_features(config, EV_FEATURE_ET);
	loop->base = event_base_new_with_config(config);
	must(loop->base && !strcmp(event_base_get_method(loop->base), "epoll"),
	     "libevent on epoll");
	event_config_free(config);
	return &loop->loop;
}

static void libevent_close(struct loop *loop)
{
	struct libevent_loop *mine = libevent_of(loop);

	for (int fd = 0; fd < mine->watches.most; fd++) {
		struct libevent_watch *watch = mine->watches.at[fd];

		if (!watch)
			continue;
		event_del(&watch->event);
		free(watch);
	}
	event_base_free(mine->base);
	free(mine->watches.at);
	free(mine);
}

static void libevent_came(evutil_socket_t fd, short what, void *arg)
{
	struct libevent_watch *watch = arg;
	struct epoll_event *event =
		&watch->loop->loop.events[watch->loop->found++];

	(void)fd;
	event->events = (what & EV_READ ? EPOLLIN : 0) |
			(what & EV_WRITE ? EPOLLOUT : 0);
	event->data.u64 = watch->data;
}

static struct libevent_watch *libevent_watch(struct libevent_loop *loop, int fd)
{
	struct libevent_watch *watch = by_fd_get(&loop->watches, fd,
						 sizeof(*watch));

	watch->loop = loop;
	return watch;
}

static void libevent_change(struct loop *loop, const struct change *changes,
			    int n)
{
	for (int i = 0; i < n; i++) {
		const struct change *change = &changes[i];
		struct libevent_watch *watch =
			libevent_watch(libevent_of(loop), change->fd);
		short what = (change->events & EPOLLIN ? EV_READ : 0) |
			     (change->events & EPOLLOUT ? EV_WRITE : 0) |
			     (change->events & EPOLLET ? EV_ET : 0) |
			     (change->events & EPOLLONESHOT ? 0 : EV_PERSIST);

		if (change->op != EPOLL_CTL_ADD)
			must(!event_del(&watch->event), "event_del");
		if (change->op == EPOLL_CTL_DEL)
			continue;
		watch->data = change->data;
		event_assign(&watch->event, watch->loop->base, change->fd,
			     what, libevent_came, watch);
		must(!event_add(&watch->event, NULL), "event_add");
	}
}

/* What was one-shot has been deleted by its coming. */
static void libevent_rearm(struct loop *loop, const struct change *changes,
			   int n)
{
	for (int i = 0; i < n; i++)
		must(!event_add(&libevent_watch(libevent_of(loop),
						changes[i].fd)->event, NULL),
		     "event_add");
}

static int libevent_wait(struct loop *loop, int ms)
{
	struct libevent_loop *mine = libevent_of(loop);

	must(ms <= 0, "a wait with a time");
	mine->found = 0;
	do {
		must(event_base_loop(mine->base, ms ? EVLOOP_ONCE : EVLOOP_ONCE |
				     EVLOOP_NONBLOCK) >= 0, "event_base_loop");
	} while (ms && !mine->found);
	return mine->found;
}

const struct side libevent_side = {
	.name = "libevent",
	.form = "libevent 2.1 on epoll, persistent events, no locks",
	.is_peer = true,
	.must_delete = true,
	.open = libevent_open,
	.close = libevent_close,
	.change = libevent_change,
	.wait = libevent_wait,
	.rearm = libevent_rearm,
};
