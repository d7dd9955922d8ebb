/* SPDX-License-Identifier: MIT */
/*
 * One connection of apps-load: it sends the request, judges the answer, and begins again.
 */
#ifndef APPS_CONNECTION_H
#define APPS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "load.h"

#define ANSWER_BUFFER	(256 * 1024)

enum outcome { ANSWERED, WRONG, REFUSED, CLOSED, KEPT_CLOSED, CUT, LATE, OUTCOMES };

extern const char * const outcome_names[OUTCOMES];

enum kind { EXACT, HTTP, LINE };

/* IDLE has no socket: it connects when its time has come, or never. */
enum state { IDLE, CONNECTING, SENDING, RECEIVING };

struct connection {
	enum state state;
	int fd;
	bool gone;
	long long since;
	unsigned long answers;
	size_t sent, got;
	char *buffer;
};

/* What load.c read from its command line. */
struct settings {
	int port, connections;
	double seconds;
	bool close_each, until_gone;
	enum kind kind;
	char *request, *answer;
	size_t request_size, answer_size;
};

extern struct settings set;

/* What became of all requests so far. */
struct totals {
	unsigned long outcomes[OUTCOMES];
	struct latency latency;
	char first_failure[128];
};

extern struct totals totals;

void connection_start(struct connection *c);
void connection_disconnect(struct connection *c);
void connection_fail(struct connection *c, enum outcome what, int error);
void connection_send(struct connection *c);

/* The socket is ready for what the connection waits for. */
void connection_advance(struct connection *c);

void die(const char *what);

#endif /* APPS_CONNECTION_H */
