/* SPDX-License-Identifier: MIT */
/*
 * User events, queues and timers: the calls of the tests, and their line in
 * fdinfo.
 */
#ifndef EPX_TEST_SOURCEFILE_H
#define EPX_TEST_SOURCEFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <epollx.h>

#define MS	1000000LL
#define SEC	(1000 * MS)

/* Add one, armed; what the call returns. */
int add_user(int ep, uint32_t id, uint32_t events, uint64_t data);
int add_queue(int ep, uint32_t id, uint32_t depth, uint32_t events,
	      uint64_t data);
/* @op on a timer of CLOCK_MONOTONIC, relative. */
int set_timer(int ep, int op, uint32_t id, int64_t first, int64_t period);
int timer_on(int ep, int op, uint32_t id, clockid_t clock, uint32_t flags,
	     int64_t first, int64_t period);
int del_source(int ep, uint32_t id);
/* The same change again, as MOD. */
int mod_user(int ep, uint32_t id, uint32_t events, uint64_t data);
int mod_queue(int ep, uint32_t id, uint32_t events, uint64_t data);

/* One event of @ep, with its payload; poisoned before. False: there is none. */
bool next_event(int ep, struct epx_payload_event *event, int64_t timeout);

/* The part of the line of source @id in fdinfo from " kind:" on; false: none. */
bool source_line(int ep, uint32_t id, char *line, size_t size);
int sources_of(int ep);

/* Nanoseconds of @clock. */
int64_t clock_ns(clockid_t clock);
/* Until @clock is past @at; the clock is all that can tell. */
void pass(clockid_t clock, int64_t at);
/* CLOCK_REALTIME by so much, against what it is; and as if it never had been. */
void set_clock(int64_t by);
void set_clock_back(void);

#endif /* EPX_TEST_SOURCEFILE_H */
