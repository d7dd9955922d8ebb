/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the module is built for, 6.1 and 6.12,
 * and the refusal of all others, those between them included: nobody has tried
 * them. The only file that asks for a kernel version.
 */
#ifndef EPX_COMPAT_H
#define EPX_COMPAT_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/sysctl.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0) || \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && \
	 LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)) || \
	LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#error "epollx is written for Linux 6.1 and 6.12; this kernel may close files differently"
#endif

#ifdef CONFIG_PREEMPT_RT
#error "epollx cannot work on PREEMPT_RT: its hook on closes is atomic, wait queues sleep"
#endif

#ifndef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
#error "epollx needs CONFIG_DYNAMIC_FTRACE_WITH_ARGS: it learns of the close of a file by ftrace"
#endif

/**
 * epx_file_tryget() - a reference on a file, unless its count is 0
 * @file: memory that is a struct file, but perhaps of a later open than the
 *	  caller means: it has to check that afterwards
 *
 * A full barrier where it succeeds. Linux 6.13 replaces f_count.
 *
 * Context: any, preemption off or in rcu_read_lock().
 * Return: whether the reference was taken.
 */
static inline bool epx_file_tryget(struct file *file)
{
	return atomic_long_inc_not_zero(&file->f_count);
}

#ifndef fd_file
/* From 6.12 on: the file of a struct fd. */
#define fd_file(f) ((f).file)
#endif

#ifndef __uninitialized
/* Not to be zeroed for safety (CONFIG_INIT_STACK_ALL_ZERO). */
#if __has_attribute(__uninitialized__)
#define __uninitialized	__attribute__((__uninitialized__))
#else
#define __uninitialized
#endif
#endif

/**
 * epx_ftrace_first_argument() - the first argument of the traced function
 * @fregs: what ftrace saved
 *
 * Context: ftrace callback.
 * Return: the argument.
 */
static __always_inline unsigned long
epx_ftrace_first_argument(struct ftrace_regs *fregs)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	return regs_get_kernel_argument(&fregs->regs, 0);
#else
	return ftrace_regs_get_argument(fregs, 0);
#endif
}

/**
 * epx_vma_restrict() - a map is not inherited, does not grow, is not run
 * @vma: a map in the making
 *
 * From 6.3 on the flags are changed by functions only.
 *
 * Context: ->mmap.
 */
static inline void epx_vma_restrict(struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	vma->vm_flags |= VM_DONTCOPY | VM_DONTEXPAND;
	vma->vm_flags &= ~VM_MAYEXEC;
#else
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND, VM_MAYEXEC);
#endif
}

/**
 * epx_register_sysctl() - register a table whose last entry is empty
 * @path: directory under /proc/sys
 * @table: the table
 * @size: its entries, the empty one not counted
 *
 * The empty entry ends the table on 6.1; on 6.12 it may not be seen.
 *
 * Context: process context, may sleep.
 * Return: the handle for unregister_sysctl_table(), or NULL.
 */
static inline struct ctl_table_header *
epx_register_sysctl(const char *path, struct ctl_table *table, size_t size)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	return register_sysctl(path, table);
#else
	return register_sysctl_sz(path, table, size);
#endif
}

#endif /* EPX_COMPAT_H */
