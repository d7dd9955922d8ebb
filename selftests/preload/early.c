// SPDX-License-Identifier: MIT
/*
 * A library whose constructor starts threads that use epoll, all at the same
 * moment. Put behind the preload library in LD_PRELOAD, its constructor runs
 * first: the calls come before the preload library's own.
 *
 * Each thread makes EARLY_ROUNDS calls of epoll_create1, epoll_ctl and
 * epoll_wait. A wrong answer ends the program with 97.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EARLY_THREADS	8
#define EARLY_ROUNDS	50

static pthread_barrier_t start;

static void *use(void *arg)
{
	int fd = eventfd(1, EFD_CLOEXEC);

	(void)arg;
	pthread_barrier_wait(&start);
	for (int i = 0; i < EARLY_ROUNDS; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.fd = i };
		int ep = epoll_create1(EPOLL_CLOEXEC);

		if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) ||
		    epoll_wait(ep, &ev, 1, -1) != 1 || ev.data.fd != i)
			_exit(97);
		close(ep);
	}
	close(fd);
	return NULL;
}

__attribute__((constructor)) static void use_epoll_early(void)
{
	pthread_t thread[EARLY_THREADS];

	pthread_barrier_init(&start, NULL, EARLY_THREADS);
	for (int i = 0; i < EARLY_THREADS; i++)
		if (pthread_create(&thread[i], NULL, use, NULL))
			_exit(97);
	for (int i = 0; i < EARLY_THREADS; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&start);
}
