// SPDX-License-Identifier: MIT
/*
 * A wait for more than one event: min_events and min_wait. Who gathers is seen
 * to sleep, or to have slept on, through /proc (waiter.h).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <epollx.h>

#include "helpers.h"
#include "testfiles.h"
#include "waiter.h"

#define MS		1000000LL
#define FILES		4

static struct epoll_event ev[8];

/* Without changes, into ev[]. */
static struct epx_enter gather(int min_events, int64_t timeout,
			       int64_t min_wait)
{
	return (struct epx_enter){
		.events = (uintptr_t)ev, .maxevents = 8, .timeout = timeout,
		.min_events = min_events, .min_wait = min_wait,
	};
}

/* An instance that watches FILES quiet eventfds. */
static int quiet(int fd[FILES], uint32_t events)
{
	int ep = new_ep();

	for (int i = 0; i < FILES; i++) {
		fd[i] = new_eventfd(0);
		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd[i], events, i), 0);
	}
	return ep;
}

static void ring(int fd)
{
	ASSERT_EQ(eventfd_write(fd, 1), 0);
}

/* Each of the first @n files once. */
static void expect_each_once(const struct epoll_event *events, int n)
{
	unsigned int seen = 0;

	for (int i = 0; i < n; i++) {
		EXPECT_EQ(events[i].events, EPOLLIN);
		seen |= 1u << events[i].data.u64;
	}
	EXPECT_EQ(seen, (1u << n) - 1);
}

/* It sleeps through the first two: no switch, and nothing returned. */
static void gathers_three(uint32_t mode)
{
	struct epx_enter enter = gather(3, -1, 0);
	struct waiter waiter = {};
	int fd[FILES], ep = quiet(fd, EPOLLIN | mode);

	waiter_sleep_in(&waiter, ep, &enter);
	ring(fd[0]);
	EXPECT_TRUE(waiter_is_undisturbed(&waiter));
	ring(fd[1]);
	EXPECT_TRUE(waiter_is_undisturbed(&waiter));
	ring(fd[2]);
	ASSERT_EQ(waiter_join(&waiter), 3);
	expect_each_once(waiter.events, 3);
	EXPECT_EQ(ready_now(ep), mode ? 0 : 3);
	close_owned();
}

TEST_ON(EPX, a_wait_for_three_sleeps_until_the_third, "")
{
	gathers_three(0);
}

TEST_ON(EPX, a_wait_for_three_loses_no_edge_and_no_one_shot, "")
{
	gathers_three(EPOLLET);
	gathers_three(EPOLLONESHOT);
}

/* However often one file is reported, it is one event. */
TEST_ON(EPX, one_busy_file_does_not_make_a_crowd, "")
{
	struct epx_enter enter = gather(3, -1, 0);
	struct waiter waiter = {};
	int fd[FILES], ep = quiet(fd, EPOLLIN);

	waiter_sleep_in(&waiter, ep, &enter);
	for (int i = 0; i < 100; i++)
		ring(fd[0]);
	ASSERT_TRUE(waiter_await_sleep(&waiter));
	ring(fd[1]);
	ASSERT_TRUE(waiter_await_sleep(&waiter));
	ring(fd[2]);
	ASSERT_EQ(waiter_join(&waiter), 3);
	expect_each_once(waiter.events, 3);
	close_owned();
}

/* What was reported and then taken back by @undo does not count. */
static void counts_without(int (*undo)(int fd))
{
	struct epx_enter enter = gather(2, -1, 0);
	struct waiter waiter = {};
	int fd[FILES], ep = quiet(fd, EPOLLIN);

	waiter_sleep_in(&waiter, ep, &enter);
	ring(fd[3]);
	ASSERT_EQ(undo(fd[3]), 0);
	ring(fd[0]);
	ASSERT_TRUE(waiter_await_sleep(&waiter));
	ring(fd[1]);
	ASSERT_EQ(waiter_join(&waiter), 2);
	expect_each_once(waiter.events, 2);
	close_owned();
}

static int empty_file(int fd)
{
	eventfd_t value;

	return eventfd_read(fd, &value);
}

TEST_ON(EPX, a_file_that_was_emptied_does_not_count, "")
{
	counts_without(empty_file);
}

TEST_ON(EPX, a_closed_file_does_not_count, "69")
{
	counts_without(close);
}

TEST_ON(EPX, what_is_ready_already_counts, "")
{
	int fd[FILES], ep = quiet(fd, EPOLLIN);
	struct epx_enter enter = gather(3, -1, 0);
	struct waiter waiter = {};

	ring(fd[0]);
	ring(fd[1]);
	waiter_sleep_in(&waiter, ep, &enter);
	ring(fd[2]);
	ASSERT_EQ(waiter_join(&waiter), 3);
	/* Enough from the start, and more than was asked for. */
	ring(fd[3]);
	EXPECT_EQ(epx_enter(ep, &enter), 4);
	expect_each_once(ev, 4);
	enter.maxevents = 3;
	EXPECT_EQ(epx_enter(ep, &enter), 3);
	close_owned();
}

/* By ADD and by MOD, singly and in a batch. */
TEST_ON(EPX, what_a_change_makes_ready_counts, "")
{
	int fd[FILES], ep = quiet(fd, 0);
	struct epx_enter enter = gather(4, -1, 0);
	struct waiter waiter = {};
	struct epx_ctl_entry entries[2] = {
		{ .ctl = { EPOLL_CTL_MOD, fd[1], EPOLLIN, 0, 1 } },
		{ .ctl = { EPX_CTL_PUT, fd[2], EPOLLIN, 0, 2 } },
	};

	for (int i = 0; i < FILES; i++)
		ring(fd[i]);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd[3], 0, 0), 0);
	waiter_sleep_in(&waiter, ep, &enter);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd[0], EPOLLIN, 0), 0);
	ASSERT_EQ(epx_ctlv(ep, entries, 2), 2);
	EXPECT_TRUE(waiter_is_undisturbed(&waiter));
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd[3], EPOLLIN, 3), 0);
	ASSERT_EQ(waiter_join(&waiter), 4);
	expect_each_once(waiter.events, 4);
	close_owned();
}

TEST_ON(EPX, the_timeout_brings_what_there_is, "")
{
	int fd[FILES], ep = quiet(fd, EPOLLIN);
	struct epx_enter enter = gather(3, 3 * MS, 0);
	long long start = now_ns();

	EXPECT_EQ(epx_enter(ep, &enter), 0);
	EXPECT_GE(now_ns(), start + 3 * MS);
	/* Level-triggered ones are not in it twice. */
	ring(fd[0]);
	ring(fd[1]);
	start = now_ns();
	EXPECT_EQ(epx_enter(ep, &enter), 2);
	EXPECT_GE(now_ns(), start + 3 * MS);
	expect_each_once(ev, 2);
	/* A longer min_wait does not make it longer. */
	enter.min_wait = 1000000 * MS;
	EXPECT_EQ(epx_enter(ep, &enter), 2);
	/* And without any time it is a look. */
	enter.timeout = 0;
	EXPECT_EQ(epx_enter(ep, &enter), 2);
	enter.flags = EPX_WAIT_ABSTIME;
	EXPECT_EQ(epx_enter(ep, &enter), 2);
	close_owned();
}

TEST_ON(EPX, after_min_wait_one_event_is_enough, "")
{
	int fd[FILES], ep = quiet(fd, EPOLLIN);
	struct epx_enter enter = gather(3, -1, 3 * MS);
	struct waiter waiter = {};
	long long start;

	/* Not one: it sleeps on, without an end, and returns with the first. */
	enter.min_wait = 1;
	waiter_sleep_in(&waiter, ep, &enter);
	ring(fd[0]);
	ASSERT_EQ(waiter_join(&waiter), 1);
	EXPECT_EQ(waiter.events[0].data.u64, 0);
	/* One: it waits for more as long as that. */
	enter.min_wait = 3 * MS;
	start = now_ns();
	EXPECT_EQ(epx_enter(ep, &enter), 1);
	EXPECT_GE(now_ns(), start + 3 * MS);
	/* A point in time, where the timeout is one. */
	enter.flags = EPX_WAIT_ABSTIME;
	enter.timeout = INT64_MAX;
	start = now_ns();
	enter.min_wait = start + 3 * MS;
	EXPECT_EQ(epx_enter(ep, &enter), 1);
	EXPECT_GE(now_ns(), start + 3 * MS);
	enter.min_wait = 1;
	EXPECT_EQ(epx_enter(ep, &enter), 1);
	/* Enough events do not wait for it. */
	ring(fd[1]);
	ring(fd[2]);
	enter.min_wait = INT64_MAX - 1;
	EXPECT_EQ(epx_enter(ep, &enter), 3);
	/* For one event it means nothing. */
	enter.min_events = 1;
	EXPECT_EQ(epx_enter(ep, &enter), 3);
	close_owned();
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST_ON(EPX, a_signal_brings_what_there_is, "51 53")
{
	struct sigaction action = { .sa_handler = on_signal };
	struct epx_enter enter = gather(3, -1, 0);
	struct waiter waiter = {};
	int fd[FILES], ep = quiet(fd, EPOLLIN);

	ASSERT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	waiter_sleep_in(&waiter, ep, &enter);
	ASSERT_EQ(pthread_kill(waiter.thread, SIGUSR1), 0);
	ASSERT_EQ(waiter_join(&waiter), -EINTR);
	waiter_sleep_in(&waiter, ep, &enter);
	ring(fd[0]);
	ASSERT_EQ(pthread_kill(waiter.thread, SIGUSR1), 0);
	ASSERT_EQ(waiter_join(&waiter), 1);
	EXPECT_EQ(waiter.events[0].data.u64, 0);
	close_owned();
}

/* Whoever came first, and whatever is before it in the queue. */
TEST_ON(EPX, a_wait_for_one_is_served_beside_one_for_many, "61 62")
{
	struct epx_enter many = gather(3, -1, 0);
	struct waiter before = {}, after = {}, gatherer = {};
	int fd[FILES], ep = quiet(fd, EPOLLIN | EPOLLET);

	waiter_sleep(&before, WAITER_EPOLL, ep, 1, -1);
	waiter_sleep_in(&gatherer, ep, &many);
	waiter_sleep(&after, WAITER_EPOLL, ep, 1, -1);
	ring(fd[0]);
	ASSERT_EQ(waiter_join(&after), 1);
	ring(fd[1]);
	ASSERT_EQ(waiter_join(&before), 1);
	/* These took theirs; three others are needed. */
	ring(fd[2]);
	ring(fd[3]);
	ASSERT_TRUE(waiter_await_sleep(&gatherer));
	ring(fd[0]);
	ASSERT_EQ(waiter_join(&gatherer), 3);
	close_owned();
}

/*
 * Level-triggered: what the first one has taken is still there, and counts for
 * the second, which was not asleep at the head of the queue.
 */
TEST_ON(EPX, what_others_have_seen_still_counts, "62")
{
	struct epx_enter many = gather(3, -1, 0);
	struct waiter one = {}, gatherer[2] = {};
	int fd[FILES], ep = quiet(fd, EPOLLIN);

	waiter_sleep_in(&gatherer[0], ep, &many);
	waiter_sleep_in(&gatherer[1], ep, &many);
	for (int i = 0; i < 2; i++) {
		waiter_sleep(&one, WAITER_EPOLL, ep, 1, -1);
		ring(fd[i]);
		ASSERT_EQ(waiter_join(&one), 1);
		EXPECT_FALSE(waiter_has_returned(&gatherer[0]));
		EXPECT_FALSE(waiter_has_returned(&gatherer[1]));
		/* Or the next one would find the first file. */
		if (!i)
			ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd[0], 0, 0), 0);
	}
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd[0], EPOLLIN, 0), 0);
	ring(fd[2]);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(waiter_join(&gatherer[i]), 3);
		expect_each_once(gatherer[i].events, 3);
	}
	close_owned();
}

/* An outer instance gathers from inner ones. */
TEST_ON(EPX, inner_instances_count_as_one_file_each, "")
{
	struct epx_enter enter = gather(2, -1, 0);
	int outer = new_ep(), fd[2][FILES];
	struct waiter waiter = {};

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, quiet(fd[i], EPOLLIN),
				 EPOLLIN, i), 0);
	waiter_sleep_in(&waiter, outer, &enter);
	ring(fd[0][0]);
	ring(fd[0][1]);
	ASSERT_TRUE(waiter_await_sleep(&waiter));
	ring(fd[1][0]);
	ASSERT_EQ(waiter_join(&waiter), 2);
	expect_each_once(waiter.events, 2);
	close_owned();
}

/* Two instances share a file: the first one's waiter gets the wake-up. */
TEST_ON(EPX, who_gathers_takes_an_exclusive_wake_up, "41")
{
	int shared = new_eventfd(0), other = new_eventfd(0);
	int ep = new_ep(), second = new_ep();
	struct epx_enter enter = gather(2, -1, 0);
	struct waiter gatherer = {}, waiter = {};
	const uint32_t mask = EPOLLIN | EPOLLEXCLUSIVE;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, shared, mask, 0), 0);
	ASSERT_EQ(ep_ctl(second, EPOLL_CTL_ADD, shared, mask, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, other, EPOLLIN, 1), 0);
	waiter_sleep_in(&gatherer, ep, &enter);
	waiter_sleep(&waiter, WAITER_EPOLL, second, 1, -1);
	ring(shared);
	EXPECT_TRUE(waiter_is_undisturbed(&gatherer));
	EXPECT_TRUE(waiter_is_undisturbed(&waiter));
	ring(other);
	ASSERT_EQ(waiter_join(&gatherer), 2);
	/* Nobody waits there any more: the next is for the second one. */
	ring(shared);
	EXPECT_EQ(waiter_join(&waiter), 1);
	close_owned();
}

TEST_ON(EPX, who_gathers_can_be_killed, "55")
{
	struct epx_enter enter = gather(3, -1, 0);
	int fd[FILES], ep = quiet(fd, EPOLLIN | EPOLLET), status;
	struct waiter survivor = {};
	pid_t pid = fork();

	if (!pid) {
		epx_enter(ep, &enter);
		_exit(1);
	}
	wait_until_sleeping_in(pid, pid);
	waiter_sleep(&survivor, WAITER_EPOLL, ep, 2, -1);
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ring(fd[0]);
	EXPECT_EQ(waiter_join(&survivor), 1);
	close_owned();
}
