// SPDX-License-Identifier: MIT
/*
 * Timers against timerfd.
 *
 *	timer_arm	another time for a timer that runs
 *	timer_cancel	and none
 *	timer_cycle	arm, expire, and the event
 *	timer_late	time: how late after its time who waits has it, p99
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>

#include "own.h"

#define FAR	1000000000000LL
#define LATE	200

static void open_timerfd(void)
{
	own_open_native(timerfd_create(CLOCK_MONOTONIC, 0));
}

static void open_epollx_timer(void)
{
	own_open_epollx();
	own_set_timer(EPOLL_CTL_ADD, ID, FAR);
}

static void open_ring_timer(void)
{
	own_open_ring();
	own_set_timer(EPOLL_CTL_ADD, ID, FAR);
}

static int step_arm_native(struct point *point)
{
	(void)point;
	own_set_timerfd(own_fd, FAR);
	return 1;
}

static int step_arm_epollx(struct point *point)
{
	(void)point;
	own_set_timer(EPOLL_CTL_MOD, ID, FAR);
	return 1;
}

static void prepare_arm_native(struct point *point)
{
	step_arm_native(point);
}

static void prepare_arm_epollx(struct point *point)
{
	step_arm_epollx(point);
}

static int step_cancel_native(struct point *point)
{
	(void)point;
	own_set_timerfd(own_fd, 0);
	return 1;
}

static int step_cancel_epollx(struct point *point)
{
	(void)point;
	own_set_timer(EPOLL_CTL_MOD, ID, 0);
	return 1;
}

static int step_cycle_native(struct point *point)
{
	(void)point;
	own_set_timerfd(own_fd, 1);
	own_wait_native(-1);
	return 1;
}

static int step_cycle_epollx(struct point *point)
{
	(void)point;
	own_set_timer(EPOLL_CTL_MOD, ID, 1);
	own_wait_epollx(-1);
	return 1;
}

static int step_cycle_ring(struct point *point)
{
	(void)point;
	own_set_timer(EPOLL_CTL_MOD, ID, 1);
	own_wait_ring(-1);
	return 1;
}

static const struct own table[] = {
	{ "timer_arm", "native", 1, open_timerfd, NULL, step_arm_native },
	{ "timer_arm", "epollx", 1, open_epollx_timer, NULL, step_arm_epollx },
	{ "timer_cancel", "native", 1, open_timerfd, prepare_arm_native,
	  step_cancel_native },
	{ "timer_cancel", "epollx", 1, open_epollx_timer, prepare_arm_epollx,
	  step_cancel_epollx },
	{ "timer_cycle", "native", 1, open_timerfd, NULL, step_cycle_native },
	{ "timer_cycle", "epollx", 1, open_epollx_timer, NULL,
	  step_cycle_epollx },
	{ "timer_cycle", "ring", 1, open_ring_timer, NULL, step_cycle_ring },
	{ }
};

void measure_timers(void)
{
	own_measure(table);
}

static void set_native(int64_t first)
{
	own_set_timerfd(own_fd, first);
}

static void modify(int64_t first)
{
	own_set_timer(EPOLL_CTL_MOD, ID, first);
}

static void take_native(void)
{
	own_wait_native(-1);
}

static void take_epollx(void)
{
	own_wait_epollx(-1);
}

static void take_ring(void)
{
	own_wait_ring(-1);
}

static const struct late {
	const char *side;
	void (*open)(void);
	void (*set)(int64_t first);
	void (*take)(void);
} lates[] = {
	{ "native", open_timerfd, set_native, take_native },
	{ "epollx", open_epollx_timer, modify, take_epollx },
	{ "ring", open_ring_timer, modify, take_ring },
};

#define LATES		((int)(sizeof(lates) / sizeof(lates[0])))
static const int percents[] = { 50, 99 };

/* One round's percentiles. */
static void late_round(int side, double *at, void *arg)
{
	const struct late *late = &lates[side];
	double ns[LATE];

	(void)arg;
	late->open();
	for (int i = 0; i < LATE; i++) {
		long long due = clock_ns() + 300000;

		late->set(300000);
		late->take();
		ns[i] = clock_ns() - due;
	}
	own_close();
	/* Sorts them. */
	median(ns, LATE);
	for (int p = 0; p < 2; p++)
		at[p] = ns[LATE * percents[p] / 100];
}

void measure_lateness(void)
{
	int rounds = (options.rounds + 1) / 2;
	double *ratios = ratios_of_rounds(LATES, 2, rounds, late_round, NULL);

	for (int i = 2; i < 2 * LATES; i++)
		figure_spread("time", "timer_late", percents[i % 2],
			      lates[i / 2].side, ratios + i * rounds, rounds,
			      "of native's lateness");
	free(ratios);
}
