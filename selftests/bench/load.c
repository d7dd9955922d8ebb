// SPDX-License-Identifier: MIT
/*
 * The client of an echo server: keeps all connections busy, and uses native
 * epoll whatever the server uses, so that only the server differs.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define MESSAGE	64

/* The round's state: when each connection's request went out, and what came. */
struct client {
	int ep, connections, requests, done;
	int *fds;
	long long *sent;
	double *took;
};

static void request(struct client *client, int c)
{
	static const char message[MESSAGE];

	client->sent[c] = clock_ns();
	must(write(client->fds[c], message, MESSAGE) == MESSAGE, "request");
}

static void answer(struct client *client, int c)
{
	char message[MESSAGE];

	must(read(client->fds[c], message, MESSAGE) == MESSAGE, "answer");
}

static void connect_all(struct client *client, int family, const void *address,
			unsigned int size)
{
	for (int i = 0; i < client->connections; i++) {
		struct epoll_event event = { .events = EPOLLIN,
					     .data.u64 = i };
		int fd = socket(family, SOCK_STREAM, 0), on = 1;

		client->fds[i] = fd;
		if (family == AF_INET)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
				   sizeof(on));
		must(!connect(fd, address, size), "connect");
		must(!epoll_ctl(client->ep, EPOLL_CTL_ADD, fd, &event), "add");
		/*
		 * Two requests before the clock runs: the server accepts it,
		 * adds it, and asks once what it has to know of it now, and
		 * not in the time of the first requests.
		 */
		for (int n = 0; n < 2; n++) {
			request(client, i);
			answer(client, i);
		}
	}
}

/* A connection's request goes out when its last answer is in. */
static void exchange(struct client *client)
{
	struct epoll_event ev[512];

	for (int i = 0; i < client->connections; i++)
		request(client, i);
	while (client->done < client->requests) {
		int n = epoll_wait(client->ep, ev, 512, 20000);

		must(n > 0, "the server's answer within 20 s");
		for (int i = 0; i < n && client->done < client->requests; i++) {
			int c = ev[i].data.u64;

			answer(client, c);
			client->took[client->done++] = clock_ns() -
						       client->sent[c];
			request(client, c);
		}
	}
}

/* @counter counts the server's calls, or is negative. */
struct load load_run(int family, const void *address, unsigned int size,
		     int connections, int requests, int counter)
{
	struct client client = { epoll_create1(0), connections, requests, 0,
		calloc(connections, sizeof(int)),
		calloc(connections, sizeof(long long)),
		calloc(requests, sizeof(double)) };
	struct load load = { 0 };
	long long start;

	must(client.fds && client.sent && client.took, "memory");
	connect_all(&client, family, address, size);
	if (counter >= 0)
		calls_begin(counter);
	start = clock_ns();
	exchange(&client);
	load.per_second = requests * 1e9 / (clock_ns() - start);
	if (counter >= 0)
		load.calls = (double)calls_end_other(counter) / requests;
	median(client.took, requests);
	load.p99 = client.took[requests * 99LL / 100];
	for (int i = 0; i < connections; i++)
		close(client.fds[i]);
	close(client.ep);
	free(client.fds);
	free(client.sent);
	free(client.took);
	return load;
}
