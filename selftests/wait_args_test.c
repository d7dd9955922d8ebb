// SPDX-License-Identifier: MIT
/*
 * Arguments of a wait: which error comes first, what the buffer must be and
 * when it matters, how long a timeout is.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "helpers.h"

#define BAD_FD		987
#define BAD		((void *)8)
#define KERNEL_HALF	((void *)(-4096UL))
#define EVENTS_MAX	(INT_MAX / (int)sizeof(struct epoll_event))

static int ready_instance(void)
{
	int ep = ep_create1(0);

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, eventfd(1, 0), EPOLLIN, 7), 0);
	return ep;
}

/* All that can be wrong at once: what is reported comes first. */
TEST(errors_of_a_wait_come_in_epolls_order, "45")
{
	static const struct timespec now = { 0, 0 }, bad = { 0, 1000000000 };
	const struct timespec *times[] = { BAD, &bad, &now };
	static const size_t sizes[] = { 7, 8 };
	static const int maxes[] = { 0, -1, EVENTS_MAX + 1, 1 };
	struct epoll_event ev;
	void *buffers[] = { KERNEL_HALF, &ev };
	sigset_t mask;
	const sigset_t *masks[] = { BAD, &mask, NULL };
	int ep = ready_instance(), n = 0;
	char what[32];

	sigemptyset(&mask);
	for (int t = 0; t < 3; t++)
		for (int m = 0; m < 3; m++)
			for (int s = 0; s < 2; s++) {
				unsigned long long word = 0;

				for (int x = 0; x < 4; x++)
					for (int b = 0; b < 2; b++) {
						int ret = ep_pwait2(ep,
							buffers[b], maxes[x],
							times[t], masks[m],
							sizes[s]);

						word = word << 8 | (ret < 0 ?
							-ret : ret);
					}
				snprintf(what, sizeof(what), "case%d", n++);
				OBSERVE(what, word);
			}
}

TEST(a_bad_instance_is_found_first_by_an_ioctl, "45")
{
	struct epoll_event ev;
	int p[2];

	ASSERT_EQ(pipe(p), 0);
	OBSERVE("badep_max0", ep_wait(BAD_FD, &ev, 0, 0));
	EXPECT_EQ(ep_wait(BAD_FD, &ev, 1, 0), -EBADF);
	OBSERVE("pipe", ep_wait(p[0], &ev, 1, 0));
	OBSERVE("pipe_max0", ep_wait(p[0], &ev, 0, 0) == -EINVAL);
}

/*
 * The buffer is static because the largest array spans 2 GiB of addresses: from a
 * stack, whose place is random, they may reach beyond those of user space.
 */
TEST(maxevents_is_one_to_what_an_int_holds_in_bytes, "45")
{
	static struct epoll_event ev[2];
	int ep = ready_instance();

	EXPECT_EQ(EVENTS_MAX, 178956970);
	EXPECT_EQ(ep_wait(ep, ev, 0, 0), -EINVAL);
	EXPECT_EQ(ep_wait(ep, ev, INT_MIN, 0), -EINVAL);
	EXPECT_EQ(ep_wait(ep, ev, EVENTS_MAX + 1, 0), -EINVAL);
	EXPECT_EQ(ep_wait(ep, ev, EVENTS_MAX, 0), 1);
}

TEST(without_a_mask_its_size_is_ignored, "46")
{
	int ep = ready_instance();
	struct epoll_event ev;
	struct timespec zero = { 0, 0 };

	EXPECT_EQ(ep_pwait(ep, &ev, 1, 0, NULL, 12345), 1);
	EXPECT_EQ(ep_pwait2(ep, &ev, 1, &zero, NULL, 0), 1);
}

TEST(no_timespec_is_no_limit, "46")
{
	struct sleeper sleeper;
	int ep = ep_create1(0), fd = eventfd(0, 0);
	struct epoll_event ev;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	sleeper_start(&sleeper, ep, 1, -1);
	eventfd_write(fd, 1);
	EXPECT_EQ(sleeper_join(&sleeper), 1);
	EXPECT_EQ(ep_pwait2(ep, &ev, 1, NULL, NULL, 0), 1);
}

TEST(the_buffer_matters_when_something_is_delivered, "47")
{
	int empty = ep_create1(0), ready = ready_instance();
	void *readonly = mmap(NULL, 4096, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *unmapped = mmap(NULL, 4096, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *buffers[] = { NULL, readonly, unmapped };

	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(ep_wait(empty, buffers[i], 1, 0), 0);
		EXPECT_EQ(ep_wait(ready, buffers[i], 1, 0), -EFAULT);
	}
	OBSERVE("kernel_half", ep_wait(empty, KERNEL_HALF, 1, 0));
}

/* Three ready, the second event lies across the end of the mapping. */
TEST(a_fault_after_an_event_delivers_what_was_copied, "48")
{
	static const uint32_t kinds[] = {
		EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT,
	};
	size_t page = sysconf(_SC_PAGESIZE);

	for (int kind = 0; kind < 3; kind++) {
		char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		struct epoll_event *edge = (void *)(map + page -
					   sizeof(*edge) - 6), ev[4];
		int ep = ep_create1(0);

		munmap(map + page, page);
		for (int i = 0; i < 3; i++)
			ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, eventfd(1, 0),
					 kinds[kind], i), 0);
		ASSERT_EQ(ep_wait(ep, edge, 3, 0), 1);
		EXPECT_EQ(edge->data.u64, 0);
		/* What faulted first is an error, and everything is kept. */
		EXPECT_EQ(ep_wait(ep, (void *)(map + page), 3, 0), -EFAULT);
		ASSERT_EQ(ep_wait(ep, ev, 1, 0), 1);
		EXPECT_EQ(ev[0].data.u64, 1);
		ASSERT_EQ(ep_wait(ep, ev, 1, 0), 1);
		EXPECT_EQ(ev[0].data.u64, 2);
	}
}

TEST(any_negative_time_is_no_limit, "49")
{
	static const int forever[] = { -1, -2, INT_MIN };

	for (int i = 0; i < 3; i++) {
		struct sleeper sleeper;
		int ep = ep_create1(0), fd = eventfd(0, 0);

		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
		sleeper_start(&sleeper, ep, 1, forever[i]);
		eventfd_write(fd, 1);
		EXPECT_EQ(sleeper_join(&sleeper), 1);
	}
}

TEST(an_endless_timespec_saturates, "49")
{
	/* The largest time_t, of 32 or 64 bits. */
	struct timespec endless = { ~((time_t)1 << (8 * sizeof(time_t) - 1)),
				    999999999 };
	int ep = ready_instance();
	struct epoll_event ev;

	EXPECT_EQ(ep_pwait2(ep, &ev, 1, &endless, NULL, 0), 1);
}

TEST(a_wait_is_never_early, "49 50")
{
	int ep = ep_create1(0);
	struct epoll_event ev;

	for (int i = 0; i < 50; i++) {
		long long start = now_ns();

		ASSERT_EQ(ep_wait(ep, &ev, 1, 1), 0);
		EXPECT_GE(now_ns() - start, 1000000);
	}
}

TEST(times_below_a_millisecond_end, "49")
{
	static const long times[] = { 1, 100, 10000, 500000, 2000000 };
	int ep = ep_create1(0);
	struct epoll_event ev;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct timespec t = { 0, times[i] };
		long long start = now_ns();

		EXPECT_EQ(ep_pwait2(ep, &ev, 1, &t, NULL, 0), 0);
		EXPECT_GE(now_ns() - start, times[i]);
	}
}

/* With a slack of 200 ms a sleep of 1 ms may be woken by a later timer. */
TEST(the_tasks_slack_is_used, "49")
{
	int ep = ep_create1(0);
	struct epoll_event ev;
	long long start;

	ASSERT_EQ(prctl(PR_SET_TIMERSLACK, 200000000UL), 0);
	start = now_ns();
	ASSERT_EQ(ep_wait(ep, &ev, 1, 1), 0);
	EXPECT_GE(now_ns() - start, 1000000);
}
