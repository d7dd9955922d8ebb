// SPDX-License-Identifier: MIT
/*
 * Changes and a wait in one call: what is refused before anything is changed,
 * what the changes do to the wait, times, signals and their mask. What is
 * waited for with min_events and min_wait is in gather_test.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include <epollx.h>

#include "helpers.h"
#include "testfiles.h"
#include "waiter.h"

#define BAD_FD		987
#define BAD		8
#define KERNEL_HALF	(-4096ULL)
#define UNTOUCHED	1
#define MS		1000000LL

static struct epoll_event ev[8];
static struct epx_ctl_entry entries[8];

static struct epx_ctl_entry add(int fd, uint64_t data)
{
	return (struct epx_ctl_entry){
		.ctl = { EPOLL_CTL_ADD, fd, EPOLLIN, 0, data },
		.result = UNTOUCHED,
	};
}

/* With the first @count of entries[], into ev[]. */
static struct epx_enter enter_with(int count, int64_t timeout)
{
	return (struct epx_enter){
		.changes = (uintptr_t)entries, .count = count,
		.events = (uintptr_t)ev, .maxevents = 8, .timeout = timeout,
	};
}

TEST_ON(EPX, changes_are_made_before_the_wait, "")
{
	int ep = new_ep();
	struct epx_enter enter = enter_with(3, -1);

	entries[0] = add(new_eventfd(0), 1);
	entries[1] = add(new_eventfd(1), 2);
	entries[2] = add(new_eventfd(1), 3);
	ASSERT_EQ(epx_enter(ep, &enter), 2);
	EXPECT_EQ(ev[0].data.u64, 2);
	EXPECT_EQ(ev[1].data.u64, 3);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(entries[i].result, 0);
	/* And without any it is a wait. */
	enter = enter_with(0, 0);
	enter.changes = BAD;
	EXPECT_EQ(epx_enter(ep, &enter), 2);
	enter.maxevents = 1;
	EXPECT_EQ(epx_enter(ep, &enter), 1);
	close_owned();
}

/* A wait that would not end, for a file that was never added. */
TEST_ON(EPX, a_failed_change_is_reported_without_a_sleep, "")
{
	int ep = new_ep();
	struct epx_enter enter = enter_with(2, -1);

	entries[0] = add(BAD_FD, 1);
	entries[1] = add(new_eventfd(0), 2);
	EXPECT_EQ(epx_enter(ep, &enter), 0);
	EXPECT_EQ(entries[0].result, -EBADF);
	EXPECT_EQ(entries[1].result, 0);
	enter.min_events = 2;
	EXPECT_EQ(epx_enter(ep, &enter), 0);
	EXPECT_EQ(entries[1].result, -EEXIST);
	/* What is ready is collected all the same. */
	entries[1] = add(new_eventfd(1), 3);
	ASSERT_EQ(epx_enter(ep, &enter), 1);
	EXPECT_EQ(ev[0].data.u64, 3);
	close_owned();
}

TEST_ON(EPX, an_entry_that_cannot_be_read_ends_the_call, "")
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ep = new_ep();

	ASSERT_EQ(munmap(page + 4096, 4096), 0);
	for (int whole = 0; whole < 4; whole++) {
		struct epx_ctl_entry *at =
			(struct epx_ctl_entry *)(page + 4096) - whole;
		struct epx_enter enter = enter_with(whole + 1, -1);

		for (int i = 0; i < whole; i++)
			at[i] = add(new_eventfd(1), i);
		enter.changes = (uintptr_t)at;
		/* Nothing is collected, although there would be something. */
		memset(ev, 0xa5, sizeof(ev));
		EXPECT_EQ(epx_enter(ep, &enter), -EFAULT);
		EXPECT_EQ(ev[0].events, 0xa5a5a5a5);
		for (int i = 0; i < whole; i++)
			EXPECT_EQ(at[i].result, 0);
	}
	EXPECT_EQ(watches_of(ep), 6);
	munmap(page, 4096);
	close_owned();
}

/* What is refused leaves the changes alone. */
static void refuse(int ep, struct epx_enter enter, int error)
{
	entries[0] = add(new_eventfd(1), 1);
	EXPECT_EQ(epx_enter(ep, &enter), error);
	EXPECT_EQ(entries[0].result, UNTOUCHED);
	EXPECT_EQ(watches_of(ep), 0);
}

TEST_ON(EPX, what_is_refused_changes_nothing, "")
{
	struct epx_enter good = enter_with(1, 0), bad;
	static const int64_t times[][2] = {
		{ 0, -1 }, { -1, 0 }, { 0, 1000000000 },
	};
	int ep = new_ep();
	uint64_t mask = 0;

	for (int bit = 2; bit < 32; bit++) {
		bad = good;
		bad.flags = 1u << bit;
		if (bad.flags == EPX_WAIT_PAYLOAD)
			continue;
		refuse(ep, bad, -EINVAL);
	}
#define REFUSE(error, ...) ({						\
	bad = good;							\
	__VA_ARGS__;							\
	refuse(ep, bad, error); })
	REFUSE(-EINVAL, bad.flags = EPX_WAIT_ABSTIME | EPX_WAIT_TIMESPEC);
	REFUSE(-EINVAL, bad.count = EPX_CHANGES_MAX + 1);
	REFUSE(-EINVAL, bad.maxevents = 0);
	REFUSE(-EINVAL, bad.maxevents = -1);
	REFUSE(-EINVAL, bad.maxevents = INT32_MAX / 12 + 1);
	REFUSE(-EINVAL, bad.min_events = -1);
	REFUSE(-EINVAL, bad.min_events = 9);
	REFUSE(-EINVAL, bad.min_wait = -1);
	REFUSE(-EINVAL, bad.flags = EPX_WAIT_ABSTIME; bad.timeout = -1);
	REFUSE(-EFAULT, bad.flags = EPX_WAIT_TIMESPEC; bad.timeout = BAD);
	for (int i = 0; i < 3; i++)
		REFUSE(-EINVAL, bad.flags = EPX_WAIT_TIMESPEC;
		       bad.timeout = (uintptr_t)times[i]);
	REFUSE(-EINVAL, bad.sigmask = (uintptr_t)&mask);
	REFUSE(-EINVAL, bad.sigmask = BAD; bad.sigsetsize = 4);
	REFUSE(-EFAULT, bad.sigmask = BAD; bad.sigsetsize = 8);
	REFUSE(-EFAULT, bad.events = KERNEL_HALF);
	REFUSE(-EFAULT, bad.changes = KERNEL_HALF);
	/* The size belongs to a mask. */
	good.sigsetsize = 4;
	EXPECT_EQ(epx_enter(ep, &good), 1);
	close_owned();
}

/* Of two things that are wrong the first in the header's order is told. */
TEST_ON(EPX, errors_of_enter_come_in_the_headers_order, "")
{
	static const int64_t no_time[2] = { 0, -1 };
	static const int want[] = {
		-EINVAL, -EFAULT, -EFAULT, -EINVAL, -EINVAL, -EFAULT,
	};
	int ep = new_ep();

	/* From @first on all is wrong, what stands before it is right. */
	for (int first = 0; first < 6; first++) {
		struct epx_enter enter = enter_with(1, (uintptr_t)no_time);

		enter.flags = EPX_WAIT_TIMESPEC;
		enter.events = KERNEL_HALF;
		enter.changes = KERNEL_HALF;
		enter.sigmask = BAD;
		enter.sigsetsize = 4;
		if (first == 0)
			enter.min_wait = -1;
		if (first > 1)
			enter.events = (uintptr_t)ev;
		if (first > 2)
			enter.changes = (uintptr_t)entries;
		if (first > 3)
			enter.flags = 0;
		if (first > 4)
			enter.sigsetsize = 8;
		EXPECT_EQ(epx_enter(ep, &enter), want[first]);
	}
	close_owned();
}

/* The copy of an event fails after the changes. */
TEST_ON(EPX, a_bad_buffer_is_found_after_the_changes, "")
{
	struct epx_enter enter = enter_with(1, -1);
	int ep = new_ep();

	enter.events = BAD;
	entries[0] = add(new_eventfd(1), 5);
	EXPECT_EQ(epx_enter(ep, &enter), -EFAULT);
	EXPECT_EQ(entries[0].result, 0);
	ASSERT_EQ(ep_wait(ep, ev, 8, 0), 1);
	EXPECT_EQ(ev[0].data.u64, 5);
	close_owned();
}

TEST_ON(EPX, the_time_of_enter_is_that_of_a_wait, "46 49")
{
	struct { int64_t sec, nsec; } time = { 0, 3 * MS };
	struct epx_enter enter = enter_with(0, 3 * MS);
	int ep = new_ep();
	long long start = now_ns();

	EXPECT_EQ(epx_enter(ep, &enter), 0);
	EXPECT_GE(now_ns(), start + 3 * MS);
	start = now_ns();
	enter.flags = EPX_WAIT_ABSTIME;
	enter.timeout = start + 3 * MS;
	EXPECT_EQ(epx_enter(ep, &enter), 0);
	EXPECT_GE(now_ns(), start + 3 * MS);
	enter.timeout = 0;
	EXPECT_EQ(epx_enter(ep, &enter), 0);
	start = now_ns();
	enter.flags = EPX_WAIT_TIMESPEC;
	enter.timeout = (uintptr_t)&time;
	EXPECT_EQ(epx_enter(ep, &enter), 0);
	EXPECT_GE(now_ns(), start + 3 * MS);
	close_owned();
}

static volatile sig_atomic_t handled;

static void handler(int sig)
{
	handled = sig;
}

static void block_and_raise(int sig)
{
	struct sigaction action = { .sa_handler = handler,
				    .sa_flags = SA_RESTART };
	sigset_t set;

	ASSERT_EQ(sigaction(sig, &action, NULL), 0);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(sig);
}

static bool is_blocked(int sig)
{
	sigset_t now;

	sigprocmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, sig);
}

TEST_ON(EPX, a_signal_comes_after_the_changes, "51 54")
{
	struct epx_enter enter = enter_with(2, -1);
	uint64_t none = 0;
	int ep = new_ep();

	block_and_raise(SIGUSR1);
	entries[0] = add(new_eventfd(0), 1);
	entries[1] = add(new_eventfd(0), 2);
	enter.sigmask = (uintptr_t)&none;
	enter.sigsetsize = KERNEL_SIGSET_SIZE;
	EXPECT_EQ(epx_enter(ep, &enter), -EINTR);
	EXPECT_EQ(handled, SIGUSR1);
	EXPECT_TRUE(is_blocked(SIGUSR1));
	EXPECT_EQ(entries[0].result, 0);
	EXPECT_EQ(entries[1].result, 0);
	EXPECT_EQ(watches_of(ep), 2);
	close_owned();
}

TEST_ON(EPX, events_beat_signals_in_enter, "53 54")
{
	struct epx_enter enter = enter_with(1, -1);
	uint64_t none = 0, all = UINT64_MAX;
	int ep = new_ep();

	block_and_raise(SIGUSR1);
	entries[0] = add(new_eventfd(1), 1);
	enter.sigmask = (uintptr_t)&none;
	enter.sigsetsize = KERNEL_SIGSET_SIZE;
	EXPECT_EQ(epx_enter(ep, &enter), 1);
	EXPECT_EQ(handled, 0);
	EXPECT_TRUE(is_blocked(SIGUSR1));
	/* Also when it was more that was wanted. */
	enter.count = 0;
	enter.min_events = 3;
	EXPECT_EQ(epx_enter(ep, &enter), 1);
	EXPECT_EQ(handled, 0);
	/* And the mask is restored when the call is refused or fails. */
	enter.min_events = 0;
	enter.sigmask = (uintptr_t)&all;
	enter.events = BAD;
	EXPECT_EQ(epx_enter(ep, &enter), -EFAULT);
	EXPECT_FALSE(is_blocked(SIGUSR2));
	enter.count = 1;
	enter.changes = BAD;
	EXPECT_EQ(epx_enter(ep, &enter), -EFAULT);
	EXPECT_FALSE(is_blocked(SIGUSR2));
	close_owned();
}
