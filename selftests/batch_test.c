// SPDX-License-Identifier: MIT
/*
 * Many changes in one call: each is what a single one would be, nothing stops
 * at an error, and no result is lost at a bad address.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <epollx.h>

#include "helpers.h"
#include "testfiles.h"
#include "tracefile.h"

#define BAD_FD		987
/* What no change has as a result. */
#define UNTOUCHED	1

static struct epx_ctl_entry change(int op, int fd, uint32_t events,
				   uint64_t data)
{
	return (struct epx_ctl_entry){
		.ctl = { .op = op, .fd = fd, .events = events, .data = data },
		.result = UNTOUCHED,
	};
}

/*
 * Two instances, the same files; a random batch for one, its changes one by
 * one for the other. Among the files: one without poll, a closed number, the
 * instance itself, one that watches it, one with a cycle's other end.
 */
#define FILES	12

struct twins {
	int ep[2];
	int fd[FILES];
	int nr;
	uint64_t seed;
};

static unsigned int next_random(struct twins *t)
{
	t->seed = t->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return t->seed >> 33;
}

static void make_files(struct twins *t)
{
	int p[2], inner = new_ep();

	new_pipe(p);
	t->ep[0] = new_ep();
	t->ep[1] = new_ep();
	t->fd[t->nr++] = -1;	/* the instance itself */
	t->fd[t->nr++] = BAD_FD;
	t->fd[t->nr++] = own(open("/proc/self/exe", O_RDONLY));
	t->fd[t->nr++] = own(open("/", O_PATH));
	t->fd[t->nr++] = inner;
	t->fd[t->nr++] = own(epoll_create1(0));
	t->fd[t->nr++] = p[0];
	t->fd[t->nr++] = p[1];
	t->fd[t->nr++] = new_eventfd(1);
	t->fd[t->nr++] = new_eventfd(0);
	t->fd[t->nr++] = own(dup(p[1]));
	ASSERT_EQ(ep_ctl(inner, EPOLL_CTL_ADD, p[1], EPOLLOUT, 0), 0);
}

static void make_random(struct twins *t, struct epx_ctl_entry *entry,
			struct epoll_event *event)
{
	static const int ops[] = {
		EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL,
		EPX_CTL_PUT, 0, EPX_CTL_PUT | EPOLL_CTL_ADD,
	};
	static const uint32_t masks[] = {
		EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT | EPOLLET,
		EPOLLOUT | EPOLLONESHOT, EPOLLIN | EPOLLEXCLUSIVE, 0,
		EPOLLEXCLUSIVE | EPOLLPRI,
	};

	*entry = change(ops[next_random(t) % 7], t->fd[next_random(t) % t->nr],
			masks[next_random(t) % 7], next_random(t));
	switch (next_random(t) % 16) {
	case 0:
		entry->ctl.flags = 1u << next_random(t) % 32;
		entry->ctl.data = 8;
		break;
	case 1:
		event->events = entry->ctl.events;
		event->data.u64 = entry->ctl.data;
		entry->ctl.flags = EPX_CTL_INDIRECT;
		entry->ctl.data = (uintptr_t)event;
		break;
	}
}

static int single(int ep, const struct epx_ctl_entry *entry)
{
	struct epx_ctl ctl = entry->ctl;

	if (ctl.flags == EPX_CTL_INDIRECT)
		return epx_ctl(ep, ctl.op, ctl.fd, (void *)(long)ctl.data);
	if (ctl.flags == EPX_CTL_ROTATE)
		return epx_change_rotating(ep, ctl.op, ctl.fd, ctl.events,
					   ctl.data);
	if (ctl.flags)
		return -EINVAL;
	return epx_change(ep, ctl.op, ctl.fd, ctl.events, ctl.data);
}

#define BATCH_MOST	70

static void compare_batch(struct twins *t, int count)
{
	struct epx_ctl_entry entries[BATCH_MOST];
	struct epoll_event indirect[BATCH_MOST];

	for (int i = 0; i < count; i++) {
		make_random(t, &entries[i], &indirect[i]);
		if (entries[i].ctl.fd == -1)
			entries[i].ctl.fd = t->ep[0];
	}
	ASSERT_EQ(epx_ctlv(t->ep[0], entries, count), count);
	for (int i = 0; i < count; i++) {
		if (entries[i].ctl.fd == t->ep[0])
			entries[i].ctl.fd = t->ep[1];
		EXPECT_EQ(entries[i].result, single(t->ep[1], &entries[i]));
	}
}

static void compare_state(struct twins *t)
{
	struct epoll_event ev[2][FILES];
	int n[2];

	EXPECT_EQ(watches_of(t->ep[0]), watches_of(t->ep[1]));
	for (int i = 1; i < t->nr; i++)
		EXPECT_EQ(stored_mask(t->ep[0], t->fd[i]),
			  stored_mask(t->ep[1], t->fd[i]));
	for (int i = 0; i < 2; i++)
		n[i] = ep_wait(t->ep[i], ev[i], FILES, 0);
	ASSERT_EQ(n[0], n[1]);
	for (int i = 0; i < n[0]; i++) {
		EXPECT_EQ(ev[0][i].events, ev[1][i].events);
		EXPECT_EQ(ev[0][i].data.u64, ev[1][i].data.u64);
	}
}

TEST_ON(EPX, a_batch_does_what_its_changes_do_one_by_one, "")
{
	struct twins t = { .seed = 20260301 };
	unsigned int rounds = 300 / time_factor();

	make_files(&t);
	for (unsigned int i = 0; i < rounds; i++) {
		compare_batch(&t, 1 + next_random(&t) % BATCH_MOST);
		compare_state(&t);
	}
	close_owned();
}

TEST_ON(EPX, no_error_stops_the_changes_after_it, "")
{
	int ep = new_ep(), fd = new_eventfd(1), other = new_eventfd(0);
	int file = own(open("/proc/self/exe", O_RDONLY)), n = 0;
	const struct {
		struct epx_ctl_entry entry;
		int result;
	} want[] = {
		{ change(EPOLL_CTL_DEL, fd, 0, 0), -ENOENT },
		{ change(EPOLL_CTL_MOD, fd, EPOLLIN, 0), -ENOENT },
		{ change(EPOLL_CTL_ADD, fd, EPOLLIN, 1), 0 },
		{ change(EPOLL_CTL_ADD, fd, EPOLLIN, 2), -EEXIST },
		{ change(EPOLL_CTL_ADD, BAD_FD, EPOLLIN, 3), -EBADF },
		{ change(EPOLL_CTL_ADD, -1, EPOLLIN, 3), -EBADF },
		{ change(EPOLL_CTL_ADD, file, EPOLLIN, 4), -EPERM },
		{ change(EPOLL_CTL_ADD, ep, EPOLLIN, 5), -EINVAL },
		{ change(77, fd, EPOLLIN, 6), -EINVAL },
		{ { .ctl = { EPOLL_CTL_MOD, fd, EPOLLOUT, 2, 7 } }, -EINVAL },
		{ { .ctl = { EPOLL_CTL_MOD, fd, EPOLLOUT, 0, 7 },
		    .reserved = 1 }, -EINVAL },
		{ { .ctl = { EPOLL_CTL_MOD, fd, 0, EPX_CTL_INDIRECT, 8 } },
		  -EFAULT },
		{ { .ctl = { EPOLL_CTL_ADD, BAD_FD, 0, EPX_CTL_INDIRECT, 8 } },
		  -EFAULT },
		{ { .ctl = { EPOLL_CTL_DEL, other, 0, EPX_CTL_INDIRECT, 8 } },
		  -ENOENT },
		{ change(EPX_CTL_PUT, other, EPOLLOUT, 8), 0 },
		{ change(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLPRI, 9), 0 },
		{ change(EPOLL_CTL_DEL, other, 0, 0), 0 },
		{ change(EPX_CTL_PUT, other, EPOLLOUT, 10), 0 },
	};
	const int count = sizeof(want) / sizeof(want[0]);
	struct epx_ctl_entry entries[sizeof(want) / sizeof(want[0])];
	struct epoll_event ev[4];

	for (int i = 0; i < count; i++)
		entries[i] = want[i].entry;
	ASSERT_EQ(epx_ctlv(ep, entries, count), count);
	for (int i = 0; i < count; i++) {
		EXPECT_EQ(entries[i].result, want[i].result);
		n += !want[i].result;
		/* The rest of an entry is the caller's. */
		entries[i].result = want[i].entry.result;
		EXPECT_EQ(memcmp(&entries[i], &want[i].entry,
				 sizeof(entries[i])), 0);
	}
	EXPECT_EQ(n, 5);
	EXPECT_EQ(watches_of(ep), 2);
	EXPECT_EQ(stored_mask(ep, fd), EPOLLIN | EPOLLPRI | EPOLLERR | EPOLLHUP);
	ASSERT_EQ(ep_wait(ep, ev, 4, 0), 2);
	EXPECT_EQ(ev[0].data.u64, 9);
	EXPECT_EQ(ev[1].data.u64, 10);
	close_owned();
}

TEST_ON(EPX, a_batch_is_made_in_its_order, "")
{
	int ep = new_ep(), fd = new_eventfd(1), copy = own(dup(fd));
	struct epx_ctl_entry entries[] = {
		change(EPOLL_CTL_ADD, fd, EPOLLIN, 1),
		change(EPOLL_CTL_DEL, fd, 0, 0),
		change(EPOLL_CTL_DEL, fd, 0, 0),
		change(EPOLL_CTL_ADD, fd, EPOLLIN, 2),
		/* Another number of the same file is another watch. */
		change(EPOLL_CTL_ADD, copy, EPOLLIN, 3),
		change(EPOLL_CTL_MOD, fd, EPOLLIN, 4),
		change(EPOLL_CTL_ADD, copy, EPOLLIN, 5),
	};
	static const int results[] = { 0, 0, -ENOENT, 0, 0, 0, -EEXIST };
	struct epoll_event ev[4];

	ASSERT_EQ(epx_ctlv(ep, entries, 7), 7);
	for (int i = 0; i < 7; i++)
		EXPECT_EQ(entries[i].result, results[i]);
	ASSERT_EQ(ep_wait(ep, ev, 4, 0), 2);
	EXPECT_EQ(ev[0].data.u64, 4);
	EXPECT_EQ(ev[1].data.u64, 3);
	close_owned();
}

/* A dead watch under the number, and perhaps the address, of a new file. */
TEST_ON(EPX, closed_files_are_buried_before_a_batch_looks, "69")
{
	int ep = new_ep();

	for (unsigned int round = 0; round < 200 / time_factor(); round++) {
		struct epx_ctl_entry entries[20];
		int fd[20];

		for (int i = 0; i < 20; i++) {
			fd[i] = eventfd(0, 0);
			entries[i] = change(EPOLL_CTL_ADD, fd[i], EPOLLIN, i);
		}
		ASSERT_EQ(epx_ctlv(ep, entries, 20), 20);
		for (int i = 0; i < 20; i++)
			ASSERT_EQ(entries[i].result, 0);
		for (int i = 0; i < 20; i++)
			close(fd[i]);
	}
	EXPECT_EQ(watches_of(ep), 0);
	close_owned();
}

/* Of @pages pages, the last without @protection's rights. */
static char *map(int pages, int last)
{
	char *at = mmap(NULL, pages * 4096L, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(at != MAP_FAILED);
	ASSERT_EQ(mprotect(at + (pages - 1) * 4096L, 4096, last), 0);
	return at;
}

#define COUNT	40

/* @whole entries can be used, and @rest bytes of the next. */
static void fault_after(int whole, int rest, int last)
{
	char *page = map(2, last);
	struct epx_ctl_entry *entries =
		(void *)(page + 4096 - whole * sizeof(*entries) - rest);
	int ep = ep_create1(0), fd[COUNT];

	mprotect(page + 4096, 4096, PROT_READ | PROT_WRITE);
	for (int i = 0; i < COUNT; i++) {
		fd[i] = eventfd(0, 0);
		entries[i] = change(EPOLL_CTL_ADD, fd[i], EPOLLIN, i);
	}
	mprotect(page + 4096, 4096, last);
	EXPECT_EQ(epx_ctlv(ep, entries, COUNT), whole ? whole : -EFAULT);
	for (int i = 0; i < whole; i++)
		EXPECT_EQ(entries[i].result, 0);
	EXPECT_EQ(watches_of(ep), whole);
	mprotect(page + 4096, 4096, PROT_READ | PROT_WRITE);
	for (int i = whole; i < COUNT; i++)
		EXPECT_EQ(entries[i].result, UNTOUCHED);
	for (int i = 0; i < COUNT; i++)
		close(fd[i]);
	close(ep);
	munmap(page, 8192);
}

TEST_ON(EPX, no_change_is_made_whose_entry_cannot_be_read, "")
{
	for (int whole = 0; whole < COUNT; whole++)
		for (int rest = 0; rest < 32; rest += whole % 8 ? 32 : 4)
			fault_after(whole, rest, PROT_NONE);
}

TEST_ON(EPX, no_change_is_made_whose_result_cannot_be_written, "")
{
	for (int whole = 0; whole < COUNT; whole++)
		fault_after(whole, 0, PROT_READ);
	/* The result of the next is the first thing that is not there. */
	fault_after(3, 24, PROT_READ);
}

/* A mask that is not there fails its own change. */
TEST_ON(EPX, an_indirect_event_is_read_before_the_file_is_looked_up, "")
{
	char *page = map(2, PROT_NONE);
	struct epoll_event *event = (void *)(page + 4096 - sizeof(*event));
	int ep = new_ep(), fd = new_eventfd(1);
	struct epx_ctl_entry entries[] = {
		change(EPOLL_CTL_ADD, fd, 0, (uintptr_t)event + 1),
		change(EPOLL_CTL_ADD, BAD_FD, 0, (uintptr_t)event + 1),
		change(EPOLL_CTL_ADD, fd, 0, (uintptr_t)event),
	};
	struct epoll_event ev;

	event->events = EPOLLIN;
	event->data.u64 = 77;
	for (int i = 0; i < 3; i++)
		entries[i].ctl.flags = EPX_CTL_INDIRECT;
	ASSERT_EQ(epx_ctlv(ep, entries, 3), 3);
	EXPECT_EQ(entries[0].result, -EFAULT);
	EXPECT_EQ(entries[1].result, -EFAULT);
	EXPECT_EQ(entries[2].result, 0);
	ASSERT_EQ(ep_wait(ep, &ev, 1, 0), 1);
	EXPECT_EQ(ev.data.u64, 77);
	close_owned();
}

TEST_ON(EPX, a_batch_has_a_limit, "")
{
	struct epx_ctl_entry *entries = calloc(EPX_CHANGES_MAX + 1,
					       sizeof(*entries));
	int ep = new_ep();

	ASSERT_TRUE(entries);
	for (int i = 0; i <= EPX_CHANGES_MAX; i++)
		entries[i] = change(EPOLL_CTL_ADD, BAD_FD, EPOLLIN, 0);
	EXPECT_EQ(epx_ctlv(ep, entries, EPX_CHANGES_MAX + 1), -EINVAL);
	EXPECT_EQ(epx_ctlv(ep, entries, UINT32_MAX), -EINVAL);
	EXPECT_EQ(entries[0].result, UNTOUCHED);
	EXPECT_EQ(epx_ctlv(ep, entries, EPX_CHANGES_MAX), EPX_CHANGES_MAX);
	for (int i = 0; i < EPX_CHANGES_MAX; i++)
		ASSERT_EQ(entries[i].result, -EBADF);
	EXPECT_EQ(entries[EPX_CHANGES_MAX].result, UNTOUCHED);
	EXPECT_EQ(epx_ctlv(ep, NULL, 0), 0);
	free(entries);
	close_owned();
}
