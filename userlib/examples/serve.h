/* SPDX-License-Identifier: MIT */
/*
 * What the servers among the examples have in common: they listen, start a task
 * for each connection, and end gracefully at SIGTERM or SIGINT.
 */
#ifndef EPX_EXAMPLES_SERVE_H
#define EPX_EXAMPLES_SERVE_H

#include <epollx_async.h>

/* Spawns into the group what serves the connection; the descriptor is its. */
typedef int (*serve_start_fn)(struct epx_group *group, int fd);

/* Serves until a signal; the exit status. @port: as text, "0" for a free one. */
int serve(const char *port, serve_start_fn start);

#endif /* EPX_EXAMPLES_SERVE_H */
