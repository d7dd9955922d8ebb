// SPDX-License-Identifier: MIT
/*
 * Delivery beside wake-ups and changes.
 *
 *	left				right
 *	close(files)			wait, blocked on a user page
 *	MOD to EPOLLIN			write
 *	open, ADD, close		wait(0), and a third thread too
 *	write, once per event		wait, two threads		edges
 *
 * The invariant is that of an edge: each write that an idle edge-triggered
 * watch sees is one event, not none and not two. A lost one shows as a round
 * that never ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sources.h"
#include "stress.h"

#define BLOCKED	8

/* value[0]: the user-fault descriptor */
static char *fault_page;
static long page_size;

static void prepare_blocked(struct duel *duel)
{
	for (int i = 1; i <= BLOCKED; i++) {
		duel->fd[i] = MUST_FD(eventfd(1, EFD_NONBLOCK));
		MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[i], EPOLLIN,
			    i), 0);
	}
	MUST(madvise(fault_page, page_size, MADV_DONTNEED), 0);
}

static void wait_into_page(struct duel *duel)
{
	int n = ep_wait(duel->fd[0], (struct epoll_event *)fault_page, BLOCKED,
			0);

	/* It blocked with the first; the others were closed meanwhile. */
	if (n != 1)
		race_fail("wait gave %d", n);
}

/*
 * Closes while the page is missing: no close may wait for the delivery. Each
 * is followed by a stranger, ready too, whose struct file is likely to be the
 * closed one's: nobody watches it.
 */
static void close_under_delivery(struct duel *duel)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)fault_page, page_size },
	};
	struct uffd_msg fault;

	MUST(read(duel->value[0], &fault, sizeof(fault)), sizeof(fault));
	for (int i = 1; i <= BLOCKED; i++) {
		close(duel->fd[i]);
		duel->fd[BLOCKED + i] = MUST_FD(eventfd(1, EFD_NONBLOCK));
		random_delay();
	}
	if (random_next() & 1)
		sched_yield();
	MUST(ioctl(duel->value[0], UFFDIO_ZEROPAGE, &zero), 0);
}

static void none_left(struct duel *duel)
{
	struct epoll_event ev;

	MUST(ep_wait(duel->fd[0], &ev, 1, 0), 0);
	for (int i = 1; i <= BLOCKED; i++)
		close(duel->fd[BLOCKED + i]);
}

RACE(reaper_beside_blocked_delivery, "reaper_busy close_in_scan")
{
	struct duel duel = {
		.prepare = prepare_blocked, .left = close_under_delivery,
		.right = wait_into_page, .check = none_left,
	};
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (side() == NATIVE)
		race_skip("a close waits for the delivery on native epoll");
	page_size = sysconf(_SC_PAGESIZE);
	fault_page = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(fault_page == MAP_FAILED, false);
	duel.value[0] = MUST_FD(syscall(SYS_userfaultfd, O_CLOEXEC));
	MUST(ioctl(duel.value[0], UFFDIO_API, &api), 0);
	range.range.start = (uintptr_t)fault_page;
	range.range.len = page_size;
	MUST(ioctl(duel.value[0], UFFDIO_REGISTER, &range), 0);
	duel.fd[0] = MUST_FD(ep_create1(0));
	duel_run(&duel, rounds);
}

static void prepare_disarmed(struct duel *duel)
{
	duel->fd[1] = MUST_FD(eventfd(0, EFD_NONBLOCK));
	MUST(ep_ctl(duel->fd[0], EPOLL_CTL_ADD, duel->fd[1], EPOLLET, 7), 0);
}

static void arm(struct duel *duel)
{
	MUST(ep_ctl(duel->fd[0], EPOLL_CTL_MOD, duel->fd[1],
		    EPOLLIN | EPOLLET, 7), 0);
}

static void event_came(struct duel *duel)
{
	struct epoll_event ev;

	MUST(ep_wait(duel->fd[0], &ev, 1, 0), 1);
	MUST(ep_wait(duel->fd[0], &ev, 1, 0), 0);
	close(duel->fd[1]);
}

RACE(modify_beside_wake, "met")
{
	struct duel duel = {
		.prepare = prepare_disarmed, .left = arm,
		.right = write_right, .check = event_came,
	};

	duel.fd[0] = MUST_FD(ep_create1(0));
	duel_run(&duel, rounds);
}

static int crowd_ep;
static atomic_int crowd_over;

static void *wait_zero(void *arg)
{
	struct epoll_event ev[2];

	random_start((uintptr_t)arg);
	while (!atomic_load(&crowd_over)) {
		int n = ep_wait(crowd_ep, ev, 2, 0);

		if (n < 0 || n > 1)
			race_fail("wait gave %d with one file at a time", n);
		random_delay();
	}
	return NULL;
}

/* A file is polled by two threads, at the very end of its life too. */
RACE(open_add_close_beside_two_waits, "pin_failed")
{
	pthread_t thread[2];

	crowd_ep = MUST_FD(ep_create1(0));
	for (uintptr_t i = 0; i < 2; i++)
		MUST(pthread_create(&thread[i], NULL, wait_zero,
				    (void *)(i + 1)), 0);
	for (long round = 0; race_goes_on(round, rounds); round++) {
		int fd = MUST_FD(eventfd(1, EFD_NONBLOCK));

		MUST(ep_ctl(crowd_ep, EPOLL_CTL_ADD, fd, EPOLLIN, fd), 0);
		random_delay();
		close(fd);
		race_rounds(1);
	}
	atomic_store(&crowd_over, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

RACE(edges_are_counted_once, "arrived_in_scan")
{
	struct sources sources = {
		.ep = MUST_FD(ep_create1(0)), .nr = SOURCES_MOST,
		.most = SOURCES_MOST, .consumer = sources_wait, .consumers = 2,
	};

	sources_run(&sources, rounds);
}
