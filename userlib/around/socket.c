// SPDX-License-Identifier: MIT
/*
 * The operations, a system call each.
 *
 * recv(2) and send(2) ask for MSG_DONTWAIT, so that they wait for nothing even
 * if somebody has taken O_NONBLOCK from a shared open file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/io.h"

int epx_io_open(struct epx_exec *exec, struct epx_io *io, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	epx_io_init(exec, io, fd);
	return 0;
}

static int64_t recv_try(struct epx_op *op)
{
	ssize_t n = recv(op->io->fd, op->buf, op->len, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	op->done = n;
	if (n && (size_t)n < op->len)
		epx_io_short(op->io, EPX_IN);
	return n;
}

static int64_t send_try(struct epx_op *op)
{
	ssize_t n = send(op->io->fd, op->buf, op->len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return -errno;
	op->done = n;
	if ((size_t)n < op->len)
		epx_io_short(op->io, EPX_OUT);
	return n;
}

/* Until all has gone one way: asks for another try while some is left. */
static int64_t recv_exact_try(struct epx_op *op)
{
	ssize_t n = recv(op->io->fd, (char *)op->buf + op->done,
			 op->len - op->done, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	op->done += n;
	if (!n || op->done == op->len)
		return op->done;
	epx_io_short(op->io, EPX_IN);
	return -EINTR;
}

static int64_t send_all_try(struct epx_op *op)
{
	ssize_t n = send(op->io->fd, (const char *)op->buf + op->done,
			 op->len - op->done, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return -errno;
	op->done += n;
	if (op->done == op->len)
		return op->done;
	epx_io_short(op->io, EPX_OUT);
	return -EINTR;
}

static int64_t readv_try(struct epx_op *op)
{
	ssize_t n = readv(op->io->fd, op->buf, op->len);

	return n < 0 ? -errno : n;
}

static int64_t writev_try(struct epx_op *op)
{
	ssize_t n = writev(op->io->fd, op->buf, op->len);

	return n < 0 ? -errno : n;
}

static int64_t recvfrom_try(struct epx_op *op)
{
	ssize_t n = recvfrom(op->io->fd, op->buf, op->len, MSG_DONTWAIT,
			     op->addr, op->addrlen);

	return n < 0 ? -errno : n;
}

static int64_t sendto_try(struct epx_op *op)
{
	ssize_t n = sendto(op->io->fd, op->buf, op->len,
			   MSG_DONTWAIT | MSG_NOSIGNAL, op->addr, op->namelen);

	return n < 0 ? -errno : n;
}

static int64_t accept_try(struct epx_op *op)
{
	int fd = accept4(op->io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Is it connected, failed, or still on its way? */
static int64_t connect_look(struct epx_op *op)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int err;

	if (!getpeername(op->io->fd, (struct sockaddr *)&peer, &len))
		return 0;
	if (errno != ENOTCONN)
		return -errno;
	len = sizeof(err);
	if (getsockopt(op->io->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	/* An event of the time before the connect is no answer to it. */
	return err ? -err : -EAGAIN;
}

static int64_t connect_try(struct epx_op *op)
{
	/* op->done: has been begun. */
	if (op->done)
		return connect_look(op);
	if (!connect(op->io->fd, op->addr, op->namelen))
		return 0;
	/* No room in a local socket's backlog: no event tells of some. */
	if (errno == EAGAIN)
		return -ENOBUFS;
	/* A signal does not end it; it goes on as one that was not waited for. */
	if (errno != EINPROGRESS && errno != EINTR)
		return -errno;
	op->done = 1;
	/* Before its end there is nothing to read, which needs no try. */
	op->io->ready &= ~EPX_IN;
	return -EAGAIN;
}

static const struct epx_op_kind recv_kind =
	EPX_OP_KIND("recv", EPX_IN, recv_try);
static const struct epx_op_kind recv_exact_kind =
	EPX_OP_KIND("recv_exact", EPX_IN, recv_exact_try);
static const struct epx_op_kind send_kind =
	EPX_OP_KIND("send", EPX_OUT, send_try);
static const struct epx_op_kind send_all_kind =
	EPX_OP_KIND("send_all", EPX_OUT, send_all_try);
static const struct epx_op_kind readv_kind =
	EPX_OP_KIND("readv", EPX_IN, readv_try);
static const struct epx_op_kind writev_kind =
	EPX_OP_KIND("writev", EPX_OUT, writev_try);
static const struct epx_op_kind recvfrom_kind =
	EPX_OP_KIND("recvfrom", EPX_IN, recvfrom_try);
static const struct epx_op_kind sendto_kind =
	EPX_OP_KIND("sendto", EPX_OUT, sendto_try);
static const struct epx_op_kind accept_kind =
	EPX_OP_KIND("accept", EPX_IN, accept_try);
static const struct epx_op_kind connect_kind =
	EPX_OP_KIND("connect", EPX_OUT, connect_try);

static int recv_nothing(struct epx_future *future, struct epx_cx *cx)
{
	return epx_budget(cx) ? epx_ready(future, 0) : EPX_PENDING;
}

static const struct epx_ops recv_nothing_ops = {
	.name = "recv_exact",
	.poll = recv_nothing,
};

struct epx_future *epx_recv(struct epx_op *op, struct epx_io *io, void *buf,
			    size_t len)
{
	return epx_op_init(op, &recv_kind, io, buf, len);
}

struct epx_future *epx_recv_exact(struct epx_op *op, struct epx_io *io,
				  void *buf, size_t len)
{
	epx_op_init(op, &recv_exact_kind, io, buf, len);
	/* For nothing recv(2) would wait until there is something. */
	if (!len)
		op->future.ops = &recv_nothing_ops;
	return &op->future;
}

struct epx_future *epx_send(struct epx_op *op, struct epx_io *io,
			    const void *buf, size_t len)
{
	return epx_op_init(op, &send_kind, io, (void *)buf, len);
}

struct epx_future *epx_send_all(struct epx_op *op, struct epx_io *io,
				const void *buf, size_t len)
{
	return epx_op_init(op, &send_all_kind, io, (void *)buf, len);
}

struct epx_future *epx_readv(struct epx_op *op, struct epx_io *io,
			     const struct iovec *iov, int count)
{
	return epx_op_init(op, &readv_kind, io, (void *)iov, count);
}

struct epx_future *epx_writev(struct epx_op *op, struct epx_io *io,
			      const struct iovec *iov, int count)
{
	return epx_op_init(op, &writev_kind, io, (void *)iov, count);
}

struct epx_future *epx_recvfrom(struct epx_op *op, struct epx_io *io, void *buf,
				size_t len, struct sockaddr *addr,
				socklen_t *addrlen)
{
	epx_op_init(op, &recvfrom_kind, io, buf, len);
	op->addr = addr;
	op->addrlen = addrlen;
	return &op->future;
}

struct epx_future *epx_sendto(struct epx_op *op, struct epx_io *io,
			      const void *buf, size_t len,
			      const struct sockaddr *addr, socklen_t addrlen)
{
	epx_op_init(op, &sendto_kind, io, (void *)buf, len);
	op->addr = (void *)addr;
	op->namelen = addrlen;
	return &op->future;
}

struct epx_future *epx_accept(struct epx_op *op, struct epx_io *io)
{
	return epx_op_init(op, &accept_kind, io, NULL, 0);
}

struct epx_future *epx_connect(struct epx_op *op, struct epx_io *io,
			       const struct sockaddr *addr, socklen_t addrlen)
{
	epx_op_init(op, &connect_kind, io, NULL, 0);
	op->addr = (void *)addr;
	op->namelen = addrlen;
	return &op->future;
}

static int64_t tick_try(struct epx_op *op)
{
	return op->io->tick & INT32_MAX;
}

static const struct epx_op_kind readable_kind =
	EPX_OP_KIND("readable", EPX_IN, tick_try);
static const struct epx_op_kind writable_kind =
	EPX_OP_KIND("writable", EPX_OUT, tick_try);

struct epx_future *epx_readable(struct epx_op *op, struct epx_io *io)
{
	return epx_op_init(op, &readable_kind, io, NULL, 0);
}

struct epx_future *epx_writable(struct epx_op *op, struct epx_io *io)
{
	return epx_op_init(op, &writable_kind, io, NULL, 0);
}
