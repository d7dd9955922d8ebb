// SPDX-License-Identifier: MIT
/*
 * The guest's root and what belongs to it, in the order in which PID 1 calls these functions.
 *
 * The host's / comes by 9p, read-only, as the lower layer of an overlay whose upper layer is
 * memory: any program that is installed on the host runs in the guest, and nothing it writes
 * reaches the host. The one exception is the checkout's build/, a second 9p share, mounted
 * writable at its place, so that results outlive the VM. The host's own /proc, /sys and /dev
 * are below the lower layer too; the guest's are mounted over them before anything else can
 * look.
 *
 * What the guest cannot do without ends the boot with a reason; what a kernel may lack is only
 * tried.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

static void mount_at(const char *source, const char *target, const char *type,
		     unsigned long flags, const char *options)
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

void load_module(int fd, const char *name)
{
	if (syscall(SYS_finit_module, fd, "", 0))
		die("cannot load the module %s", name);
}

/* The kernel's own modules, in the order of the list (dependencies first). */
void load_kernel_modules(void)
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

void make_root(void)
{
	static const char p9[] = "trans=virtio,version=9p2000.L,msize=512000,cache=loose";

	mkdir("/lower", 0755);
	mkdir("/memory", 0755);
	mkdir("/root", 0755);
	mount_at("host", "/lower", "9p", MS_RDONLY, p9);
	mount_at("memory", "/memory", "tmpfs", 0, "mode=755,size=75%");
	mkdir("/memory/upper", 0755);
	mkdir("/memory/work", 0755);
	mount_at("root", "/root", "overlay", 0,
		 "lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work");
	mount_at("dev", "/root/dev", "devtmpfs", 0, "mode=755");
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("cannot change the root");
}

/* Where the guest's modprobe looks; the host may have something of its own under that name. */
void bind_modules(void)
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

void mount_friends(void)
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

void raise_loopback(void)
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
