// SPDX-License-Identifier: MIT
/*
 * Allocations that fail: see lib.h.
 *
 * All tests are linked with --wrap for malloc, calloc and realloc, so the calls
 * of the library and of the tests come here; those of the C library do not.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "lib.h"

#define SECONDS		3
/* Exit statuses of a child; any other one is a test's own. */
#define HAS_FAILED	0
#define IS_TO_COME	2

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* The one that fails, counted from 1; 0: none. */
static _Atomic int countdown;

void starve_at(int nth)
{
	countdown = nth;
}

bool starve_is_to_come(void)
{
	return countdown;
}

static bool fails(void)
{
	return countdown && !--countdown;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

static void starve_child(const struct lib_test *test, int nth)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	/* What it expects does not hold; that is no news. */
	dup2(null, STDOUT_FILENO);
	signal(SIGPIPE, SIG_IGN);
	alarm(SECONDS);
	starve_at(nth);
	test->run();
	_exit(starve_is_to_come() ? IS_TO_COME : HAS_FAILED);
}

/* The status of a child of which the nth allocation fails. */
static int starve_once(const struct lib_test *test, int nth)
{
	int status = -1;
	pid_t child = fork();

	if (!child)
		starve_child(test, nth);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return status;
}

int starve_test(const struct lib_test *test, int number, int most)
{
	int nth, status = 0, bad = 0, hung = 0;

	fflush(stdout);
	for (nth = 1; nth <= most && !bad; nth++) {
		status = starve_once(test, nth);
		if (WIFEXITED(status) && WEXITSTATUS(status) == IS_TO_COME)
			break;
		/* It waits for what its own task would have done. */
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
			hung++;
		else
			bad = !WIFEXITED(status);
	}
	printf("%s %d %s [starved]\n", bad ? "not ok" : "ok", number,
	       test->name);
	if (bad)
		printf("# killed by signal %d where allocation %d fails\n",
		       WTERMSIG(status), nth - 1);
	else
		printf("# %d allocations failed, %d of them hung\n", nth - 1, hung);
	return bad;
}
