// SPDX-License-Identifier: MIT
/*
 * The operations that are measured. A scenario's state is global: one runs at
 * a time. All use eventfds, the cheapest file with a wait queue, so that what
 * is compared weighs most.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"

#define MAX_EVENTS	1024

static int ep, fds[MAX_EVENTS], fd_count, ready_count;
static uint32_t mask;
static struct epoll_event events[MAX_EVENTS];
static const uint64_t one = 1;

/* @count ready files, or one that is not ready for a count of 0. */
static void setup(const struct peer *peer, int count, uint32_t asked)
{
	ep = peer->create();
	must(ep >= 0, "create");
	mask = asked;
	ready_count = count;
	fd_count = count ? count : 1;
	for (int i = 0; i < fd_count; i++) {
		fds[i] = eventfd(count ? 1 : 0, EFD_NONBLOCK);
		must(fds[i] >= 0, "eventfd");
		must(!peer->change(ep, EPOLL_CTL_ADD, fds[i], asked, i), "add");
	}
}

void scenario_end(void)
{
	for (int i = 0; i < fd_count; i++)
		close(fds[i]);
	close(ep);
}

static void step_wait(const struct peer *peer)
{
	must(peer->wait(ep, events, MAX_EVENTS, 0) == ready_count, "wait");
}

/* Make all of them edges again, then collect them. */
static void step_edges(const struct peer *peer)
{
	for (int i = 0; i < fd_count; i++)
		must(write(fds[i], &one, 8) == 8, "write");
	must(peer->wait(ep, events, MAX_EVENTS, 0) == fd_count, "wait");
}

static void step_oneshot(const struct peer *peer)
{
	must(peer->wait(ep, events, MAX_EVENTS, 0) == fd_count, "wait");
	for (int i = 0; i < fd_count; i++)
		must(!peer->change(ep, EPOLL_CTL_MOD, fds[i], mask, i), "mod");
}

static void step_mod(const struct peer *peer)
{
	must(!peer->change(ep, EPOLL_CTL_MOD, fds[0], mask, 0), "mod");
}

static void step_del_add(const struct peer *peer)
{
	must(!peer->change(ep, EPOLL_CTL_DEL, fds[0], 0, 0), "del");
	must(!peer->change(ep, EPOLL_CTL_ADD, fds[0], mask, 0), "add");
}

static void step_write(const struct peer *peer)
{
	(void)peer;
	must(write(fds[0], &one, 8) == 8, "write");
}

#define LEVEL	EPOLLIN
#define EDGE	(EPOLLIN | EPOLLET)
#define ONCE	(EPOLLIN | EPOLLONESHOT)

const struct scenario scenarios[] = {
	{ "wait_0_ready", setup, step_wait, 0, LEVEL },
	{ "wait_1_level", setup, step_wait, 1, LEVEL },
	{ "wait_16_level", setup, step_wait, 16, LEVEL },
	{ "wait_256_level", setup, step_wait, 256, LEVEL },
	{ "write_wait_1_edge", setup, step_edges, 1, EDGE },
	{ "write_wait_16_edge", setup, step_edges, 16, EDGE },
	{ "write_wait_256_edge", setup, step_edges, 256, EDGE },
	{ "wait_rearm_1_oneshot", setup, step_oneshot, 1, ONCE },
	{ "wait_rearm_16_oneshot", setup, step_oneshot, 16, ONCE },
	{ "wait_rearm_256_oneshot", setup, step_oneshot, 256, ONCE },
	{ "mod", setup, step_mod, 0, LEVEL },
	{ "mod_ready", setup, step_mod, 1, LEVEL },
	{ "del_add", setup, step_del_add, 0, LEVEL },
	{ "del_add_ready", setup, step_del_add, 1, LEVEL },
	{ "write_beside_watch", setup, step_write, 1, EDGE },
	{ },
};
