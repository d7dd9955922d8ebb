/* SPDX-License-Identifier: MIT */
/*
 * The user's side of the probe device: loading the module
 * that is right for the running kernel, and its calls in short.
 */
#ifndef EPX_TEST_PROBEFILE_H
#define EPX_TEST_PROBEFILE_H

#include <stdint.h>

#include "probe/epx_probe.h"

/* A new probe file. Skips the test where no module fits this kernel. */
int probe_open(void);
void probe_set(int fd, uint32_t revents);
void probe_heads(int fd, int heads);
/* Wakes one exclusive waiter of head 0 from task context. */
void probe_wake(int fd, uint32_t key);
/* 0, or -EBUSY if a freed wait queue still has an entry. */
int probe_wake_from(int fd, uint32_t key, uint32_t head, uint32_t context,
		    uint32_t flags);
struct epx_probe_state probe_state(int fd);
void probe_hold(int fd);
void probe_await_held(int fd);
void probe_release(int fd);

#endif /* EPX_TEST_PROBEFILE_H */
