// SPDX-License-Identifier: MIT
/*
 * A wait for many events beside a file that is never quiet: the look at those
 * that are ready takes longer than it takes to write again, so there is no
 * moment in which nothing has come since.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include <epollx.h>

#include "helpers.h"
#include "testfiles.h"

#define FILES		512
#define CALLS		21
#define TIMEOUT		4000000LL

struct busy_file {
	int fd;
	atomic_bool over;
};

static void *write_all_the_time(void *arg)
{
	struct busy_file *busy = arg;

	while (!atomic_load(&busy->over))
		eventfd_write(busy->fd, 1);
	return NULL;
}

static int longer(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

/* The median: where others have the CPU for a while, a call may take longer. */
TEST_ON(EPX, a_busy_file_does_not_stop_the_clock, "47")
{
	static struct epoll_event events[FILES];
	struct epx_enter enter = {
		.events = (uintptr_t)events, .maxevents = FILES,
		.min_events = FILES, .timeout = TIMEOUT,
	};
	struct busy_file busy = {};
	long long took[CALLS];
	pthread_t thread;
	int ep = new_ep();

	for (int i = 0; i < FILES; i++) {
		busy.fd = eventfd(i != 0, EFD_CLOEXEC);
		ASSERT_GE(busy.fd, 0);
		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, busy.fd, EPOLLIN, i), 0);
	}
	ASSERT_EQ(pthread_create(&thread, NULL, write_all_the_time, &busy), 0);
	for (int i = 0; i < CALLS; i++) {
		took[i] = -now_ns();
		EXPECT_EQ(epx_enter(ep, &enter), FILES - 1);
		took[i] += now_ns();
	}
	atomic_store(&busy.over, true);
	pthread_join(thread, NULL);
	qsort(took, CALLS, sizeof(took[0]), longer);
	EXPECT_GE(took[0], TIMEOUT);
	EXPECT_LT(took[CALLS / 2], 2 * TIMEOUT * time_factor());
}
