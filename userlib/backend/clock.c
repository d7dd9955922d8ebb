// SPDX-License-Identifier: MIT
/*
 * The clock of those that ask a kernel.
 */
#include <time.h>

#include "core/reactor.h"

int64_t epx_clock(struct epx_park *park)
{
	struct timespec ts;

	(void)park;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * EPX_SEC + ts.tv_nsec;
}
