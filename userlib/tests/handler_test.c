// SPDX-License-Identifier: MIT
/*
 * What else the table in epollx_async.h allows to signal handlers and other
 * threads: posts, aborts, and giving references back.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>

#include "lib.h"

static int never_poll(struct epx_future *future, struct epx_cx *cx)
{
	(void)future;
	(void)cx;
	return EPX_PENDING;
}

static void never_end(struct epx_future *future)
{
	(void)future;
}

static const struct epx_ops never_ops = {
	.name = "never",
	.poll = never_poll,
	.end = never_end,
};

static struct epx_exec *host;
static struct epx_task *victim;
static int called;

static void was_called(struct epx_call *post)
{
	(void)post;
	called++;
}

static struct epx_call call = { .fn = was_called };

static void handler(int number)
{
	int saved = errno;

	if (number == SIGUSR1)
		epx_call_on(host, &call);
	else
		epx_abort(victim);
	EXPECT_EQ(errno, saved);
}

/* Ends when it has raised both, whatever the executor does meanwhile. */
static void *raise_both(void *arg)
{
	pthread_t thread = *(pthread_t *)arg;

	pthread_kill(thread, SIGUSR1);
	pthread_kill(thread, SIGUSR2);
	return NULL;
}

LIB_TEST(a_signal_handler_may_post_and_abort, ON_EACH)
{
	struct epx_join_task join;
	struct epx_future never;
	pthread_t self = pthread_self(), thread;
	int i;

	host = test_exec();
	signal(SIGUSR1, handler);
	signal(SIGUSR2, handler);
	for (i = 0; i < 100; i++) {
		called = 0;
		epx_init(&never, &never_ops);
		ASSERT_EQ(epx_spawn(host, &never, NULL, &victim), 0);
		/* In the middle of anything, sleep most of all. */
		ASSERT_EQ(pthread_create(&thread, NULL, raise_both, &self), 0);
		EXPECT_EQ(epx_block_on(host, epx_join_task(&join, victim)),
			  -ECANCELED);
		pthread_join(thread, NULL);
		EXPECT_GE(epx_run_once(host, 0), 0);
		EXPECT_EQ(called, 1);
		EXPECT_TRUE(never.flags & EPX_FUTURE_DONE);
		epx_task_put(victim);
	}
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	epx_exec_free(host);
}

static void *abort_and_put(void *arg)
{
	struct epx_task **tasks = arg;

	epx_abort(tasks[0]);
	epx_task_put(tasks[0]);
	epx_waker_put(tasks[1]);
	return NULL;
}

static struct epx_task *own_waker;

static int gives_waker_poll(struct epx_future *future, struct epx_cx *cx)
{
	own_waker = epx_waker_get(cx);
	return epx_ready(future, 7);
}

static const struct epx_ops gives_waker_ops = {
	.name = "gives_waker",
	.poll = gives_waker_poll,
};

LIB_TEST(another_thread_may_abort_and_put, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_future never, gives;
	struct epx_task *tasks[2];
	pthread_t thread;
	int i;

	for (i = 0; i < 100; i++) {
		epx_init(&gives, &gives_waker_ops);
		ASSERT_EQ(epx_block_on(exec, &gives), 7);
		tasks[1] = own_waker;
		epx_init(&never, &never_ops);
		ASSERT_EQ(epx_spawn(exec, &never, NULL, &tasks[0]), 0);
		ASSERT_EQ(pthread_create(&thread, NULL, abort_and_put, tasks),
			  0);
		/* Only the abort ends it. */
		EXPECT_EQ(epx_run(exec), 0);
		EXPECT_EQ(never.res, -ECANCELED);
		pthread_join(thread, NULL);
	}
	epx_exec_free(exec);
}

/* Each has a signalfd of its own, on its own thread. */
static void *take_one(void *arg)
{
	int number = *(int *)arg;
	struct epx_exec *exec = test_exec();
	struct epx_signal signals;
	struct epx_op op;
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, number);
	ASSERT_EQ(epx_signal_open(exec, &signals, &mask), 0);
	EXPECT_EQ(epx_block_on(exec, epx_signal_next(&op, &signals)), number);
	epx_signal_close(&signals);
	epx_exec_free(exec);
	return NULL;
}

LIB_TEST(executors_wait_for_signals_of_their_own, ON_EACH)
{
	static int numbers[] = { SIGUSR1, SIGUSR2 };
	pthread_t threads[2];
	sigset_t mask;
	int i;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGUSR2);
	/* Before there are threads, which have it from here. */
	ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &mask, NULL), 0);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, take_one,
					 &numbers[i]), 0);
	for (i = 1; i >= 0; i--)
		ASSERT_EQ(kill(getpid(), numbers[i]), 0);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}
