// SPDX-License-Identifier: MIT
/*
 * What libevent and libev lack of connections: the system calls. Level-triggered,
 * one read for each time that a descriptor is ready.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rawio.h"

static struct conn *listener;
static struct conn *(*make_conn)(void);

static struct raw *raw_of(struct conn *conn)
{
	return (struct raw *)(conn + 1);
}

static struct conn *conn_of(struct raw *raw)
{
	return (struct conn *)raw - 1;
}

static void begin(struct conn *conn, int fd, bool connects)
{
	*raw_of(conn) = (struct raw){ .fd = fd, .is_connecting = connects };
	set_nodelay(fd);
	raw_start(raw_of(conn), connects);
}

/* All that there are. */
static void take(struct raw *raw)
{
	int fd;

	while ((fd = accept4(raw->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		begin(make_conn(), fd, false);
	must(errno == EAGAIN, "accept");
}

void raw_ready(struct raw *raw)
{
	struct conn *conn = conn_of(raw);
	char bytes[4096];
	ssize_t n;

	if (raw->is_listening) {
		take(raw);
	} else if (raw->is_connecting) {
		raw->is_connecting = false;
		raw_stop(raw);
		raw_start(raw, false);
		conn->opened(conn);
	} else {
		n = recv(raw->fd, bytes, sizeof(bytes), 0);
		if (n >= 0 || errno != EAGAIN)
			conn->came(conn, bytes, n);
	}
}

void raw_listen(int fd, struct conn *(*make)(void))
{
	make_conn = make;
	listener = must_alloc(1, sizeof(*listener) + peer.conn_size);
	*raw_of(listener) = (struct raw){ .fd = fd, .is_listening = true };
	raw_start(raw_of(listener), false);
}

void raw_unlisten(void)
{
	raw_stop(raw_of(listener));
	close(raw_of(listener)->fd);
	free(listener);
}

void raw_connect(struct conn *conn, int port)
{
	begin(conn, connect_here(port), true);
}

void raw_write(struct conn *conn, const char *bytes, size_t n)
{
	ssize_t did = send(raw_of(conn)->fd, bytes, n, MSG_NOSIGNAL);

	/* One that has gone shows when it is read. */
	must(did == (ssize_t)n || (did < 0 && errno != EAGAIN), "send");
}

void raw_shut(struct conn *conn)
{
	raw_stop(raw_of(conn));
	close(raw_of(conn)->fd);
	conn->ended(conn);
}
