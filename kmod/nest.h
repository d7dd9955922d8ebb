/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_NEST_H
#define EPX_NEST_H

#include <linux/compiler.h>
#include <linux/dcache.h>
#include <linux/fs.h>

#include "instance.h"

/* Edges in the longest chain of instances. */
#define EPX_MAX_EDGES	4

#define EPX_NATIVE_NAME	"[eventpoll]"

extern const struct file_operations *epx_native_fops;

bool epx_is_native_epoll_by_name(const struct file *file);
void epx_nest_lock(void);
void epx_nest_unlock(void);
int epx_nest_check_edge(struct epx_instance *outer, struct file *target);
int epx_nest_check_paths(struct file *target);

/**
 * epx_is_instance() - is this file an instance of ours?
 * @file: a referenced file
 *
 * Context: any.
 * Return: the answer; ->private_data is the instance then.
 */
static inline bool epx_is_instance(const struct file *file)
{
	return file->f_op == &epx_instance_fops;
}

/**
 * epx_is_native_epoll() - is this the kernel's own epoll?
 * @file: a referenced file
 *
 * Its f_op is not exported: the first one is recognised by being an anonymous
 * inode named "[eventpoll]", and its f_op remembered.
 *
 * Context: any.
 * Return: the answer.
 */
static inline bool epx_is_native_epoll(const struct file *file)
{
	const struct file_operations *native = READ_ONCE(epx_native_fops);

	if (native)
		return file->f_op == native;
	return file->f_path.dentry->d_name.len == sizeof(EPX_NATIVE_NAME) - 1 &&
	       epx_is_native_epoll_by_name(file);
}

#endif /* EPX_NEST_H */
