// SPDX-License-Identifier: MIT
/* See model.h. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <epollx.h>

#include "model.h"

void model_reset(struct model *m)
{
	memset(m->added, 0, m->nr_objects * sizeof(m->added[0]));
	memset(m->fd, 0, sizeof(m->fd));
	memset(m->source, 0, sizeof(m->source));
	m->nr_objects = 1;
	m->nr_tcp = 0;
	m->nr_pty = 0;
	m->nr_flight = 0;
	m->has_child = false;
	m->parked = 0;
}

static bool is_ours(long long fd)
{
	return fd >= FD_FIRST && fd <= FD_LAST;
}

int model_object(const struct model *m, enum process by, long long fd)
{
	return is_ours(fd) ? m->fd[by][fd] : 0;
}

enum nature model_nature(const struct model *m, enum process by,
			 long long fd)
{
	return m->object[model_object(m, by, fd)].nature;
}

int model_fd_of(const struct model *m, enum process by, int object)
{
	for (int fd = FD_FIRST; fd <= FD_LAST && object; fd++)
		if (m->fd[by][fd] == object)
			return fd;
	return -1;
}

enum target model_target(const struct model *m, enum process by, long long fd)
{
	switch (model_nature(m, by, fd)) {
	case NOTHING:
	case PATH_ONLY:
		return TARGET_CLOSED;
	case INSTANCE:
		return TARGET_INSTANCE;
	default:
		return TARGET_OTHER;
	}
}

int model_living_peer(const struct model *m, enum process by, long long fd)
{
	int peer = m->object[model_object(m, by, fd)].peer;

	return m->object[peer].refs > 0 ? peer : 0;
}

static void put(struct model *m, int object)
{
	if (object)
		m->object[object].refs--;
}

/* @fd stands for @object from now on, and no longer for what it did. */
static void set(struct model *m, enum process by, long long fd, int object)
{
	if (!is_ours(fd))
		return;
	if (object)
		m->object[object].refs++;
	put(m, m->fd[by][fd]);
	m->fd[by][fd] = object;
}

static int make(struct model *m, const struct op *op, int argument,
		enum nature nature)
{
	struct object *object = &m->object[m->nr_objects];

	object->nature = nature;
	object->refs = 0;
	object->peer = 0;
	set(m, op->by, op->arg[argument], m->nr_objects);
	return m->nr_objects++;
}

static void make_pair(struct model *m, const struct op *op, enum nature first,
		      enum nature second)
{
	int one = make(m, op, 0, first);
	int other = make(m, op, 1, second);

	m->object[one].peer = other;
	m->object[other].peer = one;
}

static enum nature of_socket(long long type)
{
	return type == SOCK_STREAM ? UNIX_STREAM :
	       type == SOCK_DGRAM ? UNIX_DGRAM : UNIX_SEQPACKET;
}

static void fork_child(struct model *m)
{
	m->has_child = true;
	for (int fd = FD_FIRST; fd <= FD_LAST; fd++)
		set(m, CHILD, fd, m->fd[PARENT][fd]);
}

static void end_child(struct model *m)
{
	m->has_child = false;
	for (int fd = FD_FIRST; fd <= FD_LAST; fd++)
		set(m, CHILD, fd, 0);
}

static void put_in_flight(struct model *m, int object)
{
	m->object[object].refs++;
	m->flight[m->nr_flight++] = object;
}

static void take_from_flight(struct model *m, const struct op *op)
{
	int object = m->flight[0];

	set(m, op->by, op->arg[0], object);
	put(m, object);
	m->nr_flight--;
	memmove(m->flight, m->flight + 1, m->nr_flight * sizeof(m->flight[0]));
}

int model_source(const struct model *m, int instance, uint32_t id)
{
	for (int slot = 0; slot < SOURCES; slot++)
		if (m->source[slot].instance == instance &&
		    (!instance || m->source[slot].id == id))
			return slot;
	return -1;
}

/*
 * The number of the slot is in the data, so that who gets an event knows what
 * it is of.
 */
static void set_source(struct source *s, const struct op *op, int slot)
{
	s->events = op->arg[4] | EPOLLIN;
	s->data = SOURCE_DATA | (op->arg[5] & 0xffffffff) << 8 | slot;
}

static void change_source(struct model *m, const struct op *op)
{
	int instance = model_object(m, op->by, op->arg[0]);
	int slot = model_source(m, instance, op->arg[2]);

	if (slot >= 0 && op->arg[1] == EPOLL_CTL_DEL)
		m->source[slot].instance = 0;
	else if (slot >= 0 && op->arg[1] != EPOLL_CTL_ADD)
		set_source(&m->source[slot], op, slot);
	if (slot >= 0 || (op->arg[1] != EPOLL_CTL_ADD &&
			  op->arg[1] != EPX_CTL_PUT))
		return;
	slot = model_source(m, 0, 0);
	if (slot < 0)
		return;
	m->source[slot] = (struct source){
		.instance = instance, .kind = op->arg[3], .id = op->arg[2],
		.clock = op->arg[7], .depth = op->arg[6],
	};
	set_source(&m->source[slot], op, slot);
}

static void make_simple(struct model *m, const struct op *op)
{
	static const uint8_t natures[KINDS] = {
		[OP_CREATE] = INSTANCE,
		[OP_CREATE_SIZE] = INSTANCE,
		[OP_FIFO] = FIFO,
		[OP_EVENTFD] = EVENTFD,
		[OP_TIMERFD] = TIMER,
		[OP_SIGNALFD] = SIGNALFD,
		[OP_REGULAR] = REGULAR,
	};

	if (natures[op->kind])
		make(m, op, 0, natures[op->kind]);
	if (op->kind == OP_REGULAR && op->arg[1] == A_PATH)
		m->object[m->nr_objects - 1].nature = PATH_ONLY;
}

void model_apply(struct model *m, const struct op *op)
{
	switch (op->kind) {
	case OP_PIPE:
		make_pair(m, op, PIPE_READER, PIPE_WRITER);
		break;
	case OP_UNIX:
		make_pair(m, op, of_socket(op->arg[2]), of_socket(op->arg[2]));
		break;
	case OP_TCP:
		make_pair(m, op, TCP_DRIVER, TCP);
		m->nr_tcp++;
		break;
	case OP_PTY:
		make_pair(m, op, op->arg[2] ? PTY_DRIVER : PTY_MASTER,
			  op->arg[2] ? PTY_SLAVE : PTY_DRIVER);
		m->nr_pty++;
		break;
	case OP_CLOSE:
		set(m, op->by, op->arg[0], 0);
		break;
	case OP_DUP:
	case OP_DUP2:
		set(m, op->by, op->arg[1],
		    model_object(m, op->by, op->arg[0]));
		break;
	case OP_SEND:
		put_in_flight(m, model_object(m, op->by, op->arg[0]));
		break;
	case OP_RECEIVE:
		take_from_flight(m, op);
		break;
	case OP_CTL:
		m->added[model_object(m, op->by, op->arg[0])]
			[is_ours(op->arg[2]) ? op->arg[2] : 0] =
			model_object(m, op->by, op->arg[2]);
		break;
	case OP_SOURCE:
		change_source(m, op);
		break;
	case OP_PARK:
		m->parked |= 1 << op->arg[0];
		break;
	case OP_FORK:
		fork_child(m);
		break;
	case OP_EXIT_CHILD:
		end_child(m);
		break;
	default:
		make_simple(m, op);
	}
}
