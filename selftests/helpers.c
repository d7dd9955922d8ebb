// SPDX-License-Identifier: MIT
/*
 * See helpers.h. The milliseconds of epoll_wait(2) become a timespec on
 * epollx, where a negative time is a missing one, as epoll_wait's is.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "epollx.h"
#include "helpers.h"
#include "preload_calls.h"

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

int ep_create(int size)
{
	if (side() == PRELOAD)
		return result(preload_calls()->create(size));
	if (side() == NATIVE)
#ifdef SYS_epoll_create
		return result(syscall(SYS_epoll_create, size));
#else
		return result(epoll_create(size));
#endif
	/* The size means nothing but that it must be positive. */
	return size <= 0 ? -EINVAL : epx_open(0);
}

int ep_create1(int flags)
{
	if (side() == PRELOAD)
		return result(preload_calls()->create1(flags));
	if (side() == NATIVE)
		return result(syscall(SYS_epoll_create1, flags));
	return epx_open(flags);
}

int ep_ctl_raw(int ep, int op, int fd, struct epoll_event *event)
{
	if (side() == PRELOAD)
		return result(preload_calls()->ctl(ep, op, fd, event));
	if (side() == NATIVE)
		return result(syscall(SYS_epoll_ctl, ep, op, fd, event));
	return epx_ctl(ep, op, fd, event);
}

int ep_ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return ep_ctl_raw(ep, op, fd, &event);
}

/*
 * libc's functions have no argument for the size of a mask: with another one
 * than theirs the preload side asks the module.
 */
static bool is_libcs(const sigset_t *mask, size_t sigsetsize)
{
	return side() == PRELOAD && (!mask || sigsetsize == KERNEL_SIGSET_SIZE);
}

int ep_pwait(int ep, struct epoll_event *events, int max, int ms,
	     const sigset_t *mask, size_t sigsetsize)
{
	struct timespec timeout = {
		.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L,
	};

	if (side() == NATIVE)
		return result(syscall(SYS_epoll_pwait, ep, events, max, ms,
				      mask, sigsetsize));
	if (is_libcs(mask, sigsetsize))
		return result(preload_calls()->pwait(ep, events, max, ms, mask));
	return epx_pwait2(ep, events, max, ms < 0 ? NULL : &timeout, mask,
			  sigsetsize);
}

int ep_wait(int ep, struct epoll_event *events, int max, int ms)
{
	if (side() == NATIVE)
		return ep_pwait(ep, events, max, ms, NULL, 0);
	if (side() == PRELOAD)
		return result(preload_calls()->wait(ep, events, max, ms));
	return epx_wait(ep, events, max, ms < 0 ? -1 : ms * 1000000LL);
}

int ep_pwait2(int ep, struct epoll_event *events, int max,
	      const struct timespec *timeout, const sigset_t *mask,
	      size_t sigsetsize)
{
	if (side() == NATIVE)
		return result(syscall(SYS_epoll_pwait2, ep, events, max,
				      timeout, mask, sigsetsize));
	if (is_libcs(mask, sigsetsize))
		return result(preload_calls()->pwait2(ep, events, max, timeout,
						      mask));
	return epx_pwait2(ep, events, max, timeout, mask, sigsetsize);
}

/* The program is build/bin/NAME. */
void source_path(char *path, size_t size, const char *file)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);

	if (n < 0)
		exit(2);
	path[n] = 0;
	for (int up = 0; up < 3; up++)
		*strrchr(path, '/') = 0;
	n = strlen(path);
	snprintf(path + n, size - n, "/%s", file);
}

long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 3;	/* ".", ".." and the directory's own */
}

/* A counter of the module's, or -1 where it has none of that name. */
long counter(const char *name)
{
	FILE *file = fopen("/sys/kernel/debug/epollx/counters", "r");
	char line[128], key[64];
	long value, found = -1;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %ld", key, &value) == 2 &&
		    !strcmp(key, name))
			found = value;
	fclose(file);
	return found;
}

static bool read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, text, size - 1);
	close(fd);
	if (got < 0)
		return false;
	text[got] = 0;
	return true;
}

/*
 * Asleep: state S, and off the CPU inside a system call. /proc/.../syscall
 * says "running" for a task that is on its way in or out.
 */
static bool is_sleeping(pid_t pid, pid_t tid)
{
	char path[64], text[512], *state;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	if (!read_file(path, text, sizeof(text)))
		return false;
	state = strrchr(text, ')');
	if (!state || state[2] != 'S')
		return false;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	return read_file(path, text, sizeof(text)) &&
	       strncmp(text, "running", 7) && text[0] != '-';
}

int write_setting(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;
	ssize_t length = strlen(text), n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, length);
	if (n != length)
		ret = n < 0 ? -errno : -EIO;
	close(fd);
	return ret;
}

void before_next_look(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
}

void wait_until_sleeping_in(pid_t pid, pid_t tid)
{
	while (!is_sleeping(pid, tid))
		before_next_look();
}

void wait_until_sleeping(pid_t tid)
{
	wait_until_sleeping_in(getpid(), tid);
}

void wait_until_thread_sleeps(atomic_int *tid)
{
	while (!atomic_load(tid))
		before_next_look();
	wait_until_sleeping(atomic_load(tid));
}

static void *sleeper_main(void *arg)
{
	struct sleeper *sleeper = arg;

	atomic_store(&sleeper->tid, syscall(SYS_gettid));
	sleeper->result = ep_wait(sleeper->ep, sleeper->events, sleeper->max,
				  sleeper->ms);
	return NULL;
}

void sleeper_start(struct sleeper *sleeper, int ep, int max, int ms)
{
	memset(sleeper, 0, sizeof(*sleeper));
	memset(sleeper->events, 0xa5, sizeof(sleeper->events));
	sleeper->ep = ep;
	sleeper->max = max;
	sleeper->ms = ms;
	ASSERT_EQ(pthread_create(&sleeper->thread, NULL, sleeper_main,
				 sleeper), 0);
	wait_until_thread_sleeps(&sleeper->tid);
}

int sleeper_join(struct sleeper *sleeper)
{
	pthread_join(sleeper->thread, NULL);
	return sleeper->result;
}
