// SPDX-License-Identifier: MIT
/*
 * See preload_calls.h. The harness loads the library before it makes a test's
 * child, so that it is there when the test counts its descriptors.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload_calls.h"

/* A program for a 64-bit time_t on 32 bits calls this one. */
#define PWAIT2	(sizeof(time_t) > sizeof(long) ?			\
		 "__epoll_pwait2_time64" : "epoll_pwait2")

/* build/bin/NAME has build/lib/, build/bin32/NAME has build/lib32/. */
void preload_path(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 64);
	char *bin;

	if (n < 0)
		exit(2);
	path[n] = 0;
	*strrchr(path, '/') = 0;
	bin = strrchr(path, '/');
	memcpy(bin, "/lib", 4);
	strcat(path, "/libepollx-preload.so");
}

static void *find(void *library, const char *name)
{
	void *function = dlsym(library, name);

	if (!function) {
		fprintf(stderr, "the preload library has no %s\n", name);
		exit(2);
	}
	return function;
}

const struct preload_calls *preload_calls(void)
{
	static struct preload_calls calls;
	char path[4096];
	void *library;

	if (calls.create)
		return &calls;
	preload_path(path, sizeof(path));
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	calls = (struct preload_calls){
		.create = find(library, "epoll_create"),
		.create1 = find(library, "epoll_create1"),
		.ctl = find(library, "epoll_ctl"),
		.wait = find(library, "epoll_wait"),
		.pwait = find(library, "epoll_pwait"),
		.pwait2 = find(library, PWAIT2),
	};
	return &calls;
}
