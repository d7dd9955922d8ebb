/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timers that are told when CLOCK_REALTIME is set. See clock.c.
 */
#ifndef EPX_CLOCK_H
#define EPX_CLOCK_H

#include <linux/types.h>

struct epx_timer;

bool epx_clock_has_jumped(struct epx_timer *timer);
void epx_clock_tell_again(struct epx_timer *timer);
void epx_clock_list(struct epx_timer *timer);
void epx_clock_unlist(struct epx_timer *timer);
void epx_clock_exit(void);

#endif /* EPX_CLOCK_H */
