// SPDX-License-Identifier: MIT
/*
 * Event bits: which are asked for, which are reported, and which reach the
 * driver. The files are ordinary ones; what no ordinary file shows (keys of
 * wake-ups, keys of ->poll) is in wake_key_test.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"

/* The bits of the event that @ep has for us now; 0 is none. */
static uint32_t reported(int ep)
{
	struct epoll_event ev = { .events = 0xdeadbeef };

	return ep_wait(ep, &ev, 1, 0) == 1 ? ev.events : 0;
}

/* The same for a file that is asked for @events in an instance of its own. */
static uint32_t reported_for(int fd, uint32_t events)
{
	int ep = new_ep();
	uint32_t bits;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, events, 0), 0);
	bits = reported(ep);
	close(ep);
	return bits;
}

TEST(hup_is_reported_unasked_after_add, "26")
{
	int ep = new_ep(), p[2];

	new_pipe(p);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, p[0], 0, 0), 0);
	EXPECT_EQ(reported(ep), 0);
	close(p[1]);
	EXPECT_EQ(reported(ep), EPOLLHUP);
	close_owned();
}

TEST(err_is_reported_unasked_after_mod, "26")
{
	int ep = new_ep(), p[2];

	new_pipe(p);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, p[1], 0, 0), 0);
	EXPECT_EQ(reported(ep), 0);
	close(p[0]);
	EXPECT_EQ(reported(ep), EPOLLERR);
	close_owned();
}

TEST(fdinfo_shows_err_and_hup_in_the_mask, "26")
{
	int ep = new_ep(), fd = new_eventfd(0);

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	EXPECT_EQ(stored_mask(ep, fd), 0x19);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd, EPOLLOUT, 0), 0);
	EXPECT_EQ(stored_mask(ep, fd), 0x1c);
	close_owned();
}

TEST(fired_oneshot_is_silent_even_for_hup, "26 38")
{
	int ep = new_ep(), p[2];

	new_pipe(p);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT, 0), 0);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(reported(ep), EPOLLIN);
	close(p[1]);
	EXPECT_EQ(reported(ep), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 0), 0);
	EXPECT_EQ(reported(ep), EPOLLIN | EPOLLHUP);
	close_owned();
}

TEST(all_true_bits_are_reported_whatever_woke, "27")
{
	int ep = new_ep(), s[2];

	new_socketpair(SOCK_STREAM, s);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, s[0],
			 EPOLLIN | EPOLLOUT | EPOLLET, 0), 0);
	EXPECT_EQ(reported(ep), EPOLLOUT);
	/* Woken for reading only. */
	ASSERT_EQ(write(s[1], "x", 1), 1);
	EXPECT_EQ(reported(ep), EPOLLIN | EPOLLOUT);
	close_owned();
}

TEST(what_is_gone_at_delivery_is_not_reported, "27")
{
	int ep = new_ep(), fd = new_eventfd(0);
	eventfd_t value;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 0), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	EXPECT_EQ(reported(ep), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(reported(ep), EPOLLIN);
	close_owned();
}

TEST(mask_of_delivery_is_the_current_one, "27 36")
{
	int ep = new_ep(), s[2];

	new_socketpair(SOCK_STREAM, s);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN, 0), 0);
	ASSERT_EQ(write(s[1], "x", 1), 1);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, s[0], EPOLLOUT, 0), 0);
	EXPECT_EQ(reported(ep), EPOLLOUT);
	close_owned();
}

TEST(rdhup_only_if_asked_for, "28")
{
	int s[2];

	new_socketpair(SOCK_STREAM, s);
	ASSERT_EQ(shutdown(s[1], SHUT_WR), 0);
	EXPECT_EQ(reported_for(s[0], EPOLLIN), EPOLLIN);
	EXPECT_EQ(reported_for(s[0], EPOLLIN | EPOLLRDHUP),
		  EPOLLIN | EPOLLRDHUP);
	EXPECT_EQ(reported_for(s[0], EPOLLRDHUP), EPOLLRDHUP);
	close_owned();
}

TEST(urgent_byte_is_pri_and_only_if_asked_for, "28")
{
	int s[2];

	new_tcp_pair(s);
	ASSERT_EQ(send(s[1], "!", 1, MSG_OOB), 1);
	/* Loopback delivers before send(2) returns, or soon after. */
	ASSERT_TRUE(becomes_ready(s[0], POLLPRI));
	EXPECT_EQ(reported_for(s[0], EPOLLIN), 0);
	EXPECT_EQ(reported_for(s[0], EPOLLPRI), EPOLLPRI);
	EXPECT_EQ(reported_for(s[0], EPOLLPRI | EPOLLOUT), EPOLLPRI | EPOLLOUT);
	close_owned();
}

TEST(aliases_are_not_mapped, "28")
{
	int fd = new_eventfd(1), p[2];

	new_pipe(p);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	/* An eventfd has no RDNORM, a pipe has. */
	EXPECT_EQ(reported_for(fd, EPOLLRDNORM), 0);
	EXPECT_EQ(reported_for(fd, EPOLLWRNORM), 0);
	EXPECT_EQ(reported_for(p[0], EPOLLRDNORM), EPOLLRDNORM);
	EXPECT_EQ(reported_for(p[1], EPOLLWRNORM), EPOLLWRNORM);
	EXPECT_EQ(reported_for(p[0], EPOLLIN | EPOLLRDNORM),
		  EPOLLIN | EPOLLRDNORM);
	close_owned();
}

/* Each bit alone, on files of several kinds that have something to say. */
TEST(each_bit_alone_on_each_file, "28")
{
	static const char * const names[] = {
		"eventfd", "pipe_out", "pipe_in", "unix", "tcp", "pty",
	};
	int p[2], s[2], t[2], master, slave, files[6];

	new_pipe(p);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	new_socketpair(SOCK_DGRAM, s);
	ASSERT_EQ(write(s[1], "x", 1), 1);
	new_tcp_pair(t);
	ASSERT_EQ(write(t[1], "x", 1), 1);
	ASSERT_TRUE(becomes_ready(t[0], POLLIN));
	new_pty(&master, &slave);
	ASSERT_EQ(write(slave, "x\n", 2), 2);
	ASSERT_TRUE(becomes_ready(master, POLLIN));
	memcpy(files, (int []){ new_eventfd(1), p[0], p[1], s[0], t[0], master },
	       sizeof(files));

	for (int f = 0; f < 6; f++) {
		uint32_t seen = 0;

		for (int bit = 0; bit < 14; bit++) {
			uint32_t bits = reported_for(files[f], 1U << bit);

			/* That one, or what needs no asking. */
			EXPECT_EQ(bits & ~(1U << bit | EPOLLERR | EPOLLHUP), 0);
			seen |= bits;
		}
		OBSERVE(names[f], seen);
	}
	close_owned();
}

TEST(any_mask_without_exclusive_is_stored, "29")
{
	int ep = new_ep(), fd = new_eventfd(0);

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, 0xefffffff, 0), 0);
	/* EPOLLWAKEUP stays or goes with the kernel and with who we are. */
	EXPECT_EQ(stored_mask(ep, fd) | EPOLLWAKEUP, 0xefffffff);
	OBSERVE("mask", stored_mask(ep, fd));
	for (int bit = 0; bit < 32; bit++) {
		if (bit == 28)
			continue;
		EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd, 1U << bit, 0), 0);
		EXPECT_EQ(stored_mask(ep, fd) | EPOLLWAKEUP,
			  1U << bit | EPOLLWAKEUP | EPOLLERR | EPOLLHUP);
	}
	close_owned();
}

TEST(nval_is_never_delivered, "29")
{
	int p[2];

	new_pipe(p);
	close(p[1]);
	EXPECT_EQ(reported_for(p[0], 0x20), EPOLLHUP);
	close_owned();
}

/*
 *   writer ──▶ FIFO, one file open for both ──▶ two hooks of one watch
 *   reader ──▶
 */
TEST(fifo_open_for_both_wakes_from_either_queue, "32")
{
	int ep = new_ep(), fd, other;
	char byte, path[64];

	snprintf(path, sizeof(path), "/tmp/epx-fifo-%d", getpid());
	ASSERT_EQ(mkfifo(path, 0600), 0);
	fd = own(open(path, O_RDWR | O_NONBLOCK));
	other = own(open(path, O_RDWR | O_NONBLOCK));
	ASSERT_EQ(unlink(path), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd,
			 EPOLLIN | EPOLLOUT | EPOLLET, 0), 0);
	EXPECT_EQ(reported(ep), EPOLLOUT);
	fill_pipe(other);
	EXPECT_EQ(reported(ep), EPOLLIN);
	EXPECT_EQ(reported(ep), 0);
	/* Room again: this wakes the writers' queue. */
	drain_pipe(other);
	EXPECT_EQ(reported(ep), EPOLLOUT);
	ASSERT_EQ(write(other, "x", 1), 1);
	EXPECT_EQ(reported(ep), EPOLLIN | EPOLLOUT);

	/* Both hooks go with the watch. */
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	ASSERT_EQ(read(other, &byte, 1), 1);
	ASSERT_EQ(write(other, "x", 1), 1);
	EXPECT_EQ(reported(ep), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT, 0), 0);
	close(fd);
	ASSERT_EQ(read(other, &byte, 1), 1);
	EXPECT_EQ(reported(ep), 0);
	close_owned();
}

TEST(pty_wakes_for_input_and_for_room, "32")
{
	int ep = new_ep(), master, slave;
	uint32_t bits;
	char line[16];

	new_pty(&master, &slave);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, slave, EPOLLIN | EPOLLET, 0), 0);
	EXPECT_EQ(reported(ep), 0);
	ASSERT_EQ(write(master, "hello\n", 6), 6);
	/* Input goes through the line discipline's worker. */
	ASSERT_TRUE(becomes_ready(slave, POLLIN));
	EXPECT_EQ(reported(ep), EPOLLIN);
	ASSERT_EQ(read(slave, line, sizeof(line)), 6);
	EXPECT_EQ(reported(ep), 0);
	close(master);
	ASSERT_TRUE(becomes_ready(slave, POLLHUP));
	bits = reported(ep);
	EXPECT_EQ(bits & (EPOLLIN | EPOLLHUP), EPOLLIN | EPOLLHUP);
	OBSERVE("after_hangup", bits);
	close_owned();
}

TEST(data_comes_back_from_the_latest_change, "33")
{
	static const uint64_t values[] = {
		0, 1, 0xffffffff, 0x100000000, 0x8000000000000000, ~0ULL,
		0x0123456789abcdef,
	};
	int ep = new_ep(), fd = new_eventfd(1);
	struct epoll_event ev;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 42), 0);
	ASSERT_EQ(ep_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(ev.data.u64, 42);
	for (int i = 0; i < 7; i++) {
		/* Queued already, since the file is level-triggered. */
		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN, values[i]), 0);
		ASSERT_EQ(ep_wait(ep, &ev, 1, 0), 1);
		EXPECT_EQ(ev.data.u64, values[i]);
	}
	close_owned();
}
