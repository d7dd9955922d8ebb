/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a descriptor's number to its file, as fdget() does it, but with what is
 * the same for many numbers asked once.
 *
 * The descriptor of a task that shares its table with nobody is as good as a
 * reference: only the task itself could close it, or begin to share the table,
 * and it is here.
 *
 * Process context.
 */
#ifndef EPX_LOOKUP_H
#define EPX_LOOKUP_H

#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched.h>

/**
 * epx_lookup_begin() - before the first of some lookups
 *
 * Context: process.
 * Return: the caller's table if it is nobody else's, otherwise NULL. True until
 * the return to user space.
 */
static inline struct files_struct *epx_lookup_begin(void)
{
	struct files_struct *files = current->files;

	/*
	 * What others did to the table while they shared it is done. Pairs
	 * with the kernel's put_files_struct().
	 */
	return atomic_read_acquire(&files->count) == 1 ? files : NULL;
}

/**
 * epx_lookup() - the file of a descriptor
 * @own: what epx_lookup_begin() returned
 * @fd: the number
 *
 * Context: process.
 * Return: the file, to be given back with epx_lookup_end(), or NULL where there
 * is none or one that was opened with O_PATH.
 */
static inline struct file *epx_lookup(struct files_struct *own, int fd)
{
	struct file *file;

	if (unlikely(!own))
		return fget(fd);
	file = files_lookup_fd_raw(own, fd);
	return file && !(file->f_mode & FMODE_PATH) ? file : NULL;
}

/**
 * epx_lookup_end() - the file is not needed any more
 * @own: what epx_lookup_begin() returned
 * @file: the file
 *
 * Context: process. A final close is deferred to the return to user space.
 */
static inline void epx_lookup_end(struct files_struct *own, struct file *file)
{
	if (unlikely(!own))
		fput(file);
}

#endif /* EPX_LOOKUP_H */
