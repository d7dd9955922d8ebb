// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments of ioctls, of any version: the size in the command says how much
 * the caller's struct has, and what a shorter one lacks is 0.
 *
 * Process context.
 */
#include <linux/errno.h>
#include <linux/ioctl.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "argument.h"

/**
 * epx_fetch() - fetch a call's argument
 * @arg: where to
 * @size: of the struct as we know it
 * @size_min: of its first version
 * @cmd: the command, with the size of the caller's struct
 * @uarg: the caller's struct
 *
 * Context: process, may sleep.
 * Return: 0; -EFAULT; -E2BIG for a later version that says what we do not
 * know; -EINVAL for less than the first version had.
 */
int epx_fetch(void *arg, size_t size, size_t size_min, unsigned int cmd,
	      const void __user *uarg)
{
	size_t user_size = _IOC_SIZE(cmd);

	if (user_size < size_min)
		return -EINVAL;
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(arg, size, uarg, user_size);
}
