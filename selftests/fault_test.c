// SPDX-License-Identifier: MIT
/*
 * Memory that cannot be had: each call is made to fail at its first, second,
 * ... allocation (or copy from user memory), until it succeeds. What fails
 * leaves nothing behind: no descriptor, no watch, no charge, and the call
 * works when it is tried again.
 *
 * /proc/self/fail-nth exists on the debug kernels only (CONFIG_FAULT_INJECTION);
 * the stock kernels cannot be asked to fail.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <epollx.h>

#include "helpers.h"
#include "testfiles.h"

/* No call here allocates more often than this. */
#define MOST_FAULTS	200

static void set_debugfs(const char *path, const char *value)
{
	int ret = write_setting(path, value);

	/* Not every kind of fault is built in. */
	ASSERT_TRUE(!ret || ret == -ENOENT);
}

static void need_faults(void)
{
	if (access("/sys/kernel/debug/failslab", F_OK) ||
	    access("/proc/self/fail-nth", F_OK))
		SKIP("this kernel has no fault injection");
	/* Sleeping allocations too, which are all that these calls make. */
	set_debugfs("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	/* A fault is no news for the kernel's log, which must stay clean. */
	set_debugfs("/sys/kernel/debug/failslab/verbose", "0");
	set_debugfs("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	set_debugfs("/sys/kernel/debug/fail_usercopy/verbose", "0");
}

static int fail_fd(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth",
		 syscall(SYS_gettid));
	fd = open(path, O_RDWR);
	ASSERT_GE(fd, 0);
	return fd;
}

static void fail_nth(int fd, int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", n);

	/* A fault that is still waiting may hit this very copy; once. */
	if (pwrite(fd, text, length, 0) != length)
		ASSERT_EQ(pwrite(fd, text, length, 0), length);
}

/* Whether the fault that was asked for has not happened; takes it back. */
static bool no_fault_left(int fd)
{
	char text[16] = "";
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

	fail_nth(fd, 0);
	/* If the fault hit the copy of this answer, it was still there. */
	return length < 0 || atoi(text) != 0;
}

TEST(a_create_without_memory_leaks_nothing, "3")
{
	int control, before, n, failures = 0;

	need_faults();
	control = fail_fd();
	before = count_fds();
	for (n = 1; n < MOST_FAULTS; n++) {
		int ep;

		fail_nth(control, n);
		ep = ep_create1(0);
		if (no_fault_left(control)) {
			EXPECT_GE(ep, 0);
			close(ep);
			break;
		}
		if (ep < 0) {
			EXPECT_TRUE(ep == -ENOMEM || ep == -ENFILE ||
				    ep == -EFAULT);
			failures++;
		} else {
			close(ep);
		}
		EXPECT_EQ(count_fds(), before);
	}
	EXPECT_LT(n, MOST_FAULTS);
	/* The instance and its file, at the least. */
	EXPECT_GE(failures, 2);
}

/* Adds @fd with each allocation failing in turn. */
static void add_with_faults(int fd, uint32_t events, int least)
{
	int control = fail_fd(), ep = ep_create1(0), n, failures = 0;

	for (n = 1; n < MOST_FAULTS; n++) {
		int ret;

		fail_nth(control, n);
		ret = ep_ctl(ep, EPOLL_CTL_ADD, fd, events, 0);
		if (no_fault_left(control)) {
			EXPECT_EQ(ret, 0);
			break;
		}
		if (ret) {
			EXPECT_TRUE(ret == -ENOMEM || ret == -EFAULT);
			EXPECT_EQ(watches_of(ep), 0);
			failures += ret == -ENOMEM;
		} else {
			EXPECT_EQ(watches_of(ep), 1);
			EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
		}
	}
	EXPECT_LT(n, MOST_FAULTS);
	EXPECT_GE(failures, least);
	EXPECT_EQ(watches_of(ep), 1);
	close(ep);
	close(control);
}

TEST(an_add_without_memory_leaves_nothing_behind, "22")
{
	need_faults();
	add_with_faults(eventfd(0, 0), EPOLLIN, 1);
}

/* Two wait queues, so a hook of its own for the second. */
TEST(an_add_without_memory_for_its_second_hook, "22 32")
{
	char path[] = "/tmp/epx-fault-XXXXXX";
	int fd = mkstemp(path);

	need_faults();
	close(fd);
	unlink(path);
	ASSERT_EQ(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR);
	ASSERT_GE(fd, 0);
	unlink(path);
	add_with_faults(fd, EPOLLIN | EPOLLOUT, 2);
}

TEST(an_add_without_memory_for_its_wakeup_source, "22 44")
{
	need_faults();
	add_with_faults(eventfd(0, 0), EPOLLIN | EPOLLWAKEUP, 2);
}

TEST(a_nested_add_without_memory, "22 77")
{
	need_faults();
	add_with_faults(ep_create1(0), EPOLLIN, 1);
}

/* Each change of a batch fails, or does not, by itself. */
TEST_ON(EPX, a_batch_without_memory_tells_which_changes_were_made, "22")
{
	struct epx_ctl_entry entries[5] = {};
	int control, ep, n, made, failures = 0;

	need_faults();
	control = fail_fd();
	ep = ep_create1(0);
	for (int i = 0; i < 5; i++)
		entries[i].ctl.fd = eventfd(0, 0);
	for (n = 1; n < MOST_FAULTS; n++) {
		int ret;

		for (int i = 0; i < 5; i++) {
			entries[i].ctl.op = EPOLL_CTL_ADD;
			entries[i].ctl.events = EPOLLIN;
			entries[i].result = 1;
		}
		fail_nth(control, n);
		ret = epx_ctlv(ep, entries, 5);
		if (no_fault_left(control)) {
			EXPECT_EQ(ret, 5);
			break;
		}
		/* Its argument could not be copied: nothing was changed. */
		if (ret == -EFAULT) {
			EXPECT_EQ(watches_of(ep), 0);
			continue;
		}
		EXPECT_EQ(ret, 5);
		made = 0;
		for (int i = 0; i < 5; i++) {
			int result = entries[i].result;

			EXPECT_TRUE(!result || result == -ENOMEM);
			failures += result == -ENOMEM;
			made += !result;
		}
		EXPECT_EQ(watches_of(ep), made);
		for (int i = 0; i < 5; i++)
			entries[i].ctl.op = EPOLL_CTL_DEL;
		EXPECT_EQ(epx_ctlv(ep, entries, 5), 5);
		EXPECT_EQ(watches_of(ep), 0);
	}
	EXPECT_LT(n, MOST_FAULTS);
	/* Each of the five at least once. */
	EXPECT_GE(failures, 5);
	close(ep);
	close(control);
}

TEST(a_wait_needs_no_memory, "22 39")
{
	int control, ep, fd;
	struct epoll_event ev;

	need_faults();
	control = fail_fd();
	ep = ep_create1(0);
	fd = eventfd(1, 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 7), 0);
	fail_nth(control, 1);
	EXPECT_EQ(ep_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(ep_wait(ep, &ev, 1, 1), 1);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	EXPECT_TRUE(no_fault_left(control));
}
