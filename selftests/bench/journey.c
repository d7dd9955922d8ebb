// SPDX-License-Identifier: MIT
/*
 * Two events to be followed in a trace: one write to an eventfd, one packet to
 * a TCP socket, each with a thread asleep in a wait. Marks in the trace say
 * where a journey begins and ends; scripts/trace turns the trace into steps.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static int marker;

static void mark(const char *what, const char *name)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "journey %s %s", what, name);

	must(write(marker, text, n) == n, "trace_marker");
}

struct traveller {
	struct loop *loop;
	atomic_int tid;
	int result;
};

static void *travel(void *arg)
{
	struct traveller *t = arg;

	atomic_store(&t->tid, syscall(SYS_gettid));
	t->result = epollx_side.wait(t->loop, -1);
	return NULL;
}

static void follow(const char *name, int watched, int written)
{
	struct traveller t = { .loop = epollx_side.open(1) };
	uint64_t one = 1;
	pthread_t thread;

	side_change(&epollx_side, t.loop, EPOLL_CTL_ADD, watched, EPOLLIN, 0);
	must(!pthread_create(&thread, NULL, travel, &t), "thread");
	while (!atomic_load(&t.tid))
		sched_yield();
	wait_until_sleeping(atomic_load(&t.tid));
	mark("begin", name);
	must(write(written, &one, sizeof(one)) == sizeof(one), "write");
	pthread_join(thread, NULL);
	mark("end", name);
	must(t.result == 1, "one event");
	epollx_side.close(t.loop);
}

void run_journey(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0), fd = eventfd(0, 0);
	socklen_t size = sizeof(addr);

	marker = open("/sys/kernel/tracing/trace_marker", O_WRONLY);
	must(marker >= 0, "/sys/kernel/tracing/trace_marker");
	must(!bind(listener, (void *)&addr, size) && !listen(listener, 1) &&
	     !getsockname(listener, (void *)&addr, &size) &&
	     !connect(client, (void *)&addr, size), "connect");
	follow("eventfd", fd, fd);
	follow("tcp", accept(listener, NULL, NULL), client);
}
