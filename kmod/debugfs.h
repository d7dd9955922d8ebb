/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/debug/epollx (debugfs.c), and the list of all instances.
 */
#ifndef EPX_DEBUGFS_H
#define EPX_DEBUGFS_H

struct epx_instance;

void epx_debugfs_init(void);
void epx_debugfs_exit(void);
void epx_debugfs_add(struct epx_instance *inst);
void epx_debugfs_del(struct epx_instance *inst);

#endif /* EPX_DEBUGFS_H */
