// SPDX-License-Identifier: MIT
/*
 * User events and timers in the mapped ring.
 *
 *	left				right
 *	consume, take the payload	post
 *	MOD to much later		expiry, every period; consume
 *	DEL, ADD of a user event	expiry, every period; consume
 *
 * Invariants: each post is in one count; after a MOD or a DEL nothing of an
 * earlier setting is published.
 */
#define _GNU_SOURCE
#include <sys/epoll.h>

#include "ring.h"
#include "sourcefile.h"
#include "stress.h"

#define ID	3
#define NEVER	(1000000 * MS)

static void need_payloads(struct duel *duel)
{
	if (side() == NATIVE)
		race_skip("native epoll has no ring");
	duel->fd[0] = MUST_FD(ep_create1(0));
	MUST(epx_ring_map_with(duel->fd[0], 1, EPX_RING_PAYLOAD, &ring), 0);
}

static void count_posts(struct duel *duel)
{
	uint64_t count = 0;
	struct epx_ring_event event;
	struct epx_payload payload;

	while (count < (uint64_t)duel->batch) {
		MUST(epx_ring_wait(&ring, &event, 1, -1), 1);
		MUST(event.events, EPOLLIN);
		payload = epx_ring_payload(&ring, event.item);
		count += payload.count;
		if (payload.value < count)
			race_fail("value %llu after %llu posts",
				  (unsigned long long)payload.value,
				  (unsigned long long)count);
	}
	MUST(count, duel->batch);
}

static void post_batch(struct duel *duel)
{
	for (long i = 1; i <= duel->batch; i++) {
		MUST(epx_post(duel->fd[0], ID, i), 1);
		if (!(i & 7))
			random_delay();
	}
}

/* An event whose posts were in the count before may be left. */
static void none_is_left(struct duel *duel)
{
	struct epx_ring_event event;

	(void)duel;
	while (epx_ring_next(&ring, &event))
		;
	MUST(ring.payloads[0].count, 0);
	MUST(slots_filled(&ring), 0);
}

RACE(source_ring_beside_post, "met")
{
	struct duel duel = {
		.left = count_posts, .right = post_batch,
		.check = none_is_left, .batch = 64,
	};

	need_payloads(&duel);
	MUST(add_user(duel.fd[0], ID, 0, 7), 0);
	duel_run(&duel, rounds);
}

static void prepare_soon(struct duel *duel)
{
	MUST(set_timer(duel->fd[0], EPX_CTL_PUT, ID,
		       1 + random_next() % 40000, random_next() % 20000), 0);
}

static void consume(struct duel *duel)
{
	struct epx_ring_event event;
	bool last;

	do {
		last = atomic_load(&duel->left_over);
		while (epx_ring_next(&ring, &event))
			MUST(event.data, ID);
		if (ring.recheck)
			epx_ring_sleep(&ring, 0);
	} while (!last);
}

static void postpone(struct duel *duel)
{
	MUST(set_timer(duel->fd[0], EPOLL_CTL_MOD, ID, NEVER, 0), 0);
}

/* A mark that the MOD dropped may have left its slot. */
static void timer_is_silent(struct duel *duel)
{
	consume(duel);
	MUST(flags_of(&ring, 0), EPX_ITEM_ARMED);
	MUST(epx_ring_sleep(&ring, 0), 0);
	MUST(slots_filled(&ring), 0);
}

RACE(timer_ring_modify_beside_expiry, "met")
{
	struct duel duel = {
		.prepare = prepare_soon, .left = postpone,
		.right = consume, .check = timer_is_silent,
	};

	need_payloads(&duel);
	duel_run(&duel, rounds);
}

static void replace(struct duel *duel)
{
	MUST(del_source(duel->fd[0], ID), 0);
	MUST(add_user(duel->fd[0], ID, 0, ID), 0);
}

static void user_event_is_silent(struct duel *duel)
{
	timer_is_silent(duel);
	MUST(ring.payloads[0].count, 0);
	MUST(del_source(duel->fd[0], ID), 0);
}

RACE(timer_ring_delete_beside_expiry, "met")
{
	struct duel duel = {
		.prepare = prepare_soon, .left = replace,
		.right = consume, .check = user_event_is_silent,
	};

	need_payloads(&duel);
	duel_run(&duel, rounds);
}
