// SPDX-License-Identifier: MIT
/*
 * A proxy: connections to its port go on to another: proxy PORT TARGET-PORT
 *
 * Bytes go from socket to pipe to socket by splice(2) and are never seen here.
 * A pipe that is full is not filled: so a slow receiver slows the sender down.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "serve.h"

#define CHUNK 65536

/* One way: what @from sends, @to gets. */
struct way {
	struct epx_future future;
	struct epx_io *from;
	struct epx_io *to;
	struct epx_op op;
	int pipe[2];
	ssize_t n;
	size_t left;
};

static void way_end(struct way *me)
{
	close(me->pipe[0]);
	close(me->pipe[1]);
}

static ssize_t move(int from, int to, size_t len)
{
	ssize_t n = splice(from, NULL, to, NULL, len,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	return n < 0 ? -errno : n;
}

EPX_ASYNC(way, way_end)
{
	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_readable(&me->op, me->from));
		/* The pipe is empty here. */
		me->n = move(me->from->fd, me->pipe[1], CHUNK);
		if (me->n == -EAGAIN) {
			epx_io_clear(me->from, EPX_IN, EPX_RES);
			continue;
		}
		if (me->n <= 0)
			break;
		me->left = me->n;
		while (me->left) {
			EPX_TRY(epx_writable(&me->op, me->to));
			me->n = move(me->pipe[0], me->to->fd, me->left);
			if (me->n == -EAGAIN)
				epx_io_clear(me->to, EPX_OUT, EPX_RES);
			else if (me->n < 0)
				EPX_RETURN(me->n);
			else
				me->left -= me->n;
		}
	}
	/* The other side is told that no more comes; it may go on sending. */
	shutdown(me->to->fd, SHUT_WR);
	EPX_RETURN(me->n);
	EPX_END;
}

struct link {
	struct epx_future future;
	struct epx_io client;
	struct epx_io server;
	struct epx_op op;
	struct way there;
	struct way back;
	struct epx_future *both[2];
	struct epx_set set;
};

static struct sockaddr_in target = { .sin_family = AF_INET };

static void link_close(struct link *me)
{
	epx_io_close(&me->client);
	epx_io_close(&me->server);
}

static int way_init(struct way *way, struct epx_io *from, struct epx_io *to)
{
	way->from = from;
	way->to = to;
	return pipe2(way->pipe, O_CLOEXEC | O_NONBLOCK) ? -errno : 0;
}

EPX_ASYNC(link, link_close)
{
	int err;

	EPX_BEGIN;
	EPX_TRY(epx_connect(&me->op, &me->server, (struct sockaddr *)&target,
			    sizeof(target)));
	err = way_init(&me->there, &me->client, &me->server);
	if (err)
		EPX_RETURN(err);
	EPX_INIT(&me->there, way);
	err = way_init(&me->back, &me->server, &me->client);
	if (err) {
		epx_drop(&me->there.future);
		EPX_RETURN(err);
	}
	me->both[0] = &me->there.future;
	me->both[1] = EPX_INIT(&me->back, way);
	EPX_TRY(epx_join(&me->set, me->both, 2));
	EPX_END;
}

static void link_free(struct epx_future *future)
{
	free(future);
}

static int link_start(struct epx_group *group, int fd)
{
	struct link *link = malloc(sizeof(*link));
	int server, err;

	if (!link)
		return -1;
	server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server < 0) {
		free(link);
		return -1;
	}
	epx_io_init(group->exec, &link->client, fd);
	epx_io_init(group->exec, &link->server, server);
	err = epx_group_spawn(group, EPX_INIT(link, link), link_free);
	if (err) {
		close(server);
		free(link);
	}
	return err;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: proxy PORT TARGET-PORT\n");
		return 2;
	}
	/* splice(2) has no MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	target.sin_port = htons(atoi(argv[2]));
	target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return serve(argv[1], link_start);
}
