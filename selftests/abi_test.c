// SPDX-License-Identifier: MIT
/*
 * The ABI of the device, apart from what epoll has: sizes, commands, flags,
 * reserved fields, bad pointers, the PUT operation, absolute deadlines.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <epollx.h>

#include "helpers.h"

_Static_assert(sizeof(struct epx_info) == 24, "epx_info");
_Static_assert(sizeof(struct epx_create) == 8, "epx_create");
_Static_assert(offsetof(struct epx_create, concurrency) == 4, "concurrency");
_Static_assert(sizeof(struct epx_ctl) == 24, "epx_ctl");
_Static_assert(offsetof(struct epx_ctl, events) == 8, "epx_ctl.events");
_Static_assert(offsetof(struct epx_ctl, flags) == 12, "epx_ctl.flags");
_Static_assert(offsetof(struct epx_ctl, data) == 16, "epx_ctl.data");
_Static_assert(sizeof(struct epx_wait) == 40, "epx_wait");
_Static_assert(offsetof(struct epx_wait, maxevents) == 8, "maxevents");
_Static_assert(offsetof(struct epx_wait, flags) == 12, "epx_wait.flags");
_Static_assert(offsetof(struct epx_wait, timeout) == 16, "timeout");
_Static_assert(offsetof(struct epx_wait, sigmask) == EPX_WAIT_SIZE_MIN,
	       "EPX_IOC_WAIT ends before sigmask");
_Static_assert(sizeof(struct epx_ctl_entry) == 32, "epx_ctl_entry");
_Static_assert(offsetof(struct epx_ctl_entry, ctl) == 0, "epx_ctl_entry.ctl");
_Static_assert(offsetof(struct epx_ctl_entry, result) == 24, "result");
_Static_assert(offsetof(struct epx_ctl_entry, reserved) == 28, "reserved");
_Static_assert(sizeof(struct epx_ctlv) == 16, "epx_ctlv");
_Static_assert(offsetof(struct epx_ctlv, count) == 8, "epx_ctlv.count");
_Static_assert(offsetof(struct epx_ctlv, flags) == 12, "epx_ctlv.flags");
_Static_assert(sizeof(struct epx_enter) == 64, "epx_enter");
_Static_assert(offsetof(struct epx_enter, count) == 8, "epx_enter.count");
_Static_assert(offsetof(struct epx_enter, flags) == 12, "epx_enter.flags");
_Static_assert(offsetof(struct epx_enter, events) == 16, "epx_enter.events");
_Static_assert(offsetof(struct epx_enter, maxevents) == 24, "maxevents");
_Static_assert(offsetof(struct epx_enter, min_events) == 28, "min_events");
_Static_assert(offsetof(struct epx_enter, timeout) == 32, "epx_enter.timeout");
_Static_assert(offsetof(struct epx_enter, min_wait) == 40, "min_wait");
_Static_assert(offsetof(struct epx_enter, sigmask) == 48, "epx_enter.sigmask");
_Static_assert(offsetof(struct epx_enter, sigsetsize) == 56, "sigsetsize");
_Static_assert(sizeof(struct epx_source_ctl) == 64, "epx_source_ctl");
_Static_assert(offsetof(struct epx_source_ctl, data) == 16, "source data");
_Static_assert(offsetof(struct epx_source_ctl, depth) == 32, "depth");
_Static_assert(offsetof(struct epx_source_ctl, first) == 40, "first");
_Static_assert(offsetof(struct epx_source_ctl, slack) == 56, "slack");
_Static_assert(sizeof(struct epx_post) == 16, "epx_post");
_Static_assert(offsetof(struct epx_post, value) == 8, "epx_post.value");
_Static_assert(sizeof(struct epx_take) == 16, "epx_take");
_Static_assert(offsetof(struct epx_take, values) == 8, "epx_take.values");
_Static_assert(sizeof(struct epx_payload_event) == 32, "epx_event");
_Static_assert(offsetof(struct epx_payload_event, data) == 8, "epx_event.data");
_Static_assert(offsetof(struct epx_payload_event, value) == 16, "epx_event.value");
_Static_assert(offsetof(struct epx_payload_event, count) == 24, "epx_event.count");
_Static_assert(sizeof(struct epoll_params) == 8, "epoll_params");
_Static_assert(EPX_CLOEXEC == O_CLOEXEC, "EPX_CLOEXEC");

static int call(int fd, unsigned long cmd, const void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

static int device(void)
{
	int fd = open("/dev/epollx", O_RDWR);

	ASSERT_GE(fd, 0);
	return fd;
}

/* A command of @size bytes instead of its own. */
static unsigned long resized(unsigned long cmd, size_t size)
{
	return (cmd & ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT)) |
	       size << _IOC_SIZESHIFT;
}

TEST_ON(EPX, info_tells_the_limits, "")
{
	struct epx_info info;
	int fds[] = { device(), ep_create1(0) };

	for (int i = 0; i < 2; i++) {
		memset(&info, 0xa5, sizeof(info));
		ASSERT_EQ(call(fds[i], EPX_IOC_INFO, &info), 0);
		EXPECT_EQ(info.abi_version, EPX_ABI_VERSION);
		EXPECT_EQ(info.max_nests, 5);
		EXPECT_EQ(info.max_events, 178956970);
		EXPECT_EQ(info.reserved, 0);
		EXPECT_EQ(info.features & ~EPX_FEATURE_BUSY_POLL,
			  EPX_FEATURE_CTLV | EPX_FEATURE_ENTER |
			  EPX_FEATURE_RING | EPX_FEATURE_POLICY |
			  EPX_FEATURE_SOURCE);
		EXPECT_EQ(call(fds[i], EPX_IOC_INFO, (void *)8), -EFAULT);
	}
}

TEST_ON(EPX, a_longer_info_is_filled_with_zeros, "")
{
	char buffer[64];

	memset(buffer, 0xa5, sizeof(buffer));
	ASSERT_EQ(call(device(), resized(EPX_IOC_INFO, 40), buffer), 0);
	for (int i = 24; i < 40; i++)
		EXPECT_EQ(buffer[i], 0);
	EXPECT_EQ(buffer[40], (char)0xa5);
}

TEST_ON(EPX, commands_belong_to_their_file, "")
{
	struct epx_create create = { };
	struct epx_ctl ctl = { };
	struct epx_wait wait = { };
	struct epx_ctlv ctlv = { };
	struct epx_enter enter = { };
	struct epx_source_ctl source = { };
	struct epx_post post = { };
	struct epx_take take = { };
	int dev = device(), ep = ep_create1(0);

	EXPECT_EQ(call(dev, EPX_IOC_CTLV, &ctlv), -ENOTTY);
	EXPECT_EQ(call(dev, EPX_IOC_ENTER, &enter), -ENOTTY);
	EXPECT_EQ(call(dev, EPX_IOC_CTL, &ctl), -ENOTTY);
	EXPECT_EQ(call(dev, EPX_IOC_WAIT, &wait), -ENOTTY);
	EXPECT_EQ(call(dev, EPX_IOC_YIELD, NULL), -ENOTTY);
	EXPECT_EQ(call(dev, EPX_IOC_SOURCE, &source), -ENOTTY);
	EXPECT_EQ(call(dev, EPX_IOC_POST, &post), -ENOTTY);
	EXPECT_EQ(call(dev, EPX_IOC_TAKE, &take), -ENOTTY);
	EXPECT_EQ(call(ep, EPX_IOC_CREATE, &create), -ENOTTY);
	for (unsigned int nr = 0; nr < 256; nr++) {
		if (nr >= 0x10 && nr <= 0x15)
			continue;
		if (_IO(EPX_IOC_MAGIC, nr) != EPX_IOC_YIELD)
			EXPECT_EQ(call(ep, _IO(EPX_IOC_MAGIC, nr), NULL),
				  -ENOTTY);
		EXPECT_EQ(call(dev, _IOW(EPX_IOC_MAGIC, nr, int), NULL),
			  -ENOTTY);
	}
}

TEST_ON(EPX, unknown_flags_are_einval, "")
{
	int dev = device(), ep = ep_create1(0), fd = eventfd(1, 0);
	struct epoll_event ev;

	for (int bit = 0; bit < 32; bit++) {
		struct epx_create create = { .flags = 1u << bit };
		struct epx_ctl ctl = { .op = EPOLL_CTL_ADD, .fd = fd,
				       .events = EPOLLIN,
				       .flags = 1u << bit };
		struct epx_wait wait = { .events = (uintptr_t)&ev,
					 .maxevents = 1,
					 .flags = 1u << bit };
		struct epx_ctlv ctlv = { .flags = 1u << bit };

		EXPECT_EQ(call(ep, EPX_IOC_CTLV, &ctlv), -EINVAL);
		if (!(1u << bit & (EPX_CLOEXEC | EPX_WAKE_FIFO)))
			EXPECT_EQ(call(dev, EPX_IOC_CREATE, &create),
				  -EINVAL);
		/* EPX_CTL_ROTATE is for EPOLLEXCLUSIVE only. */
		if (bit)
			EXPECT_EQ(call(ep, EPX_IOC_CTL, &ctl), -EINVAL);
		if (1u << bit != EPX_WAIT_ABSTIME &&
		    1u << bit != EPX_WAIT_TIMESPEC &&
		    1u << bit != EPX_WAIT_PAYLOAD)
			EXPECT_EQ(call(ep, EPX_IOC_WAIT, &wait), -EINVAL);
	}
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), -ENOENT);
}

TEST_ON(EPX, a_limit_out_of_range_is_einval, "")
{
	struct epx_create create = { .concurrency = EPX_CONCURRENCY_MAX + 1 };
	int dev = device(), before = count_fds();

	EXPECT_EQ(call(dev, EPX_IOC_CREATE, &create), -EINVAL);
	create.concurrency = -1;
	EXPECT_EQ(call(dev, EPX_IOC_CREATE, &create), -EINVAL);
	create.concurrency = 0;
	create.flags = EPX_CONCURRENCY_RUNNING;
	EXPECT_EQ(call(dev, EPX_IOC_CREATE, &create), -EINVAL);
	EXPECT_EQ(count_fds(), before);
}

TEST_ON(EPX, sizes_tell_versions, "")
{
	union {
		struct epx_wait wait;
		char bytes[64];
	} u = { };
	int ep = ep_create1(0);
	struct epoll_event ev;

	u.wait.events = (uintptr_t)&ev;
	u.wait.maxevents = 1;
	EXPECT_EQ(call(ep, resized(EPX_IOC_WAIT, 16), &u), -EINVAL);
	EXPECT_EQ(call(ep, resized(EPX_IOC_WAIT, 32), &u), 0);
	EXPECT_EQ(call(ep, resized(EPX_IOC_WAIT, 56), &u), 0);
	u.bytes[50] = 1;
	EXPECT_EQ(call(ep, resized(EPX_IOC_WAIT, 56), &u), -E2BIG);
	EXPECT_EQ(call(ep, resized(EPX_IOC_WAIT, 16000), &u), -E2BIG);
	EXPECT_EQ(call(ep, resized(EPX_IOC_CTL, 16), &u), -EINVAL);
}

TEST_ON(EPX, sizes_of_the_larger_calls_tell_versions, "")
{
	union {
		struct epx_ctlv ctlv;
		struct epx_enter enter;
		char bytes[96];
	} u = { };
	int ep = ep_create1(0);
	struct epoll_event ev;

	EXPECT_EQ(call(ep, EPX_IOC_CTLV, &u), 0);
	EXPECT_EQ(call(ep, resized(EPX_IOC_CTLV, 8), &u), -EINVAL);
	EXPECT_EQ(call(ep, resized(EPX_IOC_CTLV, 24), &u), 0);
	u.bytes[20] = 1;
	EXPECT_EQ(call(ep, resized(EPX_IOC_CTLV, 24), &u), -E2BIG);
	EXPECT_EQ(call(ep, resized(EPX_IOC_CTLV, 16000), &u), -E2BIG);
	memset(&u, 0, sizeof(u));
	u.enter.events = (uintptr_t)&ev;
	u.enter.maxevents = 1;
	EXPECT_EQ(call(ep, EPX_IOC_ENTER, &u), 0);
	EXPECT_EQ(call(ep, resized(EPX_IOC_ENTER, 56), &u), -EINVAL);
	EXPECT_EQ(call(ep, resized(EPX_IOC_ENTER, 80), &u), 0);
	u.bytes[70] = 1;
	EXPECT_EQ(call(ep, EPX_IOC_ENTER, &u), 0);
	EXPECT_EQ(call(ep, resized(EPX_IOC_ENTER, 80), &u), -E2BIG);
	EXPECT_EQ(call(ep, resized(EPX_IOC_ENTER, 16000), &u), -E2BIG);
}

TEST_ON(EPX, bad_pointers_are_efault, "")
{
	static const unsigned long cmds[] = {
		EPX_IOC_CTL, EPX_IOC_WAIT, EPX_IOC_PWAIT, EPX_IOC_CTLV,
		EPX_IOC_ENTER,
	};
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ep = ep_create1(0);

	munmap(page, 4096);
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		EXPECT_EQ(call(ep, cmds[i], NULL), -EFAULT);
		EXPECT_EQ(call(ep, cmds[i], page), -EFAULT);
		EXPECT_EQ(call(ep, cmds[i], (void *)-8L), -EFAULT);
	}
	EXPECT_EQ(call(device(), EPX_IOC_CREATE, page), -EFAULT);
}

TEST_ON(EPX, a_misaligned_argument_is_as_good, "")
{
	char buffer[64];
	struct epx_ctl ctl = { .op = EPOLL_CTL_ADD, .events = EPOLLIN,
			       .data = 5 };
	int ep = ep_create1(0);
	struct epoll_event ev;

	ctl.fd = eventfd(1, 0);
	memcpy(buffer + 3, &ctl, sizeof(ctl));
	ASSERT_EQ(call(ep, EPX_IOC_CTL, buffer + 3), 0);
	ASSERT_EQ(ep_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(ev.data.u64, 5);
}

TEST_ON(EPX, put_adds_or_modifies, "")
{
	int ep = ep_create1(0), fd = eventfd(1, 0);
	struct epoll_event ev[2];

	ASSERT_EQ(epx_change(ep, EPX_CTL_PUT, fd, EPOLLIN, 1), 0);
	ASSERT_EQ(ep_wait(ep, ev, 2, 0), 1);
	EXPECT_EQ(ev[0].data.u64, 1);
	ASSERT_EQ(epx_change(ep, EPX_CTL_PUT, fd, EPOLLIN, 2), 0);
	ASSERT_EQ(ep_wait(ep, ev, 2, 0), 1);
	EXPECT_EQ(ev[0].data.u64, 2);
	EXPECT_EQ(epx_change(ep, EPX_CTL_PUT, fd, EPOLLIN | EPOLLEXCLUSIVE,
			     2), -EINVAL);
	EXPECT_EQ(epx_change(ep, EPX_CTL_PUT, 987, EPOLLIN, 2), -EBADF);
	EXPECT_EQ(epx_change(ep, EPX_CTL_PUT, ep, EPOLLIN, 2), -EINVAL);
	ASSERT_EQ(ep_wait(ep, ev, 2, 0), 1);
}

TEST_ON(EPX, by_value_and_by_address_are_the_same_change, "")
{
	struct epoll_event by_address = { .events = EPOLLIN, .data.u64 = 9 };
	int ep = ep_create1(0), fd = eventfd(1, 0);
	struct epoll_event ev;

	ASSERT_EQ(epx_ctl(ep, EPOLL_CTL_ADD, fd, &by_address), 0);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 9), -EEXIST);
	ASSERT_EQ(epx_change(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 10), 0);
	ASSERT_EQ(ep_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(ev.data.u64, 10);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
}

static int wait_until(int ep, long long deadline)
{
	struct epoll_event ev;
	struct epx_wait wait = { .events = (uintptr_t)&ev, .maxevents = 1,
				 .flags = EPX_WAIT_ABSTIME,
				 .timeout = deadline };
	int ret = ioctl(ep, EPX_IOC_WAIT, &wait);

	return ret < 0 ? -errno : ret;
}

TEST_ON(EPX, an_absolute_deadline_is_met, "49")
{
	int ep = ep_create1(0), fd = eventfd(1, 0);
	long long at = now_ns() + 3000000;

	EXPECT_EQ(wait_until(ep, at), 0);
	EXPECT_GE(now_ns(), at);
	EXPECT_EQ(wait_until(ep, 0), 0);
	EXPECT_EQ(wait_until(ep, 1), 0);
	EXPECT_EQ(wait_until(ep, -1), -EINVAL);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	EXPECT_EQ(wait_until(ep, INT64_MAX), 1);
	EXPECT_EQ(wait_until(ep, 0), 1);
}

TEST_ON(EPX, two_kinds_of_time_at_once_are_einval, "")
{
	struct epx_wait wait = { .maxevents = 1, .flags = EPX_WAIT_ABSTIME |
				 EPX_WAIT_TIMESPEC };

	EXPECT_EQ(call(ep_create1(0), EPX_IOC_WAIT, &wait), -EINVAL);
}
