// SPDX-License-Identifier: MIT
/*
 * Echo with an executor on each core: cores [PORT] [THREADS]
 *
 * Each thread listens by itself; the kernel gives each connection to one. Only
 * the end is common: a signal comes to the first thread, which aborts the tasks
 * of the others.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <epollx_async.h>

struct echo {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	char buf[16384];
};

static void echo_close(struct echo *me)
{
	epx_io_close(&me->io);
}

EPX_ASYNC(echo, echo_close)
{
	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_recv(&me->op, &me->io, me->buf, sizeof(me->buf)));
		if (!EPX_RES)
			EPX_RETURN(0);
		EPX_TRY(epx_send_all(&me->op, &me->io, me->buf, EPX_RES));
	}
	EPX_END;
}

static void echo_free(struct epx_future *future)
{
	free(future);
}

struct core {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	struct epx_exec *exec;
	struct epx_task *task;
	pthread_t thread;
	int served;
};

EPX_ASYNC(core, NULL)
{
	struct echo *echo;

	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_accept(&me->op, &me->io));
		echo = malloc(sizeof(*echo));
		if (!echo) {
			close(EPX_RES);
			continue;
		}
		epx_io_init(me->exec, &echo->io, EPX_RES);
		if (epx_spawn(me->exec, EPX_INIT(echo, echo), echo_free, NULL))
			epx_drop(&echo->future);
		me->served++;
	}
	EPX_END;
}

static void *core_run(void *arg)
{
	struct core *core = arg;
	struct epx_join_task join;

	epx_block_on(core->exec, epx_join_task(&join, core->task));
	epx_io_close(&core->io);
	epx_exec_free(core->exec);
	return NULL;
}

static int core_start(struct core *core, int port)
{
	int fd = epx_listen_tcp("127.0.0.1", port, 1024, EPX_LISTEN_REUSEPORT);

	if (fd < 0 || epx_exec_new(&core->exec, NULL))
		return -1;
	epx_io_init(core->exec, &core->io, fd);
	if (epx_spawn(core->exec, EPX_INIT(core, core), NULL, &core->task))
		return -1;
	return epx_port(fd);
}

int main(int argc, char **argv)
{
	int port = argc > 1 ? atoi(argv[1]) : 7002, n, i, number;
	struct core *cores;
	sigset_t mask;

	n = argc > 2 ? atoi(argv[2]) : sysconf(_SC_NPROCESSORS_ONLN);
	cores = calloc(n, sizeof(*cores));
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	for (i = 0; i < n; i++) {
		port = cores ? core_start(&cores[i], port) : -1;
		if (port < 0 ||
		    pthread_create(&cores[i].thread, NULL, core_run, &cores[i]))
			return 1;
	}
	printf("listening on port %d, %d threads\n", port, n);
	fflush(stdout);
	sigwait(&mask, &number);
	for (i = 0; i < n; i++)
		epx_abort(cores[i].task);
	for (i = 0; i < n; i++) {
		pthread_join(cores[i].thread, NULL);
		epx_task_put(cores[i].task);
		printf("thread %d served %d\n", i, cores[i].served);
	}
	free(cores);
	return 0;
}
