// SPDX-License-Identifier: MIT
/*
 * Waiting on an instance with a ring: for the ring, and for events in an array,
 * which come from the same items by the same rules.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "helpers.h"
#include "ringfile.h"
#include "testfiles.h"
#include "waiter.h"

static int wait_for_ring(int ep, struct epx_wait *wait)
{
	int ret = ioctl(ep, EPX_IOC_WAIT, wait);

	return ret < 0 ? -errno : ret;
}

TEST_ON(EPX, a_wait_for_the_ring_takes_no_array, "")
{
	struct epoll_event ev;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), plain = new_ep();
	struct epx_wait wait = { .flags = EPX_WAIT_RING };

	EXPECT_EQ(wait_for_ring(plain, &wait), -EINVAL);
	EXPECT_EQ(wait_for_ring(ep, &wait), 0);
	wait.maxevents = 1;
	EXPECT_EQ(wait_for_ring(ep, &wait), -EINVAL);
	wait.events = (uintptr_t)&ev;
	EXPECT_EQ(wait_for_ring(ep, &wait), -EINVAL);
	wait.maxevents = 0;
	EXPECT_EQ(wait_for_ring(ep, &wait), -EINVAL);
	wait.flags = 0;
	EXPECT_EQ(wait_for_ring(ep, &wait), -EINVAL);
	wait.events = 0;
	wait.flags = EPX_WAIT_RING | EPX_WAIT_ABSTIME | EPX_WAIT_TIMESPEC;
	EXPECT_EQ(wait_for_ring(ep, &wait), -EINVAL);
}

TEST_ON(EPX, a_wait_for_the_ring_keeps_time, "47 49")
{
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4);
	struct timespec ts = { .tv_nsec = 2000000 };
	struct { int64_t sec, nsec; } kts = { 0, ts.tv_nsec };
	struct epx_wait wait = { .flags = EPX_WAIT_RING };
	long long start = now_ns();

	wait.timeout = 2000000;
	EXPECT_EQ(wait_for_ring(ep, &wait), 0);
	EXPECT_GE(now_ns() - start, 2000000);
	start = now_ns();
	wait.flags = EPX_WAIT_RING | EPX_WAIT_ABSTIME;
	wait.timeout = start + 2000000;
	EXPECT_EQ(wait_for_ring(ep, &wait), 0);
	EXPECT_GE(now_ns() - start, 2000000);
	start = now_ns();
	wait.flags = EPX_WAIT_RING | EPX_WAIT_TIMESPEC;
	wait.timeout = (uintptr_t)&kts;
	EXPECT_EQ(wait_for_ring(ep, &wait), 0);
	EXPECT_GE(now_ns() - start, 2000000);
}

TEST_ON(EPX, a_hint_wakes_who_waits_for_the_ring, "59")
{
	struct ring_sleeper sleeper;
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(0);

	ring_add(ep, fd, EPOLLIN | EPOLLET, 7);
	for (int i = 0; i < 5; i++) {
		ring_sleeper_start(&sleeper, &ring);
		eventfd_write(fd, 1);
		EXPECT_EQ(ring_sleeper_join(&sleeper), 1);
		ASSERT_TRUE(epx_ring_next(&ring, &event));
		EXPECT_EQ(event.data, 7);
		EXPECT_FALSE(epx_ring_next(&ring, &event));
	}
}

TEST_ON(EPX, adds_and_modifies_wake_who_waits_for_the_ring, "25")
{
	struct ring_sleeper sleeper;
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(1);

	ring_sleeper_start(&sleeper, &ring);
	ring_add(ep, fd, EPOLLIN | EPOLLET, 7);
	EXPECT_EQ(ring_sleeper_join(&sleeper), 1);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
	ring_sleeper_start(&sleeper, &ring);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 7), 0);
	EXPECT_EQ(ring_sleeper_join(&sleeper), 1);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
}

/* The mark alone would leave the sleeper with an item that says nothing. */
TEST_ON(EPX, a_wakeup_without_a_key_wakes_with_facts, "31 59")
{
	struct ring_sleeper sleeper;
	struct epx_ring_event event;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), s[2];

	new_socketpair(SOCK_STREAM, s);
	ring_add(ep, s[0], EPOLLRDHUP | EPOLLET, 7);
	ring_sleeper_start(&sleeper, &ring);
	close(s[1]);
	EXPECT_EQ(ring_sleeper_join(&sleeper), 1);
	ASSERT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(event.events, EPOLLRDHUP | EPOLLHUP);
}

TEST_ON(EPX, a_disarmed_item_wakes_nobody, "37")
{
	struct ring_sleeper sleeper;
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd = new_eventfd(0), other, item;

	other = new_eventfd(0);
	item = ring_add(ep, fd, EPOLLIN | EPOLLET, 7);
	ring_add(ep, other, EPOLLIN | EPOLLET, 8);
	epx_ring_disarm(&ring, item);
	ring_sleeper_start(&sleeper, &ring);
	eventfd_write(fd, 1);
	wait_until_sleeping(atomic_load(&sleeper.tid));
	EXPECT_EQ(slots_filled(&ring), 0);
	eventfd_write(other, 1);
	EXPECT_EQ(ring_sleeper_join(&sleeper), 1);
	EXPECT_EQ(slots_filled(&ring), 1);
}

static void on_alarm(int nr)
{
	(void)nr;
}

TEST_ON(EPX, a_signal_ends_a_wait_for_the_ring, "50")
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct ring_sleeper sleeper;
	struct epx_consumer ring;

	new_ring(&ring, 4);
	sigaction(SIGUSR1, &action, NULL);
	ring_sleeper_start(&sleeper, &ring);
	pthread_kill(sleeper.thread, SIGUSR1);
	EXPECT_EQ(ring_sleeper_join(&sleeper), -EINTR);
}

/* Blocked but for the wait itself. */
TEST_ON(EPX, a_wait_for_the_ring_takes_a_mask, "52")
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct epx_wait wait = { .flags = EPX_WAIT_RING, .timeout = -1 };
	struct epx_consumer ring;
	uint64_t none = 0;
	sigset_t mask;
	int ep = new_ring(&ring, 4);

	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	raise(SIGUSR1);
	wait.sigmask = (uintptr_t)&none;
	wait.sigsetsize = sizeof(none);
	EXPECT_EQ(ioctl(ep, EPX_IOC_PWAIT, &wait) < 0 ? -errno : 0, -EINTR);
}

TEST_ON(EPX, a_wait_with_an_array_consumes, "27")
{
	struct epoll_event ev[4];
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), fd[3], item = 0;
	eventfd_t value;

	for (int i = 0; i < 3; i++) {
		fd[i] = new_eventfd(0);
		item = ring_add(ep, fd[i], EPOLLIN | EPOLLET, 10 + i);
		eventfd_write(fd[i], 1);
	}
	/* Hints are delivered as they are. */
	eventfd_read(fd[1], &value);
	memset(ev, 0xa5, sizeof(ev));
	ASSERT_EQ(ep_wait(ep, ev, 2, 0), 2);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(ev[i].events, EPOLLIN);
		EXPECT_EQ(ev[i].data.u64, 10 + i);
	}
	EXPECT_EQ(ev[2].events, 0xa5a5a5a5);
	EXPECT_EQ(*ring.head, 2);
	EXPECT_EQ(slots_filled(&ring), 1);
	EXPECT_EQ(flags_of(&ring, 0), EPX_ITEM_ARMED);
	EXPECT_EQ(flags_of(&ring, item),
		  EPX_ITEM_ARMED | EPX_ITEM_INRING | EPOLLIN);
	ASSERT_EQ(ep_wait(ep, ev, 2, 0), 1);
	EXPECT_EQ(ev[0].data.u64, 12);
	EXPECT_EQ(ep_wait(ep, ev, 2, 0), 0);
	EXPECT_EQ(*ring.head, 3);
}

TEST_ON(EPX, a_wait_with_an_array_rechecks_itself, "36")
{
	struct epx_consumer ring;
	struct epoll_event ev;
	int ep = new_ring(&ring, 4), s[2];

	new_socketpair(SOCK_STREAM, s);
	ring_add(ep, s[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
	close(s[1]);
	ASSERT_EQ(ep_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(ev.events, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
	EXPECT_EQ(ep_wait(ep, &ev, 1, 0), 0);
}

TEST_ON(EPX, an_array_gets_level_events_again, "34")
{
	struct epx_consumer ring;
	struct epoll_event ev;
	int ep = new_ring(&ring, 4), fd = new_eventfd(1);

	ring_add(ep, fd, EPOLLIN, 1);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(ep_wait(ep, &ev, 1, i & 1 ? -1 : 0), 1);
	drain_pipe(fd);
	EXPECT_EQ(ep_wait(ep, &ev, 1, 0), 0);
}

TEST_ON(EPX, an_event_that_cannot_be_written_stays, "58")
{
	long page = sysconf(_SC_PAGESIZE);
	struct epx_consumer ring;
	struct epoll_event ev[2];
	int ep = new_ring(&ring, 4);
	char *bad = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	for (int i = 0; i < 2; i++)
		ring_add(ep, new_eventfd(1), EPOLLIN | EPOLLONESHOT, i);
	EXPECT_EQ(ep_wait(ep, (void *)bad, 2, 0), -EFAULT);
	EXPECT_EQ(slots_filled(&ring), 2);
	EXPECT_EQ(*ring.head, 0);
	/* The first fits before the end of a page. */
	munmap(bad, page);
	bad = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(bad + page, page, PROT_NONE);
	EXPECT_EQ(ep_wait(ep, (void *)(bad + page - sizeof(ev[0])), 2, 0), 1);
	EXPECT_EQ(slots_filled(&ring), 1);
	ASSERT_EQ(ep_wait(ep, ev, 2, 0), 1);
	EXPECT_EQ(ev[0].data.u64, 1);
}

TEST_ON(EPX, sleepers_share_what_is_in_the_ring, "61")
{
	struct epx_consumer ring;
	struct waiter w[2] = {};
	int ep = new_ring(&ring, 4), fd[2], seen = 0;

	for (int i = 0; i < 2; i++) {
		fd[i] = new_eventfd(0);
		ring_add(ep, fd[i], EPOLLIN | EPOLLET, i + 1);
	}
	for (int i = 0; i < 2; i++)
		waiter_sleep(&w[i], WAITER_EPOLL, ep, 1, -1);
	for (int i = 0; i < 2; i++)
		eventfd_write(fd[i], 1);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(waiter_join(&w[i]), 1);
		seen |= w[i].events[0].data.u64;
	}
	EXPECT_EQ(seen, 3);
}

/* Still ready when the first has it: the second is told, as on epoll. */
TEST_ON(EPX, a_level_event_wakes_one_sleeper_after_the_other, "61")
{
	struct epx_consumer ring;
	struct waiter w[3] = {};
	int ep = new_ring(&ring, 4), fd = new_eventfd(0);

	ring_add(ep, fd, EPOLLIN, 5);
	for (int i = 0; i < 3; i++)
		waiter_sleep(&w[i], WAITER_EPOLL, ep, 1, -1);
	eventfd_write(fd, 1);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(waiter_join(&w[i]), 1);
}

TEST_ON(EPX, the_library_waits_as_epoll_does, "")
{
	struct epx_ring_event event[4];
	struct epx_consumer ring;
	int ep = new_ring(&ring, 4), s[2], level, calls = 0;
	long long start = now_ns();

	EXPECT_EQ(epx_ring_wait(&ring, event, 4, 0), 0);
	EXPECT_EQ(epx_ring_wait(&ring, event, 4, 2000000), 0);
	EXPECT_GE(now_ns() - start, 2000000);
	new_socketpair(SOCK_STREAM, s);
	ring_add(ep, s[0], EPOLLRDHUP | EPOLLET, 1);
	close(s[1]);
	ASSERT_EQ(epx_ring_wait(&ring, event, 4, 0), 1);
	EXPECT_EQ(event[0].events, EPOLLRDHUP | EPOLLHUP);
	EXPECT_EQ(epx_ring_wait(&ring, event, 4, 0), 0);
	EXPECT_EQ(epx_ring_wait(&ring, event, 4, 1), 0);
	/* A level-triggered one gets its turn though the ring is never empty. */
	level = new_eventfd(1);
	ring_add(ep, level, EPOLLIN, 2);
	ASSERT_EQ(epx_ring_wait(&ring, event, 1, 0), 1);
	EXPECT_EQ(event[0].data, 2);
	do {
		calls++;
	} while (!epx_ring_wait(&ring, event, 1, 0));
	EXPECT_EQ(event[0].data, 2);
	EXPECT_LE(calls, EPX_RING_TURNS);
	EXPECT_GT(calls, EPX_RING_TURNS / 2);
	ASSERT_EQ(epx_ring_wait(&ring, event, 1, -1), 1);
}

TEST_ON(EPX, a_ring_is_polled, "62 80")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	struct waiter poller = {};
	int ep = new_ring(&ring, 4), fd = new_eventfd(0), s[2];
	struct pollfd pfd = { .fd = ep, .events = POLLIN };

	new_socketpair(SOCK_STREAM, s);
	ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	ring_add(ep, s[0], EPOLLRDHUP | EPOLLET, 2);
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	waiter_sleep(&poller, WAITER_POLL, ep, 1, -1);
	eventfd_write(fd, 1);
	EXPECT_EQ(waiter_join(&poller), 1);
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	/* A poll publishes facts as well. */
	close(s[1]);
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	ASSERT_EQ(ring_drain(&ring, &event), 1);
	EXPECT_EQ(event.events, EPOLLRDHUP | EPOLLHUP);
	EXPECT_FALSE(ring.recheck);
}
