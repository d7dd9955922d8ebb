// SPDX-License-Identifier: MIT
/*
 * The close of a watched file beside everything that looks at its watch: the
 * release of the instance, a DEL, a scan, a delivery that stops half-way.
 *
 *	left				right
 *	close(instance)			close(file)		plain, nested
 *	write, close(file)		wait(0), often		on incoming
 *	close(file)			wait(0), often		on ready
 *	wait, fault at event 2		close(file 2)		half-delivered
 *	close 8 of 16			wait for 16, often	in a delivery
 *	DEL				close(file)
 *
 * The invariant: after both, nothing of a closed file is ever reported, what
 * is open still is, and the number can be used again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress.h"

#define DUPS	8

/* One or more watches of a file, under numbers that are closed again. */
static void watch_many(int ep, int fd)
{
	int copy[DUPS], nr = 1 + random_next() % DUPS;

	for (int i = 0; i < nr; i++) {
		copy[i] = MUST_FD(dup(fd));
		MUST(ep_ctl(ep, EPOLL_CTL_ADD, copy[i], EPOLLIN, i), 0);
	}
	for (int i = 0; i < nr; i++)
		close(copy[i]);
}

/* A file that nobody watches. */
static int spare;

/* What the close has left is buried by a change, or by the release itself. */
static void close_left(struct duel *duel)
{
	for (int i = random_next() % 4; i > 0; i--)
		MUST(ep_ctl(duel->fd[0], EPOLL_CTL_DEL, spare, 0, 0), -ENOENT);
	close(duel->fd[0]);
}

static void close_right(struct duel *duel)
{
	close(duel->fd[1]);
}

static void prepare_plain(struct duel *duel)
{
	duel->fd[0] = MUST_FD(ep_create1(0));
	duel->fd[1] = MUST_FD(eventfd(random_next() & 1, EFD_NONBLOCK));
	watch_many(duel->fd[0], duel->fd[1]);
}

RACE(instance_close_beside_file_close, "met release_dead")
{
	struct duel duel = {
		.prepare = prepare_plain, .left = close_left,
		.right = close_right,
	};

	spare = MUST_FD(eventfd(0, EFD_NONBLOCK));
	duel_run(&duel, rounds);
}

static void prepare_nested(struct duel *duel)
{
	duel->fd[0] = MUST_FD(ep_create1(0));
	duel->fd[1] = MUST_FD(ep_create1(0));
	MUST(ep_ctl(duel->fd[1], EPOLL_CTL_ADD, duel->fd[2], EPOLLIN, 0), 0);
	watch_many(duel->fd[0], duel->fd[1]);
}

RACE(outer_close_beside_inner_close, "met release_dead")
{
	struct duel duel = {
		.prepare = prepare_nested, .left = close_left,
		.right = close_right,
	};

	spare = MUST_FD(eventfd(0, EFD_NONBLOCK));
	duel.fd[2] = MUST_FD(eventfd(1, EFD_NONBLOCK));
	duel_run(&duel, rounds);
}

/*
 * fd[0] the instance, the others eventfds. @least are open all the while, and
 * ready, so that a scan takes its time.
 */
static void wait_for(struct duel *duel, int least, int most)
{
	struct epoll_event ev[32];
	int n = ep_wait(duel->fd[0], ev, 32, 0);

	if (n < least || n > most)
		race_fail("wait returned %d, not %d to %d", n, least, most);
	for (int i = 0; i < n; i++)
		if (ev[i].data.u64 != 1 || ev[i].events != EPOLLIN)
			race_fail("wait gave %#x of %#llx", ev[i].events,
				  (unsigned long long)ev[i].data.u64);
}

static void nothing_left(struct duel *duel)
{
	struct epoll_event ev;

	MUST(ep_wait(duel->fd[0], &ev, 1, 0), 0);
}

#define RESIDENTS	24

/* Several: one arrives and dies while another is being buried. */
#define INCOMING	8

static void prepare_incoming(struct duel *duel)
{
	for (int i = 1; i <= INCOMING; i++) {
		duel->fd[i] = MUST_FD(eventfd(0, EFD_NONBLOCK));
		MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[i],
			    EPOLLIN | (random_next() & 1 ? EPOLLET : 0), 1), 0);
	}
}

static void write_and_close(struct duel *duel)
{
	for (int i = 1; i <= INCOMING; i++) {
		MUST(eventfd_write(duel->fd[i], 1), 0);
		random_delay();
		close(duel->fd[i]);
	}
}

static void wait_often(struct duel *duel)
{
	do
		wait_for(duel, RESIDENTS, RESIDENTS + INCOMING);
	while (!atomic_load(&duel->left_over));
}

static void residents_left(struct duel *duel)
{
	wait_for(duel, RESIDENTS, RESIDENTS);
}

RACE(close_while_incoming, "met incoming_in_scan")
{
	struct duel duel = {
		.prepare = prepare_incoming, .left = write_and_close,
		.right = wait_often, .check = residents_left,
		.batch = INCOMING,
	};

	duel.fd[0] = instance_with_residents(RESIDENTS, 1);
	duel_run(&duel, rounds);
}

static void prepare_ready(struct duel *duel)
{
	duel->fd[1] = MUST_FD(eventfd(1, EFD_NONBLOCK));
	MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[1], EPOLLIN, 1), 0);
	wait_for(duel, RESIDENTS + 1, RESIDENTS + 1);
}

static void wait_meanwhile(struct duel *duel)
{
	do
		wait_for(duel, RESIDENTS, RESIDENTS + 1);
	while (!atomic_load(&duel->left_over));
}

RACE(close_while_ready, "met queued_in_scan")
{
	struct duel duel = {
		.prepare = prepare_ready, .left = close_right,
		.right = wait_meanwhile, .check = residents_left,
	};

	duel.fd[0] = instance_with_residents(RESIDENTS, 1);
	duel_run(&duel, rounds);
}

/* A page that may be written, and behind it one that may not. */
static struct epoll_event *edge_of_memory;

static void prepare_fault(struct duel *duel)
{
	for (int i = 1; i <= 2; i++) {
		duel->fd[i] = MUST_FD(eventfd(1, EFD_NONBLOCK));
		MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[i],
			    EPOLLIN | EPOLLET, i), 0);
	}
}

static void wait_at_the_edge(struct duel *duel)
{
	MUST(ep_wait(duel->fd[0], edge_of_memory - 1, 2, 0), 1);
	MUST(edge_of_memory[-1].data.u64, 1);
}

static void close_second(struct duel *duel)
{
	close(duel->fd[2]);
}

static void close_first(struct duel *duel)
{
	nothing_left(duel);
	close(duel->fd[1]);
}

RACE(close_of_what_a_fault_left_behind, "met fault_dead")
{
	struct duel duel = {
		.prepare = prepare_fault, .left = wait_at_the_edge,
		.right = close_second, .check = close_first,
	};
	long page = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory == MAP_FAILED, false);
	MUST(mprotect(memory + page, page, PROT_NONE), 0);
	edge_of_memory = (struct epoll_event *)(memory + page);
	duel.fd[0] = MUST_FD(ep_create1(0));
	duel_run(&duel, rounds);
}

#define BATCH	16

static void prepare_batch(struct duel *duel)
{
	for (int i = 1; i <= BATCH; i++) {
		duel->fd[i] = MUST_FD(eventfd(1, EFD_NONBLOCK));
		MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[i], EPOLLIN,
			    i), 0);
	}
}

static void wait_for_some(struct duel *duel)
{
	struct epoll_event ev[BATCH];
	int n = ep_wait(duel->fd[0], ev, BATCH, 0);
	unsigned int seen = 0;

	if (n < BATCH / 2 || n > BATCH)
		race_fail("%d events of %d files", n, BATCH);
	for (int i = 0; i < n; i++) {
		if (seen & 1u << ev[i].data.u32)
			race_fail("file %u reported twice", ev[i].data.u32);
		seen |= 1u << ev[i].data.u32;
	}
}

static void wait_for_batch(struct duel *duel)
{
	do
		wait_for_some(duel);
	while (!atomic_load(&duel->left_over));
}

static void close_every_other(struct duel *duel)
{
	for (int i = 2; i <= BATCH; i += 2)
		close(duel->fd[i]);
}

static void close_the_others(struct duel *duel)
{
	struct epoll_event ev[BATCH];

	MUST(ep_wait(duel->fd[0], ev, BATCH, 0), BATCH / 2);
	for (int i = 0; i < BATCH / 2; i++)
		MUST(ev[i].data.u64 & 1, 1);
	for (int i = 1; i <= BATCH; i += 2)
		close(duel->fd[i]);
}

RACE(close_in_the_middle_of_a_delivery, "met close_in_scan")
{
	struct duel duel = {
		.prepare = prepare_batch, .left = close_every_other,
		.right = wait_for_batch, .check = close_the_others,
	};

	duel.fd[0] = MUST_FD(ep_create1(0));
	duel_run(&duel, rounds);
}

static void delete_left(struct duel *duel)
{
	int err = ep_ctl(duel->fd[0], EPOLL_CTL_DEL, duel->fd[1], 0, 0);

	if (err && err != -EBADF)
		race_fail("DEL gave %d", err);
}

RACE(delete_beside_close, "met")
{
	struct duel duel = {
		.prepare = prepare_ready, .left = delete_left,
		.right = close_right, .check = residents_left,
	};

	duel.fd[0] = instance_with_residents(RESIDENTS, 1);
	duel_run(&duel, rounds);
}
