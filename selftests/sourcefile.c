// SPDX-License-Identifier: MIT
/* User events, queues and timers. See sourcefile.h. */
#define _GNU_SOURCE
#include <string.h>

#include "helpers.h"
#include "sourcefile.h"
#include "testfiles.h"

int add_user(int ep, uint32_t id, uint32_t events, uint64_t data)
{
	struct epx_source_ctl ctl = {
		.op = EPOLL_CTL_ADD, .kind = EPX_SOURCE_USER, .id = id,
		.events = events, .data = data,
	};

	return epx_source(ep, &ctl);
}

int mod_user(int ep, uint32_t id, uint32_t events, uint64_t data)
{
	struct epx_source_ctl ctl = {
		.op = EPOLL_CTL_MOD, .kind = EPX_SOURCE_USER, .id = id,
		.events = events, .data = data,
	};

	return epx_source(ep, &ctl);
}

int add_queue(int ep, uint32_t id, uint32_t depth, uint32_t events,
	      uint64_t data)
{
	struct epx_source_ctl ctl = {
		.op = EPOLL_CTL_ADD, .kind = EPX_SOURCE_QUEUE, .id = id,
		.events = events, .data = data, .depth = depth,
	};

	return epx_source(ep, &ctl);
}

int mod_queue(int ep, uint32_t id, uint32_t events, uint64_t data)
{
	struct epx_source_ctl ctl = {
		.op = EPOLL_CTL_MOD, .kind = EPX_SOURCE_QUEUE, .id = id,
		.events = events, .data = data,
	};

	return epx_source(ep, &ctl);
}

int set_timer(int ep, int op, uint32_t id, int64_t first, int64_t period)
{
	return timer_on(ep, op, id, CLOCK_MONOTONIC, 0, first, period);
}

int timer_on(int ep, int op, uint32_t id, clockid_t clock, uint32_t flags,
	     int64_t first, int64_t period)
{
	struct epx_source_ctl ctl = {
		.op = op, .kind = EPX_SOURCE_TIMER, .id = id, .data = id,
		.clock = clock, .flags = flags, .first = first,
		.period = period,
	};

	return epx_source(ep, &ctl);
}

int del_source(int ep, uint32_t id)
{
	struct epx_source_ctl ctl = { .op = EPOLL_CTL_DEL, .id = id };

	return epx_source(ep, &ctl);
}

bool next_event(int ep, struct epx_payload_event *event, int64_t timeout)
{
	int n;

	memset(event, 0xa5, sizeof(*event));
	n = epx_wait_payload(ep, event, 1, timeout);
	ASSERT_GE(n, 0);
	return n;
}

bool source_line(int ep, uint32_t id, char *line, size_t size)
{
	FILE *file = open_fdinfo(ep);
	bool found = false;
	char text[256];
	unsigned int at;

	while (!found && fgets(text, sizeof(text), file)) {
		found = sscanf(text, "source: %u", &at) == 1 && at == id;
		if (found) {
			ASSERT_TRUE(strstr(text, " kind:"));
			text[strcspn(text, "\n")] = '\0';
			snprintf(line, size, "%s", strstr(text, " kind:") + 1);
		}
	}
	fclose(file);
	return found;
}

int sources_of(int ep)
{
	FILE *file = open_fdinfo(ep);
	char text[256];
	int n = 0;

	while (fgets(text, sizeof(text), file))
		n += !strncmp(text, "source:", 7);
	fclose(file);
	return n;
}

int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	ASSERT_EQ(clock_gettime(clock, &ts), 0);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

void pass(clockid_t clock, int64_t at)
{
	struct timespec ts = { at / SEC, at % SEC };

	while (clock_nanosleep(clock, TIMER_ABSTIME, &ts, NULL))
		;
}

static int64_t set_ahead;

void set_clock(int64_t by)
{
	int64_t at = clock_ns(CLOCK_REALTIME) + by;
	struct timespec ts = { at / SEC, at % SEC };

	ASSERT_EQ(clock_settime(CLOCK_REALTIME, &ts), 0);
	set_ahead += by;
}

void set_clock_back(void)
{
	set_clock(-set_ahead);
}
