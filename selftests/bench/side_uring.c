// SPDX-License-Identifier: MIT
/*
 * io_uring's multishot poll by liburing: completions are put off until they
 * are asked for (DEFER_TASKRUN), a look at an empty queue makes no system
 * call, and changes go to the kernel together with the next wait.
 *
 * A multishot poll says something at each wake-up, so it is edge-triggered in
 * epoll's words. EPOLLONESHOT is a poll that ends with its completion.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* Entries of the queues: a completion must never find the queue full. */
#define SUBMISSIONS	4096
#define COMPLETIONS	16384

/* Marks a completion that is of a change and no event; of which kind. */
#define OF_A_CHANGE	(1ULL << 63)
#define OF_A_REMOVAL	(1ULL << 62)

struct uring_loop {
	struct loop loop;
	struct io_uring ring;
};

static struct io_uring *ring_of(struct loop *loop)
{
	return &((struct uring_loop *)loop)->ring;
}

static int uring_setup(struct io_uring *ring)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_TASKRUN_FLAG,
		.cq_entries = COMPLETIONS,
	};

	return io_uring_queue_init_params(SUBMISSIONS, ring, &params);
}

static const char *uring_absent(void)
{
	static int status = 1;
	struct io_uring ring;

	if (status > 0) {
		status = uring_setup(&ring);
		if (!status)
			io_uring_queue_exit(&ring);
	}
	return status ? "the kernel has no io_uring with DEFER_TASKRUN" : NULL;
}

static struct loop *uring_open(int files)
{
	struct uring_loop *loop = calloc(1, sizeof(*loop));

	(void)files;
	must(loop && !uring_setup(&loop->ring), "io_uring");
	/* Calls need not look up the ring's descriptor. */
	must(io_uring_register_ring_fd(&loop->ring) == 1, "ring descriptor");
	return &loop->loop;
}

static void uring_close(struct loop *loop)
{
	io_uring_queue_exit(ring_of(loop));
	free(loop);
}

static struct io_uring_sqe *uring_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (sqe)
		return sqe;
	must(io_uring_submit(ring) > 0, "io_uring_submit");
	return io_uring_get_sqe(ring);
}

static void uring_prepare(struct io_uring *ring, const struct change *change)
{
	struct io_uring_sqe *sqe = uring_sqe(ring);
	unsigned int mask = change->events & (EPOLLIN | EPOLLOUT);

	if (change->op == EPOLL_CTL_DEL) {
		io_uring_prep_poll_remove(sqe, change->data);
		io_uring_sqe_set_data64(sqe, OF_A_CHANGE | OF_A_REMOVAL);
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	} else if (change->events & EPOLLONESHOT) {
		/* A poll that has ended is not modified but made again. */
		io_uring_prep_poll_add(sqe, change->fd, mask);
		io_uring_sqe_set_data64(sqe, change->data);
	} else if (change->op == EPOLL_CTL_ADD) {
		io_uring_prep_poll_multishot(sqe, change->fd, mask);
		io_uring_sqe_set_data64(sqe, change->data);
	} else {
		io_uring_prep_poll_update(sqe, change->data, 0, mask,
					  IORING_POLL_UPDATE_EVENTS |
					  IORING_POLL_ADD_MULTI);
		io_uring_sqe_set_data64(sqe, OF_A_CHANGE);
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	}
}

static void uring_queue(struct loop *loop, const struct change *changes, int n)
{
	for (int i = 0; i < n; i++)
		uring_prepare(ring_of(loop), &changes[i]);
}

static void uring_change(struct loop *loop, const struct change *changes, int n)
{
	uring_queue(loop, changes, n);
	must(io_uring_submit(ring_of(loop)) >= 0, "io_uring_submit");
}

/* What is no event: polls that were removed, and what became of changes. */
static void uring_check(const struct io_uring_cqe *cqe)
{
	errno = -cqe->res;
	/* A poll may end by itself before it is removed. */
	if (cqe->user_data & OF_A_REMOVAL)
		must(cqe->res == -ENOENT || cqe->res == -EALREADY,
		     "a removal by io_uring");
	else if (cqe->user_data & OF_A_CHANGE)
		must(0, "a change by io_uring");
	else
		must(cqe->res == -ECANCELED, "a poll of io_uring");
}

/* Takes what is in the queue, without a call where nothing waits for one. */
static int uring_take(struct loop *loop)
{
	struct io_uring_cqe *cqes[MAX_EVENTS];
	struct io_uring *ring = ring_of(loop);
	unsigned int got = io_uring_peek_batch_cqe(ring, cqes, MAX_EVENTS);
	int n = 0;

	for (unsigned int i = 0; i < got; i++) {
		if (cqes[i]->res < 0) {
			uring_check(cqes[i]);
			continue;
		}
		loop->events[n].events = cqes[i]->res;
		loop->events[n++].data.u64 = cqes[i]->user_data;
	}
	io_uring_cq_advance(ring, got);
	must(!*ring->cq.koverflow, "room for a completion");
	return n;
}

static int uring_wait(struct loop *loop, int ms)
{
	struct io_uring *ring = ring_of(loop);
	int n;

	must(ms <= 0, "a wait with a time");
	if (io_uring_sq_ready(ring))
		must(io_uring_submit_and_get_events(ring) >= 0,
		     "io_uring_submit_and_get_events");
	while (!(n = uring_take(loop)) && ms < 0) {
		int err = io_uring_submit_and_wait(ring, 1);

		if (err == -EINTR)
			return err;
		must(err >= 0, "io_uring_submit_and_wait");
	}
	return n;
}

static int uring_change_wait(struct loop *loop, const struct change *changes,
			     int n, int ms)
{
	uring_queue(loop, changes, n);
	return uring_wait(loop, ms);
}

/* A poll that has been removed completes. */
static void uring_settle(struct loop *loop)
{
	struct io_uring *ring = ring_of(loop);

	must(io_uring_get_events(ring) >= 0, "io_uring_get_events");
	while (io_uring_cq_ready(ring))
		must(!uring_take(loop), "nothing but changes");
}

static void uring_idle(struct loop *loop, int times)
{
	while (times--)
		must(!uring_take(loop), "nothing is ready");
}

const struct side uring_side = {
	.name = "io_uring",
	.form = "io_uring, multishot poll, DEFER_TASKRUN, changes go with the wait",
	.is_peer = true,
	.is_edge_only = true,
	.must_delete = true,
	.absent = uring_absent,
	.open = uring_open,
	.close = uring_close,
	.change = uring_change,
	.wait = uring_wait,
	.change_wait = uring_change_wait,
	.rearm = uring_queue,
	.toggle = uring_queue,
	.settle = uring_settle,
	.idle = uring_idle,
};
