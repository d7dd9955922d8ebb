/* SPDX-License-Identifier: MIT */
/*
 * Connections for libraries that only tell when a descriptor is ready.
 */
#ifndef EPX_BENCH_LOOPS_RAWIO_H
#define EPX_BENCH_LOOPS_RAWIO_H

#include "peer.h"

/*
 * A descriptor in the loop; the library's own part follows. It follows a struct
 * conn, of which the listener's is not used.
 */
struct raw {
	int fd;
	bool is_connecting;
	bool is_listening;
};

/* Of the peer: calls raw_ready() while it is readable, or writable. */
void raw_start(struct raw *raw, bool write);
void raw_stop(struct raw *raw);

void raw_ready(struct raw *raw);

/* For struct peer. */
void raw_listen(int fd, struct conn *(*make)(void));
void raw_unlisten(void);
void raw_connect(struct conn *conn, int port);
void raw_write(struct conn *conn, const char *bytes, size_t n);
void raw_shut(struct conn *conn);

#endif /* EPX_BENCH_LOOPS_RAWIO_H */
