// SPDX-License-Identifier: MIT
/*
 * The set-up of a ring, its memory, and the map of it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "helpers.h"
#include "ringfile.h"
#include "testfiles.h"

_Static_assert(sizeof(struct epx_ring) == 48, "epx_ring");
_Static_assert(offsetof(struct epx_ring, payloads_offset) == EPX_RING_SIZE_MIN,
	       "payloads_offset");
_Static_assert(sizeof(struct epx_payload) == 16, "epx_payload");
_Static_assert(offsetof(struct epx_ring, map_size) == 16, "map_size");
_Static_assert(sizeof(struct epx_ring_head) == 8, "epx_ring_head");
_Static_assert(sizeof(struct epx_item) == 16, "epx_item");
_Static_assert(EPX_RING_HINTS == (0x001 | 0x004 | 0x040 | 0x100), "hints");

static int set_up(int ep, struct epx_ring *arg)
{
	return ioctl(ep, EPX_IOC_RING, arg) < 0 ? -errno : 0;
}

/* A map of @ep, or -errno. */
static long map_of(int ep, size_t size, int prot, int flags, off_t offset)
{
	void *map = mmap(NULL, size, prot, flags, ep, offset);

	return map == MAP_FAILED ? -errno : (long)(uintptr_t)map;
}

static bool is_errno(long value)
{
	return value < 0 && value > -4096;
}

TEST_ON(EPX, set_up_tells_the_layout, "")
{
	long page = sysconf(_SC_PAGESIZE);
	struct epx_ring arg = { .items = 1000 };

	ASSERT_EQ(set_up(new_ep(), &arg), 0);
	EXPECT_EQ(arg.items, 1000);
	EXPECT_EQ(arg.slots, 1024);
	EXPECT_EQ(arg.slots_offset, page);
	EXPECT_EQ(arg.items_offset, 2 * page);
	EXPECT_EQ(arg.map_size, 2 * page + 4 * page);
}

TEST_ON(EPX, set_up_checks_its_argument, "")
{
	static const struct epx_ring bad[] = {
		{ .items = 0 }, { .items = EPX_RING_ITEMS_MAX + 1 },
		{ .items = UINT32_MAX }, { .items = 1, .flags = 2 },
		{ .items = 1, .reserved = 1 }, { .items = 1, .slots = 1 },
		{ .items = 1, .map_size = 1 }, { .items = 1, .slots_offset = 1 },
		{ .items = 1, .items_offset = 1 },
		{ .items = 1, .payloads_offset = 1 },
	};
	struct { struct epx_ring ring; uint64_t more; } longer = {};
	int ep = new_ep(), fd = new_eventfd(0);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct epx_ring arg = bad[i];

		EXPECT_EQ(set_up(ep, &arg), -EINVAL);
	}
	EXPECT_EQ(set_up(ep, NULL), -EFAULT);
	EXPECT_EQ(set_up(fd, &longer.ring), -ENOTTY);
	longer.ring.items = 1;
	longer.more = 1;
	EXPECT_EQ(ioctl(ep, _IOC(_IOC_READ | _IOC_WRITE, EPX_IOC_MAGIC, 0x16,
				 sizeof(longer)), &longer) ? errno : 0, E2BIG);
	EXPECT_EQ(ioctl(ep, _IOC(_IOC_READ | _IOC_WRITE, EPX_IOC_MAGIC, 0x16,
				 16), &longer) ? errno : 0, EINVAL);
	/* After all that it can have a ring. */
	longer.more = 0;
	EXPECT_EQ(ioctl(ep, _IOC(_IOC_READ | _IOC_WRITE, EPX_IOC_MAGIC, 0x16,
				 sizeof(longer)), &longer), 0);
}

/* The first version of the struct ends before the payloads' place. */
TEST_ON(EPX, who_knows_of_no_payloads_gets_none, "")
{
	const unsigned long first = _IOC(_IOC_READ | _IOC_WRITE, EPX_IOC_MAGIC,
					 0x16, EPX_RING_SIZE_MIN);
	long page = sysconf(_SC_PAGESIZE);
	struct epx_ring arg = {
		.items = 1000, .flags = EPX_RING_PAYLOAD,
		.payloads_offset = 0xa5,
	};
	int ep = new_ep();

	EXPECT_EQ(ioctl(ep, first, &arg) ? errno : 0, EINVAL);
	arg.flags = 0;
	EXPECT_EQ(ioctl(ep, first, &arg), 0);
	EXPECT_EQ(arg.map_size, 6 * page);
	EXPECT_EQ(arg.payloads_offset, 0xa5);
	arg = (struct epx_ring){ .items = 1000, .flags = EPX_RING_PAYLOAD };
	ASSERT_EQ(set_up(new_ep(), &arg), 0);
	EXPECT_EQ(arg.payloads_offset, 6 * page);
	EXPECT_EQ(arg.map_size, 10 * page);
}

/* The answer goes to where nothing can be written: no ring. */
TEST_ON(EPX, a_set_up_without_an_answer_is_none, "")
{
	long page = sysconf(_SC_PAGESIZE);
	struct epx_ring arg = { .items = 4 };
	struct epx_ring *readable;
	int ep = new_ep();

	readable = mmap(NULL, page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*readable = arg;
	mprotect(readable, page, PROT_READ);
	EXPECT_EQ(set_up(ep, readable), -EFAULT);
	EXPECT_EQ(map_of(ep, page, PROT_READ, MAP_SHARED, 0), -ENODEV);
	EXPECT_EQ(set_up(ep, &arg), 0);
}

TEST_ON(EPX, one_ring_and_before_the_first_watch, "")
{
	struct epx_ring arg = { .items = 4 }, again = arg, late = arg;
	int ep = new_ep(), fd = new_eventfd(0), other = new_ep();

	ASSERT_EQ(set_up(ep, &arg), 0);
	EXPECT_EQ(set_up(ep, &again), -EBUSY);
	ASSERT_EQ(ep_ctl(other, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	EXPECT_EQ(set_up(other, &late), -EBUSY);
	/* A watch that has gone with its file is none. */
	close(fd);
	EXPECT_EQ(set_up(other, &late), 0);
}

TEST_ON(EPX, a_map_is_shared_whole_and_not_run, "5")
{
	struct epx_ring arg = { .items = 1000 };
	long page = sysconf(_SC_PAGESIZE), map;
	int ep = new_ep();

	EXPECT_EQ(map_of(ep, page, PROT_READ, MAP_SHARED, 0), -ENODEV);
	ASSERT_EQ(set_up(ep, &arg), 0);
	EXPECT_EQ(map_of(ep, arg.map_size - page, PROT_READ, MAP_SHARED, 0),
		  -EINVAL);
	EXPECT_EQ(map_of(ep, arg.map_size + page, PROT_READ, MAP_SHARED, 0),
		  -EINVAL);
	EXPECT_EQ(map_of(ep, arg.map_size, PROT_READ, MAP_SHARED, page),
		  -EINVAL);
	EXPECT_EQ(map_of(ep, arg.map_size, PROT_READ, MAP_PRIVATE, 0),
		  -EINVAL);
	EXPECT_EQ(map_of(ep, arg.map_size, PROT_READ | PROT_EXEC, MAP_SHARED,
			 0), -EPERM);
	map = map_of(ep, arg.map_size, PROT_READ, MAP_SHARED, 0);
	ASSERT_FALSE(is_errno(map));
	EXPECT_EQ(mprotect((void *)map, page, PROT_READ | PROT_EXEC) ?
		  errno : 0, EACCES);
	EXPECT_TRUE(mremap((void *)map, arg.map_size, arg.map_size + page,
			   MREMAP_MAYMOVE) == MAP_FAILED);
	EXPECT_EQ(mprotect((void *)map, page, PROT_READ | PROT_WRITE), 0);
	EXPECT_EQ(munmap((void *)map, page), 0);
	EXPECT_EQ(munmap((void *)(map + page), arg.map_size - page), 0);
}

TEST_ON(EPX, two_maps_show_the_same, "")
{
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(0);
	uint32_t *second = (void *)map_of(ep, ring.map_size, PROT_READ,
					  MAP_SHARED, 0);
	struct epx_ring_event event;

	ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	eventfd_write(fd, 1);
	ASSERT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(second[0], 1);
	eventfd_write(fd, 1);
	EXPECT_EQ(second[sysconf(_SC_PAGESIZE) / 4 + 1], 1);
}

/* A child has the descriptor and no map. */
TEST_ON(EPX, a_child_does_not_inherit_the_map, "9")
{
	struct epx_consumer ring;
	int status, ep = new_ring(&ring, 4);
	pid_t pid;

	pid = fork();
	if (!pid) {
		unsigned char resident[64];

		if (!mincore(ring.map, ring.map_size, resident) ||
		    errno != ENOMEM)
			_exit(1);
		if (is_errno(map_of(ep, ring.map_size, PROT_READ, MAP_SHARED,
				    0)))
			_exit(2);
		_exit(0);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

TEST_ON(EPX, a_map_outlives_the_descriptor, "")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = ep_create1(0), fd = new_eventfd(0);

	ASSERT_EQ(epx_ring_map(ep, 4, &ring), 0);
	ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	close(ep);
	eventfd_write(fd, 1);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
	close(fd);
	EXPECT_EQ(epx_ring_generation(&ring, 0), 2);
	epx_ring_unmap(&ring);
}

/* On the debug kernels, which take long for every page, a smaller one. */
TEST_ON(EPX, the_largest_ring_can_be_had, "")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int fd = new_eventfd(0), s[1000], ep;

	ep = new_ring(&ring, EPX_RING_ITEMS_MAX / time_factor());

	for (int i = 0; i < 1000; i++) {
		s[i] = dup(fd);
		ASSERT_EQ(ring_add(ep, s[i], EPOLLIN | EPOLLET, i), i);
	}
	for (int round = 0; round < 3; round++) {
		eventfd_write(fd, 1);
		EXPECT_EQ(ring_drain(&ring, &event), 1000);
	}
	for (int i = 0; i < 1000; i++)
		close(s[i]);
}

/* As user @uid with @kib of lockable memory; returns what @body says. */
static int as_user(int uid, int kib, int (*body)(void))
{
	struct rlimit limit = { kib * 1024UL, kib * 1024UL };
	int status;
	pid_t pid;

	if (geteuid())
		SKIP("needs root");
	pid = fork();
	if (!pid) {
		if (setrlimit(RLIMIT_MEMLOCK, &limit) || setuid(uid))
			_exit(100);
		_exit(body());
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int passed;

/* Four pages: 16 items make three, and the limit has no room for two rings. */
static int two_small_rings(void)
{
	struct epx_ring small = { .items = 16 }, again = small;
	struct epx_ring large = { .items = 1 << 20 };
	int ep = ep_create1(0), other = ep_create1(0);
	void *map;

	if (set_up(other, &large) != -ENOMEM)
		return 1;
	if (set_up(ep, &small))
		return 2;
	if (set_up(other, &again) != -ENOMEM)
		return 3;
	map = mmap(NULL, small.map_size, PROT_READ, MAP_SHARED, ep, 0);
	if (map == MAP_FAILED)
		return 4;
	close(ep);
	if (set_up(other, &again) != -ENOMEM)
		return 5;
	munmap(map, small.map_size);
	if (set_up(other, &again))
		return 6;
	return send_fd(passed, other) == 1 ? 0 : 7;
}

static int one_small_ring(void)
{
	struct epx_ring small = { .items = 16 };
	int err = set_up(ep_create1(0), &small);

	return err == -ENOMEM ? 10 : err ? 11 : 0;
}

TEST_ON(EPX, a_ring_counts_as_locked_memory, "")
{
	int s[2], ep;

	new_socketpair(SOCK_STREAM, s);
	passed = s[0];
	ASSERT_EQ(as_user(54326, 16, two_small_rings), 0);
	/* Charged to its maker, though only we have it. */
	ep = receive_fd(s[1]);
	ASSERT_GE(ep, 0);
	EXPECT_EQ(as_user(54326, 16, one_small_ring), 10);
	EXPECT_EQ(as_user(54327, 16, one_small_ring), 0);
	close(ep);
	EXPECT_EQ(as_user(54326, 16, one_small_ring), 0);
	EXPECT_EQ(as_user(54326, 8, one_small_ring), 10);
}

static void write_file(const char *group, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	if (write_setting(path, text))
		SKIP("%s takes no %s", path, text);
}

static long read_number(const char *group, const char *name)
{
	char path[128];
	long number = -1;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", group, name);
	file = fopen(path, "re");
	ASSERT_TRUE(file);
	ASSERT_EQ(fscanf(file, "%ld", &number), 1);
	fclose(file);
	return number;
}

/* In @group: sets up a ring of 64 MiB, if it can; says how that went. */
static int ring_in(const char *group, const char *limit, long *grown)
{
	struct epx_ring arg = { .items = 3 << 20 };
	long before;
	int err;

	write_file(group, "memory.max", limit);
	write_file(group, "cgroup.procs", "0");
	before = read_number(group, "memory.current");
	err = set_up(new_ep(), &arg);
	*grown = read_number(group, "memory.current") - before;
	return err;
}

TEST_ON(EPX, a_ring_is_charged_to_the_cgroup, "")
{
	const char *root = "/sys/fs/cgroup";
	char group[64];
	long grown;

	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK))
		SKIP("no cgroup2");
	write_file(root, "cgroup.subtree_control", "+memory");
	snprintf(group, sizeof(group), "%s/epx-ring-%d", root, getpid());
	ASSERT_EQ(mkdir(group, 0755), 0);
	EXPECT_EQ(ring_in(group, "16M", &grown), -ENOMEM);
	EXPECT_LT(grown, 1 << 20);
	EXPECT_EQ(ring_in(group, "256M", &grown), 0);
	EXPECT_GE(grown, 64 << 20);
	close_owned();
	write_file(root, "cgroup.procs", "0");
	rmdir(group);
}
