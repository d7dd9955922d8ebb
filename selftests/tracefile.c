// SPDX-License-Identifier: MIT
/* The trace of epollx's tracepoints. See tracefile.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "tracefile.h"

#define TRACING		"/sys/kernel/tracing/instances/"
#define WAIT_NS		10000000000LL
#define LINES_MOST	64

static struct line lines[LINES_MOST];
static int nr_lines;
static char directory[96];

static void write_to(const char *name, const char *text)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

void trace_begin(void)
{
	if (geteuid())
		SKIP("needs root, for tracefs");
	snprintf(directory, sizeof(directory), TRACING "epollx-%d", getpid());
	ASSERT_EQ(mkdir(directory, 0700), 0);
	write_to("buffer_size_kb", "64");
	write_to("events/epollx/enable", "1");
}

/* "   task-PID   [000] d.h1.   12.345678: epx_NAME: fields" */
static void parse_line(const char *text)
{
	const char *event = strstr(text, ": epx_");
	const char *cpu = strstr(text, " [0");
	struct line *line = &lines[nr_lines];
	const char *pid = cpu;
	int fields;

	if (!event || !cpu)
		return;
	ASSERT_LT(nr_lines, LINES_MOST);
	while (pid > text && pid[-1] != '-')
		pid--;
	line->pid = atoi(pid);
	fields = sscanf(event, ": epx_%15[a-z]:%254[^\n]", line->name,
			line->fields);
	ASSERT_EQ(fields, 2);
	strcat(line->fields, " ");
	nr_lines++;
}

void trace_read(void)
{
	char path[160], text[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/trace", directory);
	file = fopen(path, "re");
	ASSERT_TRUE(file);
	nr_lines = 0;
	while (fgets(text, sizeof(text), file))
		parse_line(text);
	fclose(file);
}

void trace_end(void)
{
	write_to("events/epollx/enable", "0");
	trace_read();
	ASSERT_EQ(rmdir(directory), 0);
}

const char *field(const struct line *line, const char *name)
{
	static char values[4][64];
	static unsigned int turn;
	char *value = values[turn++ % 4], key[32];
	const char *at;

	snprintf(key, sizeof(key), " %s=", name);
	at = strstr(line->fields, key);
	if (!at || sscanf(at + strlen(key), "%63[^ ]", value) != 1)
		return "(none)";
	return value;
}

long number(const struct line *line, const char *name)
{
	return strtol(field(line, name), NULL, 10);
}

bool is(const struct line *line, const char *name, const char *value)
{
	return !strcmp(field(line, name), value);
}

bool has(const struct line *line, const char *name, const char *bit)
{
	char all[80], one[20];

	snprintf(all, sizeof(all), "|%s|", field(line, name));
	snprintf(one, sizeof(one), "|%s|", bit);
	return strstr(all, one);
}

struct line *trace_next(int *at, const char *name, const char *instance)
{
	for (int i = *at; i < nr_lines; i++) {
		if (strcmp(lines[i].name, name) ||
		    (*instance && !is(&lines[i], "instance", instance)))
			continue;
		*at = i + 1;
		return &lines[i];
	}
	test_fail(__FILE__, __LINE__, "no %s of instance %s after line %d of %d",
		  name, instance, *at, nr_lines);
	test_abort();
	return NULL;
}

int trace_lines(void)
{
	return nr_lines;
}

int trace_count(const char *name)
{
	int count = 0;

	for (int i = 0; i < nr_lines; i++)
		count += !strcmp(lines[i].name, name);
	return count;
}

void trace_wait_for(const char *name)
{
	long long deadline = now_ns() + WAIT_NS;

	for (trace_read(); !trace_count(name); trace_read()) {
		ASSERT_LT(now_ns(), deadline);
		sched_yield();
	}
}
