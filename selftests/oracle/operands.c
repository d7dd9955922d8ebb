// SPDX-License-Identifier: MIT
/* What the operations of a random program act on, and their arguments. */
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "generate.h"

#define EXCLUSIVE_OK	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLET)

/* The largest array, in events, and one more. */
#define MAX_EVENTS	178956970

static long long an_instance(struct generator *g)
{
	int fd = pick(g, IS(INSTANCE));

	/* A terminal that has hung up answers in a way of its own. */
	if (g->style & STYLE_PTY && one_in(g, 20))
		fd = pick(g, IS_PTY);
	else if (fd < 0 || one_in(g, 25))
		fd = one_in(g, 3) ? pick_any(g) :
				    pick(g, IS_ANY & ~IS_DRIVER);
	return fd;
}

/* Several errors at once show which is looked for first. */
static bool is_odd(struct generator *g, const struct op *op)
{
	return model_nature(&g->model, g->by, op->arg[0]) != INSTANCE;
}

static long long random_events(struct generator *g)
{
	static const uint32_t common[] = {
		EPOLLIN, EPOLLIN, EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT,
		EPOLLIN | EPOLLRDHUP, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 0,
	};
	uint32_t events = OF(g, common);

	/* Nobody sleeps where something is ready all the time. */
	if (g->style & STYLE_THREADS && !one_in(g, 4))
		events = one_in(g, 2) ? EPOLLIN : events | EPOLLET;
	if (one_in(g, 3))
		events |= EPOLLET;
	if (one_in(g, 4))
		events |= EPOLLONESHOT;
	if (one_in(g, 8))
		events = (events & EXCLUSIVE_OK) | EPOLLEXCLUSIVE;
	/* With company it may not have. */
	if (one_in(g, 60))
		events |= EPOLLEXCLUSIVE;
	if (one_in(g, 10))
		events |= EPOLLPRI | EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND |
			  EPOLLWRBAND | EPOLLMSG;
	if (one_in(g, 40))
		events = random_next(g);
	/* A wake-up source takes the kernel milliseconds to make and end. */
	if (!one_in(g, 1000))
		events &= ~EPOLLWAKEUP;
	return events;
}

/* Mostly each one its own; sometimes the extremes. */
static long long random_data(struct generator *g)
{
	if (one_in(g, 50))
		return one_in(g, 2) ? 0 : -1;
	return 0x5eed000000000000LL | ++g->data;
}

/* A watch that there should be; false if the instance has none. */
static bool pick_watch(struct generator *g, struct op *op)
{
	const int16_t *added;
	int found[FD_END], nr = 0;

	added = g->model.added[model_object(&g->model, g->by, op->arg[0])];
	for (int fd = FD_FIRST; fd <= FD_LAST; fd++)
		if (added[fd] && added[fd] == model_object(&g->model, g->by,
							   fd))
			found[nr++] = fd;
	if (nr)
		op->arg[2] = found[random_below(g, nr)];
	return nr;
}

static bool ctl(struct generator *g, struct op *op)
{
	static const int ops[] = {
		EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_ADD,
		EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_MOD, EPOLL_CTL_MOD,
		EPOLL_CTL_DEL, EPOLL_CTL_DEL,
	};
	static const int nonsense[] = { 0, 4, 99, -1, INT_MIN };
	static const enum pointer pointers[] = {
		POINTER_NULL, POINTER_UNMAPPED, POINTER_READONLY,
		POINTER_KERNEL,
	};
	unsigned int natures = IS_WATCHABLE;
	int fd;

	/* Chains and cycles come about by themselves. */
	if (g->style & STYLE_NESTED && one_in(g, 2))
		natures = IS(INSTANCE);
	else if (!one_in(g, 8))
		natures &= ~IS(INSTANCE);
	fd = pick(g, natures);
	if (fd < 0 || one_in(g, 25))
		fd = one_in(g, 3) ? pick_any(g) :
				    pick(g, IS_ANY & ~IS_DRIVER);
	op->arg[0] = an_instance(g);
	op->arg[1] = one_in(g, 60) ? OF(g, nonsense) : OF(g, ops);
	op->arg[2] = fd;
	if (op->arg[1] != EPOLL_CTL_ADD && !one_in(g, 6))
		pick_watch(g, op);
	/* An instance may be added to itself: a dup of it, too. */
	if (one_in(g, 60))
		op->arg[2] = op->arg[0];
	op->arg[3] = random_events(g);
	op->arg[4] = random_data(g);
	op->arg[5] = one_in(g, is_odd(g, op) ? 6 : 40) ? OF(g, pointers) :
							 POINTER_OK;
	if (one_in(g, is_odd(g, op) ? 5 : 120))
		op->arg[2] = one_in(g, 2) ? pick(g, IS(REGULAR)) : -1;
	return true;
}

static long long random_max(struct generator *g)
{
	static const int common[] = { 1, 1, 2, 2, 3, 4, 16, 16 };
	static const int odd[] = {
		0, -1, INT_MIN, INT_MAX, MAX_EVENTS, MAX_EVENTS + 1,
	};

	return one_in(g, 25) ? OF(g, odd) : OF(g, common);
}

static long long random_buffer(struct generator *g)
{
	static const int odd[] = {
		BUFFER_NULL, BUFFER_UNMAPPED, BUFFER_READONLY, BUFFER_KERNEL,
		BUFFER_EDGE, BUFFER_EDGE + 4, BUFFER_EDGE + 12,
		BUFFER_EDGE + 16, BUFFER_EDGE + 24, BUFFER_EDGE + 31,
		BUFFER_EDGE + 36,
	};

	return one_in(g, 15) ? OF(g, odd) : BUFFER_OK;
}

static void random_mask(struct generator *g, struct op *op)
{
	static const int masks[] = {
		MASK_NULL, MASK_OPEN, MASK_OPEN, MASK_SHUT, MASK_SHUT,
	};
	static const int sizes[] = { 0, 4, 16, 128, INT_MAX };

	op->arg[4] = one_in(g, 40) ? MASK_UNMAPPED : OF(g, masks);
	op->arg[5] = one_in(g, 40) ? OF(g, sizes) : 8;
}

static bool wait_variant(struct generator *g, struct op *op)
{
	static const int times[] = {
		TIME_UNMAPPED, TIME_NEGATIVE_SEC, TIME_NEGATIVE_NSEC,
		TIME_LARGE_NSEC, TIME_LARGEST,
	};
	static const int without_end[] = { -1, -1, INT_MIN, INT_MAX };

	op->arg[0] = an_instance(g);
	op->arg[1] = random_max(g);
	op->arg[3] = random_buffer(g);
	if (is_odd(g, op) && one_in(g, 5))
		op->arg[3] = BUFFER_KERNEL;
	if (op->kind != OP_WAIT)
		random_mask(g, op);
	if (one_in(g, 250))
		op->arg[2] = op->kind == OP_PWAIT2 ? 200 : 1;
	else if (one_in(g, 6))
		op->arg[2] = op->kind == OP_PWAIT2 ? TIME_NULL :
						     OF(g, without_end);
	else if (op->kind == OP_PWAIT2 && one_in(g, 20))
		op->arg[2] = OF(g, times);
	return true;
}

static bool io(struct generator *g, struct op *op)
{
	static const int bytes[] = { 1, 1, 3, 8, 8, 8, 64, 700 };
	unsigned int natures = IS_ANY & ~(IS(INSTANCE) | IS(REGULAR));

	if (op->kind == OP_FILL || op->kind == OP_DRAIN)
		natures = IS_PIPE | IS_UNIX | IS(EVENTFD);
	/* Its content would have to be the two sides' own. */
	else if (op->kind == OP_WRITE)
		natures &= ~IS(SIGNALFD);
	op->arg[0] = pick(g, natures);
	if (op->kind == OP_READ || op->kind == OP_WRITE)
		op->arg[1] = OF(g, bytes);
	return op->arg[0] >= 0;
}

/* Ends a reference; where that ends TCP, not beside threads. */
static bool end(struct generator *g, struct op *op)
{
	unsigned int natures = IS_ANY;

	if (g->style & STYLE_THREADS)
		natures &= ~IS_TCP;
	if (op->kind == OP_SHUTDOWN) {
		natures &= IS_UNIX | IS_TCP;
		op->arg[1] = random_below(g, 3);
	} else if (g->style & STYLE_PTY && one_in(g, 4)) {
		natures = IS_PTY;
	} else if (!one_in(g, 4)) {
		/* Instances live longer than what they watch. */
		natures &= ~IS(INSTANCE);
	}
	op->arg[0] = pick(g, natures);
	return op->arg[0] >= 0;
}

static bool duplicate(struct generator *g, struct op *op)
{
	op->arg[0] = pick(g, IS_ANY);
	/* dup2() onto a number that may be watched. */
	op->arg[1] = op->kind == OP_DUP ? pick(g, IS(NOTHING)) :
					  pick(g, g->style & STYLE_THREADS ?
					       IS_ANY & ~IS_TCP : IS_ANY);
	return op->arg[0] >= 0 && op->arg[1] >= 0;
}

static bool send_file(struct generator *g, struct op *op)
{
	unsigned int natures = IS_ANY & ~(IS_UNIX | IS_TCP);

	op->arg[0] = pick(g, natures);
	return op->arg[0] >= 0 && g->model.nr_flight < FLIGHT_MOST;
}

static bool park(struct generator *g, struct op *op)
{
	op->arg[0] = random_below(g, THREADS);
	op->arg[1] = pick(g, IS(INSTANCE));
	op->arg[2] = 1 + random_below(g, 4);
	op->arg[3] = random_below(g, 4);
	op->arg[4] = op->arg[3] == CALL_PWAIT || op->arg[3] == CALL_PWAIT2 ?
		     random_below(g, 3) : MASK_NULL;
	return op->arg[1] >= 0 && op->by == PARENT;
}

static bool made(struct generator *g, struct op *op)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	static const int flags[] = { 1, -1, 04000, 02000001 };

	for (int i = 0; i < kinds[op->kind].makes; i++) {
		op->arg[i] = pick_free(g);
		if (op->arg[i] < 0 || (i && op->arg[i] == op->arg[0]))
			return false;
	}
	if (op->kind == OP_CREATE)
		op->arg[1] = one_in(g, 12) ? OF(g, flags) :
			     one_in(g, 3) ? EPOLL_CLOEXEC : 0;
	else if (op->kind == OP_CREATE_SIZE)
		op->arg[1] = (int)random_below(g, 6) - 2;
	else if (op->kind == OP_UNIX)
		op->arg[2] = OF(g, types);
	else if (op->kind == OP_PTY)
		op->arg[2] = random_below(g, 2);
	else if (op->kind == OP_REGULAR)
		op->arg[1] = random_below(g, 4);
	if (op->kind == OP_EVENTFD) {
		op->arg[1] = random_below(g, 3);
		op->arg[2] = one_in(g, 4) ? EFD_SEMAPHORE : 0;
	}
	return true;
}

bool operands_are_refused(const struct op *op)
{
	if (op->kind == OP_CREATE)
		return op->arg[1] & ~EPOLL_CLOEXEC;
	if (op->kind == OP_CREATE_SIZE)
		return op->arg[1] <= 0;
	if (op->kind == OP_CTL)
		return op->arg[1] != EPOLL_CTL_ADD;
	if (op->kind == OP_SOURCE)
		return source_is_refused(op);
	return false;
}

bool operands(struct generator *g, struct op *op)
{
	switch (op->kind) {
	case OP_CTL:
		return ctl(g, op);
	case OP_WAIT:
	case OP_PWAIT:
	case OP_PWAIT2:
		return wait_variant(g, op);
	case OP_POLL:
		op->arg[0] = an_instance(g);
		op->arg[1] = one_in(g, 3) ? 0x3fff : 1;
		return true;
	case OP_SOURCE:
	case OP_POST:
	case OP_TAKE:
	case OP_PAYLOAD:
		return operands_source(g, op);
	case OP_FDINFO:
		op->arg[0] = pick(g, IS(INSTANCE));
		return op->arg[0] >= 0;
	case OP_WRITE:
	case OP_READ:
	case OP_FILL:
	case OP_DRAIN:
		return io(g, op);
	case OP_SHUTDOWN:
	case OP_CLOSE:
		return end(g, op);
	case OP_DUP:
	case OP_DUP2:
		return duplicate(g, op);
	case OP_SEND:
		return send_file(g, op);
	case OP_RECEIVE:
		return g->model.nr_flight && made(g, op);
	case OP_TIMER:
		op->arg[0] = pick(g, IS(TIMER));
		op->arg[1] = one_in(g, 3) ? random_below(g, 2) : TIMER_EXPIRE;
		return op->arg[0] >= 0;
	case OP_RAISE:
		op->arg[0] = random_below(g, 2);
		return true;
	case OP_RAISE_THREAD:
		op->arg[0] = random_below(g, THREADS);
		return op->by == PARENT;
	case OP_HANDLER:
		op->arg[0] = random_below(g, 2);
		return true;
	case OP_PARK:
		return park(g, op);
	case OP_FORK:
		return !g->model.has_child && op->by == PARENT;
	case OP_EXIT_CHILD:
		return g->model.has_child && op->by == PARENT;
	default:
		return made(g, op);
	}
}
