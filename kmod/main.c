// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load and unload.
 *
 * Load builds from the inside out and shows /dev/epollx last, after the
 * self-test. Unload goes the other way and starts with no instance open: each
 * holds the module. What may still be on its way then is a reaper's work item
 * and RCU callbacks that free watches and instances; so, in this order: no
 * close is seen any more, the workqueue has run dry (a work item may free by
 * RCU), the RCU callbacks have run (they queue no work), the caches go.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "bury.h"
#include "debugfs.h"
#include "device.h"
#include "fput.h"
#include "hook.h"
#include "instance.h"
#include "limits.h"
#include "runner.h"
#include "selftest.h"
#include "source.h"

static int __init epx_init(void)
{
	int err;

	err = epx_instances_init();
	if (err)
		return err;
	err = epx_hooks_init();
	if (err)
		goto exit_instances;
	err = epx_runners_init();
	if (err)
		goto exit_hooks;
	err = epx_bury_init();
	if (err)
		goto exit_runners;
	err = epx_sources_init();
	if (err)
		goto exit_bury;
	err = epx_files_init();
	if (err)
		goto exit_sources;
	err = epx_limits_init();
	if (err)
		goto exit_files;
	epx_debugfs_init();
	err = epx_close_hook_init();
	if (err)
		goto exit_debugfs;
	err = epx_selftest();
	if (err)
		goto exit_close_hook;
	err = epx_device_init();
	if (err)
		goto exit_close_hook;
	return 0;

exit_close_hook:
	epx_close_hook_exit();
exit_debugfs:
	epx_debugfs_exit();
	epx_limits_exit();
exit_files:
	epx_files_exit();
exit_sources:
	epx_sources_exit();
exit_bury:
	epx_bury_stop();
	rcu_barrier();
	epx_bury_exit();
exit_runners:
	epx_runners_exit();
exit_hooks:
	epx_hooks_exit();
exit_instances:
	epx_instances_exit();
	return err;
}
module_init(epx_init);

static void __exit epx_exit(void)
{
	epx_device_exit();
	epx_close_hook_exit();
	epx_debugfs_exit();
	epx_limits_exit();
	epx_bury_stop();
	epx_runners_deafen();
	rcu_barrier();
	epx_files_exit();
	epx_sources_exit();
	epx_bury_exit();
	epx_runners_exit();
	epx_hooks_exit();
	epx_instances_exit();
}
module_exit(epx_exit);

MODULE_DESCRIPTION("epoll as a loadable module");
MODULE_AUTHOR("The epollx authors");
MODULE_LICENSE("GPL");
