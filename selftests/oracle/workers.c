// SPDX-License-Identifier: MIT
/*
 * The two workers as the controller sees them: started, told what to do, and
 * replaced when one has died or does not answer.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "oracle.h"

struct worker {
	enum side side;
	pid_t pid;
	int orders;
	int replies;
};

static struct worker workers[2];
static unsigned int patience;
static char trouble[256];

static void start(int position)
{
	struct worker *w = &workers[position];
	int orders[2], replies[2];

	if (pipe(orders) || pipe(replies)) {
		perror("oracle: pipe");
		exit(2);
	}
	fflush(NULL);
	w->pid = fork();
	if (w->pid < 0) {
		perror("oracle: fork");
		exit(2);
	}
	if (!w->pid) {
		setpgid(0, 0);
		close(orders[1]);
		close(replies[0]);
		for (int i = 0; i < position; i++) {
			close(workers[i].orders);
			close(workers[i].replies);
		}
		world_main(w->side, position, orders[0], replies[1]);
	}
	setpgid(w->pid, w->pid);
	close(orders[0]);
	close(replies[1]);
	w->orders = orders[1];
	w->replies = replies[0];
}

static void stop(int position)
{
	struct worker *w = &workers[position];

	if (!w->pid)
		return;
	kill(-w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	close(w->orders);
	close(w->replies);
	w->pid = 0;
}

void workers_init(const enum side sides[2], unsigned int seconds)
{
	patience = seconds;
	for (int i = 0; i < 2; i++)
		workers[i].side = sides[i];
}

void workers_stop(void)
{
	for (int i = 1; i >= 0; i--)
		stop(i);
}

const char *workers_trouble(void)
{
	return trouble;
}

static void describe(int position, const char *what)
{
	const struct half *h = &shared->half[position];

	snprintf(trouble, sizeof(trouble),
		 "the %s worker %s, in program %d of the batch, operation %d%s%s",
		 workers[position].side == NATIVE ? "native" : "epollx", what,
		 h->program, h->op, h->broken[0] ? ": " : "", h->broken);
}

/* Its answer is there; or what is wrong. */
static enum run_outcome await(int position, int ms)
{
	struct worker *w = &workers[position];
	struct pollfd pfd = { .fd = w->replies, .events = POLLIN };
	char byte;

	if (poll(&pfd, 1, ms) <= 0) {
		describe(position, "does not come to an end");
		return RUN_HUNG;
	}
	if (read(w->replies, &byte, 1) != 1) {
		describe(position, "has died");
		return RUN_DIED;
	}
	return RUN_DONE;
}

static void prepare(void)
{
	for (int i = 0; i < 2; i++) {
		if (!workers[i].pid)
			start(i);
		/* Outcomes of an earlier run are not those of this one. */
		shared->half[i].used = 0;
		memset(shared->half[i].end, 0, sizeof(shared->half[i].end));
	}
	sem_init(&shared->turn[0], 1, 1);
	sem_init(&shared->turn[1], 1, 0);
}

enum run_outcome workers_run(enum order order)
{
	/* One program takes milliseconds, and may be run very often. */
	int ms = patience * (order == ORDER_GIVEN ? 1000 / 6 : 1000);
	enum run_outcome worst = RUN_DONE;

	trouble[0] = 0;
	shared->order = order;
	prepare();
	for (int i = 0; i < 2; i++)
		if (write(workers[i].orders, "", 1) != 1)
			worst = RUN_DIED;
	for (int i = 0; i < 2; i++) {
		enum run_outcome outcome = await(i, ms);

		if (outcome != RUN_DONE)
			worst = outcome;
		/* The other one has had the same time. */
		if (outcome == RUN_HUNG)
			ms = 1000;
	}
	if (worst != RUN_DONE)
		workers_stop();
	return worst;
}
