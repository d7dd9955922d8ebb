/* SPDX-License-Identifier: MIT */
/*
 * An executor inside of GLib's main loop.
 */
#ifndef EPX_EXAMPLES_GLIB_SOURCE_H
#define EPX_EXAMPLES_GLIB_SOURCE_H

#include <glib.h>

#include <epollx_async.h>

struct glib_source {
	GSource base;
	struct epx_exec *exec;
};

/*
 * A source whose dispatch is a turn of the executor, for g_source_attach(). It
 * belongs to the thread of that loop from now on. NULL where the executor has no
 * descriptor. g_source_destroy() and g_source_unref() it before the executor is
 * freed.
 */
struct glib_source *glib_source_new(struct epx_exec *exec);

#endif /* EPX_EXAMPLES_GLIB_SOURCE_H */
