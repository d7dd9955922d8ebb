// SPDX-License-Identifier: MIT
/* Operations on instances: the calls that are compared, and what shows them. */
#define _GNU_SOURCE
#include <limits.h>
#include <poll.h>

#include "helpers.h"
#include "world.h"

#define POISON		0xa5
#define POISONED	240	/* bytes: 20 events */

static struct epoll_event *ctl_event(const struct op *op)
{
	struct epoll_event *event = (void *)ARENA_EVENT;

	event->events = op->arg[3];
	event->data.u64 = op->arg[4];
	switch (op->arg[5]) {
	case POINTER_NULL:
		return NULL;
	case POINTER_UNMAPPED:
		return (void *)ARENA_EDGE;
	case POINTER_READONLY:
		return (void *)ARENA_READONLY;
	case POINTER_KERNEL:
		return KERNEL_ADDRESS;
	default:
		return event;
	}
}

/* Was there a watch of another file under this number, and does that live? */
static void note_added(const struct op *op)
{
	struct model *m = &half->model;
	int ep = model_object(m, op->by, op->arg[0]);
	int file = model_object(m, op->by, op->arg[2]);
	int before = file ? m->added[ep][op->arg[2]] : 0;

	if (before && before != file)
		log_tag(TAG_REUSED, m->object[before].refs > 0);
	model_apply(m, op);
}

long long perform_ctl(const struct op *op)
{
	long long ret = ep_ctl_raw(op->arg[0], op->arg[1], op->arg[2],
				   ctl_event(op));

	if (!ret && op->arg[1] == EPOLL_CTL_ADD)
		note_added(op);
	return ret;
}

static struct epoll_event *wait_buffer(const struct op *op)
{
	switch (op->arg[3]) {
	case BUFFER_OK:
		return (void *)ARENA_BUFFER;
	case BUFFER_NULL:
		return NULL;
	case BUFFER_UNMAPPED:
		return (void *)ARENA_EDGE;
	case BUFFER_READONLY:
		return (void *)ARENA_READONLY;
	case BUFFER_KERNEL:
		return KERNEL_ADDRESS;
	default:
		return (void *)(ARENA_EDGE - (op->arg[3] - BUFFER_EDGE));
	}
}

/* Bytes of the buffer that may be looked at. */
static size_t bytes_of(const struct op *op)
{
	if (op->arg[3] == BUFFER_OK)
		return POISONED;
	return op->arg[3] > BUFFER_EDGE ? op->arg[3] - BUFFER_EDGE : 0;
}

static void log_events(const struct op *op, const struct epoll_event *events,
		       int nr)
{
	const unsigned char *bytes = (const void *)events;
	size_t end = bytes_of(op);

	for (int i = 0; i < nr; i++)
		log_event(events[i].events, events[i].data.u64);
	for (size_t i = nr > 0 ? nr * sizeof(*events) : 0; i < end; i++)
		if (bytes[i] != POISON)
			log_tag(TAG_POISON, i << 8 | bytes[i]);
}

static const uint64_t *wait_mask(const struct op *op, uint64_t *mask)
{
	switch (op->arg[4]) {
	case MASK_NULL:
		return NULL;
	case MASK_UNMAPPED:
		return (void *)ARENA_EDGE;
	default:
		*mask = mask_of(op->arg[4], false);
		return mask;
	}
}

static const struct timespec *wait_time(long long time, struct timespec *ts)
{
	*ts = (struct timespec){ 0 };
	switch (time) {
	case TIME_NULL:
		return NULL;
	case TIME_UNMAPPED:
		return (void *)ARENA_EDGE;
	case TIME_NEGATIVE_SEC:
		ts->tv_sec = -1;
		break;
	case TIME_NEGATIVE_NSEC:
		ts->tv_nsec = -1;
		break;
	case TIME_LARGE_NSEC:
		ts->tv_nsec = 1000000000;
		break;
	case TIME_LARGEST:
		ts->tv_sec = LONG_MAX;
		ts->tv_nsec = 999999999;
		break;
	default:
		ts->tv_nsec = time * 1000;
	}
	return ts;
}

static bool is_without_end(const struct op *op)
{
	if (op->kind == OP_PWAIT2)
		return op->arg[2] == TIME_NULL || op->arg[2] == TIME_LARGEST;
	return op->arg[2] < 0 || op->arg[2] > 1000;
}

/* A signal ends the wait at once. */
static bool is_interrupted(const struct op *op)
{
	sigset_t pending;

	return op->kind != OP_WAIT && op->arg[4] == MASK_OPEN &&
	       op->arg[5] == KERNEL_SIGSET_SIZE && !sigpending(&pending) &&
	       sigismember(&pending, SIGNAL_MAIN) == 1;
}

/* A wait without end has to have one: something ready, or a signal. */
static bool would_hang(const struct op *op)
{
	struct pollfd pfd = { .fd = op->arg[0], .events = POLLIN };

	return is_without_end(op) &&
	       model_nature(&half->model, op->by, pfd.fd) == INSTANCE &&
	       poll(&pfd, 1, 0) == 0 && !is_interrupted(op);
}

static long long call(const struct op *op, struct epoll_event *buffer,
		      long long time)
{
	int ep = op->arg[0], max = op->arg[1];
	uint64_t mask;
	const void *pointer = wait_mask(op, &mask);
	struct timespec ts;

	if (op->kind == OP_WAIT)
		return ep_wait(ep, buffer, max, time);
	if (op->kind == OP_PWAIT)
		return ep_pwait(ep, buffer, max, time, pointer, op->arg[5]);
	return ep_pwait2(ep, buffer, max, wait_time(time, &ts), pointer,
			 op->arg[5]);
}

long long perform_wait(const struct op *op)
{
	struct epoll_event *buffer = wait_buffer(op);
	long long time = op->arg[2], ret;
	unsigned int runs = handler_runs;

	if (would_hang(op)) {
		log_tag(TAG_GUARDED, 0);
		time = 0;
	}
	if (bytes_of(op))
		memset(buffer, POISON, bytes_of(op));
	ret = call(op, buffer, time);
	sources_delivered(buffer, ret);
	log_events(op, buffer, ret);
	if (handler_runs != runs)
		log_tag(TAG_HANDLER, handler_mask);
	if (op->kind != OP_WAIT && op->arg[4])
		log_tag(TAG_MASK, current_mask());
	return ret;
}

long long perform_poll(const struct op *op)
{
	struct pollfd pfd = { .fd = op->arg[0], .events = op->arg[1] };
	long long ret = result_of(poll(&pfd, 1, 0));

	log_tag(TAG_VALUE, (unsigned short)pfd.revents);
	return ret;
}
