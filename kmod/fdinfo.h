/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /proc/PID/fdinfo/FD of an instance (fdinfo.c).
 */
#ifndef EPX_FDINFO_H
#define EPX_FDINFO_H

struct file;
struct seq_file;

void epx_fdinfo_show(struct seq_file *m, struct file *file);

#endif /* EPX_FDINFO_H */
