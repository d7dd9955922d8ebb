// SPDX-License-Identifier: MIT
/* Operations that make files, under the numbers that the program has for them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <termios.h>

#include "helpers.h"
#include "world.h"

static long long place_pair(const int pair[2], const struct op *op)
{
	place(pair[0], op->arg[0]);
	place(pair[1], op->arg[1]);
	return 0;
}

static long long place_one(long long fd, const struct op *op)
{
	if (fd < 0)
		return result_of(fd);
	place(fd, op->arg[0]);
	return 0;
}

static long long make_instance(const struct op *op)
{
	int fd = op->kind == OP_CREATE ? ep_create1(op->arg[1]) :
					 ep_create(op->arg[1]);

	if (fd < 0)
		return fd;
	log_tag(TAG_VALUE, fcntl(fd, F_GETFD) |
			   (uint64_t)fcntl(fd, F_GETFL) << 8);
	place(fd, op->arg[0]);
	return 0;
}

/* Opened for both directions, it sleeps on two queues of the pipe's. */
static long long make_fifo(const struct op *op)
{
	char path[32];
	int p[2], fd;

	if (pipe2(p, O_NONBLOCK))
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	fd = open(path, O_RDWR | O_NONBLOCK);
	close(p[0]);
	close(p[1]);
	return place_one(fd, op);
}

static long long make_sockets(const struct op *op)
{
	int pair[2], size = 1;

	if (socketpair(AF_UNIX, op->arg[2] | SOCK_NONBLOCK, 0, pair))
		return -errno;
	/* The smallest there is, so that it is full soon. */
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size,
			   sizeof(size));
	return place_pair(pair, op);
}

static long long make_tcp(const struct op *op)
{
	int pair[2];
	int err = tcp_pair(pair);

	return err ? err : place_pair(pair, op);
}

static long long make_pty(const struct op *op)
{
	int flags = O_RDWR | O_NOCTTY | O_NONBLOCK;
	struct termios raw;
	int pair[2], no = 0;

	pair[0] = open("/dev/ptmx", flags);
	if (pair[0] < 0)
		return -errno;
	ioctl(pair[0], TIOCSPTLCK, &no);
	pair[1] = ioctl(pair[0], TIOCGPTPEER, flags);
	if (pair[1] < 0)
		return -errno;
	tcgetattr(pair[1], &raw);
	cfmakeraw(&raw);
	tcsetattr(pair[1], TCSANOW, &raw);
	return place_pair(pair, op);
}

static long long make_signalfd(const struct op *op)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGNAL_MAIN);
	sigaddset(&set, SIGNAL_THREAD);
	return place_one(signalfd(-1, &set, SFD_NONBLOCK), op);
}

static long long make_regular(const struct op *op)
{
	switch (op->arg[1]) {
	case A_DIRECTORY:
		return place_one(open("/", O_RDONLY | O_DIRECTORY), op);
	case A_MEMFD:
		return place_one(memfd_create("oracle", 0), op);
	case A_NULL_DEVICE:
		return place_one(open("/dev/null", O_RDWR), op);
	default:
		return place_one(open("/", O_PATH), op);
	}
}

long long perform_make(const struct op *op)
{
	int pair[2];

	switch (op->kind) {
	case OP_CREATE:
	case OP_CREATE_SIZE:
		return make_instance(op);
	case OP_PIPE:
		return pipe2(pair, O_NONBLOCK) ? -errno : place_pair(pair, op);
	case OP_FIFO:
		return make_fifo(op);
	case OP_EVENTFD:
		return place_one(eventfd(op->arg[1],
					 EFD_NONBLOCK | op->arg[2]), op);
	case OP_UNIX:
		return make_sockets(op);
	case OP_TCP:
		return make_tcp(op);
	case OP_PTY:
		return make_pty(op);
	case OP_TIMERFD:
		return place_one(timerfd_create(CLOCK_MONOTONIC,
						TFD_NONBLOCK), op);
	case OP_SIGNALFD:
		return make_signalfd(op);
	default:
		return make_regular(op);
	}
}
