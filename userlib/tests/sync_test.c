// SPDX-License-Identifier: MIT
/*
 * Tasks among themselves: events, semaphores, oneshots, channels, groups.
 */
#include "lib.h"

/* Awaits what it is given, and logs its name then. */
struct waits {
	struct epx_future future;
	struct epx_wait_for wait;
	struct epx_future *what;
	char *log;
	char name;
};

EPX_ASYNC(waits, NULL)
{
	EPX_BEGIN;
	EPX_AWAIT(me->what);
	strncat(me->log, &me->name, 1);
	EPX_RETURN(EPX_RES);
	EPX_END;
}

static struct epx_task *start(struct epx_exec *exec, struct waits *waits,
			      struct epx_future *what, char *log, char name)
{
	struct epx_task *task;

	waits->what = what;
	waits->log = log;
	waits->name = name;
	ASSERT_EQ(epx_spawn(exec, EPX_INIT(waits, waits), NULL, &task), 0);
	return task;
}

static void launch(struct epx_exec *exec, struct waits *waits,
		   struct epx_future *what, char *log, char name)
{
	epx_task_put(start(exec, waits, what, log, name));
}

static void settle(struct epx_exec *exec)
{
	while (epx_run_once(exec, 0))
		;
}

LIB_TEST(an_event_wakes_all_who_wait_and_those_who_come_late, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_event event;
	struct waits waits[4];
	char log[8] = "";
	int i;

	epx_event_init(&event);
	for (i = 0; i < 3; i++)
		epx_task_put(start(exec, &waits[i],
				   epx_event_wait(&waits[i].wait, &event), log,
				   'a' + i));
	settle(exec);
	EXPECT_EQ(log[0], 0);
	epx_event_set(&event);
	/* Who was woken is not held up by a reset. */
	epx_event_reset(&event);
	settle(exec);
	EXPECT_EQ(strcmp(log, "abc"), 0);
	epx_event_set(&event);
	epx_task_put(start(exec, &waits[3],
			   epx_event_wait(&waits[3].wait, &event), log, 'd'));
	settle(exec);
	EXPECT_EQ(strcmp(log, "abcd"), 0);
	epx_exec_free(exec);
}

LIB_TEST(permits_are_handed_out_in_order, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct waits waits[5];
	struct epx_sem sem;
	char log[8] = "";
	int i;

	epx_sem_init(&sem, 2);
	for (i = 0; i < 5; i++)
		epx_task_put(start(exec, &waits[i],
				   epx_sem_take(&waits[i].wait, &sem), log,
				   'a' + i));
	settle(exec);
	EXPECT_EQ(strcmp(log, "ab"), 0);
	epx_sem_give(&sem);
	settle(exec);
	EXPECT_EQ(strcmp(log, "abc"), 0);
	epx_sem_give(&sem);
	epx_sem_give(&sem);
	epx_sem_give(&sem);
	settle(exec);
	EXPECT_EQ(strcmp(log, "abcde"), 0);
	EXPECT_EQ(sem.permits, 1);
	epx_exec_free(exec);
}

LIB_TEST(a_permit_given_to_one_that_is_dropped_goes_to_the_next, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_task *tasks[3];
	struct waits waits[3];
	struct epx_sem sem;
	char log[8] = "";
	int i;

	epx_sem_init(&sem, 0);
	for (i = 0; i < 3; i++)
		tasks[i] = start(exec, &waits[i],
				 epx_sem_take(&waits[i].wait, &sem), log,
				 'a' + i);
	settle(exec);
	/* One that only waits; then one that has been given the permit. */
	epx_abort(tasks[1]);
	epx_sem_give(&sem);
	epx_abort(tasks[0]);
	settle(exec);
	EXPECT_EQ(strcmp(log, "c"), 0);
	EXPECT_EQ(sem.permits, 0);
	for (i = 0; i < 3; i++)
		epx_task_put(tasks[i]);
	epx_exec_free(exec);
}

LIB_TEST(a_oneshot_has_one_value, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_oneshot oneshot;
	struct epx_wait_for wait;
	struct waits waits;
	char log[8] = "";

	epx_oneshot_init(&oneshot);
	epx_task_put(start(exec, &waits,
			   epx_oneshot_wait(&waits.wait, &oneshot), log, 'a'));
	settle(exec);
	EXPECT_EQ(epx_oneshot_set(&oneshot, 42), 0);
	EXPECT_EQ(epx_oneshot_set(&oneshot, 43), -EALREADY);
	settle(exec);
	EXPECT_EQ(waits.wait.future.res, 42);
	EXPECT_EQ(epx_block_on(exec, epx_oneshot_wait(&wait, &oneshot)), 42);
	epx_exec_free(exec);
}

/* Sends or receives @count numbers. */
struct end {
	struct epx_future future;
	struct epx_wait_for wait;
	struct epx_chan *chan;
	int first;
	int count;
	int i;
	int value;
	int64_t sum;
	bool sends;
};

EPX_ASYNC(end, NULL)
{
	EPX_BEGIN;
	for (me->i = 0; me->i < me->count; me->i++) {
		me->value = me->first + me->i;
		if (me->sends)
			EPX_TRY(epx_chan_send(&me->wait, me->chan, &me->value));
		else
			EPX_TRY(epx_chan_recv(&me->wait, me->chan, &me->value));
		me->sum += me->value;
	}
	EPX_RETURN(0);
	EPX_END;
}

static void exchange(uint64_t seed, unsigned int capacity)
{
	struct epx_exec *exec = test_exec_seeded(seed);
	struct end ends[6] = { 0 };
	int64_t sent = 0, got = 0;
	struct epx_chan chan;
	int ring[8], i;

	ASSERT_EQ(epx_chan_init(&chan, ring, sizeof(int), capacity), 0);
	for (i = 0; i < 6; i++) {
		ends[i].chan = &chan;
		ends[i].sends = i % 2;
		ends[i].first = i * 1000;
		ends[i].count = 300;
		ASSERT_EQ(epx_spawn(exec, EPX_INIT(&ends[i], end), NULL, NULL),
			  0);
	}
	EXPECT_EQ(epx_run(exec), 0);
	for (i = 0; i < 6; i++)
		*(i % 2 ? &sent : &got) += ends[i].sum;
	EXPECT_EQ(sent, got);
	EXPECT_EQ(chan.used, 0);
	epx_exec_free(exec);
}

LIB_TEST(a_channel_loses_and_doubles_nothing_in_any_order, ON_SCRIPTED)
{
	uint64_t seed;

	for (seed = 0; seed < 30; seed++)
		exchange(seed, 1 + seed % 8);
}

LIB_TEST(a_channel_is_first_in_first_out, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct waits waits[3];
	struct epx_wait_for wait;
	struct epx_chan chan;
	char ring[2], value, log[8] = "", got[8] = "";
	int i;

	ASSERT_EQ(epx_chan_init(&chan, ring, 1, 2), 0);
	EXPECT_EQ(epx_chan_init(&chan, ring, 1, 0), -EINVAL);
	EXPECT_EQ(epx_chan_try_send(&chan, "1"), 0);
	EXPECT_EQ(epx_chan_try_send(&chan, "2"), 0);
	EXPECT_EQ(epx_chan_try_send(&chan, "x"), -EAGAIN);
	for (i = 0; i < 3; i++)
		launch(exec, &waits[i],
		       epx_chan_send(&waits[i].wait, &chan, &"345"[i]), log,
		       'a' + i);
	settle(exec);
	EXPECT_EQ(log[0], 0);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(epx_block_on(exec,
				       epx_chan_recv(&wait, &chan, &value)),
			  0);
		strncat(got, &value, 1);
		/* Nobody overtakes those who wait. */
		if (!i)
			EXPECT_EQ(epx_chan_try_send(&chan, "x"), -EAGAIN);
	}
	EXPECT_EQ(strcmp(got, "12345"), 0);
	EXPECT_EQ(strcmp(log, "abc"), 0);
	epx_exec_free(exec);
}

LIB_TEST(a_closed_channel_is_emptied_and_then_tells_all, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct waits waits[3];
	struct epx_wait_for wait;
	struct epx_chan chan;
	char ring[2], value, values[3], log[8] = "";
	int i;

	ASSERT_EQ(epx_chan_init(&chan, ring, 1, 2), 0);
	for (i = 0; i < 3; i++)
		launch(exec, &waits[i],
		       epx_chan_recv(&waits[i].wait, &chan, &values[i]), log,
		       'a' + i);
	settle(exec);
	EXPECT_EQ(epx_chan_try_send(&chan, "1"), 0);
	epx_chan_close(&chan);
	EXPECT_EQ(epx_chan_try_send(&chan, "2"), -EPIPE);
	settle(exec);
	EXPECT_EQ(strcmp(log, "abc"), 0);
	EXPECT_EQ(values[0], '1');
	EXPECT_EQ(waits[0].wait.future.res, 0);
	EXPECT_EQ(waits[1].wait.future.res, -EPIPE);
	EXPECT_EQ(waits[2].wait.future.res, -EPIPE);
	EXPECT_EQ(epx_block_on(exec, epx_chan_recv(&wait, &chan, &value)),
		  -EPIPE);
	epx_exec_free(exec);
}

LIB_TEST(a_receiver_that_is_dropped_after_its_wake_passes_it_on, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_task *tasks[2];
	struct waits waits[2];
	struct epx_chan chan;
	char ring[2], values[2], log[8] = "";
	int i;

	ASSERT_EQ(epx_chan_init(&chan, ring, 1, 2), 0);
	for (i = 0; i < 2; i++)
		tasks[i] =
			start(exec, &waits[i],
			      epx_chan_recv(&waits[i].wait, &chan, &values[i]),
			      log, 'a' + i);
	settle(exec);
	EXPECT_EQ(epx_chan_try_send(&chan, "7"), 0);
	epx_abort(tasks[0]);
	settle(exec);
	EXPECT_EQ(strcmp(log, "b"), 0);
	EXPECT_EQ(values[1], '7');
	for (i = 0; i < 2; i++)
		epx_task_put(tasks[i]);
	epx_exec_free(exec);
}

LIB_TEST(a_group_is_cancelled_and_awaited, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_wait_for wait;
	struct epx_group group;
	struct epx_event never;
	struct waits waits[4];
	char log[8] = "";
	int i;

	epx_event_init(&never);
	epx_group_init(&group, exec);
	for (i = 0; i < 4; i++) {
		waits[i].what = epx_event_wait(&waits[i].wait, &never);
		waits[i].log = log;
		waits[i].name = 'a' + i;
		ASSERT_EQ(epx_group_spawn(&group, EPX_INIT(&waits[i], waits),
					  NULL),
			  0);
	}
	settle(exec);
	EXPECT_EQ(group.count, 4);
	epx_group_cancel(&group);
	EXPECT_EQ(epx_group_spawn(&group, &waits[0].future, NULL), -ECANCELED);
	EXPECT_EQ(epx_block_on(exec, epx_group_wait(&wait, &group)), 0);
	EXPECT_EQ(group.count, 0);
	EXPECT_EQ(log[0], 0);
	EXPECT_EQ(never.waiters.next == &never.waiters, 1);
	epx_exec_free(exec);
}

static int64_t as_error(void *arg, int64_t res)
{
	(void)res;
	return *(int *)arg;
}

static void add(struct epx_group *group, struct epx_future *future)
{
	ASSERT_EQ(epx_group_spawn(group, future, NULL), 0);
}

LIB_TEST(a_group_has_the_first_error_of_its_members, ON_SCRIPTED)
{
	int results[] = { 0, -EIO, 3, -EPERM };
	struct epx_exec *exec = test_exec();
	struct epx_sleep sleeps[4];
	struct epx_then thens[4];
	struct epx_wait_for wait;
	struct epx_group group;
	int i;

	epx_group_init(&group, exec);
	for (i = 0; i < 4; i++)
		add(&group, epx_then(&thens[i], epx_sleep(&sleeps[i], 10 + i),
				     as_error, &results[i]));
	EXPECT_EQ(epx_block_on(exec, epx_group_wait(&wait, &group)), -EIO);
	epx_exec_free(exec);
}
