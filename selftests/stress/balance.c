// SPDX-License-Identifier: MIT
/*
 * What must be as before once a race is over: objects in the module's slab
 * caches, watches charged to the user, open files of the system.
 *
 * Memory is freed after an RCU grace period, files of sockets in flight by a
 * collector, so the counts are looked at again and again until a deadline. A
 * slab's free objects that a CPU keeps (or KASAN holds back) count as used in
 * /proc/slabinfo until the cache is told to shrink.
 *
 * The kernel shows no count of a user's watches: it is found by adding
 * watches under a low limit until it is reached.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

#define LIMIT_PATH	"/proc/sys/fs/epollx/max_user_watches"
#define PROBE_WATCHES	64
#define DEADLINE_NS	20000000000LL

/*
 * The kernel counts open files per CPU and shows the sum without what each
 * has not handed in yet, up to 32. A race that leaked would do so in each of
 * its hundreds of rounds.
 */
#define FILES_UNSEEN	(32 * sysconf(_SC_NPROCESSORS_ONLN))

static void drop_free(const char *cache)
{
	char path[96];
	int ret;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache);
	ret = write_setting(path, "1");
	if (ret && ret != -ENOENT)
		fprintf(stderr, "cannot shrink %s\n", cache);
}

/* Names and counts of our caches. */
static void read_slabs(struct balance *balance)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[512], name[32];
	long active;

	balance->caches = 0;
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%31s %ld", name, &active) != 2 ||
		    strncmp(name, "epx_", 4) || balance->caches == CACHES)
			continue;
		memcpy(balance->name[balance->caches], name, sizeof(name));
		balance->objects[balance->caches++] = active;
	}
	fclose(file);
}

static long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	long value = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

static bool write_number(const char *path, long value)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return false;
	fprintf(file, "%ld\n", value);
	return !fclose(file);
}

/* Watches charged to this user, or -1 if more than the probe can tell. */
static long count_watches(void)
{
	long limit = read_number(LIMIT_PATH), added = 0;
	int ep, fd[PROBE_WATCHES + 1], err = 0;

	if (limit < 0 || !write_number(LIMIT_PATH, PROBE_WATCHES))
		return -1;
	ep = ep_create1(0);
	while (added <= PROBE_WATCHES) {
		fd[added] = eventfd(0, 0);
		err = ep_ctl(ep, EPOLL_CTL_ADD, fd[added], EPOLLIN, 0);
		if (err) {
			close(fd[added]);
			break;
		}
		added++;
	}
	for (int i = 0; i < added; i++)
		close(fd[i]);
	close(ep);
	write_number(LIMIT_PATH, limit);
	return err == -ENOSPC ? PROBE_WATCHES - added : -1;
}

/* Makes the collector of unix sockets in flight run. */
static void collect_sockets(void)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		return;
	close(s[0]);
	close(s[1]);
}

/* Not the watches: to count them makes some, which are freed a while later. */
static void take_objects(struct balance *balance, bool files)
{
	if (side() == EPX) {
		/* Most of what waits for a grace period is free after one. */
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
		read_slabs(balance);
		for (int i = 0; i < balance->caches; i++)
			drop_free(balance->name[i]);
		read_slabs(balance);
	}
	if (files) {
		collect_sockets();
		balance->files = read_number("/proc/sys/fs/file-nr");
	}
}

static void take_watches(struct balance *balance)
{
	if (side() == EPX)
		balance->watches = count_watches();
}

void balance_take(struct balance *balance, bool files)
{
	memset(balance, 0, sizeof(*balance));
	take_objects(balance, files);
	take_watches(balance);
}

static bool objects_differ(const struct balance *before,
			   const struct balance *after, char *why,
			   unsigned long size)
{
	for (int i = 0; i < after->caches; i++)
		if (after->objects[i] > before->objects[i]) {
			snprintf(why, size, "%ld objects in %s, before %ld",
				 after->objects[i], after->name[i],
				 before->objects[i]);
			return true;
		}
	if (after->files > before->files + FILES_UNSEEN) {
		snprintf(why, size, "%ld open files, before %ld",
			 after->files, before->files);
		return true;
	}
	return false;
}

bool balance_returns(const struct balance *before, bool files, char *why,
		     unsigned long size)
{
	long long deadline = now_ns() + DEADLINE_NS * time_factor();
	struct balance after = {};

	for (;;) {
		take_objects(&after, files);
		if (!objects_differ(before, &after, why, size))
			break;
		if (now_ns() > deadline)
			return false;
		usleep(20000);	/* between looks, until the deadline */
	}
	for (;;) {
		take_watches(&after);
		if (after.watches == before->watches)
			return true;
		snprintf(why, size, "%ld watches charged, before %ld",
			 after.watches, before->watches);
		if (now_ns() > deadline)
			return false;
		usleep(20000);	/* between looks, until the deadline */
	}
}
