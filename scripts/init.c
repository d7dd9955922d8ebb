// SPDX-License-Identifier: MIT
/*
 * PID 1 of the VM: a static program in an initramfs, started by the kernel, that
 *
 *   1. says "init" on the verdict's serial port (from then on scripts/vm never retries a
 *      boot),
 *   2. loads the kernel's own modules that the initramfs carries (9p, virtio, overlay),
 *   3. builds the root: the host's / read-only by 9p, under an overlay whose upper layer is
 *      memory, and the checkout's build/ once more, writable; plus proc, sys, dev and their
 *      friends,
 *   4. loads epollx.ko, unless there is none,
 *   5. runs the command, with its output going to a virtio port (an interactive shell: with a
 *      serial port as its tty),
 *   6. kills what is left, unloads the module, looks for leaks and at the kernel log, and says
 *      the verdict, last.
 *
 * The command, its environment and the settings come as files in /epx of the initramfs, so
 * nothing has to be quoted through a kernel command line. The command's output goes through a
 * pipe and not straight to the virtio port because such a port can be opened once only, and
 * programs do open /dev/stdout.
 *
 * A test may hang: then PID 1 says so when the time is up, with what every task of the guest
 * was blocked on in the kernel log. Only a guest that is dead altogether is left to the host's
 * own, later, timeout.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define OUTPUT_PORT "/dev/vport0p1"
#define SHELL_TTY "/dev/ttyS2"

struct settings set;

static int module_fd = -1;
static int signal_fd = -1;

void die(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("error %s (%s)", text, strerror(errno));
	dprintf(2, "init: %s: %s\n", text, strerror(errno));
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

char *slurp(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t done = 0;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st))
		die("cannot read %s", path);
	text = malloc(st.st_size + 1);
	while (text && (n = read(fd, text + done, st.st_size - done)) > 0)
		done += n;
	if (!text || done != (size_t)st.st_size)
		die("cannot read %s", path);
	text[done] = '\0';
	close(fd);
	if (size)
		*size = done;
	return text;
}

/* A file of strings, each ended by a zero byte, as a vector with NULL at its end. */
static char **slurp_vector(const char *path)
{
	size_t size, i, count = 0;
	char *text = slurp(path, &size);
	char **vector;

	for (i = 0; i < size; i++)
		count += !text[i];
	vector = calloc(count + 1, sizeof(*vector));
	if (!vector)
		die("no memory");
	for (i = 0; i < count; i++) {
		vector[i] = text;
		text += strlen(text) + 1;
	}
	return vector;
}

static void read_settings(void)
{
	set.cwd = slurp("/epx/cwd", NULL);
	set.build = slurp("/epx/build", NULL);
	set.modules = slurp("/epx/modules", NULL);
	set.module = slurp("/epx/module", NULL);
	set.leaks = slurp("/epx/leaks", NULL);
	set.tmp = slurp("/epx/tmp", NULL);
	set.tty = slurp("/epx/tty", NULL);
	set.timeout = atol(slurp("/epx/timeout", NULL));
	set.argv = slurp_vector("/epx/argv");
	set.envp = slurp_vector("/epx/env");
}

/*
 * In the child: the command, with OUT as its output or with the shell's serial port as its
 * terminal.
 */
__attribute__((noreturn)) static void run_child(int out)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	sigset_t none;
	int in;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (*set.tty) {
		in = open(SHELL_TTY, O_RDWR);
		out = in;
		ioctl(in, TIOCSCTTY, 0);
		if (sscanf(set.tty, "%hu %hu", &size.ws_row, &size.ws_col) == 2)
			ioctl(in, TIOCSWINSZ, &size);
	} else {
		in = open("/dev/null", O_RDONLY);
	}
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	if (in > 2)
		close(in);
	if (chdir(set.cwd))
		dprintf(2, "init: cannot enter %s: %s\n", set.cwd, strerror(errno));
	else
		execvpe(set.argv[0], set.argv, set.envp);
	dprintf(2, "init: cannot run %s: %s\n", set.argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* The host's end introduces the port after the driver has loaded, in its own time. */
static int open_output(void)
{
	const struct timespec pause_10ms = { .tv_nsec = 10000000 };
	int fd, tries;

	for (tries = 0; tries < 2000; tries++) {
		fd = open(OUTPUT_PORT, O_WRONLY | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			return fd;
		nanosleep(&pause_10ms, NULL);
	}
	return -1;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Moves what the pipe holds to the virtio port; false at the pipe's end. */
static bool pump(int from, int to)
{
	static char buffer[65536];
	ssize_t n = read(from, buffer, sizeof(buffer)), done, w;

	for (done = 0; done < n; done += w) {
		w = write(to, buffer + done, n - done);
		if (w < 0)
			die("cannot write to %s", OUTPUT_PORT);
	}
	return n > 0 || (n < 0 && errno != EAGAIN);
}

/*
 * Passes output on and buries orphans until CHILD has ended (or, for -1, until no child is left).
 * Returns a shell's exit code, or -1 when the time (seconds, 0 = for ever) is up.
 */
static int attend(pid_t child, int from, int to, long seconds)
{
	long long deadline = now_ms() + seconds * 1000, left = -1;
	struct pollfd fds[2] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = from, .events = POLLIN },
	};
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == child)
				return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
							     WEXITSTATUS(status);
		}
		if (pid < 0 && child < 0)
			return 0;
		if (seconds) {
			left = deadline - now_ms();
			if (left <= 0)
				return -1;
		}
		if (poll(fds, 2, left) <= 0)
			continue;
		if (fds[0].revents)
			(void)!read(signal_fd, &info, sizeof(info));
		if (fds[1].revents && !pump(from, to))
			fds[1].fd = -1;
	}
}

/*
 * Runs the command and says "exit STATUS", or "timeout" with the reasons in the kernel log;
 * findings until then.
 */
static int run_command(void)
{
	int to = -1, status, early_trouble = 0, out[2] = { -1, -1 };
	pid_t child;

	if (!*set.tty) {
		to = open_output();
		if (to < 0 || pipe2(out, O_CLOEXEC))
			die("cannot open %s", OUTPUT_PORT);
		fcntl(out[0], F_SETFL, O_NONBLOCK);
	}
	child = fork();
	if (child < 0)
		die("cannot fork");
	if (!child)
		run_child(out[1]);
	close(out[1]);
	status = attend(child, out[0], to, set.timeout);
	if (status < 0) {
		/*
		 * What blocks which task, and where each CPU is; these back traces are not
		 * the kernel's findings.
		 */
		early_trouble = log_check();
		write_file("/proc/sysrq-trigger", "w");
		write_file("/proc/sysrq-trigger", "l");
		log_start();
		say("timeout %ld", set.timeout);
	} else {
		say("exit %d", status);
	}
	kill(-1, SIGKILL);
	if (attend(-1, out[0], to, 60) < 0)
		say("problem a process survives SIGKILL");
	while (to >= 0 && pump(out[0], to))
		;
	return early_trouble;
}

/*
 * The last references of a killed program's files may go a moment after it (unix sockets'
 * garbage collector).
 */
static void unload_module(void)
{
	const struct timespec pause_10ms = { .tv_nsec = 10000000 };
	int tries;

	for (tries = 0; tries < 500; tries++) {
		if (!syscall(SYS_delete_module, "epollx", O_NONBLOCK) || errno == ENOENT)
			return;
		nanosleep(&pause_10ms, NULL);
	}
	say("problem epollx cannot be unloaded: %s", strerror(errno));
}

int main(void)
{
	const struct rlimit files = { .rlim_cur = 1 << 20, .rlim_max = 1 << 20 };
	sigset_t chld;
	bool bad;

	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, "mode=755");
	verdict_open();
	say("init");
	read_settings();
	load_kernel_modules();
	if (!strcmp(set.module, "yes"))
		module_fd = open("/epx/epollx.ko", O_RDONLY | O_CLOEXEC);
	make_root();
	mount_friends();
	bind_modules();
	raise_loopback();
	sethostname("epollx", 6);
	setrlimit(RLIMIT_NOFILE, &files);
	write_file("/proc/sys/kernel/printk_devkmsg", "on\n");
	leaks_start();
	log_start();
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	signal_fd = signalfd(-1, &chld, SFD_CLOEXEC);
	if (module_fd >= 0) {
		load_module(module_fd, "epollx");
		close(module_fd);
	}
	say("ready %lld", now_ms());
	bad = run_command() > 0;
	unload_module();
	if (strcmp(set.leaks, "no"))
		bad |= leaks_check() > 0;
	bad |= log_check() > 0;
	sync();
	say("verdict %s", bad ? "bad" : "good");
	reboot(RB_AUTOBOOT);
	die("the machine does not stop");
}
