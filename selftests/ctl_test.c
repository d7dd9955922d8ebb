// SPDX-License-Identifier: MIT
/*
 * epoll_ctl(2): which error comes first. The whole product of bad arguments
 * is observed on both sides, so the order of every pair of errors is compared;
 * the claims below it say in words what the order is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "helpers.h"

#define ADD	EPOLL_CTL_ADD
#define MOD	EPOLL_CTL_MOD
#define DEL	EPOLL_CTL_DEL

#define BAD_FD		987
#define BAD_EVENT	((struct epoll_event *)8)

static int add(int ep, int fd, uint32_t events)
{
	return ep_ctl(ep, ADD, fd, events, 0);
}

static int regular_file(void)
{
	return memfd_create("regular", 0);
}

/* The descriptors of one product; the same numbers on both sides. */
struct cast {
	int ep, self_dup, other_ep, registered, fresh, regular, path;
};

static struct cast make_cast(void)
{
	struct cast c = { .ep = ep_create1(0) };

	c.self_dup = dup(c.ep);
	c.other_ep = ep_create1(0);
	c.registered = eventfd(0, 0);
	c.fresh = eventfd(0, 0);
	c.regular = regular_file();
	c.path = open("/", O_PATH);
	ASSERT_EQ(add(c.ep, c.registered, EPOLLIN), 0);
	return c;
}

/* Back to where it was, whatever the call has done. */
static void reset_cast(struct cast *c)
{
	ep_ctl(c->ep, DEL, c->fresh, 0, 0);
	ep_ctl(c->ep, DEL, c->other_ep, 0, 0);
	ep_ctl(c->ep, DEL, c->registered, 0, 0);
	ASSERT_EQ(add(c->ep, c->registered, EPOLLIN), 0);
}

static const int product_ops[] = { ADD, DEL, MOD, 0, 99, -1 };

static void observe_target(struct cast *c, int ep, const char *epname, int fd,
			   const char *fdname)
{
	struct epoll_event plain = { .events = EPOLLIN };
	struct epoll_event exclusive = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	struct epoll_event mixed = {
		.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT,
	};
	struct epoll_event *events[] = { BAD_EVENT, &plain, &exclusive,
					 &mixed };
	char what[64];

	/* One number for all: base 256, errnos in order. Eight at a time. */
	for (size_t o = 0; o < sizeof(product_ops) / sizeof(int); o++) {
		unsigned long long word = 0;

		for (size_t e = 0; e < 4; e++) {
			int ret = ep_ctl_raw(ep, product_ops[o], fd,
					     events[e]);

			word = word << 8 | (ret < 0 ? -ret : ret);
			reset_cast(c);
		}
		snprintf(what, sizeof(what), "%s.%s.op%d", epname, fdname,
			 product_ops[o]);
		OBSERVE(what, word);
	}
}

static void observe_instance(struct cast *c, int ep, const char *name)
{
	observe_target(c, ep, name, BAD_FD, "badfd");
	observe_target(c, ep, name, c->regular, "regular");
	observe_target(c, ep, name, c->ep, "self");
	observe_target(c, ep, name, c->self_dup, "selfdup");
	observe_target(c, ep, name, c->other_ep, "epoll");
	observe_target(c, ep, name, c->fresh, "fresh");
	observe_target(c, ep, name, c->registered, "registered");
	observe_target(c, ep, name, c->path, "path");
}

TEST(errors_come_in_epolls_order, "15")
{
	struct cast c = make_cast();

	observe_instance(&c, c.ep, "ok");
}

/*
 * ioctl(2) looks its descriptor up before anything else, and a file that is
 * no instance does not know the command.
 */
TEST(a_bad_instance_is_found_first, "15 17")
{
	struct cast c = make_cast();
	int p[2];

	ASSERT_EQ(pipe(p), 0);
	OBSERVE("badep_badevent", ep_ctl_raw(BAD_FD, ADD, c.fresh, BAD_EVENT));
	EXPECT_EQ(ep_ctl(BAD_FD, ADD, c.fresh, EPOLLIN, 0), -EBADF);
	EXPECT_EQ(ep_ctl(-1, ADD, c.fresh, EPOLLIN, 0), -EBADF);
	EXPECT_EQ(ep_ctl(c.path, ADD, c.fresh, EPOLLIN, 0), -EBADF);
	OBSERVE("pipe_badfd", ep_ctl(p[0], ADD, BAD_FD, EPOLLIN, 0));
	OBSERVE("pipe_regular", ep_ctl(p[0], ADD, c.regular, EPOLLIN, 0));
	OBSERVE("pipe_fresh", ep_ctl(p[0], ADD, c.fresh, EPOLLIN, 0));
	OBSERVE("regular_fresh", ep_ctl(c.regular, ADD, c.fresh, EPOLLIN, 0));
}

TEST(delete_does_not_read_the_event, "16")
{
	int ep = ep_create1(0), fd = eventfd(0, 0);

	ASSERT_EQ(add(ep, fd, EPOLLIN), 0);
	EXPECT_EQ(ep_ctl_raw(ep, DEL, fd, BAD_EVENT), 0);
	EXPECT_EQ(ep_ctl_raw(ep, DEL, fd, NULL), -ENOENT);
	EXPECT_EQ(ep_ctl_raw(ep, 99, fd, NULL), -EFAULT);
	EXPECT_EQ(ep_ctl(ep, 99, fd, EPOLLIN, 0), -EINVAL);
}

TEST(what_cannot_be_polled_is_eperm, "17")
{
	static const char * const paths[] = {
		"/", "/dev/zero", "/proc/self/maps", "/proc/self/stat",
	};
	int ep = ep_create1(0);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd = open(paths[i], O_RDONLY);

		ASSERT_GE(fd, 0);
		EXPECT_EQ(add(ep, fd, EPOLLIN), -EPERM);
		EXPECT_EQ(ep_ctl(ep, DEL, fd, 0, 0), -EPERM);
		EXPECT_EQ(ep_ctl(ep, MOD, fd, EPOLLIN, 0), -EPERM);
	}
	EXPECT_EQ(add(ep, regular_file(), EPOLLIN), -EPERM);
	EXPECT_EQ(add(ep, open("/", O_PATH), EPOLLIN), -EBADF);
#ifdef SYS_open_tree
	EXPECT_EQ(add(ep, syscall(SYS_open_tree, AT_FDCWD, "/", 0), EPOLLIN),
		  -EBADF);
#endif
}

TEST(watching_oneself_is_einval, "18")
{
	int ep = ep_create1(0), twin = dup(ep);
	static const int ops[] = { ADD, MOD, DEL, 99 };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		EXPECT_EQ(ep_ctl(ep, ops[i], ep, EPOLLIN, 0), -EINVAL);
		EXPECT_EQ(ep_ctl(ep, ops[i], twin, EPOLLIN, 0), -EINVAL);
		EXPECT_EQ(ep_ctl(twin, ops[i], ep, EPOLLIN, 0), -EINVAL);
	}
}

TEST(exclusive_rules_come_before_the_lookup, "19")
{
	int ep = ep_create1(0), fd = eventfd(0, 0), other = eventfd(0, 0);

	ASSERT_EQ(add(ep, fd, EPOLLIN), 0);
	EXPECT_EQ(add(ep, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT),
		  -EINVAL);
	EXPECT_EQ(add(ep, fd, EPOLLIN | EPOLLEXCLUSIVE), -EEXIST);
	EXPECT_EQ(ep_ctl(ep, MOD, other, EPOLLIN | EPOLLEXCLUSIVE, 0),
		  -EINVAL);
	EXPECT_EQ(ep_ctl(ep, MOD, other, EPOLLIN, 0), -ENOENT);
	ASSERT_EQ(add(ep, other, EPOLLIN | EPOLLEXCLUSIVE), 0);
	EXPECT_EQ(ep_ctl(ep, MOD, other, EPOLLIN, 0), -EINVAL);
}

TEST(a_loop_is_found_before_the_lookup, "20")
{
	int outer = ep_create1(0), inner = ep_create1(0);

	ASSERT_EQ(add(outer, inner, EPOLLIN), 0);
	EXPECT_EQ(add(outer, inner, EPOLLIN), -EEXIST);
	EXPECT_EQ(add(inner, outer, EPOLLIN), -ELOOP);
	EXPECT_EQ(ep_ctl(inner, MOD, outer, EPOLLIN, 0), -ENOENT);
}

TEST(the_same_file_under_two_numbers_is_two_watches, "23")
{
	int ep = ep_create1(0), fd = eventfd(1, 0), twin = dup(fd);
	struct epoll_event ev[4];

	ASSERT_EQ(ep_ctl(ep, ADD, fd, EPOLLIN, 1), 0);
	ASSERT_EQ(ep_ctl(ep, ADD, twin, EPOLLIN, 2), 0);
	ASSERT_EQ(ep_wait(ep, ev, 4, 0), 2);
	EXPECT_EQ(ev[0].data.u64, 1);
	EXPECT_EQ(ev[1].data.u64, 2);
	EXPECT_EQ(ep_ctl(ep, DEL, twin, 0, 0), 0);
	EXPECT_EQ(ep_ctl(ep, DEL, twin, 0, 0), -ENOENT);
	close(twin);
	EXPECT_EQ(ep_ctl(ep, DEL, twin, 0, 0), -EBADF);
	EXPECT_EQ(ep_wait(ep, ev, 4, 0), 1);
}

static void *change_for_ever(void *arg)
{
	int *fds = arg;

	while (!__atomic_load_n(&fds[2], __ATOMIC_RELAXED)) {
		EXPECT_EQ(add(fds[0], fds[1], EPOLLIN), 0);
		EXPECT_EQ(ep_ctl(fds[0], MOD, fds[1], EPOLLIN, 0), 0);
		EXPECT_EQ(ep_ctl(fds[0], DEL, fds[1], 0, 0), 0);
	}
	return NULL;
}

TEST(changes_beside_a_wait_never_fail, "24 25")
{
	int fds[3] = { ep_create1(0), eventfd(1, 0), 0 };
	int steady = eventfd(1, 0);
	struct epoll_event ev[4];
	pthread_t thread;

	ASSERT_EQ(add(fds[0], steady, EPOLLIN), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, change_for_ever, fds), 0);
	for (unsigned int i = 0; i < 20000 / time_factor(); i++) {
		int n = ep_wait(fds[0], ev, 4, 0);

		if (n < 1 || n > 2) {
			EXPECT_EQ(n, 1);
			break;
		}
	}
	__atomic_store_n(&fds[2], 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}
