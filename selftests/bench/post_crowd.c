// SPDX-License-Identifier: MIT
/*
 * post_awake, post_asleep: x threads post to one consumer as fast as they can,
 * which looks again and again, or sleeps when there is nothing. Rounds
 * alternate; what counts is the ratio of posts/ms.
 */
#define _GNU_SOURCE
#include <liburing.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "own.h"

#define POSTS	8000	/* of all threads together */
#define MOST	8

static struct io_uring target;

struct poster {
	pthread_t thread;
	pthread_barrier_t *start;
	void (*post)(int posts);
	int posts;
};

/**
 * struct crowd_side - how one side posts and collects
 * @name: of the side
 * @open: makes it
 * @close: its end
 * @post: so many, in a thread
 * @collect: those that have come; may sleep until one has, or returns 0
 */
struct crowd_side {
	const char *name;
	void (*open)(void);
	void (*close)(void);
	void (*post)(int posts);
	int (*collect)(bool may_sleep);
};

static void write_posts(int posts)
{
	while (posts--)
		must(write(own_fd, &(uint64_t){ 1 }, 8) == 8, "write");
}

static int collect_native(bool may_sleep)
{
	struct epoll_event event;
	uint64_t got;

	if (epoll_wait(own_ep, &event, 1, may_sleep ? -1 : 0) < 1)
		return 0;
	must(read(own_fd, &got, 8) == 8, "read");
	return got;
}

static void post_posts(int posts)
{
	while (posts--)
		must(epx_post(own_ep, ID, 1) == 1, "epx_post");
}

static int collect_epollx(bool may_sleep)
{
	struct epx_payload_event event;

	if (epx_wait_payload(own_ep, &event, 1, may_sleep ? -1 : 0) < 1)
		return 0;
	return event.count;
}

/* The count may come with an item before its own, which has 0 then. */
static int collect_ring(bool may_sleep)
{
	struct epx_ring_event event;

	if (may_sleep ? epx_ring_wait(&own_ring, &event, 1, -1) < 1 :
			!epx_ring_next(&own_ring, &event))
		return 0;
	return epx_ring_payload(&own_ring, event.item).count;
}

/* Room for all completions of a round: none is dropped, none is late. */
static void open_uring(void)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE, .cq_entries = 2 * POSTS,
	};

	must(!io_uring_queue_init_params(8, &target, &params), "io_uring");
}

static void close_uring(void)
{
	io_uring_queue_exit(&target);
}

static void message_posts(int posts)
{
	struct io_uring from;

	must(!io_uring_queue_init(8, &from, 0), "io_uring");
	while (posts--) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&from);

		io_uring_prep_rw(IORING_OP_MSG_RING, sqe, target.ring_fd, NULL,
				 0, 1);
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		must(io_uring_submit(&from) == 1, "io_uring_submit");
	}
	io_uring_queue_exit(&from);
}

static int collect_uring(bool may_sleep)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	if (may_sleep && io_uring_wait_cqe(&target, &cqe))
		return 0;
	io_uring_for_each_cqe(&target, head, cqe)
		n++;
	io_uring_cq_advance(&target, n);
	return n;
}

static const struct crowd_side crowd[] = {
	{ "native", own_open_eventfd, own_close, write_posts, collect_native },
	{ "epollx", own_open_user, own_close, post_posts, collect_epollx },
	{ "ring", own_open_ring_user, own_close, post_posts, collect_ring },
	{ "io_uring", open_uring, close_uring, message_posts, collect_uring },
};

#define SIDES	((int)(sizeof(crowd) / sizeof(crowd[0])))

static void *poster_main(void *arg)
{
	struct poster *poster = arg;

	pthread_barrier_wait(poster->start);
	poster->post(poster->posts);
	return NULL;
}

static double crowd_took(const struct crowd_side *side, int count, bool sleeps)
{
	struct poster posters[MOST];
	int left = POSTS / count * count;
	pthread_barrier_t start;
	long long begin;

	side->open();
	pthread_barrier_init(&start, NULL, count + 1);
	for (int i = 0; i < count; i++) {
		posters[i] = (struct poster){ .start = &start,
			.post = side->post, .posts = POSTS / count };
		must(!pthread_create(&posters[i].thread, NULL, poster_main,
				     &posters[i]), "a thread");
	}
	pthread_barrier_wait(&start);
	begin = clock_ns();
	while (left > 0)
		left -= side->collect(sleeps);
	begin = clock_ns() - begin;
	must(!left, "as many posts as were made");
	for (int i = 0; i < count; i++)
		pthread_join(posters[i].thread, NULL);
	pthread_barrier_destroy(&start);
	side->close();
	return begin;
}

struct crowd_way {
	int posters;
	bool sleeps;
};

/* More is better: posts for a time. */
static void crowd_round(int side, double *rate, void *arg)
{
	const struct crowd_way *way = arg;

	*rate = 1 / crowd_took(&crowd[side], way->posters, way->sleeps);
}

static void crowd_time(const char *name, int x, bool sleeps)
{
	struct crowd_way way = { .posters = x, .sleeps = sleeps };
	int rounds = (options.rounds + 1) / 2;
	double *ratios = ratios_of_rounds(SIDES, 1, rounds, crowd_round, &way);

	for (int i = 1; i < SIDES; i++)
		figure_spread("time", name, x, crowd[i].name,
			      ratios + i * rounds, rounds,
			      "of native's posts/ms");
	free(ratios);
}

void measure_post_crowd(void)
{
	static const int all[] = { 1, 2, 4, 8, 0 }, few[] = { 1, 4, 0 };

	for (const int *x = options.is_short ? few : all; *x; x++) {
		if (is_wanted("post_awake"))
			crowd_time("post_awake", *x, false);
		if (is_wanted("post_asleep"))
			crowd_time("post_asleep", *x, true);
	}
}
