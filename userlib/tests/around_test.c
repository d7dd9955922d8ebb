// SPDX-License-Identifier: MIT
/*
 * Signals, child processes, calls that block, and listening.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

#include "lib.h"

LIB_TEST(signals_are_events, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_signal signals;
	struct epx_op op;
	sigset_t mask;
	int i;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGTERM);
	ASSERT_EQ(epx_signal_open(exec, &signals, &mask), 0);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_signal_next(&op, &signals)),
		  -ETIMEDOUT);
	for (i = 0; i < 3; i++) {
		raise(i % 2 ? SIGUSR1 : SIGTERM);
		EXPECT_EQ(run_for(exec, 10 * EPX_SEC,
				  epx_signal_next(&op, &signals)),
			  i % 2 ? SIGUSR1 : SIGTERM);
		EXPECT_EQ(signals.info.ssi_pid, getpid());
	}
	EXPECT_EQ(epx_signal_close(&signals), 0);
	epx_exec_free(exec);
}

/* A child that ends when its end of a pipe does; -1: by a signal. */
static pid_t child_of(int from[2], int status)
{
	pid_t pid;
	char byte;

	ASSERT_EQ(pipe(from), 0);
	pid = fork();
	if (!pid) {
		close(from[1]);
		if (read(from[0], &byte, 1))
			_exit(99);
		if (status < 0)
			raise(SIGKILL);
		_exit(status);
	}
	close(from[0]);
	return pid;
}

LIB_TEST(the_end_of_a_child_is_an_event, ON_EACH)
{
	static const int statuses[] = { 0, 7, 255, -1 };
	struct epx_exec *exec = test_exec();
	struct epx_child child;
	struct epx_op op;
	unsigned int i;
	int from[2];
	int64_t got;

	if (epx_child_open(exec, &child, 0x7ffffff0) == -ENOSYS)
		SKIP("no pidfd_open(2)");
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		ASSERT_EQ(epx_child_open(exec, &child,
					 child_of(from, statuses[i])),
			  0);
		EXPECT_EQ(run_for(exec, EPX_MSEC, epx_child_wait(&op, &child)),
			  -ETIMEDOUT);
		close(from[1]);
		got = epx_block_on(exec, epx_child_wait(&op, &child));
		ASSERT_GE(got, 0);
		if (statuses[i] < 0) {
			EXPECT_TRUE(WIFSIGNALED(got));
			EXPECT_EQ(WTERMSIG(got), SIGKILL);
		} else {
			EXPECT_TRUE(WIFEXITED(got));
			EXPECT_EQ(WEXITSTATUS(got), statuses[i]);
		}
		EXPECT_EQ(epx_block_on(exec, epx_child_wait(&op, &child)),
			  -ECHILD);
		EXPECT_EQ(epx_child_close(&child), 0);
	}
	EXPECT_EQ(epx_child_open(exec, &child, 0x7ffffff0), -ESRCH);
	epx_exec_free(exec);
}

struct work {
	pthread_t thread;
	sem_t begun;
	sem_t go;
	int done;
};

static int64_t work_call(void *arg)
{
	struct work *work = arg;

	work->thread = pthread_self();
	sem_post(&work->begun);
	sem_wait(&work->go);
	return 42;
}

static void work_done(void *arg)
{
	__atomic_add_fetch(&((struct work *)arg)->done, 1, __ATOMIC_RELAXED);
}

static void work_init(struct work *work, int go)
{
	sem_init(&work->begun, 0, 0);
	sem_init(&work->go, 0, go);
	work->done = 0;
}

LIB_TEST(a_blocking_call_is_made_elsewhere, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_blocking blocking;
	struct epx_pool *pool;
	struct work work;
	int i;

	EXPECT_EQ(epx_pool_new(&pool, 0), -EINVAL);
	ASSERT_EQ(epx_pool_new(&pool, 2), 0);
	for (i = 0; i < 20; i++) {
		work_init(&work, 1);
		EXPECT_EQ(epx_block_on(exec,
				       epx_blocking(&blocking, pool, work_call,
						    work_done, &work)),
			  42);
		EXPECT_NE(work.thread, pthread_self());
		EXPECT_EQ(work.done, 1);
	}
	epx_pool_free(pool);
	epx_exec_free(exec);
}

static int64_t work_release(void *arg)
{
	sem_post(&((struct work *)arg)->go);
	return 43;
}

/* Though one that has had a call before is idle, for both of them. */
LIB_TEST(calls_that_wait_for_each_other_have_a_thread_each, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_blocking calls[2];
	struct epx_future *both[2];
	struct epx_pool *pool;
	struct epx_set set;
	struct work work;
	int i;

	for (i = 0; i < 50; i++) {
		work_init(&work, 1);
		ASSERT_EQ(epx_pool_new(&pool, 2), 0);
		both[0] = epx_blocking(&calls[0], pool, work_call, NULL, &work);
		EXPECT_EQ(epx_block_on(exec, both[0]), 42);
		both[0] = epx_blocking(&calls[0], pool, work_call, NULL, &work);
		both[1] = epx_blocking(&calls[1], pool, work_release, NULL,
				       &work);
		/* The clock of the scripted backend would not wait for them. */
		ASSERT_EQ(epx_block_on(exec, epx_join(&set, both, 2)), 0);
		EXPECT_EQ(both[0]->res, 42);
		EXPECT_EQ(both[1]->res, 43);
		epx_pool_free(pool);
	}
	epx_exec_free(exec);
}

LIB_TEST(a_blocking_call_that_is_dropped_goes_on_and_is_done_with, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_blocking running, waiting;
	struct epx_task *tasks[2];
	struct work works[2];
	struct epx_pool *pool;

	work_init(&works[0], 0);
	work_init(&works[1], 1);
	ASSERT_EQ(epx_pool_new(&pool, 1), 0);
	epx_blocking(&running, pool, work_call, work_done, &works[0]);
	epx_blocking(&waiting, pool, work_call, work_done, &works[1]);
	ASSERT_EQ(epx_spawn(exec, &running.future, NULL, &tasks[0]), 0);
	ASSERT_EQ(epx_spawn(exec, &waiting.future, NULL, &tasks[1]), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 2);
	sem_wait(&works[0].begun);
	epx_abort(tasks[0]);
	epx_abort(tasks[1]);
	EXPECT_EQ(epx_run(exec), 0);
	memset(&running, 0x5a, sizeof(running));
	EXPECT_EQ(works[0].done, 0);
	sem_post(&works[0].go);
	epx_pool_free(pool);
	EXPECT_EQ(works[0].done, 1);
	/* This one has not been made. */
	EXPECT_EQ(works[1].done, 1);
	EXPECT_EQ(sem_trywait(&works[1].begun), -1);
	epx_task_put(tasks[0]);
	epx_task_put(tasks[1]);
	epx_exec_free(exec);
}

LIB_TEST(a_pool_that_goes_cancels_what_has_not_begun, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_blocking calls[3];
	struct epx_task *tasks[3];
	struct epx_join_task join;
	struct work works[3];
	struct epx_pool *pool;
	int i;

	ASSERT_EQ(epx_pool_new(&pool, 1), 0);
	for (i = 0; i < 3; i++) {
		work_init(&works[i], 1);
		epx_blocking(&calls[i], pool, work_call, work_done, &works[i]);
		ASSERT_EQ(epx_spawn(exec, &calls[i].future, NULL, &tasks[i]),
			  0);
	}
	sem_wait(&works[0].go);
	EXPECT_EQ(epx_run_once(exec, 0), 3);
	sem_wait(&works[0].begun);
	sem_post(&works[0].go);
	epx_pool_free(pool);
	EXPECT_EQ(epx_block_on(exec, epx_join_task(&join, tasks[0])), 42);
	for (i = 1; i < 3; i++) {
		int64_t res =
			epx_block_on(exec, epx_join_task(&join, tasks[i]));

		/* The thread may have come to it first. */
		EXPECT_TRUE(res == -ECANCELED || res == 42);
		EXPECT_EQ(works[i].done, 1);
	}
	for (i = 0; i < 3; i++)
		epx_task_put(tasks[i]);
	epx_exec_free(exec);
}

LIB_TEST(listening_takes_numeric_addresses, ON_EACH)
{
	int fd, again;

	EXPECT_EQ(epx_listen_tcp("localhost", 0, 1, 0), -EINVAL);
	EXPECT_EQ(epx_listen_tcp("127.0.0.1", 0, 1, 0x80), -EINVAL);
	EXPECT_EQ(epx_listen_tcp("192.0.2.1", 0, 1, 0), -EADDRNOTAVAIL);
	fd = epx_listen_tcp("127.0.0.1", 0, 1, EPX_LISTEN_REUSEPORT);
	ASSERT_GE(fd, 0);
	EXPECT_GT(epx_port(fd), 0);
	EXPECT_EQ(epx_listen_tcp("127.0.0.1", epx_port(fd), 1, 0), -EADDRINUSE);
	again = epx_listen_tcp("127.0.0.1", epx_port(fd), 1,
			       EPX_LISTEN_REUSEPORT);
	EXPECT_GE(again, 0);
	EXPECT_EQ(epx_port(again), epx_port(fd));
	close(again);
	close(fd);
	EXPECT_EQ(epx_port(-1), -EBADF);
}
