// SPDX-License-Identifier: MIT
/*
 * A chat: each line that one client sends, all others get: chat [PORT]
 *
 * A client is two tasks, one that reads and one that writes, with a channel
 * before the writer. Who reads too slowly misses lines, and nobody waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

#define LINE_BYTES 512
#define LINES 64

struct line {
	int refs;
	int len;
	char text[LINE_BYTES];
};

struct client;

struct reader {
	struct epx_future future;
	struct epx_op op;
	struct client *client;
	char buf[LINE_BYTES];
	size_t used;
};

struct writer {
	struct epx_future future;
	struct epx_op op;
	struct epx_wait_for wait;
	struct client *client;
	struct line *line;
};

struct client {
	struct client *prev;
	struct client *next;
	struct epx_io io;
	struct reader reader;
	struct writer writer;
	struct epx_chan chan;
	struct line *lines[LINES];
	int tasks;
};

static struct client clients = { .prev = &clients, .next = &clients };

static void line_put(struct line *line)
{
	if (line && !--line->refs)
		free(line);
}

static void broadcast(const struct client *from, const char *text, int len)
{
	struct line *line = malloc(sizeof(*line));
	struct client *to;

	if (!line)
		return;
	line->refs = 1;
	line->len = len;
	memcpy(line->text, text, len);
	for (to = clients.next; to != &clients; to = to->next) {
		if (to != from && !epx_chan_try_send(&to->chan, &line))
			line->refs++;
	}
	line_put(line);
}

/* What is whole is sent; the rest begins the buffer. */
static void take_lines(struct reader *me)
{
	char *end, *text = me->buf;
	size_t left = me->used;

	while ((end = memchr(text, '\n', left)) || left == LINE_BYTES) {
		size_t len = end ? (size_t)(end + 1 - text) : left;

		broadcast(me->client, text, len);
		text += len;
		left -= len;
	}
	memmove(me->buf, text, left);
	me->used = left;
}

/* Both tasks are over, and what they were doing. */
static void client_put(struct client *client)
{
	unsigned int i;

	if (--client->tasks)
		return;
	for (i = 0; i < client->chan.used; i++)
		line_put(client->lines[(client->chan.first + i) % LINES]);
	free(client);
}

/* With the reader the client leaves; the writer sees the channel's end. */
static void reader_end(struct reader *me)
{
	struct client *client = me->client;

	client->prev->next = client->next;
	client->next->prev = client->prev;
	epx_chan_close(&client->chan);
}

EPX_ASYNC(reader, reader_end)
{
	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_recv(&me->op, &me->client->io, me->buf + me->used,
				 LINE_BYTES - me->used));
		if (!EPX_RES)
			EPX_RETURN(0);
		me->used += EPX_RES;
		take_lines(me);
	}
	EPX_END;
}

static void writer_end(struct writer *me)
{
	line_put(me->line);
	epx_io_close(&me->client->io);
}

EPX_ASYNC(writer, writer_end)
{
	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_chan_recv(&me->wait, &me->client->chan, &me->line));
		EPX_TRY(epx_send_all(&me->op, &me->client->io, me->line->text,
				     me->line->len));
		line_put(me->line);
		me->line = NULL;
	}
	EPX_END;
}

static void reader_free(struct epx_future *future)
{
	client_put(((struct reader *)future)->client);
}

static void writer_free(struct epx_future *future)
{
	client_put(((struct writer *)future)->client);
}

static int client_start(struct epx_group *group, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	int err;

	if (!client)
		return -1;
	epx_io_init(group->exec, &client->io, fd);
	epx_chan_init(&client->chan, client->lines, sizeof(client->lines[0]),
		      LINES);
	client->reader.client = client;
	client->writer.client = client;
	err = epx_group_spawn(group, EPX_INIT(&client->writer, writer),
			      writer_free);
	if (err) {
		free(client);
		return err;
	}
	client->tasks = 1;
	if (epx_group_spawn(group, EPX_INIT(&client->reader, reader),
			    reader_free)) {
		/* The writer ends, and closes the descriptor. */
		epx_chan_close(&client->chan);
		return 0;
	}
	client->tasks = 2;
	client->next = &clients;
	client->prev = clients.prev;
	client->prev->next = client;
	clients.prev = client;
	return 0;
}

int main(int argc, char **argv)
{
	return serve(argc > 1 ? argv[1] : "7001", client_start);
}
