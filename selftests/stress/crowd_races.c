// SPDX-License-Identifier: MIT
/*
 * The close of watched files among many others.
 *
 *	left				right
 *	DEL, ADD			close(stranger)		in one chain
 *	close(instance)			close(files)		hundreds
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>
#include <unistd.h>

#include "stress.h"

#define NEIGHBOURS	64
#define STRANGERS	16

static int neighbour[NEIGHBOURS];

static void move_neighbours(struct duel *duel)
{
	for (int i = 0; i < STRANGERS; i++) {
		int fd = neighbour[random_next() % NEIGHBOURS];

		MUST(ep_ctl(duel->fd[0], EPOLL_CTL_DEL, fd, 0, 0), 0);
		MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, fd, EPOLLIN, 1), 0);
	}
}

static void close_strangers(struct duel *duel)
{
	(void)duel;
	for (int i = 0; i < STRANGERS; i++)
		close(MUST_FD(eventfd(0, EFD_NONBLOCK)));
}

/* The close looks for its file among watches that come and go. */
RACE(close_beside_deletes_in_its_chain, "met")
{
	struct duel duel = {
		.left = move_neighbours, .right = close_strangers,
		.batch = STRANGERS,
	};

	duel.fd[0] = MUST_FD(ep_create1(0));
	for (int i = 0; i < NEIGHBOURS; i++) {
		neighbour[i] = MUST_FD(eventfd(0, EFD_NONBLOCK));
		MUST(ep_ctl(duel.fd[0], EPOLL_CTL_ADD, neighbour[i], EPOLLIN,
			    1), 0);
	}
	duel_run(&duel, rounds);
}

/* As many as a process has descriptors for by default, and room for others. */
#define CROWD	900

static int crowd[CROWD];

static void prepare_crowd(struct duel *duel)
{
	duel->fd[0] = MUST_FD(ep_create1(0));
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = MUST_FD(eventfd(1, EFD_NONBLOCK));
		MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, crowd[i], EPOLLIN, 1),
		     0);
	}
}

static void close_instance(struct duel *duel)
{
	close(duel->fd[0]);
}

static void close_crowd(struct duel *duel)
{
	(void)duel;
	for (int i = 0; i < CROWD; i++)
		close(crowd[i]);
}

RACE(instance_goes_beside_all_its_files, "met release_dead")
{
	struct duel duel = {
		.prepare = prepare_crowd, .left = close_instance,
		.right = close_crowd,
	};

	duel_run(&duel, rounds);
}
