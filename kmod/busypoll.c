// SPDX-License-Identifier: GPL-2.0-only
/*
 * Busy polling: a waiter with nothing ready drives the network queue from
 * which its last event came, instead of sleeping until that queue interrupts.
 *
 * An instance remembers one NAPI id, that of the socket which was found ready
 * last. Before a waiter sleeps it polls that queue until something is ready
 * or the time set by EPIOCSPARAMS is over. A spin that brought nothing drops
 * the id, so an idle instance spins once and then sleeps; the next event of a
 * socket brings an id back.
 *
 * Only the parameters of the instance count. epoll also obeys the sysctl
 * net.core.busy_poll, which no module can read.
 *
 * Contexts: a spin runs in a waiter, with no lock held, since packets that
 * arrive run wake callbacks on this very CPU; its end condition is asked with
 * preemption off and must not sleep. Noting runs in a scan, under the mutex.
 *
 * The fields are single words and independent hints, read and written without
 * a lock: a waiter that sees one new value beside an old one spins a little
 * longer or on another queue, and a queue id that is stale, even one whose
 * device is gone, is looked up anew by each spin.
 */
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <net/busy_poll.h>
#include <net/sock.h>

#include "busypoll.h"
#include "instance.h"
#include "ready.h"

/**
 * epx_busy_note_socket() - remember the network queue of a socket
 * @inst: the instance
 * @file: a watched file that was found ready; pinned by the caller. Anything
 *	  but a socket that has received from a queue is passed over
 *
 * Context: any that may follow @file; takes no lock.
 */
void epx_busy_note_socket(struct epx_instance *inst, struct file *file)
{
	struct socket *sock = sock_from_file(file);
	unsigned int napi_id;
	struct sock *sk;

	if (!sock)
		return;
	/* Once, since accept() and close() set it beside us. */
	sk = READ_ONCE(sock->sk);
	if (!sk)
		return;

	/* Written by the receive path, in softirq, whenever a packet comes. */
	napi_id = READ_ONCE(sk->sk_napi_id);
	if (napi_id < MIN_NAPI_ID)
		return;

	/* Look first: the line is shared with every waiter. */
	if (READ_ONCE(inst->napi_id) != napi_id)
		WRITE_ONCE(inst->napi_id, napi_id);
}

/*
 * Preemption off, between two rounds of a network queue: whether to stop. A
 * signal stops too; the waiter sees to it before it would sleep.
 */
static bool epx_busy_is_over(void *arg, unsigned long start)
{
	struct epx_instance *inst = arg;

	/* The time may be changed while we spin, even to none. */
	return epx_is_available(inst) || signal_pending(current) ||
	       time_after(busy_loop_current_time(),
			  start + READ_ONCE(inst->busy_usecs));
}

/**
 * epx_busy_spin() - spin on the queue known to an instance
 * @inst: the instance
 *
 * Context: process context, no lock held, interrupts on. May be preempted,
 *	    gives the CPU to who needs it.
 * Return: true when something became available.
 */
bool epx_busy_spin(struct epx_instance *inst)
{
	/* Any waiter may note another queue, or drop this one, meanwhile. */
	unsigned int napi_id = READ_ONCE(inst->napi_id);

	if (napi_id < MIN_NAPI_ID)
		return false;

	epx_count(busy_spin);
	/* EPIOCSPARAMS may run beside; each value is good by itself. */
	napi_busy_loop(napi_id, epx_busy_is_over, inst,
		       READ_ONCE(inst->busy_prefer),
		       READ_ONCE(inst->busy_budget) ?: BUSY_POLL_BUDGET);
	if (epx_is_available(inst))
		return true;

	epx_count(busy_dropped);
	WRITE_ONCE(inst->napi_id, 0);
	return false;
}

static long epx_busy_set(struct epx_instance *inst, const void __user *arg)
{
	struct epoll_params params;

	if (copy_from_user(&params, arg, sizeof(params)))
		return -EFAULT;
	if (params.__pad)
		return -EINVAL;
	if (params.busy_poll_usecs > S32_MAX)
		return -EINVAL;
	if (params.prefer_busy_poll > 1)
		return -EINVAL;
	if (params.busy_poll_budget > NAPI_POLL_WEIGHT &&
	    !capable(CAP_NET_ADMIN))
		return -EPERM;

	WRITE_ONCE(inst->busy_budget, params.busy_poll_budget);
	WRITE_ONCE(inst->busy_prefer, params.prefer_busy_poll);
	WRITE_ONCE(inst->busy_usecs, params.busy_poll_usecs);
	return 0;
}

static long epx_busy_get(struct epx_instance *inst, void __user *arg)
{
	/* Another thread may set them; no caller may count on a snapshot. */
	struct epoll_params params = {
		.busy_poll_usecs = READ_ONCE(inst->busy_usecs),
		.busy_poll_budget = READ_ONCE(inst->busy_budget),
		.prefer_busy_poll = READ_ONCE(inst->busy_prefer),
	};

	return copy_to_user(arg, &params, sizeof(params)) ? -EFAULT : 0;
}

/**
 * epx_busy_ioctl() - EPIOCSPARAMS and EPIOCGPARAMS, as epoll has them
 * @inst: the instance
 * @cmd: the command
 * @arg: user address of a struct epoll_params
 *
 * Both work on every kernel with busy polling, also on those whose epoll does
 * not know them yet.
 *
 * Context: process context, may sleep; takes no lock.
 * Return: 0; -EFAULT; then, when setting and in this order, -EINVAL for a pad
 *	   that is not zero, a time above S32_MAX, a preference above 1, and
 *	   -EPERM for a budget above NAPI_POLL_WEIGHT without CAP_NET_ADMIN.
 *	   -ENOTTY for any other command.
 */
long epx_busy_ioctl(struct epx_instance *inst, unsigned int cmd,
		    void __user *arg)
{
	switch (cmd) {
	case EPIOCSPARAMS:
		return epx_busy_set(inst, arg);
	case EPIOCGPARAMS:
		return epx_busy_get(inst, arg);
	default:
		return -ENOTTY;
	}
}
