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

#include <epollx.h>

#include "helpers.h"
#include "ringfile.h"
#include "sourcefile.h"
#include "testfiles.h"

static void need_root(void)
{
	if (geteuid())
		SKIP("needs root");
}

/* Runs @body as user @uid with the limit at @limit; returns what it says. */
static int as_user(int uid, long limit, int (*body)(int arg), int arg)
{
	long before = watch_limit();
	int status;
	pid_t pid;

	ASSERT_EQ(set_watch_limit(limit), 0);
	pid = fork();
	if (!pid) {
		if (setuid(uid))
			_exit(100);
		_exit(body(arg));
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(set_watch_limit(before), 0);
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
	before = watch_limit();
	EXPECT_GT(before, 1000);
	EXPECT_EQ(set_watch_limit(-1), -EINVAL);
	EXPECT_EQ(watch_limit(), before);
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

/* A source of each kind, and a file, where the limit is reached. */
static bool no_more(int ep)
{
	return add_user(ep, 91, 0, 0) == -ENOSPC &&
	       add_queue(ep, 92, 1, 0, 0) == -ENOSPC &&
	       set_timer(ep, EPOLL_CTL_ADD, 93, MS, 0) == -ENOSPC &&
	       set_timer(ep, EPX_CTL_PUT, 94, MS, 0) == -ENOSPC &&
	       add(ep, eventfd(0, 0)) == -ENOSPC && sources_of(ep) == 3;
}

static int three_sources(int ep)
{
	if (add_user(ep, 1, 0, 0) || add_queue(ep, 2, 4, 0, 0) ||
	    set_timer(ep, EPOLL_CTL_ADD, 3, 1000000 * MS, MS))
		return -1;
	return 0;
}

/* Each step as in limit_of_one(). */
static int limit_of_three_sources(int unused)
{
	int ep = ep_create1(0), other = ep_create1(0);

	(void)unused;
	if (three_sources(ep) || !no_more(ep))
		return 1;
	/* What is there can be changed. */
	if (add_user(ep, 1, 0, 0) != -EEXIST || mod_user(ep, 1, 0, 0) ||
	    set_timer(ep, EPX_CTL_PUT, 3, 1000000 * MS, 0) || !no_more(ep))
		return 2;
	for (uint32_t id = 1; id <= 3; id++)
		if (del_source(ep, id) || add(ep, eventfd(0, 0)) ||
		    add_user(ep, 91, 0, 0) != -ENOSPC)
			return 2 + id;
	/* By the close of one instance the other has as many. */
	if (three_sources(other) != -1)
		return 6;
	close(other);
	close(ep);
	ep = ep_create1(0);
	if (three_sources(ep) || !no_more(ep))
		return 7;
	/* Some expired and posted to, some not: no matter. */
	if (epx_post(ep, 1, 0) != 1 || set_timer(ep, EPOLL_CTL_MOD, 3, 1, 1))
		return 8;
	close(ep);
	ep = ep_create1(0);
	return three_sources(ep) || !no_more(ep) ? 9 : 0;
}

TEST_ON(EPX, sources_count_as_watches, "")
{
	need_root();
	EXPECT_EQ(as_user(54326, 3, limit_of_three_sources, 0), 0);
}

/* What the ring has no item for, or is too deep, is not charged. */
static int refused_sources(int unused)
{
	struct epx_consumer ring;
	int ep = ep_create1(0), n;

	(void)unused;
	if (epx_ring_map(ep, 2, &ring))
		return 1;
	for (n = 0; n < 1000 && add_user(ep, n, 0, 0) >= 0; n++)
		;
	if (add_user(ep, n, 0, 0) != -ENOSPC || n == 1000)
		return 2;
	/* Of the limit of 1000 just n are used up. */
	ep = ep_create1(0);
	for (int i = 0; i < 1000 - n; i++)
		if (add_user(ep, i, 0, 0))
			return 3;
	return add_user(ep, 1000, 0, 0) == -ENOSPC ? 0 : 4;
}

TEST_ON(EPX, a_refused_source_is_not_counted, "")
{
	need_root();
	EXPECT_EQ(as_user(54327, 1000, refused_sources, 0), 0);
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
	EXPECT_EQ(as_user(54324, watch_limit(), large_budget, ep), EPERM);
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
