// SPDX-License-Identifier: MIT
/*
 * Waits that begin and end at the wrong moment.
 *
 *	left				right
 *	write				wait that times out just then
 *	write, wait			wait, write			ping-pong
 *
 * The invariant: an event comes to exactly one wait. A lost wake-up shows as a
 * round that never ends.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "stress.h"

/* value[0] the time of the wait in ns, value[1] how late the write is */
static void prepare_timeout(struct duel *duel)
{
	static const long times[] = { 1, 20000, 100000, 1000000 };

	duel->value[0] = times[random_next() % 4];
	duel->value[2] = 0;
	if (duel->value[0] != duel->value[3])
		duel->value[1] = duel->value[0];
	duel->value[3] = duel->value[0];
}

static void write_at_the_end(struct duel *duel)
{
	long long until = now_ns() + duel->value[0] + duel->value[4];

	while (now_ns() < until)
		;
	MUST(eventfd_write(duel->fd[1], 1), 0);
}

static void wait_for_a_time(struct duel *duel)
{
	struct timespec time = { .tv_nsec = duel->value[0] };
	struct epoll_event ev;

	duel->value[2] = ep_pwait2(duel->fd[0], &ev, 1, &time, NULL, 0);
}

/*
 * Exactly once: to the waiter, or to who asks afterwards. The write moves
 * towards the moment at which the two are equally often first.
 */
static void once_in_all(struct duel *duel)
{
	struct epoll_event ev;
	eventfd_t count;
	int late = ep_wait(duel->fd[0], &ev, 1, 0);

	MUST(duel->value[2] + late, 1);
	MUST(eventfd_read(duel->fd[1], &count), 0);
	duel->value[4] += duel->value[2] ? 2000 : -2000;
	if (duel->value[4] > 400000 || duel->value[4] < -100000)
		duel->value[4] = 0;
}

RACE(timeout_beside_event, "timeout_woken")
{
	struct duel duel = {
		.prepare = prepare_timeout, .left = write_at_the_end,
		.right = wait_for_a_time, .check = once_in_all,
	};

	/* Threads inherit it. */
	prctl(PR_SET_TIMERSLACK, 1);
	duel.fd[0] = MUST_FD(ep_create1(0));
	duel.fd[1] = MUST_FD(eventfd(0, EFD_NONBLOCK));
	MUST(ep_ctl(duel.fd[0], EPOLL_CTL_ADD, duel.fd[1], EPOLLIN | EPOLLET,
		    0), 0);
	duel_run(&duel, rounds);
}

/* The ball that ends the game. */
#define LAST	2
/* No wait begins later than this, in ns. */
#define LATEST	1000000
#define STEP(late)	(500 + (late) / 32)

/*
 * @late: how long the player holds back before it waits, in ns
 * @began: its last write
 * @ended: 0 while that is under way
 * @cpu: where it was
 */
static struct player {
	int ball, ep;
	long late;
	atomic_llong began, ended;
	atomic_int cpu;
} player[2];

static long serves;

static void strike(long me, eventfd_t what)
{
	atomic_store(&player[me].ended, 0);
	atomic_store(&player[me].cpu, sched_getcpu());
	atomic_store(&player[me].began, now_ns());
	MUST(eventfd_write(player[!me].ball, what), 0);
	atomic_store(&player[me].ended, now_ns());
}

/*
 * Most waits begin when the other's write has been under way in half of the
 * last ones; the rest at once.
 */
static eventfd_t catch_ball(long me)
{
	const struct player *other = &player[!me];
	bool at_once = random_next() % 4 == 0;
	long long until = now_ns() + (at_once ? 0 : player[me].late);
	long long began, ended;
	struct epoll_event ev;
	int cpu;
	eventfd_t what;

	cpu = sched_getcpu();
	do
		began = now_ns();
	while (began < until);
	MUST(ep_wait(player[me].ep, &ev, 1, -1), 1);
	ended = atomic_load(&other->ended);
	if (atomic_load(&other->began) > began) {
		if (!at_once && player[me].late < LATEST)
			player[me].late += STEP(player[me].late);
	} else {
		if (!at_once && player[me].late > 0)
			player[me].late -= STEP(player[me].late);
		/* The write was under way when the wait began, elsewhere. */
		if ((!ended || ended > began) && other->cpu != cpu)
			race_hit();
	}
	MUST(eventfd_read(player[me].ball, &what), 0);
	return what;
}

static void *play(void *arg)
{
	long me = (long)arg;

	random_start(20 + me);
	for (long round = 0; catch_ball(me) != LAST; round++) {
		if (!me && !race_goes_on(round, serves))
			break;
		strike(me, 1);
		race_rounds(me);
	}
	if (!me)
		strike(me, LAST);
	return NULL;
}

/* Two that wake each other for ever: one lost wake-up ends it. */
RACE(ping_pong_without_a_timeout, "met")
{
	pthread_t thread[2];

	serves = rounds;
	for (int i = 0; i < 2; i++) {
		player[i].ball = MUST_FD(eventfd(0, EFD_NONBLOCK));
		player[i].ep = MUST_FD(ep_create1(0));
		MUST(ep_ctl(player[i].ep, EPOLL_CTL_ADD, player[i].ball,
			    EPOLLIN | EPOLLET, 0), 0);
	}
	for (long i = 0; i < 2; i++)
		MUST(pthread_create(&thread[i], NULL, play, (void *)i), 0);
	MUST(eventfd_write(player[0].ball, 1), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}
