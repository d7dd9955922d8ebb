// SPDX-License-Identifier: MIT
/*
 * Timers: a 4-ary heap for each executor.
 *
 * An entry holds its time, so that sifting looks at the timers only where two
 * times are equal; then the one set first is first. A timer knows its place and
 * can leave from anywhere.
 *
 * Expiry wakes tasks and calls nothing, so what a task does when it runs
 * (set, clear, free) cannot meet a heap that is being walked.
 */
#include <errno.h>
#include <stdlib.h>

#include "exec.h"

#define WAYS		4
#define ROOM_AT_FIRST	64

struct epx_heap_entry {
	int64_t at;
	struct epx_timer *timer;
};

static bool is_before(const struct epx_heap_entry *a,
		      const struct epx_heap_entry *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	return a->timer->seq < b->timer->seq;
}

/* Places begin with 1, so that 0 is none; children of 1: 2 to 5. */
static uint32_t parent(uint32_t place)
{
	return (place - 2) / WAYS + 1;
}

static uint32_t first_child(uint32_t place)
{
	return (place - 1) * WAYS + 2;
}

static void put_at(struct epx_timers *timers, uint32_t place,
		   const struct epx_heap_entry *entry)
{
	timers->heap[place] = *entry;
	entry->timer->place = place;
}

static void sift_up(struct epx_timers *timers, uint32_t place,
		    struct epx_heap_entry entry)
{
	while (place > 1 && is_before(&entry, &timers->heap[parent(place)])) {
		put_at(timers, place, &timers->heap[parent(place)]);
		place = parent(place);
	}
	put_at(timers, place, &entry);
}

static uint32_t earliest_child(const struct epx_timers *timers, uint32_t place)
{
	uint32_t child = first_child(place), best = 0, n;
	const struct epx_heap_entry *of = &timers->heap[child];

	if (child + WAYS - 1 <= timers->used) {
		best = is_before(&of[1], &of[0]);
		n = 2 + is_before(&of[3], &of[2]);
		return child + (is_before(&of[n], &of[best]) ? n : best);
	}
	for (n = 1; child + n <= timers->used; n++)
		best = is_before(&of[n], &of[best]) ? n : best;
	return child + best;
}

/*
 * The entry was the last one, and mostly belongs that far down: to a leaf
 * without a look at it, and then up.
 */
static void sift_down(struct epx_timers *timers, uint32_t place,
		      struct epx_heap_entry entry)
{
	while (first_child(place) <= timers->used) {
		uint32_t child = earliest_child(timers, place);

		put_at(timers, place, &timers->heap[child]);
		place = child;
	}
	sift_up(timers, place, entry);
}

static int grow(struct epx_timers *timers)
{
	uint32_t room = timers->room ? timers->room * 2 : ROOM_AT_FIRST;
	void *heap = realloc(timers->heap, room * sizeof(*timers->heap));

	if (!heap)
		return -ENOMEM;
	timers->heap = heap;
	timers->room = room;
	return 0;
}

int epx_timer_set(struct epx_timer *timer, struct epx_cx *cx, int64_t at)
{
	struct epx_timers *timers = &cx->exec->timers;
	struct epx_heap_entry entry = { at, timer };

	timer->task = cx->task;
	if (timer->place)
		return 0;
	if (timers->used + 1 >= timers->room && grow(timers))
		return -ENOMEM;
	timer->at = at;
	timer->exec = cx->exec;
	timer->seq = timers->seq++;
	sift_up(timers, ++timers->used, entry);
	return 0;
}

void epx_timer_clear(struct epx_timer *timer)
{
	struct epx_timers *timers;
	struct epx_heap_entry last;
	uint32_t place = timer->place;

	if (!place)
		return;
	timers = &timer->exec->timers;
	timer->place = 0;
	last = timers->heap[timers->used--];
	if (last.timer != timer)
		sift_down(timers, place, last);
}

int64_t epx_timers_next(const struct epx_timers *timers)
{
	return timers->used ? timers->heap[1].at : EPX_NEVER;
}

void epx_timers_expire(struct epx_timers *timers, int64_t now)
{
	struct epx_timer *timer;

	while (timers->used && timers->heap[1].at <= now) {
		timer = timers->heap[1].timer;
		epx_timer_clear(timer);
		epx_task_wake(timer->task);
	}
}

int64_t epx_time_after(int64_t now, int64_t ns)
{
	int64_t at;

	if (ns <= 0)
		return now;
	return __builtin_add_overflow(now, ns, &at) ? EPX_NEVER : at;
}
