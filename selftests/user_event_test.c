// SPDX-License-Identifier: MIT
/*
 * User events: what is delivered, to whom, and what is left. What is special of
 * queues is in queue_test.c.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <epollx.h>

#include "helpers.h"
#include "sourcefile.h"
#include "testfiles.h"
#include "waiter.h"

#define ID	7

static struct epx_payload_event got[64];

TEST_ON(EPX, posts_add_up_to_one_event, "")
{
	struct epx_payload_event event;
	int ep = new_ep();

	ASSERT_EQ(add_user(ep, ID, 0, 0xda7a), 0);
	EXPECT_FALSE(next_event(ep, &event, 0));
	for (uint64_t value = 1; value <= 1000; value++)
		ASSERT_EQ(epx_post(ep, ID, value << 40), 1);
	ASSERT_EQ(epx_wait_payload(ep, got, 64, 0), 1);
	EXPECT_EQ(got[0].events, EPOLLIN);
	EXPECT_EQ(got[0].flags, 0);
	EXPECT_EQ(got[0].data, 0xda7a);
	EXPECT_EQ(got[0].value, 1000LL << 40);
	EXPECT_EQ(got[0].count, 1000);
	EXPECT_FALSE(next_event(ep, &event, 0));
	/* Counts from the delivery on. */
	ASSERT_EQ(epx_post(ep, ID, 0), 1);
	ASSERT_TRUE(next_event(ep, &event, 0));
	EXPECT_EQ(event.value, 0);
	EXPECT_EQ(event.count, 1);
	close_owned();
}

TEST_ON(EPX, many_posts_in_one_call_are_as_many, "")
{
	static uint64_t values[EPX_POSTS_MAX];
	struct epx_payload_event event;
	int ep = new_ep();

	ASSERT_EQ(add_user(ep, ID, 0, 1), 0);
	for (int i = 0; i < EPX_POSTS_MAX; i++)
		values[i] = i * 3;
	ASSERT_EQ(epx_post_many(ep, ID, values, 33), 33);
	ASSERT_TRUE(next_event(ep, &event, 0));
	EXPECT_EQ(event.value, 32 * 3);
	EXPECT_EQ(event.count, 33);
	ASSERT_EQ(epx_post_many(ep, ID, values, EPX_POSTS_MAX), EPX_POSTS_MAX);
	ASSERT_TRUE(next_event(ep, &event, 0));
	EXPECT_EQ(event.count, EPX_POSTS_MAX);
	close_owned();
}

TEST_ON(EPX, a_plain_wait_takes_the_event, "")
{
	struct epoll_event ev[4];
	int ep = new_ep();

	ASSERT_EQ(add_user(ep, ID, 0, 1), 0);
	ASSERT_EQ(add_user(ep, ID + 1, 0, 2), 0);
	epx_post(ep, ID + 1, 0);
	epx_post(ep, ID, 0);
	epx_post(ep, ID + 1, 0);
	ASSERT_EQ(epx_wait(ep, ev, 4, 0), 2);
	EXPECT_EQ(ev[0].events, EPOLLIN);
	EXPECT_EQ(ev[0].data.u64, 2);
	EXPECT_EQ(ev[1].data.u64, 1);
	EXPECT_EQ(epx_wait(ep, ev, 4, 0), 0);
	close_owned();
}

TEST_ON(EPX, a_one_shot_collects_until_it_is_armed_again, "")
{
	struct epx_payload_event event;
	int ep = new_ep();

	ASSERT_EQ(add_user(ep, ID, EPOLLONESHOT, 1), 0);
	ASSERT_EQ(add_queue(ep, 8, 4, EPOLLONESHOT, 2), 0);
	for (int i = 1; i <= 3; i++) {
		epx_post(ep, ID, i);
		epx_post(ep, 8, i);
	}
	/* One value of the queue, too. */
	ASSERT_EQ(epx_wait_payload(ep, got, 8, 0), 2);
	EXPECT_EQ(got[0].count, 3);
	EXPECT_EQ(got[1].value, 1);
	epx_post(ep, ID, 4);
	epx_post(ep, ID, 5);
	EXPECT_FALSE(next_event(ep, &event, 0));
	ASSERT_EQ(mod_user(ep, ID, EPOLLONESHOT, 3), 0);
	ASSERT_TRUE(next_event(ep, &event, 0));
	EXPECT_EQ(event.data, 3);
	EXPECT_EQ(event.count, 2);
	EXPECT_EQ(event.value, 5);
	ASSERT_EQ(mod_queue(ep, 8, 0, 2), 0);
	ASSERT_EQ(epx_wait_payload(ep, got, 8, 0), 2);
	EXPECT_EQ(got[0].value, 2);
	EXPECT_EQ(got[1].value, 3);
	/* Armed without anything pending, it is silent. */
	ASSERT_EQ(mod_user(ep, ID, EPOLLONESHOT, 3), 0);
	EXPECT_FALSE(next_event(ep, &event, 0));
	close_owned();
}

TEST_ON(EPX, what_could_not_be_written_comes_again, "")
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct epx_payload_event *last = (struct epx_payload_event *)(page + 4096) - 1;
	int ep = new_ep();

	ASSERT_EQ(munmap(page + 4096, 4096), 0);
	ASSERT_EQ(add_user(ep, 1, EPOLLONESHOT, 1), 0);
	ASSERT_EQ(add_queue(ep, 2, 4, 0, 2), 0);
	epx_post(ep, 1, 11);
	epx_post(ep, 1, 12);
	EXPECT_EQ(epx_wait_payload(ep, last + 1, 4, 0), -EFAULT);
	epx_post(ep, 1, 13);
	epx_post(ep, 2, 21);
	epx_post(ep, 2, 22);
	/* The first fits, the second does not, and is not lost. */
	ASSERT_EQ(epx_wait_payload(ep, last, 4, 0), 1);
	EXPECT_EQ(last->data, 1);
	EXPECT_EQ(last->value, 13);
	EXPECT_EQ(last->count, 3);
	ASSERT_EQ(epx_wait_payload(ep, last, 4, 0), 1);
	EXPECT_EQ(last->value, 21);
	EXPECT_EQ(epx_wait_payload(ep, last + 1, 4, 0), -EFAULT);
	EXPECT_EQ(epx_take(ep, 2, (uint64_t *)(last + 1), 4), -EFAULT);
	ASSERT_EQ(epx_wait_payload(ep, last, 4, 0), 1);
	EXPECT_EQ(last->value, 22);
	EXPECT_EQ(epx_wait_payload(ep, last, 4, 0), 0);
	munmap(page, 4096);
	close_owned();
}

TEST_ON(EPX, posts_are_made_as_far_as_they_can_be_read, "")
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t *end = (uint64_t *)(page + 4096);
	struct epx_payload_event event;
	int ep = new_ep();

	ASSERT_EQ(munmap(page + 4096, 4096), 0);
	ASSERT_EQ(add_user(ep, ID, 0, 1), 0);
	for (int readable = 1; readable <= 40; readable++) {
		end[-readable] = 0;
		end[-1] = readable;
		ASSERT_EQ(epx_post_many(ep, ID, end - readable, 64), readable);
		ASSERT_TRUE(next_event(ep, &event, 0));
		EXPECT_EQ(event.count, readable);
		EXPECT_EQ(event.value, readable);
	}
	EXPECT_EQ(epx_post_many(ep, ID, end, 64), -EFAULT);
	/* Half a value is none. */
	EXPECT_EQ(epx_post_many(ep, ID, (uint64_t *)((char *)end - 4), 64),
		  -EFAULT);
	EXPECT_FALSE(next_event(ep, &event, 0));
	munmap(page, 4096);
	close_owned();
}

TEST_ON(EPX, after_a_delete_nothing_is_delivered, "")
{
	struct epx_payload_event event;
	int ep = new_ep();

	for (uint32_t id = 0; id < 3; id++) {
		ASSERT_EQ(add_user(ep, id, 0, id), 0);
		epx_post(ep, id, 1);
	}
	ASSERT_EQ(del_source(ep, 1), 0);
	EXPECT_EQ(epx_post(ep, 1, 1), -ENOENT);
	EXPECT_EQ(del_source(ep, 1), -ENOENT);
	ASSERT_EQ(epx_wait_payload(ep, got, 8, 0), 2);
	EXPECT_EQ(got[0].data, 0);
	EXPECT_EQ(got[1].data, 2);
	/* A new one of the same id begins with nothing. */
	ASSERT_EQ(add_user(ep, 1, 0, 4), 0);
	EXPECT_FALSE(next_event(ep, &event, 0));
	close_owned();
}

TEST_ON(EPX, all_ids_are_ids_and_no_descriptors, "")
{
	static const uint32_t ids[] = {
		0, 1, 63, 64, 4096, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	const int count = sizeof(ids) / sizeof(ids[0]);
	int ep = new_ep(), fd = new_eventfd(1);

	for (int i = 0; i < count; i++)
		ASSERT_EQ(add_user(ep, ids[i], 0, ids[i]), 0);
	ASSERT_EQ(add_user(ep, fd, 0, ~0ULL), 0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1), 0);
	EXPECT_EQ(watches_of(ep), 1);
	EXPECT_EQ(sources_of(ep), count + 1);
	for (int i = count; i--;) {
		EXPECT_EQ(add_user(ep, ids[i], 0, 1), -EEXIST);
		EXPECT_EQ(epx_post(ep, ids[i], i), 1);
	}
	ASSERT_EQ(epx_wait_payload(ep, got, 64, 0), count + 1);
	for (int i = 0; i < count; i++) {
		EXPECT_EQ(got[1 + i].data, ids[count - 1 - i]);
		EXPECT_EQ(got[1 + i].value, count - 1 - i);
	}
	for (int i = 0; i < count; i++)
		ASSERT_EQ(del_source(ep, ids[i]), 0);
	EXPECT_EQ(sources_of(ep), 1);
	close_owned();
}

TEST_ON(EPX, a_post_wakes_one_of_two_sleepers, "")
{
	struct waiter w[2] = {};
	int ep = new_ep();

	ASSERT_EQ(add_user(ep, ID, 0, 1), 0);
	for (int i = 0; i < 2; i++)
		waiter_sleep(&w[i], WAITER_EPOLL, ep, 8, -1);
	epx_post(ep, ID, 0);
	EXPECT_EQ(waiter_await_settled(w, 2), 1);
	epx_post(ep, ID, 0);
	EXPECT_EQ(waiter_join(&w[0]), 1);
	EXPECT_EQ(waiter_join(&w[1]), 1);
	close_owned();
}

TEST_ON(EPX, a_post_makes_the_instance_readable, "")
{
	struct pollfd pfd = { .events = POLLIN };
	struct waiter w = {};
	struct epoll_event ev;
	int inner = new_ep(), outer = new_ep();

	pfd.fd = inner;
	ASSERT_EQ(ep_ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLET, 9), 0);
	ASSERT_EQ(add_user(inner, ID, 0, 1), 0);
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	waiter_sleep(&w, WAITER_POLL, inner, 1, -1);
	epx_post(inner, ID, 0);
	EXPECT_EQ(waiter_join(&w), 1);
	/* Poll consumes nothing. */
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT_EQ(pfd.revents, POLLIN);
	ASSERT_EQ(ep_wait(outer, &ev, 1, 0), 1);
	EXPECT_EQ(ev.data.u64, 9);
	EXPECT_EQ(ep_wait(outer, &ev, 1, 0), 0);
	epx_post(inner, ID, 0);
	EXPECT_EQ(ep_wait(outer, &ev, 1, 0), 1);
	EXPECT_EQ(ep_wait(inner, &ev, 1, 0), 1);
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	close_owned();
}

TEST_ON(EPX, sources_are_gathered_as_files_are, "")
{
	struct epx_enter enter = {
		.events = (uintptr_t)got, .maxevents = 8, .min_events = 3,
		.timeout = -1, .flags = EPX_WAIT_PAYLOAD,
	};
	struct waiter w = {};
	int ep = new_ep();

	for (uint32_t id = 0; id < 3; id++)
		ASSERT_EQ(add_user(ep, id, 0, id), 0);
	epx_post(ep, 0, 5);
	w.buffer = (void *)got;
	waiter_sleep_in(&w, ep, &enter);
	epx_post(ep, 1, 6);
	EXPECT_TRUE(waiter_await_sleep(&w));
	epx_post(ep, 2, 7);
	ASSERT_EQ(waiter_join(&w), 3);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(got[i].value, 5 + i);
	close_owned();
}

TEST_ON(EPX, a_child_and_who_got_it_by_socket_post, "")
{
	struct epx_payload_event event;
	int ep = new_ep(), pair[2], status;
	pid_t pid;

	ASSERT_EQ(add_user(ep, ID, 0, 1), 0);
	new_socketpair(SOCK_STREAM, pair);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		int other = receive_fd(pair[1]);

		_exit(epx_post(ep, ID, 1) != 1 || epx_post(other, ID, 2) != 1 ||
		      add_user(other, ID, 0, 1) != -EEXIST ||
		      add_user(other, ID + 1, 0, 1));
	}
	ASSERT_EQ(send_fd(pair[0], ep), 1);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	ASSERT_TRUE(next_event(ep, &event, 0));
	EXPECT_EQ(event.count, 2);
	EXPECT_EQ(event.value, 2);
	/* Its maker is gone, it is there. */
	EXPECT_EQ(epx_post(ep, ID + 1, 0), 1);
	close_owned();
}

TEST_ON(EPX, fdinfo_shows_what_is_pending, "")
{
	char line[128];
	int ep = new_ep();

	ASSERT_EQ(add_user(ep, 1, EPOLLONESHOT, 0xab), 0);
	ASSERT_EQ(add_queue(ep, 2, 9, 0, 0xcd), 0);
	ASSERT_TRUE(source_line(ep, 1, line, sizeof(line)));
	EXPECT_EQ(strcmp(line, "kind:user pending:0 value:0"), 0);
	for (int i = 0; i < 3; i++) {
		epx_post(ep, 1, 0x10 + i);
		epx_post(ep, 2, i);
	}
	ASSERT_TRUE(source_line(ep, 1, line, sizeof(line)));
	EXPECT_EQ(strcmp(line, "kind:user pending:3 value:12"), 0);
	ASSERT_TRUE(source_line(ep, 2, line, sizeof(line)));
	EXPECT_EQ(strcmp(line, "kind:queue depth:9 pending:3"), 0);
	EXPECT_FALSE(source_line(ep, 3, line, sizeof(line)));
	close_owned();
}
