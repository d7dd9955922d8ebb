/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of the VM's PID 1 share: init.c sets the guest up and runs the command, init-verdict.c says how
 * it went. Everything is said on one channel, a serial port of its own, as lines "word rest-of-line"; scripts/vm reads
 * them. PID 1 is single-threaded except for forks, so nothing here needs a lock.
 */
#ifndef EPX_INIT_H
#define EPX_INIT_H

#include <stdarg.h>
#include <stdbool.h>

/* Opens the verdict's serial port; before this, say() writes nowhere. */
void verdict_open(void);

/* One line on the verdict's channel. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);

/* From here on the kernel log counts: everything older is boot noise. */
void log_start(void);

/* Reads the kernel log since log_start(); reports each line that means trouble as "problem ..."; returns their number. */
int log_check(void);

/* Where the kernel has kmemleak: forget what boot left behind. */
void leaks_start(void);

/* Where the kernel has kmemleak: two scans, after everything is old enough to be reported; returns the number found. */
int leaks_check(void);

/* Writes TEXT to the file PATH; 0, or -1 with errno. */
int write_file(const char *path, const char *text);

#endif
