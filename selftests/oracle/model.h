/* SPDX-License-Identifier: MIT */
/*
 * What each descriptor number stands for, in the worker and in its child.
 *
 * The generator keeps one to choose operands that mean something; a worker
 * keeps one, told of what has really been done, to know whom to await and
 * what a number in /proc stands for. It lies in shared memory, because a
 * child's operations change it too.
 */
#ifndef EPX_ORACLE_MODEL_H
#define EPX_ORACLE_MODEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ops.h"

/* The numbers that programs use. Few, so that they are used again. */
#define FD_FIRST	10
#define FD_LAST		33
#define FD_END		(FD_LAST + 1)
/* The machine's own descriptors are here and above. */
#define FD_OWN		64

#define OBJECTS		(2 * PROGRAM_MOST + 2)
#define FLIGHT_MOST	4
#define THREADS		6
/* Sources of one program; a deleted one makes room. */
#define SOURCES		24

/* In the upper bits of a source's data; its slot is in the lowest eight. */
#define SOURCE_DATA	0x50c0000000000000ULL
#define SOURCE_BITS	0xffff000000000000ULL

/* A file's nature, or rather its end's. Bits of a mask are 1 << these. */
enum nature {
	NOTHING,
	INSTANCE,
	PIPE_READER,
	PIPE_WRITER,
	FIFO,
	EVENTFD,
	UNIX_STREAM,
	UNIX_DGRAM,
	UNIX_SEQPACKET,
	TCP,
	TCP_DRIVER,	/* the other half, which nobody watches */
	PTY_MASTER,
	PTY_SLAVE,
	PTY_DRIVER,	/* likewise */
	TIMER,
	SIGNALFD,
	REGULAR,
	PATH_ONLY,
	NATURES,
};

#define IS(nature)	(1u << (nature))
#define IS_UNIX		(IS(UNIX_STREAM) | IS(UNIX_DGRAM) | IS(UNIX_SEQPACKET))
#define IS_TCP		(IS(TCP) | IS(TCP_DRIVER))
#define IS_PTY		(IS(PTY_MASTER) | IS(PTY_SLAVE) | IS(PTY_DRIVER))
#define IS_DRIVER	(IS(TCP_DRIVER) | IS(PTY_DRIVER))
#define IS_PIPE		(IS(PIPE_READER) | IS(PIPE_WRITER) | IS(FIFO))
#define IS_WATCHABLE	(IS(INSTANCE) | IS_PIPE | IS(EVENTFD) | IS_UNIX | \
			 IS(TCP) | IS(PTY_MASTER) | IS(PTY_SLAVE) | \
			 IS(TIMER) | IS(SIGNALFD))
#define IS_ANY		((1u << NATURES) - 2)

/* What the instance's number of an operation stood for. */
enum target {
	TARGET_NONE,		/* the operation has none */
	TARGET_INSTANCE,
	TARGET_OTHER,		/* a file that is no instance */
	TARGET_CLOSED,		/* no file, or only a path */
};

/**
 * struct object - an open file description
 * @nature: what it is
 * @refs: numbers that stand for it, in both processes, and in flight
 * @peer: the other end, or 0
 */
struct object {
	uint8_t nature;
	int16_t refs;
	int16_t peer;
};

/**
 * struct source - a source of an instance, which keeps its slot when the
 *		   instance has ended: a thread may wait there still
 * @instance: the object it belongs to; 0: the slot is free
 * @kind: EPX_SOURCE_*
 * @clock: of a timer
 * @depth: of a queue
 * @id: of the source
 * @events: the mask, EPOLLIN in it
 * @data: what its events carry
 * @value: of the last post
 * @held: values that the queue holds
 * @delivered: its events so far, by a plain wait
 */
struct source {
	int16_t instance;
	uint8_t kind;
	uint8_t clock;
	uint32_t depth;
	uint32_t id;
	uint32_t events;
	uint64_t data;
	uint64_t value;
	uint32_t held;
	atomic_uint delivered;
};

/**
 * struct model - all of a world
 * @object: those of this program; 0 is nothing
 * @nr_objects: how many
 * @nr_tcp: pairs of TCP among them
 * @nr_pty: ptys among them
 * @fd: object of each number, by process
 * @flight: objects sent and not received, oldest first
 * @nr_flight: how many
 * @has_child: there is one
 * @parked: threads that have been told to wait, by bit
 * @added: for each instance, the object last added under a number
 * @source: sources of all instances
 */
struct model {
	struct object object[OBJECTS];
	int nr_objects;
	int nr_tcp;
	int nr_pty;
	int16_t fd[PROCESSES][FD_END];
	int16_t flight[FLIGHT_MOST];
	int nr_flight;
	bool has_child;
	uint8_t parked;
	int16_t added[OBJECTS][FD_END];
	struct source source[SOURCES];
};

void model_reset(struct model *m);
/* The operation has been done, by @op->by, and succeeded. */
void model_apply(struct model *m, const struct op *op);

int model_object(const struct model *m, enum process by, long long fd);
enum nature model_nature(const struct model *m, enum process by,
			 long long fd);
/* A number of @by that stands for @object, or -1. */
int model_fd_of(const struct model *m, enum process by, int object);
enum target model_target(const struct model *m, enum process by,
			 long long fd);
/* The slot of source @id of @instance, or of a free one with @instance 0; -1. */
int model_source(const struct model *m, int instance, uint32_t id);
/* The other end of @fd, as long as anybody has it open; or 0. */
int model_living_peer(const struct model *m, enum process by, long long fd);

#endif /* EPX_ORACLE_MODEL_H */
