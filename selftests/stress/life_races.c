// SPDX-License-Identifier: MIT
/*
 * Lives that end at odd moments: numbers and memory of files used again, wait
 * queues that go with a control group, instances that travel in the queue of
 * the socket that they watch.
 *
 *	left				right
 *	close, open, ADD at one number	wait(0), often
 *	DEL or close(FIFO, two queues)	write to the FIFO
 *	DEL or close(pressure file)	rmdir(its cgroup)
 *	close(all)			close(all), instance in flight
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

#define RESIDENTS	16
#define RESIDENT	UINT64_MAX

/* How many events are not the residents', and the data of the last. */
static int count_others(struct duel *duel, uint64_t *data)
{
	struct epoll_event ev[RESIDENTS + 2];
	int n = ep_wait(duel->fd[0], ev, RESIDENTS + 2, 0), others = 0;

	for (int i = 0; i < n; i++) {
		if (ev[i].data.u64 == RESIDENT)
			continue;
		*data = ev[i].data.u64;
		others++;
	}
	MUST(n - others, RESIDENTS);
	return others;
}

static void scan(struct duel *duel)
{
	uint64_t data;

	do
		count_others(duel, &data);
	while (!atomic_load(&duel->left_over));
}

/* One event, of the file that is open now. */
static void only_the_new_one(struct duel *duel)
{
	uint64_t data = RESIDENT;

	MUST(count_others(duel, &data), 1);
	MUST(data, duel->value[0]);
}

RACE(file_and_number_are_used_again, "met close_in_scan")
{
	struct duel duel = {
		.left = reopen, .right = scan, .check = only_the_new_one,
	};

	duel.fd[0] = instance_with_residents(RESIDENTS, RESIDENT);
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

RACE(two_queues_beside_wake, "met")
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

RACE(pressure_file_beside_rmdir, "met")
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

RACE_FULL(instance_in_the_queue_that_it_watches, "met fput_hits", true)
{
	struct duel duel = {
		.prepare = prepare_flight, .left = close_one_end,
		.right = close_other_end,
	};

	duel_run(&duel, rounds);
}
