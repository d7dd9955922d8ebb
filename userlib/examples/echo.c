// SPDX-License-Identifier: MIT
/*
 * TCP echo: echo [PORT]
 */
#include <stdlib.h>

#include "serve.h"

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

static int echo_start(struct epx_group *group, int fd)
{
	struct echo *echo = malloc(sizeof(*echo));
	int err;

	if (!echo)
		return -1;
	epx_io_init(group->exec, &echo->io, fd);
	err = epx_group_spawn(group, EPX_INIT(echo, echo), echo_free);
	if (err)
		free(echo);
	return err;
}

int main(int argc, char **argv)
{
	return serve(argc > 1 ? argv[1] : "7000", echo_start);
}
