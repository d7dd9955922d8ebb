// SPDX-License-Identifier: MIT
/*
 * accept_fair: so many workers, one port, a client that connects again as soon
 * as it has been served. Two figures: how often workers woke up for each
 * connection, and Jain's index of how evenly the connections fell to them: 1
 * where each had as many, 1/n where one had them all.
 *
 * A wake-up is a voluntary switch of a worker, as the kernel counts them: a
 * worker that wakes up in the kernel and sleeps again there counts, too. Who
 * shares an instance is told of edges, since what is level-triggered is there
 * until it is accepted, and wakes the next worker meanwhile.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <epollx.h>

#include "bench.h"

#define MOST		16
#define CONNECTIONS	512
#define STOP		UINT64_MAX

/**
 * struct way - how workers share a port
 * @name: for the figures
 * @is_native: native epoll
 * @each_one: an instance for each worker, or one for all
 * @listeners: a listener for each worker (SO_REUSEPORT)
 * @events: mask of a listener's watch
 * @flags: of an epollx instance
 * @rotates: the watch does
 */
static const struct way {
	const char *name;
	bool is_native, each_one, listeners;
	uint32_t events;
	uint32_t flags;
	bool rotates;
} ways[] = {
	{ "native", .is_native = true, .events = EPOLLIN | EPOLLET },
	{ "exclusive", .is_native = true, .each_one = true,
	  .events = EPOLLIN | EPOLLEXCLUSIVE },
	{ "reuseport", .is_native = true, .each_one = true, .listeners = true,
	  .events = EPOLLIN },
	{ "epollx", .events = EPOLLIN | EPOLLET },
	{ "fifo", .events = EPOLLIN | EPOLLET, .flags = EPX_WAKE_FIFO },
	{ "rotate", .each_one = true, .events = EPOLLIN | EPOLLEXCLUSIVE,
	  .rotates = true },
};

#define WAYS	(sizeof(ways) / sizeof(ways[0]))

struct worker {
	pthread_t thread;
	pthread_barrier_t *start;
	const struct way *way;
	int ep, listener;
	long accepted, slept;
};

static long sleeps(void)
{
	struct rusage usage;

	must(!getrusage(RUSAGE_THREAD, &usage), "getrusage");
	return usage.ru_nvcsw;
}

static uint64_t wait_one(const struct worker *worker)
{
	struct epoll_event event;

	must((worker->way->is_native ?
	      epoll_wait(worker->ep, &event, 1, -1) :
	      epx_wait(worker->ep, &event, 1, -1)) == 1, "an event");
	return event.data.u64;
}

static void accept_all(struct worker *worker)
{
	int fd;

	while ((fd = accept(worker->listener, NULL, NULL)) >= 0) {
		worker->accepted++;
		close(fd);
	}
}

static void *serve(void *arg)
{
	struct worker *worker = arg;
	long before;

	pthread_barrier_wait(worker->start);
	before = sleeps();
	while (wait_one(worker) != STOP) {
		accept_all(worker);
		worker->slept = sleeps() - before;
	}
	return NULL;
}

static int new_listener(struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
	socklen_t size = sizeof(*address);

	must(fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one,
				    sizeof(one)) &&
	     !bind(fd, (struct sockaddr *)address, size) &&
	     !listen(fd, 128) &&
	     !getsockname(fd, (struct sockaddr *)address, &size), "a listener");
	return fd;
}

static int new_instance(const struct way *way)
{
	struct epx_create how = { .flags = way->flags };
	int ep = way->is_native ? epoll_create1(0) : epx_create(&how);

	must(ep >= 0, "an instance");
	return ep;
}

static void watch(const struct way *way, int ep, int fd, uint32_t events,
		  uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };
	int err;

	if (way->is_native)
		err = epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
	else if (way->rotates && data != STOP)
		err = epx_change_rotating(ep, EPOLL_CTL_ADD, fd, events, data);
	else
		err = epx_ctl(ep, EPOLL_CTL_ADD, fd, &event);
	must(!err, "an add");
}

/* Until the worker closes; then there is nothing that would linger. */
static void connect_once(const struct sockaddr_in *address)
{
	struct linger none = { .l_onoff = 1 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	must(fd >= 0 && !connect(fd, (const struct sockaddr *)address,
				 sizeof(*address)), "connect");
	must(!read(fd, &byte, 1), "the end of a connection");
	must(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)),
	     "SO_LINGER");
	close(fd);
}

static void open_workers(struct worker *workers, int count,
			 const struct way *way, struct sockaddr_in *address)
{
	for (int i = 0; i < count; i++) {
		struct worker *w = &workers[i];

		*w = (struct worker){ .way = way };
		if (!i || way->listeners)
			w->listener = new_listener(address);
		else
			w->listener = workers[0].listener;
		w->ep = !i || way->each_one ? new_instance(way) :
					      workers[0].ep;
		if (!i || way->each_one)
			watch(way, w->ep, w->listener, way->events, i);
	}
}

static void close_workers(struct worker *workers, int count)
{
	const struct way *way = workers[0].way;

	for (int i = 0; i < count; i++) {
		if (!i || way->each_one)
			close(workers[i].ep);
		if (!i || way->listeners)
			close(workers[i].listener);
	}
}

/* Wake-ups for each connection, and the index. */
static void accept_round(const struct way *way, int count, double *wakeups,
			 double *jain)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct worker workers[MOST];
	double squares = 0, slept = 0;
	int stop = eventfd(1, 0);
	pthread_barrier_t start;

	open_workers(workers, count, way, &address);
	pthread_barrier_init(&start, NULL, count + 1);
	for (int i = 0; i < count; i++) {
		workers[i].start = &start;
		must(!pthread_create(&workers[i].thread, NULL, serve,
				     &workers[i]), "a thread");
	}
	pthread_barrier_wait(&start);
	for (int i = 0; i < CONNECTIONS; i++)
		connect_once(&address);
	for (int i = 0; i < count; i++)
		if (!i || way->each_one)
			watch(way, workers[i].ep, stop, EPOLLIN, STOP);
	for (int i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		squares += (double)workers[i].accepted * workers[i].accepted;
		slept += workers[i].slept;
	}
	pthread_barrier_destroy(&start);
	close_workers(workers, count);
	close(stop);
	*wakeups = slept / CONNECTIONS;
	*jain = (double)CONNECTIONS * CONNECTIONS / (count * squares);
}

static void accept_workers(int count, int rounds)
{
	double wakeups[WAYS][rounds], jain[WAYS][rounds];
	bool is_loaded = !access("/dev/epollx", F_OK);

	for (int round = 0; round < rounds; round++)
		for (size_t way = 0; way < WAYS; way++)
			if (is_loaded || ways[way].is_native)
				accept_round(&ways[way], count,
					     &wakeups[way][round],
					     &jain[way][round]);
	for (size_t way = 0; way < WAYS; way++) {
		if (!is_loaded && !ways[way].is_native)
			continue;
		figure_spread("accept", "accept_wakeups", count,
			      ways[way].name, wakeups[way], rounds,
			      "wake-ups/connection");
		figure_spread("accept", "accept_jain", count, ways[way].name,
			      jain[way], rounds, "Jain's index");
	}
}

void measure_accept(void)
{
	static const int all[] = { 1, 2, 4, 8, 16, 0 }, few[] = { 1, 4, 0 };
	int rounds = options.is_short ? 3 : 7;

	for (const int *x = options.is_short ? few : all; *x; x++)
		accept_workers(*x, rounds);
}
