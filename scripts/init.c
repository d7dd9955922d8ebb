// SPDX-License-Identifier: MIT
/*
 * PID 1 of the VM: a static program in an initramfs, started by the kernel, that
 *
 *   1. says "init" on the verdict's serial port (from then on scripts/vm never retries a boot),
 *   2. loads the kernel's own modules that the initramfs carries (9p, virtio, overlay),
 *   3. builds the root: the host's / read-only by 9p, under an overlay whose upper layer is memory, and the checkout's
 *      build/ once more, writable; plus proc, sys, dev and their friends,
 *   4. loads epollx.ko, unless there is none,
 *   5. runs the command, with its output going to a virtio port (an interactive shell: with a serial port as its tty),
 *   6. kills what is left, unloads the module, looks for leaks and at the kernel log, and says the verdict, last.
 *
 * The command, its environment and the settings come as files in /epx of the initramfs, so nothing has to be quoted
 * through a kernel command line. The command's output goes through a pipe and not straight to the virtio port because
 * such a port can be opened once only, and programs do open /dev/stdout.
 *
 * A test may hang: then PID 1 says so when the time is up, with what every task of the guest was blocked on in the
 * kernel log. Only a guest that is dead altogether is left to the host's own, later, timeout.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define OUTPUT_PORT "/dev/vport0p1"
#define SHELL_TTY "/dev/ttyS2"

/* The settings, as scripts/vm wrote them: one file each, without a newline at the end. */
struct settings {
	char *cwd;
	char *build;		/* the directory shared writable; "" = none */
	char *modules;		/* where the kernel's own modules are on the host; "" = built in */
	char *module;		/* "yes" or "no" */
	char *tmp;		/* "yes": /tmp is a file system of its own */
	char *tty;		/* "" or "rows cols": an interactive shell */
	long timeout;		/* seconds; 0 = the host watches the time alone */
	char **argv;
	char **envp;
};

static struct settings set;
static int module_fd = -1;
static int signal_fd = -1;

/* Whatever stops PID 1 from doing its work: the host sees no verdict, only why. */
__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
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

static char *slurp(const char *path, size_t *size)
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
	set.tmp = slurp("/epx/tmp", NULL);
	set.tty = slurp("/epx/tty", NULL);
	set.timeout = atol(slurp("/epx/timeout", NULL));
	set.argv = slurp_vector("/epx/argv");
	set.envp = slurp_vector("/epx/env");
}

static void mount_at(const char *source, const char *target, const char *type, unsigned long flags, const char *options)
{
	if (mount(source, target, type, flags, options))
		die("cannot mount %s on %s", type, target);
}

/* For what a kernel may lack, and what a host directory may not offer a place for. */
static void try_mount(const char *target, const char *type, const char *options)
{
	mkdir(target, 0755);
	mount(type, target, type, 0, options);
}

static void load_module(int fd, const char *name)
{
	if (syscall(SYS_finit_module, fd, "", 0))
		die("cannot load the module %s", name);
}

/* The kernel's own modules, in the order of the list (dependencies first). */
static void load_kernel_modules(void)
{
	char *list = slurp("/epx/load", NULL), *name;
	int fd;

	for (name = strtok(list, "\n"); name; name = strtok(NULL, "\n")) {
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			die("cannot open %s", name);
		load_module(fd, name);
		close(fd);
	}
}

static void make_root(void)
{
	static const char p9[] = "trans=virtio,version=9p2000.L,msize=512000,cache=loose";

	mkdir("/lower", 0755);
	mkdir("/memory", 0755);
	mkdir("/root", 0755);
	mount_at("host", "/lower", "9p", MS_RDONLY, p9);
	mount_at("memory", "/memory", "tmpfs", 0, "mode=755,size=75%");
	mkdir("/memory/upper", 0755);
	mkdir("/memory/work", 0755);
	mount_at("root", "/root", "overlay", 0, "lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work");
	mount_at("dev", "/root/dev", "devtmpfs", 0, "mode=755");
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("cannot change the root");
}

/* Where the guest's modprobe looks; the host may have something of its own under that name. */
static void bind_modules(void)
{
	char path[512];

	if (!*set.modules)
		return;
	snprintf(path, sizeof(path), "/lib/modules%s", strrchr(set.modules, '/'));
	mkdir("/lib/modules", 0755);
	mkdir(path, 0755);
	if (mount(set.modules, path, NULL, MS_BIND, NULL))
		die("cannot bind %s", path);
}

static void mount_friends(void)
{
	static const char p9[] = "trans=virtio,version=9p2000.L,msize=512000,cache=mmap";

	mount_at("proc", "/proc", "proc", 0, "");
	mount_at("sys", "/sys", "sysfs", 0, "");
	try_mount("/dev/pts", "devpts", "mode=620,ptmxmode=666");
	try_mount("/dev/shm", "tmpfs", "mode=1777");
	try_mount("/dev/mqueue", "mqueue", "");
	try_mount("/run", "tmpfs", "mode=755");
	if (!strcmp(set.tmp, "yes"))
		try_mount("/tmp", "tmpfs", "mode=1777");
	try_mount("/sys/kernel/debug", "debugfs", "");
	try_mount("/sys/kernel/tracing", "tracefs", "");
	try_mount("/sys/fs/cgroup", "cgroup2", "");
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
	if (*set.build)
		mount_at("build", set.build, "9p", 0, p9);
}

static void raise_loopback(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr))
		die("no loopback device");
	ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		die("cannot raise the loopback device");
	close(fd);
}

/* In the child: the command, with OUT as its output or with the shell's serial port as its terminal. */
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
		sscanf(set.tty, "%hu %hu", &size.ws_row, &size.ws_col);
		ioctl(in, TIOCSCTTY, 0);
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
	struct pollfd fds[2] = { { .fd = signal_fd, .events = POLLIN }, { .fd = from, .events = POLLIN } };
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == child)
				return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
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

/* Runs the command and says "exit STATUS", or "timeout" with the reasons in the kernel log. */
static void run_command(void)
{
	int to = -1, status, out[2] = { -1, -1 };
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
		/* What blocks which task, and where each CPU is. */
		write_file("/proc/sysrq-trigger", "w");
		write_file("/proc/sysrq-trigger", "l");
		say("timeout %ld", set.timeout);
	} else {
		say("exit %d", status);
	}
	kill(-1, SIGKILL);
	if (attend(-1, out[0], to, 60) < 0)
		say("problem a process survives SIGKILL");
	while (to >= 0 && pump(out[0], to))
		;
}

/* The last references of a killed program's files may go a moment after it (unix sockets' garbage collector). */
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
	run_command();
	unload_module();
	bad = leaks_check() > 0;
	bad |= log_check() > 0;
	sync();
	say("verdict %s", bad ? "bad" : "good");
	reboot(RB_AUTOBOOT);
	die("the machine does not stop");
}
