// SPDX-License-Identifier: MIT
/*
 * Polling and dropping.
 *
 * Every end of a future goes through here, so that its ops->end() is called
 * once: after the poll that was ready, or by epx_drop(). A future that awaits
 * another is the only one that knows of it; the other ends first.
 */
#include <assert.h>
#include <errno.h>

#include "exec.h"

static void future_end(struct epx_future *future)
{
	future->flags |= EPX_FUTURE_DONE;
	if (future->ops->end)
		future->ops->end(future);
}

int epx_poll(struct epx_future *future, struct epx_cx *cx)
{
	assert(!(future->flags & EPX_FUTURE_DONE));
	if (future->flags & EPX_FUTURE_DONE)
		return epx_ready(future, -EINVAL);
	if (future->ops->poll(future, cx) == EPX_PENDING)
		return EPX_PENDING;
	future_end(future);
	return EPX_READY;
}

void epx_drop(struct epx_future *future)
{
	struct epx_future *inner = future->awaiting;

	if (future->flags & EPX_FUTURE_DONE)
		return;
	future->awaiting = NULL;
	if (inner)
		epx_drop(inner);
	future->res = -ECANCELED;
	future_end(future);
}

bool epx_budget(struct epx_cx *cx)
{
	if (cx->budget) {
		cx->budget--;
		return true;
	}
	epx_task_wake(cx->task);
	return false;
}
