// SPDX-License-Identifier: MIT
/*
 * What has been run and what has come of it, counted from the logs. A kind of
 * operation that never ran, or an outcome that never came, would be a hole in
 * what the machine says it compares.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include <epollx.h>

#include "compare.h"

enum outcome {
	WAIT_NOTHING,
	WAIT_ONE,
	WAIT_SEVERAL,
	WAIT_CUT_BY_A_FAULT,
	WAIT_EFAULT,
	WAIT_EINVAL,
	WAIT_EBADF,
	WAIT_EINTR,
	WAIT_GUARDED,
	EVENT_IN,
	EVENT_OUT,
	EVENT_HUP,
	EVENT_ERR,
	EVENT_RDHUP,
	EVENT_OTHER,
	CTL_DONE,
	CTL_EEXIST,
	CTL_ENOENT,
	CTL_ELOOP,
	CTL_EPERM,
	CTL_EBADF,
	CTL_EINVAL,
	CTL_EFAULT,
	SOURCE_DONE,
	SOURCE_EEXIST,
	SOURCE_ENOENT,
	SOURCE_EINVAL,
	POST_ONE,
	POST_SEVERAL,
	POST_EAGAIN,
	POST_ENOENT,
	TAKE_VALUES,
	TAKE_EAGAIN,
	EVENT_OF_A_SOURCE,
	FILES_AND_SOURCES,
	PAYLOAD_OF_A_FILE,
	PAYLOAD_COALESCED,
	PAYLOAD_PERIODS,
	PAYLOAD_OF_A_QUEUE,
	FDINFO_SOURCE_PENDING,
	ADD_AFTER_THE_LAST_CLOSE,
	ADD_BESIDE_A_ZOMBIE,
	FDINFO_ZOMBIE,
	HANDLER_RAN,
	CREATE_EINVAL,
	INSTANCE_POLLED_READY,
	THREAD_ASLEEP,
	FOUR_THREADS_ASLEEP,
	THREAD_WOKEN,
	SEVERAL_THREADS_WOKEN,
	THREAD_EINTR,
	BY_THE_CHILD,
	CHILD_WAKES_A_THREAD,
	SOURCE_WAKES_A_THREAD,
	OUTCOMES,
};

static const char * const names[OUTCOMES] = {
	"wait: nothing ready", "wait: one event", "wait: several events",
	"wait: cut short by a fault", "wait: EFAULT", "wait: EINVAL",
	"wait: EBADF", "wait: EINTR", "wait: without end, not done",
	"event: IN", "event: OUT", "event: HUP", "event: ERR", "event: RDHUP",
	"event: PRI, RDNORM, ...", "ctl: done", "ctl: EEXIST", "ctl: ENOENT",
	"ctl: ELOOP", "ctl: EPERM", "ctl: EBADF", "ctl: EINVAL", "ctl: EFAULT",
	"source: done", "source: EEXIST", "source: ENOENT", "source: EINVAL",
	"post: one", "post: several", "post: EAGAIN", "post: ENOENT",
	"take: values", "take: EAGAIN", "event: of a source",
	"wait: files and sources at once", "payload: of a file",
	"payload: posts as one event", "payload: periods as one event",
	"payload: value of a queue", "fdinfo: source with something pending",
	"add: number used again, its old file gone",
	"add: number used again, its old file alive",
	"fdinfo: watch of a closed number", "signal handler ran",
	"create: EINVAL", "poll: instance readable", "thread asleep",
	"four threads asleep", "thread woken", "several threads woken at once",
	"thread: EINTR", "done by the child", "child wakes a thread",
	"source wakes a thread",
};

static unsigned long kind_count[KINDS], outcome_count[OUTCOMES];
static unsigned long skipped, unsettled, ops;

static bool is_wait(int kind)
{
	return kind == OP_WAIT || kind == OP_PWAIT || kind == OP_PWAIT2;
}

static void count(enum outcome outcome)
{
	outcome_count[outcome]++;
}

static void count_event(uint32_t events)
{
	static const struct {
		uint32_t bits;
		enum outcome outcome;
	} of[] = {
		{ EPOLLIN, EVENT_IN },
		{ EPOLLOUT, EVENT_OUT },
		{ EPOLLHUP, EVENT_HUP },
		{ EPOLLERR, EVENT_ERR },
		{ EPOLLRDHUP, EVENT_RDHUP },
		{ EPOLLPRI | EPOLLRDNORM | EPOLLWRNORM, EVENT_OTHER },
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		if (events & of[i].bits)
			count(of[i].outcome);
}

static void count_wait(const struct record *r)
{
	if (r->ret == 0)
		count(WAIT_NOTHING);
	else if (r->ret > 0)
		count(r->ret == 1 ? WAIT_ONE : WAIT_SEVERAL);
	else if (r->ret == -EFAULT)
		count(WAIT_EFAULT);
	else if (r->ret == -EINVAL)
		count(WAIT_EINVAL);
	else if (r->ret == -EBADF)
		count(WAIT_EBADF);
	else if (r->ret == -EINTR)
		count(WAIT_EINTR);
}

static void count_ctl(const struct record *r)
{
	static const struct {
		int error;
		enum outcome outcome;
	} of[] = {
		{ 0, CTL_DONE }, { EEXIST, CTL_EEXIST },
		{ ENOENT, CTL_ENOENT }, { ELOOP, CTL_ELOOP },
		{ EPERM, CTL_EPERM }, { EBADF, CTL_EBADF },
		{ EINVAL, CTL_EINVAL }, { EFAULT, CTL_EFAULT },
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		if (r->ret == -of[i].error)
			count(of[i].outcome);
}

static void count_error(long long ret, int error, enum outcome outcome)
{
	if (ret == -error)
		count(outcome);
}

static void count_source(const struct record *r)
{
	count_error(r->ret, 0, SOURCE_DONE);
	count_error(r->ret, EEXIST, SOURCE_EEXIST);
	count_error(r->ret, ENOENT, SOURCE_ENOENT);
	count_error(r->ret, EINVAL, SOURCE_EINVAL);
}

static void count_post(const struct record *r)
{
	if (r->ret > 0)
		count(r->ret > 1 ? POST_SEVERAL : POST_ONE);
	count_error(r->ret, EAGAIN, POST_EAGAIN);
	count_error(r->ret, ENOENT, POST_ENOENT);
}

static void count_take(const struct record *r)
{
	if (r->ret > 0)
		count(TAKE_VALUES);
	count_error(r->ret, EAGAIN, TAKE_EAGAIN);
}

/* @kind: of the source, 0 of a file. */
static void count_payload(unsigned int kind, uint64_t events)
{
	switch (kind) {
	case 0:
		count(PAYLOAD_OF_A_FILE);
		break;
	case EPX_SOURCE_QUEUE:
		count(PAYLOAD_OF_A_QUEUE);
		break;
	default:
		if (events > 1)
			count(kind == EPX_SOURCE_USER ? PAYLOAD_COALESCED :
							PAYLOAD_PERIODS);
	}
}

/**
 * struct tally - what one record has
 * @woken: threads that came back with events
 * @files: events of files
 * @sources: events of sources
 */
struct tally {
	int woken;
	int files;
	int sources;
};

/* Returns how many words it took beyond the one at @at. */
static int count_tag(const struct record *r, int at, struct tally *tally)
{
	uint64_t word = r->words[at];

	switch (TAG_OF(word)) {
	case TAG_EVENT:
		count_event(LOW_WORD(word));
		if ((r->words[at + 1] & SOURCE_BITS) == SOURCE_DATA)
			tally->sources++;
		else
			tally->files++;
		return 1;
	case TAG_PAYLOAD:
		count_payload(word >> 32 & 0xffff, r->words[at + 2]);
		return 2;
	case TAG_SOURCE:
		if (r->words[at + 3])
			count(FDINFO_SOURCE_PENDING);
		return 3;
	case TAG_ZOMBIE:
		count(FDINFO_ZOMBIE);
		return 1;
	case TAG_FDINFO:
		return 1;
	case TAG_POISON:
		if (r->ret > 0)
			count(WAIT_CUT_BY_A_FAULT);
		break;
	case TAG_GUARDED:
		count(WAIT_GUARDED);
		break;
	case TAG_HANDLER:
		count(HANDLER_RAN);
		break;
	case TAG_ASLEEP:
		count(THREAD_ASLEEP);
		if ((word >> 32 & 0xff) >= 4)
			count(FOUR_THREADS_ASLEEP);
		break;
	case TAG_THREAD:
		/* At the end all are released: that is no wake-up. */
		if (r->kind == OP_END)
			break;
		if ((int)LOW_WORD(word) == -EINTR)
			count(THREAD_EINTR);
		else
			tally->woken++;
		break;
	case TAG_REUSED:
		count(word & 1 ? ADD_BESIDE_A_ZOMBIE :
				 ADD_AFTER_THE_LAST_CLOSE);
		break;
	case TAG_SKIPPED:
		skipped++;
		break;
	case TAG_UNSETTLED:
		unsettled++;
		break;
	default:
		break;
	}
	return 0;
}

static void count_record(const struct record *r)
{
	struct tally tally = { 0 };

	kind_count[r->kind]++;
	if (r->kind != OP_END)
		ops++;
	if (r->by == CHILD)
		count(BY_THE_CHILD);
	if (is_wait(r->kind))
		count_wait(r);
	else if (r->kind == OP_CTL)
		count_ctl(r);
	else if (r->kind == OP_SOURCE)
		count_source(r);
	else if (r->kind == OP_POST)
		count_post(r);
	else if (r->kind == OP_TAKE)
		count_take(r);
	else if (r->kind == OP_CREATE && r->ret == -EINVAL)
		count(CREATE_EINVAL);
	else if (r->kind == OP_POLL && r->ret == 1)
		count(INSTANCE_POLLED_READY);
	for (int i = 0; i < r->nr; i++)
		i += count_tag(r, i, &tally);
	if (tally.sources)
		count(EVENT_OF_A_SOURCE);
	if (tally.sources && tally.files)
		count(FILES_AND_SOURCES);
	/* One that came back from its park at once was not woken. */
	if (tally.woken && r->kind != OP_PARK)
		count(tally.woken > 1 ? SEVERAL_THREADS_WOKEN : THREAD_WOKEN);
	if (tally.woken && (r->kind == OP_POST || r->kind == OP_SOURCE))
		count(SOURCE_WAKES_A_THREAD);
	if (tally.woken && r->by == CHILD)
		count(CHILD_WAKES_A_THREAD);
}

void coverage_add(int index)
{
	const struct half *h = &shared->half[1];
	const uint64_t *at = h->log + (index ? h->end[index - 1] : 0);
	struct record r;

	while (record_next(&at, h->log + h->end[index], &r))
		count_record(&r);
}

unsigned long coverage_ops(void)
{
	return ops;
}

static int report(FILE *json, const char *name, unsigned long nr,
		  bool must_show, bool first)
{
	printf("#   %-44s %10lu\n", name, nr);
	if (json)
		fprintf(json, "%s\"%s\":%lu", first ? "" : ",", name, nr);
	if (!must_show || nr)
		return 0;
	printf("# it never came: %s\n", name);
	return 1;
}

int coverage_report(FILE *json, bool must_show)
{
	int missing = 0;

	printf("# operations by kind:\n");
	if (json)
		fprintf(json, "\"kinds\":{");
	for (int i = 0; i < KINDS; i++)
		missing += report(json, kinds[i].name, kind_count[i],
				  must_show, !i);
	printf("# what came of them:\n");
	if (json)
		fprintf(json, "},\"outcomes\":{");
	for (int i = 0; i < OUTCOMES; i++)
		missing += report(json, names[i], outcome_count[i], must_show,
				  !i);
	printf("# not possible where they stood: %lu; not settled in time: %lu\n",
	       skipped, unsettled);
	if (json)
		fprintf(json, "},\"skipped\":%lu,\"unsettled\":%lu,", skipped,
			unsettled);
	/* Then an outcome may have been one of chance. */
	return missing + (unsettled ? 1 : 0);
}
