// SPDX-License-Identifier: MIT
/*
 * An executor inside of another event loop.
 *
 * Between two turns it counts as asleep, so that other threads' posts make its
 * descriptor readable.
 */
#include "core/inbox.h"

void epx_exec_leave(struct epx_exec *exec)
{
	/* A post that came before this has nobody to unpark: see epx_next(). */
	if (exec->is_embedded && !epx_exec_fall_asleep(exec))
		exec->park->ops->unpark(exec->park);
}

int epx_fd(struct epx_exec *exec)
{
	int fd = exec->park->ops->fd(exec->park);

	if (fd < 0)
		return fd;
	exec->is_embedded = true;
	epx_exec_leave(exec);
	return fd;
}

int64_t epx_next(struct epx_exec *exec)
{
	int64_t at = epx_exec_deadline(exec, EPX_NEVER), now;

	if (at == 0 || at == EPX_NEVER)
		return at;
	now = epx_time(exec);
	return at > now ? at - now : 0;
}
