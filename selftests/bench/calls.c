// SPDX-License-Identifier: MIT
/*
 * System calls, as the kernel counts them: the tracepoint at the entry of each
 * call, by a perf counter on one process. What libraries call is in it.
 */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define ID	"/sys/kernel/tracing/events/raw_syscalls/sys_enter/id"

/* Of process @pid and the threads that it starts from now on, 0 for our own. */
int calls_open(int pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.disabled = 1,
		.inherit = 1,
	};
	FILE *file = fopen(ID, "r");
	long id = -1;
	int fd;

	must(file && fscanf(file, "%ld", &id) == 1, ID);
	fclose(file);
	attr.config = id;
	fd = syscall(SYS_perf_event_open, &attr, pid, -1, -1, 0);
	must(fd >= 0, "perf_event_open");
	return fd;
}

void calls_begin(int counter)
{
	must(!ioctl(counter, PERF_EVENT_IOC_RESET, 0) &&
	     !ioctl(counter, PERF_EVENT_IOC_ENABLE, 0), "a perf counter");
}

static uint64_t calls_read(int counter)
{
	uint64_t count;

	must(!ioctl(counter, PERF_EVENT_IOC_DISABLE, 0), "a perf counter");
	must(read(counter, &count, sizeof(count)) == sizeof(count),
	     "a perf counter");
	return count;
}

/* Since calls_begin(), without the call that ends the counting. */
long calls_end(int counter)
{
	return calls_read(counter) - 1;
}

/* The same where @counter is another process's. */
long calls_end_other(int counter)
{
	return calls_read(counter);
}
