// SPDX-License-Identifier: MIT
/*
 * What ends operations and descriptors: close, drop, reset, errors of the
 * kernel, fork, and the end of the executor.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib.h"

struct reader {
	struct epx_future future;
	struct epx_op op;
	struct epx_io *io;
	char buf[16];
};

EPX_ASYNC(reader, NULL)
{
	EPX_BEGIN;
	EPX_AWAIT(epx_recv(&me->op, me->io, me->buf, sizeof(me->buf)));
	EPX_RETURN(EPX_RES);
	EPX_END;
}

LIB_TEST(close_ends_what_waits, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct reader reader;
	struct epx_task *task;
	struct epx_join_task join;
	struct epx_io io;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	reader.io = &io;
	ASSERT_EQ(epx_spawn(exec, EPX_INIT(&reader, reader), NULL, &task), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	EXPECT_TRUE(io.reader);
	EXPECT_EQ(epx_io_close(&io), 0);
	/* Nothing of the library points here any more. */
	memset(&io, 0x5a, sizeof(io));
	EXPECT_EQ(epx_block_on(exec, epx_join_task(&join, task)), -EBADF);
	epx_task_put(task);
	close(fds[1]);
	epx_exec_free(exec);
}

LIB_TEST(an_operation_that_is_dropped_leaves_the_bytes, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_op op;
	struct epx_io io;
	char buf[4] = "";
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv(&op, &io, buf, 4)),
		  -ETIMEDOUT);
	EXPECT_FALSE(io.reader);
	memset(&op, 0x5a, sizeof(op));
	ASSERT_EQ(write(fds[1], "abc", 3), 3);
	EXPECT_EQ(epx_block_on(exec, epx_recv(&op, &io, buf, 4)), 3);
	EXPECT_EQ(memcmp(buf, "abc", 3), 0);
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(exec);
}

LIB_TEST(a_reset_is_the_result, ON_EACH)
{
	struct linger linger = { .l_onoff = 1 };
	struct epx_exec *exec = test_exec();
	struct epx_io server;
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct epx_op op;
	struct epx_io io;
	char byte;
	int peer;

	epx_io_init(exec, &server, epx_listen_tcp("127.0.0.1", 0, 1, 0));
	to.sin_port = htons(epx_port(server.fd));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(connect(peer, (struct sockaddr *)&to, sizeof(to)), 0);
	epx_io_init(exec, &io, epx_block_on(exec, epx_accept(&op, &server)));
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(peer);
	EXPECT_EQ(epx_block_on(exec, epx_recv(&op, &io, &byte, 1)),
		  -ECONNRESET);
	EXPECT_EQ(epx_block_on(exec, epx_recv(&op, &io, &byte, 1)), 0);
	EXPECT_EQ(epx_block_on(exec, epx_send(&op, &io, "x", 1)), -EPIPE);
	epx_io_close(&io);
	epx_io_close(&server);
	epx_exec_free(exec);
}

LIB_TEST(an_event_for_one_that_has_been_closed_is_stale, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct epx_metrics metrics;
	struct epx_op op;
	struct epx_io io;
	uint32_t slot, i;
	char byte;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	EXPECT_EQ(run_for(exec, 1, epx_recv(&op, &io, &byte, 1)), -ETIMEDOUT);
	slot = io.slot;
	epx_io_detach(&io);
	/* The same descriptor, memory and slot again. */
	epx_io_init(exec, &io, fds[0]);
	EXPECT_EQ(run_for(exec, 1, epx_recv(&op, &io, &byte, 1)), -ETIMEDOUT);
	EXPECT_EQ(io.slot, slot);
	/* Generations 1 to 9; 3 is the one that is open. */
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(epx_script_event(exec, (uint64_t)i << 32 | slot, 0x1),
			  0);
		EXPECT_EQ(epx_run_once(exec, 0), 0);
		EXPECT_EQ(!!(io.ready & EPX_IN), i >= 3);
	}
	/* A slot that there never was. */
	ASSERT_EQ(epx_script_event(exec, 1ULL << 32 | 123456, 0x1), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 0);
	epx_metrics(exec, &metrics);
	EXPECT_EQ(metrics.stale, 10);
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(exec);
}

LIB_TEST(a_storm_of_closed_and_reused_descriptors_confuses_nothing, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_metrics metrics;
	struct epx_io io[8];
	int fds[8][2], i, round;
	struct epx_op op;
	char byte;

	for (round = 0; round < 100; round++) {
		for (i = 0; i < 8; i++) {
			stream_pair(fds[i]);
			epx_io_init(exec, &io[i], fds[i][0]);
			EXPECT_EQ(run_for(exec, 1,
					  epx_recv(&op, &io[i], &byte, 1)),
				  -ETIMEDOUT);
		}
		/* Events for all, and half are closed before the turn. */
		for (i = 0; i < 8; i++)
			ASSERT_EQ(write(fds[i][1], &(char){ 'a' + i }, 1), 1);
		for (i = round % 2; i < 8; i += 2)
			epx_io_close(&io[i]);
		for (i = !(round % 2); i < 8; i += 2) {
			EXPECT_EQ(epx_block_on(exec,
					       epx_recv(&op, &io[i], &byte, 1)),
				  1);
			EXPECT_EQ(byte, 'a' + i);
			epx_io_close(&io[i]);
		}
		for (i = 0; i < 8; i++)
			close(fds[i][1]);
	}
	epx_metrics(exec, &metrics);
	EXPECT_EQ(metrics.watches, 0);
	epx_exec_free(exec);
}

LIB_TEST(a_descriptor_closed_by_somebody_else_harms_nobody, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_io io, other;
	struct epx_op op;
	int fds[2], more[2];
	char byte;

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	EXPECT_EQ(run_for(exec, 1, epx_recv(&op, &io, &byte, 1)), -ETIMEDOUT);
	close(fds[0]);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_send(&op, &io, "x", 1)), -EBADF);
	EXPECT_EQ(epx_io_close(&io), -EBADF);
	EXPECT_EQ(epx_io_close(&io), 0);
	close(fds[1]);
	stream_pair(more);
	EXPECT_EQ(more[0], fds[0]);
	epx_io_init(exec, &other, more[0]);
	ASSERT_EQ(write(more[1], "y", 1), 1);
	EXPECT_EQ(epx_block_on(exec, epx_recv(&op, &other, &byte, 1)), 1);
	epx_io_close(&other);
	close(more[1]);
	epx_exec_free(exec);
}

LIB_TEST(without_a_free_descriptor_accept_fails_and_loses_nothing, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct rlimit limit, none = { 0 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct epx_op op;
	struct epx_io io;
	int peer, fd;

	/* Which keeps descriptors, and the limit, to itself. */
	if (getenv("EPX_VALGRIND"))
		SKIP("under valgrind");
	epx_io_init(exec, &io, epx_listen_tcp("127.0.0.1", 0, 4, 0));
	to.sin_port = htons(epx_port(io.fd));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_accept(&op, &io)), -ETIMEDOUT);
	ASSERT_EQ(connect(peer, (struct sockaddr *)&to, sizeof(to)), 0);
	ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	/* All below are taken. */
	none.rlim_cur = peer + 1;
	none.rlim_max = limit.rlim_max;
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	EXPECT_EQ(epx_block_on(exec, epx_accept(&op, &io)), -EMFILE);
	EXPECT_EQ(epx_block_on(exec, epx_accept(&op, &io)), -EMFILE);
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fd = run_for(exec, 10 * EPX_SEC, epx_accept(&op, &io));
	EXPECT_GE(fd, 0);
	close(fd);
	close(peer);
	epx_io_close(&io);
	epx_exec_free(exec);
}

LIB_TEST(an_error_of_the_registration_is_the_result, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct epx_op op;
	struct epx_io io;
	char byte;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	ASSERT_EQ(epx_script_fail(exec, EPX_SCRIPT_ADD, 0, -ENOSPC), 0);
	EXPECT_EQ(epx_block_on(exec, epx_recv(&op, &io, &byte, 1)), -ENOSPC);
	/* It was once: the next one waits. */
	EXPECT_EQ(run_for(exec, 1, epx_recv(&op, &io, &byte, 1)), -ETIMEDOUT);
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(exec);
}

LIB_TEST(an_error_of_the_wait_ends_the_run_and_drops_the_future, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct epx_sleep sleep;

	ASSERT_EQ(epx_script_fail(exec, EPX_SCRIPT_WAIT, 0, -EBADF), 0);
	EXPECT_EQ(epx_block_on(exec, epx_sleep(&sleep, EPX_SEC)), -EBADF);
	EXPECT_TRUE(sleep.future.flags & EPX_FUTURE_DONE);
	/* A signal is no error. */
	ASSERT_EQ(epx_script_fail(exec, EPX_SCRIPT_WAIT, 0, -EINTR), 0);
	EXPECT_EQ(epx_block_on(exec, epx_sleep(&sleep, EPX_SEC)), 0);
	epx_exec_free(exec);
}

LIB_TEST(what_outlives_the_executor_is_a_plain_descriptor, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_op op;
	struct epx_io io;
	char byte;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	EXPECT_EQ(run_for(exec, 1, epx_recv(&op, &io, &byte, 1)), -ETIMEDOUT);
	epx_exec_free(exec);
	EXPECT_EQ(!io.reactor, 1);
	EXPECT_EQ(epx_io_close(&io), 0);
	close(fds[1]);
}

LIB_TEST(a_child_of_fork_leaves_the_parents_executor_alone, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_sleep sleep;
	struct epx_op op;
	struct epx_io io;
	char byte;
	int fds[2], status;
	pid_t child;

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	EXPECT_EQ(run_for(exec, 1, epx_recv(&op, &io, &byte, 1)), -ETIMEDOUT);
	child = fork();
	if (!child) {
		if (epx_block_on(exec, epx_sleep(&sleep, 1)) != -ECHILD)
			_exit(1);
		epx_io_close(&io);
		epx_exec_free(exec);
		exec = test_exec();
		_exit(epx_block_on(exec, epx_sleep(&sleep, 1)) ? 2 : 0);
	}
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	ASSERT_EQ(write(fds[1], "x", 1), 1);
	EXPECT_EQ(run_for(exec, 10 * EPX_SEC, epx_recv(&op, &io, &byte, 1)), 1);
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(exec);
}

/* By the close at the latest: another descriptor keeps the file open. */
LIB_TEST(a_closed_one_is_watched_no_more, ON_KERNEL)
{
	struct epx_exec *exec = test_exec();
	struct epx_metrics metrics;
	struct epx_op op;
	struct epx_io io;
	char byte;
	int fds[2], copy;

	stream_pair(fds);
	copy = dup(fds[0]);
	ASSERT_GE(copy, 0);
	epx_io_init(exec, &io, fds[0]);
	/* Registers. */
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv(&op, &io, &byte, 1)),
		  -ETIMEDOUT);
	epx_metrics(exec, &metrics);
	EXPECT_EQ(metrics.watches, 1);
	EXPECT_EQ(epx_io_close(&io), 0);
	ASSERT_EQ(write(fds[1], "x", 1), 1);
	EXPECT_EQ(epx_run_once(exec, 0), 0);
	epx_metrics(exec, &metrics);
	EXPECT_EQ(metrics.watches, 0);
	EXPECT_EQ(metrics.stale, 0);
	close(copy);
	close(fds[1]);
	epx_exec_free(exec);
}

LIB_TEST(an_executor_inside_of_another_loop_says_when_it_is_wanted, ON_KERNEL)
{
	struct epx_exec *exec = test_exec(), *outer = test_exec();
	struct reader reader;
	struct epx_op op;
	struct epx_io io, inner;
	int fds[2], fd = epx_fd(exec);

	ASSERT_GE(fd, 0);
	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	reader.io = &io;
	ASSERT_EQ(epx_spawn(exec, EPX_INIT(&reader, reader), NULL, NULL), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	EXPECT_EQ(epx_run_once(exec, 0), 0);
	ASSERT_EQ(epx_io_open(outer, &inner, fd), 0);
	/* An executor's descriptor cannot be read: it is looked at. */
	epx_io_clear(&inner, EPX_IN, 0);
	EXPECT_EQ(run_for(outer, EPX_MSEC, epx_readable(&op, &inner)),
		  -ETIMEDOUT);
	ASSERT_EQ(write(fds[1], "x", 1), 1);
	EXPECT_GE(run_for(outer, 10 * EPX_SEC, epx_readable(&op, &inner)), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	EXPECT_EQ(reader.buf[0], 'x');
	epx_io_detach(&inner);
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(outer);
	epx_exec_free(exec);
}
