// SPDX-License-Identifier: MIT
/*
 * Lives that end at odd moments: numbers and memory of files used again, wait
 * queues that go before the file, waiters that are killed, instances that
 * travel in the queue of the socket that they watch.
 *
 *	left				right
 *	close, open, ADD at one number	wait(0)
 *	DEL or close(FIFO, two queues)	write to the FIFO
 *	wait, DEL, MOD or close		exit of who added a signalfd
 *	kill(waiters)			write
 *	DEL or close(pressure file)	rmdir(its cgroup)
 *	close(all)			close(all), instance in flight
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

/* value[0]: the generation, in the data of its watch */
static void reopen(struct duel *duel)
{
	int fd;

	close(duel->fd[1]);
	fd = MUST_FD(eventfd(1, EFD_NONBLOCK));
	MUST(fd, duel->fd[1]);
	MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, fd, EPOLLIN, ++duel->value[0]),
	     0);
}

static void scan(struct duel *duel)
{
	struct epoll_event ev[2];
	int n = ep_wait(duel->fd[0], ev, 2, 0);

	if (n < 0 || n > 2)
		race_fail("wait gave %d", n);
}

/* One event, of the file that is open now. */
static void only_the_new_one(struct duel *duel)
{
	struct epoll_event ev[2];

	MUST(ep_wait(duel->fd[0], ev, 2, 0), 1);
	MUST(ev[0].data.u64, duel->value[0]);
}

static void nothing_to_prepare(struct duel *duel)
{
	(void)duel;
}

RACE(file_and_number_are_used_again, "fput_hits bury")
{
	struct duel duel = {
		.prepare = nothing_to_prepare, .left = reopen, .right = scan,
		.check = only_the_new_one,
	};

	duel.fd[0] = MUST_FD(ep_create1(0));
	duel.fd[1] = MUST_FD(eventfd(1, EFD_NONBLOCK));
	MUST(ep_ctl(duel.fd[0], EPOLL_CTL_ADD, duel.fd[1], EPOLLIN, 0), 0);
	duel_run(&duel, rounds);
}

static char fifo_path[64];

static void prepare_fifo(struct duel *duel)
{
	duel->fd[1] = MUST_FD(open(fifo_path, O_RDWR | O_NONBLOCK));
	MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[1],
		    EPOLLIN | EPOLLOUT | EPOLLET, 1), 0);
	duel->value[0] = random_next() & 1;
}

static void delete_or_close(struct duel *duel)
{
	if (duel->value[0])
		MUST(ep_ctl(duel->fd[0], EPOLL_CTL_DEL, duel->fd[1], 0, 0), 0);
	else
		close(duel->fd[1]);
}

/* Wakes the readers' queue, then the writers'. */
static void fill_and_empty(struct duel *duel)
{
	char byte = 0;

	MUST(write(duel->fd[2], &byte, 1), 1);
	MUST(read(duel->fd[2], &byte, 1), 1);
}

static void no_event_left(struct duel *duel)
{
	struct epoll_event ev;

	MUST(ep_wait(duel->fd[0], &ev, 1, 0), 0);
	if (duel->value[0])
		close(duel->fd[1]);
}

RACE(two_queues_beside_wake, "")
{
	struct duel duel = {
		.prepare = prepare_fifo, .left = delete_or_close,
		.right = fill_and_empty, .check = no_event_left,
	};

	snprintf(fifo_path, sizeof(fifo_path), "/tmp/epx-fifo-%d", getpid());
	MUST(mkfifo(fifo_path, 0600), 0);
	duel.fd[2] = MUST_FD(open(fifo_path, O_RDWR | O_NONBLOCK));
	unlink(fifo_path);
	/* Once it has no name, through the one who has it open. */
	snprintf(fifo_path, sizeof(fifo_path), "/proc/self/fd/%d", duel.fd[2]);
	duel.fd[0] = MUST_FD(ep_create1(0));
	duel_run(&duel, rounds);
}

/* In memory shared with the process that adds. */
static struct {
	atomic_long count;
} *added;

/* The watch hangs on this process's signal queue, which goes with it. */
static void add_and_exit(int ep, int fd, int copies)
{
	for (int i = 0; i < copies; i++) {
		int copy = dup(fd);

		MUST(ep_ctl(ep, EPOLL_CTL_ADD, copy, EPOLLIN, i), 0);
	}
	atomic_store(&added->count, 1);
	random_delay();
	_exit(0);
}

static void meet_exit(int ep, int fd, long how)
{
	struct epoll_event ev[4];
	int err;

	random_delay();
	if (how == 0) {
		err = ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0);
		if (err && err != -ENOENT)
			race_fail("DEL gave %d", err);
	} else if (how == 1) {
		close(fd);
	} else if (how == 2) {
		if (ep_wait(ep, ev, 4, 0) < 0)
			race_fail("wait failed");
	} else {
		close(ep);
	}
}

RACE(signal_queue_goes_before_the_file, "pollfree")
{
	sigset_t mask;

	added = mmap(NULL, sizeof(*added), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(added == MAP_FAILED, false);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	for (long round = 0; race_goes_on(round, rounds); round++) {
		int ep = MUST_FD(ep_create1(0));
		int fd = MUST_FD(signalfd(-1, &mask, SFD_NONBLOCK));
		long how = random_next() % 4;
		pid_t pid;

		atomic_store(&added->count, 0);
		pid = MUST_FD(fork());
		if (!pid)
			add_and_exit(ep, fd, 3);
		await(&added->count, 1);
		meet_exit(ep, fd, how);
		MUST(waitpid(pid, NULL, 0), pid);
		if (how != 1)
			close(fd);
		if (how != 3)
			close(ep);
		race_round();
	}
}

#define VICTIMS	200
#define WAKES	16

static int victims_ep;
static atomic_long *asleep;

static void *be_victim(void *arg)
{
	struct epoll_event ev;

	(void)arg;
	atomic_fetch_add(asleep, 1);
	ep_wait(victims_ep, &ev, 1, -1);
	return NULL;
}

static void be_victims(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < VICTIMS; i++)
		MUST(pthread_create(&thread, &attr, be_victim, NULL), 0);
	for (;;)
		pause();
}

/* Each write wakes one more; the kill comes before the one numbered @when. */
static void wake_and_kill(const int *fd, pid_t pid, unsigned int when)
{
	for (unsigned int i = 0; i <= WAKES; i++) {
		if (i == when)
			MUST(kill(pid, SIGKILL), 0);
		if (i < WAKES)
			MUST(eventfd_write(fd[i], 1), 0);
	}
}

/*
 * A survivor sleeps behind all of them. One that is woken and killed at once
 * must hand on, or the survivor sleeps for ever: one round never ends.
 */
RACE(waiters_are_killed_beside_a_wake, "killed_rewake|timeout_woken")
{
	asleep = mmap(NULL, sizeof(*asleep), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(asleep == MAP_FAILED, false);
	for (long round = 0; race_goes_on(round, rounds); round++) {
		struct sleeper survivor;
		int fd[WAKES];
		pid_t pid;

		victims_ep = MUST_FD(ep_create1(0));
		for (int i = 0; i < WAKES; i++) {
			fd[i] = MUST_FD(eventfd(0, EFD_NONBLOCK));
			MUST(ep_ctl(victims_ep, EPOLL_CTL_ADD, fd[i], EPOLLIN,
				    i), 0);
		}
		sleeper_start(&survivor, victims_ep, 1, -1);
		atomic_store(asleep, 0);
		pid = MUST_FD(fork());
		if (!pid)
			be_victims();
		await(asleep, VICTIMS);
		wake_and_kill(fd, pid, random_next() % (WAKES + 1));
		MUST(waitpid(pid, NULL, 0), pid);
		MUST(sleeper_join(&survivor), 1);
		for (int i = 0; i < WAKES; i++)
			close(fd[i]);
		close(victims_ep);
		race_round();
	}
}

static char group_path[64];

static void prepare_pressure(struct duel *duel)
{
	static const char trigger[] = "some 500000 1000000";
	char path[96];

	MUST(mkdir(group_path, 0755), 0);
	snprintf(path, sizeof(path), "%s/cpu.pressure", group_path);
	duel->fd[1] = MUST_FD(open(path, O_RDWR | O_NONBLOCK));
	MUST(write(duel->fd[1], trigger, sizeof(trigger)), sizeof(trigger));
	MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[1], EPOLLPRI, 1), 0);
	duel->value[0] = random_next() & 1;
}

static void remove_group(struct duel *duel)
{
	(void)duel;
	MUST(rmdir(group_path), 0);
}

static void close_what_is_left(struct duel *duel)
{
	if (duel->value[0])
		close(duel->fd[1]);
	no_event_left(&(struct duel){ .fd = { duel->fd[0] } });
}

RACE(pressure_file_beside_rmdir, "")
{
	struct duel duel = {
		.prepare = prepare_pressure, .left = delete_or_close,
		.right = remove_group, .check = close_what_is_left,
	};
	char path[96];

	snprintf(group_path, sizeof(group_path), "/sys/fs/cgroup/epx-%d",
		 getpid());
	if (mkdir(group_path, 0755))
		race_skip("no writable cgroup2 at /sys/fs/cgroup");
	snprintf(path, sizeof(path), "%s/cpu.pressure", group_path);
	if (access(path, F_OK)) {
		rmdir(group_path);
		race_skip("the kernel has no pressure files");
	}
	rmdir(group_path);
	duel.fd[0] = MUST_FD(ep_create1(0));
	duel_run(&duel, rounds);
}

/* Puts @fd into the queue of the other end of @s. */
static void send_file(int s, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {};
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	MUST(sendmsg(s, &message, 0), 1);
}

/* fd[0] the instance, fd[1] and fd[2] the sockets */
static void prepare_flight(struct duel *duel)
{
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, &duel->fd[1]), 0);
	duel->fd[0] = MUST_FD(ep_create1(0));
	for (int i = 1; i <= 2; i++)
		MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[i], EPOLLIN,
			    i), 0);
	send_file(duel->fd[1], duel->fd[0]);
	/* And every other time a loop that only the collector undoes. */
	if (random_next() & 1)
		send_file(duel->fd[1], duel->fd[2]);
}

static void close_one_end(struct duel *duel)
{
	close(duel->fd[1]);
	close(duel->fd[0]);
}

static void close_other_end(struct duel *duel)
{
	close(duel->fd[2]);
}

RACE_FULL(instance_in_the_queue_that_it_watches, "fput_hits", true)
{
	struct duel duel = {
		.prepare = prepare_flight, .left = close_one_end,
		.right = close_other_end,
	};

	duel_run(&duel, rounds);
}
