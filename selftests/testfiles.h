/* SPDX-License-Identifier: MIT */
/*
 * Files to watch, and what /proc says about a watch.
 *
 * All new_*() give files that the test owns: it may close them, and
 * close_owned() at its end closes the rest.
 */
#ifndef EPX_TEST_FILES_H
#define EPX_TEST_FILES_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Notes that @fd, which must be one, is the test's; gives it back. */
int own(int fd);
void close_owned(void);

/* An instance. */
int new_ep(void);
/* A non-blocking eventfd with this count. */
int new_eventfd(unsigned int value);
void new_pipe(int p[2]);
/* A pair of unix sockets of @type. */
void new_socketpair(int type, int s[2]);
void new_pty(int *master, int *slave);
/* A connected pair over loopback. */
void new_tcp_pair(int s[2]);

/* Writes until a non-blocking file takes no more; the bytes. */
long fill_pipe(int fd);
/* Reads until a non-blocking file has no more; the bytes. */
long drain_pipe(int fd);
/* Waits, with poll(2), at most 10 s for one of @events; false if none came. */
bool becomes_ready(int fd, short events);

/* Events of one wait on @ep that does not sleep. */
int ready_now(int ep);
/* The mask of @fd's watch in the fdinfo of @ep; -1 if there is none. */
int64_t stored_mask(int ep, int fd);
/* /proc/self/fdinfo of a descriptor; the text stays until the next call. */
FILE *open_fdinfo(int fd);
char *read_fdinfo(int fd);
/* How many watches the fdinfo of @ep lists. */
int watches_of(int ep);

/* Over a unix socket; 1 and the descriptor received, or -1. */
int send_fd(int socket, int fd);
int receive_fd(int socket);

/* The sysctl max_user_watches of this side; set: 0 or -errno. */
long watch_limit(void);
int set_watch_limit(long limit);

#endif /* EPX_TEST_FILES_H */
