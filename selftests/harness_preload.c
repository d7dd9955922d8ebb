// SPDX-License-Identifier: MIT
/*
 * The preload side of tests that call libc's functions: the test's child
 * executes the program again with the library in front of libc, so that the
 * dynamic linker binds the test's calls as it binds any program's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "harness_internal.h"
#include "preload_calls.h"

/* In the child, in place of the test. */
void preload_exec(struct test *test)
{
	char path[4096];

	preload_path(path, sizeof(path));
	setenv("LD_PRELOAD", path, 1);
	/* The new program reports there, too. */
	fcntl(REPORT_FD, F_SETFD, 0);
	execl("/proc/self/exe", test->name, "--preload-child", test->name,
	      NULL);
	_exit(2);
}

/* That the linker took the library is not assumed. */
static bool is_preloaded(void)
{
	char path[64], name[64] = "";
	int ep = epoll_create1(0);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", ep);
	if (readlink(path, name, sizeof(name) - 1) < 0)
		return false;
	close(ep);
	return !strcmp(name, "anon_inode:[epollx]");
}

/* The child, executed again. */
void preload_child(const char *name)
{
	struct test *test = test_first();

	while (test && strcmp(test->name, name))
		test = test->next;
	fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC);
	if (!test || !is_preloaded()) {
		dprintf(REPORT_FD, "fail libc's epoll is not on epollx\n");
		_exit(1);
	}
	test_child(test, PRELOAD, REPORT_FD);
}
