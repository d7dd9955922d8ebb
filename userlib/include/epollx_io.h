/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: input and output on any descriptor.
 *
 * An operation tries its system call first. Only where that says EAGAIN is the
 * descriptor registered with the kernel, once, edge-triggered, for both
 * directions; what it is ready for is kept in its struct epx_io from then on.
 * So a short read or write, or an EAGAIN, waits without asking the kernel again.
 *
 * Each direction of a struct epx_io has one operation waiting at a time; a
 * second one is -EBUSY. The buffer belongs to the operation until it is ready
 * or dropped. Results are those of the system calls, errors included: what the
 * kernel says never ends the program.
 *
 * Urgent data of TCP is not waited for: what is behind its mark may be read only
 * with what comes after.
 *
 * Where an operation is dropped: recv, readv, recvfrom, accept, readable and
 * writable lose nothing. send, writev and sendto have not sent. recv_exact,
 * send_all: @done of the struct epx_op says how far they came.
 */
#ifndef EPOLLX_IO_H
#define EPOLLX_IO_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <epollx_exec.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epx_op;
struct epx_reactor;

/* Directions; also bits of struct epx_io.ready. */
#define EPX_IN		1U
#define EPX_OUT		2U
/* In epx_io.ready: the peer's end of that direction has been closed. */
#define EPX_IN_END	4U
#define EPX_OUT_END	8U

/**
 * struct epx_io - an open descriptor
 * @reactor: of the executor; NULL when that has gone, if it was @registered
 * @reader: the operation that waits for EPX_IN
 * @writer: the operation that waits for EPX_OUT
 * @fd: the descriptor, -1 when closed
 * @slot: its place in the reactor
 * @tick: goes up with each event
 * @ready: EPX_IN, EPX_OUT: not known to be not ready
 * @registered: the kernel tells of it
 * @type: SOCK_STREAM where a short read means that there is no more: of TCP;
 *	  -1 where it means nothing, 0 while nobody has asked
 */
struct epx_io {
	struct epx_reactor *reactor;
	struct epx_op *reader;
	struct epx_op *writer;
	int fd;
	uint32_t slot;
	uint32_t tick;
	uint8_t ready;
	bool registered;
	int8_t type;
};

/**
 * struct epx_op - an operation on a descriptor
 * @future: its result is that of the system call
 * @io: the descriptor; NULL when it was closed meanwhile
 * @task: to be woken
 * @buf: memory that is read into or written from
 * @len: its bytes, or elements
 * @done: bytes of it so far
 * @addr: address of a peer
 * @addrlen: where its length goes
 * @namelen: its length
 */
struct epx_op {
	struct epx_future future;
	struct epx_io *io;
	struct epx_task *task;
	void *buf;
	size_t len;
	size_t done;
	void *addr;
	socklen_t *addrlen;
	socklen_t namelen;
};

/**
 * epx_io_open() - use a descriptor with an executor
 * @exec: the executor
 * @io: filled in
 * @fd: the descriptor, which becomes the io's; set to O_NONBLOCK, of which
 *	whoever shares the open file becomes aware
 *
 * Return: 0, or -EBADF.
 */
int epx_io_open(struct epx_exec *exec, struct epx_io *io, int fd);

/**
 * epx_io_init() - epx_io_open() of what is O_NONBLOCK already
 * @exec: the executor
 * @io: filled in
 * @fd: the descriptor, as epx_accept() and epx_listen_tcp() return them
 *
 * No system call.
 */
void epx_io_init(struct epx_exec *exec, struct epx_io *io, int fd);

/**
 * epx_io_close() - close a descriptor
 * @io: the io; one that is closed already is left alone
 *
 * The kernel stops watching before it closes. Operations that wait are ready
 * with -EBADF. A descriptor that is closed behind the library's back is told of
 * no more; operations on it fail with EBADF or reach whatever has its number
 * now.
 *
 * Return: what close(2) says, 0 or -errno; the descriptor is gone in any case.
 */
int epx_io_close(struct epx_io *io);

/**
 * epx_io_detach() - epx_io_close() without the close
 * @io: the io
 *
 * Return: the descriptor, which is the caller's again.
 */
int epx_io_detach(struct epx_io *io);

/**
 * epx_io_clear() - a system call of the caller's own said EAGAIN
 * @io: the io
 * @way: EPX_IN or EPX_OUT
 * @tick: what epx_readable() or epx_writable() resulted in before that call; an
 *	  event that came since makes this void
 */
void epx_io_clear(struct epx_io *io, unsigned int way, int64_t tick);

/**
 * epx_readable() - wait until a read may succeed
 * @op: the operation
 * @io: the descriptor
 *
 * Return: @op's future; its result is a tick for epx_io_clear().
 */
struct epx_future *epx_readable(struct epx_op *op, struct epx_io *io);

/**
 * epx_writable() - wait until a write may succeed
 * @op: the operation
 * @io: the descriptor
 *
 * Return: @op's future; its result is a tick for epx_io_clear().
 */
struct epx_future *epx_writable(struct epx_op *op, struct epx_io *io);

/**
 * epx_recv() - recv(2)
 * @op: the operation
 * @io: a socket
 * @buf: for the bytes
 * @len: its size
 *
 * Return: @op's future; its result is the number of bytes, 0 at the end.
 */
struct epx_future *epx_recv(struct epx_op *op, struct epx_io *io, void *buf,
			    size_t len);

/**
 * epx_recv_exact() - recv(2) until all is there
 * @op: the operation; @done says how far it came, whatever happens
 * @io: a socket
 * @buf: for the bytes
 * @len: how many
 *
 * Return: @op's future; its result is @len, less if the peer's end came before.
 */
struct epx_future *epx_recv_exact(struct epx_op *op, struct epx_io *io,
				  void *buf, size_t len);

/**
 * epx_send() - send(2), without SIGPIPE
 * @op: the operation
 * @io: a socket
 * @buf: the bytes
 * @len: how many
 *
 * Return: @op's future; its result is the number of bytes that the kernel took.
 */
struct epx_future *epx_send(struct epx_op *op, struct epx_io *io,
			    const void *buf, size_t len);

/**
 * epx_send_all() - send(2) until the kernel has taken all
 * @op: the operation; @done says how far it came, whatever happens
 * @io: a socket
 * @buf: the bytes
 * @len: how many
 *
 * Return: @op's future; its result is @len.
 */
struct epx_future *epx_send_all(struct epx_op *op, struct epx_io *io,
				const void *buf, size_t len);

/**
 * epx_readv() - readv(2), for any descriptor
 * @op: the operation
 * @io: the descriptor
 * @iov: where to
 * @count: elements of @iov
 *
 * Return: @op's future; its result is the number of bytes, 0 at the end.
 */
struct epx_future *epx_readv(struct epx_op *op, struct epx_io *io,
			     const struct iovec *iov, int count);

/**
 * epx_writev() - writev(2), for any descriptor; SIGPIPE is the caller's
 * @op: the operation
 * @io: the descriptor
 * @iov: where from
 * @count: elements of @iov
 *
 * Return: @op's future; its result is the number of bytes.
 */
struct epx_future *epx_writev(struct epx_op *op, struct epx_io *io,
			      const struct iovec *iov, int count);

/**
 * epx_recvfrom() - recvfrom(2), for datagrams
 * @op: the operation
 * @io: a socket
 * @buf: for the datagram
 * @len: its size
 * @addr: for the sender's address, or NULL
 * @addrlen: its size, then its length
 *
 * Return: @op's future; its result is the number of bytes.
 */
struct epx_future *epx_recvfrom(struct epx_op *op, struct epx_io *io, void *buf,
				size_t len, struct sockaddr *addr,
				socklen_t *addrlen);

/**
 * epx_sendto() - sendto(2)
 * @op: the operation
 * @io: a socket
 * @buf: the datagram
 * @len: its bytes
 * @addr: where to; the operation's until it is over
 * @addrlen: the address's length
 *
 * Return: @op's future; its result is the number of bytes.
 */
struct epx_future *epx_sendto(struct epx_op *op, struct epx_io *io,
			      const void *buf, size_t len,
			      const struct sockaddr *addr, socklen_t addrlen);

/**
 * epx_accept() - accept4(2)
 * @op: the operation
 * @io: a listening socket
 *
 * No connection is lost by an error: -EMFILE can be tried again later.
 *
 * Return: @op's future; its result is a descriptor, O_NONBLOCK and O_CLOEXEC,
 * for epx_io_init().
 */
struct epx_future *epx_accept(struct epx_op *op, struct epx_io *io);

/**
 * epx_connect() - connect(2), to its end
 * @op: the operation
 * @io: a socket
 * @addr: the peer; the operation's until it is over
 * @addrlen: the address's length
 *
 * Return: @op's future; its result is 0; -ENOBUFS where a local socket's backlog
 * is full. One that was dropped leaves a socket that is to be closed.
 */
struct epx_future *epx_connect(struct epx_op *op, struct epx_io *io,
			       const struct sockaddr *addr, socklen_t addrlen);

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_IO_H */
