// SPDX-License-Identifier: MIT
/*
 * poll(2) and select(2): no kernel object, the whole list with each call. The
 * watches are kept as both want them; a change is an assignment.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "bench.h"

struct list_loop {
	struct loop loop;
	int count, fds_most;
	struct pollfd *list;
	uint64_t *data;
	bool *is_oneshot;
	int *place;		/* of a descriptor in the list */
	fd_set in, out;		/* select: what is asked for */
	int top;
};

static struct list_loop *list_of(struct loop *loop)
{
	return (struct list_loop *)loop;
}

static struct loop *list_open(int files)
{
	struct list_loop *list = calloc(1, sizeof(*list));

	must(!!list, "memory");
	/* A listener and the like beside the files that were announced. */
	files += 8;
	list->list = calloc(files, sizeof(*list->list));
	list->data = calloc(files, sizeof(*list->data));
	list->is_oneshot = calloc(files, sizeof(*list->is_oneshot));
	must(list->list && list->data && list->is_oneshot, "memory");
	return &list->loop;
}

static void list_close(struct loop *loop)
{
	struct list_loop *list = list_of(loop);

	free(list->list);
	free(list->data);
	free(list->is_oneshot);
	free(list->place);
	free(list);
}

static int *list_place(struct list_loop *list, int fd)
{
	if (fd >= list->fds_most) {
		int most = 2 * fd + 64;

		list->place = realloc(list->place, most * sizeof(int));
		must(!!list->place, "memory");
		memset(list->place + list->fds_most, -1,
		       (most - list->fds_most) * sizeof(int));
		list->fds_most = most;
	}
	return &list->place[fd];
}

static void list_put(struct list_loop *list, int i, const struct change *change)
{
	list->list[i].fd = change->fd;
	list->list[i].events = change->events & (EPOLLIN | EPOLLOUT);
	list->data[i] = change->data;
	list->is_oneshot[i] = change->events & EPOLLONESHOT;
}

static void list_remove(struct list_loop *list, int i)
{
	int last = --list->count;

	list->list[i] = list->list[last];
	list->data[i] = list->data[last];
	list->is_oneshot[i] = list->is_oneshot[last];
	*list_place(list, list->list[i].fd) = i;
}

static void list_change(struct loop *loop, const struct change *changes, int n)
{
	struct list_loop *list = list_of(loop);

	for (int i = 0; i < n; i++) {
		int *place = list_place(list, changes[i].fd);

		if (changes[i].op == EPOLL_CTL_ADD)
			*place = list->count++;
		if (changes[i].op == EPOLL_CTL_DEL) {
			int hole = *place;

			list_remove(list, hole);
			*list_place(list, changes[i].fd) = -1;
		} else {
			list_put(list, *place, &changes[i]);
		}
	}
}

static void list_found(struct list_loop *list, int i, int n, uint32_t events)
{
	list->loop.events[n].events = events;
	list->loop.events[n].data.u64 = list->data[i];
	if (list->is_oneshot[i])
		list->list[i].events = 0;
}

static int poll_wait(struct loop *loop, int ms)
{
	struct list_loop *list = list_of(loop);
	int left = poll(list->list, list->count, ms), n = 0;

	if (left < 0 && errno == EINTR)
		return -EINTR;
	must(left >= 0, "poll");
	for (int i = 0; left && n < MAX_EVENTS; i++) {
		if (!list->list[i].revents)
			continue;
		list_found(list, i, n++, list->list[i].revents);
		left--;
	}
	return n;
}

const struct side poll_side = {
	.name = "poll",
	.form = "poll(2); changes cost nothing, a wait looks at all files",
	.is_peer = true,
	.must_delete = true,
	.most_files = 10000,
	.open = list_open,
	.close = list_close,
	.change = list_change,
	.wait = poll_wait,
};

static void select_change(struct loop *loop, const struct change *changes,
			  int n)
{
	struct list_loop *list = list_of(loop);

	list_change(loop, changes, n);
	for (int i = 0; i < n; i++) {
		int fd = changes[i].fd;
		bool is_there = changes[i].op != EPOLL_CTL_DEL;

		must(fd < FD_SETSIZE, "select: a descriptor below FD_SETSIZE");
		FD_CLR(fd, &list->in);
		FD_CLR(fd, &list->out);
		if (is_there && changes[i].events & EPOLLIN)
			FD_SET(fd, &list->in);
		if (is_there && changes[i].events & EPOLLOUT)
			FD_SET(fd, &list->out);
		if (fd >= list->top)
			list->top = fd + 1;
	}
}

static int select_wait(struct loop *loop, int ms)
{
	struct list_loop *list = list_of(loop);
	struct timeval timeout = { ms / 1000, ms % 1000 * 1000 };
	fd_set in = list->in, out = list->out;
	int left = select(list->top, &in, &out, NULL, ms < 0 ? NULL : &timeout);
	int n = 0;

	if (left < 0 && errno == EINTR)
		return -EINTR;
	must(left >= 0, "select");
	for (int fd = 0; left > 0 && fd < list->top; fd++) {
		uint32_t events = (FD_ISSET(fd, &in) ? EPOLLIN : 0) |
				  (FD_ISSET(fd, &out) ? EPOLLOUT : 0);
		int i;

		if (!events)
			continue;
		left -= (events & EPOLLIN ? 1 : 0) + (events & EPOLLOUT ? 1 : 0);
		i = *list_place(list, fd);
		list_found(list, i, n++, events);
		if (list->is_oneshot[i]) {
			FD_CLR(fd, &list->in);
			FD_CLR(fd, &list->out);
		}
	}
	return n;
}

/* Of FD_SETSIZE some are taken, and a pipe needs two. */
const struct side select_side = {
	.name = "select",
	.form = "select(2); descriptors below 1024 only",
	.is_peer = true,
	.must_delete = true,
	.most_files = 256,
	.open = list_open,
	.close = list_close,
	.change = select_change,
	.wait = select_wait,
};
