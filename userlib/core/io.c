// SPDX-License-Identifier: MIT
/*
 * Descriptors, and how any operation on one waits.
 *
 * Readiness is kept here, as bits, and means "not known to be not ready". It is
 * set by events, and by the beginning of a descriptor's life; it is cleared by
 * EAGAIN and, on streams, by less than was asked for. Why no edge is lost:
 *
 *  - Events are taken in the reactor's turn, by this thread. A system call and
 *    the bit that it clears are not separated by a turn. So an edge that comes
 *    after the system call is reported in a later turn, and sets the bit again.
 *  - The first EAGAIN or short read registers the descriptor, when an operation
 *    next waits; what came before that is reported by the registration.
 *  - A short read may leave a FIN behind, which no edge follows, if its event
 *    was taken before: that event has set EPX_IN_END, and then a short read
 *    clears nothing.
 *
 * Where the program makes the system call itself, turns may come in between:
 * therefore the tick.
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "io.h"
#include "reactor.h"

static const struct epx_op_kind *kind_of(const struct epx_op *op)
{
	return epx_container(op->future.ops, struct epx_op_kind, ops);
}

static struct epx_op **waiting(struct epx_io *io, unsigned int way)
{
	return way == EPX_IN ? &io->reader : &io->writer;
}

static unsigned int bits_of(unsigned int way)
{
	return way == EPX_IN ? EPX_IN | EPX_IN_END : EPX_OUT | EPX_OUT_END;
}

void epx_io_init(struct epx_exec *exec, struct epx_io *io, int fd)
{
	*io = (struct epx_io){
		.reactor = epx_reactor_of(exec),
		.fd = fd,
		.ready = EPX_IN | EPX_OUT,
	};
}

/* The operation that waits finds no io at its next poll. */
static void io_dismiss(struct epx_io *io, unsigned int way)
{
	struct epx_op *op = *waiting(io, way);

	if (!op)
		return;
	*waiting(io, way) = NULL;
	op->io = NULL;
	epx_task_wake(op->task);
}

int epx_io_detach(struct epx_io *io)
{
	int fd = io->fd;

	if (fd < 0)
		return -EBADF;
	if (io->reactor)
		epx_reactor_forget(io->reactor, io);
	io_dismiss(io, EPX_IN);
	io_dismiss(io, EPX_OUT);
	io->fd = -1;
	return fd;
}

int epx_io_close(struct epx_io *io)
{
	int fd = epx_io_detach(io);

	if (fd < 0)
		return 0;
	return close(fd) ? -errno : 0;
}

void epx_io_clear(struct epx_io *io, unsigned int way, int64_t tick)
{
	if ((io->tick & INT32_MAX) == tick)
		io->ready &= ~bits_of(way);
}

/* TCP; asked late: many end before. Others read up to a descriptor sent. */
static bool is_stream(struct epx_io *io)
{
	socklen_t len = sizeof(int);
	int type = 0;

	if (!io->type)
		getsockopt(io->fd, SOL_SOCKET, SO_PROTOCOL, &type, &len);
	if (!io->type)
		io->type = type == IPPROTO_TCP ? SOCK_STREAM : -1;
	return io->type == SOCK_STREAM;
}

void epx_io_short(struct epx_io *io, unsigned int way)
{
	/* Bits count, and so does what clears them, once it is registered. */
	if (!io->registered ||
	    (!(io->ready & bits_of(way) & ~way) && is_stream(io)))
		io->ready &= ~way;
}

static int io_register(struct epx_io *io)
{
	if (io->registered)
		return 0;
	return io->reactor ? epx_reactor_register(io->reactor, io) : -EBADF;
}

/* Until an event of the operation's direction, its task's turn, or an error. */
static int op_wait(struct epx_op *op, struct epx_cx *cx)
{
	struct epx_op **place = waiting(op->io, kind_of(op)->way);
	int err;

	assert(!*place || *place == op);
	if (*place && *place != op)
		return epx_ready(&op->future, -EBUSY);
	err = op->io->ready & kind_of(op)->way ? 0 : io_register(op->io);
	if (err)
		return epx_ready(&op->future, err);
	op->task = cx->task;
	*place = op;
	return EPX_PENDING;
}

int epx_op_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_op *op = (struct epx_op *)future;
	const struct epx_op_kind *kind = kind_of(op);
	int64_t res;

	while (op->io && op->io->fd >= 0 && op->io->ready & kind->way) {
		if (!epx_budget(cx))
			break;
		res = kind->try(op);
		if (res == -EAGAIN)
			op->io->ready &= ~bits_of(kind->way);
		else if (res != -EINTR)
			return epx_ready(future, res);
	}
	if (!op->io || op->io->fd < 0)
		return epx_ready(future, -EBADF);
	return op_wait(op, cx);
}

void epx_op_end(struct epx_future *future)
{
	struct epx_op *op = (struct epx_op *)future;
	struct epx_op **place;

	if (!op->task || !op->io)
		return;
	place = waiting(op->io, kind_of(op)->way);
	if (*place == op)
		*place = NULL;
}

void epx_op_describe(const struct epx_future *future, FILE *to)
{
	const struct epx_op *op = (const struct epx_op *)future;

	if (op->io)
		fprintf(to, "fd %d, %s", op->io->fd,
			kind_of(op)->way == EPX_IN ? "in" : "out");
}

struct epx_future *epx_op_init(struct epx_op *op,
			       const struct epx_op_kind *kind,
			       struct epx_io *io, void *buf, size_t len)
{
	op->io = io;
	op->task = NULL;
	op->buf = buf;
	op->len = len;
	op->done = 0;
	op->addr = NULL;
	op->addrlen = NULL;
	op->namelen = 0;
	return epx_init(&op->future, &kind->ops);
}
