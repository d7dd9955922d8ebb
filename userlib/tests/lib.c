// SPDX-License-Identifier: MIT
/*
 * The harness of the library's tests: see lib.h.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib.h"

/* For one that takes less than one alone, and ten on a slow, busy machine. */
#define SECONDS		120
#define SKIPPED		77

static const char *const known[] = { "scripted", "epoll", "ioctl", "ring" };
#define NR_KNOWN	(sizeof(known) / sizeof(known[0]))

static struct lib_test *first, **last = &first;
static const char *current;
static bool failed;

void lib_test_register(struct lib_test *test)
{
	*last = test;
	last = &test->next;
}

const char *test_backend(void)
{
	return current;
}

bool on_scripted(void)
{
	return !strcmp(current, "scripted");
}

void test_fail(const char *file, int line, const char *format, ...)
{
	const char *base = strrchr(file, '/');
	va_list args;

	failed = true;
	printf("# %s:%d: ", base ? base + 1 : file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

void test_abort(void)
{
	_exit(1);
}

void test_skip(const char *format, ...)
{
	va_list args;

	printf("# skipped: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(SKIPPED);
}

struct epx_exec *test_exec_seeded(uint64_t seed)
{
	struct epx_options options = { .backend = current, .seed = seed };
	struct epx_exec *exec;

	ASSERT_EQ(epx_exec_new(&exec, &options), 0);
	return exec;
}

struct epx_exec *test_exec(void)
{
	return test_exec_seeded(0);
}

int64_t run_for(struct epx_exec *exec, int64_t ns, struct epx_future *future)
{
	struct epx_timeout timeout;

	return epx_block_on(exec, epx_timeout(&timeout, future, ns));
}

void before_next_look(unsigned int *looks)
{
	if ((*looks)++ < 16)
		sched_yield();
	else
		nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
}

void stream_pair(int fds[2])
{
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
			     SOCK_CLOEXEC, 0, fds), 0);
}

void tcp_pair(int fds[2])
{
	int listener = epx_listen_tcp("127.0.0.1", 0, 1, 0);
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);

	ASSERT_GE(listener, 0);
	ASSERT_EQ(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(connect(fds[1], (struct sockaddr *)&at, len), 0);
	fds[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ASSERT_GE(fds[0], 0);
	close(listener);
}

static void echo_close(struct echo *me)
{
	epx_io_close(&me->io);
}

EPX_ASYNC(echo, echo_close)
{
	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_recv(&me->op, &me->io, me->buf, sizeof(me->buf)));
		if (!EPX_RES)
			EPX_RETURN(0);
		EPX_TRY(epx_send_all(&me->op, &me->io, me->buf, EPX_RES));
	}
	EPX_END;
}

struct epx_future *echo_on(struct echo *place, struct epx_exec *exec, int fd)
{
	epx_io_init(exec, &place->io, fd);
	return EPX_INIT(place, echo);
}

int open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int n = 0;

	ASSERT_TRUE(directory);
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

static void run_in_child(const struct lib_test *test)
{
	int before;

	alarm(SECONDS);
	before = open_descriptors();
	test->run();
	EXPECT_EQ(open_descriptors(), before);
	/* Not _exit(): a sanitizer looks for leaks there. */
	exit(failed);
}

/* 0: passed; 1: failed; 2: skipped */
static int run_one(const struct lib_test *test, int number)
{
	const char *verdict;
	int status, outcome;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child)
		run_in_child(test);
	if (child < 0 || waitpid(child, &status, 0) != child)
		status = -1;
	if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	outcome = status == 0 ? 0 :
		  WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED ? 2 : 1;
	verdict = outcome == 1 ? "not ok" : "ok";
	printf("%s %d %s [%s]%s\n", verdict, number, test->name, current,
	       outcome == 2 ? " # SKIP" : "");
	return outcome;
}

static bool is_here(const char *backend)
{
	struct epx_options options = { .backend = backend };
	struct epx_exec *exec;

	if (epx_exec_new(&exec, &options))
		return false;
	epx_exec_free(exec);
	return true;
}

static bool is_wanted(const char *backend, const char *list)
{
	size_t len = strlen(backend);
	const char *found = list;

	if (!list)
		return is_here(backend);
	while ((found = strstr(found, backend))) {
		if (found[len] == ',' || !found[len])
			return true;
		found += len;
	}
	return false;
}

/* Each in its turn, on one backend. Returns how many have failed. */
static int run_all(unsigned int b, const char *filter, int starve, int *n)
{
	unsigned int where = b ? ON_KERNEL : ON_SCRIPTED;
	struct lib_test *test;
	int bad = 0;

	current = known[b];
	for (test = first; test; test = test->next) {
		if (!(test->where & where) ||
		    (filter && strcmp(filter, test->name)))
			continue;
		bad += starve ? starve_test(test, ++*n, starve) :
				run_one(test, ++*n) == 1;
	}
	return bad;
}

int main(int argc, char **argv)
{
	const char *filter = NULL, *list = NULL;
	int n = 0, bad = 0, starve = 0, i;
	unsigned int b;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--filter"))
			filter = argv[i + 1];
		else if (!strcmp(argv[i], "--backend"))
			list = argv[i + 1];
		else if (!strcmp(argv[i], "--starve"))
			starve = atoi(argv[i + 1]);
	}
	if (starve)
		list = "scripted";
	/* Each test says which backend it runs on. */
	unsetenv("EPOLLX_BACKEND");
	for (b = 0; b < NR_KNOWN; b++)
		if (is_wanted(known[b], list))
			bad += run_all(b, filter, starve, &n);
	printf("1..%d\n", n);
	return bad ? 1 : 0;
}
