// SPDX-License-Identifier: MIT
/*
 * The files that are watched, and what is kept for each of them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"

static void open_one(struct files *files, int i, bool pipes)
{
	int ends[2];
	char byte;

	if (pipes) {
		must(!pipe2(ends, O_NONBLOCK), "pipe");
		files->read[i] = ends[0];
		files->write[i] = ends[1];
		/* So that it has the page that it keeps. */
		must(write(ends[1], "", 1) == 1 && read(ends[0], &byte, 1) == 1,
		     "a pipe");
		return;
	}
	files->read[i] = eventfd(0, EFD_NONBLOCK);
	must(files->read[i] >= 0, "eventfd");
	files->write[i] = files->read[i];
}

void files_open(struct files *files, int count, bool pipes)
{
	files->count = count;
	files->read = malloc(count * sizeof(int));
	files->write = malloc(count * sizeof(int));
	must(files->read && files->write, "memory");
	for (int i = 0; i < count; i++)
		open_one(files, i, pipes);
}

/* As they were opened: what one side has left is not the next one's. */
void files_empty(struct files *files)
{
	uint64_t value;

	for (int i = 0; i < files->count; i++)
		while (read(files->read[i], &value, sizeof(value)) > 0)
			;
}

void files_close(struct files *files)
{
	for (int i = 0; i < files->count; i++) {
		close(files->read[i]);
		if (files->write[i] != files->read[i])
			close(files->write[i]);
	}
	free(files->read);
	free(files->write);
}

void *by_fd_get(struct by_fd *map, int fd, size_t size)
{
	if (fd >= map->most) {
		int most = 2 * fd + 64;

		map->at = realloc(map->at, most * sizeof(*map->at));
		must(!!map->at, "memory");
		memset(map->at + map->most, 0,
		       (most - map->most) * sizeof(*map->at));
		map->most = most;
	}
	if (!map->at[fd]) {
		map->at[fd] = calloc(1, size);
		must(!!map->at[fd], "memory");
	}
	return map->at[fd];
}
