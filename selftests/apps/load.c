// SPDX-License-Identifier: MIT
/*
 * A client that keeps a number of connections to 127.0.0.1 busy, one request at a time on
 * each, compares every answer with the one it was told to expect, and says what became of
 * every request.
 *
 *	apps-load --port P --request FILE --answer FILE [option...]
 *
 *	--kind exact	the answer is the bytes of FILE (the default)
 *	--kind http	its status is 200 and its body, of Content-Length bytes, is FILE's
 *	--kind line	it is one line that begins with FILE's first byte
 *	--connections C	at the same time (default 16)
 *	--seconds S	(default 2) how long new requests are made
 *	--close		a connection for each request
 *	--until-gone	what has failed is not tried again
 *
 * Prints one line of JSON. What a request can come to:
 *
 *	answered	by the right answer
 *	wrong		by another
 *	refused		no connection could be made, or it ended before all was sent
 *	closed		the connection ended before the answer's first byte
 *	kept_closed	the same, on a connection that had given an answer before: a server
 *			may close an idle connection at any time, and HTTP clients try such a
 *			request again
 *	cut		the connection ended inside the answer
 *	late		no answer within LATE_SECONDS
 *
 * It waits with poll(2): no count of epoll calls gets anything from it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connection.h"

#define MOST_CONNECTIONS	256
#define LATE_SECONDS		10

struct settings set = { .connections = 16, .seconds = 2 };

static struct connection all[MOST_CONNECTIONS];

void die(const char *what)
{
	fprintf(stderr, "apps-load: %s: %s\n", what, strerror(errno));
	exit(2);
}

static char *slurp(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st))
		die(path);
	text = malloc(st.st_size + 1);
	if (!text || read(fd, text, st.st_size) != st.st_size)
		die(path);
	close(fd);
	*size = st.st_size;
	return text;
}

/* One look at all connections; returns how many still want something. */
static int turn(bool new_requests)
{
	struct pollfd fds[MOST_CONNECTIONS];
	long long now = now_us();
	int i, busy = 0;

	for (i = 0; i < set.connections; i++) {
		struct connection *c = &all[i];

		if (c->state == IDLE && !c->gone && new_requests && c->since <= now)
			connection_start(c);
		/* Between two requests nothing is lost. */
		if (!new_requests && (c->state == CONNECTING || (c->state == SENDING && !c->sent)))
			connection_disconnect(c);
		if (c->state != IDLE && now - c->since > LATE_SECONDS * 1000000LL)
			connection_fail(c, LATE, ETIMEDOUT);
		/* What the socket takes at once needs no poll. */
		if (c->state == SENDING)
			connection_send(c);
		fds[i].fd = c->state == IDLE ? -1 : c->fd;
		fds[i].events = c->state == RECEIVING ? POLLIN : POLLOUT;
		busy += c->state != IDLE || (new_requests && !c->gone);
	}
	if (poll(fds, set.connections, 10) < 0 && errno != EINTR)
		die("poll");
	for (i = 0; i < set.connections; i++) {
		if (fds[i].fd >= 0 && fds[i].revents)
			connection_advance(&all[i]);
	}
	return busy;
}

static void report(double seconds)
{
	int i;

	printf("{\"seconds\": %.3f, \"rate\": %.1f, \"p50_us\": %lld, \"p99_us\": %lld",
	       seconds, totals.outcomes[ANSWERED] / seconds, latency_within(&totals.latency, 50),
	       latency_within(&totals.latency, 99));
	for (i = 0; i < OUTCOMES; i++)
		printf(", \"%s\": %lu", outcome_names[i], totals.outcomes[i]);
	printf(", \"first_failure\": \"%s\"}\n", totals.first_failure);
}

static enum kind kind_of(const char *name)
{
	if (!strcmp(name, "http"))
		return HTTP;
	return strcmp(name, "line") ? EXACT : LINE;
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", 1, NULL, 'p' }, { "request", 1, NULL, 'r' }, { "answer", 1, NULL, 'a' },
		{ "kind", 1, NULL, 'k' }, { "connections", 1, NULL, 'c' },
		{ "seconds", 1, NULL, 's' }, { "close", 0, NULL, 'x' },
		{ "until-gone", 0, NULL, 'g' }, { }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			set.port = atoi(optarg);
		else if (option == 'r')
			set.request = slurp(optarg, &set.request_size);
		else if (option == 'a')
			set.answer = slurp(optarg, &set.answer_size);
		else if (option == 'k')
			set.kind = kind_of(optarg);
		else if (option == 'c')
			set.connections = atoi(optarg);
		else if (option == 's')
			set.seconds = atof(optarg);
		else if (option == 'x')
			set.close_each = true;
		else if (option == 'g')
			set.until_gone = true;
		else
			exit(2);
	}
	errno = EINVAL;
	if (!set.port || !set.request || !set.answer || set.connections < 1 ||
	    set.connections > MOST_CONNECTIONS)
		die("usage: --port, --request and --answer, at most 256 connections");
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

int main(int argc, char **argv)
{
	long long begin, end;
	int i;

	read_options(argc, argv);
	signal(SIGTERM, stop);
	for (i = 0; i < set.connections; i++) {
		all[i].fd = -1;
		all[i].buffer = malloc(ANSWER_BUFFER);
		if (!all[i].buffer)
			die("malloc");
	}
	begin = now_us();
	end = begin + set.seconds * 1000000;
	while (now_us() < end && !stopped && turn(true))
		;
	end = now_us();
	while (turn(false))
		;
	report((end - begin) / 1e6);
	return 0;
}
