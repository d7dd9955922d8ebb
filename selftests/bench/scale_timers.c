// SPDX-License-Identifier: MIT
/*
 * scale: timers that run, all in one instance, against a timerfd each that an
 * epoll watches. Of each size: the time to make one, its memory, and its end.
 *
 * The memory is that of the slab caches that have grown by it. The table of
 * descriptors, 8 bytes for each of native's, is not in them.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "own.h"

#define TIMERS_MOST	1000000
/* No two at a time, and none while it is measured. */
#define FAR(i)		(1000000000000LL + (i) * 1000LL)

static const char * const timer_caches[] = {
	"filp", "dentry", "kmalloc-256", "kmalloc-cg-256", "eventpoll_epi",
	"eventpoll_pwq", "ep_head", "epx_timer", "radix_tree_node", NULL,
};

static void make_native(int *fds, int count)
{
	struct epoll_event event = { .events = EPOLLIN };

	own_ep = epoll_create1(0);
	for (int i = 0; i < count; i++) {
		fds[i] = timerfd_create(CLOCK_MONOTONIC, 0);
		must(fds[i] >= 0, "timerfd_create");
		own_set_timerfd(fds[i], FAR(i));
		must(!epoll_ctl(own_ep, EPOLL_CTL_ADD, fds[i], &event),
		     "epoll_ctl");
	}
}

static void end_native(int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
	close(own_ep);
}

static void make_epollx(int *fds, int count)
{
	(void)fds;
	own_open_epollx();
	for (int i = 0; i < count; i++)
		own_set_timer(EPOLL_CTL_ADD, i, FAR(i));
}

static void end_epollx(int *fds, int count)
{
	(void)fds;
	(void)count;
	close(own_ep);
}

static const struct ways {
	const char *side;
	void (*make)(int *fds, int count);
	void (*end)(int *fds, int count);
} ways[] = {
	{ "native", make_native, end_native },
	{ "epollx", make_epollx, end_epollx },
};

static void scale_timers_to(const struct ways *way, int *fds, int count)
{
	long long before = slab_bytes_at_rest(timer_caches);
	long long start = clock_ns();

	way->make(fds, count);
	figure("scale", "timer_build", count, way->side,
	       (double)(clock_ns() - start) / count, scale_unit());
	figure("scale", "timer_memory", count, way->side,
	       (double)(slab_bytes(timer_caches) - before) / count, "bytes");
	start = clock_ns();
	way->end(fds, count);
	figure("scale", "timer_teardown", count, way->side,
	       (double)(clock_ns() - start) / count, scale_unit());
}

void measure_timer_scale(int *fds)
{
	for (int i = 0; i < 2; i++)
		for (int count = 10; count <= options.count &&
		     count <= TIMERS_MOST; count *= 10)
			scale_timers_to(&ways[i], fds, count);
}
