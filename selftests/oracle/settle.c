// SPDX-License-Identifier: MIT
/*
 * What goes on by itself after a system call has returned, and how its end is
 * seen. No waiting for a time: each loop looks for what must come, through a
 * call that takes the lock under which the kernel also does the wake-up, so
 * whoever sees the new state comes after the wake-up.
 *
 *  TCP: segments go through the softirq, which may be late, and an ACK may be
 *  held back until TCP_QUICKACK asks for it. TCP_INFO takes the socket's lock.
 *
 *  pty: a work item carries what was written to the other end's line
 *  discipline, which adds it and wakes with termios_rwsem held for reading.
 *  TIOCINQ takes it for writing.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "helpers.h"
#include "world.h"

/* A line discipline takes 4095 bytes; what it does not take comes later. */
#define PTY_MOST	3000

int tcp_pair(int pair[2])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1, err;

	if (listener < 0 || bind(listener, (void *)&address, length) ||
	    getsockname(listener, (void *)&address, &length) ||
	    listen(listener, 1))
		return -errno;
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	err = connect(pair[0], (void *)&address, length) ? -errno : 0;
	pair[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	close(listener);
	if (err || pair[1] < 0)
		return err ? err : -errno;
	ioctl(pair[0], FIONBIO, &one);
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &one,
			   sizeof(one));
	return 0;
}

static bool read_tcp_info(int fd, struct tcp_info *info)
{
	socklen_t length = sizeof(*info);

	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &length);
}

/* Nothing is under way from or to @fd; @peer is the other end's, or -1. */
static bool is_tcp_quiet(int fd, int peer, bool peer_lives)
{
	struct tcp_info info, other;
	int one = 1;

	if (peer >= 0)
		setsockopt(peer, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
	if (!read_tcp_info(fd, &info))
		return true;
	switch (info.tcpi_state) {
	case TCP_FIN_WAIT1:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		return false;
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT2:
		/* Its FIN, or a reset, must be here before all is said. */
		if (!peer_lives)
			return false;
	}
	if (info.tcpi_unacked)
		return false;
	/* The ACK was sent before the wake-up, but under the same lock. */
	if (peer >= 0)
		read_tcp_info(peer, &other);
	return true;
}

static bool are_all_quiet(const struct model *m, enum process by)
{
	for (int i = 1; i < m->nr_objects; i++) {
		const struct object *object = &m->object[i];
		int fd;

		if (!(IS(object->nature) & IS_TCP) || object->refs <= 0)
			continue;
		fd = model_fd_of(m, by, i);
		if (fd >= 0 &&
		    !is_tcp_quiet(fd, model_fd_of(m, by, object->peer),
				  m->object[object->peer].refs > 0))
			return false;
	}
	return true;
}

void settle_tcp(enum process by)
{
	const struct model *m = &half->model;

	for (long long began = now_ns(); now_ns() - began < LATE;) {
		if (are_all_quiet(m, by))
			return;
		sched_yield();
	}
	log_tag(TAG_UNSETTLED, 0);
}

long pty_before_write(enum process by, long long fd, long long bytes)
{
	const struct model *m = &half->model;
	int peer = model_fd_of(m, by, model_living_peer(m, by, fd));
	int queued;

	if (peer < 0 || ioctl(peer, FIONREAD, &queued) ||
	    queued + bytes > PTY_MOST)
		return -1;
	return queued;
}

void pty_after_write(enum process by, long long fd, long before,
		     long long written)
{
	const struct model *m = &half->model;
	int peer = model_fd_of(m, by, model_living_peer(m, by, fd));
	int queued;

	if (written <= 0)
		return;
	for (long long began = now_ns(); now_ns() - began < LATE;) {
		if (ioctl(peer, FIONREAD, &queued) ||
		    queued == before + written)
			return;
		sched_yield();
	}
	log_tag(TAG_UNSETTLED, 1);
}
