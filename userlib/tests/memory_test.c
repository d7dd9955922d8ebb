// SPDX-License-Identifier: MIT
/*
 * Each allocation fails, one after the other, in a program that uses all of the
 * library; what it says then is -ENOMEM, and nothing is left behind.
 *
 * Linked with --wrap for malloc, calloc and realloc.
 */
#include "lib.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* The one that fails, counted from 1; 0: none. */
static _Atomic int countdown;

static bool fails(void)
{
	return countdown && !--countdown;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

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
		countdown = nth;
		err = use();
		if (countdown)
			break;
		failed++;
		/* A ring that does not fit may find more memory later. */
		EXPECT_TRUE(err == -ENOMEM || err == -EAGAIN);
		ASSERT_EQ(open_descriptors(), before);
	}
	countdown = 0;
	EXPECT_EQ(err, 0);
	/* Reactor, executor, state, heap, slots, pool, and two for each. */
	EXPECT_GE(failed, 2 * USERS + 6);
	printf("# %d allocations failed\n", failed);
}
