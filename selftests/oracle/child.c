// SPDX-License-Identifier: MIT
/*
 * The child of a world: a copy of all descriptors, and a process whose end
 * ends files, watches and the queue that a signalfd sleeps on. It carries out
 * one operation at a time, and its parent waits for it meanwhile, so that the
 * log and the model have one writer.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "world.h"

static int to_child[2], to_parent[2];
static pid_t pid;

static void open_pipe(int p[2])
{
	if (pipe(p))
		world_fail("a pipe to the child: %s", strerror(errno));
	p[0] = move_up(p[0]);
	p[1] = move_up(p[1]);
}

void child_init(void)
{
	open_pipe(to_child);
	open_pipe(to_parent);
}

static void serve(void)
{
	struct op op;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(to_child[0], &op, sizeof(op)) == sizeof(op) &&
	       op.kind != OP_EXIT_CHILD) {
		half->ret = perform(&op);
		if (write(to_parent[1], "", 1) != 1)
			break;
	}
	_exit(0);
}

long long child_fork(void)
{
	if (half->model.has_child)
		return SKIPPED;
	pid = fork();
	if (pid < 0)
		world_fail("fork: %s", strerror(errno));
	if (!pid)
		serve();
	return 0;
}

long long child_perform(const struct op *op)
{
	char byte;

	if (write(to_child[1], op, sizeof(*op)) != sizeof(*op) ||
	    read(to_parent[0], &byte, 1) != 1)
		world_fail("the child does not answer");
	return half->ret;
}

long long child_end(void)
{
	static const struct op end = { .kind = OP_EXIT_CHILD };
	int status = -1;

	if (!half->model.has_child)
		return SKIPPED;
	if (write(to_child[1], &end, sizeof(end)) != sizeof(end) ||
	    waitpid(pid, &status, 0) != pid || status)
		world_fail("the child ended with status %#x", status);
	return 0;
}
