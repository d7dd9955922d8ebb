// SPDX-License-Identifier: MIT
/*
 * Instances that watch instances, while the graph changes.
 *
 *	left				right
 *	ADD b to a			ADD a to b	one wins, one has ELOOP
 *	ADD c to b (walks up to a)	close(a)
 *	write below b, close(b)		wait(a), often
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "stress.h"

static void prepare_two(struct duel *duel)
{
	duel->fd[0] = MUST_FD(ep_create1(0));
	duel->fd[1] = MUST_FD(ep_create1(0));
}

static void add_b_to_a(struct duel *duel)
{
	duel->value[0] = ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[1],
				EPOLLIN, 0);
}

static void add_a_to_b(struct duel *duel)
{
	duel->value[1] = ep_ctl(duel->fd[1], EPOLL_CTL_ADD, duel->fd[0],
				EPOLLIN, 0);
}

static void one_won(struct duel *duel)
{
	if (!((duel->value[0] == 0 && duel->value[1] == -ELOOP) ||
	      (duel->value[1] == 0 && duel->value[0] == -ELOOP)))
		race_fail("the adds gave %ld and %ld", duel->value[0],
			  duel->value[1]);
	close(duel->fd[0]);
	close(duel->fd[1]);
}

RACE(crosswise_adds, "met loop_refused")
{
	struct duel duel = {
		.prepare = prepare_two, .left = add_b_to_a,
		.right = add_a_to_b, .check = one_won,
	};

	duel_run(&duel, rounds);
}

/* a watches b several times over; c is an instance over a file */
static void prepare_three(struct duel *duel)
{
	prepare_two(duel);
	duel->fd[2] = MUST_FD(ep_create1(0));
	MUST(ep_ctl(duel->fd[2], EPOLL_CTL_ADD, duel->fd[3], EPOLLIN, 0), 0);
	MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[1], EPOLLIN, 0), 0);
}

static void add_below(struct duel *duel)
{
	MUST(ep_ctl(duel->fd[1], EPOLL_CTL_ADD, duel->fd[2], EPOLLIN, 5), 0);
}

static void close_above(struct duel *duel)
{
	close(duel->fd[0]);
}

static void still_there_below(struct duel *duel)
{
	struct epoll_event ev;

	MUST(ep_wait(duel->fd[1], &ev, 1, 0), 1);
	MUST(ev.data.u64, 5);
	close(duel->fd[1]);
	close(duel->fd[2]);
}

RACE(nested_add_beside_close_above, "met")
{
	struct duel duel = {
		.prepare = prepare_three, .left = add_below,
		.right = close_above, .check = still_there_below,
	};

	duel.fd[3] = MUST_FD(eventfd(1, EFD_NONBLOCK));
	duel_run(&duel, rounds);
}

#define RESIDENTS	16

/* fd[0] above fd[1] above fd[2] */
static void prepare_chain(struct duel *duel)
{
	duel->fd[1] = MUST_FD(ep_create1(0));
	duel->fd[2] = MUST_FD(eventfd(0, EFD_NONBLOCK));
	MUST(ep_ctl(duel->fd[1], EPOLL_CTL_ADD, duel->fd[2], EPOLLIN, 0), 0);
	MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[1], EPOLLIN, 6), 0);
}

/* How many events are the inner instance's. */
static int scan_above(struct duel *duel)
{
	struct epoll_event ev[RESIDENTS + 1];
	int n = ep_wait(duel->fd[0], ev, RESIDENTS + 1, 0), inner = 0;

	for (int i = 0; i < n; i++)
		inner += ev[i].data.u64 == 6;
	if (n != RESIDENTS + inner || inner > 1)
		race_fail("wait gave %d, %d of them of the inner instance", n,
			  inner);
	return inner;
}

static void write_and_close_inner(struct duel *duel)
{
	MUST(eventfd_write(duel->fd[2], 1), 0);
	random_delay();
	close(duel->fd[1]);
}

static void scan_often(struct duel *duel)
{
	do
		scan_above(duel);
	while (!atomic_load(&duel->left_over));
}

static void silent_above(struct duel *duel)
{
	MUST(scan_above(duel), 0);
	close(duel->fd[2]);
}

RACE(inner_close_beside_outer_scan, "met close_in_scan")
{
	struct duel duel = {
		.prepare = prepare_chain, .left = write_and_close_inner,
		.right = scan_often, .check = silent_above,
	};

	duel.fd[0] = instance_with_residents(RESIDENTS, 0);
	duel_run(&duel, rounds);
}
