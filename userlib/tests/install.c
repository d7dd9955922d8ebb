// SPDX-License-Identifier: MIT
/*
 * A program as its user writes it, in C and in C++: install.sh compiles it
 * against what make install has put somewhere.
 */
#include <epollx.h>
#include <epollx_async.h>
#include <epollx_ring.h>

struct steps {
	struct epx_future future;
	struct epx_yield_now yield;
	struct epx_sleep sleep;
	int left;
};

static void steps_finish(struct steps *me)
{
	me->left--;
}

EPX_ASYNC(steps, steps_finish)
{
	EPX_BEGIN;
	while (--me->left) {
		EPX_AWAIT(epx_yield_now(&me->yield));
		EPX_TRY(epx_sleep(&me->sleep, 1000));
	}
	EPX_RETURN(42);
	EPX_END;
}

int main(void)
{
	struct epx_exec *exec;
	struct steps steps;
	int64_t res;

	if (epx_exec_new(&exec, NULL))
		return 1;
	steps.left = 5;
	res = epx_block_on(exec, EPX_INIT(&steps, steps));
	epx_exec_free(exec);
	return res == 42 && steps.left == -1 ? 0 : 2;
}
