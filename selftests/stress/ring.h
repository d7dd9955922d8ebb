/* SPDX-License-Identifier: MIT */
/*
 * What the races of the mapped ring share: one ring, for ringfile.h to look at.
 */
#ifndef STRESS_RING_H
#define STRESS_RING_H

#include <stdint.h>

#include "ringfile.h"

struct duel;

extern struct epx_consumer ring;

/* Makes fd[0], with a ring; skips the race where there is none. */
void need_ring(struct duel *duel, unsigned int items);

/* An eventfd. */
int new_file(unsigned int value);

/* Events there are; none may be of a watch other than that with @data. */
int drain_ring(uint64_t data);

#endif /* STRESS_RING_H */
