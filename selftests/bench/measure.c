// SPDX-License-Identifier: MIT
/*
 * How a benchmark is measured: its steps in instructions (under -icount), in
 * interleaved rounds of time, in system calls.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* So many files for each of the sides at once are enough for rounds. */
#define TIMED_FILES_MOST	10000

bool is_wanted(const char *name)
{
	return !options.only ||
	       !strncmp(name, options.only, strlen(options.only));
}

bool point_is_possible(const struct bench *bench, const struct side *side,
		       int x)
{
	int files = bench->files(x);

	if ((bench->own_only && side->is_peer) ||
	    (bench->stays_ready && side->is_edge_only))
		return false;
	return side_has(side, files, bench->ready_one_in ?
			files / bench->ready_one_in : 1);
}

void point_open(struct point *point, const struct bench *bench,
		const struct side *side, int x, struct files *files)
{
	int count = files->count;

	*point = (struct point){ .bench = bench, .side = side, .x = x,
				 .files = files, .full = -1, .full_read = -1 };
	point->add = malloc(3 * count * sizeof(*point->add));
	must(!!point->add, "memory");
	point->mod = point->add + count;
	point->del = point->mod + count;
	for (int i = 0; i < count; i++) {
		struct change change = { EPOLL_CTL_ADD, files->read[i],
					 bench->events, i };

		point->add[i] = change;
		change.op = EPOLL_CTL_MOD;
		point->mod[i] = change;
		change.op = EPOLL_CTL_DEL;
		point->del[i] = change;
		if (bench->ready)
			must(write(files->write[i], &(uint64_t){ 1 }, 8) == 8,
			     "write");
	}
	point->loop = side->open(count);
	side->change(point->loop, point->add, count);
	if (bench->setup)
		bench->setup(point);
}

void point_close(struct point *point)
{
	if (point->full >= 0) {
		if (point->side->must_delete)
			side_change(point->side, point->loop, EPOLL_CTL_DEL,
				    point->full, 0, 1);
		close(point->full);
		close(point->full_read);
	}
	point->side->close(point->loop);
	free(point->add);
}

/* Of one operation; @steps of them, the time between which is nobody's. */
static double time_steps(struct point *point, int steps)
{
	const struct bench *bench = point->bench;
	long long start, total = 0, operations = 0;

	if (bench->prepare) {
		for (int i = 0; i < steps; i++) {
			bench->prepare(point);
			start = clock_ns();
			operations += bench->step(point);
			total += clock_ns() - start - clock_overhead();
		}
		return (double)total / operations;
	}
	start = clock_ns();
	for (int i = 0; i < steps; i++)
		operations += bench->step(point);
	total = clock_ns() - start - clock_overhead();
	return (double)total / operations;
}

/* How many steps take about @wanted ns, at least one. */
static int steps_for(struct point *point, double wanted)
{
	long long start = clock_ns(), took;

	time_steps(point, 1);
	took = clock_ns() - start + 1;
	return took < wanted ? wanted / took : 1;
}

/*
 * A timer interrupt costs thousands of instructions and is nobody's: the
 * median of short batches leaves it out and repeats to the digit.
 */
double cost_of_steps(struct point *point)
{
	enum { BATCH = 20000, WHOLE = 12000000, MOST = 41, LEAST = 5 };
	double cost[MOST];
	int steps, batches;
	long long start;

	time_steps(point, 2);
	steps = steps_for(point, BATCH);
	start = clock_ns();
	cost[0] = time_steps(point, steps);
	batches = WHOLE / (clock_ns() - start + 1);
	if (batches > MOST)
		batches = MOST;
	if (batches < LEAST)
		batches = LEAST;
	for (int i = 1; i < batches; i++)
		cost[i] = time_steps(point, steps);
	return median(cost, batches);
}

/* The sides one after the other, on the same files. */
static void measure_bench(const struct bench *bench, int x,
			  void (*measure)(struct point *point))
{
	struct point point;
	struct files files;

	files_open(&files, bench->files(x), bench->pipes);
	for (const struct side * const *s = sides; *s; s++) {
		if (!point_is_possible(bench, *s, x))
			continue;
		point_open(&point, bench, *s, x, &files);
		measure(&point);
		point_close(&point);
		files_empty(&files);
	}
	files_close(&files);
}

static void measure_benches(void (*measure)(const struct bench *bench, int x),
			    int most)
{
	for (const struct bench *bench = benches; bench->name; bench++) {
		const int *x = options.is_short ? bench->short_xs : bench->xs;

		if (!is_wanted(bench->name))
			continue;
		for (; *x >= 0; x++)
			if (bench->files(*x) <= most)
				measure(bench, *x);
	}
}

static void cost_point(struct point *point)
{
	figure("cost", point->bench->name, point->x, point->side->name,
	       cost_of_steps(point), "instructions");
}

static void cost_bench(const struct bench *bench, int x)
{
	measure_bench(bench, x, cost_point);
}

void measure_cost(void)
{
	raise_fd_limit(210000);
	measure_benches(cost_bench, 100000);
}

/*
 * System calls of an operation, by the kernel's own count. After some steps
 * that are not counted, since a first one may be special.
 */
static void calls_point(struct point *point)
{
	enum { STEPS = 12 };
	long calls = 0, operations = 0;
	int counter = calls_open(0);

	time_steps(point, 2);
	for (int i = 0; i < STEPS; i++) {
		if (point->bench->prepare)
			point->bench->prepare(point);
		calls_begin(counter);
		operations += point->bench->step(point);
		calls += calls_end(counter);
	}
	close(counter);
	figure("calls", point->bench->name, point->x, point->side->name,
	       (double)calls / operations, "calls");
}

static void calls_bench(const struct bench *bench, int x)
{
	measure_bench(bench, x, calls_point);
}

void measure_calls(void)
{
	raise_fd_limit(20000);
	measure_benches(calls_bench, 1024);
}

/* A side of a timed benchmark, and the times of its rounds. */
struct timed {
	struct point point;
	struct files files;
	int steps;
	double *ratios;
};

/* select(2) knows descriptors below 1024 only: it gets the first ones. */
static bool needs_low(const struct side *side)
{
	return side->most_files && side->most_files < 1024;
}

static int timed_open(struct timed *timed, const struct bench *bench, int x)
{
	const struct side *order[SIDES_MOST];
	int count = 0;

	for (const struct side * const *s = sides; *s; s++)
		if (point_is_possible(bench, *s, x))
			order[count++] = *s;
	for (int low = 1; low >= 0; low--)
		for (int i = 0; i < count; i++)
			if (needs_low(order[i]) == low)
				files_open(&timed[i].files, bench->files(x),
					   bench->pipes);
	for (int i = 0; i < count; i++) {
		point_open(&timed[i].point, bench, order[i], x,
			   &timed[i].files);
		timed[i].ratios = calloc(options.rounds, sizeof(double));
		must(!!timed[i].ratios, "memory");
	}
	return count;
}

static void time_round(struct timed *timed, int count, int round)
{
	double ns[SIDES_MOST];

	/* Who comes first takes turns. */
	for (int i = 0; i < count; i++) {
		int side = (i + round) % count;

		ns[side] = time_steps(&timed[side].point, timed[side].steps);
	}
	for (int i = 0; i < count; i++)
		timed[i].ratios[round] = ns[i] / ns[0];
}

static void time_bench(const struct bench *bench, int x)
{
	enum { ROUND = 1000000 };	/* a millisecond for each side */
	struct timed timed[SIDES_MOST];
	int count = timed_open(timed, bench, x);

	for (int i = 0; i < count; i++) {
		time_steps(&timed[i].point, 2);
		timed[i].steps = steps_for(&timed[i].point, ROUND);
	}
	for (int round = 0; round < options.rounds; round++)
		time_round(timed, count, round);
	for (int i = 0; i < count; i++) {
		if (i)
			figure_spread("time", bench->name, x,
				      timed[i].point.side->name,
				      timed[i].ratios, options.rounds,
				      "of native's time");
		point_close(&timed[i].point);
		files_close(&timed[i].files);
		free(timed[i].ratios);
	}
}

void measure_time(void)
{
	raise_fd_limit(2 * SIDES_MOST * TIMED_FILES_MOST + 1000);
	measure_benches(time_bench, TIMED_FILES_MOST);
}
