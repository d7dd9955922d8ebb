/* SPDX-License-Identifier: MIT */
/* Two logs of one program, the differences that are known, and coverage. */
#ifndef EPX_ORACLE_COMPARE_H
#define EPX_ORACLE_COMPARE_H

#include "oracle.h"

/**
 * struct divergence - where two logs of a program part
 * @op: the first operation with two outcomes
 * @left: its record on one side
 * @right: and on the other; kind KINDS where there is none
 */
struct divergence {
	int op;
	struct record left;
	struct record right;
};

/* Compares the logs of program @index of the batch; false if they differ. */
bool logs_agree(int index, struct divergence *where);

/* differences.c: the table, and how often each of its rows was needed. */
void differences_read(const char *path);
void differences_forget(void);
bool difference_is_known(const struct record *native,
			 const struct record *epollx);
/* While minimising, matches do not count as coverage. */
extern bool differences_count;
int differences_report(FILE *json, bool must_show);

/* coverage.c: what has been run, and what has come of it. */
void coverage_add(int index);
unsigned long coverage_ops(void);
int coverage_report(FILE *json, bool must_show);

#endif /* EPX_ORACLE_COMPARE_H */
