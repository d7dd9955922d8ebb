// SPDX-License-Identifier: MIT
/* Programs and outcomes for people. */
#include <inttypes.h>
#include <string.h>

#include "compare.h"

/* Prints the word at @at; returns how many more it took. */
static int print_word(FILE *to, const struct record *r, int at)
{
	uint64_t word = r->words[at];
	uint64_t low = word & ((1ULL << TAG_SHIFT) - 1);
	bool has_next = at + 1 < r->nr;
	uint64_t next = has_next ? r->words[at + 1] : 0;

	switch (TAG_OF(word)) {
	case TAG_EVENT:
		fprintf(to, " {%#x, %#" PRIx64 "}", LOW_WORD(word), next);
		return has_next;
	case TAG_FDINFO:
	case TAG_ZOMBIE:
		fprintf(to, " [%d: %#x, %#" PRIx64 "%s]", (int)(low >> 32),
			LOW_WORD(word), next,
			TAG_OF(word) == TAG_ZOMBIE ? ", zombie" : "");
		return has_next;
	case TAG_SOURCE:
		if (at + 3 >= r->nr)
			break;
		fprintf(to, " [source %u: %#x, %#" PRIx64 ", pending %" PRIu64 "]",
			LOW_WORD(next), LOW_WORD(word), r->words[at + 2],
			r->words[at + 3]);
		return 3;
	case TAG_PAYLOAD:
		if (at + 2 >= r->nr)
			break;
		fprintf(to, " (value %#" PRIx64 ", count %" PRIu64 ")", next,
			r->words[at + 2]);
		return 2;
	case TAG_POISON:
		fprintf(to, " (byte %" PRIu64 " overwritten with %#x)", low >> 8,
			(int)(low & 0xff));
		break;
	case TAG_THREAD:
		fprintf(to, " thread %d is back with %d", (int)(low >> 32),
			(int)LOW_WORD(word));
		break;
	case TAG_ASLEEP:
		fprintf(to, " thread %d sleeps", LOW_WORD(word));
		break;
	case TAG_HANDLER:
		fprintf(to, " handler ran with mask %#" PRIx64, low);
		break;
	case TAG_MASK:
		fprintf(to, " mask after it %#" PRIx64, low);
		break;
	case TAG_VALUE:
		fprintf(to, " value %#" PRIx64, low);
		break;
	case TAG_GUARDED:
		fprintf(to, " (nothing ready: not waited)");
		break;
	case TAG_SKIPPED:
		fprintf(to, " (skipped)");
		break;
	case TAG_UNSETTLED:
		fprintf(to, " (not settled in time)");
		break;
	case TAG_REUSED:
		fprintf(to, " (number used again, %s)",
			low ? "old file alive" : "old file gone");
		break;
	}
	return 0;
}

void print_record(FILE *to, const struct record *r)
{
	if (r->kind == KINDS) {
		fprintf(to, "nothing: it did not come so far");
		return;
	}
	fprintf(to, "%lld", r->ret);
	for (int i = 0; i < r->nr; i++)
		i += print_word(to, r, i);
}

static bool record_of(int position, int op, struct record *r)
{
	const struct half *h = &shared->half[position];
	const uint64_t *at = h->log;

	while (record_next(&at, h->log + h->end[0], r))
		if (r->op == op)
			return true;
	*r = (struct record){ .op = op, .kind = KINDS };
	return false;
}

/* With the outcomes of the last run of it, where there were any. */
void print_program(FILE *to, const struct program *program,
		   const char *prefix)
{
	struct record left, right;

	for (int i = 0; i <= program->nr; i++) {
		bool known = record_of(0, i, &left);

		known &= record_of(1, i, &right);
		fputs(prefix, to);
		if (i < program->nr)
			op_print(to, &program->op[i]);
		else
			fprintf(to, "# end");
		fprintf(to, "\t# ");
		print_record(to, &left);
		if (!known || left.ret != right.ret || left.nr != right.nr ||
		    memcmp(left.words, right.words,
			   left.nr * sizeof(uint64_t))) {
			fprintf(to, "\n%s#   right side: ", prefix);
			print_record(to, &right);
		}
		fputc('\n', to);
	}
}

/* Lines to start a test from; what they expect is what native epoll did. */
void print_as_test(FILE *to, const struct program *program,
		   const char *prefix)
{
	struct record native;

	for (int i = 0; i < program->nr; i++) {
		record_of(0, i, &native);
		fputs(prefix, to);
		op_print_c(to, &program->op[i], native.ret);
		if (program->op[i].by == CHILD)
			fprintf(to, "\t/* in the child */");
		fputc('\n', to);
	}
}
