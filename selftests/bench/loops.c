// SPDX-License-Identifier: MIT
/*
 * Event loops compared: libepollx on its backends and its peers. Each is a
 * program of its own (loops/), which is asked over a pipe to run a benchmark
 * once; so memory is that of one of them, and Go and Rust take part.
 *
 * This file starts and asks them, trials.c measures.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "loops.h"

const struct looper loopers[] = {
	{ "libuv", "uv", NULL, NULL },	/* its form is that of side_libuv.c */
	{ "lib-ring", "epollx", "ring", "libepollx on the mapped ring" },
	{ "lib-ioctl", "epollx", "ioctl", "libepollx on the module's ioctls" },
	{ "lib-epoll", "epollx", "epoll", "libepollx on native epoll" },
	{ "libevent", "event", NULL, NULL },
	{ "libev", "ev", NULL, "libev 4.33, its watchers" },
	{ "go", "go", NULL, "Go 1.19, one thread (GOMAXPROCS=1)" },
	{ "tokio", "tokio", NULL, "Tokio 1.24, its runtime of one thread" },
	{ "timerfd", "timerfd", NULL, "a timerfd for each timer, and epoll" },
};

_Static_assert(sizeof(loopers) / sizeof(loopers[0]) == LOOPERS, "loopers");

static const char *program_path(const struct looper *looper)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);

	must(n > 0, "/proc/self/exe");
	path[n] = 0;
	*strrchr(path, '/') = 0;
	strcat(path, "/loops/");
	return strcat(path, looper->program);
}

static bool needs_module(const struct looper *looper)
{
	return looper->backend && strcmp(looper->backend, "epoll");
}

static bool has_module(void)
{
	return !access("/dev/epollx", F_OK);
}

static const char *looper_absent(const struct looper *looper)
{
	if (access(program_path(looper), X_OK))
		return "make loops builds it";
	return needs_module(looper) && !has_module() ?
	       "the module is not loaded" : NULL;
}

bool looper_is_wanted(const struct looper *looper, bool in_kernel)
{
	struct side named = { .name = looper->name,
			      .is_peer = !looper->backend };

	if (looper->backend && !in_kernel &&
	    strcmp(looper->backend, has_module() ? "ring" : "epoll"))
		return false;
	return side_is_wanted(&named) && !looper_absent(looper);
}

static void driver_child(const struct looper *looper, int in, int out)
{
	const char *path = program_path(looper);
	char go;

	/* Its calls are counted from here on. */
	must(read(in, &go, 1) == 1, "a driver's beginning");
	dup2(in, 0);
	dup2(out, 1);
	if (looper->backend)
		setenv("EPOLLX_BACKEND", looper->backend, 1);
	execl(path, path, NULL);
	fail(path);
}

struct driver driver_start(const struct looper *looper, bool calls)
{
	struct driver driver = { .looper = looper, .counter = -1 };
	int ask[2], answer[2];

	must(!pipe2(ask, O_CLOEXEC) && !pipe2(answer, O_CLOEXEC), "pipes");
	driver.pid = fork();
	must(driver.pid >= 0, "fork");
	if (!driver.pid)
		driver_child(looper, ask[0], answer[1]);
	close(ask[0]);
	close(answer[1]);
	if (calls)
		driver.counter = calls_open(driver.pid);
	must(write(ask[1], "", 1) == 1, "a driver's beginning");
	driver.ask = fdopen(ask[1], "w");
	driver.answer = fdopen(answer[0], "r");
	must(driver.ask && driver.answer, "pipes");
	return driver;
}

void driver_stop(struct driver *driver)
{
	kill(driver->pid, SIGKILL);
	waitpid(driver->pid, NULL, 0);
	fclose(driver->ask);
	fclose(driver->answer);
	if (driver->counter >= 0)
		close(driver->counter);
}

int driver_ask(struct driver *driver, const char *name, int x,
	       struct answer *answers)
{
	char line[256];
	int n = 0;

	fprintf(driver->ask, "%s %d\n", name, x);
	fflush(driver->ask);
	for (;;) {
		struct answer *answer = &answers[n];

		must(!!fgets(line, sizeof(line), driver->answer),
		     driver->looper->name);
		if (line[0] == '.')
			return n;
		must(n++ < FIGURES_MOST &&
		     sscanf(line, "%63s %lf %ld", answer->name, &answer->value,
			    &answer->operations) == 3 &&
		     answer->operations > 0, driver->looper->name);
		answer->value /= answer->operations;
	}
}

void print_loopers(void)
{
	for (int i = 0; i < LOOPERS; i++)
		if (loopers[i].form && (!options.is_short || loopers[i].backend))
			figure_side(loopers[i].name, loopers[i].form,
				    looper_absent(&loopers[i]));
}
