// SPDX-License-Identifier: MIT
/*
 * What a dump shows of each task.
 */
#include "lib.h"

struct waits {
	struct epx_future future;
	struct epx_future *what;
};

EPX_ASYNC(waits, NULL)
{
	EPX_BEGIN;
	EPX_AWAIT(me->what);
	EPX_END;
}

static void settle(struct epx_exec *exec)
{
	while (epx_run_once(exec, 0))
		;
}

LIB_TEST(a_dump_shows_each_tasks_stack, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct epx_timeout timeout;
	struct epx_sleep sleep;
	struct waits waits;
	char text[1024] = "";
	FILE *to;

	waits.what = epx_timeout(&timeout, epx_sleep(&sleep, 5 * EPX_SEC),
				 2 * EPX_SEC);
	ASSERT_EQ(epx_spawn(exec, EPX_INIT(&waits, waits), NULL, NULL), 0);
	settle(exec);
	to = fmemopen(text, sizeof(text), "w");
	ASSERT_TRUE(to);
	epx_dump(exec, to);
	fclose(to);
	EXPECT_TRUE(strstr(text, "task 1, waiting for 0.000 ms\n"
				 "  waits at dump_test.c:"));
	EXPECT_TRUE(strstr(text, ": me->what\n"
				 "    timeout: in 2000.000 ms\n"
				 "      sleep: in 5000.000 ms\n"
				 "1 tasks, 2 timers\n"));
	epx_exec_free(exec);
}

LIB_TEST(a_dump_shows_descriptors_and_branches, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_future *members[2];
	char text[1024] = "", want[64];
	struct epx_event never;
	struct epx_wait_for wait;
	struct epx_set set;
	struct epx_op op;
	struct epx_io io;
	int fds[2];
	FILE *to;

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	epx_event_init(&never);
	members[0] = epx_event_wait(&wait, &never);
	members[1] = epx_recv(&op, &io, text, 1);
	ASSERT_EQ(epx_spawn(exec, epx_select(&set, members, 2), NULL, NULL), 0);
	settle(exec);
	to = fmemopen(text, sizeof(text), "w");
	ASSERT_TRUE(to);
	epx_dump(exec, to);
	fclose(to);
	snprintf(want, sizeof(want),
		 "  select\n    event\n    recv: fd %d, in\n", fds[0]);
	EXPECT_TRUE(strstr(text, want));
	epx_exec_free(exec);
	epx_io_close(&io);
	close(fds[1]);
}
