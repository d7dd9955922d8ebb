/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the VM's PID 1 share: init-root.c sets the guest up, init.c runs the
 * command, init-verdict.c says how it went. Everything is said on one channel, a serial port
 * of its own, as lines "word rest-of-line"; scripts/vm reads them. PID 1 is single-threaded
 * except for forks, so nothing here needs a lock.
 */
#ifndef EPX_INIT_H
#define EPX_INIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* The settings, as scripts/vm wrote them: one file each, without a newline at the end. */
struct settings {
	char *cwd;
	char *build;		/* the directory shared writable; "" = none */
	char *modules;		/* where the kernel's own modules are on the host; "" = built in */
	char *module;		/* "yes" or "no" */
	char *leaks;		/* "no": without kmemleak's scans */
	char *tmp;		/* "yes": /tmp is a file system of its own */
	char *tty;		/* "" or "rows cols": an interactive shell */
	long timeout;		/* seconds; 0 = the host watches the time alone */
	char **argv;
	char **envp;
};

extern struct settings set;

/* Whatever stops PID 1 from doing its work: the host sees no verdict, only why. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);

/* A file's text, with a zero byte after it; its size in *SIZE, if asked for. */
char *slurp(const char *path, size_t *size);

/* Loads the module whose file is open at FD. */
void load_module(int fd, const char *name);

/* The kernel's own modules that the initramfs carries, dependencies first. */
void load_kernel_modules(void);

/* The overlay becomes the root. */
void make_root(void);

/* /proc, /sys and the others, and build/. */
void mount_friends(void);

/* The guest kernel's modules, where the guest's modprobe looks. */
void bind_modules(void);

void raise_loopback(void);

/* Opens the verdict's serial port; before this, say() writes nowhere. */
void verdict_open(void);

/* One line on the verdict's channel. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);

/* From here on the kernel log counts: everything older is boot noise. */
void log_start(void);

/*
 * Reads the kernel log since log_start(); reports each line that means trouble as "problem
 * ..."; returns their number.
 */
int log_check(void);

/* Where the kernel has kmemleak: forget what boot left behind. */
void leaks_start(void);

/*
 * Where the kernel has kmemleak: two scans, after everything is old enough to be reported;
 * returns the number found.
 */
int leaks_check(void);

/* Writes TEXT to the file PATH; 0, or -1 with errno. */
int write_file(const char *path, const char *text);

#endif
