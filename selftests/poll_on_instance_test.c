// SPDX-License-Identifier: MIT
/*
 * An instance as a file that is polled: by poll(2), select(2), ppoll(2) and
 * io_uring. It is readable if and only if a wait on it would return an event,
 * and asking takes nothing away.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "helpers.h"
#include "ringfile.h"
#include "testfiles.h"
#include "waiter.h"

#ifdef __LP64__
#include <liburing.h>
#include "probefile.h"
#endif

#define ALL_BITS	0x7fff

static int polled(int ep, short events)
{
	struct pollfd pfd = { .fd = ep, .events = events };

	return poll(&pfd, 1, 0) ? pfd.revents : 0;
}

/* An instance that watches one eventfd. */
static int watch_one(int *fd, unsigned int events)
{
	int ep = new_ep();

	*fd = new_eventfd(0);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, *fd, events, 0), 0);
	return ep;
}

TEST(readable_and_nothing_else, "76")
{
	int fd, ep = watch_one(&fd, EPOLLIN);
	eventfd_t value;

	EXPECT_EQ(polled(ep, ALL_BITS), 0);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(polled(ep, ALL_BITS), POLLIN | POLLRDNORM);
	EXPECT_EQ(polled(ep, POLLIN), POLLIN);
	EXPECT_EQ(polled(ep, POLLOUT), 0);
	ASSERT_EQ(eventfd_read(fd, &value), 0);
	EXPECT_EQ(polled(ep, ALL_BITS), 0);
	close_owned();
}

TEST(empty_instance_is_never_ready, "76")
{
	EXPECT_EQ(polled(new_ep(), ALL_BITS), 0);
	close_owned();
}

TEST(error_of_a_watched_file_is_only_readable, "76")
{
	int ep = new_ep(), p[2];

	new_pipe(p);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 0), 0);
	close(p[0]);
	EXPECT_EQ(polled(ep, ALL_BITS), POLLIN | POLLRDNORM);
	close_owned();
}

TEST(poll_takes_no_edge_and_no_oneshot, "76 38")
{
	int edge, oneshot;
	int ep = watch_one(&edge, EPOLLIN | EPOLLET);
	int other = watch_one(&oneshot, EPOLLIN | EPOLLONESHOT);

	ASSERT_EQ(eventfd_write(edge, 1), 0);
	ASSERT_EQ(eventfd_write(oneshot, 1), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(polled(ep, POLLIN), POLLIN);
		EXPECT_EQ(polled(other, POLLIN), POLLIN);
	}
	EXPECT_EQ(ready_now(ep), 1);
	EXPECT_EQ(ready_now(other), 1);
	EXPECT_EQ(polled(ep, POLLIN), 0);
	EXPECT_EQ(polled(other, POLLIN), 0);
	close_owned();
}

TEST(poll_sleeper_is_woken, "76")
{
	int fd, ep = watch_one(&fd, EPOLLIN);
	struct waiter w = {};

	waiter_sleep(&w, WAITER_POLL, ep, 1, -1);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(waiter_join(&w), 1);
	EXPECT_EQ(w.events[0].events, POLLIN);
	close_owned();
}

TEST(poll_sleeper_is_woken_by_add_and_by_mod, "76 37 36")
{
	int ep = new_ep(), fd = new_eventfd(1);
	struct waiter w = {};

	waiter_sleep(&w, WAITER_POLL, ep, 1, -1);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	EXPECT_EQ(waiter_join(&w), 1);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd, 0, 0), 0);
	EXPECT_EQ(polled(ep, POLLIN), 0);
	waiter_sleep(&w, WAITER_POLL, ep, 1, -1);
	ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 0), 0);
	EXPECT_EQ(waiter_join(&w), 1);
	close_owned();
}

TEST(all_pollers_and_one_waiter_are_woken, "76 61")
{
	int fd, ep = watch_one(&fd, EPOLLIN | EPOLLET);
	struct waiter poller[2] = {}, w[2] = {};
	int first;

	for (int i = 0; i < 2; i++) {
		waiter_sleep(&w[i], WAITER_EPOLL, ep, 1, -1);
		waiter_sleep(&poller[i], WAITER_POLL, ep, 1, 5000);
	}
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	/* They may find that the waiter was faster, and sleep on. */
	for (int i = 0; i < 2; i++)
		EXPECT_FALSE(waiter_is_undisturbed(&poller[i]));
	/* Either: a poller that finds it ready wakes the next waiter. */
	first = waiter_await_any(w, 2);
	EXPECT_EQ(waiter_await_settled(w, 2), 1);
	EXPECT_EQ(waiter_join(&w[first]), 1);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(waiter_join(&w[!first]), 1);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(waiter_join(&poller[i]), 1);
	close_owned();
}

TEST(select_and_ppoll_say_the_same, "76")
{
	int fd, ep = watch_one(&fd, EPOLLIN | EPOLLET);
	struct timespec none = {};

	for (int ready = 0; ready < 2; ready++) {
		struct pollfd pfd = { .fd = ep, .events = POLLIN | POLLOUT };
		struct timeval now = {};
		fd_set in, out, except;

		FD_ZERO(&in);
		FD_SET(ep, &in);
		out = in;
		except = in;
		EXPECT_EQ(select(ep + 1, &in, &out, &except, &now), ready);
		EXPECT_EQ(FD_ISSET(ep, &in) != 0, ready);
		EXPECT_FALSE(FD_ISSET(ep, &out));
		EXPECT_FALSE(FD_ISSET(ep, &except));
		EXPECT_EQ(ppoll(&pfd, 1, &none, NULL), ready);
		EXPECT_EQ(pfd.revents, ready ? POLLIN : 0);
		ASSERT_EQ(eventfd_write(fd, 1), 0);
	}
	close_owned();
}

TEST(closed_file_makes_it_unready, "76 72")
{
	int fd, ep = watch_one(&fd, EPOLLIN);

	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(polled(ep, POLLIN), POLLIN);
	close(fd);
	EXPECT_EQ(polled(ep, POLLIN), 0);
	close_owned();
}

#ifdef __LP64__
/* The ring's library is not there for 32-bit programs. */

/* Asks the ring to poll @fd; @flags as for IORING_OP_POLL_ADD. */
static void ring_poll(struct io_uring *ring, int fd, unsigned int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	ASSERT_TRUE(sqe);
	io_uring_prep_poll_add(sqe, fd, POLLIN);
	sqe->len = flags;
	ASSERT_EQ(io_uring_submit(ring), 1);
}

/* Waits for a completion; its result, and its flags in @flags. */
static int ring_result(struct io_uring *ring, unsigned int *flags)
{
	struct io_uring_cqe *cqe;
	int res;

	ASSERT_EQ(io_uring_wait_cqe(ring, &cqe), 0);
	res = cqe->res;
	if (flags)
		*flags = cqe->flags;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

static bool ring_is_empty(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

TEST(io_uring_polls_it, "76")
{
	int fd, ep = watch_one(&fd, EPOLLIN | EPOLLET);
	struct io_uring ring;

	ASSERT_EQ(io_uring_queue_init(8, &ring, 0), 0);
	ring_poll(&ring, ep, 0);
	EXPECT_TRUE(ring_is_empty(&ring));
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	EXPECT_EQ(ring_result(&ring, NULL), POLLIN);
	/* Ready already. */
	ring_poll(&ring, ep, 0);
	EXPECT_EQ(ring_result(&ring, NULL), POLLIN);
	EXPECT_EQ(ready_now(ep), 1);
	io_uring_queue_exit(&ring);
	close_owned();
}

TEST(io_uring_polls_it_again_and_again, "76 80")
{
	int fd, ep = watch_one(&fd, EPOLLIN | EPOLLET);
	struct io_uring ring;
	unsigned int flags;

	ASSERT_EQ(io_uring_queue_init(8, &ring, 0), 0);
	ring_poll(&ring, ep, IORING_POLL_ADD_MULTI);
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(eventfd_write(fd, 1), 0);
		EXPECT_EQ(ring_result(&ring, &flags), POLLIN);
		EXPECT_TRUE(flags & IORING_CQE_F_MORE);
		EXPECT_EQ(ready_now(ep), 1);
	}
	io_uring_queue_exit(&ring);
	close_owned();
}

/*
 * A wake-up that io_uring itself has caused carries a bit that says so, and
 * a ring that meets it ends its multishot poll: that is how it stays out of a
 * loop through itself. @levels instances lie between the file and the ring.
 *
 *   probe ──▶ instance ──▶ ... ──▶ ring
 */
static bool poll_survives(unsigned int key, int levels, bool with_rings)
{
	int probe = probe_open(), below = probe;
	struct io_uring ring;
	unsigned int flags;

	for (int i = 0; i < levels; i++) {
		struct epx_consumer consumer;
		int ep = with_rings ? new_ring(&consumer, 1) : new_ep();

		ASSERT_EQ(ep_ctl(ep, EPOLL_CTL_ADD, below, EPOLLIN, 0), 0);
		below = ep;
	}
	ASSERT_EQ(io_uring_queue_init(8, &ring, 0), 0);
	ring_poll(&ring, below, IORING_POLL_ADD_MULTI);
	probe_set(probe, EPOLLIN);
	probe_wake(probe, key);
	EXPECT_EQ(ring_result(&ring, &flags), POLLIN);
	io_uring_queue_exit(&ring);
	return flags & IORING_CQE_F_MORE;
}

#define URING_WAKE	(1U << 27)

TEST(wake_by_io_uring_is_passed_on_as_such, "83")
{
	for (int levels = 1; levels <= 3; levels++) {
		EXPECT_TRUE(poll_survives(EPOLLIN, levels, false));
		EXPECT_FALSE(poll_survives(EPOLLIN | URING_WAKE, levels,
					   false));
	}
	close_owned();
}

TEST_ON(EPX, wake_by_io_uring_is_passed_on_with_rings, "83")
{
	for (int levels = 1; levels <= 3; levels++) {
		EXPECT_TRUE(poll_survives(EPOLLIN, levels, true));
		EXPECT_FALSE(poll_survives(EPOLLIN | URING_WAKE, levels, true));
	}
	close_owned();
}

/*
 * ring ──▶ its eventfd ──▶ instance ──▶ the ring's own poll
 *
 * It ends: at once where the ring marks its own wake-ups, when the completion
 * queue is full where it does not (Linux 6.1).
 */
TEST(ring_that_watches_its_own_eventfd_comes_to_rest, "83")
{
	int fd, ep = watch_one(&fd, EPOLLIN | EPOLLET), completions = 0;
	struct io_uring ring;
	unsigned int flags;

	ASSERT_EQ(io_uring_queue_init(64, &ring, 0), 0);
	ASSERT_EQ(io_uring_register_eventfd(&ring, fd), 0);
	ring_poll(&ring, ep, IORING_POLL_ADD_MULTI);
	ASSERT_EQ(eventfd_write(fd, 1), 0);
	do {
		EXPECT_EQ(ring_result(&ring, &flags), POLLIN);
		completions++;
	} while (flags & IORING_CQE_F_MORE && completions < 1000);
	EXPECT_LT(completions, 1000);
	OBSERVE("completions", completions);
	EXPECT_TRUE(ring_is_empty(&ring));
	io_uring_queue_exit(&ring);
	close_owned();
}
#endif /* __LP64__ */
