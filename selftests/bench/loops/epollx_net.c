// SPDX-License-Identifier: MIT
/*
 * libepollx: sockets. Reads ask for more than there will be, so that a short one
 * says that it was all. A connection of the server has a buffer only while bytes
 * are there; it is mostly the same one, as the peers' is always.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "epollx_driver.h"

#define BUFFER	4096

/* The one that was given back last. */
static char *spare;

static char *buffer_take(void)
{
	char *buf = spare ? spare : malloc(BUFFER);

	spare = NULL;
	return buf;
}

static void buffer_give(char *buf)
{
	free(spare);
	spare = buf;
}

struct served {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	char *buf;
};

static void served_end(struct served *me)
{
	free(me->buf);
	epx_io_close(&me->io);
}

EPX_ASYNC(served, served_end)
{
	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_readable(&me->op, &me->io));
		me->buf = buffer_take();
		if (!me->buf)
			EPX_RETURN(-ENOMEM);
		EPX_TRY(epx_recv(&me->op, &me->io, me->buf, BUFFER));
		if (!EPX_RES)
			EPX_RETURN(0);
		EPX_TRY(epx_send_all(&me->op, &me->io, me->buf, EPX_RES));
		buffer_give(me->buf);
		me->buf = NULL;
	}
	EPX_END;
}

struct server {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	int port;
};

static void server_end(struct server *me)
{
	epx_io_close(&me->io);
}

EPX_ASYNC(server, server_end)
{
	struct served *served;

	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_accept(&me->op, &me->io));
		set_nodelay(EPX_RES);
		served = malloc(sizeof(*served));
		must(!!served, "memory");
		served->buf = NULL;
		epx_io_init(cx->exec, &served->io, EPX_RES);
		must_spawn(cx->exec, EPX_INIT(served, served), free_future);
	}
	EPX_END;
}

static struct epx_exec *server_start(struct server *server)
{
	struct epx_exec *exec = exec_new();

	epx_io_init(exec, &server->io, listen_here(&server->port));
	must_spawn(exec, EPX_INIT(server, server), NULL);
	return exec;
}

/* Until it is killed. */
void run_echo(int x)
{
	struct server server;
	struct epx_exec *exec = server_start(&server);

	(void)x;
	tell_port(server.port);
	epx_run(exec);
	fail("epx_run");
}

/* All clients of a run; the last one to end sets @done. */
struct clients {
	struct epx_event done;
	int left;
	int port;
	int conns;		/* that each makes, one after the other */
	int trips;		/* on each of them */
};

struct client {
	struct epx_future future;
	struct clients *all;
	struct sockaddr_in address;
	struct epx_io io;
	struct epx_op op;
	int conns, trips;
	char message[BUFFER];
};

static void client_end(struct client *me)
{
	epx_io_close(&me->io);
	if (!--me->all->left)
		epx_event_set(&me->all->done);
}

static void client_socket(struct client *me, struct epx_exec *exec)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	must(fd >= 0, "socket");
	set_nodelay(fd);
	epx_io_init(exec, &me->io, fd);
}

EPX_ASYNC(client, client_end)
{
	EPX_BEGIN;
	while (me->conns--) {
		client_socket(me, cx->exec);
		EPX_AWAIT(epx_connect(&me->op, &me->io,
				      (struct sockaddr *)&me->address,
				      sizeof(me->address)));
		must(!EPX_RES, "connect");
		for (me->trips = me->all->trips; me->trips; me->trips--) {
			EPX_AWAIT(epx_send_all(&me->op, &me->io, me->message,
					       MESSAGE));
			EPX_AWAIT(epx_recv(&me->op, &me->io, me->message,
					   BUFFER));
			must(EPX_RES == MESSAGE, "the answer");
		}
		epx_io_close(&me->io);
	}
	EPX_END;
}

static void client_spawn(struct epx_exec *exec, struct clients *all)
{
	struct client *client = must_alloc(1, sizeof(*client));

	client->all = all;
	client->conns = all->conns;
	client->address.sin_family = AF_INET;
	client->address.sin_port = htons(all->port);
	client->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client->io.fd = -1;
	must_spawn(exec, EPX_INIT(client, client), free_future);
}

static void run_clients(const char *name, struct clients *all)
{
	struct server server;
	struct epx_exec *exec = server_start(&server);
	struct epx_wait_for wait;
	int n = all->left;

	all->port = server.port;
	epx_event_init(&all->done);
	clock_start();
	for (int i = 0; i < n; i++)
		client_spawn(exec, all);
	epx_block_on(exec, epx_event_wait(&wait, &all->done));
	clock_stop(name, (long)n * all->conns * all->trips);
	epx_exec_free(exec);
}

void run_ping_pongs(int x)
{
	(void)x;
	run_clients("ping_pongs", &(struct clients){
		.left = 1, .conns = 1, .trips = PING_PONGS });
}

void run_pound(int x)
{
	run_clients("tcp4_pound", &(struct clients){
		.left = x, .conns = POUNDS, .trips = 1 });
}
