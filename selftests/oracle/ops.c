// SPDX-License-Identifier: MIT
/* The table of kinds, and operations as text. See ops.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"

const struct kind_info kinds[KINDS] = {
	[OP_CREATE] = { "create", "ep flags", 1, -1,
		"fd[%0] = ep_create1(%1);" },
	[OP_CREATE_SIZE] = { "create_size", "ep size", 1, -1,
		"fd[%0] = ep_create(%1);" },
	[OP_PIPE] = { "pipe", "reader writer", 2, -1,
		"pipe2(p, O_NONBLOCK); fd[%0] = p[0]; fd[%1] = p[1];" },
	[OP_FIFO] = { "fifo", "fd", 1, -1,
		"fd[%0] = open(fifo, O_RDWR | O_NONBLOCK);" },
	[OP_EVENTFD] = { "eventfd", "fd value flags", 1, -1,
		"fd[%0] = eventfd(%1, EFD_NONBLOCK | %2);" },
	[OP_UNIX] = { "unix", "one other type", 2, -1,
		"socketpair(AF_UNIX, %2 | SOCK_NONBLOCK, 0, p); fd[%0] = p[0]; fd[%1] = p[1];" },
	[OP_TCP] = { "tcp", "driver fd", 2, -1,
		"new_tcp_pair(p); fd[%0] = p[0]; fd[%1] = p[1];" },
	[OP_PTY] = { "pty", "master slave watch", 2, -1,
		"new_pty(&fd[%0], &fd[%1]);" },
	[OP_TIMERFD] = { "timerfd", "fd", 1, -1,
		"fd[%0] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);" },
	[OP_SIGNALFD] = { "signalfd", "fd", 1, -1,
		"fd[%0] = signalfd(-1, &both_signals, SFD_NONBLOCK);" },
	[OP_REGULAR] = { "regular", "fd what", 1, -1,
		"fd[%0] = open_unpollable(%1);" },
	[OP_CTL] = { "ctl", "ep op fd events data ptr", 0, 0,
		"EXPECT_EQ(ep_ctl(fd[%0], %1, fd[%2], %3, %4), %=);" },
	[OP_WAIT] = { "wait", "ep max ms buf", 0, 0,
		"EXPECT_EQ(ep_wait(fd[%0], ev, %1, %2), %=);" },
	[OP_PWAIT] = { "pwait", "ep max ms buf mask size", 0, 0,
		"EXPECT_EQ(ep_pwait(fd[%0], ev, %1, %2, mask[%4], %5), %=);" },
	[OP_PWAIT2] = { "pwait2", "ep max time buf mask size", 0, 0,
		"EXPECT_EQ(ep_pwait2(fd[%0], ev, %1, time(%2), mask[%4], %5), %=);" },
	[OP_POLL] = { "poll", "fd events", 0, -1,
		"EXPECT_EQ(poll_revents(fd[%0], %1), %=);" },
	[OP_FDINFO] = { "fdinfo", "ep", 0, -1,
		"EXPECT_EQ(watches_of(fd[%0]), %=);" },
	[OP_SOURCE] = { "source", "ep op id kind events data how clock", 0, 0,
		"EXPECT_EQ(change_source(fd[%0], %1, %2, %3, %4, %5, %6, %7), %=);" },
	[OP_POST] = { "post", "ep id value count", 0, 0,
		"EXPECT_EQ(post(fd[%0], %1, %2, %3), %=);" },
	[OP_TAKE] = { "take", "ep id count", 0, 0,
		"EXPECT_EQ(epx_take(fd[%0], %1, values, %2), %=);" },
	[OP_PAYLOAD] = { "payload", "ep max", 0, 0,
		"EXPECT_EQ(epx_wait_payload(fd[%0], payload, %1, 0), %=);" },
	[OP_WRITE] = { "write", "fd bytes", 0, -1,
		"write(fd[%0], block, %1);" },
	[OP_READ] = { "read", "fd bytes", 0, -1,
		"read(fd[%0], block, %1);" },
	[OP_FILL] = { "fill", "fd", 0, -1,
		"fill_pipe(fd[%0]);" },
	[OP_DRAIN] = { "drain", "fd", 0, -1,
		"drain_pipe(fd[%0]);" },
	[OP_SHUTDOWN] = { "shutdown", "fd how", 0, -1,
		"shutdown(fd[%0], %1);" },
	[OP_CLOSE] = { "close", "fd", 0, -1,
		"close(fd[%0]);" },
	[OP_DUP] = { "dup", "old new", 0, -1,
		"fd[%1] = dup(fd[%0]);" },
	[OP_DUP2] = { "dup2", "old new", 0, -1,
		"dup2(fd[%0], fd[%1]);" },
	[OP_SEND] = { "send_fd", "fd", 0, -1,
		"send_fd(channel, fd[%0]);" },
	[OP_RECEIVE] = { "receive_fd", "fd", 1, -1,
		"fd[%0] = receive_fd(channel);" },
	[OP_TIMER] = { "timer", "fd what", 0, -1,
		"set_timer(fd[%0], %1);" },
	[OP_RAISE] = { "raise", "how", 0, -1,
		"raise_signal(%0);" },
	[OP_RAISE_THREAD] = { "raise_thread", "thread", 0, -1,
		"pthread_kill(waiter[%0].thread, SIGUSR2);" },
	[OP_HANDLER] = { "handler", "restart", 0, -1,
		"set_handler(%0 ? SA_RESTART : 0);" },
	[OP_PARK] = { "park", "thread ep max call mask", 0, -1,
		"waiter_start(&waiter[%0], WAITER_EPOLL, fd[%1], %2, -1);" },
	[OP_FORK] = { "fork", "", 0, -1,
		"child = fork_serving_child();" },
	[OP_EXIT_CHILD] = { "exit_child", "", 0, -1,
		"end_child(child);" },
	[OP_END] = { "end", "", 0, -1, "" },
};

static bool is_in_hex(const char *name, size_t length)
{
	return !strncmp(name, "events", length) ||
	       !strncmp(name, "data", length) ||
	       !strncmp(name, "value", length) ||
	       !strncmp(name, "flags", length);
}

void op_print(FILE *to, const struct op *op)
{
	const char *name = kinds[op->kind].arguments;

	fprintf(to, "%s%s", op->by == CHILD ? "child: " : "",
		kinds[op->kind].name);
	for (int i = 0; i < ARGUMENTS && *name; i++) {
		size_t length = strcspn(name, " ");

		fprintf(to, is_in_hex(name, length) && op->arg[i] >= 0 ?
			" %.*s=%#llx" : " %.*s=%lld", (int)length, name,
			op->arg[i]);
		name += length + (name[length] == ' ');
	}
}

static int kind_named(const char *name, size_t length)
{
	for (int kind = 0; kind < KINDS; kind++)
		if (strlen(kinds[kind].name) == length &&
		    !strncmp(kinds[kind].name, name, length))
			return kind;
	return -1;
}

/* The place of argument @name in the list of @kind, or -1. */
static int argument_named(int kind, const char *name, size_t length)
{
	const char *at = kinds[kind].arguments;

	for (int i = 0; *at; i++) {
		size_t here = strcspn(at, " ");

		if (here == length && !strncmp(at, name, length))
			return i;
		at += here + (at[here] == ' ');
	}
	return -1;
}

bool op_parse(const char *line, struct op *op)
{
	static const char child[] = "child: ";
	size_t length;
	int kind;

	memset(op, 0, sizeof(*op));
	while (isspace((unsigned char)*line))
		line++;
	if (!strncmp(line, child, sizeof(child) - 1)) {
		op->by = CHILD;
		line += sizeof(child) - 1;
	}
	length = strcspn(line, "\n\t ");
	kind = kind_named(line, length);
	if (kind < 0)
		return false;
	op->kind = kind;
	for (line += length; *line && *line != '#' && *line != '\n';) {
		int at;
		char *end;

		if (isspace((unsigned char)*line)) {
			line++;
			continue;
		}
		length = strcspn(line, "=\n ");
		at = argument_named(kind, line, length);
		if (at < 0 || line[length] != '=')
			return false;
		/* Data words use all 64 bits. */
		line += length + 1;
		op->arg[at] = *line == '-' ? strtoll(line, &end, 0) :
					     (long long)strtoull(line, &end, 0);
		line = end;
	}
	return true;
}

void op_print_c(FILE *to, const struct op *op, long long ret)
{
	for (const char *at = kinds[op->kind].c; *at; at++) {
		if (*at != '%')
			fputc(*at, to);
		else if (*++at == '=')
			fprintf(to, "%lld", ret);
		else
			fprintf(to, op->arg[*at - '0'] > 4096 ? "%#llx" :
				"%lld", op->arg[*at - '0']);
	}
}
