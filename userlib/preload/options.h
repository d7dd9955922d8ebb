/* SPDX-License-Identifier: MIT */
/*
 * What epollx-run told this process, by its environment:
 *
 *	EPX_OR_NATIVE		set: where the device cannot be had, instances
 *				are native ones
 *	EPX_COUNT_FILE		a file of struct counts that all processes map
 *
 * The environment is read once, by the constructor or by a call that comes
 * before it, and never again: programs move and overwrite it, and getenv(3)
 * beside setenv(3) is not safe. Both readers find the same, so it does not
 * matter who is first, nor if several are.
 */
#ifndef EPOLLX_PRELOAD_OPTIONS_H
#define EPOLLX_PRELOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* In the order of struct counts, which epollx-run prints. */
enum call {
	CALL_CREATE, CALL_CREATE1, CALL_CTL, CALL_WAIT, CALL_PWAIT,
	CALL_PWAIT2, CALLS
};

/**
 * struct counts - the file behind EPX_COUNT_FILE
 * @made: calls by kind, counted before they are made: a process may be
 *	  killed in one
 * @native: how many of them were re-issued to native epoll
 *
 * The same layout for both word sizes. Changed by atomic additions only.
 */
struct counts {
	_Alignas(8) uint64_t made[CALLS];
	_Alignas(8) uint64_t native[CALLS];
};

bool is_or_native(void);
void count_made(enum call call);
void count_native(enum call call);

#endif /* EPOLLX_PRELOAD_OPTIONS_H */
