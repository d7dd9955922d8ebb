// SPDX-License-Identifier: MIT
/*
 * The backend of tests: a clock of its own, real descriptors that are asked
 * with poll(2), and calls that fail when they are told to.
 *
 * It is level-triggered, and asks only for what an operation waits for; so it
 * never reports twice what nobody has taken, and what it reports depends on
 * nothing but what the program has done.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/reactor.h"
#include "epollx_script.h"

struct watch {
	int fd;
	uint64_t token;
};

struct script_state {
	int64_t now;
	uint64_t random;		/* 0: in order */
	struct epx_script *entries;	/* the next one first */
	struct watch *watches;		/* the first is the wake descriptor */
	struct pollfd *polled;
	uint32_t used;
	uint32_t room;
	struct epoll_event pending;
	bool has_pending;
	struct {
		unsigned int after;
		int err;		/* 0: none is to fail */
	} fail[EPX_SCRIPT_CALLS];
};

static int backend_open(struct epx_reactor *reactor,
			const struct epx_options *options)
{
	struct script_state *state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	state->now = EPX_SCRIPT_BEGIN;
	state->random = options ? options->seed : 0;
	reactor->state = state;
	return 0;
}

static void backend_close(struct epx_reactor *reactor)
{
	struct script_state *state = reactor->state;

	free(state->watches);
	free(state->polled);
	free(state);
}

static int failure(struct script_state *state, enum epx_script_call call)
{
	int err = state->fail[call].err;

	if (!err || state->fail[call].after--)
		return 0;
	state->fail[call].err = 0;
	return err;
}

static int grow(struct script_state *state)
{
	uint32_t room = state->room ? state->room * 2 : 64;
	void *memory;

	memory = realloc(state->watches, room * sizeof(*state->watches));
	if (!memory)
		return -ENOMEM;
	state->watches = memory;
	memory = realloc(state->polled, room * sizeof(*state->polled));
	if (!memory)
		return -ENOMEM;
	state->polled = memory;
	state->room = room;
	return 0;
}

static int script_add(struct script_state *state, int fd, uint64_t token)
{
	int err = failure(state, EPX_SCRIPT_ADD);

	if (err)
		return err;
	if (state->used == state->room && grow(state))
		return -ENOMEM;
	state->watches[state->used++] = (struct watch){ fd, token };
	return 0;
}

static int backend_ctl(struct epx_reactor *reactor, int op, int fd,
		       uint32_t events, uint64_t token)
{
	struct script_state *state = reactor->state;
	uint32_t i;

	(void)events;
	if (op == EPOLL_CTL_ADD)
		return script_add(state, fd, token);
	for (i = 0; i < state->used; i++) {
		if (state->watches[i].token != token)
			continue;
		state->used--;
		memmove(&state->watches[i], &state->watches[i + 1],
			(state->used - i) * sizeof(*state->watches));
		return 0;
	}
	return -ENOENT;
}

/* What poll(2) is to be asked: what somebody waits for. */
static short wanted(struct epx_reactor *reactor, const struct watch *watch)
{
	struct epx_io *io;

	if (watch->token == EPX_TOKEN_WAKE)
		return POLLIN;
	io = reactor->slots[(uint32_t)watch->token].io;
	return (io->reader ? POLLIN | POLLRDHUP : 0) |
	       (io->writer ? POLLOUT : 0);
}

/* Ready ones of the descriptors, at most @max; from a drawn one on. */
static int script_poll(struct epx_reactor *reactor, struct epoll_event *events,
		       int max, int timeout)
{
	struct script_state *state = reactor->state;
	uint32_t i, at, first = 0;
	uint64_t count;
	int n = 0;

	for (i = 0; i < state->used; i++) {
		state->polled[i].events = wanted(reactor, &state->watches[i]);
		/* Else poll(2) reports errors that nobody asks for. */
		state->polled[i].fd = state->polled[i].events ?
					      state->watches[i].fd : -1;
		state->polled[i].revents = 0;
	}
	if (poll(state->polled, state->used, timeout) < 0)
		return -errno;
	if (state->random && state->used) {
		state->random = state->random * 6364136223846793005 + 1;
		first = (state->random >> 33) % state->used;
	}
	for (i = 0; i < state->used && n < max; i++) {
		at = (first + i) % state->used;
		if (!state->polled[at].revents)
			continue;
		if (state->watches[at].token == EPX_TOKEN_WAKE &&
		    read(state->watches[at].fd, &count, sizeof(count)) < 0)
			return -errno;
		/* The bits of poll(2) are those of epoll. */
		events[n].events = (uint16_t)state->polled[at].revents;
		events[n++].data.u64 = state->watches[at].token;
	}
	return n;
}

/* Entries whose time has come. */
static bool script_play(struct script_state *state)
{
	struct epx_script *entry = state->entries;
	bool played = false;

	while (entry && entry->at <= state->now) {
		state->entries = entry->next;
		entry->fn(entry);
		played = true;
		entry = state->entries;
	}
	return played;
}

static int backend_wait(struct epx_reactor *reactor, struct epoll_event *events,
			int max, int64_t deadline)
{
	struct script_state *state = reactor->state;
	int64_t next;
	bool played;
	int n = failure(state, EPX_SCRIPT_WAIT);

	if (n)
		return n;
	if (state->has_pending) {
		state->has_pending = false;
		events[0] = state->pending;
		return 1;
	}
	for (;;) {
		played = script_play(state);
		n = script_poll(reactor, events, max, 0);
		/* An entry may have woken a task. */
		if (n || !deadline || played || deadline <= state->now)
			return n;
		next = state->entries ? state->entries->at : EPX_NEVER;
		if (next > deadline)
			next = deadline;
		if (next == EPX_NEVER)
			return script_poll(reactor, events, max, -1);
		state->now = next;
	}
}

static int64_t backend_now(struct epx_park *park)
{
	struct epx_reactor *reactor = (struct epx_reactor *)park;

	return ((struct script_state *)reactor->state)->now;
}

const struct epx_backend epx_backend_scripted = {
	.name = "scripted",
	.open = backend_open,
	.close = backend_close,
	.ctl = backend_ctl,
	.wait = backend_wait,
	.now = backend_now,
};

static struct script_state *script_of(struct epx_exec *exec)
{
	struct epx_reactor *reactor = epx_reactor_of(exec);

	return reactor->backend == &epx_backend_scripted ? reactor->state : NULL;
}

int epx_script_at(struct epx_exec *exec, struct epx_script *entry)
{
	struct script_state *state = script_of(exec);
	struct epx_script **place;

	if (!state)
		return -ENODEV;
	place = &state->entries;
	while (*place && (*place)->at <= entry->at)
		place = &(*place)->next;
	entry->next = *place;
	*place = entry;
	return 0;
}

int epx_script_fail(struct epx_exec *exec, enum epx_script_call call,
		    unsigned int after, int err)
{
	struct script_state *state = script_of(exec);

	if (!state)
		return -ENODEV;
	state->fail[call].after = after;
	state->fail[call].err = err;
	return 0;
}

int epx_script_event(struct epx_exec *exec, uint64_t token, uint32_t events)
{
	struct script_state *state = script_of(exec);

	if (!state)
		return -ENODEV;
	if (state->has_pending)
		return -ENOSPC;
	state->pending.events = events;
	state->pending.data.u64 = token;
	state->has_pending = true;
	return 0;
}
