/* SPDX-License-Identifier: MIT */
/*
 * The benchmark program: the same operations on native epoll, on epollx and on
 * their peers, in one process, as figures in lines of JSON.
 *
 *   main.c        arguments           figure.c      a line of output, statistics
 *   sides.c       who is compared     side_*.c      one peer each
 *   benchmarks.c  what is compared    steps.c       the operations themselves
 *   measure.c     in instructions, in interleaved rounds, in system calls
 *   parts.c       what an operation is made of, by itself: for the cost model
 *   posts.c post_crowd.c timers.c scale_timers.c own.c      what needs no file
 *   latency.c producers.c accept.c echo.c load.c memory.c scale.c close.c
 *                 what is more than a step that is repeated
 *   loops.c trials.c  event loops, libepollx and its peers: programs in loops/
 *   journey.c     two events for a trace
 *
 * A suite is a way to measure, a benchmark is what is measured, x is what it
 * depends on, a side is who does it. Under -icount the clock counts
 * instructions, so the time of an operation is its exact cost; otherwise sides
 * are timed in short rounds, one after the other, and the ratio to native
 * epoll's time in the same round is what counts.
 */
#ifndef EPX_BENCH_H
#define EPX_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include "figure.h"

/* Events that one wait asks for, where it can; libevent takes up to 4096. */
#define MAX_EVENTS	1024
#define EVENTS_ROOM	4096

/**
 * struct options - of the command line
 * @is_short: the short axes, fewer rounds, and no peers
 * @only: benchmarks whose name begins so, or NULL
 * @sides: their names, separated by commas, or NULL
 * @rounds: of a time
 * @count: of suite scale
 */
struct options {
	bool is_short;
	const char *only;
	const char *sides;
	int rounds;
	int count;
};

extern struct options options;

void fail(const char *what) __attribute__((noreturn));

/* Ends the program where @ok is not. Costs next to nothing where it is. */
static inline void must(int ok, const char *what)
{
	if (!ok)
		fail(what);
}

/** struct change - one change of what is watched, by value */
struct change {
	int op;
	int fd;
	uint32_t events;
	uint64_t data;
};

/**
 * struct loop - an instance of a side
 * @events: what the last wait found: mask and the watch's data
 *
 * Each side has a struct of its own that begins with this one.
 */
struct loop {
	struct epoll_event events[EVENTS_ROOM];
};

/**
 * struct side - somebody who waits for files, in his best form
 * @name: for the figures
 * @form: what the best form is, for the report
 * @is_peer: neither native epoll nor one of the module's own ways
 * @is_edge_only: does not say again that a file is ready
 * @must_delete: a watch has to be deleted before its file is closed
 * @most_files: that can be watched, 0 for no limit
 * @most_ready: that can be ready at a time, 0 for no limit
 * @absent: why it cannot be had here, or NULL if it can; NULL where it always can
 * @open: a new instance for at most so many files
 * @close: its end, whatever is still watched
 * @change: applies @n changes; fewer calls than @n where the side can
 * @wait: milliseconds or negative; returns how many @events there are, or less
 *	  than 0 where it was interrupted: side_sleep()
 * @change_wait: both in one call; NULL where that is two
 * @rearm: one-shot watches again; NULL where that is a change
 * @toggle: another mask for a watch; NULL where that is a change
 * @settle: what a change leaves to be cleared away, or NULL
 * @idle: asks so many times whether anything is ready, when nothing is
 * @extra_bytes: kernel memory of an instance that slab caches do not show
 *
 * What fails ends the program.
 */
struct side {
	const char *name;
	const char *form;
	bool is_peer;
	bool is_edge_only;
	bool must_delete;
	int most_files, most_ready;
	const char *(*absent)(void);
	struct loop *(*open)(int files);
	void (*close)(struct loop *loop);
	void (*change)(struct loop *loop, const struct change *changes, int n);
	int (*wait)(struct loop *loop, int ms);
	int (*change_wait)(struct loop *loop, const struct change *changes,
			   int n, int ms);
	void (*rearm)(struct loop *loop, const struct change *changes, int n);
	void (*toggle)(struct loop *loop, const struct change *changes, int n);
	void (*settle)(struct loop *loop);
	void (*idle)(struct loop *loop, int times);
	double (*extra_bytes)(struct loop *loop, int watches);
};

/* All sides, native epoll first; the last is NULL. */
extern const struct side * const sides[];
extern const struct side native_side, epollx_side, ring_side, batch_side,
	poll_side, select_side, uring_side, libevent_side, libuv_side;

#define SIDES_MOST	12

/* Until there is an event. */
int side_sleep(const struct side *side, struct loop *loop);
bool side_is_wanted(const struct side *side);
bool side_has(const struct side *side, int files, int ready);
void side_change(const struct side *side, struct loop *loop, int op, int fd,
		 uint32_t events, uint64_t data);
void print_sides(void);

/**
 * struct files - what is watched
 * @count: how many
 * @read: eventfds, or the reading ends of pipes
 * @write: the same eventfds, or the writing ends
 */
struct files {
	int count;
	int *read;
	int *write;
};

void files_open(struct files *files, int count, bool pipes);
void files_empty(struct files *files);
void files_close(struct files *files);

/**
 * struct by_fd - what a side keeps for each descriptor
 * @at: pointers, by descriptor; NULL where there is nothing
 * @most: how many
 */
struct by_fd {
	void **at;
	int most;
};

/* What is kept for a descriptor, zeros the first time. */
void *by_fd_get(struct by_fd *map, int fd, size_t size);

/**
 * struct point - a benchmark for one x on one side
 * @bench: the benchmark
 * @side: the side
 * @x: where on its axis
 * @loop: the side's instance
 * @files: what is watched
 * @changes: for each file what adds it, then what modifies and deletes it
 * @full: a pipe's writing end that never is ready, or -1
 * @full_read: its other end
 * @is_off: @full is not watched for EPOLLOUT at the moment
 */
struct point {
	const struct bench *bench;
	const struct side *side;
	int x;
	struct loop *loop;
	struct files *files;
	struct change *add, *mod, *del;
	int full, full_read;
	bool is_off;
};

/**
 * struct bench - a benchmark whose operation can be repeated
 * @name: for the figures
 * @xs: its axis, ended by a negative one
 * @short_xs: that of a short run
 * @events: mask of the watches
 * @pipes: pipes instead of eventfds
 * @ready: the files are ready from the start
 * @stays_ready: and have to be found so each time
 * @ready_one_in: of so many files one becomes ready in a step; 0: few do
 * @own_only: has no meaning for the peers
 * @files: how many are watched for an x
 * @setup: after all files have been added, or NULL
 * @prepare: before each step and not measured, or NULL
 * @step: the operation; returns how many of them it was
 */
struct bench {
	const char *name;
	const int *xs;
	const int *short_xs;
	uint32_t events;
	bool pipes;
	bool ready;
	bool stays_ready;
	int ready_one_in;
	bool own_only;
	int (*files)(int x);
	void (*setup)(struct point *point);
	void (*prepare)(struct point *point);
	int (*step)(struct point *point);
};

extern const struct bench benches[];	/* the last has no name */

/* measure.c */
bool point_is_possible(const struct bench *bench, const struct side *side,
		       int x);
void point_open(struct point *point, const struct bench *bench,
		const struct side *side, int x, struct files *files);
void point_close(struct point *point);
double cost_of_steps(struct point *point);
void measure_cost(void);
void measure_calls(void);
void measure_time(void);
bool is_wanted(const char *name);

/* parts.c */
void measure_parts(void);

/* posts.c, timers.c */
void measure_posts(void);
void measure_post_crowd(void);
void measure_timers(void);
void measure_lateness(void);

/* ../helpers.c, whose header knows sides of another kind. */
void wait_until_sleeping(pid_t tid);

/* calls.c */
int calls_open(int pid);
void calls_begin(int counter);
long calls_end(int counter);
long calls_end_other(int counter);

/* memory.c: bytes in use in slab caches. At rest: what has ended is freed. */
extern const char * const watch_caches[];
long long slab_bytes(const char * const *caches);
long long slab_bytes_at_rest(const char * const *caches);
void measure_memory(void);

void measure_latency(bool exact);
void measure_producers(void);
void measure_echo(bool calls);
void measure_accept(void);
void measure_close(void);
void measure_scale(void);
const char *scale_unit(void);

/* scale_timers.c: @fds has room for as many descriptors as are asked for. */
void measure_timer_scale(int *fds);

void run_journey(void);

/* loops.c, trials.c */
void print_loopers(void);
void measure_loops_cost(void);
void measure_loops_calls(void);
void measure_loops_time(void);
void measure_loops_memory(void);
void measure_loops_host(void);

/* load.c: the client of an echo server. */
struct load {
	double per_second, p99, calls;
};

struct load load_run(int family, const void *address, unsigned int size,
		     int connections, int requests, int counter);

#endif /* EPX_BENCH_H */
