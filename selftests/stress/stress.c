// SPDX-License-Identifier: MIT
/*
 * The driver of the races; see stress.h.
 *
 *   stress [--list] [--only NAME] [--rounds short|full|N] [--seed S]
 *          [--side native|epollx] [--json FILE]
 *
 * Rounds come from selftests/rounds.tsv, a column for stock and for debug
 * kernels each. A race runs in a child with its own process group. It fails
 * on a broken invariant, when no round ends for a while (a lost wake-up, a
 * deadlock), when objects, watches or files are left over, and on epollx when
 * its window was never hit. A line of TAP for each.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

#define STALL_SECONDS	30
/*
 * The short rounds of all races take no longer: fewer on a busy machine. Each
 * may take half as much again as its share of what is left, and leaves what it
 * does not need to those after it; half an even share it has in any case.
 */
#define SHORT_SECONDS		50
#define SHORT_SECONDS_DEBUG	80

/* Of a race whose window has not been hit. */
#define ATTEMPTS	4

uint64_t stress_seed = 1;

static enum side stress_side = EPX;
static struct race *races, **last_race = &races;
struct shared *shared;
static const char *rounds_text = "short";
static FILE *json;
static int line, failures;
/* Nanoseconds that the short rounds have left, and races that share them. */
static long long time_left, time_least;
static int races_left;

void race_register(struct race *race)
{
	*last_race = race;
	last_race = &race->next;
}

/* What helpers.c wants of a harness. */
enum side side(void)
{
	return stress_side;
}

unsigned int time_factor(void)
{
	const char *kernel = getenv("EPX_KERNEL");

	return kernel && !strncmp(kernel, "debug", 5) ? 10 : 1;
}

static void verdict(const char *format, va_list args)
{
	if (!atomic_exchange(&shared->failed, 1))
		vsnprintf(shared->text, sizeof(shared->text), format, args);
}

void test_fail(const char *file, int at, const char *format, ...)
{
	va_list args;

	(void)file;
	(void)at;
	va_start(args, format);
	verdict(format, args);
	va_end(args);
}

void test_abort(void)
{
	_exit(1);
}

void race_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	verdict(format, args);
	va_end(args);
	_exit(1);
}

void race_skip(const char *why)
{
	snprintf(shared->text, sizeof(shared->text), "%s", why);
	atomic_store(&shared->skipped, 1);
	_exit(0);
}

void race_hit(void)
{
	atomic_fetch_add(&shared->hits, 1);
}

void race_rounds(long nr)
{
	atomic_fetch_add(&shared->round, nr);
}

bool race_goes_on(long done, long rounds)
{
	return done < rounds &&
	       (!shared->deadline || now_ns() < shared->deadline);
}

static long rounds_of(const char *name)
{
	int column = (time_factor() > 1 ? 2 : 0) + !strcmp(rounds_text, "full");
	char path[4096], text[256], race[64];
	long n[4], found = -1;
	FILE *file;

	if (strcmp(rounds_text, "short") && strcmp(rounds_text, "full"))
		return atol(rounds_text);
	source_path(path, sizeof(path), "selftests/rounds.tsv");
	file = fopen(path, "r");
	if (!file)
		return -1;
	while (fgets(text, sizeof(text), file))
		if (sscanf(text, "%63s %ld %ld %ld %ld", race, &n[0], &n[1],
			   &n[2], &n[3]) == 5 && !strcmp(race, name))
			found = n[column];
	fclose(file);
	return found;
}

static void run_child(struct race *race, long rounds)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	random_start(0);
	race->run(rounds);
	_exit(0);
}

/* The child has ended, or no round for too long. */
static void supervise(pid_t pid)
{
	long long limit = STALL_SECONDS * 1000000000LL * time_factor();
	long long moved = now_ns();
	long seen = -1;
	int status;

	for (;;) {
		long round = atomic_load(&shared->round);

		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		if (round != seen) {
			seen = round;
			moved = now_ns();
		} else if (now_ns() - moved > limit) {
			test_fail("", 0, "no round ended for %lld s, after %ld rounds",
				  limit / 1000000000, round);
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			return;
		}
		usleep(5000);	/* between looks, until the limit */
	}
	kill(-pid, SIGKILL);
	if (status && !atomic_load(&shared->failed))
		test_fail("", 0, "ended with wait status %#x", status);
}

static bool is_wanted(const struct race *race, const char *only)
{
	return !only || !strcmp(race->name, only);
}

/* From here on the short rounds of the wanted races share this time. */
static void time_share(const char *only)
{
	time_left = 1000000000LL * (time_factor() > 1 ? SHORT_SECONDS_DEBUG :
				    SHORT_SECONDS);
	for (struct race *race = races; race; race = race->next)
		races_left += is_wanted(race, only);
	if (!races_left)
		return;
	time_least = time_left / races_left / 2;
}

static long long time_of_race(void)
{
	long long time = 3 * time_left / races_left / 2;

	return time > time_least ? time : time_least;
}

static void report(struct race *race, long rounds, long hits,
		   const char *terms, double seconds)
{
	bool failed = atomic_load(&shared->failed);
	bool skipped = atomic_load(&shared->skipped) && !failed;
	long round = atomic_load(&shared->round);
	const char *cut = !failed && round < rounds ? " (time was up)" : "";

	if (skipped)
		printf("ok %d %s # SKIP %s\n", ++line, race->name,
		       shared->text);
	else
		printf("%sok %d %s # %ld of %ld rounds%s, window hit %ld times%s, %.1f s\n",
		       failed ? "not " : "", ++line, race->name, round,
		       rounds, cut, hits, terms, seconds);
	if (failed)
		printf("# %s: %s; again: --only %s --seed %llu --rounds %s\n",
		       race->name, shared->text, race->name,
		       (unsigned long long)stress_seed, rounds_text);
	failures += failed;
	fflush(stdout);
	if (!json)
		return;
	fprintf(json, "{\"test\":\"%s\",\"points\":[],\"side\":\"%s\",",
		race->name, side() == NATIVE ? "native" : "epollx");
	fprintf(json, "\"outcome\":\"%s\",\"observed\":{\"rounds\":%ld,",
		failed ? "fail" : skipped ? "skip" : "pass", round);
	fprintf(json, "\"asked\":%ld,\"hits\":%ld,\"seed\":%llu,", rounds, hits,
		(unsigned long long)stress_seed);
	fprintf(json, "\"ms\":%.0f}}\n", seconds * 1000);
	fflush(json);
}

/*
 * Once, or again while its window has not been hit: where the host gives the
 * VM one CPU's time only, the two sides may miss each other for seconds.
 */
static long run_until_hit(struct race *race, long rounds,
			  const struct counters *before, char *terms,
			  unsigned long size)
{
	bool is_short = !strcmp(rounds_text, "short");
	struct counters after;
	long hits = 0;
	pid_t pid;

	for (int i = 0; i < ATTEMPTS && !hits; i++) {
		if (is_short)
			shared->deadline = now_ns() + time_of_race();
		pid = fork();
		if (!pid)
			run_child(race, rounds);
		if (pid > 0)
			supervise(pid);
		counters_read(&after);
		hits = window_hits(race->window, before, &after, terms, size);
		if (atomic_load(&shared->failed) ||
		    atomic_load(&shared->skipped) || side() == NATIVE)
			break;
	}
	return hits;
}

static void run(struct race *race)
{
	long rounds = rounds_of(race->name), hits = 0;
	struct counters before;
	struct balance balance;
	char terms[160] = "";
	long long began;
	char why[200];

	memset(shared, 0, sizeof(*shared));
	balance_take(&balance, race->files);
	counters_read(&before);
	fflush(NULL);
	began = now_ns();
	if (rounds <= 0)
		test_fail("", 0, "rounds.tsv has no row for this race");
	else
		hits = run_until_hit(race, rounds, &before, terms,
				     sizeof(terms));
	if (!atomic_load(&shared->failed) && !atomic_load(&shared->skipped)) {
		if (!balance_returns(&balance, race->files, why, sizeof(why)))
			test_fail("", 0, "left over: %s", why);
		else if (!hits && side() == EPX)
			test_fail("", 0, "its window was never hit (%s)",
				  race->window);
	}
	time_left -= now_ns() - began;
	report(race, rounds, hits, terms, (now_ns() - began) / 1e9);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "side", required_argument, NULL, 's' },
		{ "only", required_argument, NULL, 'o' },
		{ "filter", required_argument, NULL, 'o' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 'S' },
		{ "json", required_argument, NULL, 'j' },
		{ },
	};
	const char *only = NULL;
	bool list = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'l')
			list = true;
		else if (option == 's')
			stress_side = strcmp(optarg, "native") ? EPX : NATIVE;
		else if (option == 'o')
			only = optarg;
		else if (option == 'r')
			rounds_text = optarg;
		else if (option == 'S')
			stress_seed = strtoull(optarg, NULL, 0);
		else if (option == 'j')
			json = fopen(optarg, "a");
		else
			return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	if (!list && side() == EPX && access("/dev/epollx", F_OK)) {
		fprintf(stderr, "stress: no /dev/epollx: load the module, or --side native\n");
		return 2;
	}
	time_share(only);
	for (struct race *race = races; race; race = race->next) {
		if (!is_wanted(race, only))
			continue;
		if (list) {
			printf("%s\t%s\n", race->name, race->window);
			continue;
		}
		run(race);
		races_left--;
	}
	if (!list)
		printf("1..%d\n", line);
	return failures || (!list && !line) ? 1 : 0;
}
