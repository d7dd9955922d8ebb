/* SPDX-License-Identifier: MIT */
/*
 * The views of /sys/kernel/debug/epollx, parsed. A line that is not as it must
 * be fails the test.
 *
 * Instances are known by number only, and numbers grow: those of a test are
 * the ones above the largest that was there before.
 */
#ifndef EPX_TEST_VIEWS_H
#define EPX_TEST_VIEWS_H

#include <stdbool.h>
#include <stdio.h>

#define VIEWS		"/sys/kernel/debug/epollx/"
#define WATCHES_MOST	16

/* A line of "instances". */
struct instance {
	unsigned long long id;
	unsigned int user, watches, dead, ready, incoming, graveyard;
	char sleepers[8], pollers[8];
};

/* A line of "watches"; the addresses are identities and nothing more. */
struct watch {
	unsigned long long id;
	char address[32], file[32];
	int fd;
	unsigned int events, queued, dead, hooks;
};

/* Skips the test of who may not read them. */
void need_views(void);
FILE *open_view(const char *name);

void parse_instance(const char *line, struct instance *instance);
/* The newest instance; false where there is none. */
bool newest_instance(struct instance *instance);
bool find_instance(unsigned long long id, struct instance *instance);
/* A new instance, which the test owns, and its number. */
int new_numbered_ep(unsigned long long *id);

/* The watches of instance @id, at most WATCHES_MOST; their number. */
int find_watches(unsigned long long id, struct watch *watches);
/* The one watch of @fd; the test ends where there is not just one. */
struct watch watch_of(unsigned long long id, int fd);

#endif /* EPX_TEST_VIEWS_H */
