/* SPDX-License-Identifier: MIT */
/*
 * The trace of epollx's tracepoints, in a buffer of the test's own: one line
 * for each event, in the order of time.
 */
#ifndef EPX_TEST_TRACEFILE_H
#define EPX_TEST_TRACEFILE_H

#include <stdbool.h>

/**
 * struct line - an event
 * @name: without its "epx_"
 * @pid: of the task, or of the one that was interrupted
 * @fields: " name=value name=value... "
 */
struct line {
	char name[16];
	int pid;
	char fields[256];
};

/* From here on; skips the test of who may not. */
void trace_begin(void);
/* Looks at all that was traced until now. */
void trace_read(void);
/* The same, and takes the buffer away. */
void trace_end(void);
/* Reads until there is an event @name, for what a worker does. */
void trace_wait_for(const char *name);

int trace_lines(void);
int trace_count(const char *name);
/*
 * The first event @name from line *@at on that is of @instance, of any if it
 * is ""; *@at becomes the place after it. Without one the test is over.
 */
struct line *trace_next(int *at, const char *name, const char *instance);

/* The text of a field; "(none)" if there is none of that name. */
const char *field(const struct line *line, const char *name);
long number(const struct line *line, const char *name);
bool is(const struct line *line, const char *name, const char *value);
/* "IN|ET" has "IN" and "ET". */
bool has(const struct line *line, const char *name, const char *bit);

#endif /* EPX_TEST_TRACEFILE_H */
