// SPDX-License-Identifier: MIT
/*
 * Slots that change hands while events come, and watches that go to the end of
 * a queue while wake-ups walk it.
 *
 *	left				right
 *	wait, read, ring again		the same, five threads, three slots
 *	exit with the only slot		wait for it
 *	exit with a slot		close(instance)
 *	wake				DEL and ADD; three waits, which rotate
 *
 * The invariants: never more threads are out than there are slots; every token
 * is taken. A wake-up or a slot that is lost shows as a race that
 * stops.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <epollx.h>

#include "stress.h"

#define PLAYERS	5
#define SLOTS	3
#define TOKENS	2

static struct table {
	int ep;
	int token[TOKENS];
	long rounds;
	atomic_long done;
	atomic_int out, over;
	atomic_int ringing;	/* the CPU + 1 of who is at it */
} table;

static void ring(int fd)
{
	MUST(eventfd_write(fd, 1), 0);
}

static void take(int fd)
{
	eventfd_t value;

	MUST(eventfd_read(fd, &value), 0);
}

/* One event: its token is taken and put back. */
static void take_a_turn(struct epoll_event *event)
{
	int fd = table.token[event->data.u64];

	if (atomic_fetch_add(&table.out, 1) >= SLOTS)
		race_fail("more than %d threads are out", SLOTS);
	take(fd);
	random_delay();
	atomic_store(&table.ringing, sched_getcpu() + 1);
	ring(fd);
	atomic_store(&table.ringing, 0);
	atomic_fetch_sub(&table.out, 1);
	if (random_next() % 4 == 0)
		MUST(epx_yield(table.ep), 1);
}

static void *play(void *arg)
{
	struct epoll_event event;

	random_start(40 + (long)arg);
	while (!atomic_load(&table.over)) {
		int ringing = atomic_load(&table.ringing);

		if (ringing && ringing != sched_getcpu() + 1)
			race_hit();
		MUST(epx_wait(table.ep, &event, 1, -1), 1);
		take_a_turn(&event);
		race_rounds(1);
		if (!race_goes_on(atomic_fetch_add(&table.done, 1) + 1,
				  table.rounds))
			atomic_store(&table.over, 1);
	}
	return NULL;
}

/* @mode: flags of the instance. Who leaves the table gives its slot to others. */
static void slots_change_hands(unsigned int mode, long rounds)
{
	struct epx_create how = { .concurrency = SLOTS, .flags = mode };
	pthread_t thread[PLAYERS];

	table = (struct table){ .rounds = rounds };
	table.ep = MUST_FD(epx_create(&how));
	for (int i = 0; i < TOKENS; i++) {
		table.token[i] = MUST_FD(eventfd(1, EFD_NONBLOCK));
		MUST(ep_ctl(table.ep, EPOLL_CTL_ADD, table.token[i],
			    EPOLLIN | EPOLLET, i), 0);
	}
	for (long i = 0; i < PLAYERS; i++)
		MUST(pthread_create(&thread[i], NULL, play, (void *)i), 0);
	for (int i = 0; i < PLAYERS; i++)
		pthread_join(thread[i], NULL);
	close(table.ep);
	for (int i = 0; i < TOKENS; i++)
		close(table.token[i]);
}

RACE(slots_change_hands_beside_events, "met")
{
	slots_change_hands(0, rounds / 2);
	slots_change_hands(EPX_WAKE_FIFO, rounds - rounds / 2);
}

/* A thread that has the only slot, and exits when it is told. */
static struct holder {
	pthread_t thread;
	int ep;
	int start, leave;
} holder;

static void *hold(void *arg)
{
	struct epoll_event event;

	(void)arg;
	random_start(60);
	MUST(epx_wait(holder.ep, &event, 1, 0), 1);
	ring(holder.start);
	take(holder.leave);
	random_delay();
	return NULL;
}

static void start_holder(struct duel *duel)
{
	holder.ep = duel->fd[0];
	MUST(pthread_create(&holder.thread, NULL, hold, NULL), 0);
	take(holder.start);
}

static void let_holder_go(struct duel *duel)
{
	(void)duel;
	ring(holder.leave);
	pthread_join(holder.thread, NULL);
}

static void wait_for_slot(struct duel *duel)
{
	struct epoll_event event;

	MUST(epx_wait(duel->fd[0], &event, 1, -1), 1);
	MUST(epx_yield(duel->fd[0]), 1);
}

static void new_holder(void)
{
	holder.start = MUST_FD(eventfd(0, 0));
	holder.leave = MUST_FD(eventfd(0, 0));
}

static int new_limited(int *file)
{
	struct epx_create how = { .concurrency = 1 };
	int ep = MUST_FD(epx_create(&how));

	*file = MUST_FD(eventfd(1, EFD_NONBLOCK));
	MUST(ep_ctl(ep, EPOLL_CTL_ADD, *file, EPOLLIN, 0), 0);
	return ep;
}

RACE(exit_with_a_slot_beside_wait, "met")
{
	struct duel duel = {
		.prepare = start_holder, .left = let_holder_go,
		.right = wait_for_slot,
	};

	new_holder();
	duel.fd[0] = new_limited(&duel.fd[1]);
	duel_run(&duel, rounds);
}

static void open_and_hold(struct duel *duel)
{
	duel->fd[0] = new_limited(&duel->fd[1]);
	start_holder(duel);
}

static void close_limited(struct duel *duel)
{
	close(duel->fd[0]);
}

static void close_file(struct duel *duel)
{
	close(duel->fd[1]);
}

RACE(exit_with_a_slot_beside_close, "met")
{
	struct duel duel = {
		.prepare = open_and_hold, .left = let_holder_go,
		.right = close_limited, .check = close_file,
	};

	new_holder();
	duel_run(&duel, rounds);
}

#define RING	3

/* Instances that take turns at a token, each with a thread that takes it. */
static struct circle {
	int ep[RING], token;
	atomic_int over;
	pthread_t thread[RING];
} circle;

static void watch_token(int i)
{
	MUST(epx_change_rotating(circle.ep[i], EPOLL_CTL_ADD, circle.token,
				 EPOLLIN | EPOLLEXCLUSIVE, i), 0);
}

static void *go_round(void *arg)
{
	struct epoll_event event;
	long me = (long)arg;
	eventfd_t value;

	random_start(50 + me);
	while (!atomic_load(&circle.over)) {
		MUST(epx_wait(circle.ep[me], &event, 1, -1), 1);
		/* Another one may have been faster. */
		(void)!eventfd_read(circle.token, &value);
	}
	return NULL;
}

static void wake_some(struct duel *duel)
{
	(void)duel;
	ring(circle.token);
}

static void leave_and_come_back(struct duel *duel)
{
	int i = random_next() % RING;

	(void)duel;
	MUST(ep_ctl(circle.ep[i], EPOLL_CTL_DEL, circle.token, 0, 0), 0);
	watch_token(i);
}

/* Whoever it was that was woken takes it. */
static void until_taken(struct duel *duel)
{
	struct pollfd pfd = { .fd = circle.token, .events = POLLIN };

	(void)duel;
	while (poll(&pfd, 1, 0))
		sched_yield();
}

RACE(rotation_beside_wake, "met")
{
	struct duel duel = {
		.left = wake_some, .right = leave_and_come_back,
		.check = until_taken,
	};

	circle.token = MUST_FD(eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE));
	for (long i = 0; i < RING; i++) {
		circle.ep[i] = MUST_FD(ep_create1(0));
		watch_token(i);
		MUST(pthread_create(&circle.thread[i], NULL, go_round,
				    (void *)i), 0);
	}
	duel_run(&duel, rounds);
	atomic_store(&circle.over, 1);
	/* Each is told by a file of its own that it is over. */
	for (int i = 0; i < RING; i++)
		MUST(ep_ctl(circle.ep[i], EPOLL_CTL_ADD,
			    MUST_FD(eventfd(1, EFD_NONBLOCK)), EPOLLIN, 0), 0);
	for (int i = 0; i < RING; i++)
		pthread_join(circle.thread[i], NULL);
}
