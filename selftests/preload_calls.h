/* SPDX-License-Identifier: MIT */
/*
 * The preload library's functions, as a test's program finds them: by their
 * names in the library that was built, of the program's own word size.
 */
#ifndef EPX_TEST_PRELOAD_CALLS_H
#define EPX_TEST_PRELOAD_CALLS_H

#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>

/* As libc's: -1 and errno. */
struct preload_calls {
	int (*create)(int size);
	int (*create1)(int flags);
	int (*ctl)(int ep, int op, int fd, struct epoll_event *event);
	int (*wait)(int ep, struct epoll_event *events, int max, int ms);
	int (*pwait)(int ep, struct epoll_event *events, int max, int ms,
		     const sigset_t *mask);
	int (*pwait2)(int ep, struct epoll_event *events, int max,
		      const struct timespec *timeout, const sigset_t *mask);
};

/* Loads the library at the first call; it ends the program if it cannot. */
const struct preload_calls *preload_calls(void);

/* Its path, which fits into @size or ends the program. */
void preload_path(char *path, size_t size);

#endif /* EPX_TEST_PRELOAD_CALLS_H */
