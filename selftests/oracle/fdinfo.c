// SPDX-License-Identifier: MIT
/* What an instance's fdinfo says: the set of its watches, and of its sources. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>

#include "world.h"

#define WATCHES_MOST	128

struct watch {
	int tfd;
	uint32_t events;
	uint64_t data;
};

static int compare_watches(const void *a, const void *b)
{
	const struct watch *one = a, *other = b;

	if (one->tfd != other->tfd)
		return one->tfd < other->tfd ? -1 : 1;
	if (one->events != other->events)
		return one->events < other->events ? -1 : 1;
	return (one->data > other->data) - (one->data < other->data);
}

/* "tfd: %8d events: %8x data: %16llx  pos:..." */
static int parse_watches(char *text, struct watch *watches)
{
	int nr = 0;

	for (char *at = text; (at = strstr(at, "tfd:")) &&
	     nr < WATCHES_MOST;) {
		char *end;

		watches[nr].tfd = strtol(at + 4, &end, 10);
		watches[nr].events = strtoul(end + strlen(" events:"), &end,
					     16);
		watches[nr].data = strtoull(end + strlen(" data:"), &at, 16);
		/* One that stands for a source is none for the program. */
		nr += standin_slot(watches[nr].tfd) < 0;
	}
	return nr;
}

static void log_source(uint32_t id, uint32_t events, uint64_t data,
		       uint64_t pending)
{
	log_tag(TAG_SOURCE, events & (EPOLLIN | EPOLLET | EPOLLONESHOT));
	log_word(id);
	log_word(data);
	log_word(pending);
}

/*
 * One line each, as epollx has them: in the order of their ids. How many periods
 * a timer has pending is told by its delivery, which counts them.
 */
static void log_lines(const char *text)
{
	for (const char *at = text; (at = strstr(at, "source:"));) {
		unsigned long long data, pending;
		unsigned int id, events;
		char kind[8];
		bool is_timer;

		if (sscanf(at, "source: %u events: %x data: %llx kind:%7s", &id,
			   &events, &data, kind) != 4)
			world_fail("fdinfo: %.40s", at);
		is_timer = !strcmp(kind, "timer");
		at = strstr(at, " pending:");
		pending = strtoull(at + strlen(" pending:"), NULL, 10);
		log_source(id, events, data, is_timer ? !!pending : pending);
	}
}

static int by_id(const void *a, const void *b)
{
	const uint8_t *one = a, *other = b;
	uint32_t left = half->model.source[*one].id;
	uint32_t right = half->model.source[*other].id;

	return (left > right) - (left < right);
}

static void log_standins(const char *text)
{
	uint32_t events[SOURCES];
	uint64_t data[SOURCES];
	uint8_t slots[SOURCES];
	int nr = 0;

	for (const char *at = text; (at = strstr(at, "tfd:")) && nr < SOURCES;) {
		int slot = standin_slot(strtol(at + 4, (char **)&at, 10));
		char *end;

		if (slot < 0)
			continue;
		events[slot] = strtoul(at + strlen(" events:"), &end, 16);
		data[slot] = strtoull(end + strlen(" data:"), NULL, 16);
		slots[nr++] = slot;
	}
	qsort(slots, nr, sizeof(slots[0]), by_id);
	for (int i = 0; i < nr; i++)
		log_source(half->model.source[slots[i]].id, events[slots[i]],
			   data[slots[i]], standin_holds(slots[i]));
}

static void log_sources(const char *text)
{
	if (side() == NATIVE)
		log_standins(text);
	else
		log_lines(text);
}

/* The set of watches: the order in /proc is that of addresses. */
long long perform_fdinfo(const struct op *op)
{
	static char text[16384];
	struct watch watches[WATCHES_MOST];
	const struct model *m = &half->model;
	ssize_t length;
	char path[64];
	int fd, nr;

	if (model_nature(m, op->by, op->arg[0]) != INSTANCE)
		return SKIPPED;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%lld", op->arg[0]);
	fd = open(path, O_RDONLY);
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length < 0 ? 0 : length] = 0;
	nr = parse_watches(text, watches);
	qsort(watches, nr, sizeof(watches[0]), compare_watches);
	for (int i = 0; i < nr; i++) {
		bool twice = i && watches[i].tfd == watches[i - 1].tfd;
		bool stands = model_object(m, op->by, watches[i].tfd);

		log_tag(twice || !stands ? TAG_ZOMBIE : TAG_FDINFO,
			(uint64_t)watches[i].tfd << 32 | watches[i].events);
		log_word(watches[i].data);
	}
	log_sources(text);
	return nr;
}
