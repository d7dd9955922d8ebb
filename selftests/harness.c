// SPDX-License-Identifier: MIT
/*
 * The half of the harness that runs in a test's child: the list of tests, and
 * the reports to the parent. A report is one write(2) to a pipe, so that
 * threads and signal handlers of a test may fail, too.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness_internal.h"
#include "helpers.h"

static struct test *first_test, **last_test = &first_test;
static enum side current_side;
static int report_fd = -1;

void test_register(struct test *test)
{
	*last_test = test;
	last_test = &test->next;
}

struct test *test_first(void)
{
	return first_test;
}

enum side side(void)
{
	return current_side;
}

/* By how much a debug kernel or a slow machine may stretch times. */
unsigned int time_factor(void)
{
	const char *kernel = getenv("EPX_KERNEL");

	return kernel && !strncmp(kernel, "debug", 5) ? 10 : 1;
}

static void report(const char *kind, const char *format, va_list args)
{
	char line[TEXT_SIZE];
	int n = snprintf(line, sizeof(line), "%s ", kind);

	n += vsnprintf(line + n, sizeof(line) - n, format, args);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[n++] = '\n';
	if (write(report_fd, line, n) != n)
		_exit(3);
}

static void report_line(const char *kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(kind, format, args);
	va_end(args);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	char text[TEXT_SIZE - 128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report_line("fail", "%s:%d: %s", file, line, text);
}

void test_abort(void)
{
	_exit(1);
}

void test_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report("skip", format, args);
	va_end(args);
	_exit(0);
}

void test_observe(const char *what, long long value)
{
	report_line("observe", "%s %lld", what, value);
}

void test_child(struct test *test, enum side where, int fd)
{
	current_side = where;
	report_fd = fd;
	test->run();
	report_line("done", "%s", "");
	_exit(0);
}
