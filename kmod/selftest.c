// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test at load: is the close of a watched file really seen?
 *
 * Everything rests on the hook on __fput(). A kernel that was built so that
 * the function is inlined, cloned or called by another name somewhere would
 * leave us with pointers to freed files. So before the device appears, a file
 * of our own is watched and closed on two ways out: at once, by
 * __fput_sync(), and through the delayed work that the closes of kernel
 * threads take. The third, task work on the return to user space, begins only
 * when insmod is over; it comes to __fput() from the same source file and in
 * the same way as the delayed work.
 *
 * Runs in a work item, since __fput_sync() is for kernel threads only, and a
 * final fput() inside insmod would wait for the return to user space. A miss
 * does no harm here: the file's wait queue is ours and static, and the clean
 * up does not follow the file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/workqueue.h>

#include "bury.h"
#include "fput.h"
#include "interest.h"
#include "selftest.h"

#ifdef EPX_DEBUG
static bool fail_selftest;
module_param(fail_selftest, bool, 0400);
MODULE_PARM_DESC(fail_selftest, "make the test at load miss a close");
#else
static const bool fail_selftest;
#endif

static DECLARE_WAIT_QUEUE_HEAD(epx_selftest_queue);
static DECLARE_COMPLETION(epx_selftest_released);

static __poll_t epx_selftest_poll(struct file *file, poll_table *pt)
{
	poll_wait(file, &epx_selftest_queue, pt);
	return 0;
}

/* Runs in __fput(), after the hook on its entry. */
static int epx_selftest_release(struct inode *inode, struct file *file)
{
	complete(&epx_selftest_released);
	return 0;
}

static const struct file_operations epx_selftest_fops = {
	.owner = THIS_MODULE,
	.poll = epx_selftest_poll,
	.release = epx_selftest_release,
};

static void epx_close_delayed(struct file *file)
{
	fput(file);
	flush_delayed_fput();
}

/* Process context; the mutex is for the checks of who must hold it. */
static int epx_selftest_watch(struct epx_instance *inst, struct file *file)
{
	int err;

	epx_instance_lock(inst, 0);
	err = epx_interest_add(inst, file, -1, EPOLLIN, 0, false);
	if (!err && fail_selftest)
		epx_file_unhash(rb_entry(inst->tree.rb_node,
					 struct epx_watch, node));
	epx_instance_unlock(inst);
	return err;
}

static int epx_selftest_close(struct epx_instance *inst,
			      void (*close)(struct file *file))
{
	struct file *file;
	bool seen;
	int err;

	file = anon_inode_getfile("[epollx-selftest]", &epx_selftest_fops,
				  NULL, O_RDONLY);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = epx_selftest_watch(inst, file);
	close(file);
	/* The delayed work may have been taken up on another CPU. */
	wait_for_completion(&epx_selftest_released);
	if (err)
		return err;

	epx_instance_lock(inst, 0);
	epx_bury(inst);
	/* Nobody else is on this queue. */
	seen = !waitqueue_active(&epx_selftest_queue) &&
	       RB_EMPTY_ROOT(&inst->tree);
	epx_instance_unlock(inst);
	return seen ? 0 : -ENXIO;
}

struct epx_selftest_work {
	struct work_struct work;
	int err;
};

static void epx_selftest_run(struct work_struct *work)
{
	struct epx_selftest_work *test =
		container_of(work, struct epx_selftest_work, work);
	struct epx_instance *inst = epx_instance_new();

	if (!inst) {
		test->err = -ENOMEM;
		return;
	}
	test->err = epx_selftest_close(inst, __fput_sync);
	if (!test->err)
		test->err = epx_selftest_close(inst, epx_close_delayed);
	epx_instance_release(inst);
}

/**
 * epx_selftest() - run the test
 *
 * Context: module init, may sleep; the hook on closes is in place.
 * Return: 0, -ENXIO if a close was missed, -ENOMEM; with a reason in the log.
 */
int epx_selftest(void)
{
	struct epx_selftest_work test = {};

	INIT_WORK_ONSTACK(&test.work, epx_selftest_run);
	schedule_work(&test.work);
	flush_work(&test.work);
	destroy_work_on_stack(&test.work);
	if (test.err)
		pr_err("self-test failed (%d): the close of a watched file was not seen\n",
		       test.err);
	return test.err;
}
