// SPDX-License-Identifier: MIT
/*
 * main() of the drivers of event loops, and what they share.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "driver.h"

static long long started;

void fail(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(errno));
	exit(1);
}

void *must_alloc(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	must(!!memory, "memory");
	return memory;
}

long long clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void clock_start(void)
{
	started = clock_ns();
}

void report(const char *name, long long ns, long operations)
{
	printf("%s %lld %ld\n", name, ns, operations);
}

long long clock_stop(const char *name, long operations)
{
	long long took = clock_ns() - started;

	report(name, took, operations);
	return took;
}

long long anon_bytes(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[128];
	long long kib = -1;

	must(!!file, "/proc/self/status");
	while (kib < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "RssAnon: %lld", &kib);
	fclose(file);
	return kib * 1024;
}

void report_memory(const char *name, long long before, long count)
{
	report(name, anon_bytes() - before, count);
}

int64_t timer_ns(int i)
{
	uint32_t drawn = (uint32_t)i * 2654435761U;

	return 1000000 + drawn % (LATEST_NS - 1000000);
}

void wait_until_due(void)
{
	struct timespec time = { 0, LATEST_NS + 2000000 };

	nanosleep(&time, NULL);
}

int listen_here(int *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	must(!bind(fd, (void *)&address, size) && !listen(fd, 1024) &&
	     !getsockname(fd, (void *)&address, &size), "listen");
	*port = ntohs(address.sin_port);
	return fd;
}

void tell_port(int port)
{
	printf("port %d 1\n.\n", port);
	fflush(stdout);
}

int connect_here(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	must(!connect(fd, (void *)&address, sizeof(address)) ||
	     errno == EINPROGRESS, "connect");
	return fd;
}

void set_nodelay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void run(const char *name, int x)
{
	for (const struct task *task = tasks; task->name; task++) {
		if (strcmp(task->name, name))
			continue;
		task->run(x);
		return;
	}
	/* Not this driver's: no figure. */
}

int main(void)
{
	struct rlimit limit;
	char name[64];
	int x;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	signal(SIGPIPE, SIG_IGN);
	/* Memory of one run stays for the next: page faults are nobody's. */
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_MMAP_THRESHOLD, 1 << 25);
	while (scanf("%63s %d", name, &x) == 2) {
		run(name, x);
		puts(".");
		fflush(stdout);
	}
	return 0;
}
