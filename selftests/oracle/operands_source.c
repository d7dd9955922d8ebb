// SPDX-License-Identifier: MIT
/* As operands.c, for the operations on sources. */
#include <limits.h>
#include <sys/epoll.h>
#include <time.h>

#include <epollx.h>

#include "generate.h"

/* A source that there should be, of a kind in @kinds, and a number for it. */
static const struct source *pick_source(struct generator *g, struct op *op,
					unsigned int kinds)
{
	const struct source *found[SOURCES];
	int nr = 0;

	for (int slot = 0; slot < SOURCES; slot++) {
		const struct source *s = &g->model.source[slot];

		if (s->instance && kinds & 1u << s->kind &&
		    model_fd_of(&g->model, g->by, s->instance) >= 0)
			found[nr++] = s;
	}
	if (!nr)
		return NULL;
	found[0] = found[random_below(g, nr)];
	op->arg[0] = model_fd_of(&g->model, g->by, found[0]->instance);
	return found[0];
}

static long long random_id(struct generator *g)
{
	static const uint32_t odd[] = { 0, 4096, 0x80000000, 0xffffffff };

	return one_in(g, 10) ? OF(g, odd) : 1 + random_below(g, 4);
}

static long long random_events(struct generator *g, int kind)
{
	uint32_t events = one_in(g, 4) ? 0 : EPOLLIN;

	/* What is level-triggered lets nobody sleep. */
	if (kind == EPX_SOURCE_QUEUE && g->style & STYLE_THREADS &&
	    !one_in(g, 4))
		events |= EPOLLET;
	if (one_in(g, 3))
		events |= EPOLLET;
	if (one_in(g, 4))
		events |= EPOLLONESHOT;
	return events;
}

static long long random_how(struct generator *g, int kind)
{
	static const enum source_time common[] = {
		SOURCE_NOW, SOURCE_NOW, SOURCE_NOW_PERIODIC, SOURCE_PAST_AT,
		SOURCE_PAST_PERIODIC, SOURCE_PAST_PERIODIC, SOURCE_FAR,
	};

	if (kind == EPX_SOURCE_QUEUE)
		return 1 << random_below(g, 4);
	if (kind != EPX_SOURCE_TIMER)
		return 0;
	return one_in(g, 3) ? random_below(g, SOURCE_TIMES) : OF(g, common);
}

static bool source(struct generator *g, struct op *op)
{
	static const int ops[] = {
		EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD,
		EPOLL_CTL_MOD, EPOLL_CTL_MOD, EPOLL_CTL_MOD, EPX_CTL_PUT,
		EPOLL_CTL_DEL, EPOLL_CTL_DEL,
	};
	static const int nonsense[] = { 0, 4, 99, -1, INT_MIN };
	static const int kinds[] = {
		EPX_SOURCE_USER, EPX_SOURCE_QUEUE, EPX_SOURCE_TIMER,
	};
	static const int clocks[] = {
		CLOCK_MONOTONIC, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
		CLOCK_REALTIME, CLOCK_REALTIME, CLOCK_REALTIME,
	};
	static const int odd_clocks[] = {
		CLOCK_PROCESS_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_TAI, 99,
	};
	const struct source *s = NULL;

	op->arg[1] = one_in(g, 60) ? OF(g, nonsense) : OF(g, ops);
	if (op->arg[1] != EPOLL_CTL_ADD && !one_in(g, 6))
		s = pick_source(g, op, ~0u);
	if (!s)
		op->arg[0] = pick(g, IS(INSTANCE));
	op->arg[2] = s ? s->id : random_id(g);
	op->arg[3] = s ? s->kind : OF(g, kinds);
	op->arg[4] = random_events(g, op->arg[3]);
	op->arg[5] = ++g->data;
	op->arg[6] = random_how(g, op->arg[3]);
	if (op->arg[3] == EPX_SOURCE_QUEUE && s)
		op->arg[6] = s->depth;
	if (op->arg[3] != EPX_SOURCE_TIMER)
		return op->arg[0] >= 0;
	op->arg[7] = s ? s->clock : OF(g, clocks);
	if (!s && one_in(g, 15))
		op->arg[7] = OF(g, odd_clocks);
	return op->arg[0] >= 0;
}

bool source_is_refused(const struct op *op)
{
	if (op->arg[1] == EPOLL_CTL_DEL)
		return false;
	if (op->arg[1] != EPOLL_CTL_ADD && op->arg[1] != EPOLL_CTL_MOD &&
	    op->arg[1] != EPX_CTL_PUT)
		return true;
	return op->arg[3] == EPX_SOURCE_TIMER &&
	       (op->arg[6] >= SOURCE_NEGATIVE ||
		(op->arg[7] != CLOCK_REALTIME &&
		 op->arg[7] != CLOCK_MONOTONIC &&
		 op->arg[7] != CLOCK_BOOTTIME));
}

/* Mostly few, so that what is coalesced can be told from what is not. */
static long long random_count(struct generator *g)
{
	return one_in(g, 3) ? 1 + random_below(g, 5) : 1;
}

static bool post_or_take(struct generator *g, struct op *op)
{
	unsigned int kinds = 1u << EPX_SOURCE_QUEUE;
	const struct source *s;

	if (op->kind == OP_POST)
		kinds |= 1u << EPX_SOURCE_USER;
	s = pick_source(g, op, kinds);
	if (!s && !one_in(g, 8))
		return false;
	if (one_in(g, 16))
		s = NULL;
	if (!s)
		op->arg[0] = pick(g, IS(INSTANCE));
	op->arg[1] = s ? s->id : random_id(g);
	op->arg[2] = random_count(g);
	if (op->kind == OP_POST) {
		op->arg[3] = op->arg[2];
		op->arg[2] = one_in(g, 30) ? -1LL : ++g->data;
	}
	return op->arg[0] >= 0;
}

bool operands_source(struct generator *g, struct op *op)
{
	static const int most[] = { 1, 1, 2, 3, 4, 16, 16 };
	static const int odd[] = { 0, -1, INT_MIN };

	if (op->kind == OP_SOURCE)
		return source(g, op);
	if (op->kind != OP_PAYLOAD)
		return post_or_take(g, op);
	if (one_in(g, 4) || !pick_source(g, op, ~0u))
		op->arg[0] = pick(g, IS(INSTANCE));
	op->arg[1] = one_in(g, 30) ? OF(g, odd) : OF(g, most);
	return op->arg[0] >= 0;
}
