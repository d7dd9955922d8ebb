// SPDX-License-Identifier: MIT
/*
 * An executor inside of GLib's main loop.
 *
 * Three things make it due: its descriptor is readable, which events of the
 * kernel and wakes by other threads do; a timer; and a task that can go on.
 * epx_next() knows of the last two. Whatever other sources do in this thread, a
 * spawn or a wake, is seen by the prepare() in front of the next poll(2).
 */
#include <glib-unix.h>

#include "glib_source.h"

/* In milliseconds, not too early. */
static gboolean prepare(GSource *base, gint *timeout)
{
	struct glib_source *source = (struct glib_source *)base;
	int64_t next = epx_next(source->exec);

	*timeout = -1;
	if (next != EPX_NEVER)
		*timeout = MIN((next + EPX_MSEC - 1) / EPX_MSEC, G_MAXINT);
	return next == 0;
}

static gboolean check(GSource *base)
{
	struct glib_source *source = (struct glib_source *)base;

	/* GLib itself looks at the descriptor. */
	return epx_next(source->exec) == 0;
}

static gboolean dispatch(GSource *base, GSourceFunc callback, gpointer data)
{
	struct glib_source *source = (struct glib_source *)base;

	(void)callback;
	(void)data;
	return epx_run_once(source->exec, 0) < 0 ? G_SOURCE_REMOVE :
						   G_SOURCE_CONTINUE;
}

struct glib_source *glib_source_new(struct epx_exec *exec)
{
	static GSourceFuncs functions = {
		.prepare = prepare,
		.check = check,
		.dispatch = dispatch,
	};
	struct glib_source *source;
	int fd = epx_fd(exec);

	if (fd < 0)
		return NULL;
	source = (struct glib_source *)g_source_new(&functions,
						    sizeof(*source));
	source->exec = exec;
	g_source_add_unix_fd(&source->base, fd, G_IO_IN);
	return source;
}
