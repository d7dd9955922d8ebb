// SPDX-License-Identifier: MIT
/*
 * An executor's life: what a run waits for, what is left to a loop around it,
 * in which order the end comes, and kernels that refuse a call.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib.h"

static int count_poll(struct epx_future *future, struct epx_cx *cx)
{
	(void)cx;
	return epx_ready(future, 7);
}

static const struct epx_ops count_ops = { "count", count_poll, NULL, NULL,
					  NULL };

/* At its end it gives the executor more to do, as another thread would. */
struct giver {
	struct epx_future future;
	struct epx_exec *exec;
	struct epx_future given;
	struct epx_call call;
	int calls;
};

static void giver_called(struct epx_call *call)
{
	struct giver *me = (struct giver *)((char *)call -
					    offsetof(struct giver, call));

	me->calls++;
}

EPX_ASYNC(giver, NULL)
{
	EPX_BEGIN;
	epx_call_on(me->exec, &me->call);
	if (epx_spawn_on(me->exec, epx_init(&me->given, &count_ops), NULL,
			 NULL))
		EPX_RETURN(-ENOMEM);
	EPX_END;
}

LIB_TEST(a_run_waits_for_tasks_that_are_on_their_way, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct giver giver = { .exec = exec, .call.fn = giver_called };

	ASSERT_EQ(epx_spawn_on(exec, EPX_INIT(&giver, giver), NULL, NULL), 0);
	EXPECT_EQ(epx_run(exec), 0);
	EXPECT_EQ(giver.calls, 1);
	EXPECT_EQ(giver.given.res, 7);
	epx_exec_free(exec);
}

static void nothing(struct epx_call *call)
{
	(void)call;
}

/* However the last turn was made: by epx_block_on(), by epx_run(). */
LIB_TEST(a_post_after_a_run_shows_in_the_descriptor, ON_KERNEL)
{
	struct epx_exec *exec = test_exec();
	struct pollfd look = { .events = POLLIN };
	struct epx_call call = { .fn = nothing };
	struct epx_sleep sleep;
	int i;

	look.fd = epx_fd(exec);
	ASSERT_GE(look.fd, 0);
	for (i = 0; i < 4; i++) {
		epx_sleep(&sleep, EPX_USEC);
		if (i % 2)
			ASSERT_EQ(epx_spawn(exec, &sleep.future, NULL, NULL),
				  0);
		EXPECT_EQ(i % 2 ? epx_run(exec) :
				  epx_block_on(exec, &sleep.future),
			  0);
		EXPECT_EQ(poll(&look, 1, 0), 0);
		epx_call_on(exec, &call);
		EXPECT_EQ(poll(&look, 1, 0), 1);
		EXPECT_EQ(epx_run_once(exec, 0), 0);
	}
	epx_exec_free(exec);
}

/* A parent has what its children use; its memory goes with it. */
struct parent {
	struct epx_future future;
	struct epx_exec *exec;
	struct epx_group group;
	struct epx_sem sem;
	struct epx_wait_for children[3];
	struct epx_wait_for wait;
	bool *is_over;
};

static void parent_end(struct parent *me)
{
	EXPECT_EQ(me->group.count, 0);
	*me->is_over = true;
}

static void parent_free(struct epx_future *future)
{
	memset(future, 0x5a, sizeof(struct parent));
	free(future);
}

EPX_ASYNC(parent, parent_end)
{
	int i;

	EPX_BEGIN;
	epx_group_init(&me->group, me->exec);
	epx_sem_init(&me->sem, 0);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(epx_group_spawn(&me->group,
					  epx_sem_take(&me->children[i],
						       &me->sem),
					  NULL),
			  0);
	EPX_TRY(epx_group_wait(&me->wait, &me->group));
	EPX_END;
}

LIB_TEST(an_executor_that_is_freed_ends_children_before_parents, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct parent *parent = malloc(sizeof(*parent));
	bool is_over = false;

	ASSERT_TRUE(parent);
	parent->exec = exec;
	parent->is_over = &is_over;
	ASSERT_EQ(epx_spawn(exec, EPX_INIT(parent, parent), parent_free, NULL),
		  0);
	while (epx_run_once(exec, 0))
		;
	EXPECT_FALSE(is_over);
	epx_exec_free(exec);
	EXPECT_TRUE(is_over);
}

static struct epx_exec *ending;
static int64_t answers[3];

static void run_at_the_end(struct epx_future *future)
{
	struct epx_sleep sleep;

	(void)future;
	answers[0] = epx_run(ending);
	answers[1] = epx_run_once(ending, 0);
	answers[2] = epx_block_on(ending, epx_sleep(&sleep, 0));
}

LIB_TEST(an_executor_that_is_freed_does_not_run, ON_EACH)
{
	struct epx_sleep sleep;
	int i;

	ending = test_exec();
	ASSERT_EQ(epx_spawn(ending, epx_sleep(&sleep, EPX_NEVER),
			    run_at_the_end, NULL), 0);
	EXPECT_EQ(epx_run_once(ending, 0), 1);
	epx_exec_free(ending);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(answers[i], -EBUSY);
}

/*
 * As a kernel without the call, or a sandbox that does not know it with
 * a first argument from @low to @high.
 */
static void refuse(int call, int err, unsigned int low, unsigned int high)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, high, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 7, code };

	ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		test_skip("no seccomp here: %s", strerror(errno));
}

static void sleep_without_pwait2(int err)
{
	struct epx_exec *exec = test_exec();
	struct epx_sleep sleep;
	int64_t began = epx_time(exec);

	refuse(SYS_epoll_pwait2, err, 0, UINT32_MAX);
	EXPECT_EQ(epx_block_on(exec, epx_sleep(&sleep, EPX_MSEC + 1)), 0);
	EXPECT_GE(epx_time(exec) - began, EPX_MSEC + 1);
	epx_exec_free(exec);
}

LIB_TEST(a_kernel_without_nanoseconds_is_asked_for_milliseconds, ON_EACH)
{
	sleep_without_pwait2(ENOSYS);
}

LIB_TEST(a_sandbox_that_forbids_nanoseconds_is_no_matter, ON_EACH)
{
	sleep_without_pwait2(EPERM);
}

LIB_TEST(a_machine_without_ipv6_listens_on_all_that_it_has, ON_EACH)
{
	int fd;

	refuse(SYS_socket, EAFNOSUPPORT, AF_INET6, AF_INET6);
	fd = epx_listen_tcp(NULL, 0, 1, 0);
	ASSERT_GE(fd, 0);
	EXPECT_GT(epx_port(fd), 0);
	close(fd);
	EXPECT_EQ(epx_listen_tcp("::1", 0, 1, 0), -EAFNOSUPPORT);
}

LIB_TEST(without_descriptors_there_is_no_executor, ON_EACH)
{
	struct epx_options options = { .backend = test_backend() };
	struct rlimit limit, was;
	struct epx_exec *exec;
	int lowest = dup(0), free, err;

	ASSERT_GE(lowest, 0);
	close(lowest);
	ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
	for (free = 0; free < 8; free++) {
		limit = was;
		limit.rlim_cur = lowest + free;
		ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
		err = epx_exec_new(&exec, &options);
		if (!err)
			break;
		EXPECT_EQ(err, -EMFILE);
	}
	EXPECT_GE(free, 1);
	EXPECT_LE(free, 4);
	EXPECT_EQ(err, 0);
	epx_exec_free(exec);
	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
}
