/* SPDX-License-Identifier: MIT */
/*
 * Lines of output, the clock, and the little statistics behind them (figure.c).
 */
#ifndef EPX_BENCH_FIGURE_H
#define EPX_BENCH_FIGURE_H

long long clock_ns(void);
long long clock_overhead(void);
void figure(const char *suite, const char *name, int x, const char *side,
	    double value, const char *unit);
void figure_spread(const char *suite, const char *name, int x,
		   const char *side, double *values, int count,
		   const char *unit);
void figure_side(const char *side, const char *form, const char *absent);

/**
 * ratios_of_rounds() - rounds of all sides in turn, to the first side's
 * @sides: how many; who comes first in a round takes turns
 * @values: that a side has to show for a round
 * @rounds: how many
 * @round: fills in the values of one side's round
 * @arg: for @round
 *
 * Returns, for each side, for each value, the ratios of the rounds; to be freed.
 */
double *ratios_of_rounds(int sides, int values, int rounds,
			 void (*round)(int side, double *values, void *arg),
			 void *arg);
/* The middle one; sorts them. */
double median(double *values, int count);
void raise_fd_limit(long count);

#endif /* EPX_BENCH_FIGURE_H */
