// SPDX-License-Identifier: MIT
/*
 * A real job: a TCP echo server with one thread on either side, and a client
 * in a process of its own that keeps all connections busy. Rounds alternate;
 * what counts is the ratio of a round's requests/s, and of its p99.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MESSAGE		64
#define MAX_EVENTS	512

static int listen_any(struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(*addr);

	*addr = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	must(!bind(fd, (void *)addr, size) && !listen(fd, 1024) &&
	     !getsockname(fd, (void *)addr, &size), "listen");
	return fd;
}

/* Echoes until it is killed. */
static void serve(const struct peer *peer, int listener)
{
	int ep = peer->create(), on = 1;
	struct epoll_event ev[MAX_EVENTS];

	must(!peer->change(ep, EPOLL_CTL_ADD, listener, EPOLLIN, listener),
	     "add");
	for (;;) {
		int n = peer->wait(ep, ev, MAX_EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = ev[i].data.u64;
			char buffer[MESSAGE];
			ssize_t got;

			if (fd == listener) {
				fd = accept(listener, NULL, NULL);
				setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
					   sizeof(on));
				must(!peer->change(ep, EPOLL_CTL_ADD, fd,
						   EPOLLIN, fd), "add");
				continue;
			}
			got = read(fd, buffer, sizeof(buffer));
			if (got <= 0)
				close(fd);
			else
				must(write(fd, buffer, got) == got, "echo");
		}
	}
}

static int compare_ns(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

/*
 * One request on each connection before the clock runs: the server accepts
 * and adds it now, and not in the time of the first requests.
 */
static void warm_up(const int *fds, int connections)
{
	char buffer[MESSAGE] = "";

	for (int i = 0; i < connections; i++) {
		must(write(fds[i], buffer, MESSAGE) == MESSAGE, "request");
		must(read(fds[i], buffer, MESSAGE) == MESSAGE, "answer");
	}
}

struct answer {
	double per_second, p99;
};

/*
 * The client uses native epoll on both sides, so only the server differs. A
 * connection's request goes out when its last answer is in.
 */
static struct answer load(const struct sockaddr_in *addr, int connections,
			  int requests)
{
	long long *sent = calloc(connections, sizeof(*sent));
	long long *took = calloc(requests, sizeof(*took)), start;
	int *fds = calloc(connections, sizeof(*fds)), ep = epoll_create1(0);
	struct epoll_event ev[MAX_EVENTS];
	char buffer[MESSAGE] = "";
	struct answer answer;
	int done = 0, on = 1;

	for (int i = 0; i < connections; i++) {
		struct epoll_event event = { .events = EPOLLIN,
					     .data.u64 = i };

		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		must(!connect(fds[i], (void *)addr, sizeof(*addr)), "connect");
		epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event);
	}
	warm_up(fds, connections);
	start = clock_ns();
	for (int i = 0; i < connections; i++) {
		sent[i] = clock_ns();
		must(write(fds[i], buffer, MESSAGE) == MESSAGE, "request");
	}
	while (done < requests) {
		int n = epoll_wait(ep, ev, MAX_EVENTS, 20000);

		must(n > 0, "the server's answer within 20 s");
		for (int i = 0; i < n && done < requests; i++) {
			int c = ev[i].data.u64;
			long long now;

			must(read(fds[c], buffer, MESSAGE) == MESSAGE,
			     "answer");
			now = clock_ns();
			took[done++] = now - sent[c];
			sent[c] = now;
			must(write(fds[c], buffer, MESSAGE) == MESSAGE,
			     "request");
		}
	}
	answer.per_second = requests * 1e9 / (clock_ns() - start);
	qsort(took, requests, sizeof(*took), compare_ns);
	answer.p99 = took[requests * 99LL / 100];
	for (int i = 0; i < connections; i++)
		close(fds[i]);
	close(ep);
	free(fds);
	free(sent);
	free(took);
	return answer;
}

static struct answer one_round(const struct peer *peer, int connections,
			       int requests)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr);
	struct answer answer;
	pid_t pid = fork();

	if (!pid)
		serve(peer, listener);
	close(listener);
	answer = load(&addr, connections, requests);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return answer;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const char *what, int connections, double *ratios,
		   int rounds)
{
	static const char * const names[] = { "q1", "median", "q3" };
	char name[64];

	snprintf(name, sizeof(name), "%s_%d", what, connections);
	qsort(ratios, rounds, sizeof(*ratios), compare_doubles);
	for (int q = 0; q < 3; q++)
		figure("echo", name, names[q], ratios[rounds * (q + 1) / 4],
		       "ratio");
}

void run_echo(int rounds, int requests)
{
	static const int connections[] = { 1, 64, 512 };
	double *rates = calloc(rounds, sizeof(*rates));
	double *tails = calloc(rounds, sizeof(*tails));

	raise_fd_limit(2048);
	signal(SIGPIPE, SIG_IGN);
	for (int c = 0; c < 3; c++) {
		for (int round = 0; round < rounds; round++) {
			struct answer answer[BENCH_SIDES];

			for (int i = 0; i < BENCH_SIDES; i++) {
				int side = i ^ (round & 1);

				answer[side] = one_round(&peers[side],
							 connections[c],
							 requests);
			}
			rates[round] = answer[BENCH_EPX].per_second /
				       answer[BENCH_NATIVE].per_second;
			tails[round] = answer[BENCH_EPX].p99 /
				       answer[BENCH_NATIVE].p99;
		}
		report("requests_per_second", connections[c], rates, rounds);
		report("p99", connections[c], tails, rounds);
	}
	free(rates);
	free(tails);
}
