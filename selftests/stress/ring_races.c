// SPDX-License-Identifier: MIT
/*
 * The mapped ring: producers beside its consumer, and both beside changes.
 *
 *	left				right
 *	arm				write
 *	consume				write
 *	write to one end		read from the same: two queues
 *	DEL				write
 *	DEL, ADD of another file	consume
 *	close(file)			consume
 *	MOD				write
 *	map and instance go		close(file)
 *	write, once per event		sleep for the ring		lost wake-ups
 *	write, once per event		wait into an array, two threads
 *
 * Invariants: an event is had once, by arming or from the ring; no item has two
 * slots; what is consumed after a watch's end is not its event.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <epollx.h>
#include <epollx_ring.h>

#include "stress.h"

static struct epx_consumer ring;

static void need_ring(struct duel *duel, unsigned int items)
{
	if (side() == NATIVE)
		race_skip("native epoll has no ring");
	duel->fd[0] = MUST_FD(ep_create1(0));
	MUST(epx_ring_map(duel->fd[0], items, &ring), 0);
}

static int new_file(unsigned int value)
{
	return MUST_FD(eventfd(value, EFD_NONBLOCK));
}

static int add(struct duel *duel, int fd, uint32_t events, uint64_t data)
{
	int item = epx_change(duel->fd[0], EPOLL_CTL_ADD, fd, events, data);

	if (item < 0)
		race_fail("an add gave %d", item);
	return item;
}

static int slots_filled(void)
{
	int filled = 0;

	for (uint32_t i = 0; i <= ring.mask; i++)
		filled += __atomic_load_n(&ring.slots[i],
					  __ATOMIC_RELAXED) != 0;
	return filled;
}

static uint32_t flags_of(int item)
{
	return __atomic_load_n(&ring.items[item].state, __ATOMIC_RELAXED);
}

/* Events there are; none may be of a watch other than that with @data. */
static int drain(uint64_t data)
{
	struct epx_ring_event event;
	int n = 0;

	while (epx_ring_next(&ring, &event)) {
		MUST(event.data, data);
		n++;
	}
	return n;
}

static void write_right(struct duel *duel)
{
	MUST(eventfd_write(duel->fd[1], 1), 0);
}

/* value[0]: the item, value[1]: what arming gave */
static void prepare_fired(struct duel *duel)
{
	duel->fd[1] = new_file(0);
	duel->value[0] = add(duel, duel->fd[1], EPOLLIN | EPOLLONESHOT, 7);
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
		MUST(flags_of(item), 0);
		MUST(slots_filled(), 0);
	} else {
		MUST(flags_of(item), EPX_ITEM_INRING | EPOLLIN);
		MUST(slots_filled(), 1);
	}
	MUST(drain(7), !duel->value[1]);
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
	duel->value[0] = add(duel, duel->fd[1], EPOLLIN | EPOLLET, 7);
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
	MUST(slots_filled(), 0);
	MUST(flags_of(duel->value[0]), EPX_ITEM_ARMED);
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
	drain(7);
	/* What came of that is latched, or nothing is. */
	while (epx_ring_arm(&ring, 0, 1))
		;
	MUST(flags_of(0), EPX_ITEM_ARMED);
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
	MUST(slots_filled(), 1);
	MUST(flags_of(0) & EPX_ITEM_ARMED, 0);
	MUST(drain(7), 1);
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
	MUST(add(&duel, duel.fd[1], EPOLLIN | EPOLLOUT | EPOLLONESHOT, 7), 0);
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
	MUST(slots_filled(), !!(flags_of(item) & EPX_ITEM_INRING));
	MUST(flags_of(item) & ~EPX_ITEM_INRING, 0);
	/* Its next user has the place that it kept. */
	if (random_next() & 1) {
		int next = new_file(1);

		MUST(add(duel, next, EPOLLIN | EPOLLET, 9), item);
		MUST(slots_filled(), 1);
		MUST(drain(9), 1);
		close(next);
	}
	MUST(drain(9), 0);
	MUST(slots_filled(), 0);
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

/* The data of a watch is its generation: no event may have another's. */
static void prepare_lives(struct duel *duel)
{
	duel->fd[1] = new_file(1);
	duel->fd[2] = new_file(1);
	duel->value[0] = add(duel, duel->fd[1], EPOLLIN | EPOLLET, 0);
	duel->value[1] = epx_ring_generation(&ring, duel->value[0]);
	MUST(epx_change(duel->fd[0], EPOLL_CTL_MOD, duel->fd[1],
			EPOLLIN | EPOLLET, duel->value[1]), duel->value[0]);
}

static void change_lives(struct duel *duel)
{
	for (int i = 1; i <= 4; i++) {
		MUST(epx_change(duel->fd[0], EPOLL_CTL_DEL,
				duel->fd[1 + !(i & 1)], 0, 0), 0);
		MUST(add(duel, duel->fd[1 + (i & 1)], EPOLLIN | EPOLLET,
			 duel->value[1] + 2 * i), duel->value[0]);
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
	MUST(slots_filled(), 0);
	MUST(flags_of(duel->value[0]), EPX_ITEM_ARMED);
	MUST(epx_ring_generation(&ring, duel->value[0]), duel->value[1] + 8);
	close(duel->fd[1]);
	close(duel->fd[2]);
	MUST(drain(0), 0);
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
	duel->value[0] = add(duel, duel->fd[1], EPOLLIN, 7);
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
		drain(7);
	}
}

static void no_event_after_close(struct duel *duel)
{
	MUST(epx_ring_generation(&ring, duel->value[0]) & 1, 0);
	MUST(drain(0), 0);
	MUST(epx_ring_sleep(&ring, 0), 0);
	MUST(flags_of(duel->value[0]), 0);
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
		int fd = new_file(1), item = add(&duel, fd, EPOLLIN, 7);

		MUST(item, i);
		epx_ring_disarm(&ring, item);
	}
	drain(7);
	duel_run(&duel, rounds);
}

static void prepare_disarmed(struct duel *duel)
{
	duel->fd[1] = new_file(0);
	duel->value[0] = add(duel, duel->fd[1], EPOLLET, 7);
}

static void modify_left(struct duel *duel)
{
	MUST(epx_change(duel->fd[0], EPOLL_CTL_MOD, duel->fd[1],
			EPOLLIN | EPOLLET, 7), duel->value[0]);
}

static void event_came(struct duel *duel)
{
	MUST(slots_filled(), 1);
	MUST(drain(7), 1);
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
		add(duel, duel->fd[i], i & 1 ? EPOLLIN : EPOLLIN | EPOLLET, i);
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

#define SOURCES	3
#define STOP	99

static int source[SOURCES];
static atomic_long taken[SOURCES];
static long source_rounds;
static int crowd_ep;
/* Consumers that wait or are about to. */
static atomic_int waiting;

static void *produce(void *arg)
{
	long i = (long)arg;

	random_start(i);
	for (long round = 1; race_goes_on(round - 1, source_rounds); round++) {
		MUST(eventfd_write(source[i], 1), 0);
		await(&taken[i], round);
		random_delay();
		race_rounds(1);
	}
	return NULL;
}

static bool take_one(uint64_t data)
{
	eventfd_t count;

	if (data == STOP)
		return false;
	MUST(eventfd_read(source[data], &count), 0);
	MUST(count, 1);
	atomic_fetch_add(&taken[data], 1);
	return true;
}

static void *consume_ring(void *arg)
{
	struct epx_ring_event event;

	random_start(20);
	for (;;) {
		while (epx_ring_next(&ring, &event))
			if (!take_one(event.data))
				return arg;
		/* As late as can be: the window is before the sleep. */
		random_delay();
		if (epx_ring_is_empty(&ring))
			race_hit();
		MUST(epx_ring_sleep(&ring, -1), 1);
	}
}

static void *consume_array(void *arg)
{
	struct epoll_event ev[2];

	random_start(10 + (long)arg);
	for (;;) {
		int n;

		if (atomic_fetch_add(&waiting, 1))
			race_hit();
		n = ep_wait(crowd_ep, ev, 2, -1);
		atomic_fetch_sub(&waiting, 1);
		if (n < 1)
			race_fail("wait gave %d", n);
		while (n--)
			if (!take_one(ev[n].data.u64))
				return NULL;
	}
}

static void crowd(long rounds, void *(*consumer)(void *), int consumers)
{
	pthread_t producer[SOURCES], thread[2];
	struct duel duel;
	int stop;

	need_ring(&duel, SOURCES + 1);
	crowd_ep = duel.fd[0];
	source_rounds = rounds / SOURCES;
	for (long i = 0; i < SOURCES; i++) {
		source[i] = new_file(0);
		add(&duel, source[i], EPOLLIN | EPOLLET, i);
	}
	stop = new_file(0);
	add(&duel, stop, EPOLLIN, STOP);
	for (long i = 0; i < consumers; i++)
		MUST(pthread_create(&thread[i], NULL, consumer, (void *)i), 0);
	for (long i = 0; i < SOURCES; i++)
		MUST(pthread_create(&producer[i], NULL, produce, (void *)i), 0);
	for (int i = 0; i < SOURCES; i++)
		pthread_join(producer[i], NULL);
	MUST(eventfd_write(stop, 1), 0);
	for (int i = 0; i < consumers; i++)
		pthread_join(thread[i], NULL);
}

RACE(ring_sleep_beside_wake, "met")
{
	crowd(rounds, consume_ring, 1);
}

RACE(ring_shared_by_two_waits, "met")
{
	crowd(rounds, consume_array, 2);
}
