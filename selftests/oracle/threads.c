// SPDX-License-Identifier: MIT
/*
 * Threads that wait on instances: they park in a wait without end, and every
 * later operation may bring some of them back. Who comes back, in which order
 * and with what, is part of what the two sides must agree on.
 *
 * They run on the worker's CPU with a real-time priority, the main thread with
 * none. So whoever a system call of the main thread has woken has run, taken
 * its events and come back, or gone to sleep again, before the main thread
 * does anything more; of two who were woken, the first runs first. This is not
 * believed but looked up, in /proc: each thread that is not back has to be in
 * its system call and off the CPU. Where the wake-up came from elsewhere (a
 * timer's interrupt, a work item, another CPU) its state is asked for too: one
 * that is on its way to our CPU is in its call still, but does not sleep.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>

#include "helpers.h"
#include "world.h"

#define EVENTS	4

/**
 * struct parker - a thread
 * @op: its wait, as in the program
 * @start: posted for each wait
 * @returned: its wait is over
 * @order: how many were back before it, in this program
 * @result: what the wait returned
 * @runs: of the signal handler, during the wait
 * @mask: the signal mask in the handler
 * @events: what was delivered
 * @tid: the thread
 * @in_call: its /proc/.../syscall
 * @state: its /proc/.../stat
 * @signalled: a signal for it may be pending
 */
struct parker {
	struct op op;
	sem_t start;
	atomic_bool returned;
	unsigned int order;
	long long result;
	unsigned int runs;
	uint64_t mask;
	struct epoll_event events[EVENTS];
	atomic_int tid;
	int in_call;
	int state;
	bool signalled;
};

static struct parker parkers[THREADS];
static atomic_uint returned_so_far;

static long long call(struct parker *p)
{
	uint64_t mask = mask_of(p->op.arg[4], true);
	const void *pointer = p->op.arg[4] == MASK_NULL ? NULL : &mask;
	int ep = p->op.arg[1], max = p->op.arg[2];
	struct pollfd pfd = { .fd = ep, .events = POLLIN };
	long long ret;

	switch (p->op.arg[3]) {
	case CALL_WAIT:
		return ep_wait(ep, p->events, max, -1);
	case CALL_PWAIT:
		return ep_pwait(ep, p->events, max, -1, pointer,
				KERNEL_SIGSET_SIZE);
	case CALL_PWAIT2:
		return ep_pwait2(ep, p->events, max, NULL, pointer,
				 KERNEL_SIGSET_SIZE);
	default:
		ret = result_of(poll(&pfd, 1, -1));
		p->events[0].events = pfd.revents;
		return ret;
	}
}

static void forget_signals(struct parker *p)
{
	const struct timespec now = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGNAL_THREAD);
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
	p->signalled = false;
}

static void *parker_main(void *arg)
{
	struct parker *p = arg;

	atomic_store(&p->tid, syscall(SYS_gettid));
	for (;;) {
		while (sem_wait(&p->start))
			;
		handler_runs = 0;
		if (p->op.kind == OP_PARK) {
			p->result = call(p);
			sources_delivered(p->events, p->result);
		} else {
			forget_signals(p);
		}
		p->runs = handler_runs;
		p->mask = handler_mask;
		p->order = atomic_fetch_add(&returned_so_far, 1);
		atomic_store(&p->returned, true);
	}
	return NULL;
}

static int open_task_file(pid_t tid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		world_fail("%s: %s", path, strerror(errno));
	return move_up(fd);
}

void threads_start(void)
{
	struct sched_param param = { .sched_priority = 1 };
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 * 1024);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	for (int i = 0; i < THREADS; i++) {
		struct parker *p = &parkers[i];

		sem_init(&p->start, 0, 0);
		errno = pthread_create(&thread, &attr, parker_main, p);
		if (errno)
			world_fail("a real-time thread: %s", strerror(errno));
		while (!atomic_load(&p->tid))
			sched_yield();
		p->in_call = open_task_file(p->tid, "syscall");
		p->state = open_task_file(p->tid, "stat");
	}
}

static int number_of_call(const struct parker *p)
{
	if (p->op.arg[3] == CALL_POLL)
		return SYS_poll;
	if (side() == EPX)
		return SYS_ioctl;
	return p->op.arg[3] == CALL_PWAIT2 ? SYS_epoll_pwait2 : SYS_epoll_pwait;
}

/* The kernel says "running" unless it is off the CPU, twice in a row. */
static bool is_in_its_call(const struct parker *p)
{
	char text[32] = "";
	char *end;

	if (pread(p->in_call, text, sizeof(text) - 1, 0) <= 0)
		return false;
	return strtol(text, &end, 10) == number_of_call(p) && *end == ' ' &&
	       (p->op.arg[3] == CALL_POLL ||
		strtoll(end, NULL, 16) == p->op.arg[1]);
}

static bool is_asleep(const struct parker *p)
{
	char text[512] = "";
	char *state;

	if (pread(p->state, text, sizeof(text) - 1, 0) <= 0)
		return false;
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

static bool is_parked(int i)
{
	return half->model.parked & 1 << i;
}

/*
 * All are back or asleep, at one and the same time. In its call is not enough:
 * who is woken may find the instance's mutex taken, on epollx by the reaper of
 * a file that was closed before, and is off the CPU then, too.
 */
static void await_all(void)
{
	for (int i = 0; i < THREADS; i++) {
		struct parker *p = &parkers[i];

		if (!is_parked(i) || atomic_load(&p->returned))
			continue;
		if (!is_in_its_call(p) || !is_asleep(p)) {
			sched_yield();
			/* It may wake one that was looked at already. */
			i = -1;
		}
	}
}

static void log_return(int i)
{
	struct parker *p = &parkers[i];
	int nr = p->result > 0 ? p->result : 0;

	log_tag(TAG_THREAD, (uint64_t)i << 32 | (uint32_t)p->result);
	for (int n = 0; n < nr && n < EVENTS; n++)
		log_event(p->events[n].events, p->events[n].data.u64);
	if (p->runs)
		log_tag(TAG_HANDLER, p->mask);
	half->model.parked &= ~(1 << i);
}

/* Those who are back, in the order in which they came back. */
static void log_returns(void)
{
	for (;;) {
		int first = -1;

		for (int i = 0; i < THREADS; i++)
			if (is_parked(i) && atomic_load(&parkers[i].returned) &&
			    (first < 0 ||
			     parkers[i].order < parkers[first].order))
				first = i;
		if (first < 0)
			return;
		log_return(first);
	}
}

void threads_settle(void)
{
	await_all();
	log_returns();
}

static void give(struct parker *p, const struct op *op)
{
	p->op = *op;
	memset(p->events, 0xa5, sizeof(p->events));
	atomic_store(&p->returned, false);
	sem_post(&p->start);
}

long long threads_park(const struct op *op)
{
	int i = op->arg[0];

	if (i < 0 || i >= THREADS || is_parked(i) || op->arg[2] > EVENTS ||
	    model_nature(&half->model, PARENT, op->arg[1]) != INSTANCE)
		return SKIPPED;
	give(&parkers[i], op);
	half->model.parked |= 1 << i;
	await_all();
	if (!atomic_load(&parkers[i].returned))
		log_tag(TAG_ASLEEP, i | (uint64_t)
			__builtin_popcount(half->model.parked) << 32);
	return 0;
}

long long threads_raise(const struct op *op)
{
	int i = op->arg[0];

	if (i < 0 || i >= THREADS)
		return SKIPPED;
	parkers[i].signalled = true;
	return result_of(syscall(SYS_tgkill, getpid(), parkers[i].tid,
				 SIGNAL_THREAD));
}

static void await_return(struct parker *p)
{
	while (!atomic_load(&p->returned))
		sched_yield();
}

/* No mask of a wait blocks SIGNAL_RELEASE. */
void threads_release(void)
{
	static const struct op forget = { .kind = OP_END };

	for (int i = 0; i < THREADS; i++) {
		if (is_parked(i)) {
			syscall(SYS_tgkill, getpid(), parkers[i].tid,
				SIGNAL_RELEASE);
			await_return(&parkers[i]);
			log_return(i);
		}
		if (parkers[i].signalled) {
			give(&parkers[i], &forget);
			await_return(&parkers[i]);
		}
	}
	atomic_store(&returned_so_far, 0);
}
