// SPDX-License-Identifier: MIT
/*
 * The reaper against who holds the instance's mutex: the picture at the top
 * of kmod/bury.c.
 *
 *	CPU 0	CLOSES times: epx_watch_closed() pushes a watch to the graveyard
 *		and calls epx_reap_later()
 *	CPU 1	HOLDS times: takes the mutex, buries or does not, and leaves by
 *		epx_instance_unlock()
 *	CPU 2	the workqueue: epx_reap()
 *
 * Claim:
 *
 *	unburied	when nothing moves any more, the graveyard is empty
 *
 * Of the workqueue it is assumed that queue_work() is a fully ordered
 * test-and-set, and no more: not that who runs the work sees what was stored
 * before. That is left to the barrier in epx_reap().
 *
 * Cuts: UNLOCK_MB, UNLOCK_LOOK (no look after the release), REAP_MB.
 */
#define CPUS		3
#define DEPTH		4

#define GRAVEYARD	0
#define MUTEX		1
#define PENDING		2	/* of the work item */
#define LOCATIONS	3

#define CLOSER		0
#define HOLDER		1
#define REAPER		2

#define READS(c, l)	((c) != CLOSER && ((l) == GRAVEYARD || (l) == MUTEX))
#define leaving(l, v)	skip

hidden byte unburied;

#include "memory.pml"

#ifdef CUT_UNLOCK_MB
#define unlock_mb(c) skip
#else
#define unlock_mb(c) mb(c)
#endif

#ifdef CUT_REAP_MB
#define reap_mb(c) skip
#else
#define reap_mb(c) mb(c)
#endif

/* epx_reap_later() */
inline reap_later(c, was)
{
	atomic {
		rmw_mb(c, PENDING, was, 1);
		was = 0
	}
}

/* epx_bury() */
inline bury(c, graves)
{
	load(c, GRAVEYARD, graves, RELAXED);
	if
	:: graves -> rmw_mb(c, GRAVEYARD, graves, 0)
	:: else
	fi
}

/* epx_instance_unlock() */
inline unlock(c, graves)
{
	merged {
		store(c, MUTEX, 0, RELEASE);
		unlock_mb(c)
	}
#ifndef CUT_UNLOCK_LOOK
	load(c, GRAVEYARD, graves, RELAXED);
	if
	:: graves -> reap_later(c, graves)
	:: else
	fi;
#endif
	graves = 0
}

active proctype closer()
{
	byte n, old;

	do
	:: n < CLOSES ->
		n++;
		rmw_mb(CLOSER, GRAVEYARD, old, 1);
		reap_later(CLOSER, old)
	:: else -> break
	od
}

active proctype holder()
{
	byte n, graves;

	do
	:: n < HOLDS ->
		n++;
		acquire_lock(HOLDER, MUTEX);
		if
		:: bury(HOLDER, graves)
		:: skip
		fi;
		unlock(HOLDER, graves)
	:: else -> break
	od
}

active proctype reaper()
{
	byte held, graves;

end:
	do
	:: mem[PENDING] ->
		rmw(REAPER, PENDING, held, 0, RELAXED);
		/* epx_reap() */
		reap_mb(REAPER);
		/* mutex_trylock(): a plain load, where it fails. */
		load(REAPER, MUTEX, held, RELAXED);
		if
		:: !held ->
			atomic {
				if
				:: acquire_lock(REAPER, MUTEX)
				:: mem[MUTEX] -> held = 1
				fi
			}
		:: else
		fi;
		if
		:: !held ->
			bury(REAPER, graves);
			unlock(REAPER, graves)
		:: else
		fi;
		held = 0
	od
}

active proctype judge()
{
	timeout ->
	claim(unburied, !mem[GRAVEYARD])
}
