// SPDX-License-Identifier: MIT
/*
 * Busy polling with a real network queue: a wait that finds nothing spins on
 * the queue from which the last event came.
 *
 * Both sides spin, and the tests look at what either shows: how long a wait
 * takes, on which CPU time, and what the network's own statistics say. On
 * epollx the counters say it once more. Native epoll of 6.1 cannot be asked
 * for it by instance; there net.core.busy_poll asks for it. The preload
 * library's waits are epollx's, so once is enough.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <linux/epollx.h>

#include "helpers.h"
#include "testfiles.h"
#include "veth.h"

#define MS	1000000LL

static const char sysctl_path[] = "/proc/sys/net/core/busy_poll";

/* Writes it in the namespace of the machine, the only one that has it. */
static void set_sysctl(unsigned int usecs)
{
	int own_net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int net = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC), fd;
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", usecs);

	ASSERT_EQ(setns(net, CLONE_NEWNET), 0);
	fd = open(sysctl_path, O_WRONLY | O_CLOEXEC);
	ASSERT_EQ(write(fd, text, length), length);
	close(fd);
	ASSERT_EQ(setns(own_net, CLONE_NEWNET), 0);
	close(net);
	close(own_net);
}

/* A wait on @ep is to spin for @usecs; 0 for not at all. */
static void set_spin(int ep, unsigned int usecs, int prefer)
{
	struct epoll_params params = {
		.busy_poll_usecs = usecs, .prefer_busy_poll = prefer,
		.busy_poll_budget = prefer ? 1 : 0,
	};

	if (!ioctl(ep, EPIOCSPARAMS, &params))
		return;
	ASSERT_EQ(side(), NATIVE);
	ASSERT_EQ(errno, ENOTTY);
	set_sysctl(usecs);
}

/* What the module has counted; nothing on the native side. */
struct counts {
	long spins;
	long dropped;
};

static struct counts counts_now(void)
{
	return (struct counts){ counter("busy_spin"), counter("busy_dropped") };
}

static void expect_counts(const struct counts *before, long spins, long dropped)
{
	if (side() == NATIVE)
		return;
	ASSERT_GE(before->spins, 0);
	EXPECT_EQ(counter("busy_spin") - before->spins, spins);
	EXPECT_EQ(counter("busy_dropped") - before->dropped, dropped);
}

/* An instance that watches the receiver and knows its queue. */
static int spinning_ep(struct veth *veth, unsigned int usecs, int prefer)
{
	int ep = new_ep();
	struct epoll_event ev;

	set_spin(ep, usecs, prefer);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, veth->receiver, EPOLLIN, 1), 0);
	veth_send(veth);
	ASSERT_EQ(ep_wait(ep, &ev, 1, 10000), 1);
	ASSERT_EQ(veth_drain(veth), 1);
	return ep;
}

/* Nanoseconds of a wait that finds nothing in @ms. */
static long long vain_wait(int ep, int ms)
{
	long long start = now_ns();
	struct epoll_event ev;

	EXPECT_EQ(ep_wait(ep, &ev, 1, ms), 0);
	return now_ns() - start;
}

static long long cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/*
 * How long a wait takes tells whether it spun: a spin is not cut short by the
 * wait's own, shorter, time.
 */
TEST_ON(BOTH, a_spin_in_vain_forgets_the_queue, "89")
{
	struct counts before;
	struct veth veth;
	struct epoll_event ev;
	long long used;
	int ep;

	veth_up(&veth);
	ep = spinning_ep(&veth, 300000, 0);
	before = counts_now();
	/* No time, no spin. */
	used = cpu_ns();
	vain_wait(ep, 0);
	EXPECT_LT(cpu_ns() - used, 150 * MS);
	expect_counts(&before, 0, 0);

	EXPECT_GE(vain_wait(ep, 1), 300 * MS);
	expect_counts(&before, 1, 1);

	/* Forgotten: the next ones sleep. */
	for (int i = 0; i < 3; i++) {
		used = cpu_ns();
		vain_wait(ep, 1);
		EXPECT_LT(cpu_ns() - used, 150 * MS);
	}
	expect_counts(&before, 1, 1);

	/* The next event of a socket brings it back. */
	veth_send(&veth);
	ASSERT_EQ(ep_wait(ep, &ev, 1, 10000), 1);
	EXPECT_EQ(veth_drain(&veth), 1);
	before = counts_now();
	EXPECT_GE(vain_wait(ep, 1), 300 * MS);
	expect_counts(&before, 1, 1);
	set_spin(ep, 0, 0);
	close_owned();
}

TEST_ON(BOTH, the_rest_of_the_time_is_slept, "89 67")
{
	struct counts before;
	struct veth veth;
	long long used;
	int ep;

	veth_up(&veth);
	ep = spinning_ep(&veth, 20000, 0);
	before = counts_now();
	used = cpu_ns();
	EXPECT_GE(vain_wait(ep, 400), 400 * MS);
	EXPECT_LT(cpu_ns() - used, 300 * MS);
	expect_counts(&before, 1, 1);
	set_spin(ep, 0, 0);
	close_owned();
}

TEST_ON(BOTH, without_busy_polling_a_known_queue_is_left_alone, "88 89")
{
	struct counts before;
	struct veth veth;
	long long used;
	int ep;

	veth_up(&veth);
	ep = spinning_ep(&veth, 300000, 0);
	set_spin(ep, 0, 0);
	before = counts_now();
	used = cpu_ns();
	vain_wait(ep, 1);
	EXPECT_LT(cpu_ns() - used, 150 * MS);
	expect_counts(&before, 0, 0);
	close_owned();
}

/**
 * struct spinner - a thread in a wait that spins
 * @ep: the instance
 * @tid: the thread
 * @result: what the wait returned, and ->ev what it delivered
 * @start: before the wait
 * @end: after it
 */
struct spinner {
	pthread_t thread;
	int ep;
	atomic_int tid;
	int result;
	struct epoll_event ev;
	long long start;
	long long end;
};

static void *spin(void *arg)
{
	struct spinner *spinner = arg;

	spinner->start = now_ns();
	atomic_store(&spinner->tid, syscall(SYS_gettid));
	spinner->result = ep_wait(spinner->ep, &spinner->ev, 1, -1);
	spinner->end = now_ns();
	return NULL;
}

/* Clock ticks of user and system time that a thread of ours has used. */
static long ticks_used(int tid)
{
	char path[64], line[1024], *rest;
	unsigned long user, system;
	int fields;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "re");
	ASSERT_TRUE(file);
	ASSERT_TRUE(fgets(line, sizeof(line), file));
	fclose(file);
	rest = strrchr(line, ')');
	fields = sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			&user, &system);
	ASSERT_EQ(fields, 2);
	return user + system;
}

/* Returns once it is seen to spin: a thread that sleeps uses no time. */
static void spinner_start(struct spinner *spinner, int ep)
{
	long long deadline = now_ns() + 10000 * MS;
	int tid;

	memset(spinner, 0, sizeof(*spinner));
	spinner->ep = ep;
	ASSERT_EQ(pthread_create(&spinner->thread, NULL, spin, spinner), 0);
	while (!(tid = atomic_load(&spinner->tid)))
		sched_yield();
	while (ticks_used(tid) < 3) {
		ASSERT_LT(now_ns(), deadline);
		sched_yield();
	}
}

static int spinner_join(struct spinner *spinner)
{
	pthread_join(spinner->thread, NULL);
	return spinner->result;
}

/*
 * The spinner holds the queue, so the packet can only come through it; unless
 * the spinner has just given way to the sender, on the same CPU. Of many
 * rounds that is not every one.
 */
static void fetch_by_spin(int prefer)
{
	struct veth veth;
	long long before_round;
	long fetched;
	int ep;

	veth_up(&veth);
	ep = spinning_ep(&veth, 8000000, prefer);
	fetched = veth_busy_polled();
	for (int i = 0; i < 50 && veth_busy_polled() == fetched; i++) {
		struct counts before = counts_now();
		struct spinner spinner;

		before_round = now_ns();
		spinner_start(&spinner, ep);
		veth_send(&veth);
		ASSERT_EQ(spinner_join(&spinner), 1);
		EXPECT_EQ(spinner.ev.data.u64, 1);
		EXPECT_EQ(veth_drain(&veth), 1);
		/* The packet ended it, not its time. */
		EXPECT_LT(spinner.end - before_round, 8000 * MS);
		expect_counts(&before, 1, 0);
	}
	EXPECT_GT(veth_busy_polled(), fetched);
	set_spin(ep, 0, 0);
	close_owned();
}

TEST_ON(BOTH, a_spin_fetches_the_packet_that_ends_it, "89")
{
	fetch_by_spin(0);
}

TEST_ON(BOTH, a_spin_that_is_preferred_fetches_its_packet, "88 89")
{
	fetch_by_spin(1);
}

TEST_ON(BOTH, any_file_ends_a_spin, "89")
{
	int ep, fd = new_eventfd(0);
	struct spinner spinner;
	struct counts before;
	struct veth veth;

	veth_up(&veth);
	ep = spinning_ep(&veth, 8000000, 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 2), 0);
	before = counts_now();
	spinner_start(&spinner, ep);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(spinner_join(&spinner), 1);
	EXPECT_EQ(spinner.ev.data.u64, 2);
	EXPECT_LT(spinner.end - spinner.start, 8000 * MS);
	expect_counts(&before, 1, 0);
	set_spin(ep, 0, 0);
	close_owned();
}

static void on_signal(int number)
{
	(void)number;
}

/* Native epoll looks at signals only when its spin is over. */
TEST_ON(BOTH, a_signal_during_a_spin_is_eintr, "89 51")
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };
	struct spinner spinner;
	struct counts before;
	struct veth veth;
	int ep;

	veth_up(&veth);
	ASSERT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	ep = spinning_ep(&veth, 2500000, 0);
	before = counts_now();
	spinner_start(&spinner, ep);
	ASSERT_EQ(pthread_kill(spinner.thread, SIGUSR1), 0);
	EXPECT_EQ(spinner_join(&spinner), -EINTR);
	OBSERVE("at_once", spinner.end - spinner.start < 2500 * MS);
	expect_counts(&before, 1, 1);
	set_spin(ep, 0, 0);
	close_owned();
}
