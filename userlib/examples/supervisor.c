// SPDX-License-Identifier: MIT
/*
 * Runs commands, and runs them again when they end: supervisor COMMAND...
 *
 * A command that fails is given time, twice as much each time that it fails, up
 * to a second. One that ends with 0 has ended. SIGTERM ends all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <epollx_async.h>

#define PAUSE_FIRST (10 * EPX_MSEC)
#define PAUSE_MOST EPX_SEC

struct service {
	struct epx_future future;
	struct epx_exec *exec;
	const char *command;
	struct epx_child child;
	struct epx_op op;
	struct epx_sleep sleep;
	int64_t pause;
	pid_t pid;
	bool is_open;
};

/* Also where it is dropped: nothing that was started is left behind. */
static void service_end(struct service *me)
{
	if (!me->is_open)
		return;
	kill(me->pid, SIGTERM);
	waitpid(me->pid, NULL, 0);
	epx_child_close(&me->child);
}

static int service_start(struct service *me)
{
	char *argv[4] = { NULL };
	posix_spawnattr_t attributes;
	sigset_t none;
	int err;

	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = (char *)me->command;
	/* Signals are blocked here, and are not to be there. */
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	err = -posix_spawnp(&me->pid, "sh", NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (err)
		return err;
	err = epx_child_open(me->exec, &me->child, me->pid);
	if (err) {
		kill(me->pid, SIGKILL);
		waitpid(me->pid, NULL, 0);
		return err;
	}
	me->is_open = true;
	return 0;
}

EPX_ASYNC(service, service_end)
{
	int err;

	EPX_BEGIN;
	for (;;) {
		err = service_start(me);
		if (err)
			EPX_RETURN(err);
		EPX_TRY(epx_child_wait(&me->op, &me->child));
		epx_child_close(&me->child);
		me->is_open = false;
		if (WIFEXITED(EPX_RES) && !WEXITSTATUS(EPX_RES))
			EPX_RETURN(0);
		printf("%s: status %lld, again in %lld ms\n", me->command,
		       (long long)EPX_RES, (long long)(me->pause / EPX_MSEC));
		fflush(stdout);
		EPX_TRY(epx_sleep(&me->sleep, me->pause));
		if (me->pause < PAUSE_MOST)
			me->pause *= 2;
	}
	EPX_END;
}

struct supervisor {
	struct epx_future future;
	struct epx_group services;
	struct epx_signal signals;
	struct epx_op op;
	struct epx_wait_for wait;
	struct epx_future *first[2];
	struct epx_set set;
};

EPX_ASYNC(supervisor, NULL)
{
	EPX_BEGIN;
	me->first[0] = epx_group_wait(&me->wait, &me->services);
	me->first[1] = epx_signal_next(&me->op, &me->signals);
	EPX_AWAIT(epx_select(&me->set, me->first, 2));
	epx_group_cancel(&me->services);
	EPX_TRY(epx_group_wait(&me->wait, &me->services));
	EPX_END;
}

int main(int argc, char **argv)
{
	struct service *services = calloc(argc, sizeof(*services));
	struct supervisor supervisor;
	struct epx_exec *exec;
	sigset_t mask;
	int i, err;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	if (!services || epx_exec_new(&exec, NULL) ||
	    epx_signal_open(exec, &supervisor.signals, &mask))
		return 1;
	epx_group_init(&supervisor.services, exec);
	for (i = 1; i < argc; i++) {
		services[i].exec = exec;
		services[i].command = argv[i];
		services[i].pause = PAUSE_FIRST;
		epx_group_spawn(&supervisor.services,
				EPX_INIT(&services[i], service), NULL);
	}
	err = epx_block_on(exec, EPX_INIT(&supervisor, supervisor));
	epx_signal_close(&supervisor.signals);
	epx_exec_free(exec);
	free(services);
	printf("all over: %s\n", err ? strerror(-err) : "well");
	return !!err;
}
