// SPDX-License-Identifier: MIT
/*
 * Whose slots of a concurrency limit are whose, and what becomes of them when
 * threads, processes and instances end. epollx only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "worker.h"

#define W	3

static struct worker w[W];

static void end(void)
{
	workers_stop(w, W);
	close_owned();
}

TEST_ON(EPX, an_exit_gives_it_back, "")
{
	int ep = new_limited(1, 0);

	workers_start(w, W);
	add_ready(ep, 0);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	worker_sleep(&w[1], ep);
	worker_begin(&w[0], TASK_EXIT);
	EXPECT_EQ(worker_end(&w[1]), 1);
	ASSERT_EQ(pthread_join(w[0].thread, NULL), 0);
	workers_stop(w + 1, W - 1);
	close_owned();
}

/* A process of its own that takes a slot and says so; killed by the caller. */
static pid_t taker(int ep)
{
	struct epoll_event ev;
	int p[2], status;
	pid_t pid;

	new_pipe(p);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		status = epx_wait(ep, &ev, 1, 0);
		if (write(p[1], &status, sizeof(status)) > 0)
			pause();
		_exit(0);
	}
	ASSERT_TRUE(becomes_ready(p[0], POLLIN));
	ASSERT_EQ(read(p[0], &status, sizeof(status)), sizeof(status));
	EXPECT_EQ(status, 1);
	return pid;
}

TEST_ON(EPX, processes_that_share_it_count_alike, "")
{
	int ep = new_limited(1, 0);
	pid_t pid;

	workers_start(w, W);
	add_ready(ep, 0);
	pid = taker(ep);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 0);
	worker_sleep(&w[1], ep);
	kill(pid, SIGKILL);
	EXPECT_EQ(worker_end(&w[1]), 1);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	EXPECT_EQ(worker_yield(&w[1], ep), 1);
	/* Reaped: it has been given back. */
	pid = taker(ep);
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	end();
}

TEST_ON(EPX, a_child_has_no_slot_of_its_parents, "")
{
	int ep = new_limited(1, 0), status;
	struct epoll_event ev;
	pid_t pid;

	add_ready(ep, 0);
	ASSERT_EQ(epx_wait(ep, &ev, 1, 0), 1);
	pid = fork();
	if (!pid)
		_exit(epx_yield(ep) == 0 && epx_wait(ep, &ev, 1, 0) == 0);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 1 << 8);
	EXPECT_EQ(epx_yield(ep), 1);
	close_owned();
}

TEST_ON(EPX, each_instance_has_its_own_slots, "")
{
	int ep[2] = { new_limited(1, 0), new_limited(1, 0) };

	workers_start(w, W);
	for (int i = 0; i < 2; i++) {
		add_ready(ep[i], 0);
		EXPECT_EQ(worker_wait(&w[0], ep[i], 0), 1);
	}
	EXPECT_EQ(worker_yield(&w[0], ep[0]), 1);
	EXPECT_EQ(worker_wait(&w[1], ep[0], 0), 1);
	EXPECT_EQ(worker_wait(&w[1], ep[1], 0), 0);
	/* The instance goes, and the thread goes on and exits. */
	close(ep[1]);
	EXPECT_EQ(worker_wait(&w[0], ep[0], 0), 0);
	close(ep[0]);
	end();
}

/* Else what the scheduler does for a switch of threads could take any time. */
TEST_ON(EPX, a_thread_uses_so_many_limited_instances, "")
{
	int ep[EPX_LIMITED_INSTANCES_MAX + 1], last = EPX_LIMITED_INSTANCES_MAX;
	struct epoll_event ev;

	for (int i = 0; i <= last; i++) {
		ep[i] = new_limited(1, i & 1 ? EPX_CONCURRENCY_RUNNING : 0);
		add_ready(ep[i], 0);
	}
	for (int i = 0; i < last; i++)
		ASSERT_EQ(epx_wait(ep[i], &ev, 1, 0), 1);
	EXPECT_EQ(epx_wait(ep[last], &ev, 1, 0), -ENOSPC);
	EXPECT_EQ(epx_yield(ep[last]), 0);
	/* Of those that it has, and of those without a limit, there is no end. */
	EXPECT_EQ(epx_wait(ep[0], &ev, 1, 0), 1);
	EXPECT_EQ(epx_wait(new_ep(), &ev, 1, 0), 0);
	workers_start(w, 1);
	EXPECT_EQ(worker_wait(&w[0], ep[last], 0), 1);
	EXPECT_EQ(worker_yield(&w[0], ep[last]), 1);
	workers_stop(w, 1);
	close(ep[1]);
	EXPECT_EQ(epx_wait(ep[last], &ev, 1, 0), 1);
	close_owned();
}
