// SPDX-License-Identifier: MIT
/*
 * A wait for many events beside a file that is never quiet: in each look at
 * those that are ready one comes again, so there is never a reason to sleep.
 */
#include <sys/epoll.h>

#include <epollx.h>

#include "helpers.h"
#include "probefile.h"
#include "testfiles.h"
#include "waiter.h"

#define TIMEOUT		1000000LL

/*
 * Whoever scans, stops first at probe[0] and then at probe[1], with probe[0]
 * about to stop the next. The time is over meanwhile, and probe[0] reported.
 */
static void one_scan(const int probe[2], long long until)
{
	probe_await_held(probe[0]);
	probe_hold(probe[1]);
	probe_release(probe[0]);
	probe_await_held(probe[1]);
	while (now_ns() < until)
		before_next_look();
	probe_wake(probe[0], EPOLLIN);
}

/* A look, a second one from within the queue, and one that collects. */
TEST_ON(EPX, a_busy_file_does_not_stop_the_clock, "47")
{
	struct epx_enter enter = {
		.maxevents = 4, .min_events = 3, .timeout = TIMEOUT,
	};
	int ep = new_ep(), probe[2];
	struct waiter waiter = {};
	struct epx_probe_state state;

	for (int i = 0; i < 2; i++) {
		probe[i] = probe_open();
		probe_set(probe[i], EPOLLIN);
		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, probe[i], EPOLLIN, i), 0);
	}
	probe_hold(probe[0]);
	waiter_sleep_in(&waiter, ep, &enter);
	for (int scan = 0; scan < 3; scan++) {
		one_scan(probe, now_ns() + TIMEOUT);
		if (scan < 2)
			probe_hold(probe[0]);
		probe_release(probe[1]);
	}
	EXPECT_EQ(waiter_join(&waiter), 2);
	state = probe_state(probe[0]);
	EXPECT_EQ(state.polls - state.hooked, 3);
	close_owned();
}
