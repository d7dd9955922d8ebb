// SPDX-License-Identifier: MIT
/*
 * Other threads and signal handlers: wake, post, abort, spawn_on.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "lib.h"

/* Is woken by others until it has seen @wanted. */
struct counter {
	struct epx_future future;
	struct epx_task *_Atomic waker;
	_Atomic int value;
	int wanted;
	int polls;
};

static int counter_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct counter *counter = (struct counter *)future;

	counter->polls++;
	if (!counter->waker)
		counter->waker = epx_waker_get(cx);
	return counter->value < counter->wanted ? EPX_PENDING :
						  epx_ready(future, 0);
}

static const struct epx_ops counter_ops = { "counter", counter_poll, NULL, NULL,
					    NULL };

enum { STORM = 20000 };

static void *storm(void *arg)
{
	struct counter *counter = arg;
	struct epx_task *waker;
	int i;

	while (!(waker = counter->waker))
		sched_yield();
	for (i = 0; i < STORM; i++) {
		counter->value++;
		epx_wake(waker);
		/* Now and then until the executor sleeps. */
		if (i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

LIB_TEST(no_wake_of_another_thread_is_lost, ON_EACH)
{
	struct counter counter = { .wanted = 2 * STORM };
	struct epx_exec *exec = test_exec();
	pthread_t threads[2];
	int i;

	epx_init(&counter.future, &counter_ops);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, storm, &counter),
			  0);
	EXPECT_EQ(epx_block_on(exec, &counter.future), 0);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_GE(counter.polls, 1);
	epx_waker_put(counter.waker);
	epx_exec_free(exec);
}

/* One wake at a time, each of which has to find the executor asleep or not. */
static void *ping(void *arg)
{
	struct counter *counter = arg;
	struct epx_task *waker;
	int i;

	while (!(waker = counter->waker))
		sched_yield();
	for (i = 0; i < 3000; i++) {
		int polls = __atomic_load_n(&counter->polls, __ATOMIC_RELAXED);
		unsigned int looks = 0;

		counter->value++;
		epx_wake(waker);
		while (__atomic_load_n(&counter->polls, __ATOMIC_RELAXED) ==
		       polls)
			before_next_look(&looks);
	}
	return NULL;
}

static int pinged_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct counter *counter = (struct counter *)future;

	if (!counter->waker)
		counter->waker = epx_waker_get(cx);
	__atomic_add_fetch(&counter->polls, 1, __ATOMIC_RELAXED);
	return counter->value < counter->wanted ? EPX_PENDING :
						  epx_ready(future, 0);
}

static const struct epx_ops pinged_ops = { "pinged", pinged_poll, NULL, NULL,
					   NULL };

LIB_TEST(each_wake_brings_a_poll, ON_EACH)
{
	struct counter counter = { .wanted = 3000 };
	struct epx_exec *exec = test_exec();
	struct epx_metrics metrics;
	pthread_t thread;

	epx_init(&counter.future, &pinged_ops);
	ASSERT_EQ(pthread_create(&thread, NULL, ping, &counter), 0);
	EXPECT_EQ(epx_block_on(exec, &counter.future), 0);
	pthread_join(thread, NULL);
	epx_metrics(exec, &metrics);
	EXPECT_GE(metrics.posts, 3000);
	EXPECT_LE(metrics.unparks, metrics.posts);
	EXPECT_GT(metrics.unparks, 0);
	epx_waker_put(counter.waker);
	epx_exec_free(exec);
}

LIB_TEST(a_waker_may_outlive_its_executor, ON_EACH)
{
	struct counter counter = { .wanted = 1 };
	struct epx_exec *exec = test_exec();

	epx_init(&counter.future, &counter_ops);
	ASSERT_EQ(epx_spawn(exec, &counter.future, NULL, NULL), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	/* In the inbox when the executor goes, and after that. */
	epx_wake(counter.waker);
	epx_exec_free(exec);
	epx_wake(counter.waker);
	epx_abort(counter.waker);
	EXPECT_EQ(counter.polls, 1);
	epx_waker_put(counter.waker);
}

struct posted {
	struct epx_call post;
	char name;
};

static char log_of_posts[64];

static void note(struct epx_call *post)
{
	strncat(log_of_posts, &((struct posted *)post)->name, 1);
}

LIB_TEST(posts_are_called_in_order, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct posted posts[10];
	int i;

	for (i = 0; i < 10; i++) {
		posts[i].post.fn = note;
		posts[i].name = '0' + i;
		epx_call_on(exec, &posts[i].post);
		if (i == 4)
			EXPECT_EQ(epx_run_once(exec, 0), 0);
	}
	EXPECT_EQ(strcmp(log_of_posts, "01234"), 0);
	/* What is left is called at the end. */
	epx_exec_free(exec);
	EXPECT_EQ(strcmp(log_of_posts, "0123456789"), 0);
}

/* Sent from thread to thread, which it notes. */
struct guest {
	struct epx_future future;
	struct epx_sleep sleep;
	pthread_t ran_on;
	_Atomic int *done;
	struct epx_task *waker;
};

EPX_ASYNC(guest, NULL)
{
	EPX_BEGIN;
	EPX_TRY(epx_sleep(&me->sleep, 100 * EPX_USEC));
	me->ran_on = pthread_self();
	++*me->done;
	epx_wake(me->waker);
	EPX_END;
}

struct host {
	struct epx_exec *exec;
	struct counter counter;
	struct guest *guests;
	int count;
};

static void *send_guests(void *arg)
{
	struct host *host = arg;
	struct epx_task *task;
	int i;

	while (!host->counter.waker)
		sched_yield();
	for (i = 0; i < host->count; i++) {
		host->guests[i].done = &host->counter.value;
		host->guests[i].waker = host->counter.waker;
		ASSERT_EQ(epx_spawn_on(host->exec,
				       EPX_INIT(&host->guests[i], guest), NULL,
				       &task),
			  0);
		/* Before it has arrived, or after. */
		epx_wake(task);
		epx_task_put(task);
	}
	return NULL;
}

LIB_TEST(a_task_spawned_by_another_thread_runs_here, ON_EACH)
{
	struct host host = { .counter.wanted = 200, .count = 200 };
	pthread_t thread;
	int i;

	host.exec = test_exec();
	host.guests = calloc(host.count, sizeof(*host.guests));
	ASSERT_TRUE(host.guests);
	epx_init(&host.counter.future, &counter_ops);
	ASSERT_EQ(pthread_create(&thread, NULL, send_guests, &host), 0);
	EXPECT_EQ(epx_block_on(host.exec, &host.counter.future), 0);
	pthread_join(thread, NULL);
	for (i = 0; i < host.count; i++)
		EXPECT_EQ(host.guests[i].ran_on, pthread_self());
	epx_waker_put(host.counter.waker);
	epx_exec_free(host.exec);
	free(host.guests);
}

LIB_TEST(a_spawn_that_arrives_when_the_executor_goes_is_ended, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct counter counter = { .wanted = 1 };
	struct epx_task *task;

	epx_init(&counter.future, &counter_ops);
	ASSERT_EQ(epx_spawn_on(exec, &counter.future, NULL, &task), 0);
	epx_exec_free(exec);
	EXPECT_TRUE(counter.future.flags & EPX_FUTURE_DONE);
	EXPECT_EQ(counter.polls, 0);
	epx_task_put(task);
}

static struct epx_task *for_handler;
static struct counter *in_handler;

static void handler(int number)
{
	(void)number;
	in_handler->value++;
	epx_wake(for_handler);
}

LIB_TEST(a_signal_handler_may_wake, ON_KERNEL)
{
	struct itimerspec soon = { { 0, 200000 }, { 0, 200000 } };
	struct counter counter = { .wanted = 20 };
	struct epx_exec *exec = test_exec();
	timer_t timer;

	epx_init(&counter.future, &counter_ops);
	ASSERT_EQ(epx_spawn(exec, &counter.future, NULL, NULL), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	for_handler = counter.waker;
	in_handler = &counter;
	signal(SIGALRM, handler);
	ASSERT_EQ(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	ASSERT_EQ(timer_settime(timer, 0, &soon, NULL), 0);
	EXPECT_EQ(epx_run(exec), 0);
	timer_delete(timer);
	signal(SIGALRM, SIG_DFL);
	EXPECT_GE(counter.value, 20);
	epx_waker_put(counter.waker);
	epx_exec_free(exec);
}

LIB_TEST(awake_executors_are_woken_without_a_system_call, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct counter counter = { .wanted = 1000000 };
	struct epx_metrics before, after;
	int i;

	epx_init(&counter.future, &counter_ops);
	ASSERT_EQ(epx_spawn(exec, &counter.future, NULL, NULL), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	EXPECT_EQ(epx_run_once(exec, 0), 0);
	epx_metrics(exec, &before);
	for (i = 0; i < 100; i++) {
		epx_wake(counter.waker);
		EXPECT_EQ(epx_run_once(exec, 0), 1);
	}
	epx_metrics(exec, &after);
	EXPECT_EQ(after.posts - before.posts, 100);
	EXPECT_EQ(after.unparks, before.unparks);
	epx_waker_put(counter.waker);
	epx_exec_free(exec);
}

LIB_TEST(a_wake_between_two_turns_shows_in_the_descriptor, ON_KERNEL)
{
	struct epx_exec *exec = test_exec();
	struct counter counter = { .wanted = 100 };
	struct pollfd look = { .events = POLLIN };
	int i;

	look.fd = epx_fd(exec);
	ASSERT_GE(look.fd, 0);
	epx_init(&counter.future, &counter_ops);
	ASSERT_EQ(epx_spawn(exec, &counter.future, NULL, NULL), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(epx_run_once(exec, 0), 0);
		EXPECT_EQ(poll(&look, 1, 0), 0);
		epx_wake(counter.waker);
		EXPECT_EQ(poll(&look, 1, 0), 1);
		EXPECT_EQ(epx_run_once(exec, 0), 1);
	}
	epx_waker_put(counter.waker);
	epx_exec_free(exec);
}

/* Turns of two executors, that wake each other. */
struct ball {
	struct counter side[2];
};

static void *play(void *arg)
{
	struct counter *counter = arg;
	struct epx_exec *exec = test_exec();

	EXPECT_EQ(epx_block_on(exec, &counter->future), 0);
	epx_exec_free(exec);
	return NULL;
}

static struct ball ball;

static int ball_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct counter *mine = (struct counter *)future;
	struct counter *other = &ball.side[mine == &ball.side[0]];
	struct epx_task *waker = other->waker;
	int value = mine->value;

	if (!mine->waker)
		mine->waker = epx_waker_get(cx);
	if (!waker) {
		/* Until both wakers are known. */
		epx_wake(mine->waker);
	} else if (mine->polls != value) {
		mine->polls = value;
		other->value++;
		epx_wake(waker);
	}
	return value >= mine->wanted ? epx_ready(future, 0) : EPX_PENDING;
}

static const struct epx_ops ball_ops = { "ball", ball_poll, NULL, NULL, NULL };

LIB_TEST(two_executors_wake_each_other, ON_EACH)
{
	pthread_t threads[2];
	int i;

	for (i = 0; i < 2; i++) {
		ball.side[i].wanted = 2000;
		epx_init(&ball.side[i].future, &ball_ops);
	}
	ball.side[0].value = 1;
	for (i = 0; i < 2; i++)
		ASSERT_EQ(pthread_create(&threads[i], NULL, play,
					 &ball.side[i]),
			  0);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < 2; i++)
		epx_waker_put(ball.side[i].waker);
}
