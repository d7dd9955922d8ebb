// SPDX-License-Identifier: MIT
/*
 * What stands for a source on native epoll: a file that nobody but the machine
 * knows of, in the same instance.
 *
 *  user event	an eventfd, EPOLLET. A post is a write; who has the event reads,
 *		which tells the count.
 *  timer	a timerfd of its clock, EPOLLET. Who has the event reads, which
 *		tells the expiries.
 *  queue	a pipe of packets (O_DIRECT), of as many pages as the queue is
 *		deep: a page holds one packet, so it is full when the queue is.
 *		Its mask is the queue's own; only a take reads.
 *
 * Edge-triggered, since a source that has been taken is on no ready list, and a
 * level-triggered file is, until somebody looks at it: its next event would have
 * the place of the last one.
 *
 * Each slot has files of all kinds, made before there is a child, so that every
 * process has them under the same numbers: epoll knows a watch by file and
 * number. The lifetime is the watch's alone, which ends with the instance.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

#include <epollx.h>

#include "helpers.h"
#include "world.h"

/* Their numbers: none that a program uses, on purpose or not. */
#define FIRST		256
#define PAGE		4096

enum file { EVENT, READER, WRITER, REALTIME, MONOTONIC, BOOTTIME, FILES };

/* For the check of a time that may be refused. */
static int scratch = -1;

static int number(int slot, enum file file)
{
	return FIRST + slot * FILES + file;
}

int standin_slot(int tfd)
{
	return tfd >= FIRST && tfd < number(SOURCES, 0) ? (tfd - FIRST) / FILES :
							  -1;
}

static void keep(int fd, int slot, enum file file)
{
	if (fd < 0 || dup2(fd, number(slot, file)) < 0)
		world_fail("a file for a source: %s", strerror(errno));
	close(fd);
}

static void init_slot(int slot)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
	};
	int p[2];

	keep(eventfd(0, EFD_NONBLOCK), slot, EVENT);
	if (pipe2(p, O_NONBLOCK | O_DIRECT))
		world_fail("a pipe for a queue: %s", strerror(errno));
	keep(p[0], slot, READER);
	keep(p[1], slot, WRITER);
	for (int i = 0; i < 3; i++)
		keep(timerfd_create(clocks[i], TFD_NONBLOCK), slot,
		     REALTIME + i);
}

void standins_init(void)
{
	if (side() != NATIVE)
		return;
	for (int slot = 0; slot < SOURCES; slot++)
		init_slot(slot);
	scratch = move_up(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
}

static enum file timer_of(long long clock)
{
	return clock == CLOCK_REALTIME ? REALTIME :
	       clock == CLOCK_BOOTTIME ? BOOTTIME : MONOTONIC;
}

/* The one that is watched. */
static int watched(int slot)
{
	const struct source *s = &half->model.source[slot];

	return number(slot, s->kind == EPX_SOURCE_USER ? EVENT :
			    s->kind == EPX_SOURCE_QUEUE ? READER :
			    timer_of(s->clock));
}

static uint32_t mask(const struct source *s)
{
	return s->kind == EPX_SOURCE_QUEUE ? s->events : s->events | EPOLLET;
}

bool standin_read(int slot, uint64_t *what)
{
	return read(watched(slot), what, sizeof(*what)) == sizeof(*what);
}

static struct timespec time_of(int64_t ns)
{
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

static long long set_timer(int fd, const struct op *op)
{
	int64_t first, period;
	bool is_absolute;
	struct itimerspec when;

	source_times(op, &first, &period, &is_absolute);
	when.it_value = time_of(first);
	when.it_interval = time_of(period);
	return result_of(timerfd_settime(fd, is_absolute ? TFD_TIMER_ABSTIME :
							   0, &when, NULL));
}

static void stop_timer(int fd)
{
	static const struct itimerspec off;

	timerfd_settime(fd, 0, &off, NULL);
}

static void clean(int slot)
{
	uint64_t what;

	while (standin_read(slot, &what))
		;
	if (half->model.source[slot].kind == EPX_SOURCE_TIMER)
		stop_timer(watched(slot));
}

void standins_reset(void)
{
	for (int slot = 0; slot < SOURCES && side() == NATIVE; slot++)
		if (half->model.source[slot].instance)
			clean(slot);
}

/* Clock and times are looked at before the instance is. */
static long long check_timer(const struct op *op)
{
	long long ret = result_of(timerfd_create(op->arg[7], 0));

	if (ret < 0)
		return ret;
	close(ret);
	ret = set_timer(scratch, op);
	stop_timer(scratch);
	return ret;
}

long long standin_change(const struct op *op, int slot, bool exists)
{
	struct source *s = &half->model.source[slot];
	bool is_timer = s->kind == EPX_SOURCE_TIMER;
	struct epoll_event event = { mask(s), { .u64 = s->data } };
	int how = op->arg[1];
	long long ret = 0;

	if (how != EPOLL_CTL_DEL && op->arg[3] == EPX_SOURCE_TIMER)
		ret = check_timer(op);
	if (ret < 0)
		return ret;
	if (how == EPX_CTL_PUT)
		how = exists ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	if (how == EPOLL_CTL_MOD && is_timer)
		stop_timer(watched(slot));
	if (how == EPOLL_CTL_ADD && s->kind == EPX_SOURCE_QUEUE)
		fcntl(number(slot, WRITER), F_SETPIPE_SZ, s->depth * PAGE);
	ret = ep_ctl_raw(op->arg[0], how, watched(slot), &event);
	if (ret < 0)
		return ret;
	if (how == EPOLL_CTL_DEL)
		clean(slot);
	else if (is_timer)
		ret = set_timer(watched(slot), op);
	return ret;
}

/* A write that fails would wake, too. */
static bool is_full(int slot)
{
	struct pollfd pfd = { number(slot, WRITER), POLLOUT, 0 };

	return poll(&pfd, 1, 0) != 1;
}

long long standin_post(int slot, uint64_t value, int count)
{
	uint64_t posts = count;
	int n;

	if (half->model.source[slot].kind == EPX_SOURCE_USER)
		return write(number(slot, EVENT), &posts, sizeof(posts)) < 0 ?
		       -errno : count;
	for (n = 0; n < count && !is_full(slot); n++, value++)
		if (write(number(slot, WRITER), &value, sizeof(value)) < 0)
			return -errno;
	return n ? n : -EAGAIN;
}

bool standin_is_pending(int slot)
{
	struct pollfd pfd = { watched(slot), POLLIN, 0 };

	return poll(&pfd, 1, 0) == 1;
}

/*
 * On epollx a queue leaves the ready list with its last value, and one that has
 * more is ready anew, by edge, too.
 */
void standin_taken(int ep, int slot)
{
	const struct source *s = &half->model.source[slot];
	struct epoll_event event = { mask(s), { .u64 = s->data } };
	bool has_more = standin_is_pending(slot);

	if (s->events & EPOLLONESHOT)
		return;
	if (has_more && s->events & EPOLLET)
		ep_ctl_raw(ep, EPOLL_CTL_MOD, watched(slot), &event);
	if (has_more || s->events & EPOLLET)
		return;
	ep_ctl_raw(ep, EPOLL_CTL_DEL, watched(slot), NULL);
	ep_ctl_raw(ep, EPOLL_CTL_ADD, watched(slot), &event);
}

static uint64_t from_fdinfo(int fd, const char *name, int base)
{
	char path[64], text[1024];
	const char *at;
	ssize_t length;
	int file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = open(path, O_RDONLY);
	length = read(file, text, sizeof(text) - 1);
	close(file);
	text[length < 0 ? 0 : length] = 0;
	at = strstr(text, name);
	if (!at)
		world_fail("%s has no %s", path, name);
	return strtoull(at + strlen(name), NULL, base);
}

/* What is pending, without taking it. */
uint64_t standin_holds(int slot)
{
	int bytes = 0;

	switch (half->model.source[slot].kind) {
	case EPX_SOURCE_USER:
		return from_fdinfo(watched(slot), "eventfd-count:", 16);
	case EPX_SOURCE_TIMER:
		return !!from_fdinfo(watched(slot), "ticks:", 10);
	default:
		ioctl(watched(slot), FIONREAD, &bytes);
		return bytes / sizeof(uint64_t);
	}
}
