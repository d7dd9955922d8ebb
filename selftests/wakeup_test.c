// SPDX-License-Identifier: MIT
/*
 * The wakeup sources behind EPOLLWAKEUP, as the kernel lists them: how they are
 * called, and when they keep the system from suspending.
 *
 * A watch's source has the name of the watched file; the FIFO here has a name
 * that nobody else has. The instance's own has a fixed name.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "helpers.h"
#include "ringfile.h"
#include "testfiles.h"

#define NATIVE_NAME	"eventpoll"
#define EPX_NAME	"[epollx]"
#define WAIT_NS		10000000000LL

/**
 * struct sources - the wakeup sources of one name
 * @count: how many there are
 * @active_count: how often they were activated, all together
 * @awake: one is active, for a millisecond at least
 */
struct sources {
	int count;
	unsigned long active_count;
	bool awake;
};

static struct sources sources_of(const char *name)
{
	FILE *file = fopen("/sys/kernel/debug/wakeup_sources", "re");
	struct sources found = {};
	char line[512], word[256];

	ASSERT_TRUE(file);
	while (fgets(line, sizeof(line), file)) {
		unsigned long active_count;
		long long since;

		if (sscanf(line, "%255s %lu %*u %*u %*u %lld", word,
			   &active_count, &since) != 3 || strcmp(word, name))
			continue;
		found.count++;
		found.active_count += active_count;
		found.awake |= since > 0;
	}
	fclose(file);
	return found;
}

static const char *instance_name(void)
{
	return side() == NATIVE ? NATIVE_NAME : EPX_NAME;
}

/* The time in the list is in whole milliseconds, 0 where it is not active. */
static bool is_awake(const char *name)
{
	long long deadline = now_ns() + WAIT_NS;

	while (!sources_of(name).awake)
		if (now_ns() > deadline)
			return false;
	return true;
}

/**
 * struct fifo - one to watch
 * @name: of the file, and so of the source
 * @fd: open for reading and writing
 */
struct fifo {
	char name[32];
	int fd;
};

static void new_named_fifo(struct fifo *fifo)
{
	char path[64];

	snprintf(fifo->name, sizeof(fifo->name), "epx-wakeup-%d", getpid());
	snprintf(path, sizeof(path), "/tmp/%s", fifo->name);
	ASSERT_EQ(mkfifo(path, 0600), 0);
	fifo->fd = own(open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC));
	/* The name stays with the open file. */
	ASSERT_EQ(unlink(path), 0);
	ASSERT_EQ(sources_of(fifo->name).count, 0);
}

static void need_root(void)
{
	if (geteuid())
		SKIP("needs root, for EPOLLWAKEUP and debugfs");
}

TEST(a_watch_s_source_has_the_file_s_name, "44")
{
	int before, ep = new_ep(), fd = new_eventfd(0);
	struct fifo fifo;

	need_root();
	new_named_fifo(&fifo);
	before = sources_of("[eventfd]").count;
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fifo.fd, EPOLLIN, 0), 0);
	EXPECT_EQ(sources_of(fifo.name).count, 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fifo.fd, EPOLLIN | EPOLLWAKEUP, 0), 0);
	EXPECT_EQ(sources_of(fifo.name).count, 1);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLWAKEUP, 0), 0);
	EXPECT_EQ(sources_of("[eventfd]").count, before + 1);

	/* Each of the three ends of a watch takes it away. */
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fifo.fd, EPOLLIN, 0), 0);
	EXPECT_EQ(sources_of(fifo.name).count, 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fifo.fd, EPOLLIN | EPOLLWAKEUP, 0), 0);
	EXPECT_EQ(sources_of(fifo.name).count, 1);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fifo.fd, 0, 0), 0);
	EXPECT_EQ(sources_of(fifo.name).count, 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fifo.fd, EPOLLIN | EPOLLWAKEUP, 0), 0);
	close(ep);
	EXPECT_EQ(sources_of(fifo.name).count, 0);
	EXPECT_EQ(sources_of("[eventfd]").count, before);
	close_owned();
}

/* The end of a closed file's watch may be left to a worker. */
TEST(a_closed_file_s_source_goes, "44 70")
{
	long long deadline = now_ns() + WAIT_NS;
	int ep = new_ep();
	struct fifo fifo;

	need_root();
	new_named_fifo(&fifo);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fifo.fd, EPOLLIN | EPOLLWAKEUP, 0), 0);
	EXPECT_EQ(sources_of(fifo.name).count, 1);
	close(fifo.fd);
	while (sources_of(fifo.name).count && now_ns() < deadline)
		sched_yield();
	EXPECT_EQ(sources_of(fifo.name).count, 0);
	close_owned();
}

TEST(an_instance_has_one_source_of_its_own, "44")
{
	struct sources native = sources_of(NATIVE_NAME);
	struct sources epollx = sources_of(EPX_NAME);
	int ep = new_ep(), fds[2] = { new_eventfd(0), new_eventfd(0) };

	need_root();
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN, 0), 0);
	EXPECT_EQ(sources_of(instance_name()).count,
		  side() == NATIVE ? native.count : epollx.count);
	for (int i = 0; i < 2; i++) {
		ep_ctl(ep, i ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fds[i],
		       EPOLLIN | EPOLLWAKEUP, 0);
		OBSERVE(i ? "eventpoll_after_two" : "eventpoll_after_one",
			sources_of(NATIVE_NAME).count - native.count);
		EXPECT_EQ(sources_of(NATIVE_NAME).count - native.count +
			  sources_of(EPX_NAME).count - epollx.count, 1);
	}
	close(ep);
	EXPECT_EQ(sources_of(NATIVE_NAME).count, native.count);
	EXPECT_EQ(sources_of(EPX_NAME).count, epollx.count);
	close_owned();
}

/**
 * struct awake - what keeps the system awake for one FIFO
 * @ep: an instance that watches it, with EPOLLWAKEUP
 * @fifo: empty at first
 * @before: the instance's sources before
 */
struct awake {
	int ep;
	struct fifo fifo;
	struct sources before;
};

static void watch_fifo(struct awake *awake, uint32_t events)
{
	need_root();
	awake->ep = new_ep();
	new_named_fifo(&awake->fifo);
	awake->before = sources_of(instance_name());
	ASSERT_EQ(ep_ctl(awake->ep, EPOLL_CTL_ADD, awake->fifo.fd, events, 0), 0);
	EXPECT_EQ(sources_of(awake->fifo.name).active_count, 0);
}

static void observe_activations(struct awake *awake)
{
	OBSERVE("watch_activations", sources_of(awake->fifo.name).active_count);
	OBSERVE("instance_activations",
		sources_of(instance_name()).active_count -
		awake->before.active_count);
}

static void expect_asleep(struct awake *awake)
{
	EXPECT_FALSE(sources_of(awake->fifo.name).awake);
	EXPECT_FALSE(sources_of(instance_name()).awake);
}

TEST(a_level_event_keeps_awake_until_it_is_found_gone, "44 34")
{
	struct awake awake;
	char byte;

	watch_fifo(&awake, EPOLLIN | EPOLLWAKEUP);
	ASSERT_EQ(write(awake.fifo.fd, "x", 1), 1);
	EXPECT_TRUE(is_awake(awake.fifo.name));
	EXPECT_EQ(sources_of(awake.fifo.name).active_count, 1);
	EXPECT_EQ(ready_now(awake.ep), 1);
	EXPECT_TRUE(is_awake(awake.fifo.name));
	observe_activations(&awake);
	ASSERT_EQ(read(awake.fifo.fd, &byte, 1), 1);
	EXPECT_TRUE(is_awake(awake.fifo.name));
	EXPECT_EQ(ready_now(awake.ep), 0);
	expect_asleep(&awake);
	close_owned();
}

/* During the scan it is the instance that keeps the system awake. */
TEST(an_edge_keeps_awake_until_it_is_delivered, "44 35")
{
	struct awake awake;

	watch_fifo(&awake, EPOLLIN | EPOLLWAKEUP | EPOLLET);
	for (int i = 1; i <= 3; i++) {
		ASSERT_EQ(write(awake.fifo.fd, "x", 1), 1);
		EXPECT_TRUE(is_awake(awake.fifo.name));
		EXPECT_EQ(sources_of(awake.fifo.name).active_count, i);
		EXPECT_EQ(ready_now(awake.ep), 1);
		EXPECT_EQ(sources_of(instance_name()).active_count -
			  awake.before.active_count, i);
		expect_asleep(&awake);
	}
	observe_activations(&awake);
	close_owned();
}

TEST(a_disarmed_watch_lets_sleep, "44 38")
{
	struct awake awake;

	watch_fifo(&awake, EPOLLIN | EPOLLWAKEUP | EPOLLONESHOT);
	ASSERT_EQ(write(awake.fifo.fd, "x", 1), 1);
	EXPECT_TRUE(is_awake(awake.fifo.name));
	EXPECT_EQ(ready_now(awake.ep), 1);
	expect_asleep(&awake);
	ASSERT_EQ(write(awake.fifo.fd, "x", 1), 1);
	EXPECT_EQ(sources_of(awake.fifo.name).active_count, 1);
	ASSERT_EQ(ep_ctl(awake.ep, EPOLL_CTL_MOD, awake.fifo.fd,
			 EPOLLIN | EPOLLWAKEUP | EPOLLONESHOT, 0), 0);
	EXPECT_TRUE(is_awake(awake.fifo.name));
	close_owned();
}

/* It has been queued without a source; the next delivery leaves it with one. */
TEST(an_event_that_waits_keeps_awake_once_it_may, "44 36")
{
	struct awake awake;
	char byte;

	watch_fifo(&awake, EPOLLIN);
	ASSERT_EQ(write(awake.fifo.fd, "x", 1), 1);
	ASSERT_EQ(ep_ctl(awake.ep, EPOLL_CTL_MOD, awake.fifo.fd,
			 EPOLLIN | EPOLLWAKEUP, 0), 0);
	EXPECT_EQ(ready_now(awake.ep), 1);
	EXPECT_TRUE(is_awake(awake.fifo.name));
	ASSERT_EQ(read(awake.fifo.fd, &byte, 1), 1);
	EXPECT_EQ(ready_now(awake.ep), 0);
	expect_asleep(&awake);
	close_owned();
}

/* The source goes with the bit, and with the watch, active as it is. */
TEST(without_the_bit_nothing_keeps_awake, "44 36")
{
	struct awake awake;

	watch_fifo(&awake, EPOLLIN | EPOLLWAKEUP);
	ASSERT_EQ(write(awake.fifo.fd, "x", 1), 1);
	EXPECT_TRUE(is_awake(awake.fifo.name));
	ASSERT_EQ(ep_ctl(awake.ep, EPOLL_CTL_MOD, awake.fifo.fd, EPOLLIN, 0), 0);
	EXPECT_EQ(sources_of(awake.fifo.name).count, 0);
	EXPECT_EQ(ready_now(awake.ep), 1);
	expect_asleep(&awake);
	close_owned();
}

/* poll(2) takes away what is not ready any more, as a wait does. */
TEST(a_poll_of_the_instance_lets_sleep_what_is_gone, "44 76")
{
	struct awake awake;
	struct pollfd pfd = { .events = POLLIN };
	char byte;

	watch_fifo(&awake, EPOLLIN | EPOLLWAKEUP);
	pfd.fd = awake.ep;
	ASSERT_EQ(write(awake.fifo.fd, "x", 1), 1);
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT_TRUE(is_awake(awake.fifo.name));
	ASSERT_EQ(read(awake.fifo.fd, &byte, 1), 1);
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	expect_asleep(&awake);
	close_owned();
}

/* Consuming is no call: the first wait after it is what the kernel sees. */
TEST_ON(EPX, a_ring_keeps_awake_until_an_item_is_consumed, "44")
{
	struct epx_ring_event event;
	struct epx_consumer ring;
	struct fifo fifo;
	int ep;

	need_root();
	ep = new_ring(&ring, 4);
	new_named_fifo(&fifo);
	ring_add(ep, fifo.fd, EPOLLIN | EPOLLET | EPOLLWAKEUP, 0);
	EXPECT_FALSE(sources_of(fifo.name).awake);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(write(fifo.fd, "x", 1), 1);
		EXPECT_TRUE(is_awake(fifo.name));
		EXPECT_EQ(epx_ring_sleep(&ring, 0), 1);
		EXPECT_TRUE(is_awake(fifo.name));
		EXPECT_EQ(ring_drain(&ring, &event), 1);
		EXPECT_TRUE(is_awake(fifo.name));
		EXPECT_EQ(epx_ring_sleep(&ring, 0), 0);
		EXPECT_FALSE(sources_of(fifo.name).awake);
		EXPECT_FALSE(sources_of(EPX_NAME).awake);
	}
	close_owned();
}
