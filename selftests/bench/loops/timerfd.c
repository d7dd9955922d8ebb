// SPDX-License-Identifier: MIT
/*
 * No loop, but what one would do that leaves its timers to the kernel: a timerfd
 * for each, in an epoll instance.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "driver.h"

#define EVENTS	1024

static void timerfd_arm(int fd, int64_t ns)
{
	struct itimerspec time = {
		.it_value = { ns / 1000000000, ns % 1000000000 },
	};

	must(!timerfd_settime(fd, 0, &time, NULL), "timerfd_settime");
}

static void timerfd_expire(int ep, int n)
{
	static struct epoll_event events[EVENTS];
	uint64_t times;

	while (n) {
		int got = epoll_wait(ep, events, EVENTS, -1);

		for (int i = 0; i < got; i++)
			must(read(events[i].data.fd, &times, 8) == 8, "read");
		n -= got;
	}
}

static void run_timers(int n)
{
	struct rlimit limit;
	long long took;
	int ep, *fds;

	/* More than there may be descriptors: no figure. */
	if (getrlimit(RLIMIT_NOFILE, &limit) || (rlim_t)n >= limit.rlim_cur / 2)
		return;
	ep = epoll_create1(0);
	fds = must_alloc(n, sizeof(*fds));
	for (int i = 0; i < n; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLET };

		fds[i] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
		event.data.fd = fds[i];
		must(!epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event), "a timerfd");
	}
	clock_start();
	for (int i = 0; i < n; i++)
		timerfd_arm(fds[i], 10 * LATEST_NS + timer_ns(i));
	took = clock_stop("timers_arm", n);
	clock_start();
	for (int i = 0; i < n; i++)
		timerfd_arm(fds[i], 0);
	took += clock_stop("timers_cancel", n);
	for (int i = 0; i < n; i++)
		timerfd_arm(fds[i], timer_ns(i));
	wait_until_due();
	clock_start();
	timerfd_expire(ep, n);
	took += clock_stop("timers_expire", n);
	report("timers", took, n);
	for (int i = 0; i < n; i++)
		close(fds[i]);
	close(ep);
	free(fds);
}

const struct task tasks[] = { { "timers", run_timers }, { } };
