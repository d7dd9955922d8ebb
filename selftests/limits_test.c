// SPDX-License-Identifier: MIT
/*
 * The per-user count of watches, its limit, and busy-poll parameters.
 *
 * The count is the kernel's own, shared between both sides; the limits are
 * two sysctls. Each test takes a user id that nobody else has.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <linux/epollx.h>

#include "helpers.h"

static const char *limit_path(void)
{
	return side() == NATIVE ? "/proc/sys/fs/epoll/max_user_watches" :
				  "/proc/sys/fs/epollx/max_user_watches";
}

static int set_limit(long limit)
{
	int fd = open(limit_path(), O_WRONLY), ret = 0;
	char text[32];

	ASSERT_GE(fd, 0);
	snprintf(text, sizeof(text), "%ld", limit);
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static long get_limit(void)
{
	FILE *file = fopen(limit_path(), "r");
	long limit;

	ASSERT_TRUE(file);
	ASSERT_EQ(fscanf(file, "%ld", &limit), 1);
	fclose(file);
	return limit;
}

static void need_root(void)
{
	if (geteuid())
		SKIP("needs root");
}

/* Runs @body as user @uid with the limit at @limit; returns what it says. */
static int as_user(int uid, long limit, int (*body)(int arg), int arg)
{
	long before = get_limit();
	int status;
	pid_t pid;

	ASSERT_EQ(set_limit(limit), 0);
	pid = fork();
	if (!pid) {
		if (setuid(uid))
			_exit(100);
		_exit(body(arg));
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(set_limit(before), 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int add(int ep, int fd)
{
	return ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0);
}

/* Returns the number of the first step that goes wrong, 0 if none does. */
static int limit_of_one(int unused)
{
	int ep = ep_create1(0), a = eventfd(0, 0), b = eventfd(0, 0);

	(void)unused;
	if (add(ep, a))
		return 1;
	if (add(ep, b) != -ENOSPC)
		return 2;
	if (add(ep, a) != -EEXIST)
		return 3;
	close(a);
	if (add(ep, b))
		return 4;
	close(ep);
	ep = ep_create1(0);
	if (add(ep, b))
		return 5;
	if (ep_ctl(ep, EPOLL_CTL_DEL, b, 0, 0))
		return 6;
	if (add(ep, b))
		return 7;
	return 0;
}

TEST(the_limit_is_the_users, "21 87")
{
	need_root();
	EXPECT_EQ(as_user(54321, 1, limit_of_one, 0), 0);
}

/* Two real user ids, one after the other, with root's rights all the while. */
static int two_users(int unused)
{
	int theirs, own;

	(void)unused;
	if (setresuid(54322, 0, 0))
		return 100;
	theirs = ep_create1(0);
	if (setresuid(54323, 0, 0))
		return 100;
	own = ep_create1(0);
	if (add(theirs, eventfd(0, 0)))
		return 1;
	if (add(own, eventfd(0, 0)))
		return 2;
	if (add(theirs, eventfd(0, 0)) != -ENOSPC)
		return 3;
	return add(own, eventfd(0, 0)) == -ENOSPC ? 0 : 4;
}

TEST(the_creator_is_charged, "87")
{
	need_root();
	EXPECT_EQ(as_user(0, 1, two_users, 0), 0);
}

TEST(the_limit_takes_no_negative_number, "87")
{
	long before;

	need_root();
	before = get_limit();
	EXPECT_GT(before, 1000);
	EXPECT_EQ(set_limit(-1), -EINVAL);
	EXPECT_EQ(get_limit(), before);
}

static int below_what_there_is(int unused)
{
	int ep = ep_create1(0), fd = eventfd(1, 0);
	struct epoll_event ev;

	(void)unused;
	/* The limit of 0 stops every add; nothing else. */
	if (add(ep, fd) != -ENOSPC)
		return 1;
	return ep_wait(ep, &ev, 1, 0);
}

TEST(a_limit_of_zero_stops_adds_only, "87")
{
	need_root();
	EXPECT_EQ(as_user(54325, 0, below_what_there_is, 0), 0);
}

static bool has_params(int ep)
{
	struct epoll_params params;

	return !ioctl(ep, EPIOCGPARAMS, &params);
}

static int set_params(int ep, uint32_t usecs, uint16_t budget, uint8_t prefer,
		      uint8_t pad)
{
	struct epoll_params params = { .busy_poll_usecs = usecs,
				       .busy_poll_budget = budget,
				       .prefer_busy_poll = prefer };

	((uint8_t *)&params)[7] = pad;
	return ioctl(ep, EPIOCSPARAMS, &params) ? -errno : 0;
}

/* Native epoll has them from 6.9 on, epollx always. */
TEST(busy_poll_is_there_before_native_epolls, "88 90")
{
	OBSERVE("has_params", has_params(ep_create1(0)));
}

TEST(busy_poll_parameters_are_checked, "88")
{
	struct epoll_params params;
	int ep = ep_create1(0);

	if (!has_params(ep))
		SKIP("native epoll of this kernel has no EPIOCGPARAMS");
	ASSERT_EQ(ioctl(ep, EPIOCGPARAMS, &params), 0);
	EXPECT_EQ(params.busy_poll_usecs, 0);
	EXPECT_EQ(params.busy_poll_budget, 0);
	EXPECT_EQ(params.prefer_busy_poll, 0);
	EXPECT_EQ(set_params(ep, 1, 8, 0, 1), -EINVAL);
	EXPECT_EQ(set_params(ep, 0x80000000u, 8, 0, 0), -EINVAL);
	EXPECT_EQ(set_params(ep, 1, 8, 2, 0), -EINVAL);
	EXPECT_EQ(ioctl(ep, EPIOCSPARAMS, 8) ? -errno : 0, -EFAULT);
	EXPECT_EQ(ioctl(ep, EPIOCGPARAMS, 8) ? -errno : 0, -EFAULT);
	ASSERT_EQ(set_params(ep, 20, 16, 1, 0), 0);
	ASSERT_EQ(ioctl(ep, EPIOCGPARAMS, &params), 0);
	EXPECT_EQ(params.busy_poll_usecs, 20);
	EXPECT_EQ(params.busy_poll_budget, 16);
	EXPECT_EQ(params.prefer_busy_poll, 1);
}

static int large_budget(int ep)
{
	return -set_params(ep, 1, 65, 0, 0);
}

TEST(a_large_budget_needs_net_admin, "88")
{
	int ep = ep_create1(0);

	need_root();
	if (!has_params(ep))
		SKIP("native epoll of this kernel has no EPIOCGPARAMS");
	EXPECT_EQ(set_params(ep, 1, 65, 0, 0), 0);
	EXPECT_EQ(as_user(54324, get_limit(), large_budget, ep), EPERM);
}

TEST(busy_polling_changes_no_answer, "89")
{
	int ep = ep_create1(0), fd = eventfd(0, 0);
	struct sleeper sleeper;
	struct epoll_event ev;
	long long start;

	if (!has_params(ep))
		SKIP("native epoll of this kernel has no EPIOCGPARAMS");
	ASSERT_EQ(set_params(ep, 100, 8, 0, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	start = now_ns();
	EXPECT_EQ(ep_wait(ep, &ev, 1, 2), 0);
	EXPECT_GE(now_ns() - start, 2000000);
	sleeper_start(&sleeper, ep, 1, -1);
	eventfd_write(fd, 1);
	EXPECT_EQ(sleeper_join(&sleeper), 1);
}
