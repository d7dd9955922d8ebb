// SPDX-License-Identifier: MIT
/*
 * A main loop of two kinds of things: glib [MILLISECONDS] [TICKS]
 *
 * A task and a timeout of GLib tick side by side. When both have, it says how
 * many turns the executor took: none while there is nothing to do.
 */
#include <stdio.h>
#include <stdlib.h>

#include "glib_source.h"

struct program {
	struct epx_future future;
	struct epx_interval interval;
	struct epx_tick tick;
	GMainLoop *loop;
	int ticks;
	int wanted;
	int of_glib;
};

static void end_when_all_have_ticked(struct program *me)
{
	if (me->ticks >= me->wanted && me->of_glib >= me->wanted)
		g_main_loop_quit(me->loop);
}

EPX_ASYNC(program, NULL)
{
	EPX_BEGIN;
	while (me->ticks < me->wanted) {
		EPX_TRY(epx_tick(&me->tick, &me->interval));
		me->ticks++;
		printf("task: tick %d\n", me->ticks);
	}
	end_when_all_have_ticked(me);
	EPX_END;
}

static gboolean glib_tick(gpointer arg)
{
	struct program *me = arg;

	me->of_glib++;
	printf("glib: tick %d\n", me->of_glib);
	end_when_all_have_ticked(me);
	return me->of_glib < me->wanted;
}

int main(int argc, char **argv)
{
	int period = argc > 1 ? atoi(argv[1]) : 1000;
	struct program program = { .wanted = argc > 2 ? atoi(argv[2]) : 3 };
	struct epx_metrics metrics;
	struct epx_exec *exec;
	struct glib_source *source;

	if (epx_exec_new(&exec, NULL))
		return 1;
	source = glib_source_new(exec);
	if (!source || epx_interval_init(&program.interval, period * EPX_MSEC,
					 EPX_MISSED_BURST))
		return 1;
	g_source_attach(&source->base, NULL);
	program.loop = g_main_loop_new(NULL, FALSE);
	epx_spawn(exec, EPX_INIT(&program, program), NULL, NULL);
	g_timeout_add(period, glib_tick, &program);
	g_main_loop_run(program.loop);
	epx_metrics(exec, &metrics);
	printf("turns %llu, backend %s\n", (unsigned long long)metrics.turns,
	       metrics.backend);
	g_source_destroy(&source->base);
	g_source_unref(&source->base);
	g_main_loop_unref(program.loop);
	epx_exec_free(exec);
	return 0;
}
