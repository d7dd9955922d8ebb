// SPDX-License-Identifier: MIT
/*
 * libevent: activated events for soon and for wakes. Only a base that other
 * threads wake has locks. Its struct event is public for its size.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>

#include "rawio.h"

static _Thread_local struct event_base *base;

static struct event *event_of(struct job *job)
{
	return (struct event *)(job + 1);
}

static void came(evutil_socket_t fd, short what, void *job)
{
	(void)fd;
	(void)what;
	((struct job *)job)->fn(job);
}

static void ready(evutil_socket_t fd, short what, void *raw)
{
	(void)fd;
	(void)what;
	raw_ready(raw);
}

static void event_open(bool threads)
{
	struct event_config *config;

	must(!evthread_use_pthreads(), "evthread_use_pthreads");
	config = event_config_new();
	if (!threads)
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	must(!!base, "event_base_new");
	event_config_free(config);
}

static void event_close(void)
{
	event_base_free(base);
}

static void event_go(void)
{
	event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void event_halt(void)
{
	event_base_loopbreak(base);
}

static void event_turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_NO_EXIT_ON_EMPTY);
}

static void timer_init(struct job *job)
{
	evtimer_assign(event_of(job), base, came, job);
}

static void timer_set(struct job *job, int64_t ns)
{
	struct timeval time = { ns / 1000000000, ns % 1000000000 / 1000 };

	evtimer_add(event_of(job), &time);
}

static void timer_clear(struct job *job)
{
	evtimer_del(event_of(job));
}

static void soon_init(struct job *job)
{
	event_assign(event_of(job), base, -1, 0, came, job);
}

static void soon(struct job *job)
{
	event_active(event_of(job), 0, 0);
}

static void wake_init(struct job *job)
{
	event_assign(event_of(job), base, -1, EV_PERSIST, came, job);
	event_add(event_of(job), NULL);
}

static void wake_end(struct job *job)
{
	event_del(event_of(job));
	job_ended(job);
}

static struct event *raw_event(struct raw *raw)
{
	return (struct event *)(raw + 1);
}

void raw_start(struct raw *raw, bool write)
{
	event_assign(raw_event(raw), base, raw->fd,
		     (write ? EV_WRITE : EV_READ) | EV_PERSIST, ready, raw);
	event_add(raw_event(raw), NULL);
}

void raw_stop(struct raw *raw)
{
	event_del(raw_event(raw));
}

const struct peer peer = {
	.timer_size = sizeof(struct event), .soon_size = sizeof(struct event),
	.wake_size = sizeof(struct event),
	.conn_size = sizeof(struct raw) + sizeof(struct event),
	.open = event_open, .close = event_close, .run = event_go,
	.stop = event_halt, .turn = event_turn, .timer_init = timer_init,
	.timer_set = timer_set, .timer_clear = timer_clear,
	.timer_end = job_ended, .soon_init = soon_init, .soon = soon,
	.soon_end = job_ended, .wake_init = wake_init, .wake = soon,
	.wake_end = wake_end, .listen = raw_listen, .unlisten = raw_unlisten,
	.connect = raw_connect, .write = raw_write, .shut = raw_shut,
};
