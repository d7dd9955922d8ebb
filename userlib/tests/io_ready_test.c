// SPDX-License-Identifier: MIT
/*
 * What a descriptor is believed to be ready for.
 */
#include <pthread.h>
#include <time.h>

#include "lib.h"

/* The end may come while a short read is believed to be the last. */
LIB_TEST(a_short_read_does_not_hide_the_end, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_op op;
	struct epx_io io;
	char buf[64];
	int fds[2], i;

	for (i = 0; i < 4; i++) {
		if (i < 2)
			tcp_pair(fds);
		else
			stream_pair(fds);
		epx_io_init(exec, &io, fds[0]);
		/* Registers. */
		EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv(&op, &io, buf, 64)),
			  -ETIMEDOUT);
		ASSERT_EQ(write(fds[1], "abc", 3), 3);
		/* Both in one event, or the end after the bytes were read. */
		if (i % 2)
			close(fds[1]);
		EXPECT_EQ(epx_block_on(exec, epx_recv(&op, &io, buf, 64)), 3);
		if (i % 2 == 0)
			close(fds[1]);
		EXPECT_EQ(run_for(exec, 10 * EPX_SEC,
				  epx_recv(&op, &io, buf, 64)),
			  0);
		epx_io_close(&io);
	}
	epx_exec_free(exec);
}

/* One event for both; of datagrams a short read says nothing of the next. */
LIB_TEST(a_short_read_of_a_datagram_is_not_the_last, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_op op;
	struct epx_io io;
	char buf[64];
	int fds[2], i;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
	epx_io_init(exec, &io, fds[0]);
	/* Registers. */
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv(&op, &io, buf, 64)),
		  -ETIMEDOUT);
	for (i = 1; i <= 3; i++)
		ASSERT_EQ(write(fds[1], "abc", i), i);
	for (i = 1; i <= 3; i++)
		EXPECT_EQ(run_for(exec, 10 * EPX_SEC,
				  epx_recv(&op, &io, buf, 64)),
			  i);
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(exec);
}

/* A message without a body is not waited for, nor is what comes behind it. */
LIB_TEST(all_of_nothing_is_there, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_op op;
	struct epx_io io;
	char byte;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv_exact(&op, &io, &byte, 0)),
		  0);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_send_all(&op, &io, &byte, 0)), 0);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv(&op, &io, &byte, 1)),
		  -ETIMEDOUT);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv_exact(&op, &io, &byte, 0)),
		  0);
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(exec);
}

/* Bytes that are there already, of which a first recv(2) takes three. */
static void read_in_two(struct epx_exec *exec, struct epx_io *io)
{
	struct epx_op op;
	char buf[64];

	EXPECT_EQ(epx_block_on(exec, epx_recv(&op, io, buf, 64)), 3);
	EXPECT_EQ(memcmp(buf, "abc", 3), 0);
	EXPECT_EQ(run_for(exec, 10 * EPX_SEC, epx_recv(&op, io, buf, 64)), 3);
	EXPECT_EQ(memcmp(buf, "def", 3), 0);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv(&op, io, buf, 64)),
		  -ETIMEDOUT);
}

/* One recv(2) does not read over descriptors that came with the bytes. */
LIB_TEST(a_short_read_before_a_descriptor_is_not_the_last, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct iovec bytes = { "abc", 3 };
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct epx_op op;
	struct epx_io io;
	char byte;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv(&op, &io, &byte, 1)),
		  -ETIMEDOUT);
	memcpy(CMSG_DATA(&control.head), &fds[1], sizeof(int));
	ASSERT_EQ(sendmsg(fds[1], &message, 0), 3);
	ASSERT_EQ(write(fds[1], "def", 3), 3);
	read_in_two(exec, &io);
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(exec);
}

/* Reads by itself, once it may. */
struct self_made {
	struct epx_future future;
	struct epx_op op;
	struct epx_io *io;
	char byte;
	int tries;
};

EPX_ASYNC(self_made, NULL)
{
	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_readable(&me->op, me->io));
		me->tries++;
		if (read(me->io->fd, &me->byte, 1) == 1)
			EPX_RETURN(me->byte);
		ASSERT_EQ(errno, EAGAIN);
		epx_io_clear(me->io, EPX_IN, EPX_RES);
	}
	EPX_END;
}

static int late_fd;

static void write_late(struct epx_script *entry)
{
	(void)entry;
	ASSERT_EQ(write(late_fd, "z", 1), 1);
}

LIB_TEST(readable_waits_after_a_clear, ON_SCRIPTED)
{
	struct epx_script entry = { .fn = write_late };
	struct epx_exec *exec = test_exec();
	struct self_made mine = { 0 };
	struct epx_io io;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	late_fd = fds[1];
	entry.at = EPX_SCRIPT_BEGIN + EPX_SEC;
	ASSERT_EQ(epx_script_at(exec, &entry), 0);
	mine.io = &io;
	EXPECT_EQ(epx_block_on(exec, EPX_INIT(&mine, self_made)), 'z');
	EXPECT_EQ(mine.tries, 2);
	EXPECT_EQ(epx_time(exec), EPX_SCRIPT_BEGIN + EPX_SEC);
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(exec);
}

LIB_TEST(a_clear_with_an_old_tick_is_void, ON_SCRIPTED)
{
	struct epx_exec *exec = test_exec();
	struct epx_op op;
	struct epx_io io;
	int64_t tick;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &io, fds[0]);
	tick = epx_block_on(exec, epx_readable(&op, &io));
	epx_io_clear(&io, EPX_IN, tick);
	EXPECT_FALSE(io.ready & EPX_IN);
	ASSERT_EQ(write(fds[1], "a", 1), 1);
	tick = epx_block_on(exec, epx_readable(&op, &io));
	EXPECT_EQ(tick, 1);
	epx_io_clear(&io, EPX_IN, tick - 1);
	EXPECT_TRUE(io.ready & EPX_IN);
	epx_io_close(&io);
	close(fds[1]);
	epx_exec_free(exec);
}

/* In the child nothing may run, and what it frees is not the parent's. */
/* Two operations that wait for one direction. */

struct waits {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	int peer;
	int got;
	char byte;
};

static void waits_close(struct waits *me)
{
	epx_io_close(&me->io);
	close(me->peer);
}

EPX_ASYNC(waits, waits_close)
{
	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_recv(&me->op, &me->io, &me->byte, 1));
		if (!EPX_RES)
			EPX_RETURN(0);
		me->got++;
	}
	EPX_END;
}

/* A ring has room for so many, and grows while some of them are ready. */
LIB_TEST(more_descriptors_than_were_expected_are_no_matter, ON_EACH)
{
	/* More than one turn takes. */
	enum { COUNT = 300 };
	struct epx_options options = { .backend = test_backend(), .items = 4 };
	struct waits *all = calloc(COUNT, sizeof(*all));
	struct epx_metrics metrics;
	struct epx_exec *exec;
	int i, round, fds[2];

	ASSERT_TRUE(all);
	ASSERT_EQ(epx_exec_new(&exec, &options), 0);
	for (i = 0; i < COUNT; i++) {
		stream_pair(fds);
		epx_io_init(exec, &all[i].io, fds[0]);
		all[i].peer = fds[1];
		ASSERT_EQ(epx_spawn(exec, EPX_INIT(&all[i], waits), NULL, NULL),
			  0);
		/* Registered, or on the way there, with news for the others. */
		if (i % 3 == 0)
			EXPECT_GE(epx_run_once(exec, 0), 0);
		ASSERT_EQ(write(all[i / 2].peer, "x", 1), 1);
	}
	while (epx_run_once(exec, 0))
		;
	epx_metrics(exec, &metrics);
	EXPECT_EQ(metrics.watches, COUNT);
	for (i = 0; i < COUNT; i++)
		EXPECT_EQ(all[i].got, i < COUNT / 2 ? 2 : 0);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < COUNT; i++)
			ASSERT_EQ(write(all[i].peer, "y", 1), 1);
		while (epx_run_once(exec, 0))
			;
	}
	for (i = 0; i < COUNT; i++)
		EXPECT_EQ(all[i].got, i < COUNT / 2 ? 5 : 3);
	epx_exec_free(exec);
	free(all);
}

/* What comes later than the wait has begun. */
static void *write_later(void *arg)
{
	struct timespec soon = { 0, 2000000 };
	int fd = *(int *)arg, i;

	for (i = 0; i < 20; i++) {
		/* Not to synchronise: any time is right, most are of use. */
		nanosleep(&soon, NULL);
		EXPECT_EQ(write(fd, "z", 1), 1);
	}
	close(fd);
	return NULL;
}

LIB_TEST(a_sleeping_executor_is_woken_by_what_comes, ON_KERNEL)
{
	struct epx_exec *exec = test_exec();
	struct waits one = { .peer = -1 };
	pthread_t thread;
	int fds[2];

	stream_pair(fds);
	epx_io_init(exec, &one.io, fds[0]);
	ASSERT_EQ(epx_spawn(exec, EPX_INIT(&one, waits), NULL, NULL), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, write_later, &fds[1]), 0);
	while (one.got < 20)
		ASSERT_GE(epx_run_once(exec, EPX_NEVER), 0);
	pthread_join(thread, NULL);
	epx_exec_free(exec);
}

/* Never waits; there is always something to do. */
struct busy {
	struct epx_future future;
	struct epx_yield_now yield;
	const int *until;
	int turns;
};

EPX_ASYNC(busy, NULL)
{
	EPX_BEGIN;
	while (!*me->until) {
		me->turns++;
		EPX_AWAIT(epx_yield_now(&me->yield));
	}
	EPX_END;
}

LIB_TEST(tasks_that_never_wait_do_not_hold_up_events, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct waits one = { .peer = -1 };
	struct busy busy[3];
	int fds[2], i;

	stream_pair(fds);
	epx_io_init(exec, &one.io, fds[0]);
	ASSERT_EQ(epx_spawn(exec, EPX_INIT(&one, waits), NULL, NULL), 0);
	EXPECT_EQ(epx_run_once(exec, 0), 1);
	ASSERT_EQ(write(fds[1], "x", 1), 1);
	for (i = 0; i < 3; i++) {
		busy[i].until = &one.got;
		busy[i].turns = 0;
		ASSERT_EQ(epx_spawn(exec, EPX_INIT(&busy[i], busy), NULL, NULL),
			  0);
	}
	close(fds[1]);
	EXPECT_EQ(epx_run(exec), 0);
	EXPECT_EQ(one.got, 1);
	/* It was asked for after one part of the run queue. */
	EXPECT_LE(busy[0].turns, 61);
	epx_exec_free(exec);
}
