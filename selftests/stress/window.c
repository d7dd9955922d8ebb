// SPDX-License-Identifier: MIT
/*
 * A race's window: how often it was hit, by the module's counters and by what
 * the race itself has seen.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "stress.h"

void counters_read(struct counters *counters)
{
	FILE *file = fopen("/sys/kernel/debug/epollx/counters", "r");

	counters->nr = 0;
	if (!file)
		return;
	while (counters->nr < COUNTERS &&
	       fscanf(file, "%31s %ld", counters->name[counters->nr],
		      &counters->value[counters->nr]) == 2)
		counters->nr++;
	fclose(file);
}

static long counter_delta(const struct counters *before,
			  const struct counters *after, const char *name)
{
	for (int i = 0; i < after->nr && i < before->nr; i++)
		if (!strcmp(after->name[i], name))
			return after->value[i] - before->value[i];
	return 0;
}

long window_hits(const char *window, const struct counters *before,
		 const struct counters *after, char *terms, unsigned long size)
{
	char text[128], *name, *rest = NULL;
	unsigned long used = 0;
	long least = -1;

	*terms = 0;
	if (side() == NATIVE)
		return atomic_load(&shared->hits);
	snprintf(text, sizeof(text), "%s", window);
	for (name = strtok_r(text, " ", &rest); name;
	     name = strtok_r(NULL, " ", &rest)) {
		long moved = strcmp(name, "met") ?
			     counter_delta(before, after, name) :
			     atomic_load(&shared->hits);

		if (least < 0 || moved < least)
			least = moved;
		if (used < size)
			used += snprintf(terms + used, size - used,
					 "%s%s %ld", used ? ", " : " (", name,
					 moved);
	}
	if (used < size)
		snprintf(terms + used, size - used, ")");
	return least;
}
