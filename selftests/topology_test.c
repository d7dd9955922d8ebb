// SPDX-License-Identifier: MIT
/*
 * Many small graphs of instances, each with every choice of level and edge,
 * through a fixed course of writes, waits, polls and reads. What every call
 * answers is packed into a number; the numbers of native epoll and of epollx
 * must be the same. And the same graphs with sleepers: who must wake, does.
 *
 * "S0 S1" are eventfds, "e0" is the outermost instance:
 *
 *   direct    e0 ─ S0                 pair      e0 ─ S0, S1
 *   nested    e0 ─ e1 ─ S0            deep      e0 ─ e1 ─ e2 ─ S0
 *   twins     e0 ─ e1 ─ S0            mixed     e0 ─ e1 ─ S0
 *              └── e2 ─ S1                       └── S1
 *   diamond   e0 ─ e1 ─ e3 ─ S0       shared    e0 ─ e2 ─ S0
 *              └── e2 ─┘                        e1 ─┘
 *   source    e0 ─ e1 ─ S0 ─ e0       tower     e0 ─ e1 ─ e2 ─ e3 ─ S0, S1
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "waiter.h"

#define EPS		4
#define SOURCES		2
#define EDGES		8
#define S(n)		(EPS + (n))

/**
 * struct graph - who watches whom
 * @name: as in the drawing
 * @edges: watcher and watched; an instance's number, or S(n)
 * @nr_edges: how many
 * @nr_eps: instances in use
 * @nr_sources: files in use
 * @top: bit mask of instances whose sleeper sees every source
 */
struct graph {
	const char *name;
	unsigned char edges[EDGES][2];
	int nr_edges;
	int nr_eps;
	int nr_sources;
	int top;
};

static const struct graph graphs[] = {
	{ "direct", { { 0, S(0) } }, 1, 1, 1, 1 },
	{ "pair", { { 0, S(0) }, { 0, S(1) } }, 2, 1, 2, 1 },
	{ "nested", { { 0, 1 }, { 1, S(0) } }, 2, 2, 1, 1 },
	{ "deep", { { 0, 1 }, { 1, 2 }, { 2, S(0) } }, 3, 3, 1, 1 },
	{ "twins", { { 0, 1 }, { 0, 2 }, { 1, S(0) }, { 2, S(1) } },
	  4, 3, 2, 1 },
	{ "mixed", { { 0, 1 }, { 0, S(1) }, { 1, S(0) } }, 3, 2, 2, 1 },
	{ "diamond", { { 0, 1 }, { 0, 2 }, { 1, 3 }, { 2, 3 }, { 3, S(0) } },
	  5, 4, 1, 1 },
	{ "shared", { { 0, 2 }, { 1, 2 }, { 2, S(0) } }, 3, 3, 1, 3 },
	{ "source", { { 0, 1 }, { 0, S(0) }, { 1, S(0) } }, 3, 2, 1, 1 },
	{ "tower", { { 0, 1 }, { 1, 2 }, { 2, 3 }, { 3, S(0) }, { 3, S(1) } },
	  5, 4, 2, 1 },
};

/* The files of a graph: instances first, then sources. */
struct built {
	int fd[EPS + SOURCES];
};

/* Edge i is edge-triggered if bit i of @modes is set. */
static void build(struct built *b, const struct graph *g, int modes)
{
	for (int i = 0; i < g->nr_eps; i++)
		b->fd[i] = ep_create1(0);
	for (int i = 0; i < g->nr_sources; i++)
		b->fd[S(i)] = eventfd(0, EFD_NONBLOCK);
	for (int i = 0; i < g->nr_edges; i++) {
		unsigned int events = EPOLLIN;

		if (modes & 1 << i)
			events |= EPOLLET;
		ASSERT_EQ(ep_ctl(b->fd[g->edges[i][0]], EPOLL_CTL_ADD,
				 b->fd[g->edges[i][1]], events, i), 0);
	}
}

static void tear_down(struct built *b, const struct graph *g)
{
	for (int i = 0; i < g->nr_eps; i++)
		close(b->fd[i]);
	for (int i = 0; i < g->nr_sources; i++)
		close(b->fd[S(i)]);
}

/* What was seen so far, as one number. */
static void note(unsigned long long *sum, unsigned long long value)
{
	*sum = (*sum ^ value) * 0x100000001b3ULL;
}

/* What all instances say, one after the other, starting with the @first. */
static void look(unsigned long long *sum, const struct graph *g,
		 const struct built *b, int first, bool by_poll)
{
	for (int i = 0; i < g->nr_eps; i++) {
		int ep = b->fd[(first + i) % g->nr_eps];
		struct pollfd pfd = { .fd = ep, .events = POLLIN | POLLOUT };
		struct epoll_event ev[EDGES];
		int n;

		if (by_poll) {
			poll(&pfd, 1, 0);
			note(sum, pfd.revents);
			continue;
		}
		n = ep_wait(ep, ev, EDGES, 0);
		note(sum, n);
		for (int j = 0; j < n; j++)
			note(sum, ev[j].data.u64 << 32 | ev[j].events);
	}
}

static void write_to(const struct built *b, const struct graph *g, int which)
{
	for (int i = 0; i < g->nr_sources; i++)
		if (which & 1 << i)
			ASSERT_EQ(eventfd_write(b->fd[S(i)], 1), 0);
}

static void read_from(const struct built *b, const struct graph *g, int which)
{
	eventfd_t value;

	for (int i = 0; i < g->nr_sources; i++)
		if (which & 1 << i)
			(void)eventfd_read(b->fd[S(i)], &value);
}

/* The course; the outermost looks first, or the innermost. */
static unsigned long long walk(const struct graph *g, int modes, int first)
{
	unsigned long long sum = 0xcbf29ce484222325ULL;
	struct built b;

	build(&b, g, modes);
	look(&sum, g, &b, first, false);
	write_to(&b, g, 1);
	look(&sum, g, &b, first, true);
	look(&sum, g, &b, first, false);
	look(&sum, g, &b, first, false);
	/* Again, unread; then both. */
	write_to(&b, g, 1);
	look(&sum, g, &b, first, false);
	write_to(&b, g, 3);
	write_to(&b, g, 3);
	look(&sum, g, &b, first, false);
	look(&sum, g, &b, first, true);
	/* One is read before anybody has looked. */
	write_to(&b, g, 3);
	read_from(&b, g, 1);
	look(&sum, g, &b, first, true);
	look(&sum, g, &b, first, false);
	read_from(&b, g, 3);
	look(&sum, g, &b, first, false);
	/* Each watch is changed to what it is. */
	write_to(&b, g, 3);
	look(&sum, g, &b, first, false);
	for (int i = 0; i < g->nr_edges; i++)
		ASSERT_EQ(ep_ctl(b.fd[g->edges[i][0]], EPOLL_CTL_MOD,
				 b.fd[g->edges[i][1]],
				 EPOLLIN | (modes & 1 << i ? EPOLLET : 0), i),
			  0);
	look(&sum, g, &b, first, false);
	look(&sum, g, &b, first, false);
	/* The last edge goes, and comes back while its file is ready. */
	modes = g->nr_edges - 1;
	ASSERT_EQ(ep_ctl(b.fd[g->edges[modes][0]], EPOLL_CTL_DEL,
			 b.fd[g->edges[modes][1]], 0, 0), 0);
	look(&sum, g, &b, first, false);
	ASSERT_EQ(ep_ctl(b.fd[g->edges[modes][0]], EPOLL_CTL_ADD,
			 b.fd[g->edges[modes][1]], EPOLLIN, 9), 0);
	look(&sum, g, &b, first, true);
	look(&sum, g, &b, first, false);
	tear_down(&b, g);
	return sum;
}

/* All modes of one graph, from either end. */
static void walk_all(const struct graph *g)
{
	unsigned long long sum = 0;

	for (int first = 0; first < g->nr_eps; first++) {
		char name[64];

		for (int modes = 0; modes < 1 << g->nr_edges; modes++)
			note(&sum, walk(g, modes, first));
		snprintf(name, sizeof(name), "%s_from_e%d", g->name, first);
		OBSERVE(name, sum >> 1);
	}
}

TEST_TIMEOUT(graphs_answer_alike_in_every_mode, "81 80 82 57 76", 60)
{
	for (size_t i = 0; i < sizeof(graphs) / sizeof(*graphs); i++)
		walk_all(&graphs[i]);
}

/*
 * Sleepers in each topmost instance, @nr of them, by wait or by poll(2). One
 * write to each source reaches at least one of them; none of the sources is
 * read, so with a level-triggered way down all of them wake.
 */
static void wake(const struct graph *g, int modes, enum waiter_kind kind,
		 int nr)
{
	struct waiter w[2 * 2] = {};
	struct built b;
	int n = 0, woken;

	build(&b, g, modes);
	for (int i = 0; i < g->nr_eps; i++)
		for (int j = 0; g->top & 1 << i && j < nr; j++)
			waiter_sleep(&w[n++], kind, b.fd[i], 1, -1);
	write_to(&b, g, 1);
	woken = waiter_await_settled(w, n);
	EXPECT_GE(woken, 1);
	/* poll(2) takes nothing, so nobody's wake-up is in vain. */
	if (!modes || kind == WAITER_POLL)
		EXPECT_EQ(woken, n);
	/* A direct edge goes to one alone. */
	if (kind == WAITER_EPOLL && g->nr_edges == 1 && modes)
		EXPECT_EQ(woken, 1);
	for (int round = 0; woken < n; round++) {
		ASSERT_LT(round, n);
		write_to(&b, g, 3);
		woken = waiter_await_settled(w, n);
	}
	for (int i = 0; i < n; i++)
		EXPECT_EQ(waiter_join(&w[i]), 1);
	tear_down(&b, g);
}

static void wake_all_graphs(enum waiter_kind kind, int nr)
{
	/* All modes, or where threads are dear every third. */
	int step = time_factor() > 1 ? 3 : 1;

	for (size_t i = 0; i < sizeof(graphs) / sizeof(*graphs); i++)
		for (int modes = 0; modes < 1 << graphs[i].nr_edges;
		     modes += step)
			wake(&graphs[i], modes, kind, nr);
}

TEST_TIMEOUT(one_sleeper_wakes_in_every_graph, "81 61", 120)
{
	wake_all_graphs(WAITER_EPOLL, 1);
}

TEST_TIMEOUT(two_sleepers_wake_in_every_graph, "81 61", 120)
{
	wake_all_graphs(WAITER_EPOLL, 2);
}

TEST_TIMEOUT(pollers_wake_in_every_graph, "81 76", 120)
{
	wake_all_graphs(WAITER_POLL, 2);
}
