// SPDX-License-Identifier: MIT
/*
 * libev: idle watchers for soon, async watchers for wakes.
 */
#include <ev.h>

#include "rawio.h"

static _Thread_local struct ev_loop *loop;

static struct job *job_of(void *watcher)
{
	return (struct job *)watcher - 1;
}

static void *watcher_of(struct job *job)
{
	return job + 1;
}

static void ev_open(bool threads)
{
	(void)threads;
	loop = ev_loop_new(EVBACKEND_EPOLL);
	must(!!loop, "ev_loop_new");
}

static void ev_end(void)
{
	ev_loop_destroy(loop);
}

static void ev_go(void)
{
	ev_run(loop, 0);
}

static void ev_halt(void)
{
	ev_break(loop, EVBREAK_ALL);
}

static void ev_turn(void)
{
	ev_run(loop, EVRUN_NOWAIT);
}

static void timer_came(struct ev_loop *from, ev_timer *timer, int what)
{
	(void)from;
	(void)what;
	job_of(timer)->fn(job_of(timer));
}

static void timer_init(struct job *job)
{
	ev_init((ev_timer *)watcher_of(job), timer_came);
}

static void timer_set(struct job *job, int64_t ns)
{
	ev_timer *timer = watcher_of(job);

	ev_timer_set(timer, ns / 1e9, 0.);
	ev_timer_start(loop, timer);
}

static void timer_clear(struct job *job)
{
	ev_timer_stop(loop, watcher_of(job));
}

static void soon_came(struct ev_loop *from, ev_idle *idle, int what)
{
	(void)what;
	ev_idle_stop(from, idle);
	job_of(idle)->fn(job_of(idle));
}

static void soon_init(struct job *job)
{
	ev_idle_init((ev_idle *)watcher_of(job), soon_came);
}

static void soon(struct job *job)
{
	ev_idle_start(loop, watcher_of(job));
}

static void wake_came(struct ev_loop *from, ev_async *async, int what)
{
	(void)from;
	(void)what;
	job_of(async)->fn(job_of(async));
}

/* An ev_async, and the loop that it is in, which others need for a wake. */
struct wake {
	ev_async async;
	struct ev_loop *loop;
};

static void wake_init(struct job *job)
{
	struct wake *wake = watcher_of(job);

	wake->loop = loop;
	ev_async_init(&wake->async, wake_came);
	ev_async_start(loop, &wake->async);
}

static void wake(struct job *job)
{
	struct wake *wake = watcher_of(job);

	ev_async_send(wake->loop, &wake->async);
}

static void wake_end(struct job *job)
{
	ev_async_stop(loop, watcher_of(job));
	job_ended(job);
}

static ev_io *io_of(struct raw *raw)
{
	return (ev_io *)(raw + 1);
}

static void io_came(struct ev_loop *from, ev_io *io, int what)
{
	(void)from;
	(void)what;
	raw_ready((struct raw *)io - 1);
}

void raw_start(struct raw *raw, bool write)
{
	ev_io_init(io_of(raw), io_came, raw->fd, write ? EV_WRITE : EV_READ);
	ev_io_start(loop, io_of(raw));
}

void raw_stop(struct raw *raw)
{
	ev_io_stop(loop, io_of(raw));
}

const struct peer peer = {
	.timer_size = sizeof(ev_timer), .soon_size = sizeof(ev_idle),
	.wake_size = sizeof(struct wake),
	.conn_size = sizeof(struct raw) + sizeof(ev_io),
	.open = ev_open, .close = ev_end, .run = ev_go, .stop = ev_halt,
	.turn = ev_turn, .timer_init = timer_init, .timer_set = timer_set,
	.timer_clear = timer_clear, .timer_end = job_ended,
	.soon_init = soon_init, .soon = soon, .soon_end = job_ended,
	.wake_init = wake_init, .wake = wake, .wake_end = wake_end,
	.listen = raw_listen, .unlisten = raw_unlisten, .connect = raw_connect,
	.write = raw_write, .shut = raw_shut,
};
