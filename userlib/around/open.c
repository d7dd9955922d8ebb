// SPDX-License-Identifier: MIT
/*
 * A new executor: chooses the backend, and puts reactor and executor together.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/reactor.h"

/* The best one first. The scripted one is only had by name. */
static const struct epx_backend *const backends[] = {
	&epx_backend_ring,
	&epx_backend_ioctl,
	&epx_backend_epoll,
	&epx_backend_scripted,
};

#define NR_BACKENDS	(sizeof(backends) / sizeof(backends[0]))
#define NR_CHOSEN	(NR_BACKENDS - 1)

static int make(struct epx_exec **exec, const struct epx_backend *backend,
		const struct epx_options *options)
{
	struct epx_reactor *reactor;
	int err;

	err = epx_reactor_new(&reactor, backend, options);
	if (err)
		return err;
	err = epx_exec_make(exec, &reactor->park, options ? options->seed : 0);
	if (err) {
		reactor->park.ops->close(&reactor->park);
		reactor->park.ops->free(&reactor->park);
	}
	return err;
}

/* The module is not there, is too old, or may not be used. */
static bool is_absent(int err)
{
	return err == -ENOENT || err == -ENODEV || err == -ENXIO ||
	       err == -ENOTTY || err == -EACCES || err == -EPERM;
}

static int make_named(struct epx_exec **exec, const char *name,
		      const struct epx_options *options)
{
	unsigned int i;
	int err;

	for (i = 0; i < NR_BACKENDS; i++) {
		if (strcmp(name, backends[i]->name))
			continue;
		err = make(exec, backends[i], options);
		return is_absent(err) ? -ENODEV : err;
	}
	return -EINVAL;
}

static int make_best(struct epx_exec **exec, const struct epx_options *options)
{
	int err = -ENODEV;
	unsigned int i;

	for (i = 0; i < NR_CHOSEN; i++) {
		err = make(exec, backends[i], options);
		/* A ring that the memory limit forbids is no reason to fail. */
		if (!err || !(is_absent(err) || backends[i] == &epx_backend_ring))
			break;
	}
	return err;
}

int epx_exec_new(struct epx_exec **exec, const struct epx_options *options)
{
	const char *forced = getenv("EPOLLX_BACKEND");
	int err;

	if (forced && *forced) {
		err = make_named(exec, forced, options);
		if (err == -ENODEV)
			fprintf(stderr,
				"libepollx: EPOLLX_BACKEND=%s, but this machine has no epollx (is the module loaded?)\n",
				forced);
		else if (err == -EINVAL)
			fprintf(stderr,
				"libepollx: EPOLLX_BACKEND=%s: the backends are ring, ioctl, epoll and scripted\n",
				forced);
		return err;
	}
	if (options && options->backend)
		return make_named(exec, options->backend, options);
	return make_best(exec, options);
}
