// SPDX-License-Identifier: MIT
/*
 * The shortest program that still diverges: pieces are left out, large ones
 * first, as long as the rest diverges (Zeller's delta debugging); then bits of
 * masks and arguments are made plain. What diverges only sometimes is given
 * several tries each time.
 */
#include <string.h>

#include "compare.h"

#define TRIES_SOMETIMES	6

static int tries = 1;

bool program_diverges(const struct program *program, int most)
{
	struct divergence where;
	bool diverges = false;

	differences_count = false;
	shared->given = *program;
	for (int i = 0; i < most && !diverges; i++)
		diverges = workers_run(ORDER_GIVEN) != RUN_DONE ||
			   !logs_agree(0, &where);
	differences_count = true;
	return diverges;
}

static void leave_out(const struct program *from, int first, int nr,
		      struct program *to)
{
	memcpy(to->op, from->op, first * sizeof(from->op[0]));
	memcpy(to->op + first, from->op + first + nr,
	       (from->nr - first - nr) * sizeof(from->op[0]));
	to->nr = from->nr - nr;
}

/* One pass with pieces of @size; true if anything could be left out. */
static bool shorten(struct program *program, int size)
{
	static struct program shorter;
	bool did = false;

	/* From the end: what follows the divergence goes first. */
	for (int first = program->nr - size; first > -size; first -= size) {
		int at = first < 0 ? 0 : first;
		int nr = first < 0 ? size + first : size;

		if (at + nr > program->nr)
			continue;
		leave_out(program, at, nr, &shorter);
		if (!program_diverges(&shorter, tries))
			continue;
		*program = shorter;
		did = true;
	}
	return did;
}

static bool try_argument(struct program *program, int op, int i,
			 long long value)
{
	long long old = program->op[op].arg[i];

	if (old == value)
		return false;
	program->op[op].arg[i] = value;
	if (program_diverges(program, tries))
		return true;
	program->op[op].arg[i] = old;
	return false;
}

static void plain_events(struct program *program, int op)
{
	for (int bit = 31; bit >= 0; bit--) {
		long long events = program->op[op].arg[3];

		if (events & 1LL << bit)
			try_argument(program, op, 3, events & ~(1LL << bit));
	}
	try_argument(program, op, 4, op);
	try_argument(program, op, 5, POINTER_OK);
}

static void plain_wait(struct program *program, int op)
{
	try_argument(program, op, 2, 0);
	try_argument(program, op, 3, BUFFER_OK);
	if (program->op[op].kind != OP_WAIT) {
		try_argument(program, op, 4, MASK_NULL);
		try_argument(program, op, 5, 8);
	}
}

static void make_plain(struct program *program)
{
	for (int op = 0; op < program->nr; op++) {
		switch (program->op[op].kind) {
		case OP_CTL:
			plain_events(program, op);
			break;
		case OP_WAIT:
		case OP_PWAIT:
		case OP_PWAIT2:
			plain_wait(program, op);
			break;
		case OP_PARK:
			if (try_argument(program, op, 3, CALL_WAIT))
				try_argument(program, op, 4, MASK_NULL);
			break;
		}
	}
}

bool minimise(struct program *program)
{
	/* Fresh workers: it must not take what earlier programs left. */
	workers_stop();
	if (!program_diverges(program, 10))
		return false;
	tries = 1;
	for (int i = 0; i < 3; i++)
		if (!program_diverges(program, 1))
			tries = TRIES_SOMETIMES;
	for (int size = program->nr / 2; size; size /= 2)
		while (shorten(program, size) && size == 1)
			;
	make_plain(program);
	while (shorten(program, 1))
		;
	return true;
}
