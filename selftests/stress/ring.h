/* SPDX-License-Identifier: MIT */
/*
 * What the races of the mapped ring share: one ring, and looks into it.
 */
#ifndef STRESS_RING_H
#define STRESS_RING_H

#include <stdint.h>

#include <epollx.h>
#include <epollx_ring.h>

struct duel;

extern struct epx_consumer ring;

/* Makes fd[0], with a ring; skips the race where there is none. */
void need_ring(struct duel *duel, unsigned int items);

/* An eventfd. */
int new_file(unsigned int value);

/* The number of the new watch's item. */
int add_item(struct duel *duel, int fd, uint32_t events, uint64_t data);

int slots_filled(void);
uint32_t flags_of(int item);

/* Events there are; none may be of a watch other than that with @data. */
int drain_ring(uint64_t data);

/* Writes to fd[1]. */
void write_right(struct duel *duel);

#endif /* STRESS_RING_H */
