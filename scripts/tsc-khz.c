// SPDX-License-Identifier: MIT
/*
 * Prints the rate of the CPU's time stamp counter in kHz; nothing, where there is none.
 *
 * An emulated guest reads the host's counter, but has only an emulated timer chip to measure
 * its rate against; on a busy machine that measurement fails, the guest falls back to counting
 * ticks, and its time runs at a fraction of ours. So scripts/vm measures the rate here, once
 * per boot of the host, and tells the guest.
 */
#include <stdio.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(void)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	unsigned long long ticks;
	double start = now();

	ticks = __rdtsc();
	nanosleep(&pause, NULL);
	printf("%.0f\n", (__rdtsc() - ticks) / (now() - start));
	return 0;
}
#else
int main(void)
{
	return 0;
}
#endif
