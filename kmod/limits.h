/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many watches a user may have (limits.c).
 */
#ifndef EPX_LIMITS_H
#define EPX_LIMITS_H

struct epx_instance;

int epx_limit_charge(struct epx_instance *inst);
void epx_limit_uncharge(struct epx_instance *inst);
int epx_limits_init(void);
void epx_limits_exit(void);

#endif /* EPX_LIMITS_H */
