// SPDX-License-Identifier: MIT
/*
 * An executor inside of GLib's main loop, by epx_fd() and epx_next(): all that
 * wakes a task does so there, and nothing turns in vain.
 */
#define _GNU_SOURCE
#include <glib-unix.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "glib_source.h"
#include "lib.h"

/* Is asked each time the loop goes round, and never has anything to do. */
struct witness {
	GSource base;
	int rounds;
};

static gboolean witness_prepare(GSource *base, gint *timeout)
{
	((struct witness *)base)->rounds++;
	*timeout = -1;
	return FALSE;
}

static GSourceFuncs witness_functions = { .prepare = witness_prepare };

/* A main loop of its own, so that it leaves nothing open. */
struct place {
	GMainContext *context;
	GMainLoop *loop;
	struct epx_exec *exec;
	struct glib_source *source;
	struct witness *witness;
};

static void place_open(struct place *place, struct epx_exec *exec)
{
	GSource *witness = g_source_new(&witness_functions,
					sizeof(struct witness));

	place->context = g_main_context_new();
	place->loop = g_main_loop_new(place->context, FALSE);
	place->exec = exec;
	place->source = glib_source_new(exec);
	ASSERT_TRUE(place->source);
	g_source_attach(&place->source->base, place->context);
	place->witness = (struct witness *)witness;
	g_source_attach(witness, place->context);
}

static void place_close(struct place *place)
{
	g_source_destroy(&place->source->base);
	g_source_unref(&place->source->base);
	g_source_destroy(&place->witness->base);
	g_source_unref(&place->witness->base);
	g_main_loop_unref(place->loop);
	g_main_context_unref(place->context);
	epx_exec_free(place->exec);
}

/*
 * The executor has no more turns than that, and the loop does not spin. It goes
 * round once more behind each turn, since GLib takes the descriptor out for the
 * time of a dispatch, and wakes itself when it puts it back.
 */
static void expect_rounds(struct place *place, int most)
{
	struct epx_metrics metrics;

	epx_metrics(place->exec, &metrics);
	EXPECT_LE(metrics.turns, most);
	EXPECT_LE(place->witness->rounds, 2 * most + 20);
}

static uint64_t turns_of(struct place *place)
{
	struct epx_metrics metrics;

	epx_metrics(place->exec, &metrics);
	return metrics.turns;
}

static void spawn(struct place *place, struct epx_future *future)
{
	ASSERT_EQ(epx_spawn(place->exec, future, NULL, NULL), 0);
}

/* A source of GLib's own, destroyed by what it returns. */
static void add_timeout(struct place *place, int ms, GSourceFunc function,
			void *arg)
{
	GSource *timeout = g_timeout_source_new(ms);

	g_source_set_callback(timeout, function, arg, NULL);
	g_source_attach(timeout, place->context);
	g_source_unref(timeout);
}

/* No whole number of milliseconds, which is what poll(2) takes. */
#define NAP	(2 * EPX_MSEC + 900 * EPX_USEC)

struct sleeper {
	struct epx_future future;
	struct place *place;
	struct epx_sleep sleep;
	int64_t since;
	int naps;
};

EPX_ASYNC(sleeper, NULL)
{
	EPX_BEGIN;
	for (; me->naps; me->naps--) {
		me->since = epx_now(cx);
		EPX_AWAIT(epx_sleep(&me->sleep, NAP));
		EXPECT_GE(epx_now(cx) - me->since, NAP);
	}
	g_main_loop_quit(me->place->loop);
	EPX_END;
}

LIB_TEST(a_main_loop_wakes_up_for_timers, ON_KERNEL)
{
	struct place place;
	struct sleeper sleeper = { .place = &place, .naps = 50 };

	place_open(&place, test_exec());
	spawn(&place, EPX_INIT(&sleeper, sleeper));
	g_main_loop_run(place.loop);
	/* Rounded up, so that no turn comes before its time. */
	expect_rounds(&place, 50 + 2);
	place_close(&place);
}

/* The other side, a source of GLib's. */
struct player {
	struct place *place;
	struct echo echo;
	int fd;
	int left;
};

static gboolean player_step(gint fd, GIOCondition condition, gpointer arg)
{
	struct player *player = arg;
	char text[64];

	(void)condition;
	EXPECT_EQ(recv(fd, text, sizeof(text), 0), 1);
	EXPECT_EQ(text[0], 'a' + player->left % 26);
	if (!--player->left) {
		g_main_loop_quit(player->place->loop);
		return G_SOURCE_REMOVE;
	}
	text[0] = 'a' + player->left % 26;
	EXPECT_EQ(send(fd, text, 1, 0), 1);
	return G_SOURCE_CONTINUE;
}

static void player_start(struct player *player, struct place *place, int turns)
{
	char first = 'a' + turns % 26;
	GSource *watch;
	int fds[2];

	stream_pair(fds);
	player->place = place;
	player->left = turns;
	player->fd = fds[1];
	spawn(place, echo_on(&player->echo, place->exec, fds[0]));
	watch = g_unix_fd_source_new(fds[1], G_IO_IN);
	g_source_set_callback(watch, G_SOURCE_FUNC(player_step), player, NULL);
	g_source_attach(watch, place->context);
	g_source_unref(watch);
	ASSERT_EQ(send(fds[1], &first, 1, 0), 1);
}

static void player_end(struct player *player)
{
	epx_io_close(&player->echo.io);
	close(player->fd);
}

LIB_TEST(a_task_and_a_source_talk_to_each_other, ON_KERNEL)
{
	struct player player;
	struct place place;

	place_open(&place, test_exec());
	player_start(&player, &place, 500);
	g_main_loop_run(place.loop);
	/* One for each byte, and one that finds that its send can be tried. */
	expect_rounds(&place, 500 * 2 + 10);
	player_end(&player);
	place_close(&place);
}

/* Their ring moves to a larger instance in midst of that. */
LIB_TEST(a_main_loop_stays_with_a_ring_that_grows, ON_KERNEL)
{
	struct epx_options options = { .backend = test_backend(), .items = 4 };
	struct player players[40];
	struct epx_exec *exec;
	struct place place;
	int i, turns = 0;

	ASSERT_EQ(epx_exec_new(&exec, &options), 0);
	place_open(&place, exec);
	for (i = 0; i < 40; i++) {
		player_start(&players[i], &place, 10);
		g_main_loop_run(place.loop);
		EXPECT_EQ(players[i].left, 0);
		turns += 10;
	}
	expect_rounds(&place, turns * 2 + 40 * 4);
	for (i = 0; i < 40; i++)
		player_end(&players[i]);
	place_close(&place);
}

/* Woken by another thread, which waits for each wake to be seen. */
struct sleepyhead {
	struct epx_future future;
	struct place *place;
	struct epx_task *_Atomic waker;
	_Atomic int asked;
	_Atomic int seen;
	int wanted;
};

static int sleepyhead_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct sleepyhead *me = (struct sleepyhead *)future;

	if (!me->waker)
		me->waker = epx_waker_get(cx);
	me->seen = me->asked;
	if (me->seen < me->wanted)
		return EPX_PENDING;
	g_main_loop_quit(me->place->loop);
	return epx_ready(future, 0);
}

static const struct epx_ops sleepyhead_ops = { "sleepyhead", sleepyhead_poll,
					       NULL, NULL, NULL };

static void *wake_and_wait(void *arg)
{
	struct sleepyhead *me = arg;
	struct epx_task *waker;
	int i;

	while (!(waker = me->waker))
		sched_yield();
	for (i = 1; i <= me->wanted; i++) {
		unsigned int looks = 0;

		me->asked = i;
		epx_wake(waker);
		while (me->seen < i)
			before_next_look(&looks);
	}
	return NULL;
}

LIB_TEST(no_wake_of_a_thread_is_lost_in_a_main_loop, ON_KERNEL)
{
	struct sleepyhead sleepyhead = { .wanted = 2000 };
	struct place place;
	pthread_t thread;

	place_open(&place, test_exec());
	sleepyhead.place = &place;
	epx_init(&sleepyhead.future, &sleepyhead_ops);
	spawn(&place, &sleepyhead.future);
	ASSERT_EQ(pthread_create(&thread, NULL, wake_and_wait, &sleepyhead), 0);
	g_main_loop_run(place.loop);
	pthread_join(thread, NULL);
	/* A wake may come behind a turn's look, and be told once more. */
	expect_rounds(&place, 2000 * 2 + 10);
	epx_waker_put(sleepyhead.waker);
	place_close(&place);
}

struct idler {
	struct place *place;
	uint64_t turns;
	int ticks;
};

static gboolean idler_tick(gpointer arg)
{
	struct idler *idler = arg;

	/* What there was to begin with is over at the second one. */
	if (++idler->ticks == 2)
		idler->turns = turns_of(idler->place);
	if (idler->ticks < 12)
		return G_SOURCE_CONTINUE;
	g_main_loop_quit(idler->place->loop);
	return G_SOURCE_REMOVE;
}

LIB_TEST(an_idle_executor_has_no_turn, ON_KERNEL)
{
	struct epx_timeout hour;
	struct echo echo;
	struct place place;
	struct idler idler = { .place = &place };
	int fds[2];

	place_open(&place, test_exec());
	stream_pair(fds);
	spawn(&place, epx_timeout(&hour, echo_on(&echo, place.exec, fds[0]),
				  3600 * EPX_SEC));
	add_timeout(&place, 5, idler_tick, &idler);
	g_main_loop_run(place.loop);
	EXPECT_EQ(turns_of(&place), idler.turns);
	EXPECT_GE(idler.turns, 1);
	epx_io_close(&echo.io);
	close(fds[1]);
	place_close(&place);
}

struct restless {
	struct epx_future future;
	struct epx_yield_now yield;
	bool enough;
};

EPX_ASYNC(restless, NULL)
{
	EPX_BEGIN;
	while (!me->enough)
		EPX_AWAIT(epx_yield_now(&me->yield));
	EPX_END;
}

LIB_TEST(a_task_that_never_rests_leaves_a_main_loop_its_sources, ON_KERNEL)
{
	struct restless restless = { .enough = false };
	struct place place;
	struct idler idler = { .place = &place };

	place_open(&place, test_exec());
	spawn(&place, EPX_INIT(&restless, restless));
	add_timeout(&place, 1, idler_tick, &idler);
	g_main_loop_run(place.loop);
	EXPECT_EQ(idler.ticks, 12);
	EXPECT_GE(turns_of(&place), 12);
	restless.enough = true;
	place_close(&place);
}

/* A source of GLib's spawns, and the executor has its turn at once. */
static gboolean spawn_sleeper(gpointer arg)
{
	struct sleeper *sleeper = arg;

	spawn(sleeper->place, EPX_INIT(sleeper, sleeper));
	return G_SOURCE_REMOVE;
}

LIB_TEST(what_a_source_spawns_is_run, ON_KERNEL)
{
	struct place place;
	struct sleeper sleeper = { .place = &place, .naps = 1 };

	place_open(&place, test_exec());
	add_timeout(&place, 5, spawn_sleeper, &sleeper);
	g_main_loop_run(place.loop);
	EXPECT_EQ(sleeper.naps, 0);
	expect_rounds(&place, 4);
	place_close(&place);
}
