// SPDX-License-Identifier: MIT
/*
 * The mapped ring: what comes into it, when, and what takes it out, for every
 * mode of a watch.
 *
 * Tests look at the map itself where they can, so that a fault of the library
 * does not hide one of the module.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "helpers.h"
#include "ringfile.h"
#include "testfiles.h"

TEST_ON(EPX, a_new_ring_is_empty, "")
{
	struct epx_consumer ring;
	int ep = new_ring(&ring, 5);

	EXPECT_TRUE(epx_ring_is_empty(&ring));
	EXPECT_EQ(ring.mask, 7);
	EXPECT_EQ(ring.nr_items, 5);
	EXPECT_EQ(slots_filled(&ring), 0);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	EXPECT_EQ(ready_now(ep), 0);
}

TEST_ON(EPX, an_add_returns_its_item, "")
{
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(0);

	EXPECT_EQ(ring_add(ep, new_eventfd(0), EPOLLIN | EPOLLET, 1), 0);
	EXPECT_EQ(ring_add(ep, fd, EPOLLIN | EPOLLET, 0x123456789abcULL), 1);
	EXPECT_EQ(ring.items[1].data, 0x123456789abcULL);
	EXPECT_EQ(flags_of(&ring, 1), EPX_ITEM_ARMED);
	EXPECT_EQ(epx_ring_generation(&ring, 1), 1);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 9), 1);
	EXPECT_EQ(epx_change(ep, EPX_CTL_PUT, fd, EPOLLIN, 10), 1);
	EXPECT_EQ(ring.items[1].data, 10);
	EXPECT_EQ(epx_change(ep, EPX_CTL_PUT, new_eventfd(0), EPOLLIN, 2), 2);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	EXPECT_EQ(flags_of(&ring, 1), 0);
	EXPECT_EQ(epx_ring_generation(&ring, 1), 2);
}

TEST_ON(EPX, a_wakeup_publishes_a_hint, "31")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(0), item;

	item = ring_add(ep, fd, EPOLLIN | EPOLLET, 42);
	EXPECT_TRUE(epx_ring_is_empty(&ring));
	eventfd_write(fd, 1);
	EXPECT_EQ(slots_filled(&ring), 1);
	EXPECT_EQ(flags_of(&ring, item),
		  EPX_ITEM_ARMED | EPX_ITEM_INRING | EPOLLIN);
	/* A second one adds no slot. */
	eventfd_write(fd, 1);
	EXPECT_EQ(slots_filled(&ring), 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.events, EPOLLIN);
	EXPECT_EQ(event.data, 42);
	EXPECT_EQ(event.item, item);
	EXPECT_EQ(event.generation, 1);
	EXPECT_EQ(flags_of(&ring, item), EPX_ITEM_ARMED);
	EXPECT_FALSE(epx_ring_next(&ring, &event));
	EXPECT_FALSE(ring.recheck);
	/* An edge: not again without a wake-up, whoever asks. */
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	eventfd_write(fd, 1);
	EXPECT_TRUE(epx_ring_next(&ring, &event));
}

TEST_ON(EPX, an_add_publishes_facts, "27")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4);

	ring_add(ep, new_eventfd(1), EPOLLIN | EPOLLOUT | EPOLLET, 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.events, EPOLLIN | EPOLLOUT);
	EXPECT_FALSE(epx_ring_next(&ring, &event));
}

/* A hint may be stale; it is never taken back. */
TEST_ON(EPX, a_hint_can_be_stale, "27")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(0);
	eventfd_t value;

	ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	eventfd_write(fd, 1);
	eventfd_read(fd, &value);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.events, EPOLLIN);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
}

TEST_ON(EPX, a_hint_is_within_the_mask, "31")
{
	struct epx_consumer ring;
	struct epx_ring_event event;
	int ep = new_ring(&ring, 4), s[2];

	new_socketpair(SOCK_STREAM, s);
	ring_add(ep, s[0], EPOLLIN | EPOLLET, 1);
	/* The key has RDNORM, PRI and RDBAND, too. */
	ASSERT_EQ(write(s[1], "x", 1), 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.events, EPOLLIN);
	EXPECT_FALSE(ring.recheck);
}

TEST_ON(EPX, events_come_in_their_order, "55")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 3), fd[3];

	for (int i = 0; i < 3; i++) {
		fd[i] = new_eventfd(0);
		ring_add(ep, fd[i], EPOLLIN | EPOLLET, i);
	}
	/* Round the ring of four slots more than once. */
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 3; i++)
			eventfd_write(fd[(round + i) % 3], 1);
		for (int i = 0; i < 3; i++) {
			ASSERT_TRUE(epx_ring_next(&ring, &event));
			EXPECT_EQ(event.data, (round + i) % 3);
		}
		ASSERT_FALSE(epx_ring_next(&ring, &event));
	}
	EXPECT_EQ(*ring.head, 30);
}

TEST_ON(EPX, a_oneshot_is_disarmed_by_its_event, "37")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(0), item;

	item = ring_add(ep, fd, EPOLLIN | EPOLLONESHOT, 1);
	eventfd_write(fd, 1);
	EXPECT_EQ(flags_of(&ring, item), EPX_ITEM_INRING | EPOLLIN);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	drain_pipe(fd);
	eventfd_write(fd, 1);
	EXPECT_FALSE(epx_ring_next(&ring, &event));
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	/* Latched; arming has it at once, and leaves it disarmed. */
	EXPECT_EQ(epx_ring_arm(&ring, item, event.generation), EPOLLIN);
	EXPECT_EQ(flags_of(&ring, item), 0);
	EXPECT_EQ(epx_ring_arm(&ring, item, event.generation), 0);
	EXPECT_EQ(flags_of(&ring, item), EPX_ITEM_ARMED);
	/* Arming does not poll, a modify does. */
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT,
			     1), item);
	EXPECT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_FALSE(epx_ring_next(&ring, &event));
	EXPECT_EQ(epx_ring_arm(&ring, item, event.generation + 2), -ESTALE);
}

/* Two queues, so a wake-up of each side is another callback. */
TEST_ON(EPX, a_oneshot_on_two_queues_comes_once, "32 37")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_fifo(), item;

	fill_pipe(fd);
	item = ring_add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLONESHOT, 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	drain_pipe(fd);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_MOD, fd,
			     EPOLLIN | EPOLLONESHOT, 1), item);
	ASSERT_EQ(write(fd, "x", 1), 1);
	EXPECT_EQ(slots_filled(&ring), 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	drain_pipe(fd);
	ASSERT_EQ(write(fd, "x", 1), 1);
	EXPECT_EQ(slots_filled(&ring), 0);
}

TEST_ON(EPX, a_level_is_polled_by_every_wait, "34")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(0), item;

	item = ring_add(ep, fd, EPOLLIN, 1);
	eventfd_write(fd, 1);
	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(epx_ring_next(&ring, &event));
		EXPECT_EQ(event.events, EPOLLIN);
		ASSERT_FALSE(epx_ring_next(&ring, &event));
		EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
		EXPECT_EQ(slots_filled(&ring), 1);
		EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
		EXPECT_EQ(slots_filled(&ring), 1);
	}
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	drain_pipe(fd);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	/* Disarmed while ready: neither in the ring nor forgotten. */
	epx_ring_disarm(&ring, item);
	eventfd_write(fd, 1);
	EXPECT_EQ(epx_ring_sleep(&ring, 1000000), 0);
	EXPECT_EQ(epx_ring_arm(&ring, item, 1), EPOLLIN);
	EXPECT_EQ(epx_ring_arm(&ring, item, 1), 0);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
	EXPECT_TRUE(epx_ring_next(&ring, &event));
}

TEST_ON(EPX, what_comes_while_disarmed_is_latched, "26")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), s[2], item;

	new_socketpair(SOCK_STREAM, s);
	item = ring_add(ep, s[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
	epx_ring_disarm(&ring, item);
	ASSERT_EQ(write(s[1], "x", 1), 1);
	EXPECT_EQ(slots_filled(&ring), 0);
	EXPECT_EQ(ready_now(ep), 0);
	EXPECT_EQ(epx_ring_arm(&ring, item, 1), EPOLLIN);
	EXPECT_EQ(epx_ring_arm(&ring, item, 1), 0);
	epx_ring_disarm(&ring, item);
	close(s[1]);
	EXPECT_EQ(slots_filled(&ring), 0);
	/* Only a poll tells what; the result is latched as well. */
	EXPECT_TRUE(epx_ring_arm(&ring, item, 1) & EPX_ITEM_RECHECK);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
	EXPECT_EQ(epx_ring_arm(&ring, item, 1),
		  EPOLLIN | EPOLLRDHUP | EPOLLHUP);
	EXPECT_EQ(epx_ring_arm(&ring, item, 1), 0);
	EXPECT_FALSE(epx_ring_next(&ring, &event));
}

TEST_ON(EPX, a_close_of_the_other_end_asks_for_a_recheck, "36")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), s[2], item;

	new_socketpair(SOCK_STREAM, s);
	item = ring_add(ep, s[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
	close(s[1]);
	EXPECT_EQ(slots_filled(&ring), 1);
	EXPECT_TRUE(flags_of(&ring, item) & EPX_ITEM_RECHECK);
	EXPECT_FALSE(epx_ring_next(&ring, &event));
	EXPECT_TRUE(ring.recheck);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
	EXPECT_FALSE(ring.recheck);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.events, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
	EXPECT_FALSE(ring.recheck);
	EXPECT_FALSE(epx_ring_next(&ring, &event));
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
}

/* One wait for it, if the sleep is that wait. */
TEST_ON(EPX, a_sleep_has_the_facts_at_once, "36")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), s[2], item;

	new_socketpair(SOCK_STREAM, s);
	item = ring_add(ep, s[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
	close(s[1]);
	EXPECT_EQ(epx_ring_sleep(&ring, -1), 1);
	EXPECT_EQ(flags_of(&ring, item),
		  EPX_ITEM_ARMED | EPX_ITEM_INRING | EPOLLIN | EPOLLRDHUP |
		  EPOLLHUP);
	EXPECT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_FALSE(ring.recheck);
}

/* A socket that is not connected has facts of its own: OUT and HUP. */
TEST_ON(EPX, a_connect_asks_for_a_recheck, "36")
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), listener, fd;

	listener = own(socket(AF_INET, SOCK_STREAM, 0));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(bind(listener, (void *)&address, length), 0);
	ASSERT_EQ(getsockname(listener, (void *)&address, &length), 0);
	ASSERT_EQ(listen(listener, 1), 0);
	fd = own(socket(AF_INET, SOCK_STREAM, 0));
	ring_add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLET, 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.events, EPOLLOUT | EPOLLHUP);
	EXPECT_FALSE(ring.recheck);
	ASSERT_EQ(connect(fd, (void *)&address, length), 0);
	while (epx_ring_next(&ring, &event))
		;
	EXPECT_TRUE(ring.recheck);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
	ASSERT_TRUE(epx_ring_next(&ring, &event));
	EXPECT_EQ(event.events, EPOLLOUT);
	EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
}

TEST_ON(EPX, an_awake_consumer_needs_no_call, "")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(0);

	ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	/* What needs the descriptor fails now: the map is enough. */
	ring.epfd = -1;
	for (int i = 0; i < EPX_RING_TURNS - 2; i++) {
		eventfd_write(fd, 1);
		ASSERT_EQ(epx_ring_wait(&ring, &event, 1, -1), 1);
	}
	ASSERT_EQ(epx_ring_sleep(&ring, 0), -EBADF);
	(void)ep;
}
