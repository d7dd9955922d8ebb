// SPDX-License-Identifier: MIT
/*
 * echo: a real job, a server with one thread on either side, over TCP and over
 * unix sockets. The client is in a process of its own. Rounds alternate; what
 * counts is the ratio of a round's requests/s, and of its p99.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* More than a message: what is not filled has been read to its end. */
#define BUFFER	4096

struct address {
	int family;
	socklen_t size;
	union {
		struct sockaddr_in in;
		struct sockaddr_un un;
	};
};

static int listen_any(struct address *address, int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	*address = (struct address){ .family = family };
	if (family == AF_INET) {
		address->in.sin_family = AF_INET;
		address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address->size = sizeof(address->in);
	} else {
		/* A free name, which the kernel chooses. */
		address->un.sun_family = AF_UNIX;
		address->size = sizeof(sa_family_t);
	}
	must(!bind(fd, (void *)&address->in, address->size) &&
	     !listen(fd, 1024), "listen");
	address->size = sizeof(address->un);
	must(!getsockname(fd, (void *)&address->in, &address->size),
	     "getsockname");
	return fd;
}

static void accept_all(const struct side *side, struct loop *loop, int listener)
{
	int on = 1, fd;

	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0)
			break;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		side_change(side, loop, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET,
			    fd);
	}
	must(errno == EAGAIN, "accept");
}

static void answer(const struct side *side, struct loop *loop, int fd)
{
	char buffer[BUFFER];
	ssize_t got = read(fd, buffer, sizeof(buffer));

	/* A hint may come after what it is about was read. */
	if (got < 0 && errno == EAGAIN)
		return;
	/* The client goes without the answers to its last requests. */
	if (got > 0 && write(fd, buffer, got) == got)
		return;
	if (side->must_delete)
		side_change(side, loop, EPOLL_CTL_DEL, fd, 0, fd);
	close(fd);
}

/* Until it is killed. */
static void serve(const struct side *side, int listener, int connections)
{
	struct loop *loop = side->open(connections + 1);

	side_change(side, loop, EPOLL_CTL_ADD, listener, EPOLLIN | EPOLLET,
		    listener);
	for (;;) {
		int n = side_sleep(side, loop);

		for (int i = 0; i < n; i++) {
			int fd = loop->events[i].data.u64;

			if (fd == listener)
				accept_all(side, loop, listener);
			else
				answer(side, loop, fd);
		}
	}
}

static struct load one_round(const struct side *side, int family,
			     int connections, int requests, bool calls)
{
	struct address address;
	int listener = listen_any(&address, family), counter = -1;
	struct load load;
	pid_t pid = fork();

	if (!pid)
		serve(side, listener, connections);
	must(pid > 0, "fork");
	close(listener);
	if (calls)
		counter = calls_open(pid);
	load = load_run(family, &address.in, address.size, connections,
			requests, counter);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (calls)
		close(counter);
	return load;
}

static const struct {
	int family;
	const char *name, *p99;
} families[] = {
	{ AF_INET, "echo_tcp", "echo_tcp_p99" },
	{ AF_UNIX, "echo_unix", "echo_unix_p99" },
};

static int echo_sides(const struct side **order, int connections)
{
	int count = 0;

	for (const struct side * const *s = sides; *s; s++)
		if (side_has(*s, connections + 1, connections + 1))
			order[count++] = *s;
	return count;
}

static void echo_calls(int f, int connections)
{
	const struct side *order[SIDES_MOST];
	int count = echo_sides(order, connections);

	for (int i = 0; i < count; i++)
		figure("calls", families[f].name, connections, order[i]->name,
		       one_round(order[i], families[f].family, connections,
				 400, true).calls, "calls");
}

struct echo {
	const struct side *order[SIDES_MOST];
	int family, connections;
};

static void echo_round(int side, double *values, void *arg)
{
	const struct echo *echo = arg;
	struct load load = one_round(echo->order[side], echo->family,
				     echo->connections, 1000, false);

	values[0] = load.per_second;
	values[1] = load.p99;
}

static void echo_time(int f, int connections)
{
	struct echo echo = {
		.family = families[f].family, .connections = connections,
	};
	int count = echo_sides(echo.order, connections);
	int rounds = (options.rounds + 2) / 3;
	double *ratios = ratios_of_rounds(count, 2, rounds, echo_round, &echo);

	for (int i = 1; i < count; i++) {
		double *of_side = ratios + 2 * i * rounds;

		figure_spread("time", families[f].name, connections,
			      echo.order[i]->name, of_side, rounds,
			      "of native's requests/s");
		figure_spread("time", families[f].p99, connections,
			      echo.order[i]->name, of_side + rounds, rounds,
			      "of native's p99");
	}
	free(ratios);
}

void measure_echo(bool calls)
{
	static const int all[] = { 1, 10, 100, 1000, 0 }, few[] = { 10, 100, 0 };

	raise_fd_limit(4096);
	signal(SIGPIPE, SIG_IGN);
	for (int f = 0; f < 2; f++)
		for (const int *x = options.is_short || calls ? few : all; *x;
		     x++)
			(calls ? echo_calls : echo_time)(f, *x);
}
