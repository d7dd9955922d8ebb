// SPDX-License-Identifier: MIT
/*
 * Instances that watch instances: which graphs are allowed, and what the
 * outer one gets to see. "A -> B" is: A watches B.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "waiter.h"

/* @outer watches @inner. */
static int watch(int outer, int inner, uint32_t events)
{
	return ep_ctl(outer, EPOLL_CTL_ADD, inner, events, inner);
}

static void new_eps(int ep[], int n)
{
	for (int i = 0; i < n; i++)
		ep[i] = new_ep();
}

/* e0 -> e1 -> ... -> e4, and not one more at either end. */
static void expect_chain_is_full(const int ep[5])
{
	EXPECT_EQ(watch(ep[4], new_ep(), EPOLLIN), -ELOOP);
	EXPECT_EQ(watch(new_ep(), ep[0], EPOLLIN), -ELOOP);
	EXPECT_EQ(watches_of(ep[4]), 0);
	/* An ordinary file is no link of the chain. */
	EXPECT_EQ(watch(ep[4], new_eventfd(0), EPOLLIN), 0);
}

TEST(five_in_a_chain_from_the_top, "77")
{
	int ep[5];

	new_eps(ep, 5);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(watch(ep[i], ep[i + 1], EPOLLIN), 0);
	expect_chain_is_full(ep);
	close_owned();
}

TEST(five_in_a_chain_from_the_bottom, "77")
{
	int ep[5];

	new_eps(ep, 5);
	for (int i = 3; i >= 0; i--)
		EXPECT_EQ(watch(ep[i], ep[i + 1], EPOLLIN), 0);
	expect_chain_is_full(ep);
	close_owned();
}

TEST(five_in_a_chain_from_the_middle, "77")
{
	int ep[5];

	new_eps(ep, 5);
	EXPECT_EQ(watch(ep[0], ep[1], EPOLLIN), 0);
	EXPECT_EQ(watch(ep[2], ep[3], EPOLLIN), 0);
	EXPECT_EQ(watch(ep[3], ep[4], EPOLLIN), 0);
	EXPECT_EQ(watch(ep[1], ep[2], EPOLLIN), 0);
	expect_chain_is_full(ep);
	close_owned();
}

/* Three and three make six. */
TEST(two_chains_of_three_cannot_be_joined, "77")
{
	int a[3], b[3];

	new_eps(a, 3);
	new_eps(b, 3);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(watch(a[i], a[i + 1], EPOLLIN), 0);
		ASSERT_EQ(watch(b[i], b[i + 1], EPOLLIN), 0);
	}
	EXPECT_EQ(watch(a[2], b[0], EPOLLIN), -ELOOP);
	/* Three and two do. */
	EXPECT_EQ(watch(a[2], b[1], EPOLLIN), 0);
	close_owned();
}

TEST(link_taken_out_makes_room, "77")
{
	int ep[5], more = new_ep();

	new_eps(ep, 5);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(watch(ep[i], ep[i + 1], EPOLLIN), 0);
	ASSERT_EQ(watch(more, ep[0], EPOLLIN), -ELOOP);
	ASSERT_EQ(ep_ctl(ep[1], EPOLL_CTL_DEL, ep[2], 0, 0), 0);
	EXPECT_EQ(watch(more, ep[0], EPOLLIN), 0);
	EXPECT_EQ(watch(ep[1], ep[2], EPOLLIN), -ELOOP);
	/* The other way to break a chain. */
	close(ep[4]);
	EXPECT_EQ(watch(ep[1], ep[2], EPOLLIN), 0);
	close_owned();
}

TEST(cycles_of_any_length_are_refused, "78")
{
	for (int length = 2; length <= 5; length++) {
		int ep[5];

		new_eps(ep, length);
		for (int i = 0; i + 1 < length; i++)
			ASSERT_EQ(watch(ep[i], ep[i + 1], EPOLLIN), 0);
		EXPECT_EQ(watch(ep[length - 1], ep[0], EPOLLIN), -ELOOP);
		EXPECT_EQ(watches_of(ep[length - 1]), 0);
	}
	close_owned();
}

/*
 *   a -> b -> d        two ways to d are no cycle;
 *   a -> c -> d        d -> a would be one
 */
TEST(diamond_is_no_cycle, "78")
{
	int a = new_ep(), b = new_ep(), c = new_ep(), d = new_ep();

	ASSERT_EQ(watch(a, b, EPOLLIN), 0);
	ASSERT_EQ(watch(a, c, EPOLLIN), 0);
	ASSERT_EQ(watch(b, d, EPOLLIN), 0);
	EXPECT_EQ(watch(c, d, EPOLLIN), 0);
	EXPECT_EQ(watch(d, a, EPOLLIN), -ELOOP);
	EXPECT_EQ(watch(a, d, EPOLLIN), 0);
	close_owned();
}

/* @roots instances that watch @below; what the next one gets. */
static int add_roots(int below, int roots)
{
	for (int i = 0; i < roots; i++)
		ASSERT_EQ(watch(new_ep(), below, EPOLLIN), 0);
	return watch(new_ep(), below, EPOLLIN);
}

/*
 *   roots -> e[n-1] -> ... -> e0 -> file
 *
 * Only so many roots for a path of this length.
 */
static void path_limit(int length, int limit)
{
	int ep[4], root, extra;

	new_eps(ep, length - 1);
	ASSERT_EQ(watch(ep[0], new_eventfd(0), EPOLLIN), 0);
	for (int i = 1; i < length - 1; i++)
		ASSERT_EQ(watch(ep[i], ep[i - 1], EPOLLIN), 0);
	root = new_ep();
	ASSERT_EQ(watch(root, ep[length - 2], EPOLLIN), 0);
	EXPECT_EQ(add_roots(ep[length - 2], limit - 1), -EINVAL);
	/* It is as if it had never been tried. */
	extra = new_ep();
	EXPECT_EQ(watch(extra, ep[length - 2], EPOLLIN), -EINVAL);
	EXPECT_EQ(watches_of(extra), 0);
	EXPECT_EQ(ep_ctl(extra, EPOLL_CTL_DEL, ep[length - 2], 0, 0), -ENOENT);
	close(root);
	EXPECT_EQ(watch(extra, ep[length - 2], EPOLLIN), 0);
	close_owned();
}

TEST(five_hundred_paths_of_length_two, "79")
{
	path_limit(2, 500);
}

TEST(hundred_paths_of_length_three, "79")
{
	path_limit(3, 100);
}

TEST(fifty_paths_of_length_four, "79")
{
	path_limit(4, 50);
}

TEST(ten_paths_of_length_five, "79")
{
	path_limit(5, 10);
}

TEST(paths_of_length_one_are_not_limited, "79")
{
	int fd = new_eventfd(1);

	EXPECT_EQ(add_roots(fd, 600), 0);
	close_owned();
}

/* 900 roots -> inner -> nothing: no path yet; the first file makes them all. */
TEST(far_too_many_paths_are_refused_at_once, "79")
{
	int inner = new_ep(), fd = new_eventfd(0);

	ASSERT_EQ(add_roots(inner, 900), 0);
	EXPECT_EQ(watch(inner, fd, EPOLLIN), -EINVAL);
	EXPECT_EQ(watches_of(inner), 0);
	EXPECT_EQ(watch(new_ep(), fd, EPOLLIN), 0);
	close_owned();
}

/*
 *   300 roots -> a -> file      600 paths of length two
 *   300 roots -> b -> file
 */
TEST(paths_through_all_watchers_are_counted, "79")
{
	int a = new_ep(), b = new_ep(), fd = new_eventfd(0);

	ASSERT_EQ(watch(a, fd, EPOLLIN), 0);
	ASSERT_EQ(add_roots(a, 299), 0);
	ASSERT_EQ(add_roots(b, 299), 0);
	EXPECT_EQ(watch(b, fd, EPOLLIN), -EINVAL);
	EXPECT_EQ(watches_of(b), 0);
	/* Another file has paths of its own. */
	EXPECT_EQ(watch(b, new_eventfd(0), EPOLLIN), 0);
	close_owned();
}

/* outer (edge) -> inner -> file: an event for each callback of the inner. */
TEST(outer_edge_fires_on_each_inner_callback, "80")
{
	int outer = new_ep(), inner = new_ep(), fd = new_eventfd(0);

	ASSERT_EQ(watch(outer, inner, EPOLLIN | EPOLLET), 0);
	ASSERT_EQ(watch(inner, fd, EPOLLIN), 0);
	EXPECT_EQ(ready_now(outer), 0);
	for (int i = 0; i < 3; i++) {
		/* From the second on, the inner's watch is queued already. */
		ASSERT_EQ(eventfd_write(fd, 1), 0);
		EXPECT_EQ(ready_now(outer), 1);
		EXPECT_EQ(ready_now(outer), 0);
	}
	/* The inner's own waits put the watch back, and tell nobody. */
	EXPECT_EQ(ready_now(inner), 1);
	EXPECT_EQ(ready_now(inner), 1);
	EXPECT_EQ(ready_now(outer), 0);
	close_owned();
}

TEST(outer_edge_fires_on_inner_add_and_mod, "80")
{
	int outer = new_ep(), inner = new_ep(), fd = new_eventfd(1);

	ASSERT_EQ(watch(outer, inner, EPOLLIN | EPOLLET), 0);
	ASSERT_EQ(watch(inner, fd, EPOLLIN | EPOLLET), 0);
	EXPECT_EQ(ready_now(outer), 1);
	EXPECT_EQ(ready_now(outer), 0);
	/* Queued still: nothing new. */
	ASSERT_EQ(ep_ctl(inner, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 0), 0);
	EXPECT_EQ(ready_now(outer), 0);
	EXPECT_EQ(ready_now(inner), 1);
	ASSERT_EQ(ep_ctl(inner, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 0), 0);
	EXPECT_EQ(ready_now(outer), 1);
	close_owned();
}

TEST(outer_level_follows_the_inner, "81 82")
{
	int outer = new_ep(), inner = new_ep(), fd = new_eventfd(0);
	eventfd_t value;

	ASSERT_EQ(watch(outer, inner, EPOLLIN), 0);
	ASSERT_EQ(watch(inner, fd, EPOLLIN), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(ready_now(outer), 1);
		EXPECT_EQ(ready_now(inner), 1);
	}
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	EXPECT_EQ(ready_now(outer), 0);
	EXPECT_EQ(ready_now(inner), 0);
	close_owned();
}

/* The outer one's wait takes nothing from the inner one. */
TEST(inner_edge_is_kept_for_the_inner_wait, "82")
{
	int outer = new_ep(), inner = new_ep(), fd = new_eventfd(0);
	struct epoll_event ev;

	ASSERT_EQ(watch(outer, inner, EPOLLIN), 0);
	ASSERT_EQ(watch(inner, fd, EPOLLIN | EPOLLET), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(ep_wait(outer, &ev, 1, 0), 1);
		EXPECT_EQ(ev.events, EPOLLIN);
		EXPECT_EQ(ev.data.u64, inner);
	}
	EXPECT_EQ(ready_now(inner), 1);
	EXPECT_EQ(ready_now(outer), 0);
	close_owned();
}

TEST(sleeper_at_the_top_is_woken_through_five, "81 77")
{
	int ep[5], fd = new_eventfd(0);
	struct waiter w = {};

	new_eps(ep, 5);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(watch(ep[i], ep[i + 1], EPOLLIN), 0);
	ASSERT_EQ(watch(ep[4], fd, EPOLLIN), 0);
	waiter_sleep(&w, WAITER_EPOLL, ep[0], 4, -1);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(waiter_join(&w), 1);
	EXPECT_EQ(w.events[0].data.u64, ep[1]);
	close_owned();
}

TEST(outer_that_asks_for_room_hears_nothing, "84 76")
{
	int outer = new_ep(), inner = new_ep(), fd = new_eventfd(1);

	EXPECT_EQ(watch(outer, inner, EPOLLOUT), 0);
	ASSERT_EQ(watch(inner, fd, EPOLLIN | EPOLLOUT), 0);
	EXPECT_EQ(ready_now(outer), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(ready_now(outer), 0);
	EXPECT_EQ(ready_now(inner), 1);
	close_owned();
}

TEST(closed_inner_leaves_without_a_word, "74 72")
{
	int outer = new_ep(), inner = new_ep(), fd = new_eventfd(1);

	ASSERT_EQ(watch(inner, fd, EPOLLIN), 0);
	ASSERT_EQ(watch(outer, inner, EPOLLIN), 0);
	EXPECT_EQ(ready_now(outer), 1);
	close(inner);
	EXPECT_EQ(ready_now(outer), 0);
	EXPECT_EQ(watches_of(outer), 0);
	close_owned();
}
