// SPDX-License-Identifier: MIT
/*
 * Programs that call libc's epoll functions: natively, and with the preload
 * library, which knows nothing of any descriptor. What a descriptor is, is
 * asked of /proc, so that a test cannot pass on the wrong kind.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "helpers.h"
#include "testfiles.h"

#define BAD_FD		987

/* What a program that is executed by a test finds in its environment. */
#define TASK		"EPX_TEST_TASK"

static const char *name_of_instances(void)
{
	return side() == NATIVE ? "anon_inode:[eventpoll]" :
				  "anon_inode:[epollx]";
}

static bool is_named(int fd, const char *want)
{
	char path[64], name[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, name, sizeof(name) - 1) > 0 &&
	       !strcmp(name, want);
}

static bool is_instance(int fd)
{
	return is_named(fd, name_of_instances());
}

static int make(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_TRUE(is_instance(ep));
	return ep;
}

static int add(int ep, int fd, uint64_t data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = data };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
}

/* The data of the one event that is ready; -1 if there is none. */
static long long look(int ep)
{
	struct epoll_event ev[2];

	return epoll_wait(ep, ev, 2, 0) == 1 ? (long long)ev[0].data.u64 : -1;
}

/* 0 if @pid ended well. */
static int end_of(pid_t pid)
{
	int status;

	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

TEST_LIBC(both_ways_to_make_an_instance_are_the_librarys, "1 2 4")
{
	int fds[] = { epoll_create(1), epoll_create1(0),
		      epoll_create1(EPOLL_CLOEXEC) };

	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(is_instance(fds[i]));
		EXPECT_EQ(fcntl(fds[i], F_GETFD), i == 2 ? FD_CLOEXEC : 0);
		EXPECT_EQ(fcntl(fds[i], F_GETFL), O_RDWR);
	}
	EXPECT_EQ(epoll_create(0), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(epoll_create1(~0), -1);
	EXPECT_EQ(errno, EINVAL);
}

TEST_LIBC(a_forked_child_shares_instances_and_makes_its_own, "9 10 12")
{
	int ep = make(), fd = eventfd(1, 0);
	pid_t pid = fork();

	if (!pid) {
		int own_ep = make();

		_exit(add(ep, fd, 77) || add(own_ep, fd, 78) ||
		      look(own_ep) != 78);
	}
	EXPECT_EQ(end_of(pid), 0);
	EXPECT_EQ(look(ep), 77);
}

TEST_LIBC(a_vforked_child_does_as_well, "12")
{
	int ep = make(), fd = eventfd(1, 0);
	pid_t pid = vfork();

	if (!pid) {
		int twin = dup2(ep, 300);

		_exit(add(twin, fd, 5) || look(300) != 5);
	}
	EXPECT_EQ(end_of(pid), 0);
	EXPECT_EQ(look(ep), 5);
	EXPECT_EQ(look(300), -1);
}

/* The task of the executed program: before main(), before the harness. */
__attribute__((constructor)) static void run_task(void)
{
	const char *task = getenv(TASK);
	char name[64];
	int inherited, fd;

	if (!task || sscanf(task, "%d %63s", &inherited, name) != 2)
		return;
	fd = eventfd(1, 0);
	_exit(look(inherited) != 6 || look(fd) != -1 || errno != EINVAL ||
	      add(inherited, fd, 7) || look(inherited) != -1 ||
	      !is_named(inherited, name) || !is_named(epoll_create1(0), name));
}

/* exec: the library is loaded anew, the instance and its watches are there. */
TEST_LIBC(an_executed_program_goes_on_with_what_it_inherits, "9 12")
{
	int ep = make(), fd = eventfd(1, 0);
	char task[64];
	pid_t pid;

	ASSERT_EQ(add(ep, fd, 6), 0);
	snprintf(task, sizeof(task), "%d %s", ep, name_of_instances());
	pid = fork();
	if (!pid) {
		fcntl(ep, F_SETFD, 0);
		setenv(TASK, task, 1);
		execl("/proc/self/exe", "task", NULL);
		_exit(99);
	}
	EXPECT_EQ(end_of(pid), 0);
}

/* One number, one after the other: instance, pipe, native epoll, nothing. */
TEST_LIBC(a_number_is_what_it_is_now, "12 45")
{
	int at = dup2(make(), 200), fd = eventfd(1, 0), p[2];
	struct epoll_event ev;

	ASSERT_EQ(add(at, fd, 1), 0);
	EXPECT_EQ(look(at), 1);
	ASSERT_EQ(pipe(p), 0);
	ASSERT_EQ(dup2(p[0], at), at);
	EXPECT_EQ(epoll_wait(at, &ev, 1, 0), -1);
	EXPECT_EQ(errno, EINVAL);
	ASSERT_EQ(dup2(syscall(SYS_epoll_create1, 0), at), at);
	ASSERT_EQ(add(at, fd, 2), 0);
	EXPECT_EQ(look(at), 2);
	ASSERT_EQ(close_range(at, at, 0), 0);
	EXPECT_EQ(epoll_wait(at, &ev, 1, 0), -1);
	EXPECT_EQ(errno, EBADF);
	ASSERT_EQ(dup2(make(), at), at);
	EXPECT_EQ(look(at), -1);
	ASSERT_EQ(add(at, fd, 3), 0);
	EXPECT_EQ(look(at), 3);
}

TEST_LIBC(an_instance_can_be_received_over_a_socket, "11 12")
{
	int ep = make(), fd = eventfd(1, 0), sv[2];
	pid_t pid;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	pid = fork();
	if (!pid) {
		int received;

		close_range(3, sv[1] - 1, 0);
		received = receive_fd(sv[1]);
		_exit(!is_instance(received) || look(received) != 8);
	}
	ASSERT_EQ(add(ep, fd, 8), 0);
	ASSERT_EQ(send_fd(sv[0], ep), 1);
	EXPECT_EQ(end_of(pid), 0);
}

/* All that epoll_ctl and the waits say of files that are no instance. */
TEST_LIBC(errors_of_other_files_come_in_epolls_order, "15 17 45")
{
	int regular = memfd_create("regular", 0), fd = eventfd(0, 0), p[2];
	int native = syscall(SYS_epoll_create1, 0);
	struct epoll_event good = { .events = EPOLLIN };
	struct epoll_event *events[] = { NULL, &good };
	struct timespec late = { 0, 1000000000 };
	int eps[] = { BAD_FD, -1, 0, 0, 0, 0, 0 }, fds[4];
	char what[32];

	ASSERT_EQ(pipe(p), 0);
	eps[2] = regular;
	eps[3] = p[0];
	eps[4] = open("/", O_PATH);
	eps[5] = native;
	eps[6] = make();
	fds[0] = BAD_FD;
	fds[1] = regular;
	fds[2] = fd;
	fds[3] = p[1];
	for (int i = 0; i < 7; i++) {
		unsigned long long word = 0;

		for (int e = 0; e < 2; e++)
			for (int f = 0; f < 4; f++) {
				errno = 0;
				epoll_ctl(eps[i], EPOLL_CTL_MOD, fds[f],
					  events[e]);
				word = word << 8 | errno;
			}
		snprintf(what, sizeof(what), "ctl%d", i);
		OBSERVE(what, word);
		word = 0;
		for (int max = -1; max < 2; max++) {
			errno = 0;
			epoll_wait(eps[i], &good, max, 0);
			word = word << 8 | errno;
			errno = 0;
			epoll_pwait(eps[i], (void *)-4096L, max, 0, NULL);
			word = word << 8 | errno;
			errno = 0;
			epoll_pwait2(eps[i], &good, max, &late, NULL);
			word = word << 8 | errno;
		}
		snprintf(what, sizeof(what), "wait%d", i);
		OBSERVE(what, word);
	}
}

/* Both kinds of kernel: ENOTTY of 6.1's native epoll, EINVAL of 6.12's. */
TEST_LIBC(an_inherited_native_epoll_works, "12")
{
	int native = syscall(SYS_epoll_create1, 0), fd = eventfd(1, 0);
	struct timespec now = { 0, 0 };
	struct epoll_event ev;
	sigset_t none;

	sigemptyset(&none);
	ASSERT_EQ(add(native, fd, 9), 0);
	EXPECT_EQ(add(native, fd, 9), -1);
	EXPECT_EQ(errno, EEXIST);
	errno = 0;
	EXPECT_EQ(epoll_wait(native, &ev, 1, -1), 1);
	EXPECT_EQ(ev.data.u64, 9);
	EXPECT_EQ(epoll_pwait(native, &ev, 1, -1, &none), 1);
	EXPECT_EQ(epoll_pwait2(native, &ev, 1, &now, &none), 1);
	EXPECT_EQ(epoll_ctl(native, EPOLL_CTL_DEL, fd, NULL), 0);
	EXPECT_EQ(epoll_wait(native, &ev, 1, 0), 0);
	EXPECT_EQ(errno, 0);
	/* A native epoll may watch an instance. */
	ASSERT_EQ(add(native, make(), 10), 0);
}

TEST_LIBC(success_leaves_errno_alone, "12")
{
	int ep, fd = eventfd(1, 0);
	struct timespec now = { 0, 0 };
	struct epoll_event ev = { .events = EPOLLIN };

	errno = 4711;
	ep = epoll_create(1);
	EXPECT_EQ(errno, 4711);
	EXPECT_GE(epoll_create1(0), 0);
	EXPECT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	EXPECT_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(epoll_pwait(ep, &ev, 1, 0, NULL), 1);
	EXPECT_EQ(epoll_pwait2(ep, &ev, 1, &now, NULL), 1);
	EXPECT_EQ(errno, 4711);
}

static int signal_ep, signal_fd, signal_rounds;

/* Everything that the functions can do, in the middle of anything. */
static void handler(int sig)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = sig };
	int saved = errno, ep = epoll_create1(0);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, signal_fd, &ev) ||
	    epoll_wait(ep, &ev, 1, 0) != 1 || (int)ev.data.u64 != sig ||
	    epoll_ctl(signal_ep, EPOLL_CTL_MOD, signal_fd, &ev) ||
	    epoll_wait(signal_ep, &ev, 1, 0) != 1)
		signal_rounds = -1000000;
	close(ep);
	signal_rounds++;
	errno = saved;
}

TEST_LIBC(a_signal_handler_may_call_all_of_it, "12 51")
{
	struct itimerval timer = { { 0, 500 }, { 0, 500 } };
	struct sigaction action = { .sa_handler = handler };
	int quiet = eventfd(0, 0);
	struct epoll_event ev;

	signal_ep = make();
	signal_fd = eventfd(1, 0);
	ASSERT_EQ(add(signal_ep, signal_fd, 0), 0);
	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
	ASSERT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	while (signal_rounds >= 0 && signal_rounds < 200) {
		int ep = make(), n;

		ASSERT_EQ(add(ep, quiet, 1), 0);
		errno = 4711;
		n = epoll_wait(ep, &ev, 1, 1);
		if (n < 0)
			EXPECT_EQ(errno, EINTR);
		else
			EXPECT_EQ(errno, 4711);
		EXPECT_EQ(epoll_ctl(ep, EPOLL_CTL_DEL, quiet, NULL), 0);
		close(ep);
	}
	memset(&timer, 0, sizeof(timer));
	setitimer(ITIMER_REAL, &timer, NULL);
	EXPECT_GE(signal_rounds, 200);
}

static int flicker_stop;

/* A number that comes and goes. */
static void *flicker(void *arg)
{
	int *fds = arg;

	while (!__atomic_load_n(&flicker_stop, __ATOMIC_RELAXED)) {
		dup2(fds[0], fds[1]);
		close(fds[1]);
	}
	return NULL;
}

/*
 * Of a number that another thread opens and closes nobody can say more than
 * that it is there or not: never that the instance is none.
 */
TEST_LIBC(a_number_that_comes_and_goes_is_there_or_not, "15 45")
{
	int ep = make(), target[2] = { eventfd(0, 0), 200 };
	int instance[2] = { ep, 201 };
	unsigned int bad = 0, seen = 0;
	struct epoll_event ev = { .events = EPOLLIN };
	pthread_t thread[2];

	ASSERT_EQ(pthread_create(&thread[0], NULL, flicker, target), 0);
	ASSERT_EQ(pthread_create(&thread[1], NULL, flicker, instance), 0);
	for (unsigned int i = 0; i < 20000 / time_factor(); i++) {
		if (epoll_ctl(ep, EPOLL_CTL_ADD, target[1], &ev)) {
			seen++;
			bad += errno != EBADF && errno != EEXIST;
		}
		if (epoll_wait(instance[1], &ev, 1, 0) < 0) {
			seen++;
			bad += errno != EBADF;
		}
	}
	__atomic_store_n(&flicker_stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(bad, 0);
	EXPECT_GT(seen, 0);
}
