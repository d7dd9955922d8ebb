// SPDX-License-Identifier: MIT
/*
 * How much a file holds, said with its event: for which files, and only where
 * it is asked for.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <epollx.h>

#include "helpers.h"
#include "sourcefile.h"
#include "testfiles.h"

static struct epx_payload_event got[8];

static int wait_amount(int ep, uint32_t flags, int64_t timeout)
{
	struct epx_enter enter = {
		.events = (uintptr_t)got, .maxevents = 8, .flags = flags,
		.timeout = timeout,
	};

	memset(got, 0xa5, sizeof(got));
	return epx_enter(ep, &enter);
}

/* The one file of @ep is readable and says @amount; negative: nothing. */
static void expect_amount(int ep, int64_t amount)
{
	ASSERT_EQ(wait_amount(ep, EPX_WAIT_PAYLOAD | EPX_WAIT_AMOUNT, -1), 1);
	EXPECT_TRUE(got[0].events & EPOLLIN);
	EXPECT_EQ(got[0].data, 7);
	EXPECT_EQ(got[0].count, 0);
	EXPECT_EQ(got[0].flags, amount < 0 ? 0 : EPX_EVENT_AMOUNT);
	EXPECT_EQ(got[0].value, amount < 0 ? 0 : amount);
}

static int watching(int fd)
{
	int ep = new_ep();

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 7), 0);
	return ep;
}

TEST_ON(EPX, a_pipe_says_how_many_bytes_it_holds, "")
{
	char block[10000] = "";
	int p[2], ep;

	new_pipe(p);
	ep = watching(p[0]);
	ASSERT_EQ(write(p[1], block, 5), 5);
	expect_amount(ep, 5);
	ASSERT_EQ(write(p[1], block, sizeof(block)), sizeof(block));
	expect_amount(ep, 5 + sizeof(block));
	ASSERT_EQ(read(p[0], block, 6), 6);
	expect_amount(ep, sizeof(block) - 1);
	ASSERT_EQ(fcntl(p[1], F_SETPIPE_SZ, 1 << 20) < 0, 0);
	expect_amount(ep, sizeof(block) - 1);
	close(p[1]);
	ASSERT_EQ(read(p[0], block, sizeof(block)), sizeof(block) - 1);
	ASSERT_EQ(wait_amount(ep, EPX_WAIT_PAYLOAD | EPX_WAIT_AMOUNT, 0), 1);
	/* What has no EPOLLIN is not asked. */
	EXPECT_EQ(got[0].events, EPOLLHUP);
	EXPECT_EQ(got[0].flags, 0);
	close_owned();
}

TEST_ON(EPX, stream_sockets_say_how_many_bytes_they_hold, "")
{
	char block[3000] = "";
	int s[2], ep;

	for (int tcp = 0; tcp < 2; tcp++) {
		if (tcp)
			new_tcp_pair(s);
		else
			new_socketpair(SOCK_STREAM, s);
		ep = watching(s[0]);
		ASSERT_EQ(send(s[1], block, 100, 0), 100);
		expect_amount(ep, 100);
		ASSERT_EQ(send(s[1], block, sizeof(block), 0), sizeof(block));
		ASSERT_EQ(recv(s[0], block, 50, 0), 50);
		/* All of it is in the queue: loopback, and the same machine. */
		expect_amount(ep, 50 + sizeof(block));
		close_owned();
	}
}

static int listener(struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = own(socket(AF_INET, SOCK_STREAM, 0));

	*address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	ASSERT_EQ(bind(fd, (void *)address, length), 0);
	ASSERT_EQ(listen(fd, 8), 0);
	ASSERT_EQ(getsockname(fd, (void *)address, &length), 0);
	return fd;
}

TEST_ON(EPX, who_listens_is_told_how_many_wait, "")
{
	struct sockaddr_in address;
	int ep = watching(listener(&address));

	for (int i = 1; i <= 3; i++) {
		int fd = own(socket(AF_INET, SOCK_STREAM, 0));

		ASSERT_EQ(connect(fd, (void *)&address, sizeof(address)), 0);
		expect_amount(ep, i);
	}
	close_owned();
}

TEST_ON(EPX, a_listening_unix_socket_counts_connections, "")
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(sa_family_t) + 12;
	int fd = own(socket(AF_UNIX, SOCK_STREAM, 0)), ep;

	/* In the abstract name space. */
	snprintf(address.sun_path + 1, 12, "epx-%07d", getpid());
	ASSERT_EQ(bind(fd, (void *)&address, length), 0);
	ASSERT_EQ(listen(fd, 8), 0);
	ep = watching(fd);
	for (int i = 1; i <= 2; i++) {
		fd = own(socket(AF_UNIX, SOCK_STREAM, 0));
		ASSERT_EQ(connect(fd, (void *)&address, length), 0);
		expect_amount(ep, i);
	}
	close_owned();
}

TEST_ON(EPX, other_files_say_nothing, "")
{
	int s[2];

	expect_amount(watching(new_eventfd(3)), -1);
	new_socketpair(SOCK_DGRAM, s);
	ASSERT_EQ(send(s[1], "x", 1, 0), 1);
	expect_amount(watching(s[0]), -1);
	close_owned();
}

TEST_ON(EPX, who_does_not_ask_is_told_nothing, "")
{
	int p[2], ep;

	new_pipe(p);
	ep = watching(p[0]);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(wait_amount(ep, EPX_WAIT_PAYLOAD, 0), 1);
	EXPECT_EQ(got[0].flags, 0);
	EXPECT_EQ(got[0].value, 0);
	/* It says where in struct epx_payload_event. */
	EXPECT_EQ(wait_amount(ep, EPX_WAIT_AMOUNT, 0), -EINVAL);
	EXPECT_EQ(wait_amount(ep, EPX_WAIT_AMOUNT | EPX_WAIT_RING, 0), -EINVAL);
	/* Beside a source's. */
	ASSERT_EQ(add_user(ep, 1, 0, 2), 0);
	epx_post(ep, 1, 5);
	ASSERT_EQ(wait_amount(ep, EPX_WAIT_PAYLOAD | EPX_WAIT_AMOUNT, 0), 2);
	EXPECT_EQ(got[0].flags, EPX_EVENT_AMOUNT);
	EXPECT_EQ(got[0].value, 1);
	EXPECT_EQ(got[1].flags, 0);
	EXPECT_EQ(got[1].value, 5);
	close_owned();
}
