// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/epollx, the instances it makes, and the way from an ioctl to its
 * handler:
 *
 *	EPX_IOC_INFO	both		epx_ioctl_info()
 *	EPX_IOC_CREATE	device		epx_ioctl_create()
 *	EPX_IOC_CTL	instance	epx_change_ctl(), change.c
 *	EPX_IOC_WAIT	instance	epx_wait(), wait.c
 *	EPX_IOC_PWAIT	instance	the same, with the whole struct
 *	EPX_IOC_CTLV	instance	epx_batch_ctlv(), batch.c
 *	EPX_IOC_ENTER	instance	epx_enter(), enter.c
 *	EPX_IOC_YIELD	instance	epx_runner_yield(), runner.c
 *	EPX_IOC_RING	instance	epx_ring_setup(), ring_map.c; mmap there too
 *	EPX_IOC_SOURCE	instance	epx_source_change(), source.c
 *	EPX_IOC_POST	instance	epx_post(), post.c
 *	EPX_IOC_TAKE	instance	epx_queue_take(), the same
 *	EPIOC*PARAMS	instance	epx_busy_ioctl(), busypoll.c
 *
 * Process context. The device is a factory: an instance is a file of its own
 * on an anonymous inode, so that its flags, its reopening through /proc and
 * its life in containers without the node are those of an epoll descriptor.
 *
 * Each handler fetches its own argument (argument.h), so that a wait is one
 * frame and not three. A command is known by its type, number and direction;
 * its size tells the version of the struct (see the ABI header). 32-bit
 * callers need nothing else than the same structs.
 */
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "argument.h"
#include "batch.h"
#include "busypoll.h"
#include "change.h"
#include "device.h"
#include "enter.h"
#include "fdinfo.h"
#include "nest.h"
#include "ready.h"
#include "ring_map.h"
#include "runner.h"
#include "slots.h"
#include "source.h"
#include "wait.h"

/* A command without its size. */
#define EPX_COMMAND(cmd)	((cmd) & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT))

#define EPX_CREATE_FLAGS \
	(EPX_CLOEXEC | EPX_WAKE_FIFO | EPX_CONCURRENCY_RUNNING)

static long epx_ioctl_info(unsigned int cmd, void __user *uarg)
{
	struct epx_info info = {
		.abi_version = EPX_ABI_VERSION,
		.max_nests = EPX_MAX_EDGES + 1,
		.max_events = EPX_MAX_EVENTS,
		.features = EPX_FEATURE_CTLV | EPX_FEATURE_ENTER |
			    EPX_FEATURE_RING | EPX_FEATURE_POLICY |
			    EPX_FEATURE_SOURCE,
	};
	size_t size = _IOC_SIZE(cmd);
	size_t copied = min(size, sizeof(info));

	if (IS_ENABLED(CONFIG_NET_RX_BUSY_POLL))
		info.features |= EPX_FEATURE_BUSY_POLL;
	if (copy_to_user(uarg, &info, copied) ||
	    clear_user(uarg + copied, size - copied))
		return -EFAULT;
	return 0;
}

static long epx_ioctl_create(unsigned int cmd, void __user *uarg)
{
	struct epx_create create;
	struct epx_instance *inst;
	struct file *file;
	int fd, err;

	BUILD_BUG_ON(sizeof(create) != 8);
	BUILD_BUG_ON(EPX_CLOEXEC != O_CLOEXEC);
	err = epx_fetch(&create, sizeof(create), sizeof(create), cmd, uarg);
	if (err)
		return err;
	if ((create.flags & ~EPX_CREATE_FLAGS) ||
	    create.concurrency > EPX_CONCURRENCY_MAX)
		return -EINVAL;
	if ((create.flags & EPX_CONCURRENCY_RUNNING) && !create.concurrency)
		return -EINVAL;

	inst = epx_instance_new();
	if (!inst)
		return -ENOMEM;
	inst->is_fifo = create.flags & EPX_WAKE_FIFO;
	err = epx_slots_new(inst, create.concurrency,
			    create.flags & EPX_CONCURRENCY_RUNNING);
	if (err)
		goto release_instance;
	fd = get_unused_fd_flags(O_RDWR | (create.flags & EPX_CLOEXEC));
	if (fd < 0) {
		err = fd;
		goto release_instance;
	}
	file = anon_inode_getfile("[epollx]", &epx_instance_fops, inst,
				  O_RDWR | (create.flags & EPX_CLOEXEC));
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_fd;
	}
	inst->file = file;
	fd_install(fd, file);
	return fd;

put_fd:
	put_unused_fd(fd);
release_instance:
	epx_instance_release(inst);
	return err;
}

static long epx_instance_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	struct epx_instance *inst = file->private_data;
	void __user *uarg = (void __user *)arg;

	/* The two that are called most, with a comparison or two each. */
	switch (EPX_COMMAND(cmd)) {
	case EPX_COMMAND(EPX_IOC_WAIT):
		return epx_wait(inst, cmd, uarg);
	case EPX_COMMAND(EPX_IOC_CTL):
		return epx_change_ctl(inst, cmd, uarg);
	}
	switch (EPX_COMMAND(cmd)) {
	case EPX_COMMAND(EPX_IOC_POST):
		return epx_post(inst, cmd, uarg);
	case EPX_COMMAND(EPX_IOC_SOURCE):
		return epx_source_change(inst, cmd, uarg);
	}
	switch (EPX_COMMAND(cmd)) {
	case EPX_COMMAND(EPX_IOC_ENTER):
		return epx_enter(inst, cmd, uarg);
	case EPX_COMMAND(EPX_IOC_CTLV):
		return epx_batch_ctlv(inst, cmd, uarg);
	case EPX_COMMAND(EPX_IOC_TAKE):
		return epx_queue_take(inst, cmd, uarg);
	case EPX_COMMAND(EPX_IOC_RING):
		return epx_ring_setup(inst, cmd, uarg);
	case EPX_COMMAND(EPX_IOC_INFO):
		return epx_ioctl_info(cmd, uarg);
	}
	switch (cmd) {
	case EPX_IOC_YIELD:
		return epx_runner_yield(inst->slots);
	case EPIOCSPARAMS:
	case EPIOCGPARAMS:
		return epx_busy_ioctl(inst, cmd, uarg);
	}
	return -ENOTTY;
}

static long epx_device_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (EPX_COMMAND(cmd)) {
	case EPX_COMMAND(EPX_IOC_CREATE):
		return epx_ioctl_create(cmd, uarg);
	case EPX_COMMAND(EPX_IOC_INFO):
		return epx_ioctl_info(cmd, uarg);
	}
	return -ENOTTY;
}

static __poll_t epx_file_poll(struct file *file, poll_table *pt)
{
	return epx_instance_poll(file->private_data, file, pt, 0);
}

static int epx_file_release(struct inode *inode, struct file *file)
{
	epx_instance_release(file->private_data);
	return 0;
}

const struct file_operations epx_instance_fops = {
	.owner = THIS_MODULE,
	.release = epx_file_release,
	.poll = epx_file_poll,
	.unlocked_ioctl = epx_instance_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = epx_ring_mmap,
	.llseek = noop_llseek,
	.show_fdinfo = epx_fdinfo_show,
};

static const struct file_operations epx_device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = epx_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice epx_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "epollx",
	.fops = &epx_device_fops,
	.mode = 0666,
};

/**
 * epx_device_init() - /dev/epollx appears
 *
 * Context: module init, when all else works.
 * Return: 0 or -errno.
 */
int epx_device_init(void)
{
	return misc_register(&epx_device);
}

/**
 * epx_device_exit() - /dev/epollx disappears
 *
 * Context: module exit; no instance is open, each holds the module.
 */
void epx_device_exit(void)
{
	misc_deregister(&epx_device);
}
