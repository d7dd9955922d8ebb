// SPDX-License-Identifier: MIT
/*
 * Tasks that do everything at random, and are aborted at random: whatever the
 * order, permits and elements are neither lost nor doubled, and nothing is left
 * behind. Each seed is another order, and always the same.
 */
#include <fcntl.h>

#include "lib.h"

enum { WORKERS = 40, STEPS = 30, PERMITS = 3, ROUNDS = 40 };

struct world {
	struct epx_exec *exec;
	struct epx_sem sem;
	struct epx_chan chan;
	struct epx_event event;
	struct epx_group group;
	struct epx_io io[2];
	uint64_t random;
	unsigned int held;
	int64_t sent;
	int64_t received;
	int ring[4];
	int ends;
};

struct worker {
	struct epx_future future;
	struct world *world;
	struct epx_wait_for take;
	struct epx_wait_for pass;
	struct epx_wait_for wait;
	struct epx_sleep sleep;
	struct epx_timeout timeout;
	struct epx_op op;
	struct epx_set set;
	struct epx_future *members[3];
	bool holds;
	char byte;
	int value;
	int step;
};

static unsigned int draw(struct world *world, unsigned int below)
{
	world->random =
		world->random * 6364136223846793005 + 1442695040888963407;
	return (world->random >> 33) % below;
}

static void let_go(struct worker *me)
{
	if (!me->holds)
		return;
	me->holds = false;
	me->world->held--;
	epx_sem_give(&me->world->sem);
}

static void worker_finish(struct worker *me)
{
	let_go(me);
	me->world->ends++;
	free(me);
}

/* Something to wait for; the result tells worker_took() what came of it. */
static struct epx_future *anything(struct worker *me)
{
	struct world *world = me->world;

	switch (draw(world, 5)) {
	case 0:
		return epx_sleep(&me->sleep, draw(world, 50));
	case 1:
		me->value = draw(world, 1000) + 1;
		return epx_chan_send(&me->pass, &world->chan, &me->value);
	case 2:
		return epx_event_wait(&me->wait, &world->event);
	case 3:
		return epx_recv(&me->op, &world->io[0], &me->byte, 1);
	default:
		me->value = 0;
		return epx_chan_recv(&me->pass, &world->chan, &me->value);
	}
}

/* The channel's operations count when they are ready, and only then. */
static void worker_took(struct worker *me, const struct epx_future *what)
{
	if (what != &me->pass.future || what->res)
		return;
	if (!strcmp(what->ops->name, "chan_send"))
		me->world->sent += me->value;
	else
		me->world->received += me->value;
}

static void stir(struct world *world)
{
	switch (draw(world, 6)) {
	case 0:
		epx_event_set(&world->event);
		break;
	case 1:
		epx_event_reset(&world->event);
		break;
	case 2:
		ASSERT_EQ(write(world->io[1].fd, "x", 1), 1);
		break;
	}
}

EPX_ASYNC(worker, NULL)
{
	EPX_BEGIN;
	for (me->step = 0; me->step < STEPS; me->step++) {
		stir(me->world);
		/* One of two, with a time; two readers would be a mistake. */
		me->members[0] = anything(me);
		if (me->members[0] == &me->op.future && me->world->io[0].reader)
			me->members[0] = epx_sleep(&me->sleep, 1);
		me->members[1] =
			me->holds ? NULL :
				    epx_sem_take(&me->take, &me->world->sem);
		EPX_AWAIT(epx_timeout(&me->timeout,
				      epx_select(&me->set, me->members, 2),
				      draw(me->world, 100)));
		if (EPX_RES == 0) {
			worker_took(me, me->members[0]);
		} else if (EPX_RES == 1) {
			me->holds = true;
			me->world->held++;
			EXPECT_LE(me->world->held, PERMITS);
		}
		if (draw(me->world, 2))
			let_go(me);
	}
	EPX_END;
}

static void worker_free(struct epx_future *future)
{
	worker_finish((struct worker *)future);
}

static void world_begin(struct world *world, uint64_t seed)
{
	struct worker *worker;
	int fds[2], i;

	memset(world, 0, sizeof(*world));
	world->exec = test_exec_seeded(seed);
	world->random = seed;
	epx_sem_init(&world->sem, PERMITS);
	epx_event_init(&world->event);
	epx_group_init(&world->group, world->exec);
	ASSERT_EQ(epx_chan_init(&world->chan, world->ring, sizeof(int), 4), 0);
	stream_pair(fds);
	for (i = 0; i < 2; i++)
		epx_io_init(world->exec, &world->io[i], fds[i]);
	for (i = 0; i < WORKERS; i++) {
		worker = calloc(1, sizeof(*worker));
		ASSERT_TRUE(worker);
		worker->world = world;
		ASSERT_EQ(epx_group_spawn(&world->group,
					  EPX_INIT(worker, worker),
					  worker_free),
			  0);
	}
}

static int64_t left_in(struct epx_chan *chan)
{
	int64_t sum = 0;
	unsigned int i;

	for (i = 0; i < chan->used; i++)
		sum += ((int *)chan->ring)[(chan->first + i) % chan->capacity];
	return sum;
}

static void world_end(struct world *world)
{
	struct epx_metrics metrics;

	EXPECT_EQ(world->ends, WORKERS);
	EXPECT_EQ(world->held, 0);
	EXPECT_EQ(world->sem.permits, PERMITS);
	EXPECT_EQ(world->sent, world->received + left_in(&world->chan));
	EXPECT_TRUE(world->sem.waiters.next == &world->sem.waiters);
	EXPECT_TRUE(world->chan.senders.next == &world->chan.senders);
	EXPECT_TRUE(world->chan.receivers.next == &world->chan.receivers);
	EXPECT_TRUE(world->event.waiters.next == &world->event.waiters);
	EXPECT_FALSE(world->io[0].reader);
	epx_metrics(world->exec, &metrics);
	EXPECT_EQ(metrics.tasks, 0);
	EXPECT_EQ(metrics.timers, 0);
	epx_io_close(&world->io[0]);
	epx_io_close(&world->io[1]);
	epx_exec_free(world->exec);
}

LIB_TEST(a_storm_of_everything_comes_to_its_end, ON_EACH)
{
	struct world world;
	uint64_t seed;

	for (seed = 1; seed <= ROUNDS / (on_scripted() ? 1 : 10); seed++) {
		world_begin(&world, seed);
		EXPECT_EQ(epx_run(world.exec), 0);
		world_end(&world);
	}
}

LIB_TEST(a_storm_that_is_cancelled_leaves_nothing_behind, ON_EACH)
{
	struct epx_wait_for wait;
	struct world world;
	uint64_t seed;
	int turns;

	for (seed = 1; seed <= ROUNDS; seed++) {
		world_begin(&world, seed);
		for (turns = draw(&world, 30); turns; turns--)
			EXPECT_GE(epx_run_once(world.exec, 0), 0);
		epx_group_cancel(&world.group);
		EXPECT_EQ(epx_block_on(world.exec,
				       epx_group_wait(&wait, &world.group)),
			  0);
		world_end(&world);
	}
}

LIB_TEST(a_storm_ends_with_its_executor, ON_EACH)
{
	struct world world;
	uint64_t seed;
	int turns;

	for (seed = 1; seed <= ROUNDS; seed++) {
		world_begin(&world, seed);
		for (turns = draw(&world, 30); turns; turns--)
			EXPECT_GE(epx_run_once(world.exec, 0), 0);
		epx_exec_free(world.exec);
		EXPECT_EQ(world.ends, WORKERS);
		EXPECT_EQ(world.sem.permits, PERMITS);
		epx_io_close(&world.io[0]);
		epx_io_close(&world.io[1]);
	}
}

/* While it is hungry it leaves no operation to its own, which waits for a turn. */
struct hungry {
	struct epx_future future;
	struct epx_op op;
	bool is_hungry;
	char byte;
};

static int hungry_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct hungry *me = (struct hungry *)future;

	while (me->is_hungry && epx_budget(cx))
		;
	future->awaiting = &me->op.future;
	if (epx_poll(&me->op.future, cx) == EPX_PENDING)
		return EPX_PENDING;
	return epx_ready(future, me->op.future.res);
}

static const struct epx_ops hungry_ops = { "hungry", hungry_poll, NULL, NULL,
					   NULL };

/* Its operation is made already. */
static struct epx_task *start_hungry(struct epx_exec *exec, struct hungry *me)
{
	struct epx_task *task;

	me->is_hungry = true;
	ASSERT_EQ(epx_spawn(exec, epx_init(&me->future, &hungry_ops), NULL,
			    &task), 0);
	EXPECT_GE(epx_run_once(exec, 0), 1);
	return task;
}

/* Its io may be another's then, or its memory. */
LIB_TEST(an_operation_that_waits_for_its_turn_hears_of_a_close, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_io *io = malloc(sizeof(*io));
	struct hungry first, second;
	struct epx_join_task join;
	struct epx_task *task;
	int fds[2];

	ASSERT_TRUE(io);
	stream_pair(fds);
	epx_io_init(exec, io, fds[0]);
	epx_recv(&first.op, io, &first.byte, 1);
	task = start_hungry(exec, &first);
	epx_io_close(io);
	close(fds[1]);
	/* Somebody else's, where there is something to read. */
	stream_pair(fds);
	epx_io_init(exec, io, fds[0]);
	ASSERT_EQ(write(fds[1], "x", 1), 1);
	first.is_hungry = false;
	EXPECT_EQ(epx_block_on(exec, epx_join_task(&join, task)), -EBADF);
	epx_task_put(task);
	epx_recv(&second.op, io, &second.byte, 1);
	task = start_hungry(exec, &second);
	epx_io_close(io);
	memset(io, 0x5a, sizeof(*io));
	free(io);
	second.is_hungry = false;
	EXPECT_EQ(epx_block_on(exec, epx_join_task(&join, task)), -EBADF);
	epx_task_put(task);
	close(fds[1]);
	epx_exec_free(exec);
}

/* It is not registered for that, which a file would refuse. */
LIB_TEST(an_operation_on_a_file_waits_for_its_turn, ON_EACH)
{
	struct epx_exec *exec = test_exec();
	struct epx_join_task join;
	struct epx_task *task;
	struct hungry mine;
	struct iovec to = { &mine.byte, 1 };
	struct epx_io io;
	int fd = open("/proc/self/exe", O_RDONLY);

	ASSERT_EQ(epx_io_open(exec, &io, fd), 0);
	epx_readv(&mine.op, &io, &to, 1);
	task = start_hungry(exec, &mine);
	mine.is_hungry = false;
	EXPECT_EQ(epx_block_on(exec, epx_join_task(&join, task)), 1);
	EXPECT_EQ(mine.byte, 0x7f);
	epx_task_put(task);
	epx_io_close(&io);
	epx_exec_free(exec);
}
