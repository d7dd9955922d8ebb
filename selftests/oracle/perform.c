// SPDX-License-Identifier: MIT
/* Operations that make files, use them, and end them; and who does the rest. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "world.h"

/* More than any pipe or socket here takes at once. */
#define BLOCK	(1 << 17)
/* Datagrams and stream pieces of "fill". */
#define PIECE	512
#define PIECES	400

/* An eventfd takes the first eight bytes as a number: 1. */
static uint64_t block[BLOCK / 8] = { 1 };
static uint64_t sink[BLOCK / 8];

static enum nature nature_of(const struct op *op)
{
	return model_nature(&half->model, op->by, op->arg[0]);
}

static long long write_some(const struct op *op)
{
	long before = 0;
	long long ret;

	if (IS(nature_of(op)) & IS_PTY) {
		before = pty_before_write(op->by, op->arg[0], op->arg[1]);
		if (before < 0)
			return SKIPPED;
	}
	ret = result_of(write(op->arg[0], block, op->arg[1]));
	if (IS(nature_of(op)) & IS_PTY)
		pty_after_write(op->by, op->arg[0], before, ret);
	return ret;
}

static long long read_some(const struct op *op)
{
	long long ret;

	sink[0] = 0;
	ret = result_of(read(op->arg[0], sink, op->arg[1]));
	/* A count, a number of expirations, a signal. */
	if (ret >= 8 && IS(nature_of(op)) &
	    (IS(EVENTFD) | IS(TIMER) | IS(SIGNALFD)))
		log_tag(TAG_VALUE, sink[0]);
	return ret;
}

/* Until it takes no more; what it took. */
static long long fill(const struct op *op)
{
	static const uint64_t most = 0xfffffffffffffffe;
	enum nature nature = nature_of(op);
	size_t size = IS(nature) & IS_PIPE ? BLOCK : PIECE;
	const void *from = block;
	long long sum = 0, n = 0;

	if (nature == EVENTFD) {
		from = &most;
		size = sizeof(most);
	}
	for (int i = 0; i < PIECES && n >= 0; i++) {
		n = result_of(write(op->arg[0], from, size));
		sum += n > 0 ? n : 0;
	}
	log_tag(TAG_VALUE, -n);
	return sum;
}

/* Until there is no more; a full eventfd may count down for ever. */
static long long drain(const struct op *op)
{
	long long sum = 0, n = 1;

	for (int i = 0; i < PIECES && n > 0; i++) {
		n = result_of(read(op->arg[0], sink, sizeof(sink)));
		sum += n > 0 ? n : 0;
	}
	log_tag(TAG_VALUE, -n);
	return sum;
}

static long long duplicate(const struct op *op)
{
	long long fd;

	if (op->kind == OP_DUP2)
		return result_of(dup2(op->arg[0], op->arg[1]));
	fd = result_of(dup(op->arg[0]));
	if (fd < 0)
		return fd;
	place(fd, op->arg[1]);
	return op->arg[1];
}

union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void message_init(struct msghdr *message, struct iovec *iov,
			 union control *control)
{
	memset(control, 0, sizeof(*control));
	*message = (struct msghdr){
		.msg_iov = iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(*control),
	};
}

static long long send_file(const struct op *op)
{
	int fd = op->arg[0];
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union control control;
	struct msghdr message;
	struct cmsghdr *header;

	if (half->model.nr_flight >= FLIGHT_MOST)
		return SKIPPED;
	message_init(&message, &iov, &control);
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return result_of(sendmsg(channel[0], &message, 0));
}

static long long receive_file(const struct op *op)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union control control;
	struct msghdr message;
	struct cmsghdr *header;
	int fd;

	if (!half->model.nr_flight)
		return SKIPPED;
	message_init(&message, &iov, &control);
	if (recvmsg(channel[1], &message, 0) < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&message);
	if (!header)
		return -ENOMSG;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	place(fd, op->arg[0]);
	return 0;
}

static long long set_timer(const struct op *op)
{
	static const long long ns[] = {
		[TIMER_OFF] = 0, [TIMER_FAR] = 500000000, [TIMER_EXPIRE] = 1,
	};
	struct itimerspec when = { 0 };
	struct pollfd pfd = { .fd = op->arg[0], .events = POLLIN };
	long long ret;

	if (nature_of(op) != TIMER)
		return SKIPPED;
	when.it_value.tv_nsec = ns[op->arg[1]];
	when.it_value.tv_sec = op->arg[1] == TIMER_FAR ? 100000 : 0;
	ret = result_of(timerfd_settime(op->arg[0], 0, &when, NULL));
	/* The wake-up and the answer to poll(2) are under one lock. */
	if (!ret && op->arg[1] == TIMER_EXPIRE && poll(&pfd, 1, 10000) != 1)
		log_tag(TAG_UNSETTLED, 2);
	return ret;
}

static long long raise_signal(const struct op *op)
{
	if (op->arg[0])
		return result_of(syscall(SYS_tgkill, getpid(), getpid(),
					 SIGNAL_MAIN));
	return result_of(kill(getpid(), SIGNAL_MAIN));
}

long long perform_io(const struct op *op)
{
	switch (op->kind) {
	case OP_WRITE:
		return write_some(op);
	case OP_READ:
		return read_some(op);
	case OP_FILL:
		return fill(op);
	case OP_DRAIN:
		return drain(op);
	case OP_SHUTDOWN:
		return result_of(shutdown(op->arg[0], op->arg[1]));
	case OP_CLOSE:
		return result_of(close(op->arg[0]));
	case OP_DUP:
	case OP_DUP2:
		return duplicate(op);
	case OP_SEND:
		return send_file(op);
	case OP_RECEIVE:
		return receive_file(op);
	case OP_TIMER:
		return set_timer(op);
	case OP_RAISE:
		return raise_signal(op);
	default:
		set_handlers(op->arg[0] ? SA_RESTART : 0);
		return 0;
	}
}

static long long perform_kind(const struct op *op)
{
	switch (op->kind) {
	case OP_CTL:
		return perform_ctl(op);
	case OP_WAIT:
	case OP_PWAIT:
	case OP_PWAIT2:
		return perform_wait(op);
	case OP_POLL:
		return perform_poll(op);
	case OP_FDINFO:
		return perform_fdinfo(op);
	case OP_SOURCE:
		return perform_source(op);
	case OP_POST:
		return perform_post(op);
	case OP_TAKE:
		return perform_take(op);
	case OP_PAYLOAD:
		return perform_payload(op);
	case OP_PARK:
		return op->by == PARENT ? threads_park(op) : SKIPPED;
	case OP_RAISE_THREAD:
		return op->by == PARENT ? threads_raise(op) : SKIPPED;
	case OP_FORK:
		return op->by == PARENT ? child_fork() : SKIPPED;
	case OP_EXIT_CHILD:
		return op->by == PARENT ? child_end() : SKIPPED;
	default:
		return kinds[op->kind].makes && op->kind != OP_RECEIVE ?
		       perform_make(op) : perform_io(op);
	}
}

/* It may have sent a segment, or ended a socket. */
static bool concerns_tcp(const struct op *op)
{
	switch (op->kind) {
	case OP_WRITE:
	case OP_SHUTDOWN:
		return IS(nature_of(op)) & IS_TCP;
	case OP_READ:
	case OP_CTL:
	case OP_WAIT:
	case OP_PWAIT:
	case OP_PWAIT2:
	case OP_POLL:
	case OP_FDINFO:
	case OP_SOURCE:
	case OP_POST:
	case OP_TAKE:
	case OP_PAYLOAD:
		return false;
	default:
		return true;
	}
}

long long perform(const struct op *op)
{
	long long ret = perform_kind(op);

	/* These tell the model themselves. */
	if (ret >= 0 && op->kind != OP_PARK && op->kind != OP_CTL &&
	    op->kind != OP_SOURCE)
		model_apply(&half->model, op);
	if (half->model.nr_tcp && concerns_tcp(op))
		settle_tcp(op->by);
	return ret;
}
