// SPDX-License-Identifier: MIT
/*
 * close, dup and the life of a watch: it ends with the open file description
 * and holds nothing back.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "helpers.h"

static int add(int ep, int fd, uint64_t data)
{
	return ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, data);
}

/* What one wait that does not sleep delivers, or its data if it is one. */
static int ready_now(int ep)
{
	struct epoll_event ev[8];

	return ep_wait(ep, ev, 8, 0);
}

static int count_watches(int ep)
{
	char path[64], line[256];
	int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
	file = fopen(path, "r");
	ASSERT_TRUE(file);
	while (fgets(line, sizeof(line), file))
		count += !strncmp(line, "tfd:", 4);
	fclose(file);
	return count;
}

TEST(a_watch_lives_as_long_as_the_open_file, "68")
{
	int ep = ep_create1(0), fd = eventfd(1, 0), twin = dup(fd);

	ASSERT_EQ(add(ep, fd, 1), 0);
	close(fd);
	EXPECT_EQ(ready_now(ep), 1);
	/* By its number it cannot be removed any more. */
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), -EBADF);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, twin, 0, 0), -ENOENT);
	/* Unless the number is the same file's again. */
	ASSERT_EQ(dup2(twin, fd), fd);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	EXPECT_EQ(ready_now(ep), 0);
}

TEST(the_last_close_ends_it, "68 70")
{
	int ep = ep_create1(0), fd = eventfd(1, 0), twin = dup(fd);

	ASSERT_EQ(add(ep, fd, 1), 0);
	close(fd);
	EXPECT_EQ(count_watches(ep), 1);
	close(twin);
	EXPECT_EQ(count_watches(ep), 0);
	EXPECT_EQ(ready_now(ep), 0);
}

TEST(a_childs_copy_keeps_it_alive, "68 75")
{
	int ep = ep_create1(0), fd = eventfd(1, 0), p[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(pipe(p), 0);
	ASSERT_EQ(add(ep, fd, 1), 0);
	pid = fork();
	if (!pid) {
		close(p[1]);
		_exit(read(p[0], &c, 1) < 0);
	}
	close(fd);
	EXPECT_EQ(ready_now(ep), 1);
	close(p[1]);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(ready_now(ep), 0);
	EXPECT_EQ(count_watches(ep), 0);
}

TEST(a_reused_number_is_another_watch, "69")
{
	int ep = ep_create1(0), fd = eventfd(1, 0), twin = dup(fd);
	struct epoll_event ev[4];

	ASSERT_EQ(add(ep, fd, 1), 0);
	ASSERT_EQ(dup2(eventfd(1, 0), fd), fd);
	ASSERT_EQ(add(ep, fd, 2), 0);
	ASSERT_EQ(ep_wait(ep, ev, 4, 0), 2);
	EXPECT_EQ(ev[0].data.u64, 1);
	EXPECT_EQ(ev[1].data.u64, 2);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	close(twin);
	EXPECT_EQ(ready_now(ep), 0);
}

TEST(a_reused_number_and_file_never_exist_already, "69")
{
	int ep = ep_create1(0), number = 300;

	for (int i = 0; i < 5000; i++) {
		int fd = eventfd(1, 0);

		ASSERT_EQ(dup2(fd, number), number);
		close(fd);
		ASSERT_EQ(add(ep, number, i), 0);
		/* Queued in half of the rounds. */
		if (i % 2)
			ASSERT_EQ(ready_now(ep), 1);
		close(number);
	}
	EXPECT_EQ(ready_now(ep), 0);
	EXPECT_EQ(count_watches(ep), 0);
}

TEST(a_watched_sockets_peer_sees_the_end, "71")
{
	int ep = ep_create1(0), sv[2];
	char c;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	ASSERT_EQ(add(ep, sv[0], 1), 0);
	close(sv[0]);
	ASSERT_EQ(fcntl(sv[1], F_SETFL, O_NONBLOCK), 0);
	EXPECT_EQ(read(sv[1], &c, 1), 0);
}

TEST(a_watched_tcp_sockets_peer_sees_the_end, "71")
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), ep = ep_create1(0);
	int client = socket(AF_INET, SOCK_STREAM, 0), served;
	socklen_t size = sizeof(addr);
	struct pollfd pfd;
	char c;

	ASSERT_EQ(bind(listener, (void *)&addr, size), 0);
	ASSERT_EQ(listen(listener, 1), 0);
	ASSERT_EQ(getsockname(listener, (void *)&addr, &size), 0);
	ASSERT_EQ(connect(client, (void *)&addr, size), 0);
	served = accept(listener, NULL, NULL);
	ASSERT_EQ(add(ep, served, 1), 0);
	close(served);
	pfd = (struct pollfd){ .fd = client, .events = POLLIN };
	ASSERT_EQ(poll(&pfd, 1, 10000), 1);
	EXPECT_EQ(read(client, &c, 1), 0);
}

TEST(a_watched_pipes_writer_gets_epipe, "71")
{
	int ep = ep_create1(0), p[2];

	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(pipe(p), 0);
	ASSERT_EQ(add(ep, p[0], 1), 0);
	close(p[0]);
	EXPECT_EQ(write(p[1], "x", 1), -1);
	EXPECT_EQ(errno, EPIPE);
}

TEST(a_watched_files_lock_goes, "71")
{
	char path[] = "/tmp/epx-lock-XXXXXX";
	int plain = mkstemp(path), ep = ep_create1(0), fifo, other;

	ASSERT_GE(plain, 0);
	unlink(path);
	ASSERT_EQ(mkfifo(path, 0600), 0);
	fifo = open(path, O_RDWR);
	other = open(path, O_RDWR);
	unlink(path);
	ASSERT_EQ(add(ep, fifo, 1), 0);
	ASSERT_EQ(flock(fifo, LOCK_EX), 0);
	EXPECT_EQ(flock(other, LOCK_EX | LOCK_NB), -1);
	close(fifo);
	EXPECT_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
}

TEST(a_close_wakes_nobody, "72")
{
	int ep = ep_create1(0), fd = eventfd(0, 0), other = eventfd(0, 0);
	struct sleeper sleeper;

	ASSERT_EQ(add(ep, fd, 1), 0);
	ASSERT_EQ(add(ep, other, 2), 0);
	sleeper_start(&sleeper, ep, 4, -1);
	close(fd);
	wait_until_sleeping(sleeper.tid);
	eventfd_write(other, 1);
	ASSERT_EQ(sleeper_join(&sleeper), 1);
	EXPECT_EQ(sleeper.events[0].data.u64, 2);
}

TEST(a_waiter_outlives_the_close_of_its_instance, "73")
{
	int ep = ep_create1(0), fd = eventfd(0, 0);
	struct sleeper sleeper;

	ASSERT_EQ(add(ep, fd, 5), 0);
	sleeper_start(&sleeper, ep, 4, -1);
	close(ep);
	wait_until_sleeping(sleeper.tid);
	eventfd_write(fd, 1);
	ASSERT_EQ(sleeper_join(&sleeper), 1);
	EXPECT_EQ(sleeper.events[0].data.u64, 5);
}

TEST(closing_an_instance_leaves_the_files_alone, "74")
{
	int ep = ep_create1(0), other = ep_create1(0), fd = eventfd(1, 0);
	eventfd_t value;

	ASSERT_EQ(add(ep, fd, 1), 0);
	ASSERT_EQ(add(other, fd, 2), 0);
	close(ep);
	EXPECT_EQ(ready_now(other), 1);
	EXPECT_EQ(eventfd_read(fd, &value), 0);
}

TEST(closing_an_inner_instance_is_silent, "74")
{
	int outer = ep_create1(0), inner = ep_create1(0), fd = eventfd(1, 0);

	ASSERT_EQ(add(inner, fd, 1), 0);
	ASSERT_EQ(add(outer, inner, 2), 0);
	EXPECT_EQ(ready_now(outer), 1);
	close(inner);
	EXPECT_EQ(ready_now(outer), 0);
	EXPECT_EQ(count_watches(outer), 0);
}

TEST(exit_and_exec_close_as_close_does, "75")
{
	int ep = ep_create1(0), status;
	pid_t pid;

	for (int exec = 0; exec < 2; exec++) {
		pid = fork();
		if (!pid) {
			int fd = eventfd(1, EFD_CLOEXEC);

			if (add(ep, fd, 1))
				_exit(1);
			if (exec)
				execlp("true", "true", NULL);
			_exit(0);
		}
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		ASSERT_EQ(status, 0);
		EXPECT_EQ(ready_now(ep), 0);
		EXPECT_EQ(count_watches(ep), 0);
	}
}

/* The files go while the message that carries them is thrown away. */
TEST(a_file_closed_in_flight_ends_its_watch, "75")
{
	int ep = ep_create1(0), fd = eventfd(1, 0), sv[2];
	char control[CMSG_SPACE(sizeof(int))] = "", c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	ASSERT_EQ(add(ep, fd, 1), 0);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	ASSERT_EQ(sendmsg(sv[0], &msg, 0), 1);
	close(fd);
	EXPECT_EQ(ready_now(ep), 1);
	close(sv[0]);
	close(sv[1]);
	EXPECT_EQ(ready_now(ep), 0);
}

/*
 * A signalfd's wait queue is its process's: when that exits, the queue goes,
 * and the file that a child inherited stays, deaf to new signals.
 */
TEST(a_wait_queue_may_go_before_its_file, "31 32")
{
	int p[2], go[2], status;
	sigset_t set;
	pid_t pid;
	char c = 1;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	ASSERT_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	ASSERT_EQ(pipe(p), 0);
	ASSERT_EQ(pipe(go), 0);
	pid = fork();
	if (!pid) {
		int ep = ep_create1(0), sfd = signalfd(-1, &set, 0);
		char data;

		if (add(ep, sfd, 1))
			_exit(1);
		if (fork())
			_exit(0);
		/* Our parent is gone when the test says so. */
		if (read(go[0], &data, 1) != 1)
			_exit(1);
		raise(SIGUSR2);
		data = ep_ctl(ep, EPOLL_CTL_MOD, sfd, EPOLLIN, 3) == 0 &&
		       ready_now(ep) == 1 &&
		       ep_ctl(ep, EPOLL_CTL_DEL, sfd, 0, 0) == 0;
		_exit(write(p[1], &data, 1) != 1);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);
	ASSERT_EQ(write(go[1], &c, 1), 1);
	ASSERT_EQ(read(p[0], &c, 1), 1);
	EXPECT_EQ(c, 1);
}
