// SPDX-License-Identifier: MIT
/*
 * oracle - random programs on native epoll and on epollx, compared.
 *
 *   oracle [--ops N] [--seed S] [--sides native,epollx] [--free-running]
 *          [--cpu N] [--json FILE] [--out DIR] [--most N]
 *   oracle --replay FILE		a program as it was printed
 *   oracle --print N [--seed S]	program N of a seed
 *
 * Runs programs of the seed until N operations are done (default 200000), on
 * two workers (oracle.h): each operation on one side, then on the other; or,
 * faster, each side by itself on a CPU of its own, program by program. A divergence is
 * minimised and printed, as one that can be replayed and as C, and written to
 * DIR; after --most of them (default 3) it stops. The sides may also be the
 * same twice, which shows that the machine itself is deterministic. The first
 * one is "left" in reports.
 *
 * TAP: the sides agree; every kind of operation ran and every outcome came;
 * every known difference showed. The last two are asked only of long runs.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "compare.h"
#include "helpers.h"

/* From so many operations on, all there is must have come. */
#define LONG_RUN	200000
#define SECONDS		30

struct shared *shared;

static unsigned long most_ops = 200000;
static int most_divergences = 3, divergences;
static const char *out_directory;
static double seconds;
static FILE *json;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void set_sides(const char *text, enum side sides[2])
{
	char *comma = strchr(text, ',');

	if (!comma)
		exit(2);
	sides[0] = strncmp(text, "native", 6) ? EPX : NATIVE;
	sides[1] = strcmp(comma + 1, "native") ? EPX : NATIVE;
	if ((sides[0] == EPX || sides[1] == EPX) &&
	    access("/dev/epollx", F_OK)) {
		fprintf(stderr,
			"oracle: no /dev/epollx: load the module, or --sides native,native\n");
		exit(2);
	}
}

static void read_differences(const enum side sides[2])
{
	char path[4096];

	if (sides[0] != NATIVE || sides[1] != EPX)
		return;
	source_path(path, sizeof(path), "selftests/oracle/differences.tsv");
	differences_read(path);
}

static void make_directory(const char *path)
{
	char part[4096];

	for (const char *at = path; (at = strchr(at, '/')); at++) {
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		mkdir(part, 0755);
	}
	mkdir(path, 0755);
}

static void write_program(const struct program *program, uint64_t number)
{
	char path[4096];
	FILE *file;

	if (!out_directory)
		return;
	make_directory(out_directory);
	snprintf(path, sizeof(path), "%s/%llu-%llu.txt", out_directory,
		 (unsigned long long)shared->seed, (unsigned long long)number);
	file = fopen(path, "w");
	if (!file)
		return;
	print_program(file, program, "");
	fclose(file);
	printf("# again: build/bin/oracle --replay %s\n", path);
}

static void show(struct program *program, uint64_t number)
{
	printf("# minimised to %d operations:\n", program->nr);
	print_program(stdout, program, "#   ");
	printf("# as C, with native epoll's results:\n");
	print_as_test(stdout, program, "#   ");
	write_program(program, number);
	fflush(stdout);
}

static void diverged(uint64_t number, const struct divergence *where)
{
	static struct program program;

	divergences++;
	generate(&program, shared->seed, number);
	printf("# divergence %d, found after %lu operations, in program %llu of seed %llu",
	       divergences, coverage_ops() + (where ? where->op + 1 : 0),
	       (unsigned long long)number, (unsigned long long)shared->seed);
	if (where) {
		printf(", operation %d: ", where->op);
		if (where->op < program.nr)
			op_print(stdout, &program.op[where->op]);
		printf("\n#   left side:  ");
		print_record(stdout, &where->left);
		printf("\n#   right side: ");
		print_record(stdout, &where->right);
		printf("\n");
	} else {
		printf("\n# %s\n", workers_trouble());
	}
	fflush(stdout);
	if (!minimise(&program)) {
		printf("# not seen in ten more runs of --print %llu --seed %llu\n",
		       (unsigned long long)number,
		       (unsigned long long)shared->seed);
		return;
	}
	/* Once more, for the outcomes. */
	program_diverges(&program, 10);
	show(&program, number);
}

static void check_batch(void)
{
	struct divergence where;

	for (int i = 0; i < shared->count; i++) {
		if (logs_agree(i, &where)) {
			coverage_add(i);
			continue;
		}
		/* Minimising uses the logs' memory, so the rest runs again. */
		diverged(shared->first + i, &where);
		shared->count = i + 1;
		return;
	}
}

/* Both workers again, program by program, to find the one that hangs. */
static void check_trouble(void)
{
	static struct program program;
	int count = shared->count;

	for (int i = 0; i < count; i++) {
		generate(&program, shared->seed, shared->first + i);
		if (!program_diverges(&program, 2))
			continue;
		diverged(shared->first + i, NULL);
		shared->count = i + 1;
		return;
	}
	divergences++;
	printf("# a batch did not end, but each of its programs does\n");
}

static void run(void)
{
	double began = now();

	shared->first = 0;
	while (coverage_ops() < most_ops && divergences < most_divergences) {
		shared->count = BATCH;
		if (workers_run(ORDER_BATCH) == RUN_DONE) {
			check_batch();
		} else {
			printf("# %s\n", workers_trouble());
			fflush(stdout);
			check_trouble();
		}
		shared->first += shared->count;
	}
	seconds = now() - began;
	workers_stop();
}

static int result(int number, const char *claim, int bad)
{
	printf("%sok %d %s\n", bad ? "not " : "", number, claim);
	fflush(stdout);
	return bad ? 1 : 0;
}

static int report(void)
{
	bool must_show = coverage_ops() >= LONG_RUN && !divergences;
	int holes, unseen, failures;

	printf("1..3\n");
	if (json)
		fprintf(json, "{\"seed\":%llu,\"ops\":%lu,",
			(unsigned long long)shared->seed, coverage_ops());
	if (json)
		fprintf(json, "\"divergences\":%d,\"seconds\":%.1f,",
			divergences, seconds);
	holes = coverage_report(json, must_show);
	printf("# known differences, and how often they showed:\n");
	if (json)
		fprintf(json, "\"differences\":{");
	unseen = differences_report(json, must_show);
	if (json)
		fprintf(json, "},\"holes\":%d}\n", holes + unseen);
	printf("# seed %llu: %lu operations, %d divergences, %.1f s, %.0f operations/s\n",
	       (unsigned long long)shared->seed, coverage_ops(), divergences,
	       seconds, coverage_ops() / seconds);
	failures = result(1, "both_sides_agree", divergences);
	failures += result(2, "every_kind_ran_and_every_outcome_came", holes);
	failures += result(3, "every_known_difference_showed", unseen);
	return failures ? 1 : 0;
}

static int replay(const char *path)
{
	static struct program program;
	FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;
	char line[1024];
	bool diverges;

	if (!file) {
		perror(path);
		return 2;
	}
	while (program.nr < PROGRAM_MOST && fgets(line, sizeof(line), file)) {
		if (line[strspn(line, " \t\n")] == '#' ||
		    !line[strspn(line, " \t\n")])
			continue;
		if (!op_parse(line, &program.op[program.nr++])) {
			fprintf(stderr, "oracle: %s: what is this: %s", path,
				line);
			return 2;
		}
	}
	printf("1..1\n");
	diverges = program_diverges(&program, 10);
	if (*workers_trouble())
		printf("# %s\n", workers_trouble());
	print_program(stdout, &program, "# ");
	workers_stop();
	return result(1, "both_sides_agree", diverges);
}

static int print_one(uint64_t number)
{
	static struct program program;

	generate(&program, shared->seed, number);
	for (int i = 0; i < program.nr; i++) {
		op_print(stdout, &program.op[i]);
		printf("\n");
	}
	return 0;
}

static void use(void)
{
	fprintf(stderr,
		"usage: oracle [--ops N] [--seed S] [--sides A,B] [--free-running]\n"
		"              [--cpu N] [--json FILE] [--out DIR] [--most N]\n"
		"       oracle --replay FILE | --print N [--seed S]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ops", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "sides", required_argument, NULL, 'S' },
		{ "free-running", no_argument, NULL, 'f' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "json", required_argument, NULL, 'j' },
		{ "out", required_argument, NULL, 'o' },
		{ "most", required_argument, NULL, 'm' },
		{ "replay", required_argument, NULL, 'r' },
		{ "print", required_argument, NULL, 'p' },
		{ },
	};
	const char *side_names = "native,epollx", *file = NULL, *number = NULL;
	enum side sides[2];
	int option;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	shared->seed = 1;
	shared->lock_step = true;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'n')
			most_ops = strtoul(optarg, NULL, 0);
		else if (option == 's')
			shared->seed = strtoull(optarg, NULL, 0);
		else if (option == 'S')
			side_names = optarg;
		else if (option == 'f')
			shared->lock_step = false;
		else if (option == 'c')
			shared->cpu = atoi(optarg);
		else if (option == 'j')
			json = fopen(optarg, "a");
		else if (option == 'o')
			out_directory = optarg;
		else if (option == 'm')
			most_divergences = atoi(optarg);
		else if (option == 'r')
			file = optarg;
		else if (option == 'p')
			number = optarg;
		else
			use();
	}
	if (number)
		return print_one(strtoull(number, NULL, 0));
	set_sides(side_names, sides);
	read_differences(sides);
	workers_init(sides, SECONDS * time_factor());
	if (file)
		return replay(file);
	run();
	return report();
}
