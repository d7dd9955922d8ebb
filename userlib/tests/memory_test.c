// SPDX-License-Identifier: MIT
/*
 * Each allocation fails, one after the other, in a program that uses all of the
 * library; what it says then is -ENOMEM, and nothing is left behind. And the
 * memory of tasks.
 */
#include <malloc.h>
#include <pthread.h>

#include "lib.h"

/* Many descriptors that wait, many timers, and a call on another thread. */
struct user {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	struct epx_timeout timeout;
	struct epx_blocking blocking;
	struct epx_pool *pool;
	int peer;
	char byte;
	int *ends;
};

static void user_close(struct user *me)
{
	++*me->ends;
	epx_io_close(&me->io);
	close(me->peer);
}

static int64_t answer(void *arg)
{
	(void)arg;
	return 42;
}

EPX_ASYNC(user, user_close)
{
	EPX_BEGIN;
	EPX_AWAIT(epx_timeout(&me->timeout,
			      epx_recv(&me->op, &me->io, &me->byte, 1),
			      EPX_MSEC));
	if (EPX_RES != -ETIMEDOUT)
		EPX_RETURN(EPX_RES);
	EPX_TRY(epx_blocking(&me->blocking, me->pool, answer, NULL, NULL));
	EXPECT_EQ(EPX_RES, 42);
	EPX_RETURN(0);
	EPX_END;
}

enum { USERS = 100 };

static void user_init(struct epx_exec *exec, struct user *user,
		      struct epx_pool *pool, int *ends)
{
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &user->io, fds[0]);
	user->peer = fds[1];
	user->pool = pool;
	user->ends = ends;
	EPX_INIT(user, user);
}

/* Returns the first error that anything said, or 0. */
static int64_t use(void)
{
	struct epx_options options = { .backend = test_backend() };
	static struct user users[USERS];
	struct epx_wait_for wait;
	struct epx_group group;
	struct epx_exec *exec;
	struct epx_pool *pool;
	int ends = 0, i;
	int64_t err, ret;

	err = epx_exec_new(&exec, &options);
	if (err)
		return err;
	err = epx_pool_new(&pool, 1);
	if (err)
		goto free_exec;
	epx_group_init(&group, exec);
	for (i = 0; i < USERS; i++) {
		user_init(exec, &users[i], pool, &ends);
		ret = epx_group_spawn(&group, &users[i].future, NULL);
		if (ret) {
			/* Not touched: it is still ours to end. */
			epx_drop(&users[i].future);
			err = ret;
		}
	}
	ret = epx_block_on(exec, epx_group_wait(&wait, &group));
	err = err ? err : ret;
	EXPECT_LE(ends, USERS);
	epx_pool_free(pool);
free_exec:
	epx_exec_free(exec);
	EXPECT_TRUE(!ends || ends == USERS);
	return err;
}

LIB_TEST(each_allocation_may_fail, ON_EACH)
{
	int before, nth, failed = 0;
	int64_t err;

	/* What others than the library allocate once. */
	EXPECT_EQ(use(), 0);
	before = open_descriptors();
	for (nth = 1;; nth++) {
		starve_at(nth);
		err = use();
		if (starve_is_to_come())
			break;
		failed++;
		/* A ring that does not fit may find more memory later. */
		EXPECT_TRUE(err == -ENOMEM || err == -EAGAIN);
		ASSERT_EQ(open_descriptors(), before);
	}
	starve_at(0);
	EXPECT_EQ(err, 0);
	/*
	 * Reactor, executor, state, heap, slots, pool, a call of the pool for
	 * each, and the tasks' blocks.
	 */
	EXPECT_GE(failed, USERS + USERS / 64 + 6);
	printf("# %d allocations failed\n", failed);
}

enum { TASKS = 1000 };

static struct epx_task *tasks[TASKS];
static int ended;

static int nothing_poll(struct epx_future *future, struct epx_cx *cx)
{
	(void)cx;
	return epx_ready(future, 0);
}

static void nothing_end(struct epx_future *future)
{
	(void)future;
	ended++;
}

static const struct epx_ops nothing_ops = {
	.name = "nothing",
	.poll = nothing_poll,
	.end = nothing_end,
};

static void *put_all(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TASKS; i++)
		epx_task_put(tasks[i]);
	return NULL;
}

/* Some as another thread spawns them, some whose end is another thread's. */
static void spawn_and_end(struct epx_exec *exec)
{
	static struct epx_future ours[TASKS], theirs[TASKS];
	pthread_t thread;
	int i;

	ended = 0;
	for (i = 0; i < TASKS; i++) {
		epx_init(&ours[i], &nothing_ops);
		epx_init(&theirs[i], &nothing_ops);
		ASSERT_EQ(epx_spawn(exec, &ours[i], NULL, &tasks[i]), 0);
		ASSERT_EQ(epx_spawn_on(exec, &theirs[i], NULL, NULL), 0);
	}
	while (ended < 2 * TASKS)
		ASSERT_GE(epx_run_once(exec, 0), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, put_all, NULL), 0);
	pthread_join(thread, NULL);
}

LIB_TEST(the_memory_of_tasks_is_used_again, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	size_t before, i;

	spawn_and_end(exec);
	before = mallinfo2().uordblks;
	for (i = 1; i <= 5; i++) {
		spawn_and_end(exec);
		/* A task is more than that. */
		EXPECT_LE(mallinfo2().uordblks, before + i * TASKS * 64);
	}
	epx_exec_free(exec);
}
