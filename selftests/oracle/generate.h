/* SPDX-License-Identifier: MIT */
/* What generate.c (which operations) and operands.c (on what) share. */
#ifndef EPX_ORACLE_GENERATE_H
#define EPX_ORACLE_GENERATE_H

#include "oracle.h"

#define STYLE_THREADS	(1 << 0)
#define STYLE_CHILD	(1 << 1)
#define STYLE_PTY	(1 << 2)
#define STYLE_TCP	(1 << 3)
#define STYLE_NESTED	(1 << 4)
#define STYLE_SMALL	(1 << 5)
#define STYLE_SOURCES	(1 << 6)

/* Any one of an array's. */
#define OF(g, table) table[random_below(g, sizeof(table) / sizeof((table)[0]))]

/**
 * struct generator - a program in the making
 * @state: of the random numbers
 * @model: what the numbers would stand for by now
 * @by: who does the next operation
 * @style: STYLE_* bits
 * @data: data words so far
 */
struct generator {
	uint64_t state;
	struct model model;
	enum process by;
	unsigned int style;
	unsigned int data;
};

uint64_t random_next(struct generator *g);
unsigned int random_below(struct generator *g, unsigned int limit);
bool one_in(struct generator *g, unsigned int n);
int pick(struct generator *g, unsigned int natures);
int pick_any(struct generator *g);
int pick_free(struct generator *g);

/* Fills in the arguments; false if the kind has no sense now. */
bool operands(struct generator *g, struct op *op);
/* operands_source.c: those of sources */
bool operands_source(struct generator *g, struct op *op);
bool source_is_refused(const struct op *op);
/* It will fail, whatever the state of the world. */
bool operands_are_refused(const struct op *op);

#endif /* EPX_ORACLE_GENERATE_H */
