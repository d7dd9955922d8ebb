// SPDX-License-Identifier: MIT
/*
 * Cancellation of threads in libc's epoll functions: natively, and with the
 * preload library. A thread is cancelled when it is seen to sleep, or before
 * it goes to its wait: never after a guess at where it is.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "helpers.h"

enum form { WAIT, PWAIT, PWAIT2, FORMS };

/**
 * struct patient - a thread that is to be cancelled
 * @ep: what it waits for
 * @form: in which function
 * @is_disabled: it does not let itself be cancelled during the wait
 * @before: it waits only when its cancellation is pending
 * @tid: the thread
 * @cleaned: its cleanup handler has run
 * @result: of the wait
 * @type: cancellation type after the wait
 * @data: of the event
 */
struct patient {
	int ep;
	enum form form;
	bool is_disabled, before;
	atomic_int tid;
	atomic_bool cleaned, go;
	int result, type;
	uint64_t data;
	pthread_t thread;
};

static int wait_in_form(enum form form, int ep, struct epoll_event *ev)
{
	sigset_t none;

	sigemptyset(&none);
	switch (form) {
	case WAIT:
		return epoll_wait(ep, ev, 1, -1);
	case PWAIT:
		return epoll_pwait(ep, ev, 1, -1, &none);
	default:
		return epoll_pwait2(ep, ev, 1, NULL, &none);
	}
}

static void clean(void *arg)
{
	struct patient *p = arg;

	atomic_store(&p->cleaned, true);
}

static void *lie(void *arg)
{
	struct patient *p = arg;
	struct epoll_event ev;

	pthread_cleanup_push(clean, p);
	if (p->is_disabled)
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	atomic_store(&p->tid, syscall(SYS_gettid));
	while (p->before && !atomic_load(&p->go))
		sched_yield();
	p->result = wait_in_form(p->form, p->ep, &ev);
	p->data = ev.data.u64;
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &p->type);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_testcancel();
	pthread_cleanup_pop(0);
	return NULL;
}

static void patient_start(struct patient *p)
{
	ASSERT_EQ(pthread_create(&p->thread, NULL, lie, p), 0);
	while (!atomic_load(&p->tid))
		sched_yield();
	if (!p->before)
		wait_until_sleeping(atomic_load(&p->tid));
}

static void *patient_end(struct patient *p)
{
	void *result;

	ASSERT_EQ(pthread_join(p->thread, &result), 0);
	return result;
}

static int watch(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = 7 };
	int ep = epoll_create1(0);

	ASSERT_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), 0);
	return ep;
}

TEST_LIBC(a_sleeper_is_cancelled_and_cleaned_up_after, "13")
{
	for (enum form form = WAIT; form < FORMS; form++) {
		struct patient p = { .ep = watch(eventfd(0, 0), EPOLLIN),
				     .form = form };

		patient_start(&p);
		EXPECT_EQ(pthread_cancel(p.thread), 0);
		EXPECT_TRUE(patient_end(&p) == PTHREAD_CANCELED);
		EXPECT_TRUE(atomic_load(&p.cleaned));
	}
}

/* An event that comes after the cancellation goes to the next that waits. */
TEST_LIBC(a_cancelled_sleeper_takes_no_event_along, "13 55")
{
	for (int round = 0; round < 20; round++) {
		int fd = eventfd(0, 0);
		struct patient p = { .ep = watch(fd, EPOLLIN | EPOLLET) };
		struct epoll_event ev;

		patient_start(&p);
		EXPECT_EQ(pthread_cancel(p.thread), 0);
		EXPECT_TRUE(patient_end(&p) == PTHREAD_CANCELED);
		eventfd_write(fd, 1);
		EXPECT_EQ(epoll_wait(p.ep, &ev, 1, 0), 1);
		close(p.ep);
		close(fd);
	}
}

/* The thread goes before it looks: what is ready stays, edge or not. */
TEST_LIBC(a_pending_cancellation_comes_before_events, "13")
{
	static const uint32_t kinds[] = { EPOLLIN, EPOLLIN | EPOLLET,
					  EPOLLIN | EPOLLONESHOT };

	for (int i = 0; i < 3; i++) {
		struct patient p = { .ep = watch(eventfd(1, 0), kinds[i]),
				     .before = true };
		struct epoll_event ev;

		patient_start(&p);
		EXPECT_EQ(pthread_cancel(p.thread), 0);
		atomic_store(&p.go, true);
		EXPECT_TRUE(patient_end(&p) == PTHREAD_CANCELED);
		EXPECT_EQ(epoll_wait(p.ep, &ev, 1, 0), 1);
	}
}

TEST_LIBC(disabled_cancellation_waits_for_the_end_of_the_wait, "13")
{
	int fd = eventfd(0, 0);
	struct patient p = { .ep = watch(fd, EPOLLIN), .is_disabled = true };

	patient_start(&p);
	EXPECT_EQ(pthread_cancel(p.thread), 0);
	eventfd_write(fd, 1);
	EXPECT_TRUE(patient_end(&p) == PTHREAD_CANCELED);
	EXPECT_EQ(p.result, 1);
	EXPECT_EQ(p.data, 7);
	EXPECT_TRUE(atomic_load(&p.cleaned));
}

TEST_LIBC(after_a_wait_cancellation_is_deferred_as_before, "13")
{
	for (enum form form = WAIT; form < FORMS; form++) {
		int fd = eventfd(0, 0);
		struct patient p = { .ep = watch(fd, EPOLLIN), .form = form,
				     .type = -1 };

		patient_start(&p);
		eventfd_write(fd, 1);
		EXPECT_TRUE(!patient_end(&p));
		EXPECT_EQ(p.result, 1);
		EXPECT_EQ(p.type, PTHREAD_CANCEL_DEFERRED);
	}
}

static void *change_with_pending(void *arg)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = eventfd(0, 0), ep, *done = arg;

	pthread_cancel(pthread_self());
	ep = epoll_create1(EPOLL_CLOEXEC);
	*done = ep >= 0 && !epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) &&
		!epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL) &&
		epoll_create(1) >= 0;
	pthread_testcancel();
	return NULL;
}

TEST_LIBC(making_and_changing_are_no_cancellation_points, "13")
{
	pthread_t thread;
	void *result;
	int done = 0;

	ASSERT_EQ(pthread_create(&thread, NULL, change_with_pending, &done), 0);
	ASSERT_EQ(pthread_join(thread, &result), 0);
	EXPECT_TRUE(result == PTHREAD_CANCELED);
	EXPECT_TRUE(done);
}

/* A wait of no time, and one on a file that is no instance, are points too. */
static void *look_with_pending(void *arg)
{
	struct epoll_event ev;

	pthread_cancel(pthread_self());
	epoll_wait(*(int *)arg, &ev, 1, 0);
	return NULL;
}

TEST_LIBC(every_wait_is_a_cancellation_point, "13")
{
	int p[2], fds[3] = { epoll_create1(0),
			     syscall(SYS_epoll_create1, 0) };

	ASSERT_EQ(pipe(p), 0);
	fds[2] = p[0];
	for (int i = 0; i < 3; i++) {
		pthread_t thread;
		void *result;

		ASSERT_EQ(pthread_create(&thread, NULL, look_with_pending,
					 &fds[i]), 0);
		ASSERT_EQ(pthread_join(thread, &result), 0);
		EXPECT_TRUE(result == PTHREAD_CANCELED);
	}
}

/* A process that never had a second thread may cancel the one it has. */
TEST_LIBC(the_only_thread_can_cancel_itself, "13")
{
	int ep = epoll_create1(0), status;
	pid_t pid = fork();

	if (!pid) {
		struct epoll_event ev;

		pthread_cancel(pthread_self());
		epoll_wait(ep, &ev, 1, 0);
		_exit(1);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	OBSERVE("status", status);
	EXPECT_EQ(status, 0);
}

/* A sleeper on a native epoll that the process inherited is cancelled, too. */
TEST_LIBC(a_sleeper_on_native_epoll_is_cancelled, "13")
{
	struct patient p = { .ep = syscall(SYS_epoll_create1, 0) };

	patient_start(&p);
	EXPECT_EQ(pthread_cancel(p.thread), 0);
	EXPECT_TRUE(patient_end(&p) == PTHREAD_CANCELED);
	EXPECT_TRUE(atomic_load(&p.cleaned));
}
