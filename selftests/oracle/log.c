// SPDX-License-Identifier: MIT
/*
 * The log of outcomes; oracle.h has its format. One process writes at a time:
 * a worker waits while its child carries out an operation.
 */
#include <string.h>

#include "oracle.h"

void log_begin(int index, const struct op *op, enum target target)
{
	half->header = half->used;
	half->log[half->used] = (uint64_t)index << 32 |
				(uint64_t)op->kind << 24 |
				(uint64_t)op->by << 20 |
				(uint64_t)target << 16;
	half->log[half->used + 1] = 0;
	half->used += 2;
}

void log_word(uint64_t word)
{
	uint64_t *header = &half->log[half->header];

	if (half->used >= half->limit || LOW_WORD(*header & 0xffff) == 0xffff)
		return;
	half->log[half->used++] = word;
	++*header;
}

void log_tag(enum tag tag, uint64_t low)
{
	log_word((uint64_t)tag << TAG_SHIFT |
		 (low & ((1ULL << TAG_SHIFT) - 1)));
}

void log_event(uint32_t events, uint64_t data)
{
	log_tag(TAG_EVENT, events);
	log_word(data);
}

void log_end(long long ret)
{
	half->log[half->header + 1] = ret;
}

bool record_next(const uint64_t **at, const uint64_t *end, struct record *r)
{
	const uint64_t *p = *at;

	if (end - p < 2)
		return false;
	r->op = p[0] >> 32 & 0xffff;
	r->kind = p[0] >> 24 & 0xff;
	r->by = p[0] >> 20 & 1;
	r->target = p[0] >> 16 & 0xf;
	r->nr = p[0] & 0xffff;
	r->ret = (long long)p[1];
	r->words = p + 2;
	*at = p + 2 + r->nr;
	return true;
}
