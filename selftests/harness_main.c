// SPDX-License-Identifier: MIT
/*
 * The half of the harness that runs the tests: a child for each test and
 * side, its reports, its end; then the comparison of the sides, and TAP.
 *
 * Options: --list, --side native|epollx|preload|both|all (both: the first two;
 * default all; more than native where there is no /dev/epollx is an error),
 * --filter TEXT (tests whose name contains it), --json FILE (a line for each
 * test and side is appended). --preload-child TEST is the harness's own
 * (harness_preload.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness_internal.h"
#include "helpers.h"
#include "preload_calls.h"

const char * const side_names[SIDES] = { "native", "epollx", "preload" };

static int tap_line, failures;
static FILE *json;

static void fail(struct outcome *outcome, const char *format, ...)
{
	va_list args;

	outcome->failed = true;
	if (outcome->text[0])
		return;
	va_start(args, format);
	vsnprintf(outcome->text, TEXT_SIZE, format, args);
	va_end(args);
}

static void take_report(struct outcome *outcome, char *line)
{
	char *rest = strchr(line, ' ');

	if (!rest)
		return;
	*rest++ = 0;
	if (!strcmp(line, "done")) {
		outcome->done = true;
	} else if (!strcmp(line, "observe")) {
		struct observation *seen = &outcome->seen[outcome->count];

		if (outcome->count < OBSERVATIONS &&
		    sscanf(rest, "%63s %lld", seen->what, &seen->value) == 2)
			outcome->count++;
		else
			fail(outcome, "observation %d is one too many, or unreadable: %s",
			     outcome->count + 1, rest);
	} else {
		if (!strcmp(line, "fail"))
			outcome->failed = true;
		else
			outcome->skipped = true;
		if (!outcome->text[0])
			snprintf(outcome->text, TEXT_SIZE, "%s", rest);
	}
}

/* Read reports until the child's end of the pipe closes. False: time is up. */
static bool read_reports(struct outcome *outcome, int fd, long long deadline)
{
	static char buffer[1 << 16];
	size_t used = 0;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		long long left = (deadline - now_ns()) / 1000000;
		char *line = buffer, *end;
		ssize_t got;

		if (left <= 0 || poll(&pfd, 1, left) <= 0)
			return false;
		got = read(fd, buffer + used, sizeof(buffer) - 1 - used);
		if (got <= 0)
			return true;
		used += got;
		buffer[used] = 0;
		while ((end = strchr(line, '\n'))) {
			*end = 0;
			take_report(outcome, line);
			if (outcome->done)
				return true;
			line = end + 1;
		}
		used -= line - buffer;
		memmove(buffer, line, used);
	}
}

/*
 * What a test opened goes with its processes, so afterwards the module counts
 * as many instances as before; those that were killed may need a moment.
 */
static void check_instances(struct outcome *outcome, long before)
{
	long long deadline = now_ns() + time_factor() * 5000000000LL;
	long now;

	while ((now = counter("instances")) > before && now_ns() < deadline)
		before_next_look();
	if (now > before)
		fail(outcome, "%ld instances are left behind", now - before);
}

static void run_on(struct test *test, enum side where,
		   struct outcome *outcome)
{
	unsigned int seconds = test->seconds * time_factor();
	long instances = counter("instances");
	const char *alarming;
	int fds[2], status;
	pid_t pid;

	memset(outcome, 0, sizeof(*outcome));
	outcome->ran = true;
	fflush(NULL);
	if (pipe2(fds, O_CLOEXEC)) {
		fail(outcome, "pipe: %s", strerror(errno));
		return;
	}
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Out of the way of the lowest numbers, which tests watch. */
		dup3(fds[1], REPORT_FD, O_CLOEXEC);
		close(fds[0]);
		close(fds[1]);
		if (where == PRELOAD && !(test->sides & ON_EPX))
			preload_exec(test);
		test_child(test, where, REPORT_FD);
	}
	setpgid(pid, pid);
	close(fds[1]);
	if (!read_reports(outcome, fds[0], now_ns() + seconds * 1000000000LL))
		fail(outcome, "no end after %u s", seconds);
	kill(-pid, SIGKILL);
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (!outcome->done && !outcome->failed && !outcome->skipped)
		fail(outcome, "ended early, wait status %#x", status);
	check_instances(outcome, instances);
	alarming = kernel_log_new();
	if (alarming)
		fail(outcome, "kernel log: %s", alarming);
}

static void print_json(struct test *test, enum side where,
		       struct outcome *outcome)
{
	const char *separator = "";

	if (!json)
		return;
	fprintf(json, "{\"test\":\"%s\",\"points\":[", test->name);
	for (const char *at = test->points; *at; ) {
		int length = strcspn(at, " ");

		fprintf(json, "%s\"%.*s\"", separator, length, at);
		separator = ",";
		at += length + strspn(at + length, " ");
	}
	fprintf(json, "],\"side\":\"%s\",\"outcome\":\"%s\",\"observed\":{",
		side_names[where], outcome->failed ? "fail" :
		outcome->skipped ? "skip" : "pass");
	for (int i = 0; i < outcome->count; i++)
		fprintf(json, "%s\"%s\":%lld", i ? "," : "",
			outcome->seen[i].what, outcome->seen[i].value);
	fprintf(json, "}}\n");
	fflush(json);
}

static void print_tap(struct test *test, const char *what,
		      struct outcome *outcome)
{
	printf("%sok %d %s [%s]%s%s\n", outcome->failed ? "not " : "",
	       ++tap_line, test->name, what,
	       outcome->skipped && !outcome->failed ? " # SKIP " : "",
	       outcome->skipped && !outcome->failed ? outcome->text : "");
	if (outcome->failed)
		printf("# %s\n", outcome->text);
	failures += outcome->failed;
	fflush(stdout);
}

static bool matches(const char *expected, long long value)
{
	return !strcmp(expected, "*") || strtoll(expected, NULL, 0) == value;
}

/* One observation on @where against native epoll's, and the table. */
static void compare_one(struct test *test, enum side where,
			const struct observation *native,
			const struct observation *other,
			struct outcome *verdict)
{
	const struct difference *known = difference_find(test->name,
							 native->what, where);
	const char *name = side_names[where];

	if (strcmp(native->what, other->what))
		fail(verdict, "%s on native epoll, %s on %s: the test took another way",
		     native->what, other->what, name);
	else if (!known && native->value != other->value)
		fail(verdict, "%s: native %lld, %s %lld, not a known difference",
		     native->what, native->value, name, other->value);
	else if (known && native->value == other->value)
		fail(verdict, "%s: known difference %s has gone, native and %s are %lld",
		     native->what, known->id, name, native->value);
	else if (known && !(matches(known->native, native->value) &&
			    matches(known->epollx, other->value)))
		fail(verdict, "%s: native %lld, %s %lld, but %s says %s and %s",
		     native->what, native->value, name, other->value,
		     known->id, known->native, known->epollx);
}

static void compare(struct test *test, enum side where,
		    struct outcome *native, struct outcome *other)
{
	struct outcome verdict = { .ran = true };
	const struct difference *unobserved;

	if (!native->ran || !other->ran || native->failed || other->failed ||
	    native->skipped || other->skipped)
		return;
	unobserved = difference_unobserved(test->name, native, where);
	if (unobserved)
		fail(&verdict, "known difference %s: nothing was observed as \"%s\"",
		     unobserved->id, unobserved->what);
	else if (!(native->count + other->count))
		return;
	if (native->count != other->count)
		fail(&verdict, "%d observations on native epoll, %d on %s",
		     native->count, other->count, side_names[where]);
	else
		for (int i = 0; i < native->count; i++)
			compare_one(test, where, &native->seen[i],
				    &other->seen[i], &verdict);
	print_tap(test, where == EPX ? "same" : "same preloaded", &verdict);
}

static void run(struct test *test, unsigned int sides)
{
	static struct outcome outcome[SIDES];

	memset(outcome, 0, sizeof(outcome));
	for (int where = 0; where < SIDES; where++) {
		if (!(test->sides & sides & (1U << where)))
			continue;
		run_on(test, where, &outcome[where]);
		print_tap(test, side_names[where], &outcome[where]);
		print_json(test, where, &outcome[where]);
	}
	for (int where = EPX; where < SIDES; where++)
		compare(test, where, &outcome[NATIVE], &outcome[where]);
}

static unsigned int parse_sides(const char *text)
{
	if (!strcmp(text, "both"))
		return ON_BOTH;
	if (!strcmp(text, "all"))
		return ON_ALL;
	for (int where = 0; where < SIDES; where++)
		if (!strcmp(text, side_names[where]))
			return 1U << where;
	fprintf(stderr, "--side takes native, epollx, preload, both or all, not %s\n", text);
	exit(2);
}

static void load_differences(void)
{
	char path[4096];

	source_path(path, sizeof(path), "selftests/differences.tsv");
	differences_load(path);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "side", required_argument, NULL, 's' },
		{ "filter", required_argument, NULL, 'f' },
		{ "json", required_argument, NULL, 'j' },
		{ "preload-child", required_argument, NULL, 'p' },
		{ },
	};
	unsigned int sides = ON_ALL;
	const char *filter = "";
	bool list = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'l')
			list = true;
		else if (option == 's')
			sides = parse_sides(optarg);
		else if (option == 'f')
			filter = optarg;
		else if (option == 'j')
			json = fopen(optarg, "ae");
		else if (option == 'p')
			preload_child(optarg);
		else
			return 2;
	}
	if (!list && (sides & ~ON_NATIVE) && access("/dev/epollx", F_OK)) {
		fprintf(stderr, "%s: no /dev/epollx: load the module, or --side native\n",
			argv[0]);
		return 2;
	}
	load_differences();
	kernel_log_new();
	if (sides & ON_PRELOAD)
		preload_calls();
	for (struct test *test = test_first(); test; test = test->next) {
		if (!strstr(test->name, filter))
			continue;
		if (list)
			printf("%s\t%s\n", test->name, test->points);
		else
			run(test, sides);
	}
	if (!list)
		printf("1..%d\n", tap_line);
	return failures ? 1 : 0;
}
