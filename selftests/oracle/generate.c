// SPDX-License-Identifier: MIT
/*
 * Random programs. Program N of a seed is the same on every machine.
 *
 * A program has a style, which says what of the expensive it contains (threads
 * that wait, a child, a pty, TCP), and how large it is. It starts with a few files and instances,
 * and goes on by weights, with operands that mostly mean something and
 * sometimes nothing at all.
 *
 * What is left out, because even native epoll's answer would hang on chance:
 * of a TCP pair and of a pty only one half is watched (what is sent arrives
 * when a softirq or a work item has time, and the sender is woken, too: the
 * order is anybody's), and no TCP ends while threads wait (FIN and its ACK are
 * two wake-ups); no socket is sent over a socket without being received at
 * once (garbage collection has its own time). Timers expire only where that is
 * awaited. sources.c says which changes of sources are left out.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "generate.h"

/* Weight of each kind, and the styles that it needs; all of them without. */
static const struct {
	enum kind kind;
	unsigned int weight;
	unsigned int style;
} weights[] = {
	{ OP_CTL, 300, 0 },
	{ OP_WAIT, 130, 0 },
	{ OP_PWAIT, 60, 0 },
	{ OP_PWAIT2, 60, 0 },
	{ OP_WRITE, 130, 0 },
	{ OP_READ, 80, 0 },
	{ OP_POLL, 30, 0 },
	{ OP_FDINFO, 30, 0 },
	{ OP_CLOSE, 30, 0 },
	{ OP_DUP, 20, 0 },
	{ OP_DUP2, 14, 0 },
	{ OP_FILL, 8, 0 },
	{ OP_DRAIN, 12, 0 },
	{ OP_SHUTDOWN, 12, 0 },
	{ OP_CREATE, 14, 0 },
	{ OP_CREATE_SIZE, 4, 0 },
	{ OP_PIPE, 10, 0 },
	{ OP_EVENTFD, 12, 0 },
	{ OP_UNIX, 10, 0 },
	{ OP_FIFO, 4, 0 },
	{ OP_TIMERFD, 5, 0 },
	{ OP_SIGNALFD, 5, 0 },
	{ OP_REGULAR, 8, 0 },
	{ OP_TIMER, 14, 0 },
	{ OP_RAISE, 8, 0 },
	{ OP_HANDLER, 2, 0 },
	{ OP_SEND, 6, 0 },
	{ OP_RECEIVE, 9, 0 },
	{ OP_PARK, 120, STYLE_THREADS },
	{ OP_RAISE_THREAD, 10, STYLE_THREADS },
	{ OP_FORK, 25, STYLE_CHILD },
	{ OP_EXIT_CHILD, 16, STYLE_CHILD },
	{ OP_SOURCE, 110, STYLE_SOURCES },
	{ OP_POST, 150, STYLE_SOURCES },
	{ OP_TAKE, 25, STYLE_SOURCES },
	{ OP_PAYLOAD, 80, STYLE_SOURCES },
	{ OP_PTY, 12, STYLE_PTY },
	{ OP_TCP, 12, STYLE_TCP },
};

uint64_t random_next(struct generator *g)
{
	/* splitmix64 */
	uint64_t z = g->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

unsigned int random_below(struct generator *g, unsigned int limit)
{
	return (random_next(g) >> 32) * limit >> 32;
}

bool one_in(struct generator *g, unsigned int n)
{
	return !random_below(g, n);
}

/* A number of a file whose nature is in @natures; -1 if there is none. */
int pick(struct generator *g, unsigned int natures)
{
	int found[FD_END], nr = 0;

	for (int fd = FD_FIRST; fd <= FD_LAST; fd++)
		if (natures & IS(model_nature(&g->model, g->by, fd)))
			found[nr++] = fd;
	return nr ? found[random_below(g, nr)] : -1;
}

/* Any number, open or not, ours or not; never a driving half. */
int pick_any(struct generator *g)
{
	static const int odd[] = { -1, 1000, 2000000000 };
	int fd = one_in(g, 4) ? odd[random_below(g, 3)] :
		 FD_FIRST + (int)random_below(g, FD_END - FD_FIRST);

	return IS(model_nature(&g->model, g->by, fd)) & IS_DRIVER ? -1 : fd;
}

/* A number to make something under: mostly a free one. */
int pick_free(struct generator *g)
{
	int fd = pick(g, IS(NOTHING));

	/* What is there is closed by it. */
	if (fd < 0 || one_in(g, 16))
		fd = FD_FIRST + random_below(g, FD_END - FD_FIRST);
	/* The end of a TCP connection would be such a case. */
	if (IS(model_nature(&g->model, g->by, fd)) & IS_TCP &&
	    g->style & STYLE_THREADS)
		fd = -1;
	return fd;
}

static unsigned int random_style(struct generator *g)
{
	unsigned int style = 0;

	if (one_in(g, 4))
		style |= STYLE_THREADS;
	if (one_in(g, 9))
		style |= STYLE_CHILD;
	if (one_in(g, 10))
		style |= STYLE_PTY;
	if (one_in(g, 20))
		style |= STYLE_TCP;
	if (one_in(g, 3))
		style |= STYLE_SOURCES;
	if (one_in(g, 8))
		style |= STYLE_NESTED;
	/* Few files and many events, or the other way round. */
	else if (one_in(g, 3))
		style |= STYLE_SMALL;
	return style;
}

static enum kind random_kind(struct generator *g)
{
	unsigned int total = 0, at;

	for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++)
		if ((weights[i].style & g->style) == weights[i].style)
			total += weights[i].weight;
	at = random_below(g, total);
	for (size_t i = 0; ; i++) {
		if ((weights[i].style & g->style) != weights[i].style)
			continue;
		if (at < weights[i].weight)
			return weights[i].kind;
		at -= weights[i].weight;
	}
}

static void add(struct generator *g, struct program *p, enum kind kind)
{
	struct op *op = &p->op[p->nr];

	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->by = g->by;
	if (!operands(g, op))
		return;
	/* What makes or adds nothing, the model must not count on. */
	if (!operands_are_refused(op))
		model_apply(&g->model, op);
	p->nr++;
}

/* Instances and files to start with, and watches of some. */
static void start(struct generator *g, struct program *p)
{
	static const enum kind files[] = {
		OP_PIPE, OP_PIPE, OP_EVENTFD, OP_EVENTFD, OP_UNIX, OP_UNIX,
		OP_TIMERFD, OP_SIGNALFD, OP_FIFO,
	};
	int instances = g->style & STYLE_SMALL ? 1 :
			g->style & STYLE_NESTED ? 6 : 2 + random_below(g, 2);
	int nr = g->style & STYLE_SMALL ? 2 : 4 + random_below(g, 4);

	for (int i = 0; i < instances; i++)
		add(g, p, OP_CREATE);
	for (int i = 0; i < nr; i++)
		add(g, p, files[random_below(g, sizeof(files) /
						sizeof(files[0]))]);
	if (g->style & STYLE_TCP)
		add(g, p, OP_TCP);
	if (g->style & STYLE_PTY)
		add(g, p, OP_PTY);
	for (int i = 0; i < nr; i++)
		add(g, p, OP_CTL);
	if (g->style & STYLE_SOURCES)
		for (int i = 0; i < 4; i++)
			add(g, p, OP_SOURCE);
}

void generate(struct program *program, uint64_t seed, uint64_t number)
{
	static struct generator g;
	int length;

	g.state = seed * 0xd1342543de82ef95ULL + number;
	random_next(&g);
	model_reset(&g.model);
	g.by = PARENT;
	g.style = random_style(&g);
	g.data = 0;
	program->nr = 0;
	start(&g, program);
	length = 80 + random_below(&g, 120);
	while (program->nr < length) {
		/* What a child cannot do is turned down by operands(). */
		g.by = g.model.has_child && one_in(&g, 3) ? CHILD : PARENT;
		add(&g, program, random_kind(&g));
	}
}
