// SPDX-License-Identifier: MIT
/*
 * Batches of changes, and waits for many events, beside what may come between.
 *
 *	left				right
 *	CTLV: DEL, ADD of 16 numbers	close and open some of them
 *	CTLV: re-arm 16 one-shots	wait, often
 *	make 4 files ready		ENTER for all 4
 *	CTLV of an array		take half of the array away
 *
 * The invariants: a new file under an old number is never taken for the old
 * one; each arming gives one event; who waits for four gets four; a change that
 * was made has its result, or is one of the few that the header allows.
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <epollx.h>

#include "stress.h"

#define NUMBERS		16

static struct epx_ctl_entry change(int op, int fd, uint32_t events,
				   uint64_t data)
{
	return (struct epx_ctl_entry){
		.ctl = { .op = op, .fd = fd, .events = events, .data = data },
		.result = 1,
	};
}

/* fd[1] to fd[16]: open, and watched. */
static void add_all(struct duel *duel)
{
	struct epx_ctl_entry entries[NUMBERS];

	for (int i = 0; i < NUMBERS; i++)
		entries[i] = change(EPOLL_CTL_ADD, duel->fd[1 + i], EPOLLIN,
				    i);
	MUST(epx_ctlv(duel->fd[0], entries, NUMBERS), NUMBERS);
	for (int i = 0; i < NUMBERS; i++)
		MUST(entries[i].result, 0);
	duel->value[0] = random_next() % NUMBERS;
}

static void delete_and_add(struct duel *duel)
{
	struct epx_ctl_entry entries[2 * NUMBERS];

	for (int i = 0; i < NUMBERS; i++) {
		entries[2 * i] = change(EPOLL_CTL_DEL, duel->fd[1 + i], 0, 0);
		entries[2 * i + 1] = change(EPOLL_CTL_ADD, duel->fd[1 + i],
					    EPOLLIN, i);
	}
	MUST(epx_ctlv(duel->fd[0], entries, 2 * NUMBERS), 2 * NUMBERS);
	for (int i = 0; i < NUMBERS; i++) {
		int del = entries[2 * i].result;
		int add = entries[2 * i + 1].result;

		/* The number may be free, or its file a new one. */
		if ((del && del != -EBADF && del != -ENOENT) ||
		    (add && add != -EBADF))
			race_fail("DEL gave %d, ADD %d", del, add);
	}
}

/* Neighbours, so that one is closed while another is being looked up. */
static void reopen_some(struct duel *duel)
{
	for (int i = 0; i < 4; i++) {
		int *fd = &duel->fd[1 + (duel->value[0] + i) % NUMBERS];

		close(*fd);
		MUST(eventfd(1, EFD_NONBLOCK), *fd);
	}
}

static void delete_all(struct duel *duel)
{
	struct epoll_event ev;

	for (int i = 0; i < NUMBERS; i++) {
		int ret = ep_ctl(duel->fd[0], EPOLL_CTL_DEL, duel->fd[1 + i],
				 0, 0);

		if (ret && ret != -ENOENT)
			race_fail("DEL gave %d", ret);
	}
	MUST(ep_wait(duel->fd[0], &ev, 1, 0), 0);
}

RACE(batch_beside_close_and_open, "met")
{
	struct duel duel = {
		.prepare = add_all, .left = delete_and_add,
		.right = reopen_some, .check = delete_all,
	};

	if (side() == NATIVE)
		race_skip("native epoll has no batches");
	duel.fd[0] = MUST_FD(ep_create1(0));
	for (int i = 0; i < NUMBERS; i++)
		duel.fd[1 + i] = MUST_FD(eventfd(1, EFD_NONBLOCK));
	duel_run(&duel, rounds);
}

/* All are ready and silent; value[1]: events of the right one. */
static void rearm_all(struct duel *duel)
{
	struct epx_ctl_entry entries[NUMBERS];

	for (int i = 0; i < NUMBERS; i++)
		entries[i] = change(EPOLL_CTL_MOD, duel->fd[1 + i],
				    EPOLLIN | EPOLLONESHOT, i);
	MUST(epx_ctlv(duel->fd[0], entries, NUMBERS), NUMBERS);
	for (int i = 0; i < NUMBERS; i++)
		MUST(entries[i].result, 0);
}

static int count_armed(struct duel *duel)
{
	struct epoll_event ev[NUMBERS];
	int n = ep_wait(duel->fd[0], ev, NUMBERS, 0);

	for (int i = 0; i < n; i++) {
		/* value[2]: who was seen. */
		if (duel->value[2] & 1L << ev[i].data.u64)
			race_fail("file %d fired twice", (int)ev[i].data.u64);
		duel->value[2] |= 1L << ev[i].data.u64;
	}
	return n;
}

static void collect_often(struct duel *duel)
{
	duel->value[1] = 0;
	duel->value[2] = 0;
	do
		duel->value[1] += count_armed(duel);
	while (!atomic_load(&duel->left_over));
}

static void each_fired_once(struct duel *duel)
{
	MUST(duel->value[1] + count_armed(duel), NUMBERS);
}

RACE(batch_beside_waits, "met")
{
	struct duel duel = {
		.left = rearm_all, .right = collect_often,
		.check = each_fired_once,
	};

	if (side() == NATIVE)
		race_skip("native epoll has no batches");
	duel.fd[0] = MUST_FD(ep_create1(0));
	for (int i = 0; i < NUMBERS; i++) {
		duel.fd[1 + i] = MUST_FD(eventfd(1, EFD_NONBLOCK));
		MUST(ep_ctl(duel.fd[0], EPOLL_CTL_ADD, duel.fd[1 + i], 0, i),
		     0);
	}
	duel_run(&duel, rounds);
}

#define GATHERED	4

/* Files without anything in them; every other time with no mask either. */
static void empty_all(struct duel *duel)
{
	eventfd_t value;

	duel->value[0] = random_next();
	for (int i = 0; i < GATHERED; i++) {
		bool late = duel->value[0] & 1L << i;

		if (late)
			MUST(ep_ctl(duel->fd[0], EPOLL_CTL_MOD,
				    duel->fd[1 + i], 0, i), 0);
		else
			eventfd_read(duel->fd[1 + i], &value);
	}
}

/* Ready by a wake-up, or by a change of the mask. */
static void make_ready(struct duel *duel)
{
	for (int i = 0; i < GATHERED; i++) {
		if (duel->value[0] & 1L << i)
			MUST(ep_ctl(duel->fd[0], EPOLL_CTL_MOD,
				    duel->fd[1 + i], EPOLLIN, i), 0);
		else
			MUST(eventfd_write(duel->fd[1 + i], 1), 0);
		random_delay();
	}
}

static void gather_all(struct duel *duel)
{
	struct epoll_event ev[2 * GATHERED];
	struct epx_enter enter = {
		.events = (uintptr_t)ev, .maxevents = 2 * GATHERED,
		.min_events = GATHERED, .timeout = -1,
	};
	unsigned int seen = 0;

	MUST(epx_enter(duel->fd[0], &enter), GATHERED);
	for (int i = 0; i < GATHERED; i++)
		seen |= 1u << ev[i].data.u64;
	MUST(seen, (1u << GATHERED) - 1);
}

RACE(gathering_beside_events, "met")
{
	struct duel duel = {
		.prepare = empty_all, .left = make_ready, .right = gather_all,
	};

	if (side() == NATIVE)
		race_skip("native epoll does not gather");
	duel.fd[0] = MUST_FD(ep_create1(0));
	for (int i = 0; i < GATHERED; i++) {
		duel.fd[1 + i] = MUST_FD(eventfd(1, EFD_NONBLOCK));
		MUST(ep_ctl(duel.fd[0], EPOLL_CTL_ADD, duel.fd[1 + i], EPOLLIN,
			    i), 0);
	}
	duel_run(&duel, rounds);
}

#define PAGE		4096L
#define ENTRIES		64

static struct epx_ctl_entry *array;
static int number[ENTRIES];
/* Between its halves. */
static char *half;
/* Rounds in which it was taken away in time. */
static long cut_short;

/* Each entry is another watch: of one file, under its own number. */
static void prepare_array(struct duel *duel)
{
	(void)duel;
	for (int i = 0; i < ENTRIES; i++)
		array[i] = change(EPOLL_CTL_ADD, number[i], EPOLLIN, i);
}

static void make_array(struct duel *duel)
{
	duel->value[0] = epx_ctlv(duel->fd[0], array, ENTRIES);
}

static void take_half_away(struct duel *duel)
{
	do {
		MUST(mprotect(half, PAGE, PROT_NONE), 0);
		random_delay();
		MUST(mprotect(half, PAGE, PROT_READ | PROT_WRITE), 0);
	} while (!atomic_load(&duel->left_over));
}

/* What was made: by a DEL of each. */
static void results_tell(struct duel *duel)
{
	long done = duel->value[0], unknown = 0;

	if (done < 0)
		race_fail("CTLV gave %ld, and half of it can be read", done);
	for (int i = 0; i < ENTRIES; i++) {
		int made = !ep_ctl(duel->fd[0], EPOLL_CTL_DEL, number[i], 0,
				   0);
		int result = array[i].result;

		if (i < done && (result || !made))
			race_fail("change %d of %ld: result %d, made %d", i,
				  done, result, made);
		if (i >= done && result == 1 && made)
			race_fail("change %d of %ld was made and is untouched",
				  i, done);
		if (i >= done && result != 1 && result != -EINPROGRESS)
			race_fail("change %d of %ld: result %d", i, done,
				  result);
		unknown += i >= done && made;
	}
	if (unknown > EPX_CHANGES_AT_ONCE)
		race_fail("%ld changes without a result", unknown);
	cut_short += done < ENTRIES;
}

RACE(batch_beside_mprotect, "met")
{
	struct duel duel = {
		.prepare = prepare_array, .left = make_array,
		.right = take_half_away, .check = results_tell,
	};
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (side() == NATIVE)
		race_skip("native epoll has no batches");
	half = pages + PAGE;
	array = (struct epx_ctl_entry *)half - ENTRIES / 2;
	duel.fd[0] = MUST_FD(ep_create1(0));
	number[0] = MUST_FD(eventfd(0, EFD_NONBLOCK));
	for (int i = 1; i < ENTRIES; i++)
		number[i] = MUST_FD(dup(number[0]));
	duel_run(&duel, rounds);
	if (!cut_short)
		race_fail("no call was cut short");
}
