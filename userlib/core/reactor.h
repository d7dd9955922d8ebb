/* SPDX-License-Identifier: MIT */
/*
 * The reactor: descriptors, what they are ready for, and the backend that asks
 * the kernel.
 *
 * What the kernel reports carries a token: generation << 32 | slot. The slot's
 * generation goes up when a descriptor is registered and when it is closed, so
 * an event that comes late is known for stale, even where the slot, the number
 * and the memory of the struct epx_io have been used again.
 */
#ifndef EPX_CORE_REACTOR_H
#define EPX_CORE_REACTOR_H

#include <sys/epoll.h>

#include "epollx_io.h"
#include "exec.h"

/* Events that one turn takes. */
#define EPX_TURN_EVENTS	256
/* What a descriptor is registered for. */
#define EPX_INTEREST	(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
/* What the descriptor that wakes the reactor is registered with. */
#define EPX_TOKEN_WAKE	UINT64_MAX

struct epx_slot {
	struct epx_io *io;		/* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

struct epx_reactor;

/*
 * How to ask the kernel. Everything returns -errno. wait() fills in up to @max
 * events, waits until @deadline (0: not at all, EPX_NEVER), and returns their
 * number; -EINTR is not an error.
 */
struct epx_backend {
	const char *name;
	int (*open)(struct epx_reactor *reactor,
		    const struct epx_options *options);
	void (*close)(struct epx_reactor *reactor);
	int (*ctl)(struct epx_reactor *reactor, int op, int fd, uint32_t events,
		   uint64_t token);
	int (*wait)(struct epx_reactor *reactor, struct epoll_event *events,
		    int max, int64_t deadline);
	int64_t (*now)(struct epx_park *park);
	/* To be watched by another loop; NULL where there is none. */
	int (*fd)(struct epx_reactor *reactor);
};

struct epx_reactor {
	struct epx_park park;
	const struct epx_backend *backend;
	void *state;			/* the backend's */
	int wake_fd;			/* an eventfd; lives as the executor */
	uint32_t forks;			/* in which process: epx_forks */
	struct epx_slot *slots;
	uint32_t nr_slots;
	uint32_t first_free;		/* nr_slots: none is */
	uint32_t registered;
	uint64_t events;
	uint64_t stale;
	uint64_t unparks;
	struct epoll_event ready[EPX_TURN_EVENTS];
};

extern const struct epx_backend epx_backend_epoll;
extern const struct epx_backend epx_backend_ioctl;
extern const struct epx_backend epx_backend_ring;
extern const struct epx_backend epx_backend_scripted;

/* A reactor on the one backend; its park is for epx_exec_make(). */
int epx_reactor_new(struct epx_reactor **reactor,
		    const struct epx_backend *backend,
		    const struct epx_options *options);

/* The reactor of an executor. */
struct epx_reactor *epx_reactor_of(struct epx_exec *exec);

/* Have the kernel tell of a descriptor, once, for both directions. */
int epx_reactor_register(struct epx_reactor *reactor, struct epx_io *io);
/* Have it stop. */
void epx_reactor_forget(struct epx_reactor *reactor, struct epx_io *io);

/* CLOCK_MONOTONIC, for backends. */
int64_t epx_clock(struct epx_park *park);

#endif /* EPX_CORE_REACTOR_H */
