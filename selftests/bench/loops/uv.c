// SPDX-License-Identifier: MIT
/*
 * libuv: idle handles for soon, async handles for wakes, its streams.
 */
#include <stdlib.h>
#include <uv.h>

#include "peer.h"

static _Thread_local uv_loop_t loop;

static void *handle_of(struct job *job)
{
	return job + 1;
}

static struct job *job_of(void *handle)
{
	return (struct job *)handle - 1;
}

static void handle_closed(uv_handle_t *handle)
{
	job_ended(job_of(handle));
}

static void job_close(struct job *job)
{
	uv_close(handle_of(job), handle_closed);
}

static void uv_open(bool threads)
{
	(void)threads;
	must(!uv_loop_init(&loop), "uv_loop_init");
}

static void uv_end(void)
{
	must(!uv_loop_close(&loop), "uv_loop_close");
}

static void uv_go(void)
{
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void uv_halt(void)
{
	uv_stop(&loop);
}

static void uv_turn(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
}

static void timer_came(uv_timer_t *timer)
{
	job_of(timer)->fn(job_of(timer));
}

static void timer_init(struct job *job)
{
	uv_timer_init(&loop, handle_of(job));
}

static void timer_set(struct job *job, int64_t ns)
{
	uv_timer_start(handle_of(job), timer_came, ns / 1000000, 0);
}

static void timer_clear(struct job *job)
{
	uv_timer_stop(handle_of(job));
}

static void soon_came(uv_idle_t *idle)
{
	uv_idle_stop(idle);
	job_of(idle)->fn(job_of(idle));
}

static void soon_init(struct job *job)
{
	uv_idle_init(&loop, handle_of(job));
}

static void soon(struct job *job)
{
	uv_idle_start(handle_of(job), soon_came);
}

static void wake_came(uv_async_t *async)
{
	job_of(async)->fn(job_of(async));
}

static void wake_init(struct job *job)
{
	must(!uv_async_init(&loop, handle_of(job), wake_came), "uv_async_init");
}

static void wake(struct job *job)
{
	uv_async_send(handle_of(job));
}

/* A connection's part. */
struct stream {
	uv_tcp_t tcp;
	uv_connect_t connect;
};

static uv_tcp_t listener;
static struct conn *(*make_conn)(void);

static struct stream *stream_of(struct conn *conn)
{
	return (struct stream *)(conn + 1);
}

static struct conn *conn_of(void *stream)
{
	return (struct conn *)stream - 1;
}

/* One for all: what comes is done with at once. */
static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	static char bytes[4096];

	(void)handle;
	(void)size;
	*buf = uv_buf_init(bytes, sizeof(bytes));
}

static void stream_came(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	if (n)
		conn_of(stream)->came(conn_of(stream), buf->base, n);
}

static void stream_start(struct conn *conn)
{
	uv_tcp_nodelay(&stream_of(conn)->tcp, 1);
	must(!uv_read_start((uv_stream_t *)&stream_of(conn)->tcp, give_buffer,
			    stream_came), "uv_read_start");
}

static void stream_comes(uv_stream_t *from, int status)
{
	struct conn *conn = make_conn();

	must(!status, "a connection");
	uv_tcp_init(&loop, &stream_of(conn)->tcp);
	must(!uv_accept(from, (uv_stream_t *)&stream_of(conn)->tcp),
	     "uv_accept");
	stream_start(conn);
}

static void net_listen(int fd, struct conn *(*make)(void))
{
	make_conn = make;
	uv_tcp_init(&loop, &listener);
	must(!uv_tcp_open(&listener, fd) &&
	     !uv_listen((uv_stream_t *)&listener, 1024, stream_comes),
	     "uv_listen");
}

static void net_unlisten(void)
{
	uv_close((uv_handle_t *)&listener, NULL);
}

static void stream_opened(uv_connect_t *connect, int status)
{
	struct conn *conn = conn_of(container(connect, struct stream, connect));

	must(!status, "connect");
	stream_start(conn);
	conn->opened(conn);
}

static void net_connect(struct conn *conn, int port)
{
	struct stream *stream = stream_of(conn);
	struct sockaddr_in address;

	uv_ip4_addr("127.0.0.1", port, &address);
	uv_tcp_init(&loop, &stream->tcp);
	must(!uv_tcp_connect(&stream->connect, &stream->tcp,
			     (struct sockaddr *)&address, stream_opened),
	     "uv_tcp_connect");
}

static void written(uv_write_t *write, int status)
{
	must(!status, "uv_write");
	free(write);
}

static void net_write(struct conn *conn, const char *bytes, size_t n)
{
	uv_stream_t *stream = (uv_stream_t *)&stream_of(conn)->tcp;
	uv_buf_t buf = uv_buf_init((char *)bytes, n);
	uv_write_t *later;
	int did = uv_try_write(stream, &buf, 1);

	if (did == (int)n || (did < 0 && did != UV_EAGAIN))
		return;		/* an error shows when it reads */
	did = did < 0 ? 0 : did;
	later = must_alloc(1, sizeof(*later) + n - did);
	buf = uv_buf_init((char *)(later + 1), n - did);
	for (size_t i = 0; i < buf.len; i++)
		buf.base[i] = bytes[did + i];
	must(!uv_write(later, stream, &buf, 1, written), "uv_write");
}

static void stream_closed(uv_handle_t *handle)
{
	conn_of(handle)->ended(conn_of(handle));
}

static void net_shut(struct conn *conn)
{
	uv_close((uv_handle_t *)&stream_of(conn)->tcp, stream_closed);
}

const struct peer peer = {
	.timer_size = sizeof(uv_timer_t), .soon_size = sizeof(uv_idle_t),
	.wake_size = sizeof(uv_async_t), .conn_size = sizeof(struct stream),
	.open = uv_open, .close = uv_end, .run = uv_go, .stop = uv_halt,
	.turn = uv_turn, .timer_init = timer_init, .timer_set = timer_set,
	.timer_clear = timer_clear, .timer_end = job_close,
	.soon_init = soon_init, .soon = soon, .soon_end = job_close,
	.wake_init = wake_init, .wake = wake, .wake_end = job_close,
	.listen = net_listen, .unlisten = net_unlisten, .connect = net_connect,
	.write = net_write, .shut = net_shut,
};
