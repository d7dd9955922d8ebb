// SPDX-License-Identifier: MIT
/*
 * The mapped ring beside changes of what is watched.
 *
 *	left				right
 *	DEL, ADD of another file	consume
 *	close(file)			consume
 *	MOD				write
 *	map and instance go		close(file)
 *
 * Invariant: what is consumed after a watch's end is not its event.
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>
#include <unistd.h>

#include "ring.h"
#include "stress.h"

/* The data of a watch is its generation: no event may have another's. */
static void prepare_lives(struct duel *duel)
{
	duel->fd[1] = new_file(1);
	duel->fd[2] = new_file(1);
	duel->value[0] = ring_add(duel->fd[0], duel->fd[1],
				  EPOLLIN | EPOLLET, 0);
	duel->value[1] = epx_ring_generation(&ring, duel->value[0]);
	MUST(epx_change(duel->fd[0], EPOLL_CTL_MOD, duel->fd[1],
			EPOLLIN | EPOLLET, duel->value[1]), duel->value[0]);
}

static void change_lives(struct duel *duel)
{
	for (int i = 1; i <= 4; i++) {
		MUST(epx_change(duel->fd[0], EPOLL_CTL_DEL,
				duel->fd[1 + !(i & 1)], 0, 0), 0);
		MUST(ring_add(duel->fd[0], duel->fd[1 + (i & 1)],
			      EPOLLIN | EPOLLET, duel->value[1] + 2 * i),
		     duel->value[0]);
	}
}

static void consume_lives(struct duel *duel)
{
	struct epx_ring_event event;
	bool last;

	do {
		last = atomic_load(&duel->left_over);
		while (epx_ring_next(&ring, &event))
			MUST(event.data, event.generation);
		spin(random_turns() / 8);
	} while (!last);
}

static void last_life_is_right(struct duel *duel)
{
	consume_lives(duel);
	MUST(slots_filled(&ring), 0);
	MUST(flags_of(&ring, duel->value[0]), EPX_ITEM_ARMED);
	MUST(epx_ring_generation(&ring, duel->value[0]), duel->value[1] + 8);
	close(duel->fd[1]);
	close(duel->fd[2]);
	MUST(drain_ring(0), 0);
}

RACE(ring_lives_beside_consumer, "met")
{
	struct duel duel = {
		.prepare = prepare_lives, .left = change_lives,
		.right = consume_lives, .check = last_life_is_right,
	};

	/* One item, so that each life has the same. */
	need_ring(&duel, 1);
	duel_run(&duel, rounds);
}

static void prepare_ready(struct duel *duel)
{
	duel->fd[1] = new_file(1);
	duel->value[0] = ring_add(duel->fd[0], duel->fd[1], EPOLLIN, 7);
}

static void close_left(struct duel *duel)
{
	close(duel->fd[1]);
}

static void scan_and_consume(struct duel *duel)
{
	(void)duel;
	for (int i = 0; i < 3; i++) {
		epx_ring_sleep(&ring, 0);
		drain_ring(7);
	}
}

static void no_event_after_close(struct duel *duel)
{
	MUST(epx_ring_generation(&ring, duel->value[0]) & 1, 0);
	MUST(drain_ring(0), 0);
	MUST(epx_ring_sleep(&ring, 0), 0);
	MUST(flags_of(&ring, duel->value[0]), 0);
}

RACE(ring_close_beside_scan, "met close_in_scan")
{
	struct duel duel = {
		.prepare = prepare_ready, .left = close_left,
		.right = scan_and_consume, .check = no_event_after_close,
	};

	need_ring(&duel, 4);
	/* A scan that takes its time. */
	for (int i = 0; i < 3; i++) {
		MUST(ring_add(duel.fd[0], new_file(1), EPOLLIN, 7), i);
		epx_ring_disarm(&ring, i);
	}
	drain_ring(7);
	duel_run(&duel, rounds);
}

static void prepare_disarmed(struct duel *duel)
{
	duel->fd[1] = new_file(0);
	duel->value[0] = ring_add(duel->fd[0], duel->fd[1], EPOLLET, 7);
}

static void modify_left(struct duel *duel)
{
	MUST(epx_change(duel->fd[0], EPOLL_CTL_MOD, duel->fd[1],
			EPOLLIN | EPOLLET, 7), duel->value[0]);
}

static void event_came(struct duel *duel)
{
	MUST(slots_filled(&ring), 1);
	MUST(drain_ring(7), 1);
	close(duel->fd[1]);
}

RACE(ring_modify_beside_wake, "met")
{
	struct duel duel = {
		.prepare = prepare_disarmed, .left = modify_left,
		.right = write_right, .check = event_came,
	};

	need_ring(&duel, 4);
	duel_run(&duel, rounds);
}

#define CLOSED	4

static void prepare_instance(struct duel *duel)
{
	duel->fd[0] = MUST_FD(ep_create1(0));
	MUST(epx_ring_map(duel->fd[0], CLOSED, &ring), 0);
	for (int i = 1; i <= CLOSED; i++) {
		duel->fd[i] = new_file(1);
		ring_add(duel->fd[0], duel->fd[i],
			 i & 1 ? EPOLLIN : EPOLLIN | EPOLLET, i);
	}
}

static void instance_goes(struct duel *duel)
{
	if (random_next() & 1)
		epx_ring_sleep(&ring, 0);
	close(duel->fd[0]);
	epx_ring_unmap(&ring);
}

static void files_go(struct duel *duel)
{
	for (int i = 1; i <= CLOSED; i++) {
		eventfd_write(duel->fd[i], 1);
		close(duel->fd[i]);
	}
}

RACE(ring_goes_beside_its_files, "met")
{
	struct duel duel = {
		.prepare = prepare_instance, .left = instance_goes,
		.right = files_go,
	};

	if (side() == NATIVE)
		race_skip("native epoll has no ring");
	duel_run(&duel, rounds);
}
