/* SPDX-License-Identifier: MIT */
/*
 * The test harness: claims, run on native epoll, on epollx, and on epollx by
 * way of the preload library.
 *
 * A test is a claim, named as one, with the points of the behaviour list that
 * it exercises. It is written once, with the calls of helpers.h, and runs on
 * each side in a child of its own: its own process group, killed afterwards,
 * a timeout, a check that no instance outlives it, and a look at the kernel's
 * log. What it EXPECTs must hold; what it OBSERVEs is compared between native
 * epoll and each other side, and a difference fails it unless differences.tsv
 * has a row for it and that side. A row whose difference has gone fails it,
 * too.
 *
 * On the preload side the calls are the preload library's functions. A test
 * that calls libc's own by their names is ON_LIBC: there the child executes
 * the test's program again with the library in LD_PRELOAD, as any program.
 *
 * Output is TAP, a line for each side and one for each comparison; the
 * library's main() (harness_main.c) has the options.
 */
#ifndef EPX_TEST_HARNESS_H
#define EPX_TEST_HARNESS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum side { NATIVE, EPX, PRELOAD, SIDES };

/* Bits of struct test.sides. */
#define ON_NATIVE	(1 << NATIVE)
#define ON_EPX		(1 << EPX)
#define ON_PRELOAD	(1 << PRELOAD)
#define ON_BOTH		(ON_NATIVE | ON_EPX)
#define ON_ALL		(ON_BOTH | ON_PRELOAD)
/* For tests of libc's functions, which mean epollx only under the library. */
#define ON_LIBC		(ON_NATIVE | ON_PRELOAD)

#define TEST_SECONDS	20

/**
 * struct test - one claim
 * @name: the claim
 * @points: numbers of the behaviour list, with spaces between
 * @run: its body; returns when all is well
 * @sides: ON_* bits
 * @seconds: its timeout on one side
 * @next: in the order of definition
 */
struct test {
	const char *name;
	const char *points;
	void (*run)(void);
	unsigned int sides;
	unsigned int seconds;
	struct test *next;
};

void test_register(struct test *test);

#define TEST_FULL(claim, list, where, limit)				\
	static void run_##claim(void);					\
	static struct test test_##claim = {				\
		.name = #claim, .points = list, .run = run_##claim,	\
		.sides = where, .seconds = limit,			\
	};								\
	__attribute__((constructor)) static void register_##claim(void)	\
	{								\
		test_register(&test_##claim);				\
	}								\
	static void run_##claim(void)

#define TEST(claim, points)		TEST_FULL(claim, points, ON_ALL, TEST_SECONDS)
#define TEST_ON(side, claim, points)	TEST_FULL(claim, points, ON_##side, TEST_SECONDS)
#define TEST_LIBC(claim, points)	TEST_FULL(claim, points, ON_LIBC, TEST_SECONDS)
#define TEST_TIMEOUT(claim, points, s)	TEST_FULL(claim, points, ON_ALL, s)

/* In a test's child. */
enum side side(void);
unsigned int time_factor(void);
void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
__attribute__((noreturn)) void test_abort(void);
void test_skip(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
void test_observe(const char *what, long long value);

static inline bool test_compare(const char *file, int line, const char *text,
				long long got, long long want, bool holds)
{
	if (!holds)
		test_fail(file, line, "%s: %lld against %lld", text, got, want);
	return holds;
}

#define TEST_COMPARE(a, op, b) ({					\
	long long test_a = (long long)(a), test_b = (long long)(b);	\
	test_compare(__FILE__, __LINE__, #a " " #op " " #b, test_a, test_b, \
		     test_a op test_b); })

#define EXPECT_EQ(a, b)		TEST_COMPARE(a, ==, b)
#define EXPECT_NE(a, b)		TEST_COMPARE(a, !=, b)
#define EXPECT_GE(a, b)		TEST_COMPARE(a, >=, b)
#define EXPECT_GT(a, b)		TEST_COMPARE(a, >, b)
#define EXPECT_LE(a, b)		TEST_COMPARE(a, <=, b)
#define EXPECT_LT(a, b)		TEST_COMPARE(a, <, b)
#define EXPECT_TRUE(a)		TEST_COMPARE(!!(a), ==, 1)
#define EXPECT_FALSE(a)		TEST_COMPARE(!!(a), ==, 0)

#define ASSERT_EQ(a, b)		TEST_REQUIRE(EXPECT_EQ(a, b))
#define ASSERT_NE(a, b)		TEST_REQUIRE(EXPECT_NE(a, b))
#define ASSERT_GE(a, b)		TEST_REQUIRE(EXPECT_GE(a, b))
#define ASSERT_GT(a, b)		TEST_REQUIRE(EXPECT_GT(a, b))
#define ASSERT_LE(a, b)		TEST_REQUIRE(EXPECT_LE(a, b))
#define ASSERT_LT(a, b)		TEST_REQUIRE(EXPECT_LT(a, b))
#define ASSERT_TRUE(a)		TEST_REQUIRE(EXPECT_TRUE(a))
#define ASSERT_FALSE(a)		TEST_REQUIRE(EXPECT_FALSE(a))
#define TEST_REQUIRE(holds)	((holds) ? (void)0 : test_abort())

#define OBSERVE(what, value)	test_observe(what, (long long)(value))
#define SKIP(...)		test_skip(__VA_ARGS__)

#endif /* EPX_TEST_HARNESS_H */
