/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits, polls and changes on an instance with a ring (ring_scan.c).
 */
#ifndef EPX_RING_SCAN_H
#define EPX_RING_SCAN_H

#include "instance.h"

int epx_ring_collect(struct epx_instance *inst,
		     struct epoll_event __user *events, int max);
bool epx_ring_poll(struct epx_instance *inst, unsigned int depth);
int epx_ring_count(struct epx_instance *inst, int most);
void epx_ring_queue(struct epx_watch *w, __poll_t revents);

#endif /* EPX_RING_SCAN_H */
