// SPDX-License-Identifier: MIT
/* Two logs, record by record. */
#include <string.h>

#include "compare.h"

static bool records_agree(const struct record *left, const struct record *right)
{
	if (left->op != right->op || left->kind != right->kind ||
	    left->target != right->target || left->nr != right->nr ||
	    memcmp(left->words, right->words, left->nr * sizeof(uint64_t)))
		return false;
	return left->ret == right->ret || difference_is_known(left, right);
}

bool logs_agree(int index, struct divergence *where)
{
	const uint64_t *at[2], *end[2];
	struct record left, right;

	for (int i = 0; i < 2; i++) {
		const struct half *h = &shared->half[i];

		at[i] = h->log + (index ? h->end[index - 1] : 0);
		end[i] = h->log + h->end[index];
	}
	for (;;) {
		bool has_left = record_next(&at[0], end[0], &left);
		bool has_right = record_next(&at[1], end[1], &right);

		if (!has_left && !has_right)
			return true;
		if (!has_left)
			left = (struct record){ .op = right.op, .kind = KINDS };
		if (!has_right)
			right = (struct record){ .op = left.op, .kind = KINDS };
		if (!records_agree(&left, &right)) {
			*where = (struct divergence){
				.op = left.op, .left = left, .right = right,
			};
			return false;
		}
	}
}
