// SPDX-License-Identifier: MIT
/*
 * memory: what a watch takes in the kernel, of the sides whose caches are
 * known by name.
 */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

const char * const watch_caches[] = {
	"eventpoll_epi", "eventpoll_pwq", "ep_head", "epx_watch", "epx_hook",
	NULL,
};

static bool is_one_of(const char * const *caches, const char *name)
{
	while (*caches && strcmp(*caches, name))
		caches++;
	return *caches;
}

long long slab_bytes(const char * const *caches)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[512], name[64];
	long long total = 0;

	must(!!file, "/proc/slabinfo");
	while (fgets(line, sizeof(line), file)) {
		long active, objects, size, per_slab, pages, slabs;
		char *data = strstr(line, "slabdata");

		if (!data || sscanf(line, "%63s %ld %ld %ld %ld %ld", name,
				    &active, &objects, &size, &per_slab,
				    &pages) != 6 ||
		    sscanf(data, "slabdata %*d %ld", &slabs) != 1)
			continue;
		if (is_one_of(caches, name))
			total += slabs * pages * 4096;
	}
	fclose(file);
	return total;
}

/*
 * Watches are freed a grace period after their end, and so is what they are
 * part of: until what is in use stays the same.
 */
long long slab_bytes_at_rest(const char * const *caches)
{
	long long now = slab_bytes(caches), last;
	int same = 0;

	while (same < 3) {
		last = now;
		must(!syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0),
		     "membarrier");
		now = slab_bytes(caches);
		same = now == last ? same + 1 : 0;
	}
	return now;
}

/* The table of watched files: fixed at load, a share for each of @count. */
static double table_bytes(const struct side *side, int count)
{
	FILE *file;
	long bytes;

	if (side == &native_side)
		return 0;
	file = fopen("/sys/kernel/debug/epollx/file_table_bytes", "r");
	must(file && fscanf(file, "%ld", &bytes) == 1, "file_table_bytes");
	fclose(file);
	return (double)bytes / count;
}

static void memory_of(const struct side *side, const struct files *files)
{
	long long before = slab_bytes_at_rest(watch_caches);
	struct loop *loop = side->open(files->count);
	double extra;

	for (int i = 0; i < files->count; i++)
		side_change(side, loop, EPOLL_CTL_ADD, files->read[i], EPOLLIN,
			    i);
	extra = table_bytes(side, files->count) +
		(side->extra_bytes ? side->extra_bytes(loop, files->count) : 0);
	figure("memory", "memory", files->count, side->name,
	       (double)(slab_bytes(watch_caches) - before) / files->count + extra,
	       "bytes");
	side->close(loop);
}

void measure_memory(void)
{
	static const int all[] = { 10000, 100000, 0 };

	raise_fd_limit(110000);
	for (const int *x = options.is_short ? all + 1 : all; *x; x++) {
		struct files files;

		files_open(&files, *x, false);
		for (const struct side * const *s = sides; *s; s++)
			if (!(*s)->is_peer && side_has(*s, *x, 1))
				memory_of(*s, &files);
		files_close(&files);
	}
}
