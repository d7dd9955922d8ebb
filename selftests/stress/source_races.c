// SPDX-License-Identifier: MIT
/*
 * User events and queues beside what ends, changes and takes them.
 *
 *	left				right
 *	DEL				post
 *	close(instance)			post
 *	MOD of a one-shot		post
 *	wait				post
 *	wait and take			post from two threads
 *
 * Invariants: a post that was made before an end is gone with the source, and
 * no event comes after it; every other post is counted once, and every value of
 * a queue comes once, in its producer's order.
 */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <unistd.h>

#include <epollx.h>

#include "sourcefile.h"
#include "stress.h"

#define ID	3

static struct epx_payload_event got[64];

static void need_sources(struct duel *duel)
{
	if (side() == NATIVE)
		race_skip("native epoll has no sources");
	duel->fd[0] = MUST_FD(ep_create1(0));
}

static void prepare_user(struct duel *duel)
{
	MUST(add_user(duel->fd[0], ID, 0, 7), 0);
}

static void delete_left(struct duel *duel)
{
	MUST(del_source(duel->fd[0], ID), 0);
	/* Exact at once, and not at the end of the round only. */
	MUST(epx_wait_payload(duel->fd[0], got, 64, 0), 0);
}

static void post_until_gone(struct duel *duel)
{
	bool last;
	int ret;

	do {
		last = atomic_load(&duel->left_over);
		ret = epx_post(duel->fd[0], ID, 1);
		if (ret != 1)
			MUST(ret, -ENOENT);
	} while (!last);
	MUST(ret, -ENOENT);
}

static void nothing_comes(struct duel *duel)
{
	MUST(epx_wait_payload(duel->fd[0], got, 64, 0), 0);
}

RACE(source_delete_beside_post, "met")
{
	struct duel duel = {
		.prepare = prepare_user, .left = delete_left,
		.right = post_until_gone, .check = nothing_comes,
	};

	need_sources(&duel);
	duel_run(&duel, rounds);
}

static void prepare_instance(struct duel *duel)
{
	need_sources(duel);
	MUST(add_user(duel->fd[0], ID, 0, 7), 0);
	MUST(add_queue(duel->fd[0], ID + 1, 8, 0, 7), 0);
}

static void close_instance(struct duel *duel)
{
	close(duel->fd[0]);
}

static void post_until_closed(struct duel *duel)
{
	while (epx_post(duel->fd[0], ID, 1) != -EBADF)
		epx_post(duel->fd[0], ID + 1, 1);
}

RACE_FULL(source_instance_goes_beside_post, "met", true)
{
	struct duel duel = {
		.prepare = prepare_instance, .left = close_instance,
		.right = post_until_closed,
	};

	duel_run(&duel, rounds);
}

/* A one-shot that has been delivered; posts come while it is armed again. */
static void prepare_spent(struct duel *duel)
{
	MUST(mod_user(duel->fd[0], ID, EPOLLONESHOT, 7), 0);
	MUST(epx_post(duel->fd[0], ID, 0), 1);
	MUST(epx_wait_payload(duel->fd[0], got, 64, 0), 1);
}

static void arm_left(struct duel *duel)
{
	MUST(mod_user(duel->fd[0], ID, EPOLLONESHOT, 7), 0);
}

static void post_right(struct duel *duel)
{
	MUST(epx_post(duel->fd[0], ID, 5), 1);
}

static void one_event_came(struct duel *duel)
{
	MUST(epx_wait_payload(duel->fd[0], got, 64, 0), 1);
	MUST(got[0].count, 1);
	MUST(got[0].value, 5);
	MUST(epx_wait_payload(duel->fd[0], got, 64, 0), 0);
}

RACE(source_arm_beside_post, "met")
{
	struct duel duel = {
		.prepare = prepare_spent, .left = arm_left,
		.right = post_right, .check = one_event_came,
	};

	need_sources(&duel);
	prepare_user(&duel);
	duel_run(&duel, rounds);
}

/* A batch of posts against waits that sleep: each is counted, none is missed. */
static void wait_for_batch(struct duel *duel)
{
	uint64_t count = 0, value = 0;

	while (count < (uint64_t)duel->batch) {
		MUST(epx_wait_payload(duel->fd[0], got, 64, -1), 1);
		if (!got[0].count || got[0].value < got[0].count + value)
			race_fail("count %llu, value %llu after %llu",
				  (unsigned long long)got[0].count,
				  (unsigned long long)got[0].value,
				  (unsigned long long)value);
		count += got[0].count;
		value = got[0].value;
	}
	MUST(count, duel->batch);
	MUST(value, duel->batch);
}

static void post_batch(struct duel *duel)
{
	for (long i = 1; i <= duel->batch; i++) {
		MUST(epx_post(duel->fd[0], ID, i), 1);
		if (!(i & 7))
			random_delay();
	}
}

RACE(source_wait_beside_post, "met")
{
	struct duel duel = {
		.left = wait_for_batch, .right = post_batch,
		.check = nothing_comes, .batch = 64,
	};

	need_sources(&duel);
	prepare_user(&duel);
	duel_run(&duel, rounds);
}

/* The next value of each producer, in the upper half of its posts. */
static void must_follow(struct duel *duel, uint64_t value)
{
	int who = value >> 32;

	MUST(who < 2, true);
	MUST((uint32_t)value, duel->value[who]++);
}

static void *produce(void *arg)
{
	struct duel *duel = arg;

	for (uint32_t i = 0; i < duel->batch; ) {
		int ret = epx_post(duel->fd[0], ID, i);

		if (ret != 1)
			MUST(ret, -EAGAIN);
		else
			i++;
	}
	return NULL;
}

static void produce_twice(struct duel *duel)
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, produce, duel), 0);
	for (uint32_t i = 0; i < duel->batch; ) {
		uint64_t values[3] = {
			1ULL << 32 | i, 1ULL << 32 | (i + 1),
			1ULL << 32 | (i + 2),
		};
		int most = duel->batch - i < 3 ? duel->batch - i : 3;
		int ret = epx_post_many(duel->fd[0], ID, values, most);

		if (ret < 1)
			MUST(ret, -EAGAIN);
		else
			i += ret;
	}
	pthread_join(thread, NULL);
}

static void take_all(struct duel *duel)
{
	uint64_t values[4];

	while (duel->value[0] + duel->value[1] < 2 * duel->batch) {
		int n = epx_wait_payload(duel->fd[0], got, 5, -1);

		for (int i = 0; i < n; i++)
			must_follow(duel, got[i].value);
		n = epx_take(duel->fd[0], ID, values, 4);
		for (int i = 0; i < n; i++)
			must_follow(duel, values[i]);
	}
}

static void start_counts(struct duel *duel)
{
	duel->value[0] = 0;
	duel->value[1] = 0;
}

RACE(source_queue_beside_two_producers, "met")
{
	struct duel duel = {
		.prepare = start_counts, .left = take_all,
		.right = produce_twice, .check = nothing_comes, .batch = 100,
	};

	need_sources(&duel);
	MUST(add_queue(duel.fd[0], ID, 7, 0, 7), 0);
	duel_run(&duel, rounds);
}
