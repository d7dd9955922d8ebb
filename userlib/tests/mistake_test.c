// SPDX-License-Identifier: MIT
/*
 * Mistakes of the caller's: where assertions are compiled in one fails, where
 * they are not (as in the library that make install installs) there is an error.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "lib.h"

/* What @mistake returns in a child of its own, or -SIGABRT. */
static int made_in_child(int (*mistake)(void))
{
	int status;
	pid_t child = fork();

	if (!child) {
		fclose(stderr);
		_exit(-mistake());
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : -WEXITSTATUS(status);
}

static void expect_error(int (*mistake)(void), int err)
{
#ifdef NDEBUG
	EXPECT_EQ(made_in_child(mistake), err);
#else
	(void)err;
	EXPECT_EQ(made_in_child(mistake), -SIGABRT);
#endif
}

static int read_twice(void)
{
	struct epx_exec *exec = test_exec();
	struct epx_future *both[2];
	struct epx_set set;
	struct epx_op op[2];
	struct epx_io io;
	char byte;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	both[0] = epx_recv(&op[0], &io, &byte, 1);
	both[1] = epx_recv(&op[1], &io, &byte, 1);
	/* The second one is the first that is ready. */
	ASSERT_EQ(epx_block_on(exec, epx_select(&set, both, 2)), 1);
	return both[1]->res;
}

LIB_TEST(a_second_reader_is_a_mistake, ON_EACH)
{
	expect_error(read_twice, -EBUSY);
}

static int poll_after_drop(void)
{
	struct epx_exec *exec = test_exec();
	struct epx_sleep sleep;
	struct epx_future *future = epx_sleep(&sleep, EPX_SEC);

	epx_drop(future);
	return epx_block_on(exec, future);
}

LIB_TEST(a_poll_after_the_drop_is_a_mistake, ON_EACH)
{
	expect_error(poll_after_drop, -EINVAL);
}

/* Not one that is found by an assertion: an error in either build. */
LIB_TEST(a_use_after_the_close_is_an_error, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_op op;
	struct epx_io io;
	char byte;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	EXPECT_EQ(epx_io_close(&io), 0);
	EXPECT_EQ(epx_io_close(&io), 0);
	EXPECT_EQ(epx_io_detach(&io), -EBADF);
	EXPECT_EQ(epx_block_on(exec, epx_recv(&op, &io, &byte, 1)), -EBADF);
	EXPECT_EQ(epx_block_on(exec, epx_writable(&op, &io)), -EBADF);
	close(fds[1]);
	epx_exec_free(exec);
}
