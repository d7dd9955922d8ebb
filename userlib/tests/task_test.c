// SPDX-License-Identifier: MIT
/*
 * Tasks: from spawn to end, their order, and what ends them early.
 */
#include "lib.h"

/* A coroutine that writes its number into a log each time it has a turn. */
struct walker {
	struct epx_future future;
	struct epx_yield_now yield;
	char *log;
	char name;
	int steps;
	int i;
	int finished;
};

static void walker_finish(struct walker *me)
{
	me->finished++;
}

EPX_ASYNC(walker, walker_finish)
{
	EPX_BEGIN;
	for (me->i = 0; me->i < me->steps; me->i++) {
		strncat(me->log, &me->name, 1);
		EPX_AWAIT(epx_yield_now(&me->yield));
	}
	EPX_RETURN(me->name);
	EPX_END;
}

static struct epx_future *walk(struct walker *walker, char *log, char name,
			       int steps)
{
	walker->log = log;
	walker->name = name;
	walker->steps = steps;
	walker->finished = 0;
	return EPX_INIT(walker, walker);
}

LIB_TEST(block_on_returns_the_result, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct walker walker;
	char log[8] = "";

	EXPECT_EQ(epx_block_on(exec, walk(&walker, log, 'x', 3)), 'x');
	EXPECT_EQ(strcmp(log, "xxx"), 0);
	EXPECT_EQ(walker.finished, 1);
	epx_exec_free(exec);
}

LIB_TEST(tasks_take_turns_in_the_order_of_their_spawns, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct walker walkers[3];
	char log[16] = "";
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(epx_spawn(exec, walk(&walkers[i], log, 'a' + i, 3),
				    NULL, NULL),
			  0);
	/* Nothing runs inside of the spawn. */
	EXPECT_EQ(log[0], 0);
	EXPECT_EQ(epx_run(exec), 0);
	EXPECT_EQ(strcmp(log, "abcabcabc"), 0);
	epx_exec_free(exec);
}

static void run_shuffled(uint64_t seed, char *log)
{
	struct epx_exec *exec = test_exec_seeded(seed);
	struct walker walkers[4];
	int i;

	log[0] = 0;
	for (i = 0; i < 4; i++)
		ASSERT_EQ(epx_spawn(exec, walk(&walkers[i], log, 'a' + i, 4),
				    NULL, NULL),
			  0);
	EXPECT_EQ(epx_run(exec), 0);
	epx_exec_free(exec);
}

LIB_TEST(a_seed_draws_the_same_order_again, ON_EACH)
{
	char one[32], again[32], other[32];
	int differ = 0;
	uint64_t seed;

	for (seed = 1; seed <= 20; seed++) {
		run_shuffled(seed, one);
		run_shuffled(seed, again);
		run_shuffled(seed + 1000, other);
		EXPECT_EQ(strcmp(one, again), 0);
		EXPECT_EQ(strlen(one), 16);
		differ += !!strcmp(one, other);
	}
	EXPECT_GE(differ, 18);
}

/* Never ready; counts its polls. */
struct stuck {
	struct epx_future future;
	struct epx_task *waker;
	int polls;
	int ends;
	int wakes_itself;
};

static int stuck_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct stuck *stuck = (struct stuck *)future;

	stuck->polls++;
	if (!stuck->waker)
		stuck->waker = epx_waker_get(cx);
	if (stuck->wakes_itself) {
		stuck->wakes_itself--;
		epx_wake(stuck->waker);
	}
	return EPX_PENDING;
}

static void stuck_end(struct epx_future *future)
{
	struct stuck *stuck = (struct stuck *)future;

	stuck->ends++;
	if (stuck->waker)
		epx_waker_put(stuck->waker);
	stuck->waker = NULL;
}

static const struct epx_ops stuck_ops = { "stuck", stuck_poll, stuck_end, NULL,
					  NULL };

LIB_TEST(a_wake_during_the_poll_is_not_lost, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct stuck stuck = { .wakes_itself = 3 };
	int i;

	epx_init(&stuck.future, &stuck_ops);
	ASSERT_EQ(epx_spawn(exec, &stuck.future, NULL, NULL), 0);
	for (i = 0; i < 10; i++)
		EXPECT_GE(epx_run_once(exec, 0), 0);
	EXPECT_EQ(stuck.polls, 4);
	epx_exec_free(exec);
	EXPECT_EQ(stuck.ends, 1);
}

LIB_TEST(many_wakes_before_a_poll_are_one, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct stuck stuck = { 0 };
	int i;

	epx_init(&stuck.future, &stuck_ops);
	ASSERT_EQ(epx_spawn(exec, &stuck.future, NULL, NULL), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	for (i = 0; i < 5; i++)
		epx_wake(stuck.waker);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	EXPECT_EQ(epx_run_once(exec, 0), 0);
	EXPECT_EQ(stuck.polls, 2);
	epx_exec_free(exec);
}

struct joiner {
	struct epx_future future;
	struct epx_join_task join;
	struct epx_task *task;
};

EPX_ASYNC(joiner, NULL)
{
	EPX_BEGIN;
	EPX_AWAIT(epx_join_task(&me->join, me->task));
	EPX_RETURN(EPX_RES);
	EPX_END;
}

LIB_TEST(an_aborted_task_is_dropped_and_its_joiners_are_told, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct stuck stuck = { 0 };
	struct joiner joiner;

	epx_init(&stuck.future, &stuck_ops);
	ASSERT_EQ(epx_spawn(exec, &stuck.future, NULL, &joiner.task), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	epx_abort(joiner.task);
	EXPECT_EQ(stuck.ends, 0);
	EXPECT_EQ(epx_block_on(exec, EPX_INIT(&joiner, joiner)), -ECANCELED);
	EXPECT_EQ(stuck.ends, 1);
	EXPECT_EQ(stuck.polls, 1);
	/* Once more, of one that is over. */
	epx_abort(joiner.task);
	EXPECT_EQ(epx_run_once(exec, 0), 0);
	epx_task_put(joiner.task);
	epx_exec_free(exec);
}

LIB_TEST(a_join_of_one_that_is_over_is_ready_at_once, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct walker walker;
	struct joiner joiner;
	char log[4] = "";

	ASSERT_EQ(epx_spawn(exec, walk(&walker, log, 'q', 1), NULL,
			    &joiner.task),
		  0);
	EXPECT_EQ(epx_run(exec), 0);
	EXPECT_EQ(epx_block_on(exec, EPX_INIT(&joiner, joiner)), 'q');
	epx_task_put(joiner.task);
	epx_exec_free(exec);
}

static int freed;

static void count_free(struct epx_future *future)
{
	freed++;
	free(future);
}

LIB_TEST(a_task_frees_its_future_once_however_it_ends, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_task *task;
	char log[512] = "";
	int i;

	for (i = 0; i < 3; i++) {
		struct walker *walker = malloc(sizeof(*walker));

		ASSERT_TRUE(walker);
		/* The first ends, the second is aborted, the third is left. */
		ASSERT_EQ(epx_spawn(exec,
				    walk(walker, log, 'a' + i, i ? 1000 : 1),
				    count_free, i == 1 ? &task : NULL),
			  0);
	}
	for (i = 0; i < 3; i++)
		EXPECT_GE(epx_run_once(exec, 0), 0);
	EXPECT_EQ(freed, 1);
	epx_abort(task);
	epx_task_put(task);
	EXPECT_GE(epx_run_once(exec, 0), 0);
	EXPECT_EQ(freed, 2);
	epx_exec_free(exec);
	EXPECT_EQ(freed, 3);
}

/* Woken in the very poll that is its last. */
struct last_words {
	struct epx_future future;
};

EPX_ASYNC(last_words, NULL)
{
	struct epx_task *waker = epx_waker_get(cx);

	EPX_BEGIN;
	while (epx_budget(cx))
		;
	epx_wake(waker);
	epx_waker_put(waker);
	EPX_RETURN(7);
	EPX_END;
}

LIB_TEST(a_task_that_is_woken_in_its_last_poll_ends_once, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct last_words words;
	int i;

	for (i = 0; i < 3; i++)
		EXPECT_EQ(epx_block_on(exec, EPX_INIT(&words, last_words)), 7);
	EXPECT_EQ(epx_run(exec), 0);
	epx_exec_free(exec);
}

/* Takes a permit that is always there, until its number is over. */
struct glutton {
	struct epx_future future;
	struct epx_wait_for take;
	struct epx_sem *sem;
	int left;
	int *polls;
};

EPX_ASYNC(glutton, NULL)
{
	(*me->polls)++;
	EPX_BEGIN;
	while (me->left--) {
		EPX_AWAIT(epx_sem_take(&me->take, me->sem));
		epx_sem_give(me->sem);
	}
	EPX_END;
}

LIB_TEST(a_task_that_is_always_ready_makes_so_many_operations_a_turn, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct glutton glutton = { .left = 10 * EPX_BUDGET };
	struct epx_sem sem;
	int polls = 0;

	epx_sem_init(&sem, 1);
	glutton.sem = &sem;
	glutton.polls = &polls;
	EXPECT_EQ(epx_block_on(exec, EPX_INIT(&glutton, glutton)), 0);
	EXPECT_GE(polls, 10);
	EXPECT_LE(polls, 11);
	EXPECT_EQ(sem.permits, 1);
	epx_exec_free(exec);
}

static struct epx_exec *the_exec;

static int nested_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_yield_now yield;

	(void)cx;
	EXPECT_EQ(epx_run(the_exec), -EBUSY);
	EXPECT_EQ(epx_run_once(the_exec, 0), -EBUSY);
	return epx_ready(future, epx_block_on(the_exec, epx_yield_now(&yield)));
}

static const struct epx_ops nested_ops = { "nested", nested_poll, NULL, NULL,
					   NULL };

LIB_TEST(an_executor_does_not_run_inside_of_itself, ON_EACH)
{
	struct epx_future future;

	the_exec = test_exec();
	EXPECT_EQ(epx_block_on(the_exec, epx_init(&future, &nested_ops)),
		  -EBUSY);
	epx_exec_free(the_exec);
}

LIB_TEST(a_forced_backend_is_had_or_the_reason_said, ON_EACH)
{
	struct epx_options options = { .backend = "no such" };
	struct epx_metrics metrics;
	struct epx_exec *exec;

	EXPECT_EQ(epx_exec_new(&exec, &options), -EINVAL);
	setenv("EPOLLX_BACKEND", test_backend(), 1);
	options.backend = "epoll";
	ASSERT_EQ(epx_exec_new(&exec, &options), 0);
	epx_metrics(exec, &metrics);
	EXPECT_EQ(strcmp(metrics.backend, test_backend()), 0);
	epx_exec_free(exec);
	if (access("/dev/epollx", F_OK)) {
		setenv("EPOLLX_BACKEND", "ring", 1);
		EXPECT_EQ(epx_exec_new(&exec, NULL), -ENODEV);
	}
	unsetenv("EPOLLX_BACKEND");
	ASSERT_EQ(epx_exec_new(&exec, NULL), 0);
	epx_metrics(exec, &metrics);
	EXPECT_NE(strcmp(metrics.backend, "scripted"), 0);
	epx_exec_free(exec);
}
