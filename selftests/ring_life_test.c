// SPDX-License-Identifier: MIT
/*
 * Items and the lives of watches: what a delete, a close and another add do to
 * an item, and that events of one life are not those of the next.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "helpers.h"
#include "ringfile.h"
#include "testfiles.h"

TEST_ON(EPX, more_watches_than_items_are_enospc, "21")
{
	struct epx_consumer ring;
	int ep = new_ring(&ring, 3), fd[4];

	for (int i = 0; i < 4; i++)
		fd[i] = new_eventfd(0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(ring_add(ep, fd[i], EPOLLIN | EPOLLET, i), i);
		EXPECT_EQ(epx_change(ep, EPOLL_CTL_ADD, fd[3], EPOLLIN, 3),
			  -ENOSPC);
		EXPECT_EQ(epx_change(ep, EPX_CTL_PUT, fd[3], EPOLLIN, 3),
			  -ENOSPC);
		EXPECT_EQ(epx_change(ep, EPOLL_CTL_ADD, fd[1], EPOLLIN, 3),
			  -EEXIST);
		EXPECT_EQ(watches_of(ep), 3);
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(epx_change(ep, EPOLL_CTL_DEL, fd[i], 0, 0),
				  0);
	}
	/* A closed file gives its item back at once. */
	for (int i = 0; i < 3; i++)
		ring_add(ep, fd[i], EPOLLIN | EPOLLET, i);
	close(fd[1]);
	EXPECT_EQ(ring_add(ep, fd[3], EPOLLIN | EPOLLET, 3), 1);
}

TEST_ON(EPX, a_deleted_watch_has_no_events, "69")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	struct epoll_event ev;
	int ep = new_ring(&ring, 4), fd = new_eventfd(1), item;

	item = ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	EXPECT_EQ(slots_filled(&ring), 1);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	/* The slot cannot be taken back; the item says that it is nothing. */
	EXPECT_EQ(slots_filled(&ring), 1);
	EXPECT_EQ(flags_of(&ring, item), EPX_ITEM_INRING);
	EXPECT_EQ(epx_ring_generation(&ring, item), 2);
	EXPECT_EQ(ring_drain(&ring, &event), 0);
	EXPECT_EQ(flags_of(&ring, item), 0);
	EXPECT_EQ(slots_filled(&ring), 0);
	/* The same, seen by a wait with an array. */
	ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	EXPECT_EQ(ep_wait(ep, &ev, 1, 0), 0);
	EXPECT_EQ(slots_filled(&ring), 0);
}

TEST_ON(EPX, a_closed_file_has_no_events, "66 67")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(1), item;

	item = ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	close(fd);
	EXPECT_EQ(flags_of(&ring, item), EPX_ITEM_INRING);
	EXPECT_EQ(epx_ring_generation(&ring, item), 2);
	EXPECT_EQ(ring_drain(&ring, &event), 0);
	EXPECT_EQ(watches_of(ep), 0);
	/* Nor has one that is marked, or on the kernel's list. */
	fd = new_eventfd(1);
	ring_add(ep, fd, EPOLLIN, 1);
	close(fd);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
	EXPECT_EQ(ring_drain(&ring, &event), 0);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
}

/* The item of a watch that is over is in the ring when the next one gets it. */
TEST_ON(EPX, an_item_keeps_its_place_over_lives, "69")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 1), fd[3];

	for (int i = 0; i < 3; i++)
		fd[i] = new_eventfd(1);
	for (int round = 0; round < 9; round++) {
		EXPECT_EQ(ring_add(ep, fd[round % 3], EPOLLIN | EPOLLET,
				   round), 0);
		/* One item, one slot, whoever had it before. */
		EXPECT_EQ(slots_filled(&ring), 1);
		if (round < 8)
			EXPECT_EQ(epx_change(ep, EPOLL_CTL_DEL, fd[round % 3],
					     0, 0), 0);
	}
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.data, 8);
	EXPECT_EQ(event.generation, 17);
	EXPECT_FALSE(epx_ring_next(&ring, &event));
	EXPECT_EQ(*ring.head, 1);
}

TEST_ON(EPX, an_old_event_is_not_a_new_watchs, "69")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 2), busy = new_eventfd(1), idle, item;

	idle = new_eventfd(0);
	item = ring_add(ep, busy, EPOLLIN | EPOLLET, 1);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_DEL, busy, 0, 0), 0);
	EXPECT_EQ(ring_add(ep, idle, EPOLLIN | EPOLLET, 2), item);
	EXPECT_EQ(ring_drain(&ring, &event), 0);
	eventfd_write(busy, 1);
	EXPECT_EQ(ring_drain(&ring, &event), 0);
	eventfd_write(idle, 1);
	ASSERT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(event.data, 2);
	EXPECT_EQ(epx_ring_arm(&ring, item, 1), -ESTALE);
	EXPECT_EQ(epx_ring_arm(&ring, item, event.generation), 0);
}

TEST_ON(EPX, a_modify_drops_what_was_latched, "35")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 2), fd = new_eventfd(0), item;

	item = ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	eventfd_write(fd, 1);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_MOD, fd, EPOLLPRI | EPOLLET, 5),
		  item);
	EXPECT_EQ(ring_drain(&ring, &event), 0);
	/* And publishes what is true of the new mask. */
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 6),
		  item);
	ASSERT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(event.data, 6);
	EXPECT_EQ(event.generation, 1);
	/* It arms. */
	epx_ring_disarm(&ring, item);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 7),
		  item);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
}

TEST_ON(EPX, a_failed_add_leaves_its_item_free, "22")
{
	struct epx_consumer ring;
	int ep = new_ring(&ring, 1), outer[6], fd = new_eventfd(0);

	/* Too deep: refused after the item was given. */
	outer[0] = ep;
	for (int i = 1; i < 5; i++) {
		outer[i] = new_ep();
		ASSERT_EQ(ep_ctl(outer[i], EPOLL_CTL_ADD, outer[i - 1],
				 EPOLLIN, 0), 0);
	}
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_ADD, new_ep(), EPOLLIN, 0), -ELOOP);
	EXPECT_EQ(ring_add(ep, fd, EPOLLIN | EPOLLET, 1), 0);
}

/* dup'ed descriptors are watches of their own, with an item each. */
TEST_ON(EPX, two_numbers_have_two_items, "23")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 2), fd = new_eventfd(0), other;

	other = own(dup(fd));
	EXPECT_EQ(ring_add(ep, fd, EPOLLIN | EPOLLET, 1), 0);
	EXPECT_EQ(ring_add(ep, other, EPOLLIN | EPOLLET, 2), 1);
	eventfd_write(fd, 1);
	EXPECT_EQ(ring_drain(&ring, &event), 2);
	close(fd);
	eventfd_write(other, 1);
	/* The file lives, and so do both watches. */
	EXPECT_EQ(ring_drain(&ring, &event), 2);
	EXPECT_EQ(watches_of(ep), 2);
}

TEST_ON(EPX, fdinfo_has_the_data_of_the_last_change, "33")
{
	int ep, fd = new_eventfd(0);
	struct epx_consumer ring;

	ep = new_ring(&ring, 2);
	ring_add(ep, fd, EPOLLIN | EPOLLET, 0xabcdef0123ULL);
	EXPECT_TRUE(strstr(read_fdinfo(ep), "data:       abcdef0123 "));
}
