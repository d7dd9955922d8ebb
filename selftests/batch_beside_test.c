// SPDX-License-Identifier: MIT
/*
 * Batches beside what else there is: instances above and below, sleepers,
 * threads that share the table of descriptors, a reader of the trace.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <epollx.h>

#include "helpers.h"
#include "testfiles.h"
#include "tracefile.h"
#include "waiter.h"

static struct epx_ctl_entry change(int op, int fd, uint32_t events,
				   uint64_t data)
{
	return (struct epx_ctl_entry){
		.ctl = { .op = op, .fd = fd, .events = events, .data = data },
	};
}

/*
 *   501 instances ──▶ inner ──▶ one path too many for any file
 */
TEST_ON(EPX, a_batch_counts_the_paths_of_each_add, "79")
{
	int inner = new_ep(), fd = new_eventfd(0), free = new_eventfd(0);
	struct epx_ctl_entry entries[] = {
		change(EPOLL_CTL_ADD, fd, EPOLLIN, 0),
		change(EPOLL_CTL_ADD, free, EPOLLIN, 0),
		change(EPOLL_CTL_DEL, fd, 0, 0),
		change(EPX_CTL_PUT, fd, EPOLLIN, 0),
	};
	int outer = -1;

	for (int i = 0; i < 501; i++) {
		outer = new_ep();
		ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 0), 0);
	}
	ASSERT_EQ(epx_ctlv(inner, entries, 4), 4);
	EXPECT_EQ(entries[0].result, -EINVAL);
	EXPECT_EQ(entries[1].result, -EINVAL);
	EXPECT_EQ(entries[2].result, -ENOENT);
	EXPECT_EQ(entries[3].result, -EINVAL);
	EXPECT_EQ(watches_of(inner), 0);
	/* With one less it is allowed. */
	ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_DEL, inner, 0, 0), 0);
	ASSERT_EQ(epx_ctlv(inner, entries, 2), 2);
	EXPECT_EQ(entries[0].result, 0);
	EXPECT_EQ(entries[1].result, 0);
	close_owned();
}

/*
 *	a -> b -> c, and in one batch: c -> file, c -> a, c -> d -> e ...
 */
TEST_ON(EPX, a_batch_closes_no_cycle, "77 20")
{
	int a = new_ep(), b = new_ep(), c = new_ep(), d = new_ep();
	int e = new_ep(), f = new_ep(), fd = new_eventfd(1);
	int native = own(epoll_create1(0));
	struct epx_ctl_entry entries[] = {
		change(EPOLL_CTL_ADD, fd, EPOLLIN, 0),
		change(EPOLL_CTL_ADD, a, EPOLLIN, 0),
		change(EPOLL_CTL_ADD, d, EPOLLIN, 0),
		change(EPOLL_CTL_ADD, b, EPOLLIN, 0),
		change(EPOLL_CTL_ADD, native, EPOLLIN, 0),
		change(EPOLL_CTL_DEL, d, 0, 0),
		change(EPOLL_CTL_ADD, f, EPOLLIN, 0),
		change(EPOLL_CTL_ADD, d, EPOLLIN | EPOLLEXCLUSIVE, 0),
		change(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLPRI, 0),
	};
	static const int results[] = {
		0, -ELOOP, -ELOOP, -ELOOP, -ELOOP, -ENOENT, 0, -EINVAL, 0,
	};
	struct epoll_event ev;

	ASSERT_EQ(ep_ctl(a, EPOLL_CTL_ADD, b, EPOLLIN, 0), 0);
	ASSERT_EQ(ep_ctl(b, EPOLL_CTL_ADD, c, EPOLLIN, 0), 0);
	/* Below d it is deep enough that c cannot have it. */
	ASSERT_EQ(ep_ctl(d, EPOLL_CTL_ADD, e, EPOLLIN, 0), 0);
	ASSERT_EQ(ep_ctl(e, EPOLL_CTL_ADD, new_ep(), EPOLLIN, 0), 0);
	ASSERT_EQ(epx_ctlv(c, entries, 9), 9);
	for (int i = 0; i < 9; i++)
		EXPECT_EQ(entries[i].result, results[i]);
	EXPECT_EQ(watches_of(c), 2);
	/* What came in by the batch is seen through all of them. */
	EXPECT_EQ(ep_wait(a, &ev, 1, 0), 1);
	close_owned();
}

TEST_ON(EPX, a_ready_file_in_a_batch_wakes_a_sleeper, "62")
{
	struct waiter waiter = {};
	int ep = new_ep(), outer = new_ep(), fd = new_eventfd(1);
	struct waiter above = {};
	struct epx_ctl_entry entries[] = {
		change(EPOLL_CTL_ADD, new_eventfd(0), EPOLLIN, 1),
		change(EPOLL_CTL_ADD, fd, EPOLLIN, 2),
	};

	ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, ep, EPOLLIN, 3), 0);
	waiter_sleep(&waiter, WAITER_EPOLL, ep, 4, -1);
	waiter_sleep(&above, WAITER_EPOLL, outer, 4, -1);
	ASSERT_EQ(epx_ctlv(ep, entries, 2), 2);
	ASSERT_EQ(waiter_join(&waiter), 1);
	EXPECT_EQ(waiter.events[0].data.u64, 2);
	ASSERT_EQ(waiter_join(&above), 1);
	close_owned();
}

static void *sleep_on(void *arg)
{
	struct epoll_event ev;

	ep_wait(*(int *)arg, &ev, 1, -1);
	return NULL;
}

/*
 * With a second thread the descriptors are not the caller's alone, and each is
 * looked up with a reference. None of these may be left behind: the peer of a
 * closed pipe sees the end.
 */
TEST_ON(EPX, a_shared_table_of_descriptors_makes_no_difference, "67")
{
	int ep = new_ep(), quiet = new_ep(), p[40][2];
	struct epx_ctl_entry entries[40];
	pthread_t thread;
	char c;

	ASSERT_EQ(pthread_create(&thread, NULL, sleep_on, &quiet), 0);
	for (int i = 0; i < 40; i++) {
		ASSERT_EQ(pipe(p[i]), 0);
		entries[i] = change(EPOLL_CTL_ADD, i % 5 ? p[i][1] : 987,
				    EPOLLOUT, i);
	}
	ASSERT_EQ(epx_ctlv(ep, entries, 40), 40);
	for (int i = 0; i < 40; i++)
		EXPECT_EQ(entries[i].result, i % 5 ? 0 : -EBADF);
	EXPECT_EQ(watches_of(ep), 32);
	for (int i = 0; i < 40; i++) {
		close(p[i][1]);
		EXPECT_EQ(read(p[i][0], &c, 1), 0);
		close(p[i][0]);
	}
	EXPECT_EQ(watches_of(ep), 0);
	ASSERT_EQ(ep_ctl(quiet, EPOLL_CTL_ADD, new_eventfd(1), EPOLLIN, 0), 0);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	close_owned();
}

TEST_ON(EPX, each_change_of_a_batch_is_traced, "")
{
	int ep = new_ep(), fd = new_eventfd(0), inner = new_ep(), at = 0;
	struct epx_ctl_entry entries[] = {
		change(EPOLL_CTL_ADD, fd, EPOLLIN, 0),
		change(EPOLL_CTL_ADD, fd, EPOLLIN, 0),
		change(EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLET, 0),
		change(EPOLL_CTL_ADD, inner, EPOLLIN, 0),
		/* No file, no event: as with a single one. */
		change(EPOLL_CTL_ADD, 987, EPOLLIN, 0),
		change(EPOLL_CTL_DEL, fd, EPOLLPRI, 0),
	};
	static const struct {
		const char *op, *bit;
		int ret;
	} want[] = {
		{ "ADD", "IN", 0 }, { "ADD", "IN", -EEXIST },
		{ "MOD", "OUT", 0 }, { "ADD", "IN", 0 },
		{ "DEL", "ERR", 0 },
	};

	trace_begin();
	ASSERT_EQ(epx_ctlv(ep, entries, 6), 6);
	trace_end();
	for (int i = 0; i < 5; i++) {
		struct line *line = trace_next(&at, "ctl", "");

		EXPECT_TRUE(is(line, "op", want[i].op));
		EXPECT_TRUE(has(line, "events", want[i].bit));
		EXPECT_EQ(number(line, "ret"), want[i].ret);
		EXPECT_EQ(number(line, "fd"), i == 3 ? inner : fd);
	}
	EXPECT_EQ(trace_count("ctl"), 5);
	EXPECT_EQ(trace_lines(), 5);
	close_owned();
}

/* The largest batches, one after the other; SIGKILL ends them in between. */
TEST_ON(EPX, a_batch_can_be_killed, "55")
{
	int ready[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct epx_ctl_entry *entries = calloc(EPX_CHANGES_MAX,
						       sizeof(*entries));
		int ep = new_ep(), fd = new_eventfd(0);

		for (int i = 0; i < EPX_CHANGES_MAX; i++)
			entries[i] = change(EPX_CTL_PUT, fd, EPOLLIN, i);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			epx_ctlv(ep, entries, EPX_CHANGES_MAX);
	}
	ASSERT_EQ(read(ready[0], &c, 1), 1);
	ASSERT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(ready[0]);
	close(ready[1]);
}

static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
	(void)sig;
	signals++;
}

/* Signals that do not kill come in the middle of batches, and end none. */
TEST_ON(EPX, a_signal_does_not_cut_a_batch_short, "")
{
	enum { MANY = 3000 };
	struct sigaction action = { .sa_handler = count_signal };
	struct itimerval timer = { { 0, 500 }, { 0, 500 } };
	struct epx_ctl_entry *entries = calloc(MANY, sizeof(*entries));
	int ep = new_ep(), fd = new_eventfd(0);

	ASSERT_TRUE(entries);
	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
	for (int i = 0; i < MANY; i++)
		entries[i] = change(EPX_CTL_PUT, fd, EPOLLIN, i);
	ASSERT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	while (signals < 50)
		ASSERT_EQ(epx_ctlv(ep, entries, MANY), MANY);
	timer = (struct itimerval){};
	ASSERT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	free(entries);
	close_owned();
}
