// SPDX-License-Identifier: MIT
/*
 * Threads that wait, seen through /proc. See waiter.h.
 *
 * All loops here end when what they look for is there; the time limit is the
 * test's own.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "waiter.h"

static atomic_int returned_so_far;

static void *waiter_main(void *arg)
{
	struct waiter *w = arg;
	struct pollfd pfd = { .fd = w->fd, .events = POLLIN };
	long long start = now_ns();

	atomic_store(&w->tid, syscall(SYS_gettid));
	if (w->kind == WAITER_EPOLL) {
		w->result = ep_wait(w->fd, w->buffer, w->max, w->timeout);
	} else if (w->kind == WAITER_ENTER) {
		w->result = epx_enter(w->fd, &w->enter);
	} else {
		w->result = poll(&pfd, 1, w->timeout);
		w->events[0].events = pfd.revents;
	}
	w->took_ns = now_ns() - start;
	w->order = atomic_fetch_add(&returned_so_far, 1);
	atomic_store(&w->returned, true);
	return NULL;
}

static void waiter_init(struct waiter *w, enum waiter_kind kind, int fd)
{
	struct epoll_event *buffer = w->buffer;

	memset(w, 0, sizeof(*w));
	memset(w->events, 0xa5, sizeof(w->events));
	w->kind = kind;
	w->fd = fd;
	w->buffer = buffer ? buffer : w->events;
}

void waiter_start(struct waiter *w, enum waiter_kind kind, int fd, int max,
		  int timeout)
{
	waiter_init(w, kind, fd);
	w->max = max;
	w->timeout = timeout;
	ASSERT_EQ(pthread_create(&w->thread, NULL, waiter_main, w), 0);
}

void waiter_sleep_in(struct waiter *w, int fd, const struct epx_enter *enter)
{
	waiter_init(w, WAITER_ENTER, fd);
	w->enter = *enter;
	w->enter.events = (uintptr_t)w->buffer;
	ASSERT_EQ(pthread_create(&w->thread, NULL, waiter_main, w), 0);
	ASSERT_TRUE(waiter_await_sleep(w));
}

static ssize_t read_task_file(pid_t tid, const char *name, char *text,
			      size_t size)
{
	char path[64];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	length = read(fd, text, size - 1);
	close(fd);
	text[length < 0 ? 0 : length] = 0;
	return length;
}

bool thread_is_asleep(pid_t tid)
{
	char text[512];
	char *name_end;

	/* "running", or "-1 ..." outside a system call, or "number ...". */
	if (read_task_file(tid, "syscall", text, sizeof(text)) <= 0 ||
	    text[0] < '0' || text[0] > '9')
		return false;
	/*
	 * The same is said of one that has been woken and is on its way to
	 * another CPU's run queue; its state tells.
	 */
	if (read_task_file(tid, "stat", text, sizeof(text)) <= 0)
		return false;
	name_end = strrchr(text, ')');
	return name_end && (name_end[2] == 'S' || name_end[2] == 'D');
}

long thread_switches(pid_t tid)
{
	static const char name[] = "\nvoluntary_ctxt_switches:";
	char text[4096];
	char *line;

	if (read_task_file(tid, "status", text, sizeof(text)) <= 0)
		return -1;
	line = strstr(text, name);
	return line ? strtol(line + sizeof(name) - 1, NULL, 10) : -1;
}

bool waiter_has_returned(struct waiter *w)
{
	return atomic_load(&w->returned);
}

bool waiter_await_sleep(struct waiter *w)
{
	while (!waiter_has_returned(w)) {
		pid_t tid = atomic_load(&w->tid);
		long before;

		if (tid) {
			/* No switch in between: it is one and the same sleep. */
			before = thread_switches(tid);
			if (thread_is_asleep(tid) &&
			    thread_switches(tid) == before) {
				w->switches = before;
				return true;
			}
		}
		before_next_look();
	}
	return false;
}

void waiter_sleep(struct waiter *w, enum waiter_kind kind, int fd, int max,
		  int timeout)
{
	waiter_start(w, kind, fd, max, timeout);
	ASSERT_TRUE(waiter_await_sleep(w));
}

bool waiter_is_undisturbed(struct waiter *w)
{
	pid_t tid = atomic_load(&w->tid);

	return !waiter_has_returned(w) && thread_is_asleep(tid) &&
	       thread_switches(tid) == w->switches;
}

int waiter_join(struct waiter *w)
{
	ASSERT_EQ(pthread_join(w->thread, NULL), 0);
	return w->result;
}

int waiter_await_any(struct waiter *w, int n)
{
	for (;;) {
		for (int i = 0; i < n; i++)
			if (waiter_has_returned(&w[i]))
				return i;
		before_next_look();
	}
}

int waiter_count_returned(struct waiter *w, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += waiter_has_returned(&w[i]);
	return count;
}

int waiter_await_settled(struct waiter *w, int n)
{
	bool still;

	/*
	 * A chain of wake-ups may reach one that was looked at already, so a
	 * round counts only if nobody has moved or returned since it began.
	 */
	do {
		int returned = waiter_count_returned(w, n);

		still = true;
		for (int i = 0; i < n; i++) {
			long before = w[i].switches;

			if (waiter_await_sleep(&w[i]) && w[i].switches != before)
				still = false;
		}
		if (waiter_count_returned(w, n) != returned)
			still = false;
	} while (!still);
	return waiter_count_returned(w, n);
}
