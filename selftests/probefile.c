// SPDX-License-Identifier: MIT
/*
 * The probe module from user space. See probefile.h.
 *
 * The module of the running kernel is the one of build/<kernel>/epx_probe.ko
 * whose vermagic starts with our release; EPX_PROBE names another one. It is
 * loaded by the first test that needs it and stays.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness.h"
#include "probefile.h"
#include "testfiles.h"

#define PROBE_DEVICE	"/dev/epx_probe"

/* The module was made for the kernel of @release. */
static bool fits(const char *path, const char *release)
{
	char wanted[128];
	struct stat st;
	bool found;
	char *text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	snprintf(wanted, sizeof(wanted), "vermagic=%s ", release);
	ASSERT_EQ(fstat(fd, &st), 0);
	text = malloc(st.st_size);
	ASSERT_TRUE(text);
	found = read(fd, text, st.st_size) == st.st_size &&
		memmem(text, st.st_size, wanted, strlen(wanted));
	free(text);
	close(fd);
	return found;
}

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret == -EEXIST ? 0 : ret;
}

static int load_fitting(void)
{
	const char *given = getenv("EPX_PROBE");
	struct utsname name;
	int ret = -ENOENT;
	glob_t found;

	if (given)
		return load(given);
	uname(&name);
	if (glob("build/*/epx_probe.ko", 0, NULL, &found))
		return -ENOENT;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (fits(found.gl_pathv[i], name.release)) {
			ret = load(found.gl_pathv[i]);
			break;
		}
	}
	globfree(&found);
	return ret;
}

int probe_open(void)
{
	int fd = open(PROBE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return own(fd);
	if (load_fitting() == -ENOENT)
		SKIP("no epx_probe.ko for this kernel (scripts/build-probe)");
	return own(open(PROBE_DEVICE, O_RDWR | O_CLOEXEC));
}

void probe_set(int fd, uint32_t revents)
{
	ASSERT_EQ(ioctl(fd, EPX_PROBE_SET, (unsigned long)revents), 0);
}

void probe_heads(int fd, int heads)
{
	ASSERT_EQ(ioctl(fd, EPX_PROBE_HEADS, (unsigned long)heads), 0);
}

int probe_wake_from(int fd, uint32_t key, uint32_t head, uint32_t context,
		    uint32_t flags)
{
	struct epx_probe_wake wake = {
		.key = key, .head = head, .context = context, .flags = flags,
	};

	return ioctl(fd, EPX_PROBE_WAKE, &wake) ? -errno : 0;
}

void probe_wake(int fd, uint32_t key)
{
	ASSERT_EQ(probe_wake_from(fd, key, 0, EPX_PROBE_TASK, 0), 0);
}

struct epx_probe_state probe_state(int fd)
{
	struct epx_probe_state state;

	ASSERT_EQ(ioctl(fd, EPX_PROBE_STATE, &state), 0);
	return state;
}

void probe_hold(int fd)
{
	ASSERT_EQ(ioctl(fd, EPX_PROBE_HOLD, 0), 0);
}

void probe_await_held(int fd)
{
	ASSERT_EQ(ioctl(fd, EPX_PROBE_AWAIT_HELD, 0), 0);
}

void probe_release(int fd)
{
	ASSERT_EQ(ioctl(fd, EPX_PROBE_RELEASE, 0), 0);
}
