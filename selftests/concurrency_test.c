// SPDX-License-Identifier: MIT
/*
 * The concurrency limit of an instance: how many threads may be out with
 * events, what gives a slot back, and whom that wakes. epollx only.
 *
 *   ready files ──▶ instance, N slots ──▶ threads that are out:    at most N
 *                                    └──▶ threads in a wait:       asleep,
 *                                         though files are ready
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "worker.h"

#define MS	1000000LL
#define W	3

static struct worker w[W];

static void ring(int fd)
{
	ASSERT_EQ(eventfd_write(fd, 1), 0);
}

/* How many of the workers from @first on are asleep in a wait. */
static int asleep(int first)
{
	int count = 0;

	for (int i = first; i < W; i++)
		count += worker_sleeps(&w[i]);
	return count;
}

static void end(void)
{
	workers_stop(w, W);
	close_owned();
}

TEST_ON(EPX, at_most_n_threads_are_out, "")
{
	int ep = new_limited(2, 0);

	workers_start(w, W);
	add_ready(ep, 0);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	EXPECT_EQ(worker_wait(&w[1], ep, 0), 1);
	EXPECT_EQ(worker_wait(&w[2], ep, 0), 0);
	EXPECT_EQ(epx_wait(ep, w[2].events, 1, 0), 0);
	/* Who is out already may go on. */
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	EXPECT_EQ(worker_wait(&w[0], ep, -1), 1);
	EXPECT_EQ(worker_wait(&w[2], ep, 0), 0);
	end();
}

TEST_ON(EPX, without_a_limit_all_are_out, "")
{
	int ep = new_limited(0, 0);

	workers_start(w, W);
	add_ready(ep, 0);
	for (int i = 0; i < W; i++)
		EXPECT_EQ(worker_wait(&w[i], ep, 0), 1);
	EXPECT_EQ(epx_yield(ep), -EINVAL);
	end();
}

TEST_ON(EPX, a_yield_lets_one_sleeper_go, "")
{
	int ep = new_limited(1, 0);

	workers_start(w, W);
	add_ready(ep, 0);
	EXPECT_EQ(worker_yield(&w[0], ep), 0);
	EXPECT_EQ(worker_wait(&w[0], ep, -1), 1);
	worker_sleep(&w[1], ep);
	worker_sleep(&w[2], ep);
	EXPECT_EQ(worker_yield(&w[0], ep), 1);
	EXPECT_EQ(worker_yield(&w[0], ep), 0);
	/* The latest; the other one sleeps on until that one yields. */
	EXPECT_EQ(worker_end(&w[2]), 1);
	EXPECT_EQ(asleep(1), 1);
	EXPECT_EQ(worker_yield(&w[2], ep), 1);
	EXPECT_EQ(worker_end(&w[1]), 1);
	end();
}

TEST_ON(EPX, slots_go_by_the_wake_policy, "")
{
	int ep = new_limited(1, EPX_WAKE_FIFO);

	workers_start(w, W);
	add_ready(ep, 0);
	EXPECT_EQ(worker_wait(&w[0], ep, -1), 1);
	worker_sleep(&w[1], ep);
	worker_sleep(&w[2], ep);
	EXPECT_EQ(worker_yield(&w[0], ep), 1);
	EXPECT_EQ(worker_end(&w[1]), 1);
	EXPECT_EQ(asleep(2), 1);
	EXPECT_EQ(worker_yield(&w[1], ep), 1);
	EXPECT_EQ(worker_end(&w[2]), 1);
	end();
}

TEST_ON(EPX, an_event_without_a_slot_wakes_nobody, "")
{
	int ep = new_limited(1, 0), fd, twin;

	workers_start(w, W);
	fd = add_ready(ep, EPOLLET);
	twin = add_ready(ep, EPOLLET);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	worker_sleep(&w[1], ep);
	ring(fd);
	ring(twin);
	EXPECT_EQ(asleep(1), 1);
	/* Both have waited for a slot; one array takes them. */
	w[0].max = 4;
	w[0].ns = 0;
	worker_begin(&w[0], TASK_WAIT);
	EXPECT_EQ(worker_end(&w[0]), 2);
	EXPECT_EQ(asleep(1), 1);
	/* Before it sleeps it gives its slot back, and that is all it does. */
	worker_sleep(&w[0], ep);
	EXPECT_EQ(asleep(1), 1);
	ring(fd);
	EXPECT_EQ(worker_end(&w[0]), 1);
	EXPECT_EQ(asleep(1), 1);
	EXPECT_EQ(worker_yield(&w[0], ep), 1);
	ring(twin);
	EXPECT_EQ(worker_end(&w[1]), 1);
	end();
}

/* One file that nobody reads, three sleepers, two slots. */
TEST_ON(EPX, the_chain_of_wake_ups_ends_with_the_slots, "")
{
	int ep = new_limited(2, 0), fd = add_ready(ep, 0);
	eventfd_t value;

	ASSERT_EQ(eventfd_read(fd, &value), 0);
	workers_start(w, W);
	for (int i = 0; i < W; i++)
		worker_sleep(&w[i], ep);
	ring(fd);
	EXPECT_EQ(worker_end(&w[2]), 1);
	EXPECT_EQ(worker_end(&w[1]), 1);
	EXPECT_EQ(asleep(0), 1);
	EXPECT_EQ(worker_yield(&w[1], ep), 1);
	EXPECT_EQ(worker_end(&w[0]), 1);
	end();
}

TEST_ON(EPX, time_goes_on_without_a_slot, "")
{
	int ep = new_limited(1, 0);
	long long start;

	workers_start(w, W);
	add_ready(ep, 0);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	start = now_ns();
	EXPECT_EQ(worker_wait(&w[1], ep, 20 * MS), 0);
	EXPECT_GE(now_ns() - start, 20 * MS);
	EXPECT_EQ(worker_yield(&w[1], ep), 0);
	EXPECT_EQ(worker_yield(&w[0], ep), 1);
	EXPECT_EQ(worker_wait(&w[1], ep, 0), 1);
	end();
}

TEST_ON(EPX, what_returns_no_event_leaves_no_slot, "")
{
	int ep = new_limited(1, 0), fd;
	eventfd_t value;

	workers_start(w, W);
	fd = add_ready(ep, 0);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	/* Refused: nothing has changed. */
	w[0].max = 0;
	worker_begin(&w[0], TASK_WAIT);
	EXPECT_EQ(worker_end(&w[0]), -EINVAL);
	EXPECT_EQ(worker_wait(&w[1], ep, 0), 0);
	/* Tried, and failed. */
	w[0].buffer = (void *)8;
	EXPECT_EQ(worker_wait(&w[0], ep, 0), -EFAULT);
	w[0].buffer = w[0].events;
	EXPECT_EQ(worker_yield(&w[0], ep), 0);
	EXPECT_EQ(worker_wait(&w[1], ep, 0), 1);
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	EXPECT_EQ(worker_wait(&w[1], ep, 0), 0);
	EXPECT_EQ(worker_yield(&w[1], ep), 0);
	end();
}

static void ignore(int signal)
{
	(void)signal;
}

TEST_ON(EPX, an_interrupted_wait_leaves_no_slot, "")
{
	struct sigaction act = { .sa_handler = ignore };
	int ep = new_limited(1, 0);

	sigaction(SIGUSR1, &act, NULL);
	workers_start(w, W);
	add_ready(ep, EPOLLET);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	worker_sleep(&w[0], ep);
	pthread_kill(w[0].thread, SIGUSR1);
	EXPECT_EQ(worker_end(&w[0]), -EINTR);
	EXPECT_EQ(worker_yield(&w[0], ep), 0);
	end();
}

/*
 *   file ──┬─▶ instance 0, no slot free ◀── sleeper
 *          └─▶ instance 1               ◀── sleeper
 */
TEST_ON(EPX, an_exclusive_wake_up_goes_on_without_a_slot, "")
{
	int ep[2] = { new_limited(1, 0), new_ep() }, fd = new_eventfd(0);

	workers_start(w, W);
	add_ready(ep[0], EPOLLET);
	EXPECT_EQ(worker_wait(&w[0], ep[0], 0), 1);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(ep_ctl(ep[i], EPOLL_CTL_ADD, fd,
				 EPOLLIN | EPOLLEXCLUSIVE, i), 0);
		worker_sleep(&w[1 + i], ep[i]);
	}
	ring(fd);
	EXPECT_EQ(worker_end(&w[2]), 1);
	EXPECT_TRUE(worker_sleeps(&w[1]));
	EXPECT_EQ(worker_yield(&w[0], ep[0]), 1);
	EXPECT_EQ(worker_end(&w[1]), 1);
	EXPECT_EQ(w[1].events[0].data.u64, 0);
	end();
}

TEST_ON(EPX, readiness_shows_without_a_slot, "")
{
	int ep = new_limited(1, 0), outer = new_ep();
	struct pollfd pfd = { .fd = ep, .events = POLLIN };

	workers_start(w, W);
	ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, ep, EPOLLIN, 0), 0);
	add_ready(ep, 0);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT_EQ(ready_now(outer), 1);
	EXPECT_EQ(ready_now(ep), 0);
	end();
}

TEST_ON(EPX, who_gathers_needs_a_slot_at_the_end_only, "")
{
	int ep = new_limited(1, 0);
	eventfd_t value;

	workers_start(w, W);
	ASSERT_EQ(eventfd_read(add_ready(ep, 0), &value), 0);
	add_ready(ep, 0);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	w[0].enter = (struct epx_enter){
		.events = (uintptr_t)w[0].events, .maxevents = 4,
		.min_events = 3, .timeout = -1,
	};
	worker_begin(&w[0], TASK_ENTER);
	/* It has given its slot back, and gathers. */
	EXPECT_EQ(worker_wait(&w[1], ep, -1), 1);
	add_ready(ep, 0);
	add_ready(ep, 0);
	worker_await_sleep(&w[0]);
	EXPECT_EQ(worker_yield(&w[1], ep), 1);
	EXPECT_EQ(worker_end(&w[0]), 3);
	end();
}

TEST_ON(EPX, a_limit_and_a_ring_exclude_each_other, "")
{
	struct epx_ring ring = { .items = 4 };

	EXPECT_EQ(ioctl(new_limited(1, 0), EPX_IOC_RING, &ring), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(ioctl(new_limited(0, EPX_WAKE_FIFO), EPX_IOC_RING, &ring), 0);
	close_owned();
}
