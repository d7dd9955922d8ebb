// SPDX-License-Identifier: MIT
/*
 * Waits and signals: never restarted, never early, the mask set and restored
 * where no signal can slip between. A signal is sent only to a thread that is
 * seen to sleep.
 */
#define _GNU_SOURCE
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "helpers.h"

static volatile sig_atomic_t handled;
static sigset_t mask_in_handler;

static void handler(int sig)
{
	handled = sig;
	sigprocmask(SIG_SETMASK, NULL, &mask_in_handler);
}

static void catch(int sig, int flags)
{
	struct sigaction action = { .sa_handler = handler,
				    .sa_flags = flags };

	ASSERT_EQ(sigaction(sig, &action, NULL), 0);
}

/* A child that sends @sig to this thread once it sleeps. */
static pid_t send_when_asleep(int sig, int second)
{
	pid_t parent = getpid(), tid = syscall(SYS_gettid), pid = fork();

	if (pid)
		return pid;
	wait_until_sleeping_in(parent, tid);
	kill(parent, sig);
	if (second) {
		char path[64], state[8] = "";

		/* Stopped, not merely on its way there. */
		snprintf(path, sizeof(path), "/proc/%d/stat", parent);
		while (state[0] != 'T') {
			FILE *file = fopen(path, "r");

			if (fscanf(file, "%*d (%*[^)]) %1s", state) != 1)
				state[0] = 0;
			fclose(file);
		}
		kill(parent, second);
	}
	_exit(0);
}

static int quiet_instance(void)
{
	int ep = ep_create1(0);

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, eventfd(0, 0), EPOLLIN, 0), 0);
	return ep;
}

TEST(a_wait_is_not_restarted, "51")
{
	int ep = quiet_instance();
	struct epoll_event ev;

	catch(SIGUSR1, SA_RESTART);
	send_when_asleep(SIGUSR1, 0);
	EXPECT_EQ(ep_wait(ep, &ev, 1, -1), -EINTR);
	EXPECT_EQ(handled, SIGUSR1);
	send_when_asleep(SIGUSR1, 0);
	EXPECT_EQ(ep_wait(ep, &ev, 1, 1000000), -EINTR);
}

TEST(stop_and_continue_interrupt, "52")
{
	int ep = quiet_instance();
	struct epoll_event ev;

	send_when_asleep(SIGSTOP, SIGCONT);
	EXPECT_EQ(ep_wait(ep, &ev, 1, -1), -EINTR);
}

static bool is_blocked(int sig)
{
	sigset_t now;

	sigprocmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, sig);
}

static bool is_pending(int sig)
{
	sigset_t now;

	sigpending(&now);
	return sigismember(&now, sig);
}

static void block_and_raise(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(sig);
}

TEST(events_beat_signals, "53")
{
	int ep = ep_create1(0);
	struct epoll_event ev;
	sigset_t none;

	sigemptyset(&none);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, eventfd(1, 0), EPOLLIN, 0), 0);
	catch(SIGUSR1, 0);
	block_and_raise(SIGUSR1);
	EXPECT_EQ(ep_pwait(ep, &ev, 1, -1, &none, KERNEL_SIGSET_SIZE), 1);
	EXPECT_EQ(handled, 0);
	EXPECT_TRUE(is_pending(SIGUSR1));
	EXPECT_TRUE(is_blocked(SIGUSR1));
}

TEST(a_look_is_not_interrupted, "53")
{
	int ep = quiet_instance();
	struct epoll_event ev;
	sigset_t none;

	sigemptyset(&none);
	catch(SIGUSR1, 0);
	block_and_raise(SIGUSR1);
	EXPECT_EQ(ep_pwait(ep, &ev, 1, 0, &none, KERNEL_SIGSET_SIZE), 0);
	EXPECT_EQ(handled, 0);
	EXPECT_TRUE(is_pending(SIGUSR1));
	EXPECT_EQ(ep_pwait(ep, &ev, 1, 1000, &none, KERNEL_SIGSET_SIZE),
		  -EINTR);
	EXPECT_EQ(handled, SIGUSR1);
}

TEST(the_handler_runs_under_the_waits_mask, "54")
{
	int ep = quiet_instance();
	struct epoll_event ev;
	sigset_t during;

	catch(SIGUSR1, 0);
	block_and_raise(SIGUSR1);
	sigemptyset(&during);
	sigaddset(&during, SIGUSR2);
	EXPECT_EQ(ep_pwait(ep, &ev, 1, -1, &during, KERNEL_SIGSET_SIZE),
		  -EINTR);
	EXPECT_TRUE(sigismember(&mask_in_handler, SIGUSR1));
	EXPECT_TRUE(sigismember(&mask_in_handler, SIGUSR2));
	EXPECT_TRUE(is_blocked(SIGUSR1));
	EXPECT_FALSE(is_blocked(SIGUSR2));
}

TEST(the_mask_is_restored_on_every_return, "54")
{
	int ep = quiet_instance();
	struct epoll_event ev;
	sigset_t all;

	sigfillset(&all);
	EXPECT_EQ(ep_pwait(ep, &ev, 1, 1, &all, KERNEL_SIGSET_SIZE), 0);
	EXPECT_FALSE(is_blocked(SIGUSR1));
	EXPECT_EQ(ep_pwait(ep, &ev, 0, 1, &all, KERNEL_SIGSET_SIZE), -EINVAL);
	EXPECT_FALSE(is_blocked(SIGUSR1));
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, eventfd(1, 0), EPOLLIN, 0), 0);
	EXPECT_EQ(ep_pwait(ep, NULL, 1, 1, &all, KERNEL_SIGSET_SIZE),
		  -EFAULT);
	EXPECT_FALSE(is_blocked(SIGUSR1));
}

TEST(kill_cannot_be_masked, "54 55")
{
	int ep = quiet_instance(), status;
	pid_t pid = fork();

	if (!pid) {
		struct epoll_event ev;
		sigset_t all;

		sigfillset(&all);
		ep_pwait(ep, &ev, 1, -1, &all, KERNEL_SIGSET_SIZE);
		_exit(1);
	}
	wait_until_sleeping_in(pid, pid);
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A killed waiter takes no event with it: the other one gets it. */
TEST(a_killed_waiter_takes_no_event_along, "55")
{
	for (unsigned int round = 0; round < 100 / time_factor(); round++) {
		int ep = ep_create1(0), fd = eventfd(0, 0), status;
		struct sleeper survivor;
		pid_t pid;

		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
		sleeper_start(&survivor, ep, 1, -1);
		pid = fork();
		if (!pid) {
			struct epoll_event ev;

			ep_wait(ep, &ev, 1, -1);
			_exit(0);
		}
		wait_until_sleeping_in(pid, pid);
		kill(pid, SIGKILL);
		eventfd_write(fd, 1);
		EXPECT_EQ(sleeper_join(&survivor), 1);
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		close(ep);
		close(fd);
	}
}

/* A timer's signals, an event each, short timeouts: one answer each time. */
TEST(signal_event_and_timeout_give_one_answer, "56")
{
	struct itimerval timer = { { 0, 700 }, { 0, 700 } };
	int ep = ep_create1(0), fd = eventfd(0, EFD_NONBLOCK);
	int events = 0, timeouts = 0, signals = 0;
	struct epoll_event ev[2];

	catch(SIGALRM, 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 9), 0);
	ASSERT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	for (int i = 0; i < 3000; i++) {
		int n;

		if (i % 3 == 0)
			eventfd_write(fd, 1);
		n = ep_wait(ep, ev, 2, 1);
		if (n == 1)
			events++;
		else if (!n)
			timeouts++;
		else if (n == -EINTR)
			signals++;
		else
			EXPECT_EQ(n, 1);
		/* The event was there before the wait, so it comes first. */
		if (i % 3 == 0)
			EXPECT_EQ(n, 1);
	}
	EXPECT_EQ(events, 1000);
	EXPECT_GE(timeouts + signals, 1);
}
