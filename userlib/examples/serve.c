// SPDX-License-Identifier: MIT
/*
 * An accept loop, and a graceful end: no more connections, then some time for
 * those that there are, then the rest is cut off.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"

#define GRACE (2 * EPX_SEC)

struct listener {
	struct epx_future future;
	struct epx_group *connections;
	serve_start_fn start;
	struct epx_io io;
	struct epx_op op;
	struct epx_sleep pause;
};

EPX_ASYNC(listener, NULL)
{
	EPX_BEGIN;
	for (;;) {
		EPX_AWAIT(epx_accept(&me->op, &me->io));
		if (EPX_RES >= 0) {
			if (me->start(me->connections, EPX_RES))
				close(EPX_RES);
		} else if (EPX_RES == -EMFILE || EPX_RES == -ENFILE) {
			/* It waits in the backlog. */
			EPX_AWAIT(epx_sleep(&me->pause, 50 * EPX_MSEC));
		} else if (EPX_RES != -ECONNABORTED) {
			EPX_RETURN(EPX_RES);
		}
	}
	EPX_END;
}

struct program {
	struct epx_future future;
	struct epx_group connections;
	struct listener listener;
	struct epx_signal signals;
	struct epx_op op;
	struct epx_future *first[2];
	struct epx_set set;
	struct epx_wait_for all_over;
	struct epx_timeout grace;
};

static void program_end(struct program *me)
{
	epx_io_close(&me->listener.io);
	epx_signal_close(&me->signals);
}

EPX_ASYNC(program, program_end)
{
	EPX_BEGIN;
	me->first[0] = EPX_INIT(&me->listener, listener);
	me->first[1] = epx_signal_next(&me->op, &me->signals);
	EPX_AWAIT(epx_select(&me->set, me->first, 2));
	epx_io_close(&me->listener.io);
	EPX_AWAIT(epx_timeout(&me->grace,
			      epx_group_wait(&me->all_over, &me->connections),
			      GRACE));
	epx_group_cancel(&me->connections);
	EPX_AWAIT(epx_group_wait(&me->all_over, &me->connections));
	EPX_RETURN(me->first[0]->res == -ECANCELED ? 0 : me->first[0]->res);
	EPX_END;
}

int serve(const char *port, serve_start_fn start)
{
	struct program program;
	struct epx_metrics metrics;
	struct epx_exec *exec;
	sigset_t mask;
	int fd, err;

	err = epx_exec_new(&exec, NULL);
	if (err)
		goto out;
	fd = epx_listen_tcp("127.0.0.1", atoi(port), 1024, 0);
	if (fd < 0) {
		err = fd;
		goto free_exec;
	}
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	err = epx_signal_open(exec, &program.signals, &mask);
	if (err) {
		close(fd);
		goto free_exec;
	}
	epx_io_init(exec, &program.listener.io, fd);
	epx_group_init(&program.connections, exec);
	program.listener.connections = &program.connections;
	program.listener.start = start;
	epx_metrics(exec, &metrics);
	printf("listening on port %d, backend %s\n", epx_port(fd),
	       metrics.backend);
	fflush(stdout);
	err = epx_block_on(exec, EPX_INIT(&program, program));
free_exec:
	epx_exec_free(exec);
out:
	if (err)
		fprintf(stderr, "%s\n", strerror(-err));
	return !!err;
}
