// SPDX-License-Identifier: MIT
/*
 * The order of delivery: files come in the order in which they became ready,
 * and take turns where the array is too small for all of them.
 *
 * A row of eventfds, called A, B, C, ... by the data of their watches; what a
 * wait delivers is written as the string of those letters.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "probefile.h"
#include "testfiles.h"
#include "waiter.h"

#define MOST	8

/* An instance with @n files, all level-triggered unless @events says more. */
static int make_row(int fd[], int n, uint32_t events)
{
	int ep = new_ep();

	for (int i = 0; i < n; i++) {
		fd[i] = new_eventfd(0);
		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd[i], EPOLLIN | events,
				 'A' + i), 0);
	}
	return ep;
}

/* Makes files ready, in the order of @letters. */
static void raise_all(const int fd[], const char *letters)
{
	for (; *letters; letters++)
		ASSERT_EQ(eventfd_write(fd[*letters - 'A'], 1), 0);
}

static void lower(int fd)
{
	eventfd_t value;

	ASSERT_EQ(eventfd_read(fd, &value), 0);
}

/* The letters that a wait for @max events delivers. */
static const char *delivered(int ep, int max)
{
	static char letters[2 * MOST + 1];
	struct epoll_event ev[2 * MOST];
	int n = ep_wait(ep, ev, max, 0);

	ASSERT_GE(n, 0);
	for (int i = 0; i < n; i++)
		letters[i] = ev[i].data.u64;
	letters[n] = 0;
	return letters;
}

static void expect_delivered(int ep, int max, const char *letters)
{
	const char *got = delivered(ep, max);

	if (strcmp(got, letters))
		test_fail(__FILE__, __LINE__, "\"%s\" came, not \"%s\"", got,
			  letters);
}

TEST(order_is_that_of_becoming_ready, "57")
{
	int fd[MOST], ep = make_row(fd, 5, EPOLLET);

	raise_all(fd, "CAEBD");
	expect_delivered(ep, MOST, "CAEBD");
	close_owned();
}

TEST(further_wakes_do_not_change_the_place, "57")
{
	int fd[MOST], ep = make_row(fd, 3, EPOLLET);

	raise_all(fd, "CAB");
	raise_all(fd, "CCB");
	expect_delivered(ep, MOST, "CAB");
	expect_delivered(ep, MOST, "");
	close_owned();
}

TEST(one_by_one_they_take_turns, "57 34")
{
	int fd[MOST], ep = make_row(fd, 3, 0);

	raise_all(fd, "CAB");
	for (int round = 0; round < 3; round++) {
		expect_delivered(ep, 1, "C");
		expect_delivered(ep, 1, "A");
		expect_delivered(ep, 1, "B");
	}
	close_owned();
}

TEST(two_by_two_they_take_turns, "57 34")
{
	int fd[MOST], ep = make_row(fd, 3, 0);

	raise_all(fd, "CAB");
	expect_delivered(ep, 2, "CA");
	expect_delivered(ep, 2, "BC");
	expect_delivered(ep, MOST, "ABC");
	close_owned();
}

TEST(full_rotations_are_fair, "57")
{
	int fd[MOST], ep = make_row(fd, 7, 0), count[7] = {};

	raise_all(fd, "GFEDCBA");
	for (int i = 0; i < 7 * 10; i++) {
		struct epoll_event ev[3];
		int n = ep_wait(ep, ev, 3, 0);

		ASSERT_EQ(n, 3);
		for (int j = 0; j < n; j++)
			count[ev[j].data.u64 - 'A']++;
	}
	for (int i = 0; i < 7; i++)
		EXPECT_EQ(count[i], 30);
	close_owned();
}

TEST(no_file_twice_in_one_call, "57")
{
	int fd[MOST], ep = make_row(fd, 3, 0);

	raise_all(fd, "ABC");
	expect_delivered(ep, 2 * MOST, "ABC");
	close_owned();
}

TEST(new_ones_go_behind_the_rest_and_before_the_repeated, "57")
{
	int fd[MOST], ep = make_row(fd, 4, 0);

	raise_all(fd, "AB");
	expect_delivered(ep, 1, "A");
	/* Now B, A; C comes behind both. */
	raise_all(fd, "C");
	expect_delivered(ep, MOST, "BAC");
	close_owned();
}

TEST(ready_at_add_goes_to_the_end, "57 37")
{
	int fd[MOST], ep = make_row(fd, 2, 0), late = new_eventfd(1);

	raise_all(fd, "BA");
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, late, EPOLLIN, 'L'), 0);
	expect_delivered(ep, MOST, "BAL");
	close_owned();
}

TEST(mod_keeps_the_place, "58")
{
	int fd[MOST], ep = make_row(fd, 3, EPOLLET);

	raise_all(fd, "CAB");
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd[2], EPOLLIN | EPOLLET, 'X'), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLET, 'Y'), 0);
	expect_delivered(ep, MOST, "XYB");
	close_owned();
}

TEST(mod_of_a_delivered_edge_goes_to_the_end, "58 36")
{
	int fd[MOST], ep = make_row(fd, 3, EPOLLET);

	raise_all(fd, "ABC");
	expect_delivered(ep, 1, "A");
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLET, 'A'), 0);
	expect_delivered(ep, MOST, "BCA");
	close_owned();
}

TEST(no_longer_ready_is_skipped_and_comes_back_last, "58")
{
	int fd[MOST], ep = make_row(fd, 3, 0);

	raise_all(fd, "ABC");
	lower(fd[0]);
	expect_delivered(ep, MOST, "BC");
	raise_all(fd, "A");
	expect_delivered(ep, MOST, "BCA");
	close_owned();
}

TEST(not_ready_but_not_looked_at_keeps_the_place, "58")
{
	int fd[MOST], ep = make_row(fd, 3, 0);

	raise_all(fd, "ABC");
	lower(fd[0]);
	raise_all(fd, "A");
	expect_delivered(ep, MOST, "ABC");
	close_owned();
}

TEST(delete_closes_the_gap, "57")
{
	int fd[MOST], ep = make_row(fd, 4, 0);

	raise_all(fd, "DCBA");
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd[2], 0, 0), 0);
	expect_delivered(ep, MOST, "DBA");
	close(fd[1]);
	expect_delivered(ep, MOST, "DA");
	close_owned();
}

TEST(skipped_files_take_no_room, "57 58")
{
	int fd[MOST], ep = make_row(fd, 4, 0);

	raise_all(fd, "ABCD");
	lower(fd[0]);
	lower(fd[1]);
	expect_delivered(ep, 2, "CD");
	close_owned();
}

static short polled(int ep)
{
	struct pollfd pfd = { .fd = ep, .events = POLLIN };

	return poll(&pfd, 1, 0) ? pfd.revents : 0;
}

TEST(poll_does_not_reorder, "59 76")
{
	int fd[MOST], ep = make_row(fd, 4, EPOLLET);

	raise_all(fd, "DBCA");
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(polled(ep), POLLIN);
	expect_delivered(ep, MOST, "DBCA");
	close_owned();
}

TEST(poll_drops_what_it_finds_stale, "59")
{
	int fd[MOST], ep = make_row(fd, 3, EPOLLET);

	raise_all(fd, "ABC");
	lower(fd[0]);
	EXPECT_EQ(polled(ep), POLLIN);
	/* A has left the list, so now it goes behind the others. */
	raise_all(fd, "A");
	expect_delivered(ep, MOST, "BCA");
	close_owned();
}

TEST(poll_stops_at_the_first_ready, "59")
{
	int fd[MOST], ep = make_row(fd, 3, EPOLLET);

	raise_all(fd, "ABC");
	lower(fd[2]);
	EXPECT_EQ(polled(ep), POLLIN);
	/* Nobody has looked at C, so it has kept its place. */
	raise_all(fd, "C");
	expect_delivered(ep, MOST, "ABC");
	close_owned();
}

TEST(nested_scan_does_not_reorder, "59 82")
{
	int fd[MOST], ep = make_row(fd, 3, EPOLLET), outer = new_ep();

	ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, ep, EPOLLIN, 'O'), 0);
	raise_all(fd, "CAB");
	expect_delivered(outer, MOST, "O");
	expect_delivered(outer, MOST, "O");
	expect_delivered(ep, MOST, "CAB");
	close_owned();
}

/*
 * A scan is stopped in the ->poll of a probe, P, while other files become
 * ready. They are there afterwards, in their order, and each once.
 *
 *   ready: P, A     scan: P ... (stopped)     meanwhile: C, B, and P again
 */
TEST(events_during_a_scan_are_kept_in_order, "64 57")
{
	int fd[MOST], ep = make_row(fd, 3, EPOLLET), probe = probe_open();
	struct waiter w = {};

	probe_set(probe, EPOLLIN);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, EPOLLIN | EPOLLET, 'P'), 0);
	raise_all(fd, "A");
	probe_hold(probe);
	waiter_start(&w, WAITER_EPOLL, ep, MOST, 0);
	probe_await_held(probe);
	raise_all(fd, "CB");
	probe_wake(probe, EPOLLIN);
	probe_release(probe);
	EXPECT_EQ(waiter_join(&w), 2);
	EXPECT_EQ(w.events[0].data.u64, 'P');
	EXPECT_EQ(w.events[1].data.u64, 'A');
	/* The wake of P came after its poll had looked: a new event. */
	expect_delivered(ep, MOST, "CBP");
	expect_delivered(ep, MOST, "");
	close_owned();
}

TEST(rest_then_arrived_then_repeated, "57 64")
{
	int fd[MOST], ep = make_row(fd, 4, 0), probe = probe_open();
	struct waiter w = {};

	probe_set(probe, EPOLLIN);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, EPOLLIN, 'P'), 0);
	raise_all(fd, "AB");
	probe_hold(probe);
	/* Room for P alone: A and B are not visited. */
	waiter_start(&w, WAITER_EPOLL, ep, 1, 0);
	probe_await_held(probe);
	raise_all(fd, "DC");
	probe_release(probe);
	EXPECT_EQ(waiter_join(&w), 1);
	EXPECT_EQ(w.events[0].data.u64, 'P');
	expect_delivered(ep, MOST, "ABDCP");
	close_owned();
}

/*
 * The file is found not ready, and becomes ready before the scan goes on:
 * the scan delivers nothing of it, the next one does.
 */
TEST(wake_between_poll_and_the_end_of_the_scan_is_kept, "64 63")
{
	int ep = new_ep(), probe = probe_open();
	struct waiter w = {};

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe, EPOLLIN | EPOLLET, 'P'), 0);
	probe_wake(probe, EPOLLIN);
	probe_hold(probe);
	waiter_start(&w, WAITER_EPOLL, ep, MOST, -1);
	probe_await_held(probe);
	probe_set(probe, EPOLLIN);
	probe_wake(probe, EPOLLIN);
	probe_release(probe);
	/* It does not go to sleep over it. */
	EXPECT_EQ(waiter_join(&w), 1);
	expect_delivered(ep, MOST, "");
	close_owned();
}
