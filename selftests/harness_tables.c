// SPDX-License-Identifier: MIT
/*
 * What the harness compares with: the table of known differences, and the
 * kernel's log, of which only the lines since the last look count.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness_internal.h"

static struct difference *differences;
static size_t difference_count;

/* The kernel that runs now is among @kernels. */
static bool is_for_this_kernel(const char *kernels)
{
	struct utsname name;
	char version[16];
	int major, minor;

	if (!strcmp(kernels, "all"))
		return true;
	uname(&name);
	if (sscanf(name.release, "%d.%d", &major, &minor) != 2)
		return false;
	snprintf(version, sizeof(version), "%d.%d", major, minor);
	for (const char *at = kernels; (at = strstr(at, version)); at++) {
		char before = at == kernels ? ' ' : at[-1];
		char after = at[strlen(version)];

		if ((before == ' ' || before == ',') &&
		    (!after || after == ' ' || after == ','))
			return true;
	}
	return false;
}

static bool next_field(char **line, char *to, size_t size)
{
	char *field = strsep(line, "\t\n");

	if (!field)
		return false;
	snprintf(to, size, "%s", field);
	return true;
}

/* Words of a list to ON_* bits. */
static unsigned int sides_of(char *list)
{
	unsigned int sides = 0;
	char *word;

	while ((word = strsep(&list, " ")))
		for (int where = 0; where < SIDES; where++)
			if (!strcmp(word, side_names[where]))
				sides |= 1U << where;
	return sides;
}

/*
 * Columns: id, point, test, observation, native, epollx, kernels, sides,
 * reason.
 */
void differences_load(const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	if (!file) {
		fprintf(stderr, "harness: cannot read %s: %s\n", path,
			strerror(errno));
		exit(2);
	}
	while (getline(&line, &size, file) > 0) {
		struct difference row;
		char *rest = line, point[32], sides[32];

		if (line[0] == '#' || line[0] == '\n' ||
		    !strncmp(line, "id\t", 3))
			continue;
		if (!next_field(&rest, row.id, sizeof(row.id)) ||
		    !next_field(&rest, point, sizeof(point)) ||
		    !next_field(&rest, row.test, sizeof(row.test)) ||
		    !next_field(&rest, row.what, sizeof(row.what)) ||
		    !next_field(&rest, row.native, sizeof(row.native)) ||
		    !next_field(&rest, row.epollx, sizeof(row.epollx)) ||
		    !next_field(&rest, row.kernels, sizeof(row.kernels)) ||
		    !next_field(&rest, sides, sizeof(sides))) {
			fprintf(stderr, "harness: %s: row \"%s\" is short\n",
				path, row.id);
			exit(2);
		}
		row.sides = sides_of(sides);
		if (!row.sides) {
			fprintf(stderr, "harness: %s: row \"%s\" is for no side\n",
				path, row.id);
			exit(2);
		}
		if (!is_for_this_kernel(row.kernels))
			continue;
		differences = realloc(differences, (difference_count + 1) *
				      sizeof(*differences));
		differences[difference_count++] = row;
	}
	free(line);
	fclose(file);
}

const struct difference *difference_find(const char *test, const char *what,
					 enum side where)
{
	for (size_t i = 0; i < difference_count; i++)
		if (differences[i].sides & (1U << where) &&
		    !strcmp(differences[i].test, test) &&
		    !strcmp(differences[i].what, what))
			return &differences[i];
	return NULL;
}

/* A row for this test of which the test did not say anything, or NULL. */
const struct difference *difference_unobserved(const char *test,
					       const struct outcome *outcome,
					       enum side where)
{
	for (size_t i = 0; i < difference_count; i++) {
		const struct difference *row = &differences[i];
		int seen = 0;

		if (!(row->sides & (1U << where)) || strcmp(row->test, test))
			continue;
		while (seen < outcome->count &&
		       strcmp(outcome->seen[seen].what, row->what))
			seen++;
		if (seen == outcome->count)
			return row;
	}
	return NULL;
}

static bool is_alarming(const char *line)
{
	static const char * const words[] = {
		"WARNING:", "BUG:", "Oops:", "KASAN:", "UBSAN:", "INFO: task",
		"possible circular locking", "suspicious RCU", "Call Trace:",
		"ODEBUG:", "unreferenced object", "list_add corruption",
		"list_del corruption",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

/* The first alarming line of the kernel's log since the last call, or NULL. */
const char *kernel_log_new(void)
{
	static char alarm_line[TEXT_SIZE];
	static int fd = -2;
	char line[2048];
	ssize_t got;

	alarm_line[0] = 0;
	if (fd == -2) {
		fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0)
			lseek(fd, 0, SEEK_END);
	}
	if (fd < 0)
		return NULL;
	/* EPIPE: lines were overwritten before we read them; go on. */
	while ((got = read(fd, line, sizeof(line) - 1)) > 0 ||
	       (got < 0 && errno == EPIPE)) {
		if (got < 0)
			continue;
		line[got] = 0;
		if (!alarm_line[0] && is_alarming(line))
			snprintf(alarm_line, sizeof(alarm_line), "%.*s",
				 TEXT_SIZE - 1, strchr(line, ';') ?: line);
	}
	return alarm_line[0] ? alarm_line : NULL;
}
