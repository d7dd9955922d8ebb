// SPDX-License-Identifier: MIT
/* What posts.c, timers.c and scale_timers.c share. See own.h. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "own.h"

int own_ep, own_fd;
struct epx_consumer own_ring;

void own_wait_native(int ms)
{
	struct epoll_event event;
	uint64_t got;

	must(epoll_wait(own_ep, &event, 1, ms) == 1, "an event");
	must(read(own_fd, &got, 8) == 8, "read");
}

void own_wait_epollx(int64_t timeout)
{
	struct epx_payload_event event;

	must(epx_wait_payload(own_ep, &event, 1, timeout) == 1, "an event");
}

void own_wait_ring(int64_t timeout)
{
	struct epx_ring_event event;

	must(epx_ring_wait(&own_ring, &event, 1, timeout) == 1, "an event");
	epx_ring_payload(&own_ring, event.item);
}

void own_open_native(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	own_fd = fd;
	own_ep = epoll_create1(0);
	must(own_fd >= 0 && own_ep >= 0 &&
	     !epoll_ctl(own_ep, EPOLL_CTL_ADD, own_fd, &event), "a source");
}

void own_open_epollx(void)
{
	own_fd = -1;
	own_ep = epx_open(0);
	must(own_ep >= 0, "an instance");
}

void own_open_ring(void)
{
	own_open_epollx();
	must(!epx_ring_map_with(own_ep, 4, EPX_RING_PAYLOAD, &own_ring),
	     "a ring");
}

void own_open_eventfd(void)
{
	own_open_native(eventfd(0, 0));
}

static void add_user(void)
{
	struct epx_source_ctl ctl = {
		.op = EPOLL_CTL_ADD, .kind = EPX_SOURCE_USER, .id = ID,
	};

	must(epx_source(own_ep, &ctl) >= 0, "a source");
}

void own_open_user(void)
{
	own_open_epollx();
	add_user();
}

void own_open_ring_user(void)
{
	own_open_ring();
	add_user();
}

void own_set_timer(int op, uint32_t id, int64_t first)
{
	struct epx_source_ctl ctl = {
		.op = op, .kind = EPX_SOURCE_TIMER, .id = id,
		.clock = CLOCK_MONOTONIC, .first = first,
	};

	must(epx_source(own_ep, &ctl) >= 0, "a timer");
}

void own_set_timerfd(int fd, int64_t first)
{
	struct itimerspec spec = {
		.it_value = { first / 1000000000, first % 1000000000 },
	};

	must(!timerfd_settime(fd, 0, &spec, NULL), "a timer");
}

void own_close(void)
{
	if (own_ring.map)
		epx_ring_unmap(&own_ring);
	close(own_fd);
	close(own_ep);
}

void own_measure(const struct own *table)
{
	for (const struct own *own = table; own->name; own++) {
		const struct bench bench = {
			.name = own->name, .prepare = own->prepare,
			.step = own->step,
		};
		struct point point = { .bench = &bench, .x = own->x };

		if (!is_wanted(own->name) ||
		    (options.is_short && !strcmp(own->side, "io_uring")))
			continue;
		own->open();
		figure("cost", own->name, own->x, own->side,
		       cost_of_steps(&point), "instructions");
		own_close();
	}
}
