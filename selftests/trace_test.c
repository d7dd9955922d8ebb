// SPDX-License-Identifier: MIT
/*
 * The tracepoints, as a reader of the trace finds them. What belongs together
 * is put together by the number of the instance, the watch's address and the
 * descriptor.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <linux/epollx.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "tracefile.h"
#include "views.h"

#define WAIT_NS		10000000000LL
#define NO_DEADLINE	"9223372036854775807"

/*
 *   ADD, a wait that sleeps, a write that wakes it, the delivery; two writes
 *   that nobody waits for; the close of the file.
 */
TEST_ON(EPX, a_journey_can_be_put_together, "")
{
	struct line *add, *sleep, *wake, *back, *deliver, *over;
	char instance[32], address[32], watch[32];
	int ep = new_ep(), fd = new_eventfd(0), at = 0, tid;
	struct sleeper sleeper;

	trace_begin();
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 0), 0);
	sleeper_start(&sleeper, ep, 1, -1);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	ASSERT_EQ(sleeper_join(&sleeper), 1);
	tid = atomic_load(&sleeper.tid);
	trace_read();
	add = trace_next(&at, "ctl", "");
	snprintf(instance, sizeof(instance), "%s", field(add, "instance"));
	snprintf(address, sizeof(address), "%s",
		 watch_of(strtoull(instance, NULL, 10), fd).address);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	close(fd);
	trace_wait_for("bury");
	trace_end();

	at = 0;
	add = trace_next(&at, "ctl", instance);
	EXPECT_EQ(add->pid, getpid());
	EXPECT_TRUE(is(add, "op", "ADD"));
	EXPECT_EQ(number(add, "fd"), fd);
	EXPECT_TRUE(has(add, "events", "IN"));
	EXPECT_TRUE(has(add, "events", "ET"));
	EXPECT_FALSE(has(add, "events", "OUT"));
	EXPECT_TRUE(is(add, "ret", "0"));
	EXPECT_TRUE(is(add, "context", "task"));

	sleep = trace_next(&at, "sleep", instance);
	EXPECT_EQ(sleep->pid, tid);
	EXPECT_TRUE(is(sleep, "deadline", NO_DEADLINE));

	wake = trace_next(&at, "wake", instance);
	snprintf(watch, sizeof(watch), "%s", field(wake, "watch"));
	EXPECT_EQ(wake->pid, getpid());
	EXPECT_EQ(number(wake, "fd"), fd);
	EXPECT_TRUE(has(wake, "key", "IN"));
	EXPECT_TRUE(has(wake, "events", "IN"));
	EXPECT_TRUE(has(wake, "events", "ET"));
	EXPECT_TRUE(is(wake, "pushed", "1"));
	EXPECT_TRUE(is(wake, "context", "task"));
	/* debugfs has the same name for the watch. */
	EXPECT_TRUE(is(wake, "watch", address));

	back = trace_next(&at, "wakeup", instance);
	EXPECT_EQ(back->pid, tid);
	EXPECT_TRUE(is(back, "timed_out", "0"));

	deliver = trace_next(&at, "deliver", instance);
	EXPECT_EQ(deliver->pid, tid);
	EXPECT_TRUE(is(deliver, "watch", watch));
	EXPECT_EQ(number(deliver, "fd"), fd);
	EXPECT_TRUE(is(deliver, "revents", "IN"));

	over = trace_next(&at, "return", instance);
	EXPECT_EQ(over->pid, tid);
	EXPECT_TRUE(is(over, "ret", "1"));

	/* The second write queues the watch, the third finds it queued. */
	for (int pushed = 1; pushed >= 0; pushed--) {
		wake = trace_next(&at, "wake", instance);
		EXPECT_TRUE(is(wake, "watch", watch));
		EXPECT_EQ(number(wake, "pushed"), pushed);
	}
	wake = trace_next(&at, "close", instance);
	EXPECT_EQ(wake->pid, getpid());
	EXPECT_TRUE(is(wake, "watch", watch));
	EXPECT_EQ(number(wake, "fd"), fd);
	EXPECT_TRUE(is(wake, "queued", "1"));
	wake = trace_next(&at, "bury", instance);
	EXPECT_TRUE(is(wake, "watch", watch));
	EXPECT_EQ(number(wake, "fd"), fd);
	EXPECT_TRUE(is(wake, "context", "task"));

	/* And nothing else. */
	EXPECT_EQ(trace_lines(), 10);
	close_owned();
}

/* Each change with its name and result; a failed one, too. */
TEST_ON(EPX, every_change_is_traced_with_its_result, "")
{
	static const struct {
		int op;
		uint32_t events;
		const char *name;
		int ret;
	} changes[] = {
		{ EPOLL_CTL_MOD, EPOLLIN, "MOD", -ENOENT },
		{ EPOLL_CTL_ADD, EPOLLIN, "ADD", 0 },
		{ EPOLL_CTL_ADD, EPOLLIN, "ADD", -EEXIST },
		{ EPOLL_CTL_MOD, EPOLLPRI | EPOLLRDHUP | EPOLLONESHOT, "MOD", 0 },
		{ EPX_CTL_PUT, EPOLLOUT, "PUT", 0 },
		{ EPOLL_CTL_DEL, 0, "DEL", 0 },
		{ EPOLL_CTL_DEL, 0, "DEL", -ENOENT },
	};
	int ep = new_ep(), fd = new_eventfd(0), at = 0;
	const int count = sizeof(changes) / sizeof(changes[0]);
	struct line *line;

	trace_begin();
	for (int i = 0; i < count; i++)
		EXPECT_EQ(ep_ctl(ep, changes[i].op, fd, changes[i].events, 0),
			  changes[i].ret);
	trace_end();
	for (int i = 0; i < count; i++) {
		line = trace_next(&at, "ctl", "");
		EXPECT_TRUE(is(line, "op", changes[i].name));
		EXPECT_EQ(number(line, "ret"), changes[i].ret);
		EXPECT_EQ(number(line, "fd"), fd);
		EXPECT_EQ(has(line, "events", "IN"),
			  !!(changes[i].events & EPOLLIN));
		EXPECT_EQ(has(line, "events", "OUT"),
			  !!(changes[i].events & EPOLLOUT));
		EXPECT_EQ(has(line, "events", "RDHUP"),
			  !!(changes[i].events & EPOLLRDHUP));
		EXPECT_EQ(has(line, "events", "ONESHOT"),
			  !!(changes[i].events & EPOLLONESHOT));
	}
	EXPECT_EQ(trace_count("ctl"), count);
	close_owned();
}

static void on_signal(int number)
{
	(void)number;
}

TEST_ON(EPX, a_wait_that_brings_nothing_says_why, "")
{
	struct sigaction action = { .sa_handler = on_signal };
	int ep = new_ep(), fd = new_eventfd(1), at = 0;
	long long start;
	struct sleeper sleeper;
	struct epoll_event ev;
	struct line *line;

	ASSERT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	trace_begin();
	start = now_ns();
	EXPECT_EQ(ep_wait(ep, &ev, 1, 5), 0);
	sleeper_start(&sleeper, ep, 1, -1);
	ASSERT_EQ(pthread_kill(sleeper.thread, SIGUSR1), 0);
	EXPECT_EQ(sleeper_join(&sleeper), -EINTR);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	EXPECT_EQ(ep_wait(ep, NULL, 1, 0), -EFAULT);
	trace_end();

	line = trace_next(&at, "sleep", "");
	EXPECT_GE(atoll(field(line, "deadline")), start + 5000000);
	EXPECT_LT(atoll(field(line, "deadline")), start + WAIT_NS);
	line = trace_next(&at, "wakeup", "");
	EXPECT_TRUE(is(line, "timed_out", "1"));
	line = trace_next(&at, "return", "");
	EXPECT_EQ(number(line, "ret"), 0);
	EXPECT_EQ(line->pid, getpid());

	trace_next(&at, "sleep", "");
	line = trace_next(&at, "wakeup", "");
	EXPECT_TRUE(is(line, "timed_out", "0"));
	line = trace_next(&at, "return", "");
	EXPECT_EQ(number(line, "ret"), -EINTR);
	EXPECT_EQ(line->pid, atomic_load(&sleeper.tid));

	line = trace_next(&at, "return", "");
	EXPECT_EQ(number(line, "ret"), -EFAULT);
	EXPECT_EQ(trace_count("deliver"), 0);
	close_owned();
}

/* A pair over loopback that sends to itself, in softirq. */
static void new_udp_pair(int s[2])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);

	s[0] = own(socket(AF_INET, SOCK_DGRAM, 0));
	s[1] = own(socket(AF_INET, SOCK_DGRAM, 0));
	ASSERT_EQ(bind(s[0], (void *)&address, length), 0);
	ASSERT_EQ(getsockname(s[0], (void *)&address, &length), 0);
	ASSERT_EQ(connect(s[1], (void *)&address, length), 0);
}

TEST_ON(EPX, a_wake_up_tells_where_it_ran, "")
{
	struct itimerspec soon = { .it_value.tv_nsec = 1 };
	int ep = new_ep(), fd = new_eventfd(0), s[2], timer, at = 0;
	struct line *line;

	new_udp_pair(s);
	timer = own(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, s[0], EPOLLIN, 0), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, timer, EPOLLIN, 0), 0);
	trace_begin();
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	ASSERT_EQ(send(s[1], "x", 1, 0), 1);
	ASSERT_TRUE(becomes_ready(s[0], POLLIN));
	ASSERT_EQ(timerfd_settime(timer, 0, &soon, NULL), 0);
	ASSERT_TRUE(becomes_ready(timer, POLLIN));
	trace_end();

	line = trace_next(&at, "wake", "");
	EXPECT_EQ(number(line, "fd"), fd);
	EXPECT_TRUE(is(line, "context", "task"));
	line = trace_next(&at, "wake", "");
	EXPECT_EQ(number(line, "fd"), s[0]);
	EXPECT_TRUE(is(line, "context", "softirq"));
	line = trace_next(&at, "wake", "");
	EXPECT_EQ(number(line, "fd"), timer);
	EXPECT_TRUE(is(line, "context", "hardirq"));
	close_owned();
}

/* What the filter holds back leaves no trace. */
TEST_ON(EPX, a_filtered_wake_up_is_not_traced, "31")
{
	int ep = new_ep(), fd = new_eventfd(0);
	eventfd_t value;

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLPRI, 0), 0);
	trace_begin();
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	trace_end();
	EXPECT_EQ(trace_lines(), 0);
	close_owned();
}

/* Outer and inner have numbers of their own, in the order of the wake-ups. */
TEST_ON(EPX, a_nested_event_is_followed_outwards, "80")
{
	int outer = new_ep(), inner = new_ep(), fd = new_eventfd(0), at = 0;
	char inner_id[32], outer_id[32];
	struct epoll_event ev;
	struct line *line;

	trace_begin();
	ASSERT_EQ(ep_ctl(inner, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 0), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	ASSERT_EQ(ep_wait(outer, &ev, 1, 0), 1);
	trace_end();

	snprintf(inner_id, sizeof(inner_id), "%s", field(trace_next(&at, "ctl", ""), "instance"));
	line = trace_next(&at, "ctl", "");
	snprintf(outer_id, sizeof(outer_id), "%s", field(line, "instance"));
	EXPECT_NE(strcmp(inner_id, outer_id), 0);
	EXPECT_EQ(number(line, "fd"), inner);
	line = trace_next(&at, "wake", inner_id);
	EXPECT_EQ(number(line, "fd"), fd);
	line = trace_next(&at, "wake", outer_id);
	EXPECT_EQ(number(line, "fd"), inner);
	line = trace_next(&at, "deliver", outer_id);
	EXPECT_EQ(number(line, "fd"), inner);
	line = trace_next(&at, "return", outer_id);
	EXPECT_EQ(number(line, "ret"), 1);
	EXPECT_EQ(trace_count("deliver"), 1);
	close_owned();
}
