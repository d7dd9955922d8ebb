// SPDX-License-Identifier: MIT
/*
 * The end of a watched file, and of an instance: a watch ends with the last
 * reference on its file and keeps nothing alive until then.
 *
 *	fd 5 --.
 *	        >-- file <-- watch (file, 5)		close(5) alone ends
 *	fd 6 --'					nothing; close(6) does
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"

static int add(int ep, int fd, uint64_t data)
{
	return ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, data);
}

TEST(watch_lives_as_long_as_a_duplicate, "68")
{
	int ep = new_ep(), fd = eventfd(1, EFD_NONBLOCK), copy = dup(fd);
	struct epoll_event ev[2];

	ASSERT_EQ(add(ep, fd, 11), 0);
	close(fd);
	EXPECT_EQ(ep_wait(ep, ev, 2, 0), 1);
	EXPECT_EQ(ev[0].data.u64, 11);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), -EBADF);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, copy, 0, 0), -ENOENT);
	close(copy);
	EXPECT_EQ(ep_wait(ep, ev, 2, 0), 0);
	EXPECT_EQ(watches_of(ep), 0);
	close_owned();
}

TEST(watch_can_be_removed_once_the_number_is_its_files_again, "68")
{
	int ep = new_ep(), fd = eventfd(1, EFD_NONBLOCK), copy = dup(fd);

	ASSERT_EQ(add(ep, fd, 11), 0);
	close(fd);
	ASSERT_EQ(dup2(copy, fd), fd);
	EXPECT_EQ(add(ep, fd, 12), -EEXIST);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	EXPECT_EQ(watches_of(ep), 0);
	close(fd);
	close(copy);
	close_owned();
}

TEST(watch_lives_as_long_as_a_childs_copy, "68 75")
{
	int ep = new_ep(), fd = eventfd(1, EFD_NONBLOCK), gate[2];
	struct epoll_event ev;
	char byte;
	pid_t pid;

	new_pipe(gate);
	fcntl(gate[0], F_SETFL, 0);
	ASSERT_EQ(add(ep, fd, 11), 0);
	pid = fork();
	if (!pid) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1));
	}
	close(fd);
	EXPECT_EQ(ep_wait(ep, &ev, 1, 0), 1);
	ASSERT_EQ(write(gate[1], "x", 1), 1);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	EXPECT_EQ(ep_wait(ep, &ev, 1, 0), 0);
	EXPECT_EQ(watches_of(ep), 0);
	close_owned();
}

TEST(exec_ends_what_is_marked_close_on_exec, "75")
{
	int ep = new_ep(), go[2];
	int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	pid_t pid;

	new_pipe(go);
	fcntl(go[0], F_SETFL, 0);
	ASSERT_EQ(add(ep, fd, 11), 0);
	pid = fork();
	if (!pid) {
		/* The child's copy goes at the exec, cat ends at our close. */
		dup2(go[0], 0);
		close(go[1]);
		execl("/bin/cat", "cat", NULL);
		_exit(127);
	}
	close(fd);
	/* Only the exec ends the watch: the child goes on living. */
	while (watches_of(ep))
		sched_yield();
	EXPECT_EQ(waitpid(pid, NULL, WNOHANG), 0);
	EXPECT_EQ(ready_now(ep), 0);
	close(go[1]);
	waitpid(pid, NULL, 0);
}

TEST(number_can_be_added_again_beside_its_old_file, "69")
{
	int ep = new_ep(), fd = eventfd(1, EFD_NONBLOCK), copy = dup(fd);
	struct epoll_event ev[3];
	int second;

	ASSERT_EQ(add(ep, fd, 1), 0);
	close(fd);
	second = eventfd(1, EFD_NONBLOCK);
	ASSERT_EQ(second, fd);
	EXPECT_EQ(add(ep, second, 2), 0);
	EXPECT_EQ(ep_wait(ep, ev, 3, 0), 2);
	EXPECT_EQ(ev[0].data.u64 + ev[1].data.u64, 3);
	close(copy);
	EXPECT_EQ(ep_wait(ep, ev, 3, 0), 1);
	EXPECT_EQ(ev[0].data.u64, 2);
	close(second);
	close_owned();
}

TEST(number_is_free_at_once_after_the_last_close, "69 70")
{
	int ep = new_ep(), fd = eventfd(1, EFD_NONBLOCK), wanted = fd;
	int failed = 0;

	for (int i = 0; i < 1000; i++) {
		if (add(ep, fd, i))
			failed++;
		close(fd);
		fd = eventfd(1, EFD_NONBLOCK);
		ASSERT_EQ(fd, wanted);
	}
	EXPECT_EQ(failed, 0);
	EXPECT_EQ(ready_now(ep), 0);
	EXPECT_EQ(watches_of(ep), 0);
	close(fd);
	close_owned();
}

struct reader {
	int fd;
	atomic_int tid;
	int result;
};

static void *read_one(void *arg)
{
	struct reader *reader = arg;
	char byte;

	atomic_store(&reader->tid, gettid());
	reader->result = read(reader->fd, &byte, 1);
	return NULL;
}

/* A blocked read holds the file: close() alone does not end the watch. */
TEST(blocked_read_puts_the_end_off, "70")
{
	int ep = new_ep(), s[2];
	struct reader reader = {};
	pthread_t thread;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	ASSERT_EQ(add(ep, s[0], 1), 0);
	reader.fd = s[0];
	ASSERT_EQ(pthread_create(&thread, NULL, read_one, &reader), 0);
	wait_until_thread_sleeps(&reader.tid);
	close(s[0]);
	EXPECT_EQ(watches_of(ep), 1);
	ASSERT_EQ(write(s[1], "x", 1), 1);
	pthread_join(thread, NULL);
	EXPECT_EQ(reader.result, 1);
	EXPECT_EQ(watches_of(ep), 0);
	close(s[1]);
	close_owned();
}

TEST(peer_of_a_watched_socket_sees_the_close_at_once, "71")
{
	int ep = new_ep(), s[2];
	char byte;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	ASSERT_EQ(add(ep, s[0], 1), 0);
	close(s[0]);
	fcntl(s[1], F_SETFL, O_NONBLOCK);
	EXPECT_EQ(read(s[1], &byte, 1), 0);
	close(s[1]);
	close_owned();
}

TEST(peer_of_a_watched_tcp_socket_sees_the_close, "71")
{
	int ep = new_ep(), s[2];
	char byte;

	new_tcp_pair(s);
	ASSERT_EQ(add(ep, s[0], 1), 0);
	close(s[0]);
	ASSERT_TRUE(becomes_ready(s[1], POLLIN));
	EXPECT_EQ(read(s[1], &byte, 1), 0);
	close_owned();
}

TEST(watched_pipe_without_readers_gives_epipe, "71")
{
	int ep = new_ep(), p[2];

	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(pipe(p), 0);
	ASSERT_EQ(add(ep, p[0], 1), 0);
	close(p[0]);
	EXPECT_EQ(write(p[1], "x", 1), -1);
	EXPECT_EQ(errno, EPIPE);
	close(p[1]);
	close_owned();
}

TEST(flock_of_a_watched_fifo_goes_with_it, "71")
{
	char path[64];
	int ep = new_ep(), fd, other;

	snprintf(path, sizeof(path), "/tmp/epx-flock-%d", getpid());
	ASSERT_EQ(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_NONBLOCK);
	other = open(path, O_RDWR | O_NONBLOCK);
	unlink(path);
	ASSERT_EQ(flock(fd, LOCK_EX), 0);
	ASSERT_EQ(add(ep, fd, 1), 0);
	EXPECT_EQ(flock(other, LOCK_EX | LOCK_NB), -1);
	close(fd);
	EXPECT_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
	close(other);
	close_owned();
}

TEST(close_of_a_watched_file_wakes_nobody, "72")
{
	int ep = new_ep(), fd = eventfd(0, EFD_NONBLOCK);
	int other = new_eventfd(0);
	struct sleeper sleeper;

	ASSERT_EQ(add(ep, fd, 1), 0);
	ASSERT_EQ(add(ep, other, 2), 0);
	sleeper_start(&sleeper, ep, 4, -1);
	close(fd);
	EXPECT_EQ(watches_of(ep), 1);
	wait_until_sleeping(sleeper.tid);
	/* What wakes it is the other file, and that alone is reported. */
	ASSERT_EQ(eventfd_write(other, 1), 0);
	EXPECT_EQ(sleeper_join(&sleeper), 1);
	EXPECT_EQ(sleeper.events[0].data.u64, 2);
	close_owned();
}

TEST(ready_file_that_is_closed_is_not_reported, "72")
{
	int ep = new_ep(), fd = eventfd(1, EFD_NONBLOCK);

	ASSERT_EQ(add(ep, fd, 1), 0);
	EXPECT_EQ(ready_now(ep), 1);
	close(fd);
	EXPECT_EQ(ready_now(ep), 0);
	close_owned();
}

TEST(waiter_outlives_the_close_of_its_instance, "73")
{
	int ep = ep_create1(0), fd = new_eventfd(0);
	struct sleeper sleeper;

	ASSERT_EQ(add(ep, fd, 3), 0);
	sleeper_start(&sleeper, ep, 1, -1);
	close(ep);
	wait_until_sleeping(sleeper.tid);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(sleeper_join(&sleeper), 1);
	EXPECT_EQ(sleeper.events[0].data.u64, 3);
	close_owned();
}

TEST(watched_file_is_as_before_after_the_instance, "74")
{
	int ep = ep_create1(0), fd = new_eventfd(0), second = new_ep();
	eventfd_t value;

	ASSERT_EQ(add(ep, fd, 1), 0);
	close(ep);
	ASSERT_EQ(eventfd_write(fd, 5), 0);
	EXPECT_EQ(add(second, fd, 2), 0);
	EXPECT_EQ(ready_now(second), 1);
	EXPECT_EQ(eventfd_read(fd, &value), 0);
	EXPECT_EQ(value, 5);
	close_owned();
}

TEST(closed_inner_instance_leaves_the_outer_silently, "74")
{
	int outer = new_ep(), inner = ep_create1(0), fd = new_eventfd(1);

	ASSERT_EQ(add(inner, fd, 1), 0);
	ASSERT_EQ(add(outer, inner, 2), 0);
	EXPECT_EQ(ready_now(outer), 1);
	close(inner);
	EXPECT_EQ(ready_now(outer), 0);
	EXPECT_EQ(watches_of(outer), 0);
	close_owned();
}

static int passing_socket[2];

/*
 * The file's last reference is in the queue of a socket, and goes with it in
 * the kernel's collector, or with the last close of the socket.
 */
TEST(file_in_flight_ends_with_the_queue, "68 75")
{
	int ep = new_ep(), fd = eventfd(1, EFD_NONBLOCK);
	char space[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, passing_socket), 0);
	ASSERT_EQ(add(ep, fd, 1), 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	ASSERT_EQ(sendmsg(passing_socket[0], &message, 0), 1);
	close(fd);
	EXPECT_EQ(ready_now(ep), 1);
	close(passing_socket[0]);
	close(passing_socket[1]);
	while (watches_of(ep))
		sched_yield();
	EXPECT_EQ(ready_now(ep), 0);
	close_owned();
}

/* The wait queue of a signalfd is that of the process which added it. */
TEST(signalfd_outlives_who_added_it, "75")
{
	int ep = new_ep(), fd, status;
	struct epoll_event ev;
	sigset_t mask;
	pid_t pid;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fd = own(signalfd(-1, &mask, SFD_NONBLOCK));
	pid = fork();
	if (!pid)
		_exit(add(ep, fd, 1) ? 1 : 0);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);
	ASSERT_EQ(ep_wait(ep, &ev, 1, 0), 0);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 2), 0);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	EXPECT_EQ(watches_of(ep), 0);
	close_owned();
}
