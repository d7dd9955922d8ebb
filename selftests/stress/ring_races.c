// SPDX-License-Identifier: MIT
/*
 * The mapped ring: producers beside its consumer.
 *
 *	left				right
 *	write at one end of a FIFO	read at the other: two queues
 *	arm, consume or DEL		write
 *	MOD to one-shot or from it	write
 *
 * Invariants: an event is had once, by arming or from the ring; no item has two
 * slots; an item is armed or not as the last MOD has it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ring.h"
#include "stress.h"

/* value[0]: the item, value[1]: what arming gave */
static void prepare_fired(struct duel *duel)
{
	duel->fd[1] = new_file(0);
	duel->value[0] = ring_add(duel->fd[0], duel->fd[1],
				  EPOLLIN | EPOLLONESHOT, 7);
	epx_ring_disarm(&ring, duel->value[0]);
}

static void arm_left(struct duel *duel)
{
	uint32_t item = duel->value[0];

	duel->value[1] = epx_ring_arm(&ring, item,
				      epx_ring_generation(&ring, item));
}

static void had_once(struct duel *duel)
{
	int item = duel->value[0];

	if (duel->value[1]) {
		MUST(duel->value[1], EPOLLIN);
		MUST(flags_of(&ring, item), 0);
		MUST(slots_filled(&ring), 0);
	} else {
		MUST(flags_of(&ring, item), EPX_ITEM_INRING | EPOLLIN);
		MUST(slots_filled(&ring), 1);
	}
	MUST(drain_ring(7), !duel->value[1]);
	close(duel->fd[1]);
}

RACE(ring_arm_beside_wake, "met")
{
	struct duel duel = {
		.prepare = prepare_fired, .left = arm_left,
		.right = write_right, .check = had_once,
	};

	need_ring(&duel, 4);
	duel_run(&duel, rounds);
}

/* value[1]: what was read of the file */
static void prepare_edge(struct duel *duel)
{
	duel->fd[1] = new_file(0);
	duel->value[0] = ring_add(duel->fd[0], duel->fd[1],
				  EPOLLIN | EPOLLET, 7);
	duel->value[1] = 0;
}

static void read_events(struct duel *duel)
{
	struct epx_ring_event event;
	eventfd_t count;

	while (epx_ring_next(&ring, &event))
		if (!eventfd_read(duel->fd[1], &count))
			duel->value[1] += count;
}

static void consume_left(struct duel *duel)
{
	for (int i = 0; i < 20; i++) {
		read_events(duel);
		random_delay();
	}
}

static void write_often(struct duel *duel)
{
	for (int i = 0; i < 10; i++) {
		write_right(duel);
		spin(random_turns() / 16);
	}
}

static void all_was_read(struct duel *duel)
{
	read_events(duel);
	MUST(duel->value[1], 10);
	MUST(slots_filled(&ring), 0);
	MUST(flags_of(&ring, duel->value[0]), EPX_ITEM_ARMED);
	close(duel->fd[1]);
}

RACE(ring_consume_beside_wake, "met")
{
	struct duel duel = {
		.prepare = prepare_edge, .left = consume_left,
		.right = write_often, .check = all_was_read,
	};

	need_ring(&duel, 4);
	duel_run(&duel, rounds);
}

/* fd[1]: a FIFO, which wakes readers and writers on queues of their own */
static void prepare_full(struct duel *duel)
{
	char block[4096] = "";

	while (read(duel->fd[1], block, sizeof(block)) > 0)
		;
	while (write(duel->fd[1], block, sizeof(block)) > 0)
		;
	drain_ring(7);
	/* What came of that is latched, or nothing is. */
	while (epx_ring_arm(&ring, 0, 1))
		;
	MUST(flags_of(&ring, 0), EPX_ITEM_ARMED);
}

static void make_room(struct duel *duel)
{
	char block[4096];

	MUST(read(duel->fd[1], block, sizeof(block)), sizeof(block));
}

static void fill_room(struct duel *duel)
{
	while (write(duel->fd[1], "x", 1) < 0)
		MUST(errno, EAGAIN);
}

static void fired_once(struct duel *duel)
{
	(void)duel;
	MUST(slots_filled(&ring), 1);
	MUST(flags_of(&ring, 0) & EPX_ITEM_ARMED, 0);
	MUST(drain_ring(7), 1);
}

RACE(ring_oneshot_on_two_queues, "met")
{
	struct duel duel = {
		.prepare = prepare_full, .left = make_room,
		.right = fill_room, .check = fired_once,
	};
	char path[64];

	need_ring(&duel, 4);
	snprintf(path, sizeof(path), "/tmp/epx-ring-race-%d", getpid());
	MUST(mkfifo(path, 0600), 0);
	duel.fd[1] = MUST_FD(open(path, O_RDWR | O_NONBLOCK));
	unlink(path);
	MUST(fcntl(duel.fd[1], F_SETPIPE_SZ, 8192), 8192);
	MUST(ring_add(duel.fd[0], duel.fd[1],
		      EPOLLIN | EPOLLOUT | EPOLLONESHOT, 7), 0);
	duel_run(&duel, rounds);
}

static void delete_left(struct duel *duel)
{
	MUST(epx_change(duel->fd[0], EPOLL_CTL_DEL, duel->fd[1], 0, 0), 0);
}

/* Whichever came first, the watch is over; one slot at most is left of it. */
static void nothing_is_left(struct duel *duel)
{
	int item = duel->value[0];

	MUST(epx_ring_generation(&ring, item) & 1, 0);
	MUST(slots_filled(&ring), !!(flags_of(&ring, item) & EPX_ITEM_INRING));
	MUST(flags_of(&ring, item) & ~EPX_ITEM_INRING, 0);
	/* Its next user has the place that it kept. */
	if (random_next() & 1) {
		int next = new_file(1);

		MUST(ring_add(duel->fd[0], next, EPOLLIN | EPOLLET, 9), item);
		MUST(slots_filled(&ring), 1);
		MUST(drain_ring(9), 1);
		close(next);
	}
	MUST(drain_ring(9), 0);
	MUST(slots_filled(&ring), 0);
	close(duel->fd[1]);
}

RACE(ring_delete_beside_wake, "met")
{
	struct duel duel = {
		.prepare = prepare_edge, .left = delete_left,
		.right = write_right, .check = nothing_is_left,
	};

	need_ring(&duel, 4);
	duel_run(&duel, rounds);
}

/* value[2]: the mode from now on, value[3]: the one before */
static void prepare_other_mode(struct duel *duel)
{
	bool to_once = random_next() & 1;

	duel->value[2] = to_once ? EPOLLONESHOT : (uint32_t)EPOLLET;
	duel->value[3] = to_once ? (uint32_t)EPOLLET : EPOLLONESHOT;
	duel->fd[1] = new_file(0);
	duel->value[0] = ring_add(duel->fd[0], duel->fd[1],
				  EPOLLIN | duel->value[3], 7);
}

static void change_mode(struct duel *duel)
{
	MUST(epx_change(duel->fd[0], EPOLL_CTL_MOD, duel->fd[1],
			EPOLLIN | duel->value[2], 7), duel->value[0]);
}

/* By the new mode: disarmed by its event, or not. */
static void armed_by_mode(struct duel *duel)
{
	uint32_t armed = duel->value[2] == EPOLLONESHOT ? 0 : EPX_ITEM_ARMED;

	MUST(flags_of(&ring, duel->value[0]),
	     armed | EPX_ITEM_INRING | EPOLLIN);
	MUST(slots_filled(&ring), 1);
	MUST(drain_ring(7), 1);
	close(duel->fd[1]);
}

RACE(ring_mode_beside_wake, "met")
{
	struct duel duel = {
		.prepare = prepare_other_mode, .left = change_mode,
		.right = write_right, .check = armed_by_mode,
	};

	need_ring(&duel, 4);
	duel_run(&duel, rounds);
}

static void prepare_socket(struct duel *duel)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	duel->fd[1] = pair[0];
	duel->fd[2] = pair[1];
	duel->value[0] = ring_add(duel->fd[0], duel->fd[1], EPOLLIN | EPOLLET,
				  7);
}

static void read_and_change_mode(struct duel *duel)
{
	char text[4];

	while (read(duel->fd[1], text, sizeof(text)) > 0)
		;
	MUST(epx_change(duel->fd[0], EPOLL_CTL_MOD, duel->fd[1],
			EPOLLIN | EPOLLONESHOT, 7), duel->value[0]);
}

static void write_byte(struct duel *duel)
{
	MUST(write(duel->fd[2], "x", 1), 1);
}

/* What the MOD has dropped has not disarmed. */
static void armed_unless_told(struct duel *duel)
{
	if (!drain_ring(7))
		MUST(flags_of(&ring, duel->value[0]), EPX_ITEM_ARMED);
	close(duel->fd[1]);
	close(duel->fd[2]);
}

RACE(ring_mode_beside_read_wake, "met")
{
	struct duel duel = {
		.prepare = prepare_socket, .left = read_and_change_mode,
		.right = write_byte, .check = armed_unless_told,
	};

	need_ring(&duel, 4);
	duel_run(&duel, rounds);
}
