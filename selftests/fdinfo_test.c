// SPDX-License-Identifier: MIT
/*
 * /proc/PID/fdinfo of an instance: a line for each watch, in epoll's format,
 * compared as a set.
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/kcmp.h>

#include "helpers.h"
#include "testfiles.h"

TEST(a_line_has_epolls_format, "85")
{
	int ep = ep_create1(0), fd = eventfd(0, 0);
	char expected[256], *text;
	struct stat st;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0xabcdef), 0);
	ASSERT_EQ(fstat(fd, &st), 0);
	text = read_fdinfo(ep);
	snprintf(expected, sizeof(expected),
		 "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%lx sdev:%x\n",
		 fd, EPOLLIN | EPOLLERR | EPOLLHUP, 0xabcdefLL, 0LL,
		 (unsigned long)st.st_ino, (unsigned int)st.st_dev);
	EXPECT_TRUE(strstr(text, expected));
	EXPECT_TRUE(!strncmp(text, "pos:\t0\nflags:\t02\nmnt_id:\t", 25));
	EXPECT_TRUE(strstr(text, "\nino:\t"));
}

TEST(disarmed_and_duplicate_watches_are_listed, "85")
{
	int ep = ep_create1(0), fd = eventfd(1, 0), twin = dup(fd);
	struct epoll_event ev[2];

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, 1), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, twin, EPOLLIN, 2), 0);
	EXPECT_EQ(watches_of(ep), 2);
	ASSERT_EQ(ep_wait(ep, ev, 2, 0), 2);
	EXPECT_TRUE(strstr(read_fdinfo(ep), "events: 40000000 "));
	/* The number is closed, the file is not. */
	close(twin);
	EXPECT_EQ(watches_of(ep), 2);
	close(fd);
	EXPECT_EQ(watches_of(ep), 0);
}

TEST(every_change_shows, "22 85")
{
	int ep = ep_create1(0), fd = eventfd(0, 0);

	EXPECT_EQ(watches_of(ep), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1), 0);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 2), -EEXIST);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, eventfd(0, 0),
			 EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 2), -EINVAL);
	EXPECT_EQ(watches_of(ep), 1);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd, EPOLLOUT, 0x77), 0);
	EXPECT_TRUE(strstr(read_fdinfo(ep), "events:       1c data:               77"));
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	EXPECT_EQ(watches_of(ep), 0);
}

TEST(kcmp_knows_only_native_watches, "86")
{
	int ep = ep_create1(0), fd = eventfd(0, 0);
	struct kcmp_epoll_slot slot = { .efd = ep, .tfd = fd };
	long ret;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1), 0);
	ret = syscall(SYS_kcmp, getpid(), getpid(), KCMP_EPOLL_TFD, fd, &slot);
	OBSERVE("kcmp", ret < 0 ? -errno : ret);
}
