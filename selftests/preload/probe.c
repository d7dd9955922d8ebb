// SPDX-License-Identifier: MIT
/*
 * A program for epollx-run's tests, which knows nothing of epollx: it says
 * what kind its instances are, and makes known numbers of calls.
 *
 *	probe kind		the instance's name, or what went wrong
 *	probe work		1 epoll_create, 2 epoll_create1, 3 epoll_ctl,
 *				4 epoll_wait, 5 epoll_pwait, 6 epoll_pwait2,
 *				and one of each but the first two on no file
 *	probe tree PROGRAM	the same four times: here, in a forked child
 *				that is killed, in a vforked one that executes
 *				PROGRAM for it, and in one that leaves by _exit
 *	probe block FILE	opens FILE to write, waits for ever
 *	probe show ...		its own name, arguments and standard input
 *	probe filtered		as kind, behind a seccomp filter that answers
 *				ioctl(2) with EPERM and allows all else
 *
 * Calls that answer otherwise than they should make it exit with 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef GO_NOTE
/* As Go's linker marks what it makes; "Go" and a zero byte to fill up. */
__asm__(".pushsection .note.go.buildid,\"a\",@note\n"
	".long 4, 4, 4\n"
	".asciz \"Go\\0\"\n"
	".long 0\n"
	".popsection\n");
#endif

#define NO_FD	987

static void require(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static int kind(void)
{
	char path[64], name[64] = "";
	int ep = epoll_create1(0);

	require(ep >= 0, "epoll_create1");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ep);
	require(readlink(path, name, sizeof(name) - 1) > 0, "readlink");
	puts(name);
	return 0;
}

static int filtered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	require(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
	require(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program),
		"seccomp");
	return kind();
}

static int work(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct timespec now = { 0, 0 };
	int fd = eventfd(1, 0), ep = epoll_create(1), i;

	require(ep >= 0, "epoll_create");
	for (i = 0; i < 2; i++)
		require(epoll_create1(0) >= 0, "epoll_create1");
	require(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), "ADD");
	require(!epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev), "MOD");
	require(epoll_ctl(NO_FD, EPOLL_CTL_ADD, fd, &ev) && errno == EBADF,
		"EBADF of epoll_ctl");
	for (i = 0; i < 3; i++)
		require(epoll_wait(ep, &ev, 1, 0) == 1, "epoll_wait");
	require(epoll_wait(NO_FD, &ev, 1, 0) < 0 && errno == EBADF,
		"EBADF of epoll_wait");
	for (i = 0; i < 4; i++)
		require(epoll_pwait(ep, &ev, 1, 0, NULL) == 1, "epoll_pwait");
	require(epoll_pwait(NO_FD, &ev, 1, 0, NULL) < 0 && errno == EBADF,
		"EBADF of epoll_pwait");
	for (i = 0; i < 5; i++)
		require(epoll_pwait2(ep, &ev, 1, &now, NULL) == 1,
			"epoll_pwait2");
	require(epoll_pwait2(NO_FD, &ev, 1, &now, NULL) < 0 && errno == EBADF,
		"EBADF of epoll_pwait2");
	return 0;
}

static int tree(const char *program)
{
	int status;
	pid_t pid;

	work();
	pid = fork();
	if (!pid) {
		work();
		raise(SIGKILL);
	}
	require(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
		WTERMSIG(status) == SIGKILL, "the killed child");
	pid = vfork();
	if (!pid) {
		execl(program, program, "work", NULL);
		_exit(99);
	}
	require(waitpid(pid, &status, 0) == pid && !status,
		"the executed program");
	pid = fork();
	if (!pid)
		_exit(work());
	require(waitpid(pid, &status, 0) == pid && !status,
		"the child that leaves by _exit");
	return 0;
}

/* The open blocks until a reader is there, who so learns that we are, too. */
static int block(const char *fifo)
{
	struct epoll_event ev;
	int ep = epoll_create1(0);

	require(open(fifo, O_WRONLY) >= 0, fifo);
	return epoll_wait(ep, &ev, 1, -1);
}

static int show(int argc, char **argv)
{
	char line[256];

	printf("%s", strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 :
	       argv[0]);
	for (int i = 2; i < argc; i++)
		printf(" <%s>", argv[i]);
	printf(" %s\n", fgets(line, sizeof(line), stdin) ? line : "");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "kind"))
		return kind();
	if (!strcmp(what, "filtered"))
		return filtered();
	if (!strcmp(what, "work"))
		return work();
	if (!strcmp(what, "tree") && argc == 3)
		return tree(argv[2]);
	if (!strcmp(what, "block") && argc == 3)
		return block(argv[2]);
	if (!strcmp(what, "show"))
		return show(argc, argv);
	fprintf(stderr, "usage: probe kind|filtered|work|tree PROGRAM|block FILE|show ...\n");
	return 2;
}
