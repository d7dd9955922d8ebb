/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: coroutines without a stack, for those who would
 * rather not write a poll function.
 *
 *	struct echo {
 *		struct epx_future future;
 *		struct epx_io io;
 *		struct epx_op op;
 *		char buf[4096];
 *	};
 *
 *	static void echo_close(struct echo *me)
 *	{
 *		epx_io_close(&me->io);
 *	}
 *
 *	EPX_ASYNC(echo, echo_close)
 *	{
 *		EPX_BEGIN;
 *		for (;;) {
 *			EPX_TRY(epx_recv(&me->op, &me->io, me->buf, 4096));
 *			if (!EPX_RES)
 *				EPX_RETURN(0);
 *			EPX_TRY(epx_send_all(&me->op, &me->io, me->buf, EPX_RES));
 *		}
 *		EPX_END;
 *	}
 *
 *	epx_spawn(exec, EPX_INIT(e, echo), echo_free, NULL);
 *
 * Rules:
 *
 *  - What is to live across an await is in the struct; local variables are new
 *    each time. @me is the struct, @cx the poll.
 *  - An await is a statement. It is not used inside of a switch of the
 *    program's own, and there is one to a line.
 *  - The second argument of EPX_ASYNC is called once, with the struct, when the
 *    coroutine ends, wherever it is: at EPX_RETURN, at EPX_END, or dropped at an
 *    await or before its first poll. It does not await. NULL where there is
 *    nothing to do.
 *  - The program does not return by itself between EPX_BEGIN and EPX_END.
 */
#ifndef EPOLLX_CORO_H
#define EPOLLX_CORO_H

#include <epollx_future.h>

#if defined(__GNUC__) && (__GNUC__ >= 7 || defined(__clang__))
#define EPX_FALLTHROUGH __attribute__((fallthrough))
#else
#define EPX_FALLTHROUGH ((void)0)
#endif

/*
 * The ops of coroutine TYPE, TYPE_ops, and the head of its body. Its struct
 * begins with a struct epx_future named future.
 */
#define EPX_ASYNC(type, finish)						\
	static int type##_epx_body(struct type *me, struct epx_cx *cx);	\
	static int type##_epx_poll(struct epx_future *future,		\
				   struct epx_cx *cx)			\
	{								\
		return type##_epx_body((struct type *)future, cx);	\
	}								\
	static void type##_epx_end(struct epx_future *future)		\
	{								\
		void (*end)(struct type *) = finish;			\
									\
		if (end)						\
			end((struct type *)future);			\
	}								\
	static const struct epx_ops type##_ops = {			\
		#type, type##_epx_poll, type##_epx_end, NULL, NULL	\
	};								\
	static int type##_epx_body(struct type *me, struct epx_cx *cx)

/* Makes the struct at PLACE a coroutine of TYPE; its future. */
#define EPX_INIT(place, type)	epx_init(&(place)->future, &type##_ops)

#define EPX_BEGIN							\
	switch (me->future.pc) {					\
	case 0:								\
		(void)cx

/* The result of the last await. */
#define EPX_RES		(me->future.res)

/*
 * Waits for WHAT, a pointer to a future; its result is in EPX_RES. What makes
 * the future is evaluated once; where it stands is kept for epx_dump().
 */
#define EPX_AWAIT(what)							\
	do {								\
		static const struct epx_site epx_site = {		\
			__FILE__, __LINE__, #what			\
		};							\
									\
		me->future.awaiting = (what);				\
		me->future.site = &epx_site;				\
		me->future.pc = __LINE__;				\
		EPX_FALLTHROUGH;					\
	case __LINE__:							\
		if (epx_poll(me->future.awaiting, cx) == EPX_PENDING)	\
			return EPX_PENDING;				\
		me->future.res = me->future.awaiting->res;		\
		me->future.awaiting = NULL;				\
	} while (0)

/* EPX_AWAIT, and the end with the same result if that is an error. */
#define EPX_TRY(what)							\
	do {								\
		EPX_AWAIT(what);					\
		if (me->future.res < 0)					\
			return EPX_READY;				\
	} while (0)

/* The end. */
#define EPX_RETURN(value)						\
	return epx_ready(&me->future, (value))

/* The end, with 0, and of the body. */
#define EPX_END								\
	}								\
	return epx_ready(&me->future, 0)

#endif /* EPOLLX_CORO_H */
