// SPDX-License-Identifier: MIT
/*
 * See options.h. Any context: nothing here takes a lock or allocates, but the
 * first call of a process, which is the constructor's as a rule, maps a file.
 *
 * Each process that is started maps the file anew, while a forked one inherits
 * the mapping; both go on if the program closes every descriptor, changes its
 * root or its user.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "options.h"
#include "syscall.h"

enum { IS_READ = 1, OR_NATIVE = 2 };

static unsigned int options;

/* NULL where nothing is counted; valid from IS_READ on. */
static struct counts *counts;

/* The file of counters, or NULL. */
static struct counts *map_counts(const char *path)
{
	struct counts *map = NULL;
	struct stat st;
	int fd;

	fd = sys_call3(SYS_open, (long)path, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	/* One that is too short would kill the program at the first call. */
	if (!fstat(fd, &st) && st.st_size >= (off_t)sizeof(*map)) {
		map = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			map = NULL;
	}
	sys_call3(SYS_close, fd, 0, 0);
	return map;
}

static unsigned int read_options(void)
{
	/* A program with more rights than its caller is not told anything. */
	const char *path = secure_getenv("EPX_COUNT_FILE");
	unsigned int found = IS_READ;
	struct counts *none = NULL;
	struct counts *map;
	int saved = errno;

	if (secure_getenv("EPX_OR_NATIVE"))
		found |= OR_NATIVE;
	map = path ? map_counts(path) : NULL;
	/* Two threads may both be first; the second's mapping goes. */
	if (map && !__atomic_compare_exchange_n(&counts, &none, map, false,
						__ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
		munmap(map, sizeof(*map));
	errno = saved;
	__atomic_store_n(&options, found, __ATOMIC_RELEASE);
	return found;
}

static unsigned int options_now(void)
{
	/* Orders the mapping before its use. */
	unsigned int found = __atomic_load_n(&options, __ATOMIC_ACQUIRE);

	return found ? found : read_options();
}

__attribute__((constructor)) static void options_at_start(void)
{
	options_now();
}

bool is_or_native(void)
{
	return options_now() & OR_NATIVE;
}

static struct counts *counts_now(void)
{
	options_now();
	return __atomic_load_n(&counts, __ATOMIC_RELAXED);
}

void count_made(enum call call)
{
	struct counts *to = counts_now();

	if (to)
		__atomic_fetch_add(&to->made[call], 1, __ATOMIC_RELAXED);
}

void count_native(enum call call)
{
	struct counts *to = counts_now();

	if (to)
		__atomic_fetch_add(&to->native[call], 1, __ATOMIC_RELAXED);
}
