/* SPDX-License-Identifier: MIT */
/*
 * What the operations of around/ are made of.
 */
#ifndef EPX_CORE_IO_H
#define EPX_CORE_IO_H

#include "epollx_io.h"

/*
 * A kind of operation. try() makes the system call and returns what the future
 * results in, -EAGAIN to wait and try again. It may call epx_io_short().
 */
struct epx_op_kind {
	struct epx_ops ops;
	unsigned int way;		/* EPX_IN or EPX_OUT */
	int64_t (*try)(struct epx_op *op);
};

int epx_op_poll(struct epx_future *future, struct epx_cx *cx);
void epx_op_end(struct epx_future *future);
void epx_op_describe(const struct epx_future *future, FILE *to);

#define EPX_OP_KIND(title, direction, function) {	\
	.ops = {					\
		.name = title,				\
		.poll = epx_op_poll,			\
		.end = epx_op_end,			\
		.describe = epx_op_describe,		\
	},						\
	.way = direction,				\
	.try = function,				\
}

/* An operation without address. */
struct epx_future *epx_op_init(struct epx_op *op,
			       const struct epx_op_kind *kind,
			       struct epx_io *io, void *buf, size_t len);

/*
 * Less than was asked for: there is no more for now, as far as the kernel has
 * told of no end.
 */
void epx_io_short(struct epx_io *io, unsigned int way);

#endif /* EPX_CORE_IO_H */
