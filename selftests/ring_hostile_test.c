// SPDX-License-Identifier: MIT
/*
 * A program that spoils its own map: a thread writes random words all over it
 * while events flow, files are closed, watches are added and deleted, waits
 * sleep, and at last the instance goes. The kernel must not care, and nobody
 * else may notice: not another instance with a ring, not a plain one, and not
 * one that watches the spoiled one.
 *
 * The kernel's log is looked at by whoever runs the tests. Seeded: EPX_SEED
 * repeats what is written where.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "helpers.h"
#include "ringfile.h"
#include "testfiles.h"

#define ITEMS	64
#define FILES	16

static atomic_int over;
/* The spoiled instance has no descriptor any more. */
static atomic_int closed;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t seed(void)
{
	const char *text = getenv("EPX_SEED");

	return (text ? strtoull(text, NULL, 0) : 20260101) | 1;
}

/* Mostly words that could be right, which get further than noise. */
static void *scribble(void *arg)
{
	struct epx_consumer *ring = arg;
	uint64_t state = seed();

	while (!atomic_load(&over)) {
		uint64_t r = next_random(&state);
		uint32_t item = (r >> 8) % ring->nr_items;
		uint32_t slot = (r >> 16) % (ring->mask + 1);

		switch (r % 8) {
		case 0:
			__atomic_store_n(ring->head, r >> 32, __ATOMIC_RELAXED);
			break;
		case 1:
			__atomic_store_n(&ring->slots[slot], r >> 32,
					 __ATOMIC_RELAXED);
			break;
		case 2:
			__atomic_store_n(&ring->slots[slot], item + 1,
					 __ATOMIC_RELAXED);
			break;
		case 3:
			__atomic_store_n(&ring->items[item].state,
					 next_random(&state), __ATOMIC_RELAXED);
			break;
		case 4:
			__atomic_fetch_xor(&ring->items[item].state,
					   1ULL << (r >> 40) % 20,
					   __ATOMIC_RELAXED);
			break;
		case 5:
			__atomic_store_n(&ring->items[item].data, r,
					 __ATOMIC_RELAXED);
			break;
		case 6:
			((uint64_t *)ring->map)[(r >> 20) %
						(ring->map_size / 8)] = r;
			break;
		default:
			/* The whole of it: nothing stands still. */
			for (uint32_t i = 0; i < ring->nr_items; i++)
				__atomic_fetch_xor(&ring->items[i].state,
						   EPX_ITEM_INRING | r % 16,
						   __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

/* Waits of both kinds, whose answers are anybody's guess. */
static void *wait_for_anything(void *arg)
{
	struct epx_consumer *ring = arg;
	struct epoll_event ev[8];

	while (!atomic_load(&over)) {
		int n = ep_wait(ring->epfd, ev, 8, 1);

		if (n == -EBADF && atomic_load(&closed))
			break;
		if (n < 0 || n > 8)
			test_fail(__FILE__, __LINE__, "a wait gave %d", n);
		n = epx_ring_sleep(&(struct epx_consumer) {
			.epfd = ring->epfd, .head = ring->head,
			.slots = ring->slots, .mask = ring->mask }, 100000);
		if (n != 0 && n != 1 &&
		    !(n == -EBADF && atomic_load(&closed)))
			test_fail(__FILE__, __LINE__, "a sleep gave %d", n);
	}
	return NULL;
}

/**
 * struct scene - one spoiled instance among others
 * @ring: the spoiled one's
 * @good: that of another, which watches the same files
 * @bad_ep: the spoiled instance
 * @good_ep: the other
 * @plain_ep: without a ring; watches the same files too
 * @outer_ep: watches the spoiled one
 * @files: that all three watch
 */
struct scene {
	struct epx_consumer ring, good;
	int bad_ep, good_ep, plain_ep, outer_ep;
	int files[FILES];
};

static const uint32_t modes[] = {
	EPOLLIN | EPOLLET, EPOLLIN, EPOLLIN | EPOLLONESHOT,
	EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
};

static void set_scene(struct scene *s)
{
	s->bad_ep = ep_create1(0);
	ASSERT_EQ(epx_ring_map(s->bad_ep, ITEMS, &s->ring), 0);
	s->good_ep = new_ring(&s->good, ITEMS);
	s->plain_ep = new_ep();
	s->outer_ep = new_ep();
	ASSERT_EQ(ep_ctl(s->outer_ep, EPOLL_CTL_ADD, s->bad_ep, EPOLLIN, 1),
		  0);
	for (int i = 0; i < FILES; i++) {
		s->files[i] = new_eventfd(0);
		ASSERT_GE(epx_change(s->bad_ep, EPOLL_CTL_ADD, s->files[i],
				     modes[i % 4], i), 0);
		ASSERT_EQ(ring_add(s->good_ep, s->files[i], EPOLLIN | EPOLLET,
				   i), i);
		ASSERT_EQ(ep_ctl(s->plain_ep, EPOLL_CTL_ADD, s->files[i],
				 EPOLLIN | EPOLLET, i), 0);
	}
}

/* Both others have the event of file @i, and nothing else. */
static void expect_just(struct scene *s, int i)
{
	struct epx_ring_event event = {};
	struct epoll_event ev = {};

	EXPECT_EQ(ring_drain(&s->good, &event), 1);
	EXPECT_EQ(event.data, i);
	EXPECT_EQ(event.events, EPOLLIN);
	EXPECT_FALSE(s->good.recheck);
	EXPECT_EQ(ep_wait(s->plain_ep, &ev, 1, 0), 1);
	EXPECT_EQ(ev.data.u64, i);
	EXPECT_EQ(ep_wait(s->plain_ep, &ev, 1, 0), 0);
}

/* A file of the spoiled instance alone comes and goes. */
static void come_and_go(struct scene *s, uint64_t r)
{
	int pair[2];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ASSERT_GE(epx_change(s->bad_ep, EPOLL_CTL_ADD, pair[0],
			     modes[r % 4] | EPOLLRDHUP, r), 0);
	ASSERT_EQ(write(pair[1], "x", 1), 1);
	close(pair[1]);
	if (r & 16)
		ASSERT_GE(epx_change(s->bad_ep, EPOLL_CTL_MOD, pair[0],
				     EPOLLIN, r), 0);
	if (r & 32)
		ASSERT_EQ(epx_change(s->bad_ep, EPOLL_CTL_DEL, pair[0], 0, 0),
			  0);
	close(pair[0]);
}

static void play(struct scene *s, int rounds, uint64_t *state)
{
	for (int round = 0; round < rounds; round++) {
		uint64_t r = next_random(state);
		int i = r % FILES;
		eventfd_t value;

		ASSERT_EQ(eventfd_write(s->files[i], 1), 0);
		expect_just(s, i);
		eventfd_read(s->files[i], &value);
		/* One-shot ones, again. */
		ASSERT_GE(epx_change(s->bad_ep, EPOLL_CTL_MOD, s->files[i],
				     modes[i % 4], i), 0);
		if (r & 1024)
			come_and_go(s, r >> 12);
		if (r & 2048)
			EXPECT_GE(ready_now(s->outer_ep), 0);
	}
}

/*
 * @map_first: the map goes before the instance does, or the instance's file
 * before the map, with the scribbler at it to the last moment.
 */
static void spoil(int rounds, bool map_first)
{
	pthread_t scribbler, waiter;
	uint64_t state = seed() * 3;
	struct scene s = {};

	atomic_store(&over, 0);
	atomic_store(&closed, 0);
	set_scene(&s);
	ASSERT_EQ(pthread_create(&scribbler, NULL, scribble, &s.ring), 0);
	ASSERT_EQ(pthread_create(&waiter, NULL, wait_for_anything, &s.ring), 0);
	play(&s, rounds, &state);
	if (!map_first) {
		/* Files close while the map is spoiled; the instance lives. */
		for (int i = 0; i < FILES; i++)
			close(s.files[i]);
		atomic_store(&closed, 1);
		close(s.bad_ep);
		pthread_join(waiter, NULL);
	}
	atomic_store(&over, 1);
	pthread_join(scribbler, NULL);
	if (map_first)
		pthread_join(waiter, NULL);
	epx_ring_unmap(&s.ring);
	if (map_first) {
		close(s.bad_ep);
		for (int i = 0; i < FILES; i++) {
			eventfd_write(s.files[i], 1);
			expect_just(&s, i);
		}
	}
	EXPECT_EQ(ready_now(s.outer_ep), 0);
	EXPECT_EQ(watches_of(s.outer_ep), 0);
	close_owned();
}

TEST_ON(EPX, a_spoiled_map_harms_nobody_else, "")
{
	for (int i = 0; i < 4; i++)
		spoil(3000 / time_factor(), i & 1);
}

static void *never_still(void *arg)
{
	volatile uint64_t *word = arg;

	while (!atomic_load_explicit(&over, memory_order_relaxed))
		for (int i = 0; i < 1000; i++)
			*word = *word + 1;
	return NULL;
}

/*
 * No two CPUs at the word are needed then, which a busy host may not give.
 * Only the debug kernels' module has it; else it is left as it is.
 */
static void set_tries(const char *tries)
{
	int ret = write_setting("/sys/module/epollx/parameters/ring_tries",
				tries);

	ASSERT_TRUE(!ret || ret == -ENOENT);
}

/* Until one of them was stored regardless, or for three seconds. */
static bool write_until_forced(int fd)
{
	long long deadline = now_ns() + 3000000000LL;
	long before = counter("ring_forced");

	while (counter("ring_forced") == before && now_ns() < deadline)
		for (int i = 0; i < 1000; i++)
			eventfd_write(fd, 1);
	return counter("ring_forced") > before;
}

/*
 * A callback gives up and stores what is right for whatever it overwrites:
 * bounded work, and the event is there when its owner comes to his senses.
 */
TEST_ON(EPX, a_word_that_never_stands_still_is_stored_over, "")
{
	struct epx_consumer ring;
	pthread_t scribbler;
	int ep = new_ring(&ring, 1), fd = new_eventfd(0);
	bool forced;

	ring_add(ep, fd, EPOLLIN | EPOLLET, 1);
	atomic_store(&over, 0);
	ASSERT_EQ(pthread_create(&scribbler, NULL, never_still,
				 &ring.items[0].state), 0);
	set_tries("0");
	forced = write_until_forced(fd);
	set_tries("4");
	atomic_store(&over, 1);
	pthread_join(scribbler, NULL);
	if (!forced && time_factor() == 1)
		SKIP("its two sides did not meet 16 times in a row");
	EXPECT_TRUE(forced);
	/* Put right by its owner, it works again. */
	epx_ring_sleep(&ring, 0);
	memset(ring.map, 0, ring.map_size);
	EXPECT_EQ(epx_change(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 1), 0);
	EXPECT_EQ(ring.items[0].state & UINT32_MAX,
		  EPX_ITEM_ARMED | EPX_ITEM_INRING | EPOLLIN);
}
