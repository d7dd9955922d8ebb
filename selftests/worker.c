// SPDX-License-Identifier: MIT
/*
 * Threads at a test's command. See worker.h.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "testfiles.h"
#include "waiter.h"
#include "worker.h"

int new_limited(unsigned int concurrency, unsigned int flags)
{
	struct epx_create how = { .concurrency = concurrency, .flags = flags };

	return own(epx_create(&how));
}

int add_ready(int ep, uint32_t mode)
{
	int fd = new_eventfd(1);

	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | mode, fd), 0);
	return fd;
}

static int run_task(struct worker *worker, int task)
{
	char byte;

	switch (task) {
	case TASK_WAIT:
		return epx_wait(worker->fd, worker->buffer, worker->max,
				worker->ns);
	case TASK_ENTER:
		return epx_enter(worker->fd, &worker->enter);
	case TASK_YIELD:
		return epx_yield(worker->fd);
	case TASK_READ:
		return read(worker->fd, &byte, 1);
	}
	return 0;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	int task;

	atomic_store(&worker->tid, syscall(SYS_gettid));
	while ((task = atomic_load(&worker->task)) != TASK_EXIT) {
		if (task == TASK_NONE) {
			/* Gives way, but never blocks. */
			sched_yield();
			continue;
		}
		worker->result = run_task(worker, task);
		atomic_store(&worker->task, TASK_NONE);
	}
	return NULL;
}

void workers_start(struct worker *workers, int n)
{
	memset(workers, 0, sizeof(*workers) * n);
	for (int i = 0; i < n; i++) {
		workers[i].buffer = workers[i].events;
		ASSERT_EQ(pthread_create(&workers[i].thread, NULL, worker_main,
					 &workers[i]), 0);
	}
}

void worker_begin(struct worker *worker, enum task task)
{
	ASSERT_EQ(atomic_load(&worker->task), TASK_NONE);
	atomic_store(&worker->task, task);
}

int worker_end(struct worker *worker)
{
	while (atomic_load(&worker->task) != TASK_NONE)
		before_next_look();
	return worker->result;
}

int worker_wait(struct worker *worker, int ep, long long ns)
{
	worker->fd = ep;
	worker->max = 1;
	worker->ns = ns;
	worker_begin(worker, TASK_WAIT);
	return worker_end(worker);
}

int worker_yield(struct worker *worker, int ep)
{
	worker->fd = ep;
	worker_begin(worker, TASK_YIELD);
	return worker_end(worker);
}

void worker_sleep(struct worker *worker, int ep)
{
	worker->fd = ep;
	worker->max = 1;
	worker->ns = -1;
	worker_begin(worker, TASK_WAIT);
	worker_await_sleep(worker);
}

void worker_await_sleep(struct worker *worker)
{
	do {
		ASSERT_NE(atomic_load(&worker->task), TASK_NONE);
		before_next_look();
		worker->switches = thread_switches(worker->tid);
	} while (!worker_sleeps(worker));
}

bool worker_sleeps(struct worker *worker)
{
	return atomic_load(&worker->task) != TASK_NONE &&
	       thread_is_asleep(worker->tid) &&
	       thread_switches(worker->tid) == worker->switches;
}

void workers_stop(struct worker *workers, int n)
{
	for (int i = 0; i < n; i++) {
		worker_begin(&workers[i], TASK_EXIT);
		ASSERT_EQ(pthread_join(workers[i].thread, NULL), 0);
	}
}
