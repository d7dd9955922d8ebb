// SPDX-License-Identifier: MIT
/*
 * EPX_CONCURRENCY_RUNNING: the limit is on threads that run. And what a limit
 * shows in fdinfo and in the trace. epollx only.
 *
 *   thread 0:  out, blocks ......... runs again
 *   thread 1:  asleep, is woken with the slot that 0 has left
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "tracefile.h"
#include "worker.h"

#define MS	1000000LL
#define W	3

static struct worker w[W];

/* With a file that is always ready. */
static int new_running(unsigned int concurrency)
{
	int ep = new_limited(concurrency, EPX_CONCURRENCY_RUNNING);

	add_ready(ep, 0);
	return ep;
}

static void end(void)
{
	workers_stop(w, W);
	close_owned();
}

/* It blocks until a byte is written to the pipe's end that is returned. */
static int block(struct worker *worker)
{
	int p[2];

	new_pipe(p);
	ASSERT_EQ(fcntl(p[0], F_SETFL, 0), 0);
	worker->fd = p[0];
	worker_begin(worker, TASK_READ);
	return p[1];
}

static void unblock(struct worker *worker, int fd)
{
	ASSERT_EQ(write(fd, "", 1), 1);
	EXPECT_EQ(worker_end(worker), 1);
}

static bool shows(int ep, const char *format, int number)
{
	char line[64];

	snprintf(line, sizeof(line), format, number);
	return strstr(read_fdinfo(ep), line);
}

TEST_ON(EPX, who_blocks_lets_another_one_run, "")
{
	int ep = new_running(1), end_of_block;

	workers_start(w, W);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	worker_sleep(&w[1], ep);
	end_of_block = block(&w[0]);
	EXPECT_EQ(worker_end(&w[1]), 1);
	EXPECT_TRUE(shows(ep, "held:\t%d\n", 1));
	EXPECT_TRUE(shows(ep, "holder:\t%d blocked\n", w[0].tid));
	EXPECT_EQ(worker_wait(&w[2], ep, 0), 0);
	/* Now one too many; until they are fewer nobody else is let out. */
	unblock(&w[0], end_of_block);
	EXPECT_TRUE(shows(ep, "held:\t%d\n", 2));
	EXPECT_TRUE(shows(ep, "holder:\t%d\n", w[0].tid));
	EXPECT_EQ(worker_yield(&w[1], ep), 1);
	EXPECT_EQ(worker_wait(&w[2], ep, 0), 0);
	EXPECT_EQ(worker_yield(&w[0], ep), 1);
	EXPECT_EQ(worker_wait(&w[2], ep, 0), 1);
	EXPECT_EQ(worker_wait(&w[1], ep, 0), 0);
	end();
}

TEST_ON(EPX, without_the_flag_who_blocks_keeps_its_slot, "")
{
	int ep = new_limited(1, 0), end_of_block;

	workers_start(w, W);
	add_ready(ep, 0);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	worker_sleep(&w[1], ep);
	end_of_block = block(&w[0]);
	worker_await_sleep(&w[0]);
	EXPECT_TRUE(worker_sleeps(&w[1]));
	EXPECT_TRUE(shows(ep, "holder:\t%d\n", w[0].tid));
	unblock(&w[0], end_of_block);
	EXPECT_EQ(worker_yield(&w[0], ep), 1);
	EXPECT_EQ(worker_end(&w[1]), 1);
	end();
}

TEST_ON(EPX, a_blocked_thread_can_be_killed, "")
{
	int ep = new_running(1), end_of_block;

	workers_start(w, W);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	end_of_block = block(&w[0]);
	EXPECT_EQ(worker_wait(&w[1], ep, -1), 1);
	unblock(&w[0], end_of_block);
	/* Both exit with a slot: none may stay behind. */
	workers_stop(w, 2);
	EXPECT_EQ(worker_wait(&w[2], ep, -1), 1);
	EXPECT_TRUE(shows(ep, "held:\t%d\n", 1));
	workers_stop(w + 2, 1);
	close_owned();
}

/* All on one CPU: who is out is off the CPU most of the time, but never blocks. */
TEST_ON(EPX, who_is_preempted_runs, "")
{
	long long until = now_ns() + 50 * MS;
	int ep = new_running(1), got = 0;
	cpu_set_t one, all;

	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	workers_start(w, W);
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	while (now_ns() < until)
		got += worker_wait(&w[1], ep, 0);
	EXPECT_EQ(got, 0);
	EXPECT_TRUE(shows(ep, "holder:\t%d\n", w[0].tid));
	sched_setaffinity(0, sizeof(all), &all);
	end();
}

TEST_ON(EPX, who_blocks_in_one_instance_lets_others_run_in_another, "")
{
	int ep[2] = { new_running(1), new_ep() };

	workers_start(w, W);
	EXPECT_EQ(worker_wait(&w[0], ep[0], 0), 1);
	worker_sleep(&w[0], ep[1]);
	EXPECT_EQ(worker_wait(&w[1], ep[0], -1), 1);
	add_ready(ep[1], 0);
	EXPECT_EQ(worker_end(&w[0]), 1);
	EXPECT_TRUE(shows(ep[0], "held:\t%d\n", 2));
	end();
}

TEST_ON(EPX, fdinfo_shows_policy_and_holders, "")
{
	int plain = new_ep(), fifo = new_limited(0, EPX_WAKE_FIFO);
	int ep = new_limited(2, 0), running = new_running(7);

	EXPECT_FALSE(strstr(read_fdinfo(plain), "wake:"));
	EXPECT_FALSE(strstr(read_fdinfo(plain), "concurrency:"));
	EXPECT_TRUE(strstr(read_fdinfo(fifo), "\nwake:\tfifo\n"));
	EXPECT_FALSE(strstr(read_fdinfo(fifo), "concurrency:"));
	EXPECT_TRUE(strstr(read_fdinfo(ep), "\nwake:\tlifo\nconcurrency:\t2\nheld:\t0\n"));
	EXPECT_TRUE(strstr(read_fdinfo(running), "\nconcurrency:\t7 running\n"));
	workers_start(w, W);
	add_ready(ep, 0);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(worker_wait(&w[i], ep, 0), 1);
	EXPECT_TRUE(shows(ep, "\nheld:\t%d\n", 2));
	EXPECT_TRUE(shows(ep, "\nholder:\t%d\n", w[0].tid));
	EXPECT_TRUE(shows(ep, "\nholder:\t%d\n", w[1].tid));
	EXPECT_EQ(worker_yield(&w[0], ep), 1);
	EXPECT_FALSE(shows(ep, "\nholder:\t%d\n", w[0].tid));
	/* The lines of the watches are as ever. */
	EXPECT_EQ(watches_of(ep), 1);
	end();
}

static int count_steps(const char *step)
{
	int at = 0, count = 0;

	for (int lines = trace_count("slot"); lines; lines--)
		count += is(trace_next(&at, "slot", ""), "step", step);
	return count;
}

/*
 * A thread may block more often than it is told to. Lines of two CPUs at the same
 * moment may be in either order, and who hands a slot over speaks for who takes it:
 * certain are the sums.
 */
TEST_ON(EPX, a_trace_has_what_becomes_of_slots, "")
{
	int ep = new_running(1), end_of_block, at = 0;

	workers_start(w, W);
	trace_begin();
	EXPECT_EQ(worker_wait(&w[0], ep, 0), 1);
	end_of_block = block(&w[0]);
	EXPECT_EQ(worker_wait(&w[1], ep, -1), 1);
	unblock(&w[0], end_of_block);
	EXPECT_EQ(worker_yield(&w[1], ep), 1);
	EXPECT_EQ(worker_yield(&w[0], ep), 1);
	trace_end();
	for (int lines = trace_count("slot"); lines; lines--) {
		struct line *line = trace_next(&at, "slot", "");

		EXPECT_LE(number(line, "used"), 2);
		EXPECT_EQ(number(line, "most"), 1);
	}
	EXPECT_EQ(count_steps("taken"), 2);
	EXPECT_EQ(count_steps("given"), 2);
	EXPECT_GE(count_steps("left"), 1);
	EXPECT_EQ(count_steps("resumed"), count_steps("left"));
	end();
}
