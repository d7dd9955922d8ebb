// SPDX-License-Identifier: MIT
/*
 * What debugfs epollx/instances and epollx/watches show against what is there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "views.h"

#define WAIT_NS		10000000000LL

TEST_ON(EPX, instances_are_shown_from_creation_to_close, "")
{
	struct instance instance;
	unsigned long long id;
	long count;
	int ep, copy;

	need_views();
	count = counter("instances");
	ep = new_numbered_ep(&id);
	EXPECT_EQ(counter("instances"), count + 1);
	ASSERT_TRUE(find_instance(id, &instance));
	EXPECT_EQ(instance.user, getuid());
	EXPECT_EQ(instance.watches, 0);
	EXPECT_EQ(instance.dead, 0);
	EXPECT_EQ(instance.ready, 0);
	EXPECT_EQ(instance.incoming, 0);
	EXPECT_EQ(instance.graveyard, 0);
	EXPECT_EQ(strcmp(instance.sleepers, "no"), 0);
	EXPECT_EQ(strcmp(instance.pollers, "no"), 0);
	copy = dup(ep);
	close(ep);
	EXPECT_TRUE(find_instance(id, &instance));
	close(copy);
	EXPECT_FALSE(find_instance(id, &instance));
	EXPECT_EQ(counter("instances"), count);
	close_owned();
}

TEST_ON(EPX, an_instance_s_line_counts_its_watches, "")
{
	struct instance instance;
	unsigned long long id;
	int ep, fds[4];

	need_views();
	ep = new_numbered_ep(&id);
	for (int i = 0; i < 4; i++) {
		/* Two of four are ready. */
		fds[i] = new_eventfd(i & 1);
		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fds[i], EPOLLIN, 0), 0);
	}
	ASSERT_TRUE(find_instance(id, &instance));
	EXPECT_EQ(instance.watches, 4);
	EXPECT_EQ(instance.dead, 0);
	EXPECT_EQ(instance.ready + instance.incoming, 2);
	/* A scan takes them from the one list and puts them on the other. */
	EXPECT_EQ(ready_now(ep), 2);
	ASSERT_TRUE(find_instance(id, &instance));
	EXPECT_EQ(instance.ready, 2);
	EXPECT_EQ(instance.incoming, 0);
	/* A wake-up is on the lock-free list until somebody collects. */
	ASSERT_EQ(eventfd_write(fds[0], 1), 0);
	ASSERT_TRUE(find_instance(id, &instance));
	EXPECT_EQ(instance.ready, 2);
	EXPECT_EQ(instance.incoming, 1);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fds[0], 0, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fds[1], 0, 0), 0);
	ASSERT_TRUE(find_instance(id, &instance));
	EXPECT_EQ(instance.watches, 2);
	EXPECT_EQ(instance.ready + instance.incoming, 1);
	close_owned();
}

static void *poll_main(void *arg)
{
	struct sleeper *poller = arg;
	struct pollfd pfd = { .fd = poller->ep, .events = POLLIN };

	atomic_store(&poller->tid, syscall(SYS_gettid));
	poller->result = poll(&pfd, 1, -1);
	return NULL;
}

TEST_ON(EPX, who_waits_and_who_polls_is_told_apart, "")
{
	struct sleeper sleeper, poller = {};
	struct instance instance;
	unsigned long long id;
	int ep, fd = new_eventfd(0);

	need_views();
	ep = new_numbered_ep(&id);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	sleeper_start(&sleeper, ep, 1, -1);
	ASSERT_TRUE(find_instance(id, &instance));
	EXPECT_EQ(strcmp(instance.sleepers, "yes"), 0);
	EXPECT_EQ(strcmp(instance.pollers, "no"), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(sleeper_join(&sleeper), 1);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLET, 0), 0);
	EXPECT_EQ(ready_now(ep), 1);

	poller.ep = ep;
	ASSERT_EQ(pthread_create(&poller.thread, NULL, poll_main, &poller), 0);
	wait_until_thread_sleeps(&poller.tid);
	ASSERT_TRUE(find_instance(id, &instance));
	EXPECT_EQ(strcmp(instance.sleepers, "no"), 0);
	EXPECT_EQ(strcmp(instance.pollers, "yes"), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 0), 0);
	EXPECT_EQ(sleeper_join(&poller), 1);
	close_owned();
}

TEST_ON(EPX, the_user_is_who_created_the_instance, "")
{
	struct instance instance;
	unsigned long long id;
	int status;
	pid_t pid;

	need_views();
	new_numbered_ep(&id);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		/* The real one, with the rights to read debugfs kept. */
		if (setresuid(54331, 0, 0) || ep_create1(0) < 0 ||
		    !newest_instance(&instance))
			_exit(1);
		_exit(instance.id > id && instance.user == 54331 ? 0 : 2);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	close_owned();
}

TEST_ON(EPX, watches_are_shown_with_mask_and_state, "")
{
	struct watch watches[WATCHES_MOST], w, other;
	int ep, fd = new_eventfd(0), oneshot = new_eventfd(0), copy, fifo;
	unsigned long long id;
	char path[64];

	need_views();
	snprintf(path, sizeof(path), "/tmp/epx-debugfs-%d", getpid());
	ASSERT_EQ(mkfifo(path, 0600), 0);
	fifo = own(open(path, O_RDWR | O_NONBLOCK));
	ASSERT_EQ(unlink(path), 0);
	copy = own(dup(fd));
	ep = new_numbered_ep(&id);
	EXPECT_EQ(find_watches(id, watches), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, copy, EPOLLOUT, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fifo, EPOLLIN, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, oneshot, EPOLLIN | EPOLLONESHOT, 0), 0);
	EXPECT_EQ(find_watches(id, watches), 4);

	w = watch_of(id, fd);
	EXPECT_EQ(w.events, EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLET);
	EXPECT_EQ(w.queued, 0);
	EXPECT_EQ(w.dead, 0);
	EXPECT_EQ(w.hooks, 1);
	/* One file under two numbers: two watches of it. */
	other = watch_of(id, copy);
	EXPECT_EQ(other.events, EPOLLOUT | EPOLLERR | EPOLLHUP);
	EXPECT_EQ(other.queued, 1);
	EXPECT_EQ(strcmp(w.file, other.file), 0);
	EXPECT_NE(strcmp(w.address, other.address), 0);
	/* Another file, with two wait queues. */
	other = watch_of(id, fifo);
	EXPECT_EQ(other.hooks, 2);
	EXPECT_NE(strcmp(w.file, other.file), 0);

	ASSERT_EQ(eventfd_write(fd, 1), 0);
	ASSERT_EQ(eventfd_write(oneshot, 1), 0);
	EXPECT_EQ(watch_of(id, fd).queued, 1);
	EXPECT_EQ(ready_now(ep), 3);
	EXPECT_EQ(watch_of(id, fd).queued, 0);
	EXPECT_EQ(watch_of(id, oneshot).events, EPOLLONESHOT);
	EXPECT_EQ(strcmp(watch_of(id, fd).address, w.address), 0);

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, copy, 0, 0), 0);
	EXPECT_EQ(find_watches(id, watches), 3);
	close_owned();
}

/* Until it is buried, by a worker, a closed file's watch is seen dead. */
TEST_ON(EPX, a_closed_file_s_watch_is_dead_or_gone, "")
{
	long long deadline = now_ns() + WAIT_NS;
	struct watch watches[WATCHES_MOST];
	struct instance instance;
	unsigned long long id;
	int ep, fd = new_eventfd(0), count;

	need_views();
	ep = new_numbered_ep(&id);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	close(fd);
	do {
		count = find_watches(id, watches);
		if (count)
			EXPECT_TRUE(watches[0].dead && !watches[0].hooks);
		ASSERT_LT(now_ns(), deadline);
	} while (count);
	ASSERT_TRUE(find_instance(id, &instance));
	EXPECT_EQ(instance.watches, 0);
	EXPECT_EQ(instance.graveyard, 0);
	close_owned();
}

#define INSTANCES	300

/* Reads on from @file; the number of instances above @first, in order. */
static int count_above(FILE *file, unsigned long long *first)
{
	struct instance instance;
	char line[256];
	int count = 0;

	while (fgets(line, sizeof(line), file)) {
		parse_instance(line, &instance);
		if (instance.id <= *first)
			continue;
		EXPECT_EQ(instance.id, *first + 1);
		*first = instance.id;
		count++;
	}
	return count;
}

/* The list of INSTANCES and those before @first, in short reads. */
static FILE *open_long_list(unsigned long long *first, char *buffer,
			    size_t size)
{
	FILE *file;

	need_views();
	new_numbered_ep(first);
	for (int i = 0; i < INSTANCES; i++)
		new_ep();
	file = open_view("instances");
	setvbuf(file, buffer, _IOFBF, size);
	return file;
}

/* Many short reads, each of which goes on where the last one stopped. */
TEST_ON(EPX, a_long_list_is_read_piece_by_piece, "")
{
	unsigned long long first, next;
	char buffer[128];
	FILE *file;

	file = open_long_list(&first, buffer, sizeof(buffer));
	next = first;
	EXPECT_EQ(count_above(file, &next), INSTANCES);
	fclose(file);
	close_owned();
}

/* The reader stands at an instance that is closed, and all after it too. */
TEST_ON(EPX, a_reader_outlives_the_instances_it_reads_of, "")
{
	struct instance instance;
	unsigned long long first, next;
	char buffer[128], line[256];
	FILE *file;

	file = open_long_list(&first, buffer, sizeof(buffer));
	do {
		ASSERT_TRUE(fgets(line, sizeof(line), file));
		parse_instance(line, &instance);
	} while (instance.id <= first + INSTANCES / 3);
	close_owned();
	next = instance.id;
	/* What the kernel had formatted already may still come. */
	EXPECT_LT(count_above(file, &next), INSTANCES / 2);
	fclose(file);
	EXPECT_FALSE(find_instance(first, &instance));
}
