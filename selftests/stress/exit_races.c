// SPDX-License-Identifier: MIT
/*
 * Processes that go: with the signal queue that a watch hangs on, or while
 * they wait.
 *
 *	left				right
 *	wait, DEL or close		exit of who added a signalfd
 *	kill(waiters)			write
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

/*
 * A signalfd's watch hangs on the signal queue of the process that adds it,
 * which is shared by its threads and goes with the last of them: with the
 * group at once, or each thread in its time and the first not last.
 *
 * That process shares memory and files with the race, so that it costs a
 * tenth of a fork; it has no thread-local memory of its own, and keeps to what
 * needs none.
 */
#define COPIES	16
#define LEAVERS	4
#define STACK	16384

static int leaving_ep, copy[COPIES];
static bool as_group;
static atomic_long added;

static struct leaver {
	char stack[STACK] __attribute__((aligned(64)));
	unsigned long turns;
} leaver[LEAVERS];

static int clone_leaver(int (*fn)(void *arg), struct leaver *who, int flags)
{
	return clone(fn, who->stack + STACK, CLONE_VM | CLONE_FS | CLONE_FILES |
		     flags, who);
}

static int leave(void *arg)
{
	struct leaver *me = arg;

	await(&added, 1);
	spin(me->turns);
	return syscall(as_group ? SYS_exit_group : SYS_exit, 0);
}

static int add_and_leave(void *arg)
{
	/* The other threads too. They run when this one goes, or spins long. */
	stay_on(1);
	for (int i = 1; i < LEAVERS; i++)
		MUST_FD(clone_leaver(leave, &leaver[i],
				     CLONE_SIGHAND | CLONE_THREAD));
	for (int i = 0; i < COPIES; i++)
		MUST(ep_ctl(leaving_ep, EPOLL_CTL_ADD, copy[i], EPOLLIN, i), 0);
	atomic_store(&added, 1);
	return leave(arg);
}

/* Nothing comes from the end of the process but events. */
static void meet_exit(long how)
{
	struct epoll_event ev[COPIES];

	for (int i = 0; i < COPIES; i++) {
		if (how == 0)
			MUST(ep_ctl(leaving_ep, EPOLL_CTL_DEL, copy[i], 0, 0),
			     0);
		else if (how == 1 && ep_wait(leaving_ep, ev, COPIES, 0) < 0)
			race_fail("wait failed");
	}
	if (how == 2)
		close(leaving_ep);
	else if (how == 3)
		close(copy[0]);
}

/*
 * The act comes at any time while the threads go, or, more often, at one of
 * two moments at the very end: there is no child left to wait for just before
 * the kernel lets go of it, and nobody of its number just before the queue.
 */
static void await_moment(pid_t pid)
{
	switch (random_next() % 4) {
	case 0:
		break;
	case 1:
		while (!kill(pid, 0))
			;
		break;
	default:
		while (waitpid(pid, NULL, WNOHANG) >= 0)
			;
	}
	random_delay();
}

static void signal_round(int signals)
{
	long how = random_next() % 4;
	pid_t pid;

	leaving_ep = MUST_FD(ep_create1(0));
	for (int i = 0; i < COPIES; i++)
		copy[i] = MUST_FD(dup(signals));
	close(signals);
	as_group = random_next() & 1;
	for (int i = 0; i < LEAVERS; i++)
		leaver[i].turns = random_turns();
	atomic_store(&added, 0);
	/* Born on the idle CPU: on ours it would wait until we have to yield. */
	stay_on(-1);
	pid = MUST_FD(clone_leaver(add_and_leave, &leaver[0], SIGCHLD));
	stay_on(0);
	await(&added, 1);
	/* The last one to be closed takes all watches with it. */
	for (int i = 1; i < COPIES && how == 3; i++)
		close(copy[i]);
	await_moment(pid);
	meet_exit(how);
	MUST(waitpid(pid, NULL, 0), -1);
	for (int i = 0; i < COPIES && how != 3; i++)
		close(copy[i]);
	if (how != 2)
		close(leaving_ep);
}

RACE(signal_queue_goes_before_the_file, "pollfree_dead")
{
	sigset_t mask;

	/* Nobody reaps: the last thread takes the queue with it, on its CPU. */
	signal(SIGCHLD, SIG_IGN);
	stay_on(0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	for (long round = 0; race_goes_on(round, rounds); round++) {
		signal_round(MUST_FD(signalfd(-1, &mask, SFD_NONBLOCK)));
		race_rounds(1);
	}
}

#define VICTIMS	200
#define WAKES	16

static int victims_ep;
static atomic_long *asleep;

static void *be_victim(void *arg)
{
	struct epoll_event ev;

	(void)arg;
	atomic_fetch_add(asleep, 1);
	ep_wait(victims_ep, &ev, 1, -1);
	return NULL;
}

static void be_victims(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < VICTIMS; i++)
		MUST(pthread_create(&thread, &attr, be_victim, NULL), 0);
	for (;;)
		pause();
}

/* Each write wakes one more; the kill comes before the one numbered @when. */
static void wake_and_kill(const int *fd, pid_t pid, unsigned int when)
{
	for (unsigned int i = 0; i <= WAKES; i++) {
		if (i == when)
			MUST(kill(pid, SIGKILL), 0);
		if (i < WAKES)
			MUST(eventfd_write(fd[i], 1), 0);
	}
}

/*
 * A survivor sleeps behind all of them. One that is woken and killed at once
 * must hand on, or the survivor sleeps for ever: one round never ends.
 */
RACE(waiters_are_killed_beside_a_wake, "killed_rewake")
{
	asleep = mmap(NULL, sizeof(*asleep), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(asleep == MAP_FAILED, false);
	for (long round = 0; race_goes_on(round, rounds); round++) {
		struct sleeper survivor;
		int fd[WAKES];
		pid_t pid;

		victims_ep = MUST_FD(ep_create1(0));
		for (int i = 0; i < WAKES; i++) {
			fd[i] = MUST_FD(eventfd(0, EFD_NONBLOCK));
			MUST(ep_ctl(victims_ep, EPOLL_CTL_ADD, fd[i], EPOLLIN,
				    i), 0);
		}
		sleeper_start(&survivor, victims_ep, 1, -1);
		atomic_store(asleep, 0);
		pid = MUST_FD(fork());
		if (!pid)
			be_victims();
		await(asleep, VICTIMS);
		wake_and_kill(fd, pid, random_next() % (WAKES + 1));
		MUST(waitpid(pid, NULL, 0), pid);
		MUST(sleeper_join(&survivor), 1);
		for (int i = 0; i < WAKES; i++)
			close(fd[i]);
		close(victims_ep);
		race_rounds(1);
	}
}
