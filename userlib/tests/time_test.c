// SPDX-License-Identifier: MIT
/*
 * Time: sleeps, intervals, timeouts. On the scripted backend to the nanosecond,
 * elsewhere never early.
 */
#include "lib.h"

struct sleeper {
	struct epx_future future;
	struct epx_sleep sleep;
	int64_t ns;
	int64_t from;
	int64_t began;
	int64_t slept;
	char *log;
	char name;
};

EPX_ASYNC(sleeper, NULL)
{
	EPX_BEGIN;
	me->began = epx_now(cx);
	if (me->from)
		epx_sleep_until(&me->sleep, me->from + me->ns);
	else
		epx_sleep(&me->sleep, me->ns);
	EPX_AWAIT(&me->sleep.future);
	me->slept = epx_now(cx) - me->began;
	if (me->log)
		strncat(me->log, &me->name, 1);
	EPX_RETURN(EPX_RES);
	EPX_END;
}

static struct epx_future *sleeper(struct sleeper *place, int64_t ns, char *log,
				  char name)
{
	place->ns = ns;
	place->from = 0;
	place->log = log;
	place->name = name;
	return EPX_INIT(place, sleeper);
}

LIB_TEST(a_sleep_is_never_early, ON_EACH)
{
	static const int64_t times[] = {
		-5,
		0,
		1,
		999,
		300 * EPX_USEC,
		EPX_MSEC,
		EPX_MSEC + 1,
		3 * EPX_MSEC + 999999,
	};
	struct epx_exec *exec = test_exec();
	struct sleeper one;
	unsigned int i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		EXPECT_EQ(epx_block_on(exec, sleeper(&one, times[i], NULL, 0)),
			  0);
		EXPECT_GE(one.slept, times[i]);
		if (on_scripted() && times[i] > 0)
			EXPECT_EQ(one.slept, times[i]);
	}
	epx_exec_free(exec);
}

/* Five sleepers, the first due after gap ns. Says whether all slept by then. */
static bool sleep_in_turn(struct epx_exec *exec, const char *order, int64_t gap,
			  char *log)
{
	struct sleeper all[5];
	int64_t now = epx_time(exec);
	bool in_time = true;
	int i;

	for (i = 0; i < 5; i++) {
		int place = strchr(order, 'a' + i) - order;

		sleeper(&all[i], (place + 1) * gap, log, 'a' + i);
		all[i].from = now;
		EXPECT_EQ(epx_spawn(exec, &all[i].future, NULL, NULL), 0);
	}
	EXPECT_EQ(epx_run(exec), 0);
	for (i = 0; i < 5; i++)
		in_time = in_time && all[i].began < now + gap;
	return in_time;
}

/* What is past its time when it is first polled does not sleep: then wider apart. */
LIB_TEST(sleepers_wake_in_the_order_of_their_times, ON_EACH)
{
	static const char order[] = "ecadb";
	struct epx_exec *exec = test_exec();
	int64_t gap = 5 * EPX_MSEC;
	char log[8] = "";

	while (!sleep_in_turn(exec, order, gap, log)) {
		log[0] = 0;
		gap *= 2;
	}
	EXPECT_EQ(strcmp(log, order), 0);
	epx_exec_free(exec);
}

LIB_TEST(those_of_one_time_wake_in_the_order_in_which_they_were_set,
	 ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct sleeper all[20];
	char log[32] = "";
	int i;

	for (i = 0; i < 20; i++)
		ASSERT_EQ(epx_spawn(exec,
				    sleeper(&all[i], EPX_SEC, log, 'a' + i),
				    NULL, NULL),
			  0);
	EXPECT_EQ(epx_run(exec), 0);
	EXPECT_EQ(strcmp(log, "abcdefghijklmnopqrst"), 0);
	epx_exec_free(exec);
}

/* Any order of setting and clearing leaves the heap in order. */
LIB_TEST(timers_that_are_dropped_leave_the_others_in_order, ON_SCRIPTED)
{
	enum { COUNT = 500 };
	struct epx_exec *exec = test_exec();
	struct sleeper *all = calloc(COUNT, sizeof(*all));
	struct epx_task *tasks[COUNT];
	struct epx_metrics metrics;
	uint64_t random = 42;
	int i, left = 0;

	ASSERT_TRUE(all);
	for (i = 0; i < COUNT; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		sleeper(&all[i], (random >> 33) % 1000, NULL, 0);
		ASSERT_EQ(epx_spawn(exec, &all[i].future, NULL, &tasks[i]), 0);
	}
	for (i = 0; i * 61 < COUNT; i++)
		EXPECT_GE(epx_run_once(exec, 0), 0);
	for (i = 0; i < COUNT; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		if (random >> 63)
			epx_abort(tasks[i]);
		else
			left++;
		epx_task_put(tasks[i]);
	}
	EXPECT_EQ(epx_run(exec), 0);
	for (i = 0; i < COUNT; i++) {
		if (all[i].slept) {
			EXPECT_EQ(all[i].slept, all[i].ns);
			left--;
		}
	}
	/* A time of 0 has slept for none. */
	EXPECT_LE(left, 5);
	epx_metrics(exec, &metrics);
	EXPECT_EQ(metrics.timers, 0);
	epx_exec_free(exec);
	free(all);
}

struct ticker {
	struct epx_future future;
	struct epx_interval interval;
	struct epx_tick tick;
	struct epx_sleep busy;
	int64_t at[4];
	int64_t counts[4];
	int i;
};

EPX_ASYNC(ticker, NULL)
{
	EPX_BEGIN;
	for (me->i = 0; me->i < 4; me->i++) {
		EPX_TRY(epx_tick(&me->tick, &me->interval));
		me->at[me->i] = epx_now(cx) - EPX_SCRIPT_BEGIN;
		me->counts[me->i] = EPX_RES;
		/* The first tick takes three and a half periods. */
		if (!me->i)
			EPX_TRY(epx_sleep(&me->busy, 350));
	}
	EPX_END;
}

static void tick(enum epx_missed missed, const int64_t *at,
		 const int64_t *counts)
{
	struct epx_exec *exec = test_exec();
	struct ticker ticker;
	int i;

	ASSERT_EQ(epx_interval_init(&ticker.interval, 100, missed), 0);
	EXPECT_EQ(epx_block_on(exec, EPX_INIT(&ticker, ticker)), 0);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(ticker.at[i], at[i]);
		EXPECT_EQ(ticker.counts[i], counts[i]);
	}
	epx_exec_free(exec);
}

LIB_TEST(missed_ticks_are_skipped_made_up_for_or_delayed, ON_SCRIPTED)
{
	tick(EPX_MISSED_SKIP, (int64_t[]){ 100, 450, 500, 600 },
	     (int64_t[]){ 1, 3, 1, 1 });
	tick(EPX_MISSED_BURST, (int64_t[]){ 100, 450, 450, 450 },
	     (int64_t[]){ 1, 1, 1, 1 });
	tick(EPX_MISSED_DELAY, (int64_t[]){ 100, 450, 550, 650 },
	     (int64_t[]){ 1, 3, 1, 1 });
}

LIB_TEST(an_interval_needs_a_period, ON_SCRIPTED)
{
	struct epx_interval interval;

	EXPECT_EQ(epx_interval_init(&interval, 0, EPX_MISSED_SKIP), -EINVAL);
	EXPECT_EQ(epx_interval_init(&interval, -1, EPX_MISSED_SKIP), -EINVAL);
}

/* As long as there are times; then never. */
LIB_TEST(an_interval_comes_to_the_end_of_time, ON_SCRIPTED)
{
	static const enum epx_missed policies[] = {
		EPX_MISSED_SKIP, EPX_MISSED_BURST, EPX_MISSED_DELAY,
	};
	struct epx_interval interval;
	struct epx_exec *exec;
	struct epx_tick tick;
	int64_t period = EPX_NEVER / 2;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		exec = test_exec();
		ASSERT_EQ(epx_interval_init(&interval, period, policies[i]), 0);
		EXPECT_EQ(epx_block_on(exec, epx_tick(&tick, &interval)), 1);
		EXPECT_EQ(epx_time(exec), EPX_SCRIPT_BEGIN + period);
		EXPECT_EQ(interval.next, EPX_NEVER);
		EXPECT_EQ(run_for(exec, EPX_SEC, epx_tick(&tick, &interval)),
			  -ETIMEDOUT);
		epx_exec_free(exec);
	}
}

/* Whatever a kernel or a time_t makes of so many seconds. */
LIB_TEST(a_time_that_is_far_away_is_no_error, ON_KERNEL)
{
	static const int64_t times[] = {
		EPX_NEVER - 1, EPX_NEVER / 2, (1LL << 31) * EPX_SEC,
		(1LL << 32) * EPX_SEC, (3LL << 31) * EPX_SEC,
	};
	struct epx_exec *exec = test_exec();
	struct epx_future *both[2];
	struct epx_sleep sleep;
	struct epx_task *task;
	struct epx_set set;
	struct epx_io io;
	struct epx_op op;
	unsigned int i;
	char byte;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		both[0] = epx_recv(&op, &io, &byte, 1);
		both[1] = epx_sleep_until(&sleep, times[i]);
		ASSERT_EQ(epx_spawn(exec, epx_select(&set, both, 2), NULL,
				    &task), 0);
		EXPECT_EQ(epx_run_once(exec, 0), 1);
		/* What ends the wait is there before it begins. */
		ASSERT_EQ(write(fds[1], "x", 1), 1);
		EXPECT_EQ(epx_run_once(exec, EPX_NEVER), 1);
		EXPECT_EQ(set.future.res, 0);
		epx_abort(task);
		EXPECT_EQ(epx_run(exec), 0);
		epx_task_put(task);
	}
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(exec);
}

LIB_TEST(a_timeout_ends_what_takes_too_long, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_timeout timeout;
	struct epx_metrics metrics;
	struct epx_sleep sleep;

	EXPECT_EQ(epx_block_on(exec, epx_timeout(&timeout,
						 epx_sleep(&sleep, EPX_NEVER),
						 2 * EPX_MSEC)),
		  -ETIMEDOUT);
	EXPECT_TRUE(sleep.future.flags & EPX_FUTURE_DONE);
	EXPECT_EQ(epx_block_on(exec, epx_timeout(&timeout,
						 epx_sleep(&sleep, EPX_MSEC),
						 3600 * EPX_SEC)),
		  0);
	epx_metrics(exec, &metrics);
	EXPECT_EQ(metrics.timers, 0);
	epx_exec_free(exec);
}

LIB_TEST(what_is_ready_when_the_time_is_over_has_not_timed_out, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct epx_timeout timeout;
	struct epx_sleep sleep;

	EXPECT_EQ(epx_block_on(exec,
			       epx_timeout(&timeout, epx_sleep(&sleep, 1000),
					   1000)),
		  0);
	EXPECT_EQ(epx_block_on(exec,
			       epx_timeout(&timeout, epx_sleep(&sleep, 1001),
					   1000)),
		  -ETIMEDOUT);
	epx_exec_free(exec);
}

LIB_TEST(an_hour_takes_no_time_in_a_script, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct sleeper one;

	EXPECT_EQ(epx_block_on(exec, sleeper(&one, 3600 * EPX_SEC, NULL, 0)),
		  0);
	EXPECT_EQ(epx_time(exec), EPX_SCRIPT_BEGIN + 3600 * EPX_SEC);
	epx_exec_free(exec);
}

LIB_TEST(next_says_when_the_next_timer_is_due, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct sleeper one;

	EXPECT_EQ(epx_next(exec), EPX_NEVER);
	ASSERT_EQ(epx_spawn(exec, sleeper(&one, 500, NULL, 0), NULL, NULL), 0);
	EXPECT_EQ(epx_next(exec), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	EXPECT_EQ(epx_next(exec), 500);
	EXPECT_EQ(epx_run_once(exec, 200), 0);
	EXPECT_EQ(epx_next(exec), 300);
	EXPECT_EQ(epx_run_once(exec, EPX_NEVER), 1);
	EXPECT_EQ(one.slept, 500);
	epx_exec_free(exec);
}

/* A watch has gone, and its place among what is ready has nothing to say. */
LIB_TEST(a_sleep_is_no_longer_for_an_event_of_who_is_gone, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_sleep sleep;
	struct epx_op op;
	struct epx_io io;
	int64_t begin;
	int fds[2];
	char byte;

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv(&op, &io, &byte, 1)),
		  -ETIMEDOUT);
	ASSERT_EQ(write(fds[1], "x", 1), 1);
	EXPECT_EQ(epx_io_close(&io), 0);
	begin = epx_time(exec);
	EXPECT_EQ(epx_block_on(exec, epx_sleep(&sleep, EPX_MSEC)), 0);
	/* Not as long as the machine has been up. */
	EXPECT_LE(epx_time(exec) - begin, EPX_SEC);
	close(fds[1]);
	epx_exec_free(exec);
}
