// SPDX-License-Identifier: MIT
/*
 * The table of known differences, differences.tsv beside this file: an outcome that the two
 * sides may have, by what the operation is and what its instance's number
 * stood for. It is for results only; events, order and fdinfo have no excuse.
 */
#include <string.h>
#include <sys/utsname.h>

#include "compare.h"

#define ROWS	64

struct row {
	char id[40];
	unsigned long kinds;
	enum target target;
	char native[40];
	long long epollx;
	unsigned long seen;
};

static struct row rows[ROWS];
static int nr_rows;

bool differences_count = true;

static unsigned long kinds_of(const char *text)
{
	unsigned long kind_bits = 0;

	while (*text) {
		size_t length = strcspn(text, " ");

		for (int i = 0; i < KINDS; i++)
			if (strlen(kinds[i].name) == length &&
			    !strncmp(kinds[i].name, text, length))
				kind_bits |= 1UL << i;
		text += length + (text[length] == ' ');
	}
	return kind_bits;
}

static bool is_for_this_kernel(const char *list)
{
	char text[128], version[16], *word, *rest = text;
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	if (sscanf(name.release, "%d.%d", &major, &minor) != 2)
		return false;
	snprintf(version, sizeof(version), "%d.%d", major, minor);
	snprintf(text, sizeof(text), "%s", list);
	while ((word = strsep(&rest, " ,")))
		if (!strcmp(word, "all") || !strcmp(word, version))
			return true;
	return false;
}

/* Columns: id, kinds, target, native, epollx, kernels, reason. */
static bool parse(char *line, struct row *row)
{
	char *field[7];

	for (int i = 0; i < 7; i++)
		field[i] = strsep(&line, "\t\n");
	if (!field[6] || !*field[6])
		return false;
	snprintf(row->id, sizeof(row->id), "%s", field[0]);
	row->kinds = kinds_of(field[1]);
	row->target = !strcmp(field[2], "other") ? TARGET_OTHER :
		      !strcmp(field[2], "closed") ? TARGET_CLOSED :
		      TARGET_INSTANCE;
	snprintf(row->native, sizeof(row->native), "%s", field[3]);
	row->epollx = strtoll(field[4], NULL, 10);
	row->seen = 0;
	return row->kinds && is_for_this_kernel(field[5]);
}

void differences_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1024];

	if (!file) {
		fprintf(stderr, "oracle: cannot read %s: %s\n", path,
			strerror(errno));
		exit(2);
	}
	while (nr_rows < ROWS && fgets(line, sizeof(line), file))
		if (*line != '#' && strncmp(line, "id\t", 3) &&
		    parse(line, &rows[nr_rows]))
			nr_rows++;
	fclose(file);
}

void differences_forget(void)
{
	nr_rows = 0;
}

/* One of several, with spaces between. */
static bool has_number(const char *list, long long number)
{
	char *end;

	for (; *list; list = end) {
		if (strtoll(list, &end, 10) == number)
			return true;
		if (end == list)
			break;
	}
	return false;
}

bool difference_is_known(const struct record *native,
			 const struct record *epollx)
{
	for (int i = 0; i < nr_rows; i++) {
		struct row *row = &rows[i];

		if (!(row->kinds & 1UL << native->kind) ||
		    row->target != native->target ||
		    row->epollx != epollx->ret ||
		    !has_number(row->native, native->ret))
			continue;
		row->seen += differences_count;
		return true;
	}
	return false;
}

int differences_report(FILE *json, bool must_show)
{
	int missing = 0;

	for (int i = 0; i < nr_rows; i++) {
		printf("#   %-28s %10lu\n", rows[i].id, rows[i].seen);
		if (json)
			fprintf(json, "%s\"%s\":%lu", i ? "," : "", rows[i].id,
				rows[i].seen);
		if (must_show && !rows[i].seen) {
			printf("# the known difference %s did not show\n",
			       rows[i].id);
			missing++;
		}
	}
	return missing;
}
