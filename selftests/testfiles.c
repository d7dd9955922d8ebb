// SPDX-License-Identifier: MIT
/* Files to watch, and what /proc says about a watch. See testfiles.h. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"

#define OWNED_MOST	4096

static int owned[OWNED_MOST];
static int nr_owned;

int own(int fd)
{
	ASSERT_GE(fd, 0);
	ASSERT_LT(nr_owned, OWNED_MOST);
	owned[nr_owned++] = fd;
	return fd;
}

void close_owned(void)
{
	/* What the test has closed itself is EBADF, or a later one of ours. */
	while (nr_owned)
		close(owned[--nr_owned]);
}

int new_ep(void)
{
	return own(ep_create1(0));
}

int new_eventfd(unsigned int value)
{
	return own(eventfd(value, EFD_NONBLOCK));
}

void new_pipe(int p[2])
{
	ASSERT_EQ(pipe(p), 0);
	own(p[0]);
	own(p[1]);
}

void new_socketpair(int type, int s[2])
{
	ASSERT_EQ(socketpair(AF_UNIX, type, 0, s), 0);
	own(s[0]);
	own(s[1]);
}

void new_pty(int *master, int *slave)
{
	ASSERT_EQ(openpty(master, slave, NULL, NULL, NULL), 0);
	own(*master);
	own(*slave);
}

void new_tcp_pair(int s[2])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	ASSERT_GE(listener, 0);
	ASSERT_EQ(bind(listener, (void *)&address, length), 0);
	ASSERT_EQ(getsockname(listener, (void *)&address, &length), 0);
	ASSERT_EQ(listen(listener, 1), 0);
	s[0] = own(socket(AF_INET, SOCK_STREAM, 0));
	ASSERT_EQ(connect(s[0], (void *)&address, length), 0);
	s[1] = own(accept(listener, NULL, NULL));
	close(listener);
}

long fill_pipe(int fd)
{
	static const char block[4096];
	long bytes = 0;
	ssize_t n;

	while ((n = write(fd, block, sizeof(block))) > 0)
		bytes += n;
	ASSERT_EQ(errno, EAGAIN);
	return bytes;
}

long drain_pipe(int fd)
{
	char block[4096];
	long bytes = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		bytes += n;
	ASSERT_EQ(errno, EAGAIN);
	return bytes;
}

bool becomes_ready(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	return poll(&pfd, 1, 10000) == 1 && pfd.revents & events;
}

int ready_now(int ep)
{
	struct epoll_event ev[16];

	return ep_wait(ep, ev, 16, 0);
}

FILE *open_fdinfo(int fd)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	ASSERT_TRUE(file);
	return file;
}

char *read_fdinfo(int fd)
{
	static char text[16384];
	FILE *file = open_fdinfo(fd);
	size_t n = fread(text, 1, sizeof(text) - 1, file);

	ASSERT_GT(n, 0);
	text[n] = 0;
	fclose(file);
	return text;
}

/* Counts the "tfd:" lines of the fdinfo; the mask of the one of @fd. */
static int read_watches(int ep, int fd, int64_t *mask)
{
	FILE *file = open_fdinfo(ep);
	char line[256];
	int count = 0;

	while (fgets(line, sizeof(line), file)) {
		uint32_t events;
		int tfd;

		if (sscanf(line, "tfd: %d events: %" SCNx32, &tfd, &events) != 2)
			continue;
		count++;
		if (mask && tfd == fd)
			*mask = events;
	}
	fclose(file);
	return count;
}

int64_t stored_mask(int ep, int fd)
{
	int64_t mask = -1;

	read_watches(ep, fd, &mask);
	return mask;
}

int watches_of(int ep)
{
	return read_watches(ep, -1, NULL);
}

int send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "", c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(socket, &msg, 0);
}

int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &msg, 0) != 1)
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static const char *limit_path(void)
{
	return side() == NATIVE ? "/proc/sys/fs/epoll/max_user_watches" :
				  "/proc/sys/fs/epollx/max_user_watches";
}

int set_watch_limit(long limit)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", limit);
	return write_setting(limit_path(), text);
}

long watch_limit(void)
{
	FILE *file = fopen(limit_path(), "r");
	long limit;

	ASSERT_TRUE(file);
	ASSERT_EQ(fscanf(file, "%ld", &limit), 1);
	fclose(file);
	return limit;
}
