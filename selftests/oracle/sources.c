// SPDX-License-Identifier: MIT
/*
 * Sources: on epollx as they are, on native epoll by files that stand for them
 * (standin.c).
 *
 * Delivery of a user event or of a timer takes it, so on the native side whoever
 * has the event reads the file, before anybody else runs. A wait with payload is
 * a wait there, with what was read beside each event.
 *
 * Left out, because it has no equivalent: another kind or clock under an id that
 * is taken, posts to timers, the payload of several values of one queue among
 * other events, and of one of several by edge where another instance watches
 * (standin_taken() would tell it). A timer that expires now is awaited where it is set, all
 * others are so far away that they never do; periods are so long that how many
 * have passed is no chance.
 */
#define _GNU_SOURCE
#include <sched.h>

#include <epollx.h>

#include "helpers.h"
#include "sourcefile.h"
#include "world.h"

#define SECOND		1000000000LL
#define AGES		(100000 * SECOND)
/* Of CLOCK_REALTIME, which is old enough. */
#define PERIOD		(1000 * SECOND)
#define PERIODS		3
#define MOST		16

int source_of(uint64_t data)
{
	return (data & SOURCE_BITS) == SOURCE_DATA ? (int)(data & 0xff) : -1;
}

bool source_expires(const struct op *op)
{
	return op->arg[6] >= SOURCE_NOW && op->arg[6] <= SOURCE_PAST_PERIODIC;
}

void source_times(const struct op *op, int64_t *first, int64_t *period,
		  bool *is_absolute)
{
	static const struct {
		int64_t first;
		int64_t period;
		bool is_absolute;
	} times[SOURCE_TIMES] = {
		[SOURCE_FAR] = { AGES, 0, false },
		[SOURCE_FAR_PERIODIC] = { AGES, MS, false },
		[SOURCE_FAR_AT] = { 4000000000 * SECOND, 0, true },
		[SOURCE_LATEST_AT] = { INT64_MAX, AGES, true },
		[SOURCE_NOW] = { 1, 0, false },
		[SOURCE_NOW_PERIODIC] = { 1, AGES, false },
		[SOURCE_PAST_AT] = { 1, 0, true },
		[SOURCE_PAST_PERIODIC] = { 1, AGES, true },
		[SOURCE_NEGATIVE] = { -1, 0, false },
		[SOURCE_NEGATIVE_PERIOD] = { AGES, -1, false },
	};
	int how = op->arg[6];

	*first = times[how].first;
	*period = times[how].period;
	*is_absolute = times[how].is_absolute;
	if (how == SOURCE_PAST_PERIODIC && op->arg[7] == CLOCK_REALTIME) {
		/* Far from the next one. */
		*first = clock_ns(CLOCK_REALTIME) - PERIODS * PERIOD -
			 PERIOD / 10;
		*period = PERIOD;
	}
}

static long long change(const struct op *op, int slot)
{
	const struct source *s = &half->model.source[slot];
	struct epx_source_ctl ctl = {
		.op = op->arg[1], .id = op->arg[2], .kind = op->arg[3],
		.events = op->arg[4], .data = s->data,
	};
	bool is_absolute;

	if (ctl.kind == EPX_SOURCE_TIMER) {
		source_times(op, (int64_t *)&ctl.first, (int64_t *)&ctl.period,
			     &is_absolute);
		ctl.clock = op->arg[7];
		ctl.flags = is_absolute ? EPX_TIMER_ABSTIME : 0;
	} else if (ctl.kind == EPX_SOURCE_QUEUE && ctl.op != EPOLL_CTL_MOD) {
		ctl.depth = op->arg[6];
	}
	return epx_source(op->arg[0], &ctl);
}

static bool is_pending(int ep, int slot)
{
	char line[256];
	const char *at;

	if (side() == NATIVE)
		return standin_is_pending(slot);
	if (!source_line(ep, half->model.source[slot].id, line, sizeof(line)))
		return false;
	at = strstr(line, " pending:");
	return at && strtoull(at + strlen(" pending:"), NULL, 10);
}

/* It is pending, or a thread has had it already. */
static void await_expiry(const struct op *op, int slot, unsigned int before)
{
	const struct source *s = &half->model.source[slot];

	for (long long began = now_ns(); now_ns() - began < LATE;) {
		if (atomic_load(&s->delivered) != before ||
		    is_pending(op->arg[0], slot))
			return;
		sched_yield();
	}
	log_tag(TAG_UNSETTLED, 3);
}

static bool has_kind(const struct op *op)
{
	if (op->arg[3] == EPX_SOURCE_QUEUE)
		return op->arg[6] > 0 && op->arg[6] <= MOST &&
		       !(op->arg[6] & (op->arg[6] - 1));
	if (op->arg[3] == EPX_SOURCE_TIMER)
		return op->arg[6] >= 0 && op->arg[6] < SOURCE_TIMES;
	return op->arg[3] == EPX_SOURCE_USER;
}

/* The native side has no word for a change into something else. */
static bool becomes_another(const struct op *op, const struct source *s)
{
	if (op->arg[1] == EPOLL_CTL_ADD || op->arg[1] == EPOLL_CTL_DEL)
		return false;
	if (s->kind != op->arg[3])
		return true;
	if (s->kind == EPX_SOURCE_TIMER)
		return s->clock != op->arg[7];
	return s->kind == EPX_SOURCE_QUEUE && s->depth != op->arg[6];
}

long long perform_source(const struct op *op)
{
	struct model *m = &half->model;
	int instance = model_object(m, op->by, op->arg[0]);
	int slot = model_source(m, instance, op->arg[2]);
	bool exists = slot >= 0;
	struct source before;
	unsigned int delivered;
	long long ret;

	if (!exists)
		slot = model_source(m, 0, 0);
	if (slot < 0 || m->object[instance].nature != INSTANCE ||
	    !has_kind(op) || (exists && becomes_another(op, &m->source[slot])))
		return SKIPPED;
	/* A thread may have its first event before the call is over. */
	before = m->source[slot];
	if (op->arg[1] != EPOLL_CTL_DEL)
		model_apply(m, op);
	/* What is not there has the kind that was asked for. */
	if (!m->source[slot].instance)
		m->source[slot].kind = op->arg[3];
	delivered = atomic_load(&m->source[slot].delivered);
	ret = side() == NATIVE ? standin_change(op, slot, exists) :
				 change(op, slot);
	if (ret < 0)
		m->source[slot] = before;
	else if (op->arg[1] == EPOLL_CTL_DEL)
		model_apply(m, op);
	else if (op->arg[3] == EPX_SOURCE_TIMER && source_expires(op))
		await_expiry(op, slot, delivered);
	return ret;
}

/* The slot of the op's source; -1: none, -2: nothing that could be done. */
static int slot_of(const struct op *op)
{
	const struct model *m = &half->model;
	int instance = model_object(m, op->by, op->arg[0]);

	if (m->object[instance].nature != INSTANCE)
		return -2;
	return model_source(m, instance, op->arg[1]);
}

static long long post(const struct op *op, int count)
{
	uint64_t values[MOST];

	for (int i = 0; i < MOST; i++)
		values[i] = op->arg[2] + i;
	return count > 1 ? epx_post_many(op->arg[0], op->arg[1], values, count) :
			   epx_post(op->arg[0], op->arg[1], values[0]);
}

long long perform_post(const struct op *op)
{
	int slot = slot_of(op), count = op->arg[3];
	struct source *s = &half->model.source[slot < 0 ? 0 : slot];
	long long ret;

	if (slot == -2 || count < 1 || count > MOST ||
	    (slot >= 0 && s->kind == EPX_SOURCE_TIMER))
		return SKIPPED;
	/* Each of several writes would wake, and who is woken runs at once. */
	if (half->model.parked)
		count = 1;
	if (side() == NATIVE)
		ret = slot < 0 ? -ENOENT :
		      standin_post(slot, op->arg[2], count);
	else
		ret = post(op, count);
	if (ret <= 0)
		return ret;
	s->value = op->arg[2] + ret - 1;
	if (s->kind == EPX_SOURCE_QUEUE)
		s->held += ret;
	return ret;
}

static int read_values(int slot, uint64_t *values, int count)
{
	int n = 0;

	while (n < count && standin_read(slot, &values[n]))
		n++;
	return n ? n : -EAGAIN;
}

long long perform_take(const struct op *op)
{
	int slot = slot_of(op), count = op->arg[2];
	struct source *s = &half->model.source[slot < 0 ? 0 : slot];
	uint64_t values[MOST];
	long long ret;

	if (slot == -2 || count < 1 || count > MOST ||
	    (slot >= 0 && s->kind != EPX_SOURCE_QUEUE))
		return SKIPPED;
	if (side() == NATIVE)
		ret = slot < 0 ? -ENOENT : read_values(slot, values, count);
	else
		ret = epx_take(op->arg[0], op->arg[1], values, count);
	for (int i = 0; i < ret; i++)
		log_tag(TAG_VALUE, values[i]);
	if (ret > 0)
		s->held -= ret;
	return ret;
}

void sources_delivered(const struct epoll_event *events, int nr)
{
	uint64_t count;

	for (int i = 0; i < nr; i++) {
		int slot = source_of(events[i].data.u64);
		struct source *s = &half->model.source[slot < 0 ? 0 : slot];

		if (slot < 0)
			continue;
		if (side() == NATIVE && s->kind != EPX_SOURCE_QUEUE)
			standin_read(slot, &count);
		atomic_fetch_add(&s->delivered, 1);
	}
}

/* On native epoll: what the event of a wait would carry. */
static void read_payload(int ep, struct epx_payload_event *event)
{
	int slot = source_of(event->data);
	struct source *s = &half->model.source[slot < 0 ? 0 : slot];
	uint64_t what = 0;

	if (slot < 0)
		return;
	if (s->kind == EPX_SOURCE_QUEUE) {
		event->count = standin_read(slot, &what);
		event->value = what;
		standin_taken(ep, slot);
		return;
	}
	if (standin_read(slot, &what))
		event->count = what;
	if (s->kind == EPX_SOURCE_USER)
		event->value = s->value;
}

static long long wait_payload(int ep, struct epx_payload_event *events, int max)
{
	struct epoll_event plain[MOST];
	long long ret;

	if (side() != NATIVE)
		return epx_wait_payload(ep, events, max, 0);
	ret = ep_wait(ep, plain, max, 0);
	for (int i = 0; i < ret; i++) {
		events[i] = (struct epx_payload_event){
			.events = plain[i].events, .data = plain[i].data.u64,
		};
		read_payload(ep, &events[i]);
	}
	return ret;
}

/* An instance may have it in its list. */
static bool is_watched(int instance)
{
	const struct model *m = &half->model;

	for (int outer = 1; outer < m->nr_objects; outer++)
		for (int fd = FD_FIRST; fd <= FD_LAST; fd++)
			if (m->added[outer][fd] == instance)
				return true;
	return false;
}

/* Whose mask has @events. */
static bool has_queue_of_several(int instance, uint32_t events)
{
	for (int slot = 0; slot < SOURCES; slot++) {
		const struct source *s = &half->model.source[slot];

		if (s->instance == instance && s->held > 1 &&
		    (s->events & events) == events)
			return true;
	}
	return false;
}

static uint64_t kind_of(int slot)
{
	return slot < 0 ? 0 : half->model.source[slot].kind;
}

long long perform_payload(const struct op *op)
{
	int instance = model_object(&half->model, op->by, op->arg[0]);
	struct epx_payload_event events[MOST] = { 0 };
	int max = op->arg[1];
	long long ret;

	if (half->model.object[instance].nature != INSTANCE || max > MOST)
		return SKIPPED;
	if (is_watched(instance) && has_queue_of_several(instance, EPOLLET))
		return SKIPPED;
	/* They are events each, but a wait on files tells one of them. */
	if (max > 1 && has_queue_of_several(instance, 0))
		max = 1;
	ret = wait_payload(op->arg[0], events, max);
	for (int i = 0; i < ret; i++) {
		int slot = source_of(events[i].data);

		log_event(events[i].events, events[i].data);
		log_tag(TAG_PAYLOAD, events[i].flags | kind_of(slot) << 32);
		log_word(events[i].value);
		log_word(events[i].count);
		if (slot >= 0 && half->model.source[slot].held)
			half->model.source[slot].held--;
	}
	return ret;
}
