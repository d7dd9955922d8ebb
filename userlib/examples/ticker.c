// SPDX-License-Identifier: MIT
/*
 * An interval, a timeout, and then(): ticker [MILLISECONDS] [TICKS]
 *
 * Ticks, and gives up in the middle of the period behind the last tick.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <epollx_async.h>

struct ticker {
	struct epx_future future;
	struct epx_interval interval;
	struct epx_tick tick;
	int ticks;
};

EPX_ASYNC(ticker, NULL)
{
	EPX_BEGIN;
	for (;;) {
		EPX_TRY(epx_tick(&me->tick, &me->interval));
		me->ticks += EPX_RES;
		printf("tick %d\n", me->ticks);
	}
	EPX_END;
}

static int64_t count(void *arg, int64_t res)
{
	return res == -ETIMEDOUT ? ((struct ticker *)arg)->ticks : res;
}

int main(int argc, char **argv)
{
	int64_t period = (argc > 1 ? atoi(argv[1]) : 1000) * EPX_MSEC;
	int ticks = argc > 2 ? atoi(argv[2]) : 3;
	struct ticker ticker = { .ticks = 0 };
	struct epx_timeout timeout;
	struct epx_exec *exec;
	struct epx_then then;
	int64_t res;

	if (epx_exec_new(&exec, NULL) ||
	    epx_interval_init(&ticker.interval, period, EPX_MISSED_SKIP))
		return 1;
	epx_timeout(&timeout, EPX_INIT(&ticker, ticker),
		    period * ticks + period / 2);
	epx_then(&then, &timeout.future, count, &ticker);
	res = epx_block_on(exec, &then.future);
	printf("%lld ticks\n", (long long)res);
	epx_exec_free(exec);
	return res < 0;
}
