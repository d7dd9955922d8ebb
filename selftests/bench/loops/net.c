// SPDX-License-Identifier: MIT
/*
 * The benchmarks on sockets, for libraries of callbacks: server and clients in
 * one loop; of echo_loop the server alone, whose clients are the bench program's.
 */
#include <stdlib.h>

#include "peer.h"

static const char message[MESSAGE];
static long left;
static int open_conns, listen_port;

static struct conn *conn_new(void (*opened)(struct conn *),
			     void (*came)(struct conn *, const char *, ssize_t),
			     void (*ended)(struct conn *))
{
	struct conn *conn = malloc(sizeof(*conn) + peer.conn_size);

	must(!!conn, "memory");
	*conn = (struct conn){ opened, came, ended };
	open_conns++;
	return conn;
}

static void conn_ended(struct conn *conn)
{
	free(conn);
	if (!--open_conns && !left)
		peer.stop();
}

static void server_came(struct conn *conn, const char *bytes, ssize_t n)
{
	if (n > 0)
		peer.write(conn, bytes, n);
	else
		peer.shut(conn);
}

static struct conn *server_make(void)
{
	return conn_new(NULL, server_came, conn_ended);
}

static void server_open(void)
{
	int fd;

	peer.open(false);
	fd = listen_here(&listen_port);
	peer.listen(fd, server_make);
}

static void server_close(void)
{
	peer.unlisten();
	peer.turn();
	peer.close();
}

/* Until it is killed. */
void run_echo(int x)
{
	(void)x;
	server_open();
	peer.turn();
	tell_port(listen_port);
	left = 1;
	peer.run();
}

static void client_opened(struct conn *conn)
{
	peer.write(conn, message, MESSAGE);
}

static void pinger_came(struct conn *conn, const char *bytes, ssize_t n)
{
	must(n == MESSAGE, "the answer");
	if (--left)
		peer.write(conn, bytes, n);
	else
		peer.shut(conn);
}

void run_ping_pongs(int x)
{
	(void)x;
	server_open();
	left = PING_PONGS;
	clock_start();
	peer.connect(conn_new(client_opened, pinger_came, conn_ended),
		     listen_port);
	peer.run();
	clock_stop("ping_pongs", PING_PONGS);
	server_close();
}

static void pounder_came(struct conn *conn, const char *bytes, ssize_t n)
{
	(void)bytes;
	must(n == MESSAGE, "the answer");
	peer.shut(conn);
}

static void pounder_ended(struct conn *conn)
{
	/* In @left are those that have not been begun. */
	if (left) {
		left--;
		peer.connect(conn_new(client_opened, pounder_came,
				      pounder_ended), listen_port);
	}
	conn_ended(conn);
}

void run_pound(int x)
{
	server_open();
	left = (long)x * (POUNDS - 1);
	clock_start();
	for (int i = 0; i < x; i++)
		peer.connect(conn_new(client_opened, pounder_came,
				      pounder_ended), listen_port);
	peer.run();
	clock_stop("tcp4_pound", (long)x * POUNDS);
	server_close();
}
