// SPDX-License-Identifier: MIT
/*
 * Creation, and the instance as a file: flags, what other calls say to it,
 * inheritance.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>

#include "helpers.h"
#include "testfiles.h"

static long err(long ret)
{
	return ret < 0 ? -errno : ret;
}

static void limit_fds(rlim_t limit)
{
	struct rlimit rlimit;

	ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &rlimit), 0);
	rlimit.rlim_cur = limit;
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &rlimit), 0);
}

TEST(create1_takes_cloexec_and_nothing_else, "1")
{
	static const int bad[] = {
		1, -1, O_NONBLOCK, EPOLL_CLOEXEC + 1,
		EPOLL_CLOEXEC | O_NONBLOCK,
	};
	int ep = ep_create1(0), cloexec = ep_create1(EPOLL_CLOEXEC);

	EXPECT_EQ(fcntl(ep, F_GETFD), 0);
	EXPECT_EQ(fcntl(cloexec, F_GETFD), FD_CLOEXEC);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_EQ(ep_create1(bad[i]), -EINVAL);
}

TEST(create_wants_a_positive_size, "2")
{
	EXPECT_EQ(ep_create(0), -EINVAL);
	EXPECT_EQ(ep_create(-1), -EINVAL);
	EXPECT_EQ(fcntl(ep_create(1), F_GETFD), 0);
	EXPECT_GE(ep_create(0x7fffffff), 0);
}

/* The library opens the device first, so a full table is seen before a flag. */
TEST(bad_flags_beat_a_full_table, "1 3")
{
	int top = ep_create1(0);

	close(top);
	limit_fds(top);
	OBSERVE("bad_flags", ep_create1(1));
	EXPECT_EQ(ep_create1(0), -EMFILE);
}

TEST(the_lowest_number_is_used, "3")
{
	int low = dup(0), ep;

	dup(0);
	close(low);
	ep = ep_create1(0);
	EXPECT_EQ(ep, low);
}

/* Making one takes two numbers for a moment. */
TEST(the_last_free_number_will_do, "3")
{
	int next = dup(0);

	close(next);
	limit_fds(next + 1);
	OBSERVE("with_one_free", ep_create1(0) >= 0);
	limit_fds(next + 1);
}

TEST(a_failed_create_leaks_nothing, "3")
{
	int before = count_fds(), top = dup(0);

	close(top);
	limit_fds(top);
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(ep_create1(0), -EMFILE);
	limit_fds(1024);
	EXPECT_EQ(count_fds(), before);
}

TEST(flags_are_those_of_an_anonymous_file, "4")
{
	int ep = ep_create1(0), fd = eventfd(0, 0), on = 1;
	struct epoll_event ev;

	EXPECT_EQ(fcntl(ep, F_GETFL), O_RDWR);
	EXPECT_EQ(fcntl(ep, F_SETFL, O_NONBLOCK | O_APPEND), 0);
	EXPECT_EQ(fcntl(ep, F_GETFL), O_RDWR | O_NONBLOCK | O_APPEND);
	EXPECT_EQ(ioctl(ep, FIONBIO, &on), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	/* Waits all the same. */
	EXPECT_EQ(ep_wait(ep, &ev, 1, 5), 0);
}

TEST(other_calls_say_what_epoll_says, "5")
{
	int ep = ep_create1(0), on = 1;
	char c = 0;

	OBSERVE("read", err(read(ep, &c, 1)));
	OBSERVE("write", err(write(ep, &c, 1)));
	OBSERVE("pread", err(pread(ep, &c, 1, 0)));
	OBSERVE("lseek", err(lseek(ep, 5, SEEK_SET)));
	OBSERVE("mmap", err((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, ep,
				       0)));
	OBSERVE("fsync", err(fsync(ep)));
	OBSERVE("ftruncate", err(ftruncate(ep, 0)));
	OBSERVE("fioasync", err(ioctl(ep, FIOASYNC, &on)));
	OBSERVE("fchmod", err(fchmod(ep, 0600)));
	OBSERVE("flock", err(flock(ep, LOCK_EX)));
	OBSERVE("async", err(fcntl(ep, F_SETFL, O_ASYNC)));
}

TEST(stat_is_that_of_an_anonymous_inode, "6")
{
	int ep = ep_create1(0);
	char path[64], name[64] = "";
	struct stat st;

	ASSERT_EQ(fstat(ep, &st), 0);
	OBSERVE("mode", st.st_mode);
	OBSERVE("size", st.st_size);
	OBSERVE("nlink", st.st_nlink);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ep);
	EXPECT_GT(readlink(path, name, sizeof(name) - 1), 0);
	OBSERVE("is_named_eventpoll", !strcmp(name, "anon_inode:[eventpoll]"));
	EXPECT_TRUE(!strcmp(name, side() == NATIVE ?
			    "anon_inode:[eventpoll]" : "anon_inode:[epollx]"));
}

TEST(it_cannot_be_reopened, "7")
{
	int ep = ep_create1(0);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", ep);
	EXPECT_EQ(err(open(path, O_RDWR)), -ENXIO);
}

TEST(an_unknown_ioctl_is_refused, "8 90")
{
	int ep = ep_create1(0), n;
	struct termios t;

	OBSERVE("tcgets", err(ioctl(ep, TCGETS, &t)));
	OBSERVE("fionread", err(ioctl(ep, FIONREAD, &n)));
	OBSERVE("random", err(ioctl(ep, 0x12345678, 0)));
	EXPECT_EQ(isatty(ep), 0);
}

TEST(a_child_shares_the_instance, "9")
{
	int ep = ep_create1(0), fd = eventfd(1, 0), status;
	struct epoll_event ev;
	pid_t pid = fork();

	if (!pid)
		_exit(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 77) != 0);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);
	ASSERT_EQ(ep_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(ev.data.u64, 77);
}

/* The helper: wait on an inherited instance, exit with the data seen. */
TEST(it_survives_exec, "9")
{
	int ep = ep_create1(0), p[2], status;
	pid_t pid;

	ASSERT_EQ(pipe(p), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 0), 0);
	pid = fork();
	if (!pid) {
		char number[16];

		/* cat sees a poll(2)-able descriptor: any program will do. */
		snprintf(number, sizeof(number), "%d", ep);
		execlp("python3", "python3", "-c",
		       "import select,sys\n"
		       "p=select.poll(); p.register(int(sys.argv[1]), 1)\n"
		       "sys.exit(0 if p.poll(60000) else 1)", number, NULL);
		_exit(99);
	}
	wait_until_sleeping_in(pid, pid);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(numbers_are_the_callers, "10")
{
	int ep = ep_create1(0), sync[2], done[2], status;
	struct epoll_event ev;
	char c;
	pid_t pid;

	ASSERT_EQ(pipe(sync), 0);
	ASSERT_EQ(pipe(done), 0);
	pid = fork();
	if (!pid) {
		int fd = dup2(eventfd(1, 0), 50);

		if (ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 5) ||
		    write(done[1], "x", 1) != 1)
			_exit(1);
		_exit(read(sync[0], &c, 1) != 1);
	}
	ASSERT_EQ(read(done[0], &c, 1), 1);
	ASSERT_EQ(ep_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(ev.data.u64, 5);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_DEL, 50, 0, 0), -EBADF);
	ASSERT_EQ(dup2(eventfd(0, 0), 50), 50);
	EXPECT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, 50, EPOLLIN, 0), -ENOENT);
	ASSERT_EQ(write(sync[1], "x", 1), 1);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	/* The child's last reference has gone, and the watch with it. */
	EXPECT_EQ(ep_wait(ep, &ev, 1, 0), 0);
}

TEST(it_travels_over_a_socket, "11")
{
	int ep = ep_create1(0), fd = eventfd(1, 0), sv[2], received;
	struct epoll_event ev;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 3), 0);
	ASSERT_EQ(send_fd(sv[0], ep), 1);
	close(ep);
	received = receive_fd(sv[1]);
	ASSERT_GE(received, 0);
	ASSERT_EQ(ep_wait(received, &ev, 1, 0), 1);
	EXPECT_EQ(ev.data.u64, 3);
}

static long open_files(void)
{
	FILE *file = fopen("/proc/sys/fs/file-nr", "r");
	long count = -1;

	ASSERT_EQ(fscanf(file, "%ld", &count), 1);
	fclose(file);
	return count;
}

/* The instance in flight over the socket that it watches: no cycle. */
TEST(in_flight_over_what_it_watches_is_no_leak, "11")
{
	long before = open_files();

	for (unsigned int i = 0; i < 1000 / time_factor(); i++) {
		int ep = ep_create1(0), sv[2];

		ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, sv[1], EPOLLIN, 0), 0);
		ASSERT_EQ(send_fd(sv[0], ep), 1);
		close(ep);
		close(sv[0]);
		close(sv[1]);
	}
	/* All three files of each round would remain. */
	EXPECT_LT(open_files() - before, 300 / (int)time_factor());
}

TEST(it_has_no_state_outside_its_descriptor, "12")
{
	int ep = ep_create1(0), fd = eventfd(1, 0), at = 200;
	struct epoll_event ev;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1), 0);
	ASSERT_EQ(dup3(ep, at, O_CLOEXEC), at);
	close(ep);
	EXPECT_EQ(ep_wait(ep, &ev, 1, 0), -EBADF);
	EXPECT_EQ(ep_wait(at, &ev, 1, 0), 1);
	ASSERT_EQ(syscall(SYS_close_range, at, at, 0), 0);
	EXPECT_EQ(ep_wait(at, &ev, 1, 0), -EBADF);
	/* The number again, another instance, nothing left of the first. */
	ASSERT_EQ(dup2(ep_create1(0), at), at);
	EXPECT_EQ(ep_wait(at, &ev, 1, 0), 0);
}

static void *wait_cancelled(void *arg)
{
	struct epoll_event ev;

	/* libc's call where there is one; on epollx, the library's. */
	if (side() == NATIVE)
		epoll_wait(*(int *)arg, &ev, 1, -1);
	else
		ep_wait(*(int *)arg, &ev, 1, -1);
	return (void *)1;
}

TEST(a_wait_is_a_cancellation_point_only_in_libc, "13")
{
	int ep = ep_create1(0), fd = eventfd(0, 0);
	pthread_t thread;
	void *result;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, wait_cancelled, &ep), 0);
	pthread_cancel(thread);
	eventfd_write(fd, 1);
	ASSERT_EQ(pthread_join(thread, &result), 0);
	OBSERVE("cancelled", result == PTHREAD_CANCELED);
}

TEST(both_word_sizes_use_the_same_event, "14")
{
	struct epoll_event ev[2];
	int ep = ep_create1(0), fd = eventfd(1, 0);

	EXPECT_EQ(sizeof(ev[0]), 12);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN,
			 0x123456789abcdef0ULL), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, dup(fd), EPOLLIN, 2), 0);
	ASSERT_EQ(ep_wait(ep, ev, 2, 0), 2);
	EXPECT_EQ(ev[0].data.u64, 0x123456789abcdef0ULL);
	EXPECT_EQ(ev[1].data.u64, 2);
}
