// SPDX-License-Identifier: MIT
/*
 * Trigger modes: level, edge, one-shot, and what re-arms them. Exclusive
 * watches have a suite of their own, and so has one-shot among threads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "waiter.h"

#define ONESHOT_BITS	(EPOLLONESHOT | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE)

static int add(int ep, int fd, uint32_t events, uint64_t data)
{
	return ep_ctl(ep, EPOLL_CTL_ADD, fd, events, data);
}

static int mod(int ep, int fd, uint32_t events, uint64_t data)
{
	return ep_ctl(ep, EPOLL_CTL_MOD, fd, events, data);
}

TEST(level_is_reported_as_long_as_it_lasts, "34")
{
	int ep = new_ep(), fd = new_eventfd(1);
	eventfd_t value;

	ASSERT_EQ(add(ep, fd, EPOLLIN, 0), 0);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(ready_now(ep), 1);
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	EXPECT_EQ(ready_now(ep), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(ready_now(ep), 1);
	close_owned();
}

TEST(level_read_between_two_waits_is_gone, "34")
{
	int ep = new_ep(), p[2];
	char byte;

	new_pipe(p);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(add(ep, p[0], EPOLLIN, 0), 0);
	EXPECT_EQ(ready_now(ep), 1);
	ASSERT_EQ(read(p[0], &byte, 1), 1);
	EXPECT_EQ(ready_now(ep), 0);
	close_owned();
}

/* Write, wait, write, wait, wait, and never a read: 1, 1, 0. */
static void edge_per_write(int reader, int writer)
{
	static const uint64_t one = 1;
	int ep = new_ep();

	ASSERT_EQ(add(ep, reader, EPOLLIN | EPOLLET, 0), 0);
	EXPECT_EQ(ready_now(ep), 0);
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(write(writer, &one, 8), 8);
		EXPECT_EQ(ready_now(ep), 1);
		EXPECT_EQ(ready_now(ep), 0);
	}
	/* Two writes before a wait are one event. */
	ASSERT_EQ(write(writer, &one, 8), 8);
	ASSERT_EQ(write(writer, &one, 8), 8);
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(ready_now(ep), 0);
}

TEST(edge_fires_on_each_write_to_an_eventfd, "35")
{
	int fd = new_eventfd(0);

	edge_per_write(fd, fd);
	close_owned();
}

TEST(edge_fires_on_each_write_to_a_pipe, "35")
{
	int p[2];

	new_pipe(p);
	edge_per_write(p[0], p[1]);
	close_owned();
}

TEST(edge_fires_on_each_write_to_a_unix_socket, "35")
{
	int s[2];

	new_socketpair(SOCK_STREAM, s);
	edge_per_write(s[0], s[1]);
	close_owned();
}

TEST(edge_is_not_repeated_after_a_partial_read, "35")
{
	int ep = new_ep(), p[2];
	char byte;

	new_pipe(p);
	ASSERT_EQ(add(ep, p[0], EPOLLIN | EPOLLET, 0), 0);
	ASSERT_EQ(write(p[1], "xy", 2), 2);
	EXPECT_EQ(ready_now(ep), 1);
	ASSERT_EQ(read(p[0], &byte, 1), 1);
	EXPECT_EQ(ready_now(ep), 0);
	close_owned();
}

TEST(identical_mod_fires_a_ready_edge_again, "36")
{
	int ep = new_ep(), fd = new_eventfd(1);
	eventfd_t value;

	ASSERT_EQ(add(ep, fd, EPOLLIN | EPOLLET, 3), 0);
	EXPECT_EQ(ready_now(ep), 1);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(ready_now(ep), 0);
		ASSERT_EQ(mod(ep, fd, EPOLLIN | EPOLLET, 3), 0);
		EXPECT_EQ(ready_now(ep), 1);
	}
	/* Not if it is not ready. */
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	ASSERT_EQ(mod(ep, fd, EPOLLIN | EPOLLET, 3), 0);
	EXPECT_EQ(ready_now(ep), 0);
	close_owned();
}

TEST(mod_wakes_a_sleeper_if_ready, "36 25")
{
	int ep = new_ep(), fd = new_eventfd(1);
	struct waiter w = {};

	ASSERT_EQ(add(ep, fd, 0, 0), 0);
	waiter_sleep(&w, WAITER_EPOLL, ep, 4, -1);
	ASSERT_EQ(mod(ep, fd, EPOLLIN, 9), 0);
	EXPECT_EQ(waiter_join(&w), 1);
	EXPECT_EQ(w.events[0].events, EPOLLIN);
	EXPECT_EQ(w.events[0].data.u64, 9);
	close_owned();
}

TEST(mod_to_level_brings_the_level_back, "36 34")
{
	int ep = new_ep(), fd = new_eventfd(1);

	ASSERT_EQ(add(ep, fd, EPOLLIN | EPOLLET, 0), 0);
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(ready_now(ep), 0);
	ASSERT_EQ(mod(ep, fd, EPOLLIN, 0), 0);
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(ready_now(ep), 1);
	close_owned();
}

TEST(add_of_a_ready_file_queues_it_once, "37")
{
	int ep = new_ep(), fd = new_eventfd(1);

	ASSERT_EQ(add(ep, fd, EPOLLIN | EPOLLET, 0), 0);
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(ready_now(ep), 0);
	close_owned();
}

TEST(add_of_a_ready_file_wakes_one_sleeper, "37 25")
{
	int ep = new_ep(), fd = new_eventfd(1);
	struct waiter w[2] = {};
	int first;

	for (int i = 0; i < 2; i++)
		waiter_sleep(&w[i], WAITER_EPOLL, ep, 4, -1);
	ASSERT_EQ(add(ep, fd, EPOLLIN | EPOLLET, 5), 0);
	first = waiter_await_any(w, 2);
	EXPECT_EQ(waiter_join(&w[first]), 1);
	EXPECT_EQ(w[first].events[0].data.u64, 5);
	EXPECT_TRUE(waiter_is_undisturbed(&w[!first]));
	close_owned();
}

TEST(oneshot_is_disarmed_and_stays_registered, "38")
{
	int ep = new_ep(), fd = new_eventfd(1);

	ASSERT_EQ(add(ep, fd, EPOLLIN | EPOLLONESHOT, 0), 0);
	EXPECT_EQ(stored_mask(ep, fd), 0x40000019);
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(stored_mask(ep, fd), 0x40000000);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(ready_now(ep), 0);
	EXPECT_EQ(add(ep, fd, EPOLLIN, 0), -EEXIST);
	EXPECT_EQ(stored_mask(ep, fd), 0x40000000);
	close_owned();
}

TEST(mod_rearms_oneshot_and_reports_at_once, "38 36")
{
	int ep = new_ep(), fd = new_eventfd(1);
	struct epoll_event ev;

	ASSERT_EQ(add(ep, fd, EPOLLIN | EPOLLONESHOT, 1), 0);
	EXPECT_EQ(ready_now(ep), 1);
	for (int i = 2; i < 5; i++) {
		ASSERT_EQ(mod(ep, fd, EPOLLIN | EPOLLONESHOT, i), 0);
		ASSERT_EQ(ep_wait(ep, &ev, 1, 0), 1);
		EXPECT_EQ(ev.data.u64, i);
		EXPECT_EQ(ready_now(ep), 0);
	}
	close_owned();
}

TEST(disarmed_oneshot_keeps_its_steering_bits, "38")
{
	int ep = new_ep(), fd = new_eventfd(1);

	ASSERT_EQ(add(ep, fd, EPOLLIN | EPOLLPRI | EPOLLET | EPOLLONESHOT, 0),
		  0);
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(stored_mask(ep, fd), EPOLLET | EPOLLONESHOT);
	EXPECT_EQ(stored_mask(ep, fd) & ~ONESHOT_BITS, 0);
	close_owned();
}

TEST(oneshot_that_was_not_ready_stays_armed, "38")
{
	int ep = new_ep(), fd = new_eventfd(0);
	eventfd_t value;

	ASSERT_EQ(add(ep, fd, EPOLLIN | EPOLLONESHOT, 0), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	EXPECT_EQ(ready_now(ep), 0);
	EXPECT_EQ(stored_mask(ep, fd), 0x40000019);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(ready_now(ep), 1);
	close_owned();
}

/* What could not be delivered has not fired, whatever the mode. */
static void fault_keeps_the_event(uint32_t mode)
{
	int ep = new_ep(), fd = new_eventfd(1);
	struct epoll_event *nowhere;

	nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	ASSERT_TRUE(nowhere != MAP_FAILED);
	ASSERT_EQ(add(ep, fd, EPOLLIN | mode, 0), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(ep_wait(ep, nowhere, 4, 0), -EFAULT);
	EXPECT_EQ(stored_mask(ep, fd), 0x19 | mode);
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(ready_now(ep), 0);
	munmap(nowhere, 4096);
}

TEST(oneshot_is_not_disarmed_by_a_fault, "38 48")
{
	fault_keeps_the_event(EPOLLONESHOT);
	close_owned();
}

TEST(edge_is_not_lost_by_a_fault, "35 48")
{
	fault_keeps_the_event(EPOLLET);
	close_owned();
}

/* The mask that is stored for IN | WAKEUP by a child without @privilege. */
static int64_t wakeup_mask(bool as_nobody)
{
	int ep = new_ep(), fd = new_eventfd(0), status;
	int64_t mask;
	pid_t child = fork();

	ASSERT_GE(child, 0);
	if (!child) {
		if (as_nobody && (setgid(65534) || setuid(65534)))
			_exit(1);
		_exit(add(ep, fd, EPOLLIN | EPOLLWAKEUP, 0) ? 2 : 0);
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	ASSERT_EQ(status, 0);
	mask = stored_mask(ep, fd);
	close(ep);
	close(fd);
	return mask;
}

/* Whether the kernel knows the bit at all depends on its configuration. */
TEST(wakeup_is_kept_for_root, "44")
{
	if (geteuid())
		SKIP("needs root");
	OBSERVE("mask", wakeup_mask(false));
	EXPECT_EQ(wakeup_mask(false) | EPOLLWAKEUP, 0x20000019);
	close_owned();
}

TEST(wakeup_is_stripped_without_the_capability, "44")
{
	if (geteuid())
		SKIP("needs root");
	EXPECT_EQ(wakeup_mask(true), 0x19);
	close_owned();
}

TEST(wakeup_watch_is_delivered_like_any_other, "44")
{
	int ep = new_ep(), fd = new_eventfd(0);
	eventfd_t value;

	ASSERT_EQ(add(ep, fd, EPOLLIN | EPOLLWAKEUP | EPOLLET, 0), 0);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(eventfd_write(fd, 1), 0);
		EXPECT_EQ(ready_now(ep), 1);
		EXPECT_EQ(ready_now(ep), 0);
		ASSERT_EQ(eventfd_read(fd, &value), 0);
		/* On, off and on again. */
		ASSERT_EQ(mod(ep, fd, EPOLLIN | (i & 1 ? EPOLLWAKEUP : 0) |
			      EPOLLET, 0), 0);
	}
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	close_owned();
}
