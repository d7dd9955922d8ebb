// SPDX-License-Identifier: MIT
/*
 * Signals and child processes, which Linux has as descriptors.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/io.h"
#include "epollx_around.h"

#ifndef P_PIDFD
#define P_PIDFD	3
#endif

int epx_signal_open(struct epx_exec *exec, struct epx_signal *signal,
		    const sigset_t *mask)
{
	int fd = signalfd(-1, mask, SFD_NONBLOCK | SFD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = pthread_sigmask(SIG_BLOCK, mask, NULL);
	if (err) {
		close(fd);
		return -err;
	}
	epx_io_init(exec, &signal->io, fd);
	return 0;
}

static int64_t signal_try(struct epx_op *op)
{
	struct signalfd_siginfo *info = op->buf;
	ssize_t n = read(op->io->fd, info, sizeof(*info));

	return n < 0 ? -errno : (int64_t)info->ssi_signo;
}

static const struct epx_op_kind signal_kind =
	EPX_OP_KIND("signal", EPX_IN, signal_try);

struct epx_future *epx_signal_next(struct epx_op *op, struct epx_signal *signal)
{
	return epx_op_init(op, &signal_kind, &signal->io, &signal->info,
			   sizeof(signal->info));
}

int epx_signal_close(struct epx_signal *signal)
{
	return epx_io_close(&signal->io);
}

int epx_child_open(struct epx_exec *exec, struct epx_child *child, pid_t pid)
{
	/* Close-on-exec by itself. */
	int fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -errno;
	epx_io_init(exec, &child->io, fd);
	return 0;
}

/* As waitpid(2) has it. */
static int status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return (info->si_status & 0xff) << 8;
	return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

static int64_t child_try(struct epx_op *op)
{
	siginfo_t info;

	info.si_pid = 0;
	if (waitid(P_PIDFD, op->io->fd, &info, WEXITED | WNOHANG))
		return -errno;
	return info.si_pid ? status_of(&info) : -EAGAIN;
}

static const struct epx_op_kind child_kind =
	EPX_OP_KIND("child", EPX_IN, child_try);

struct epx_future *epx_child_wait(struct epx_op *op, struct epx_child *child)
{
	return epx_op_init(op, &child_kind, &child->io, NULL, 0);
}

int epx_child_close(struct epx_child *child)
{
	return epx_io_close(&child->io);
}
