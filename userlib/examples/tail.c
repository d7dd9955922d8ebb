// SPDX-License-Identifier: MIT
/*
 * tail -f by inotify: tail FILE
 *
 * Prints what is there, then what comes; ends when the file is removed, which
 * changes its attributes: it has one name less.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <epollx_async.h>

struct tail {
	struct epx_future future;
	struct epx_io notify;
	struct epx_op op;
	struct iovec iov;
	int file;
	char events[4096];
};

static void copy_new(int file)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(file, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	fflush(stdout);
}

static bool is_removed(int file)
{
	struct stat stat;

	return fstat(file, &stat) || !stat.st_nlink;
}

EPX_ASYNC(tail, NULL)
{
	EPX_BEGIN;
	do {
		copy_new(me->file);
		me->iov.iov_base = me->events;
		me->iov.iov_len = sizeof(me->events);
		EPX_TRY(epx_readv(&me->op, &me->notify, &me->iov, 1));
		copy_new(me->file);
	} while (!is_removed(me->file));
	EPX_END;
}

int main(int argc, char **argv)
{
	struct epx_exec *exec;
	struct tail tail;
	int fd, err;

	if (argc != 2 || epx_exec_new(&exec, NULL))
		return 2;
	tail.file = open(argv[1], O_RDONLY | O_CLOEXEC);
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (tail.file < 0 || fd < 0 ||
	    inotify_add_watch(fd, argv[1],
			      IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF) < 0) {
		perror(argv[1]);
		return 1;
	}
	epx_io_init(exec, &tail.notify, fd);
	err = epx_block_on(exec, EPX_INIT(&tail, tail));
	epx_io_close(&tail.notify);
	close(tail.file);
	epx_exec_free(exec);
	return err < 0;
}
