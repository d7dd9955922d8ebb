// SPDX-License-Identifier: MIT
/*
 * Garbage to every ioctl: only documented errors come back, and the instance
 * works afterwards. Seeded: EPX_SEED repeats a run.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <epollx.h>

#include "helpers.h"
#include "ringfile.h"

static uint64_t state;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Mostly small and special values, which get further than noise does. */
static uint64_t next_value(const uint64_t *special, int count)
{
	uint64_t r = next_random();

	if (r % 4 == 0)
		return next_random();
	if (r % 4 == 1)
		return r >> 8 & 0xff;
	return special[(r >> 8) % count];
}

static bool is_documented(int err)
{
	static const int known[] = {
		0, EBADF, EFAULT, EINVAL, ENOTTY, EPERM, EEXIST, ENOENT,
		ELOOP, ENOSPC, ENOMEM, EMFILE, E2BIG, EBUSY, EAGAIN,
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (err == known[i])
			return true;
	return false;
}

static void check_still_works(int ep)
{
	struct epoll_event ev[8];
	int fd = eventfd(1, 0);
	bool seen = false;

	ASSERT_GE(fd, 0);
	/* With a ring it is the number of an item. */
	ASSERT_GE(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0xfeed), 0);
	/* Others may be ready before it. */
	for (int i = 0; i < 200 && !seen; i++) {
		int n = ep_wait(ep, ev, 8, 0);

		ASSERT_GE(n, 1);
		while (n--)
			seen |= ev[n].data.u64 == 0xfeed;
	}
	EXPECT_TRUE(seen);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	close(fd);
}

static void throw_garbage(int fd, int rounds)
{
	/* Larger than any size that a command can have. */
	static uint64_t words[4096], buffer[4096];
	const uint64_t special[] = {
		0, 1, 2, 3, 0x100, 24, 40, fd, (uintptr_t)buffer,
		(uintptr_t)buffer + 3, 8, 0x7fffffff, 0x80000000,
		0xffffffff, UINT64_MAX, 0x7ffffffff000ULL, EPOLLIN | EPOLLET,
		EPOLLEXCLUSIVE | EPOLLIN, EPOLLONESHOT,
	};
	static const unsigned int cmds[] = {
		EPX_IOC_INFO, EPX_IOC_CTL, EPX_IOC_CTL, EPX_IOC_WAIT,
		EPX_IOC_PWAIT, EPIOCSPARAMS, EPIOCGPARAMS, EPX_IOC_CREATE,
		EPX_IOC_CTLV, EPX_IOC_ENTER, EPX_IOC_SOURCE, EPX_IOC_SOURCE,
		EPX_IOC_RING, EPX_IOC_POST, EPX_IOC_TAKE, EPX_IOC_YIELD,
	};
	const int count = sizeof(special) / sizeof(special[0]);
	const int nr_cmds = sizeof(cmds) / sizeof(cmds[0]);

	for (int i = 0; i < rounds; i++) {
		unsigned int cmd = cmds[next_random() % nr_cmds];
		int ret;

		for (int w = 0; w < 8; w++)
			words[w] = next_value(special, count) |
				   next_value(special, count) << 32;
		if (next_random() % 8 == 0)
			cmd ^= 1u << next_random() % 32;
		/*
		 * A wait ends soon: these are nanoseconds, or a deadline long
		 * past, or the address of a timespec that is not there.
		 */
		words[(cmd & 0xff) == (EPX_IOC_ENTER & 0xff) ? 4 : 2] =
			1 + next_random() % 1000;
		/* Changes, where the address is right. */
		for (int w = 0; w < 64; w++)
			buffer[w] = next_value(special, count) |
				    next_value(special, count) << 32;
		ret = ioctl(fd, cmd, next_random() % 16 ? (uintptr_t)words :
						 next_value(special, count));
		if (ret < 0 && !is_documented(errno)) {
			test_fail(__FILE__, __LINE__,
				  "round %d, command %#x: errno %d", i, cmd,
				  errno);
			return;
		}
		if (ret > 2 && (cmd & 0xffff) == (EPX_IOC_CREATE & 0xffff))
			close(ret);
	}
}

static void seed(void)
{
	const char *text = getenv("EPX_SEED");

	state = text ? strtoull(text, NULL, 0) : 20260101;
	state |= 1;
}

TEST_ON(EPX, garbage_to_an_instance_does_no_harm, "")
{
	int ep = ep_create1(0);

	seed();
	for (int round = 0; round < 20; round++) {
		throw_garbage(ep, 1000 / time_factor());
		check_still_works(ep);
	}
}

TEST_ON(EPX, garbage_to_a_ring_does_no_harm, "")
{
	struct epx_consumer ring;
	int ep = new_ring(&ring, 64);

	seed();
	for (int round = 0; round < 20; round++) {
		throw_garbage(ep, 1000 / time_factor());
		check_still_works(ep);
	}
}

TEST_ON(EPX, garbage_to_a_limited_instance_does_no_harm, "")
{
	struct epx_create how = { .concurrency = 1, .flags = EPX_WAKE_FIFO };
	int ep = epx_create(&how);

	ASSERT_GE(ep, 0);
	seed();
	for (int round = 0; round < 20; round++) {
		throw_garbage(ep, 500 / time_factor());
		check_still_works(ep);
	}
}

TEST_ON(EPX, garbage_to_the_device_does_no_harm, "")
{
	int dev = open("/dev/epollx", O_RDWR);

	ASSERT_GE(dev, 0);
	seed();
	throw_garbage(dev, 5000 / time_factor());
	check_still_works(ep_create1(0));
}
