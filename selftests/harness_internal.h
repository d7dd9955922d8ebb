/* SPDX-License-Identifier: MIT */
/*
 * Between the two halves of the harness: what a test's child says to its
 * parent. One line each over a pipe: "fail TEXT", "skip TEXT",
 * "observe NAME VALUE", and "done" as the last line of a child that got to
 * the end of the test.
 */
#ifndef EPX_TEST_HARNESS_INTERNAL_H
#define EPX_TEST_HARNESS_INTERNAL_H

#include "harness.h"

#define OBSERVATIONS	64
#define TEXT_SIZE	512

struct observation {
	char what[64];
	long long value;
};

/**
 * struct outcome - a test on one side
 * @ran: it was run
 * @failed: and did not hold, with @text
 * @skipped: or could not be tried, with @text
 * @done: the child got to its end
 * @text: the first failure, or the reason for the skip
 * @seen: what was observed
 * @count: entries in @seen
 */
struct outcome {
	bool ran;
	bool failed;
	bool skipped;
	bool done;
	char text[TEXT_SIZE];
	struct observation seen[OBSERVATIONS];
	int count;
};

/* Where a test's child reports; out of the way of the low numbers. */
#define REPORT_FD	1000

/**
 * struct difference - a row of differences.tsv
 * @id: its name
 * @test: the claim
 * @what: the observation
 * @native: value on native epoll, or "*"
 * @epollx: value on epollx, or "*"
 * @kernels: "all", or a list of versions such as "6.12"
 * @sides: ON_* bits of the sides that show it
 */
struct difference {
	char id[32], test[96], what[64], native[32], epollx[32], kernels[32];
	unsigned int sides;
};

extern const char * const side_names[SIDES];

struct test *test_first(void);
void test_child(struct test *test, enum side where, int report)
	__attribute__((noreturn));
void preload_exec(struct test *test) __attribute__((noreturn));
void preload_child(const char *name) __attribute__((noreturn));
const struct difference *difference_find(const char *test, const char *what,
					 enum side where);
const struct difference *difference_unobserved(const char *test,
					       const struct outcome *outcome,
					       enum side where);
void differences_load(const char *path);
const char *kernel_log_new(void);

#endif /* EPX_TEST_HARNESS_INTERNAL_H */
