// SPDX-License-Identifier: MIT
/*
 * Futures made of futures: then, join, select.
 */
#include "lib.h"

static int64_t as_error(void *arg, int64_t res)
{
	(void)res;
	return *(int *)arg;
}

static int64_t half(void *arg, int64_t res)
{
	++*(int *)arg;
	return res < 0 ? res : res / 2;
}

static struct epx_future *sleep_again(void *arg, int64_t res)
{
	return res ? NULL : epx_sleep(arg, 100);
}

LIB_TEST(then_is_called_with_the_result_and_never_before, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct epx_then then, again;
	struct epx_oneshot oneshot;
	struct epx_wait_for wait;
	struct epx_sleep sleeps[2];
	int calls = 0;

	epx_oneshot_init(&oneshot);
	epx_oneshot_set(&oneshot, 84);
	epx_then(&then, epx_oneshot_wait(&wait, &oneshot), half, &calls);
	EXPECT_EQ(calls, 0);
	EXPECT_EQ(epx_block_on(exec, &then.future), 42);
	EXPECT_EQ(calls, 1);
	EXPECT_EQ(epx_block_on(exec,
			       epx_then(&then,
					epx_and_then(&again,
						     epx_sleep(&sleeps[0], 50),
						     sleep_again, &sleeps[1]),
					half, &calls)),
		  0);
	EXPECT_EQ(calls, 2);
	EXPECT_EQ(epx_time(exec), EPX_SCRIPT_BEGIN + 150);
	/* Dropped before: not called, and what it waited for is dropped. */
	epx_then(&then, epx_sleep(&sleeps[0], 50), half, &calls);
	epx_drop(&then.future);
	EXPECT_EQ(calls, 2);
	EXPECT_TRUE(sleeps[0].future.flags & EPX_FUTURE_DONE);
	epx_exec_free(exec);
}

LIB_TEST(join_waits_for_all_and_has_the_first_error, ON_SCRIPTED)
{
	int error = -EIO, other = -EPERM, calls = 0;
	struct epx_exec *exec = test_exec();
	struct epx_future *members[4];
	struct epx_sleep sleeps[3];
	struct epx_then thens[3];
	struct epx_set set;

	members[0] =
		epx_then(&thens[0], epx_sleep(&sleeps[0], 30), half, &calls);
	members[1] = NULL;
	members[2] = epx_then(&thens[1], epx_sleep(&sleeps[1], 20), as_error,
			      &error);
	members[3] = epx_then(&thens[2], epx_sleep(&sleeps[2], 10), as_error,
			      &other);
	EXPECT_EQ(epx_block_on(exec, epx_join(&set, members, 4)), -EIO);
	EXPECT_EQ(calls, 1);
	EXPECT_EQ(epx_time(exec), EPX_SCRIPT_BEGIN + 30);
	EXPECT_EQ(epx_block_on(exec, epx_join(&set, members, 0)), 0);
	epx_exec_free(exec);
}

LIB_TEST(select_has_the_first_and_drops_the_others, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct epx_future *members[3];
	struct epx_sleep sleeps[3];
	struct epx_metrics metrics;
	struct epx_set set;
	int i;

	for (i = 0; i < 3; i++)
		members[i] = epx_sleep(&sleeps[i], i == 1 ? 10 : 20);
	EXPECT_EQ(epx_block_on(exec, epx_select(&set, members, 3)), 1);
	EXPECT_EQ(epx_time(exec), EPX_SCRIPT_BEGIN + 10);
	EXPECT_EQ(sleeps[0].future.res, -ECANCELED);
	EXPECT_EQ(sleeps[1].future.res, 0);
	EXPECT_EQ(sleeps[2].future.res, -ECANCELED);
	epx_metrics(exec, &metrics);
	EXPECT_EQ(metrics.timers, 0);
	EXPECT_EQ(epx_block_on(exec, epx_select(&set, members, 0)), -EINVAL);
	epx_exec_free(exec);
}

LIB_TEST(a_select_takes_only_one_where_two_are_ready, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_wait_for waits[2];
	struct epx_future *members[2];
	struct epx_sem first, second;
	struct epx_set set;

	epx_sem_init(&first, 1);
	epx_sem_init(&second, 1);
	members[0] = epx_sem_take(&waits[0], &first);
	members[1] = epx_sem_take(&waits[1], &second);
	EXPECT_EQ(epx_block_on(exec, epx_select(&set, members, 2)), 0);
	EXPECT_EQ(first.permits, 0);
	EXPECT_EQ(second.permits, 1);
	epx_exec_free(exec);
}

/* A member that is over has nothing more to say; one twice is one. */
LIB_TEST(a_join_counts_what_is_over_as_over, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct epx_future *members[3];
	struct epx_sleep sleeps[2];
	struct epx_set set;

	members[0] = epx_sleep(&sleeps[0], 10);
	EXPECT_EQ(epx_block_on(exec, members[0]), 0);
	members[1] = epx_sleep(&sleeps[1], 10);
	members[2] = members[1];
	EXPECT_EQ(run_for(exec, EPX_SEC, epx_join(&set, members, 3)), 0);
	EXPECT_EQ(epx_time(exec), EPX_SCRIPT_BEGIN + 20);
	epx_drop(epx_sleep(&sleeps[0], 10));
	EXPECT_EQ(run_for(exec, EPX_SEC, epx_join(&set, members, 1)),
		  -ECANCELED);
	epx_exec_free(exec);
}
