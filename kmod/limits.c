// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many watches a user may have, and the sysctl that says so.
 *
 * A watch is charged to the user who created its instance, not to who adds
 * it. The count is epoll's own (user_struct.epoll_watches), so that a user's
 * watches are the sum over epoll and epollx, whichever of the two is asked.
 * Each compares that sum with its own sysctl: epoll's is out of reach for a
 * module, ours is fs.epollx.max_user_watches.
 *
 * The charge ends with the watch's place in the interest list: on
 * EPOLL_CTL_DEL, on the release of the instance, and on the last close of the
 * file, there at once and not when the watch is buried.
 *
 * Contexts: charging in a system call; uncharging anywhere, also inside
 * __fput() with preemption off.
 *
 * The limit is not a hard wall, as epoll's is not: two adds to two instances
 * of one user may both see the last free place.
 */
#include <linux/cache.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/percpu_counter.h>
#include <linux/sched/user.h>
#include <linux/sysctl.h>

#include "compat.h"
#include "instance.h"
#include "limits.h"

/*
 * What epoll takes a watch to cost, for its default limit: an item of 120
 * bytes and a wait-queue entry of 64 where a pointer has 8 bytes. It is
 * epoll's figure and not the size of ours, so that both defaults come out
 * the same and a program meets the same limit on either.
 */
#define EPX_EPOLL_WATCH_COST	(23 * sizeof(void *))

/* One 25th of the memory, 4 %, may go to the watches of one user. */
#define EPX_WATCHES_SHARE	25

static unsigned long epx_max_user_watches __read_mostly;
static unsigned long epx_watches_min;
static unsigned long epx_watches_max = LONG_MAX;

/* The empty entry ends the table on kernels that do not take its length. */
static struct ctl_table epx_limits_table[] = {
	{
		.procname	= "max_user_watches",
		.data		= &epx_max_user_watches,
		.maxlen		= sizeof(epx_max_user_watches),
		.mode		= 0644,
		.proc_handler	= proc_doulongvec_minmax,
		.extra1		= &epx_watches_min,
		.extra2		= &epx_watches_max,
	},
	{ }
};

static struct ctl_table_header *epx_limits_header;

/**
 * epx_limit_charge() - count one more watch of the instance's user
 * @inst: the instance that gets the watch
 *
 * Context: process context; takes no lock of ours, called under any.
 * Return: 0, or -ENOSPC at or above fs.epollx.max_user_watches. Then nothing
 *	   is charged.
 */
int epx_limit_charge(struct epx_instance *inst)
{
	struct percpu_counter *watches = &inst->user->epoll_watches;

	/* A write to the sysctl may run beside; old or new, both are right. */
	if (percpu_counter_compare(watches,
				   READ_ONCE(epx_max_user_watches)) >= 0)
		return -ENOSPC;
	percpu_counter_inc(watches);
	return 0;
}

/**
 * epx_limits_init() - set the default limit, show the sysctl
 *
 * The default is epoll's formula over the memory as it is now. epoll counted
 * during boot, before the kernel gave back its init sections and the initial
 * ramdisk, so ours may be larger by what those would hold.
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int epx_limits_init(void)
{
	struct sysinfo si;

	si_meminfo(&si);
	epx_max_user_watches = (((si.totalram - si.totalhigh) /
				 EPX_WATCHES_SHARE) << PAGE_SHIFT) /
			       EPX_EPOLL_WATCH_COST;

	epx_limits_header = epx_register_sysctl("fs/epollx", epx_limits_table,
						ARRAY_SIZE(epx_limits_table) -
						1);
	return epx_limits_header ? 0 : -ENOMEM;
}

/**
 * epx_limits_exit() - take the sysctl away
 *
 * Context: process context, may sleep: waits for who reads or writes it.
 */
void epx_limits_exit(void)
{
	unregister_sysctl_table(epx_limits_header);
}
