// SPDX-License-Identifier: MIT
/*
 * The counters of rare windows in debugfs epollx/counters: each is driven to
 * the window and must say so. Those of busy polling are in busypoll_test.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "views.h"

#define WAIT_NS		10000000000LL

static int write_counters(const char *text)
{
	return write_setting(VIEWS "counters", text);
}

/* Counts until it is what it must be, by a worker's doing if need be. */
static bool becomes(const char *name, long value)
{
	long long deadline = now_ns() + WAIT_NS;

	while (counter(name) != value) {
		if (now_ns() > deadline)
			return false;
		sched_yield();
	}
	return true;
}

TEST_ON(EPX, counters_start_anew_on_request, "")
{
	int ep, fd = new_eventfd(0), names = 0, fields;
	char line[128], name[64];
	long value, live;
	FILE *file;

	need_views();
	ep = new_ep();
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	close(fd);
	EXPECT_GT(counter("fput_hits"), 0);
	EXPECT_EQ(write_counters("1"), -EINVAL);
	EXPECT_EQ(write_counters("x"), -EINVAL);
	EXPECT_GT(counter("fput_hits"), 0);
	/* The watch is buried before, so that it is not counted after. */
	while (watches_of(ep))
		sched_yield();
	close(ep);
	live = counter("instances");
	EXPECT_EQ(write_counters("0"), 0);
	file = open_view("counters");
	while (fgets(line, sizeof(line), file)) {
		fields = sscanf(line, "%63s %ld", name, &value);
		ASSERT_EQ(fields, 2);
		EXPECT_EQ(value, strcmp(name, "instances") ? 0 : live);
		names++;
	}
	fclose(file);
	EXPECT_GE(names, 10);
	close_owned();
}

/* A name each, and nothing that happens beside. */
TEST_ON(EPX, counters_count_what_happens, "")
{
	int outer = new_ep(), ep = new_ep(), idle = new_eventfd(0);
	int queued = new_eventfd(1), in_nest = new_eventfd(0);

	need_views();
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, idle, EPOLLIN, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, queued, EPOLLIN, 0), 0);
	ASSERT_EQ(write_counters("0"), 0);
	EXPECT_EQ(ep_wait(ep, NULL, 1, 0), -EFAULT);
	EXPECT_EQ(counter("copy_fault"), 1);
	close(idle);
	EXPECT_EQ(counter("fput_hits"), 1);
	EXPECT_EQ(counter("close_queued"), 0);
	EXPECT_TRUE(becomes("bury", 1));
	close(queued);
	EXPECT_EQ(counter("fput_hits"), 2);
	EXPECT_EQ(counter("close_queued"), 1);
	EXPECT_TRUE(becomes("bury", 2));
	/* A file that nobody watches is not counted. */
	close(new_eventfd(0));
	EXPECT_EQ(counter("fput_hits"), 2);

	ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, ep, EPOLLIN, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, outer, EPOLLIN, 0), -ELOOP);
	EXPECT_EQ(counter("loop_refused"), 1);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, in_nest, EPOLLIN, 0), 0);
	EXPECT_EQ(counter("nested_wake"), 0);
	ASSERT_EQ(eventfd_write(in_nest, 1), 0);
	EXPECT_EQ(counter("nested_wake"), 1);
	EXPECT_EQ(counter("paths_refused"), 0);
	close_owned();
}

/* 501 ways from one file to an outermost instance are one too many. */
TEST_ON(EPX, a_refused_path_is_counted, "79")
{
	int inner = new_ep(), fd = new_eventfd(0);

	need_views();
	ASSERT_EQ(ep_ctl(inner, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	for (int i = 0; i < 500; i++)
		ASSERT_EQ(ep_ctl(new_ep(), EPOLL_CTL_ADD, inner, EPOLLIN, 0), 0);
	ASSERT_EQ(write_counters("0"), 0);
	EXPECT_EQ(ep_ctl(new_ep(), EPOLL_CTL_ADD, inner, EPOLLIN, 0), -EINVAL);
	EXPECT_EQ(counter("paths_refused"), 1);
	close_owned();
}

/* Fixed at load: by the memory there is, or to 16 chains where tests want to meet. */
TEST_ON(EPX, the_file_table_tells_its_size, "71")
{
	FILE *file = open_view("file_table_bytes");
	unsigned long bytes = 0;

	need_views();
	ASSERT_EQ(fscanf(file, "%lu", &bytes), 1);
	fclose(file);
	EXPECT_GE(bytes, time_factor() > 1 ? 16 * sizeof(void *) : 4096);
	EXPECT_EQ(bytes % sizeof(void *), 0);
}
