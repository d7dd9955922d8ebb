// SPDX-License-Identifier: GPL-2.0-only
/*
 * epx_probe: a file that does what a test says. epx_probe.h is the interface.
 *
 * ->poll and the ioctls run in task context. A wake-up is called from the
 * ioctl itself, or from a timer that expires at once: a HARD one runs in the
 * clock's interrupt, a SOFT one in the timer softirq. The ioctl waits for the
 * timer, so when it returns the wake-up is done, and the timer is never
 * pending when the file goes.
 *
 * A wait queue that is freed (EPX_PROBE_FREE) is not really freed: the entry
 * that somebody left on it is what the test looks for, and -EBUSY tells.
 * After it the queue is as good as new, so whoever still believes to be on it
 * takes an entry off a queue that it is not on, which CONFIG_DEBUG_LIST sees.
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "epx_probe.h"

/**
 * struct epx_probe - one open file
 * @heads: the wait queues
 * @nr_heads: how many of them ->poll offers
 * @revents: what ->poll reports
 * @lock: protects @state and @hold
 * @state: what happened
 * @hold: the next ->poll stops
 * @held: a ->poll has stopped
 * @release: lets it go on
 * @gate: who waits for @held or @release to change
 * @one_wake: one wake-up at a time, since @wake and @timer are there once
 * @wake: the wake-up that the timer makes
 * @timer: makes it in interrupt context
 * @fired: the timer has run
 */
struct epx_probe {
	wait_queue_head_t heads[EPX_PROBE_HEADS_MAX];
	unsigned int nr_heads;
	unsigned int revents;
	spinlock_t lock; /* state and hold */
	struct epx_probe_state state;
	bool hold;
	bool held;
	bool release;
	wait_queue_head_t gate;
	struct mutex one_wake; /* wake and timer */
	struct epx_probe_wake wake;
	struct hrtimer timer;
	struct completion fired;
};

/* Context: any. */
static void epx_probe_do_wake(struct epx_probe *probe)
{
	const struct epx_probe_wake *wake = &probe->wake;
	unsigned long key = wake->key;
	unsigned long flags;

	spin_lock_irqsave(&probe->lock, flags);
	if (in_hardirq())
		probe->state.hard_wakes++;
	else if (in_serving_softirq())
		probe->state.soft_wakes++;
	spin_unlock_irqrestore(&probe->lock, flags);

	if (wake->flags & EPX_PROBE_FREE)
		key |= (__force unsigned long)POLLFREE;
	__wake_up(&probe->heads[wake->head], TASK_NORMAL,
		  wake->flags ? 0 : 1, (void *)key);
}

/* Context: hard interrupt or timer softirq, by the timer's mode. */
static enum hrtimer_restart epx_probe_timer(struct hrtimer *timer)
{
	struct epx_probe *probe = container_of(timer, struct epx_probe, timer);

	epx_probe_do_wake(probe);
	complete(&probe->fired);
	return HRTIMER_NORESTART;
}

static int epx_probe_wake(struct epx_probe *probe, const void __user *arg)
{
	struct epx_probe_wake wake;
	enum hrtimer_mode mode;
	int ret = 0;

	if (copy_from_user(&wake, arg, sizeof(wake)))
		return -EFAULT;
	if (wake.head >= EPX_PROBE_HEADS_MAX ||
	    wake.context > EPX_PROBE_HARDIRQ ||
	    wake.flags & ~(EPX_PROBE_WAKE_ALL | EPX_PROBE_FREE))
		return -EINVAL;

	mutex_lock(&probe->one_wake);
	probe->wake = wake;
	if (wake.context == EPX_PROBE_TASK) {
		epx_probe_do_wake(probe);
	} else {
		mode = wake.context == EPX_PROBE_HARDIRQ ?
			HRTIMER_MODE_REL_HARD : HRTIMER_MODE_REL_SOFT;
		reinit_completion(&probe->fired);
		hrtimer_init(&probe->timer, CLOCK_MONOTONIC, mode);
		probe->timer.function = epx_probe_timer;
		hrtimer_start(&probe->timer, 0, mode);
		wait_for_completion(&probe->fired);
		/* It has completed; now it has also returned. */
		hrtimer_cancel(&probe->timer);
	}
	if (wake.flags & EPX_PROBE_FREE &&
	    wq_has_sleeper(&probe->heads[wake.head]))
		ret = -EBUSY;
	mutex_unlock(&probe->one_wake);
	return ret;
}

/* Stops the caller where a test asked for it. */
static void epx_probe_stop(struct epx_probe *probe)
{
	bool stop;

	spin_lock_irq(&probe->lock);
	stop = probe->hold;
	probe->hold = false;
	if (stop) {
		probe->release = false;
		probe->held = true;
	}
	spin_unlock_irq(&probe->lock);
	if (!stop)
		return;
	wake_up_all(&probe->gate);
	/* Killed, it goes on as well: nobody is left to look at the result. */
	(void)wait_event_killable(probe->gate, READ_ONCE(probe->release));
}

static __poll_t epx_probe_poll(struct file *file, poll_table *pt)
{
	struct epx_probe *probe = file->private_data;
	bool hooks = pt && pt->_qproc;
	__poll_t revents;
	unsigned int i;

	for (i = 0; i < READ_ONCE(probe->nr_heads); i++)
		poll_wait(file, &probe->heads[i], pt);

	spin_lock_irq(&probe->lock);
	probe->state.polls++;
	probe->state.hooked += hooks;
	probe->state.dead_polls += !file_count(file);
	memmove(&probe->state.keys[1], &probe->state.keys[0],
		sizeof(probe->state.keys) - sizeof(probe->state.keys[0]));
	probe->state.keys[0] = pt ? (__force u32)pt->_key : ~0U;
	revents = (__force __poll_t)probe->revents;
	spin_unlock_irq(&probe->lock);

	if (!hooks)
		epx_probe_stop(probe);
	return revents;
}

static u32 epx_probe_waiters(struct epx_probe *probe)
{
	struct list_head *entry;
	unsigned int i;
	u32 count = 0;

	for (i = 0; i < EPX_PROBE_HEADS_MAX; i++) {
		spin_lock_irq(&probe->heads[i].lock);
		list_for_each(entry, &probe->heads[i].head)
			count++;
		spin_unlock_irq(&probe->heads[i].lock);
	}
	return count;
}

static int epx_probe_state(struct epx_probe *probe, void __user *arg)
{
	struct epx_probe_state state;

	spin_lock_irq(&probe->lock);
	state = probe->state;
	spin_unlock_irq(&probe->lock);
	state.waiters = epx_probe_waiters(probe);
	return copy_to_user(arg, &state, sizeof(state)) ? -EFAULT : 0;
}

static long epx_probe_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct epx_probe *probe = file->private_data;

	switch (cmd) {
	case EPX_PROBE_SET:
		spin_lock_irq(&probe->lock);
		probe->revents = arg;
		spin_unlock_irq(&probe->lock);
		return 0;
	case EPX_PROBE_HEADS:
		if (arg > EPX_PROBE_HEADS_MAX)
			return -EINVAL;
		WRITE_ONCE(probe->nr_heads, arg);
		return 0;
	case EPX_PROBE_WAKE:
		return epx_probe_wake(probe, (void __user *)arg);
	case EPX_PROBE_STATE:
		return epx_probe_state(probe, (void __user *)arg);
	case EPX_PROBE_HOLD:
		spin_lock_irq(&probe->lock);
		probe->hold = true;
		probe->held = false;
		spin_unlock_irq(&probe->lock);
		return 0;
	case EPX_PROBE_AWAIT_HELD:
		if (wait_event_interruptible(probe->gate, READ_ONCE(probe->held)))
			return -EINTR;
		return 0;
	case EPX_PROBE_RELEASE:
		spin_lock_irq(&probe->lock);
		probe->hold = false;
		probe->release = true;
		spin_unlock_irq(&probe->lock);
		wake_up_all(&probe->gate);
		return 0;
	}
	return -ENOTTY;
}

static int epx_probe_open(struct inode *inode, struct file *file)
{
	struct epx_probe *probe = kzalloc(sizeof(*probe), GFP_KERNEL);
	unsigned int i;

	if (!probe)
		return -ENOMEM;
	for (i = 0; i < EPX_PROBE_HEADS_MAX; i++)
		init_waitqueue_head(&probe->heads[i]);
	init_waitqueue_head(&probe->gate);
	spin_lock_init(&probe->lock);
	mutex_init(&probe->one_wake);
	init_completion(&probe->fired);
	probe->nr_heads = 1;
	file->private_data = probe;
	return 0;
}

static int epx_probe_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations epx_probe_fops = {
	.owner = THIS_MODULE,
	.open = epx_probe_open,
	.release = epx_probe_release,
	.poll = epx_probe_poll,
	.unlocked_ioctl = epx_probe_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice epx_probe_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "epx_probe",
	.fops = &epx_probe_fops,
	.mode = 0666,
};

module_misc_device(epx_probe_device);

MODULE_DESCRIPTION("A file that does what a test of epollx says");
MODULE_LICENSE("GPL");
