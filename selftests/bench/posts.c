// SPDX-License-Identifier: MIT
/*
 * User events: a post against a write to an eventfd and io_uring's MSG_RING.
 *
 *	post		a burst of them, the consumer awake; it takes them after
 *	post_wait	one, and its event
 */
#define _GNU_SOURCE
#include <liburing.h>
#include <string.h>
#include <unistd.h>

#include "own.h"

#define BURST	64

static struct io_uring from, to;
static uint64_t values[BURST];

static void wait_uring(void)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(&to, head, cqe)
		n++;
	must(n, "an event");
	io_uring_cq_advance(&to, n);
}

/* Its own completions are not asked for. */
static void queue_message(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&from);

	io_uring_prep_rw(IORING_OP_MSG_RING, sqe, to.ring_fd, NULL, 0, 1);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

static bool is_posted;

static void open_eventfd(void)
{
	is_posted = false;
	own_open_eventfd();
}

static void open_epollx_user(void)
{
	is_posted = false;
	own_open_user();
}

static void open_ring_user(void)
{
	is_posted = false;
	own_open_ring_user();
}

static void open_uring(void)
{
	if (to.ring_fd) {
		io_uring_queue_exit(&from);
		io_uring_queue_exit(&to);
	}
	own_fd = -1;
	own_ep = -1;
	is_posted = false;
	must(!io_uring_queue_init(BURST, &from, 0) &&
	     !io_uring_queue_init(2 * BURST, &to, 0), "io_uring");
}

/* post: the event of the burst before is taken first, and not measured. */
static int step_write(struct point *point)
{
	for (int i = 0; i < point->x; i++)
		must(write(own_fd, &(uint64_t){ 1 }, 8) == 8, "write");
	return point->x;
}

static int step_post(struct point *point)
{
	if (point->x == 1)
		return epx_post(own_ep, ID, 1);
	return epx_post_many(own_ep, ID, values, point->x);
}

static int step_message(struct point *point)
{
	for (int i = 0; i < point->x; i++)
		queue_message();
	must(io_uring_submit(&from) == point->x, "io_uring_submit");
	return point->x;
}

static void prepare_native(struct point *point)
{
	(void)point;
	if (is_posted)
		own_wait_native(0);
	is_posted = true;
}

static void prepare_epollx(struct point *point)
{
	(void)point;
	if (is_posted)
		own_wait_epollx(0);
	is_posted = true;
}

static void prepare_ring(struct point *point)
{
	(void)point;
	if (is_posted)
		own_wait_ring(0);
	is_posted = true;
}

static void prepare_uring(struct point *point)
{
	(void)point;
	if (is_posted)
		wait_uring();
	is_posted = true;
}

static int step_write_wait(struct point *point)
{
	step_write(point);
	own_wait_native(0);
	return 1;
}

static int step_post_wait(struct point *point)
{
	step_post(point);
	own_wait_epollx(0);
	return 1;
}

static int step_post_ring(struct point *point)
{
	step_post(point);
	own_wait_ring(0);
	return 1;
}

static int step_message_wait(struct point *point)
{
	step_message(point);
	wait_uring();
	return 1;
}

static const struct own table[] = {
	{ "post", "native", 1, open_eventfd, prepare_native, step_write },
	{ "post", "epollx", 1, open_epollx_user, prepare_epollx, step_post },
	{ "post", "ring", 1, open_ring_user, prepare_ring, step_post },
	{ "post", "io_uring", 1, open_uring, prepare_uring, step_message },
	{ "post", "native", BURST, open_eventfd, prepare_native, step_write },
	{ "post", "epollx", BURST, open_epollx_user, prepare_epollx,
	  step_post },
	{ "post", "ring", BURST, open_ring_user, prepare_ring, step_post },
	{ "post", "io_uring", BURST, open_uring, prepare_uring, step_message },
	{ "post_wait", "native", 1, open_eventfd, NULL, step_write_wait },
	{ "post_wait", "epollx", 1, open_epollx_user, NULL, step_post_wait },
	{ "post_wait", "ring", 1, open_ring_user, NULL, step_post_ring },
	{ "post_wait", "io_uring", 1, open_uring, NULL, step_message_wait },
	{ }
};

void measure_posts(void)
{
	own_measure(table);
	if (to.ring_fd) {
		io_uring_queue_exit(&from);
		io_uring_queue_exit(&to);
	}
}
