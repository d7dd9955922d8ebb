/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Busy polling of network queues on behalf of a waiter (busypoll.c).
 */
#ifndef EPX_BUSYPOLL_H
#define EPX_BUSYPOLL_H

#include <linux/errno.h>
#include <linux/types.h>

#include "instance.h"

struct file;

#ifdef CONFIG_NET_RX_BUSY_POLL

void epx_busy_note_socket(struct epx_instance *inst, struct file *file);
bool epx_busy_spin(struct epx_instance *inst);
long epx_busy_ioctl(struct epx_instance *inst, unsigned int cmd,
		    void __user *arg);

/**
 * epx_busy_note() - remember from which network queue an event came
 * @inst: the instance
 * @file: a watched file that was found ready; pinned by the caller
 *
 * One load and one branch unless busy polling was asked for.
 *
 * Context: any that may follow @file; takes no lock.
 */
static inline void epx_busy_note(struct epx_instance *inst, struct file *file)
{
	/* EPIOCSPARAMS may run beside: then this event still counts or not. */
	if (READ_ONCE(inst->busy_usecs))
		epx_busy_note_socket(inst, file);
}

/**
 * epx_is_busy() - does a wait spin before it sleeps?
 * @inst: the instance
 *
 * Context: any.
 * Return: the answer.
 */
static inline bool epx_is_busy(const struct epx_instance *inst)
{
	/* As in epx_busy_note(). */
	return READ_ONCE(inst->busy_usecs);
}

/**
 * epx_busy_loop() - spin on the network queue of the last event
 * @inst: the instance
 *
 * Context: process context, no lock held, interrupts on.
 * Return: true when something became available; false at once when busy
 *	   polling is off or no queue is known, else after the time set.
 */
static inline bool epx_busy_loop(struct epx_instance *inst)
{
	return epx_is_busy(inst) && epx_busy_spin(inst);
}

#else /* CONFIG_NET_RX_BUSY_POLL */

static inline void epx_busy_note(struct epx_instance *inst, struct file *file)
{
}

static inline bool epx_is_busy(const struct epx_instance *inst)
{
	return false;
}

static inline bool epx_busy_loop(struct epx_instance *inst)
{
	return false;
}

/* epoll knows the commands on such a kernel too, and answers the same. */
static inline long epx_busy_ioctl(struct epx_instance *inst, unsigned int cmd,
				  void __user *arg)
{
	return -EOPNOTSUPP;
}

#endif /* CONFIG_NET_RX_BUSY_POLL */

#endif /* EPX_BUSYPOLL_H */
