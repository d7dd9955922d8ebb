// SPDX-License-Identifier: MIT
/*
 * The life of a connection, in steps that never block: connecting, sending, receiving, and
 * again. Where it fails decides what the request has come to.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"

#define RETRY_US	20000

const char * const outcome_names[OUTCOMES] = {
	"answered", "wrong", "refused", "closed", "kept_closed", "cut", "late",
};

struct totals totals;

static void note_failure(enum outcome what, int error)
{
	if (*totals.first_failure)
		return;
	snprintf(totals.first_failure, sizeof(totals.first_failure), "%s after %lu answers: %s",
		 outcome_names[what], totals.outcomes[ANSWERED],
		 error ? strerror(error) : "end of file");
}

void connection_disconnect(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = IDLE;
	c->answers = 0;
}

void connection_fail(struct connection *c, enum outcome what, int error)
{
	totals.outcomes[what]++;
	note_failure(what, error);
	connection_disconnect(c);
	c->gone = set.until_gone;
	if (what == REFUSED)
		c->since = now_us() + RETRY_US;
}

static void start_request(struct connection *c)
{
	c->state = SENDING;
	c->sent = 0;
	c->got = 0;
	c->since = now_us();
}

void connection_start(struct connection *c)
{
	const struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(set.port),
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->since = now_us();
	c->state = CONNECTING;
	if (!connect(c->fd, (const void *)&addr, sizeof(addr)))
		start_request(c);
	else if (errno != EINPROGRESS)
		connection_fail(c, REFUSED, errno);
}

static void finish_connecting(struct connection *c)
{
	socklen_t size = sizeof(int);
	int error = 0;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error)
		connection_fail(c, REFUSED, error);
	else
		start_request(c);
}

void connection_send(struct connection *c)
{
	ssize_t n = send(c->fd, set.request + c->sent, set.request_size - c->sent, MSG_NOSIGNAL);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		/* What could not be sent on a kept connection may be tried again. */
		connection_fail(c, c->answers ? KEPT_CLOSED : REFUSED, errno);
		return;
	}
	c->sent += n;
	if (c->sent == set.request_size)
		c->state = RECEIVING;
}

static bool same(const char *bytes, size_t size)
{
	return size == set.answer_size && !memcmp(bytes, set.answer, size);
}

/* Where a header's value starts, or NULL. */
static const char *header(const char *head, const char *name)
{
	const char *line = strcasestr(head, name);

	return line ? line + strlen(name) : NULL;
}

/* Whether an answer is whole, and what it is; CLOSES: the server ends the connection. */
static bool judge(struct connection *c, enum outcome *what, bool *closes)
{
	const char *end, *value;
	size_t head;
	bool right;

	c->buffer[c->got] = '\0';
	switch (set.kind) {
	case EXACT:
		*what = same(c->buffer, c->got) ? ANSWERED : WRONG;
		return c->got >= set.answer_size ||
			memcmp(c->buffer, set.answer, c->got);
	case LINE:
		*what = *c->buffer == *set.answer ? ANSWERED : WRONG;
		return c->got && c->buffer[c->got - 1] == '\n';
	case HTTP:
		end = strstr(c->buffer, "\r\n\r\n");
		if (!end)
			return false;
		head = end + 4 - c->buffer;
		value = header(c->buffer, "\r\ncontent-length:");
		if (!value) {
			*what = WRONG;
			return true;
		}
		if (c->got < head + strtoul(value, NULL, 10))
			return false;
		right = strstr(c->buffer, " 200 ") == c->buffer + strlen("HTTP/1.1") &&
			same(end + 4, c->got - head);
		*what = right ? ANSWERED : WRONG;
		value = header(c->buffer, "\r\nconnection:");
		*closes = value && value < end && !strncasecmp(value + 1, "close", 5);
		return true;
	}
	return false;
}

static void finish_request(struct connection *c, enum outcome what, bool closes)
{
	if (what != ANSWERED) {
		connection_fail(c, what, EPROTO);
		return;
	}
	totals.outcomes[ANSWERED]++;
	c->answers++;
	latency_add(&totals.latency, now_us() - c->since);
	if (set.close_each || closes)
		connection_disconnect(c);
	else
		start_request(c);
}

static void receive_more(struct connection *c)
{
	ssize_t n = recv(c->fd, c->buffer + c->got, ANSWER_BUFFER - 1 - c->got, 0);
	enum outcome what = WRONG;
	bool closes = false;
	int error = errno;

	if (n < 0 && error == EAGAIN)
		return;
	if (n <= 0) {
		if (c->got)
			what = CUT;
		else
			what = c->answers ? KEPT_CLOSED : CLOSED;
		connection_fail(c, what, n ? error : 0);
		return;
	}
	c->got += n;
	if (judge(c, &what, &closes))
		finish_request(c, what, closes);
	else if (c->got == ANSWER_BUFFER - 1)
		finish_request(c, WRONG, false);
}

void connection_advance(struct connection *c)
{
	if (c->state == CONNECTING)
		finish_connecting(c);
	if (c->state == SENDING)
		connection_send(c);
	else if (c->state == RECEIVING)
		receive_more(c);
}
