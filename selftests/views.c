// SPDX-License-Identifier: MIT
/* The views of /sys/kernel/debug/epollx, parsed. See views.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "views.h"

void need_views(void)
{
	if (geteuid())
		SKIP("needs root, for debugfs");
}

FILE *open_view(const char *name)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), VIEWS "%s", name);
	file = fopen(path, "re");
	ASSERT_TRUE(file);
	return file;
}

void parse_instance(const char *line, struct instance *instance)
{
	int fields = sscanf(line,
			    "id=%llu user=%u watches=%u dead=%u ready=%u incoming=%u graveyard=%u sleepers=%7s pollers=%7s",
			    &instance->id, &instance->user, &instance->watches,
			    &instance->dead, &instance->ready,
			    &instance->incoming, &instance->graveyard,
			    instance->sleepers, instance->pollers);

	ASSERT_EQ(fields, 9);
}

/* The last line's; the numbers must grow from line to line. */
bool newest_instance(struct instance *instance)
{
	FILE *file = open_view("instances");
	char line[256];
	bool found = false;

	memset(instance, 0, sizeof(*instance));
	while (fgets(line, sizeof(line), file)) {
		unsigned long long before = instance->id;

		parse_instance(line, instance);
		EXPECT_GT(instance->id, before);
		found = true;
	}
	fclose(file);
	return found;
}

int new_numbered_ep(unsigned long long *id)
{
	struct instance before, after;
	int ep;

	newest_instance(&before);
	ep = new_ep();
	ASSERT_TRUE(newest_instance(&after));
	ASSERT_GT(after.id, before.id);
	*id = after.id;
	return ep;
}

bool find_instance(unsigned long long id, struct instance *instance)
{
	FILE *file = open_view("instances");
	char line[256];
	bool found = false;

	while (!found && fgets(line, sizeof(line), file)) {
		parse_instance(line, instance);
		found = instance->id == id;
	}
	fclose(file);
	return found;
}

int find_watches(unsigned long long id, struct watch *watches)
{
	FILE *file = open_view("watches");
	char line[256];
	int count = 0;

	while (fgets(line, sizeof(line), file)) {
		struct watch *w = &watches[count];
		int fields = sscanf(line,
				    "id=%llu watch=%31s file=%31s fd=%d events=%x queued=%u dead=%u hooks=%u",
				    &w->id, w->address, w->file, &w->fd,
				    &w->events, &w->queued, &w->dead,
				    &w->hooks);

		ASSERT_EQ(fields, 8);
		if (w->id == id && ++count == WATCHES_MOST)
			break;
	}
	fclose(file);
	return count;
}

struct watch watch_of(unsigned long long id, int fd)
{
	struct watch watches[WATCHES_MOST], found = {};
	int count = find_watches(id, watches), matches = 0;

	for (int i = 0; i < count; i++) {
		if (watches[i].fd != fd)
			continue;
		found = watches[i];
		matches++;
	}
	ASSERT_EQ(matches, 1);
	return found;
}
