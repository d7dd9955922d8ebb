// SPDX-License-Identifier: MIT
/*
 * Operations on descriptors: what they wait for, and what they bring.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "lib.h"

/* Sends @rounds numbers, and wants each back. */
struct client {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	int rounds;
	int i;
	int got;
};

static void client_close(struct client *me)
{
	epx_io_close(&me->io);
}

EPX_ASYNC(client, client_close)
{
	EPX_BEGIN;
	for (me->i = 0; me->i < me->rounds; me->i++) {
		EPX_TRY(epx_send_all(&me->op, &me->io, &me->i, sizeof(me->i)));
		EPX_TRY(epx_recv_exact(&me->op, &me->io, &me->got,
				       sizeof(me->got)));
		EXPECT_EQ(EPX_RES, sizeof(me->got));
		EXPECT_EQ(me->got, me->i);
	}
	EPX_RETURN(me->rounds);
	EPX_END;
}

LIB_TEST(an_echo_gives_back_what_it_gets, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_metrics metrics;
	struct client client = { .rounds = 200 };
	struct echo echo;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &client.io, fds[1]);
	ASSERT_EQ(epx_spawn(exec, echo_on(&echo, exec, fds[0]), NULL, NULL), 0);
	EXPECT_EQ(epx_block_on(exec, EPX_INIT(&client, client)), 200);
	/* The echo sees the end, and ends. */
	EXPECT_EQ(epx_run(exec), 0);
	epx_metrics(exec, &metrics);
	EXPECT_EQ(metrics.watches, 0);
	EXPECT_EQ(metrics.stale, 0);
	epx_exec_free(exec);
}

struct server {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	struct epx_exec *exec;
	int accepted;
};

static void echo_free(struct epx_future *future)
{
	free(future);
}

EPX_ASYNC(server, NULL)
{
	struct echo *echo;

	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_accept(&me->op, &me->io));
		echo = malloc(sizeof(*echo));
		ASSERT_TRUE(echo);
		ASSERT_EQ(epx_spawn(me->exec, echo_on(echo, me->exec, EPX_RES),
				    echo_free, NULL),
			  0);
		me->accepted++;
	}
	EPX_END;
}

/* Connects first. */
struct caller {
	struct epx_future future;
	struct client client;
	struct sockaddr_in to;
};

EPX_ASYNC(caller, NULL)
{
	EPX_BEGIN;
	EPX_AWAIT(epx_connect(&me->client.op, &me->client.io,
			      (struct sockaddr *)&me->to, sizeof(me->to)));
	if (EPX_RES < 0) {
		epx_io_close(&me->client.io);
		EPX_RETURN(EPX_RES);
	}
	EPX_AWAIT(EPX_INIT(&me->client, client));
	EPX_RETURN(EPX_RES);
	EPX_END;
}

static struct epx_future *call(struct epx_exec *exec, struct caller *caller,
			       int port, int rounds)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ASSERT_GE(fd, 0);
	caller->to.sin_family = AF_INET;
	caller->to.sin_port = htons(port);
	caller->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	caller->client.rounds = rounds;
	epx_io_init(exec, &caller->client.io, fd);
	return EPX_INIT(caller, caller);
}

LIB_TEST(many_connections_are_served_at_once, ON_EACH)
{
	enum { CALLERS = 50 };
	struct epx_exec *exec = test_exec();
	struct caller *callers = calloc(CALLERS, sizeof(*callers));
	struct epx_group group;
	struct epx_wait_for wait;
	struct server server = { .exec = exec };
	struct epx_task *task;
	int fd, i;

	ASSERT_TRUE(callers);
	fd = epx_listen_tcp("127.0.0.1", 0, CALLERS, 0);
	ASSERT_GE(fd, 0);
	epx_io_init(exec, &server.io, fd);
	ASSERT_EQ(epx_spawn(exec, EPX_INIT(&server, server), NULL, &task), 0);
	epx_group_init(&group, exec);
	for (i = 0; i < CALLERS; i++)
		ASSERT_EQ(epx_group_spawn(&group,
					  call(exec, &callers[i], epx_port(fd),
					       20),
					  NULL),
			  0);
	EXPECT_EQ(epx_block_on(exec, epx_group_wait(&wait, &group)), 0);
	for (i = 0; i < CALLERS; i++)
		EXPECT_EQ(callers[i].client.i, 20);
	EXPECT_EQ(server.accepted, CALLERS);
	epx_abort(task);
	epx_task_put(task);
	EXPECT_EQ(epx_run(exec), 0);
	epx_io_close(&server.io);
	epx_exec_free(exec);
	free(callers);
}

LIB_TEST(a_connection_that_is_refused_says_so, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct caller caller;
	int fd, port;

	/* A port that nobody listens on: it was somebody's until now. */
	fd = epx_listen_tcp("127.0.0.1", 0, 1, 0);
	ASSERT_GE(fd, 0);
	port = epx_port(fd);
	close(fd);
	EXPECT_EQ(epx_block_on(exec, call(exec, &caller, port, 1)),
		  -ECONNREFUSED);
	epx_exec_free(exec);
}

/* More than the kernel holds, from one task to another. */
struct flood {
	struct epx_future future;
	struct epx_op op;
	struct epx_io io;
	char *bytes;
	size_t count;
	bool sends;
};

static void flood_close(struct flood *me)
{
	epx_io_close(&me->io);
}

EPX_ASYNC(flood, flood_close)
{
	EPX_BEGIN;
	if (me->sends)
		EPX_TRY(epx_send_all(&me->op, &me->io, me->bytes, me->count));
	else
		EPX_TRY(epx_recv_exact(&me->op, &me->io, me->bytes, me->count));
	EXPECT_EQ(me->op.done, me->count);
	EPX_RETURN(EPX_RES);
	EPX_END;
}

LIB_TEST(send_all_waits_until_the_kernel_has_taken_all, ON_EACH)
{
	enum { BYTES = 3000000 };
	struct epx_exec *exec = test_exec();
	struct flood from = { .count = BYTES, .sends = true };
	struct flood to = { .count = BYTES };
	int fds[2], i;

	from.bytes = malloc(BYTES);
	to.bytes = malloc(BYTES);
	ASSERT_TRUE(from.bytes && to.bytes);
	for (i = 0; i < BYTES; i++)
		from.bytes[i] = i % 251;
	stream_pair(fds);
	epx_io_init(exec, &from.io, fds[0]);
	epx_io_init(exec, &to.io, fds[1]);
	ASSERT_EQ(epx_spawn(exec, EPX_INIT(&from, flood), NULL, NULL), 0);
	EXPECT_EQ(epx_block_on(exec, EPX_INIT(&to, flood)), BYTES);
	EXPECT_EQ(memcmp(from.bytes, to.bytes, BYTES), 0);
	EXPECT_EQ(epx_run(exec), 0);
	epx_exec_free(exec);
	free(from.bytes);
	free(to.bytes);
}

LIB_TEST(datagrams_carry_their_addresses, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct sockaddr_in at[2] = { { .sin_family = AF_INET },
				     { .sin_family = AF_INET } },
			   from;
	socklen_t len;
	struct epx_io io[2];
	struct epx_op op;
	char buf[8];
	int i, fd;

	for (i = 0; i < 2; i++) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		ASSERT_EQ(epx_io_open(exec, &io[i], fd), 0);
		at[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		len = sizeof(at[i]);
		ASSERT_EQ(bind(fd, (struct sockaddr *)&at[i], len), 0);
		ASSERT_EQ(getsockname(fd, (struct sockaddr *)&at[i], &len), 0);
	}
	len = sizeof(from);
	EXPECT_EQ(run_for(exec, EPX_MSEC,
			  epx_recvfrom(&op, &io[1], buf, 8, NULL, NULL)),
		  -ETIMEDOUT);
	/* A short one says nothing of the one behind it. */
	for (i = 0; i < 2; i++)
		EXPECT_EQ(epx_block_on(exec,
				       epx_sendto(&op, &io[0], "hey", 3,
						  (struct sockaddr *)&at[1],
						  sizeof(at[1]))),
			  3);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(run_for(exec, 10 * EPX_SEC,
				  epx_recvfrom(&op, &io[1], buf, 8,
					       (struct sockaddr *)&from, &len)),
			  3);
		EXPECT_EQ(from.sin_port, at[0].sin_port);
	}
	epx_io_close(&io[0]);
	epx_io_close(&io[1]);
	epx_exec_free(exec);
}

LIB_TEST(pipes_are_read_and_written, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct iovec iov[2];
	struct epx_io in, out;
	struct epx_op op;
	char a[2], b[8];
	int fds[2];

	ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
	ASSERT_EQ(epx_io_open(exec, &in, fds[0]), 0);
	ASSERT_EQ(epx_io_open(exec, &out, fds[1]), 0);
	iov[0] = (struct iovec){ a, 2 };
	iov[1] = (struct iovec){ b, 8 };
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_readv(&op, &in, iov, 2)),
		  -ETIMEDOUT);
	EXPECT_EQ(epx_block_on(exec,
			       epx_writev(&op, &out,
					  &(struct iovec){ "hello", 5 }, 1)),
		  5);
	EXPECT_EQ(epx_block_on(exec, epx_readv(&op, &in, iov, 2)), 5);
	EXPECT_EQ(memcmp(a, "he", 2) | memcmp(b, "llo", 3), 0);
	epx_io_close(&out);
	EXPECT_EQ(epx_block_on(exec, epx_readv(&op, &in, iov, 2)), 0);
	epx_io_close(&in);
	epx_exec_free(exec);
}

LIB_TEST(a_full_backlog_of_a_local_socket_is_told, ON_EACH)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct epx_exec *exec = test_exec();
	int listener, fds[4], i, n;
	socklen_t len = sizeof(at);
	struct epx_op op;
	struct epx_io io;
	int64_t res = 0;

	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* The kernel finds a name. */
	ASSERT_EQ(bind(listener, (struct sockaddr *)&at, sizeof(sa_family_t)),
		  0);
	ASSERT_EQ(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	ASSERT_EQ(listen(listener, 0), 0);
	for (n = 0; n < 4 && !res; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ASSERT_EQ(epx_io_open(exec, &io, fds[n]), 0);
		res = run_for(exec, 10 * EPX_SEC,
			      epx_connect(&op, &io, (struct sockaddr *)&at,
					  len));
		epx_io_detach(&io);
	}
	EXPECT_GE(n, 2);
	EXPECT_EQ(res, -ENOBUFS);
	for (i = 0; i < n; i++)
		close(fds[i]);
	close(listener);
	epx_exec_free(exec);
}

/* To a listener whose backlog is full: it goes on for as long as the test. */
LIB_TEST(an_event_does_not_end_a_connect_that_goes_on, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct caller callers[4];
	struct epx_task *task;
	struct epx_io io;
	int i, port;

	epx_io_init(exec, &io, epx_listen_tcp("127.0.0.1", 0, 0, 0));
	port = epx_port(io.fd);
	for (i = 0; i < 4; i++) {
		call(exec, &callers[i], port, 1);
		ASSERT_EQ(epx_spawn(exec, &callers[i].future, NULL, &task), 0);
		epx_task_put(task);
		EXPECT_GE(epx_run_once(exec, 0), 1);
	}
	/* The last one is on its way, and is told of something. */
	ASSERT_TRUE(callers[3].client.io.writer);
	ASSERT_EQ(epx_script_event(exec, 1ULL << 32 | callers[3].client.io.slot,
				   0x4),
		  0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	ASSERT_TRUE(callers[3].client.io.writer);
	EXPECT_EQ(strcmp(callers[3].client.io.writer->future.ops->name,
			 "connect"),
		  0);
	epx_exec_free(exec);
	for (i = 0; i < 4; i++)
		epx_io_close(&callers[i].client.io);
	epx_io_close(&io);
}
