// SPDX-License-Identifier: MIT
/*
 * What a descriptor is believed to be ready for.
 */
#include "lib.h"

/* The end may come while a short read is believed to be the last. */
LIB_TEST(a_short_read_does_not_hide_the_end, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_op op;
	struct epx_io io;
	char buf[64];
	int fds[2], i;

	for (i = 0; i < 2; i++) {
		stream_pair(fds);
		epx_io_init(exec, &io, fds[0]);
		/* Registers. */
		EXPECT_EQ(run_for(exec, EPX_MSEC, epx_recv(&op, &io, buf, 64)),
			  -ETIMEDOUT);
		ASSERT_EQ(write(fds[1], "abc", 3), 3);
		/* Both in one event, or the end after the bytes were read. */
		if (!i)
			close(fds[1]);
		EXPECT_EQ(epx_block_on(exec, epx_recv(&op, &io, buf, 64)), 3);
		if (i)
			close(fds[1]);
		EXPECT_EQ(run_for(exec, 10 * EPX_SEC,
				  epx_recv(&op, &io, buf, 64)),
			  0);
		epx_io_close(&io);
	}
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
