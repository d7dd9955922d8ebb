// SPDX-License-Identifier: MIT
/*
 * Connects that are given up while they are on their way.
 */
#include <netinet/in.h>

#include "lib.h"

/* More than the backlog has room for: the last ones get no answer. */
enum { CONNECTS = 8 };

struct dial {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	struct sockaddr_in *to;
	int64_t res;
};

static void dial_close(struct dial *me)
{
	epx_io_close(&me->io);
}

EPX_ASYNC(dial, dial_close)
{
	EPX_BEGIN;
	EPX_AWAIT(epx_connect(&me->op, &me->io, (struct sockaddr *)me->to,
			      sizeof(*me->to)));
	me->res = EPX_RES;
	EPX_END;
}

/* A listener that takes one, and where it is. */
static int listen_full(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = epx_listen_tcp("127.0.0.1", 0, 0, 0);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(getsockname(fd, (struct sockaddr *)address, &len), 0);
	return fd;
}

static void dial_init(struct epx_exec *exec, struct dial *dial,
		      struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ASSERT_GE(fd, 0);
	epx_io_init(exec, &dial->io, fd);
	dial->to = to;
	dial->res = 1;
	EPX_INIT(dial, dial);
}

LIB_TEST(a_close_ends_a_connect_on_its_way, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct dial dials[CONNECTS];
	struct sockaddr_in address;
	int listener = listen_full(&address), i, closed = 0;

	for (i = 0; i < CONNECTS; i++) {
		dial_init(exec, &dials[i], &address);
		ASSERT_EQ(epx_spawn(exec, &dials[i].future, NULL, NULL), 0);
	}
	for (i = 0; i < 10; i++)
		EXPECT_GE(epx_run_once(exec, EPX_MSEC), 0);
	for (i = 0; i < CONNECTS; i++) {
		if (dials[i].res != 1)
			continue;
		/* Nothing to read is known of it, without having tried. */
		EXPECT_FALSE(dials[i].io.ready & EPX_IN);
		EXPECT_EQ(epx_io_close(&dials[i].io), 0);
		closed++;
	}
	EXPECT_GT(closed, 0);
	EXPECT_EQ(epx_run(exec), 0);
	for (i = 0; i < CONNECTS; i++)
		closed -= dials[i].res == -EBADF;
	EXPECT_EQ(closed, 0);
	close(listener);
	epx_exec_free(exec);
}

LIB_TEST(a_connect_that_is_dropped_is_told_of_no_more, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct dial dials[CONNECTS];
	struct sockaddr_in address;
	int listener = listen_full(&address), i, late = 0;
	struct epx_metrics metrics;

	for (i = 0; i < CONNECTS; i++) {
		dial_init(exec, &dials[i], &address);
		late += run_for(exec, 5 * EPX_MSEC, &dials[i].future) ==
			-ETIMEDOUT;
		EXPECT_EQ(dials[i].io.fd, -1);
	}
	EXPECT_GT(late, 0);
	epx_metrics(exec, &metrics);
	EXPECT_EQ(metrics.watches, 0);
	EXPECT_EQ(metrics.tasks, 0);
	close(listener);
	epx_exec_free(exec);
}
