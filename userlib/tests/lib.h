/* SPDX-License-Identifier: MIT */
/*
 * The harness of the library's tests: claims, run on each backend that applies.
 *
 * Each runs in a child of its own, with a timeout; it must leave no descriptor
 * open. What it EXPECTs (selftests/harness.h) must hold. Output is TAP, one line
 * for each backend.
 *
 *	NAME_test [--backend A,B] [--filter TEST]
 *	NAME_test --starve MOST [--filter TEST]
 *
 * Without --backend: those that this machine has, of scripted, epoll, ioctl and
 * ring. One that is named and absent fails.
 *
 * --starve runs each test of the scripted backend again and again, and each time
 * one allocation fails, the first, the second and so on, MOST of them at most.
 * The test may fail then, but neither it nor the library may crash.
 */
#ifndef EPX_USERLIB_TESTS_LIB_H
#define EPX_USERLIB_TESTS_LIB_H

#include "epollx_async.h"
#include "harness.h"

/* Where a claim makes sense. */
#define ON_SCRIPTED	1U
#define ON_KERNEL	2U
#define ON_EACH		3U

struct lib_test {
	const char *name;
	void (*run)(void);
	unsigned int where;
	struct lib_test *next;
};

void lib_test_register(struct lib_test *test);

#define LIB_TEST(claim, on)						\
	static void run_##claim(void);					\
	static struct lib_test test_##claim = {				\
		.name = #claim, .run = run_##claim, .where = on,	\
	};								\
	__attribute__((constructor)) static void register_##claim(void)	\
	{								\
		lib_test_register(&test_##claim);			\
	}								\
	static void run_##claim(void)

/* An executor on the backend of this run; fails the test if there is none. */
struct epx_exec *test_exec(void);
struct epx_exec *test_exec_seeded(uint64_t seed);
/* epx_block_on() for so many nanoseconds. */
int64_t run_for(struct epx_exec *exec, int64_t ns, struct epx_future *future);
bool on_scripted(void);
const char *test_backend(void);

/* Have the nth allocation from now fail; 0: none. Is it still to come? */
void starve_at(int nth);
bool starve_is_to_come(void);
/* One line of --starve; 1 if something has crashed. */
int starve_test(const struct lib_test *test, int number, int most);

/*
 * Between two looks at what another thread does; @looks so far. Soon it leaves
 * the CPU: where the host has one for the two of them, yielding keeps the other
 * from running.
 */
void before_next_look(unsigned int *looks);

/* A pair of connected stream sockets, as plain descriptors; local, and TCP. */
void stream_pair(int fds[2]);
void tcp_pair(int fds[2]);
int open_descriptors(void);

/* Sends back what comes; closes the descriptor with its end. */
struct echo {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	char buf[64];
};

struct epx_future *echo_on(struct echo *place, struct epx_exec *exec, int fd);

#endif /* EPX_USERLIB_TESTS_LIB_H */
