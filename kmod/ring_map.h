/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of a ring, and the program's map of it (ring_map.c).
 */
#ifndef EPX_RING_MAP_H
#define EPX_RING_MAP_H

#include "instance.h"

struct vm_area_struct;

long epx_ring_setup(struct epx_instance *inst, unsigned int cmd,
		    void __user *uarg);
int epx_ring_mmap(struct file *file, struct vm_area_struct *vma);
void epx_ring_free(struct epx_publisher *ring);

#endif /* EPX_RING_MAP_H */
