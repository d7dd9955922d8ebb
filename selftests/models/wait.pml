// SPDX-License-Identifier: MIT
/*
 * A sleeper against the pushes of wake callbacks, while others scan and drain:
 * the pictures at the top of kmod/wait.c and kmod/hook.c.
 *
 *	CPU 0	epx_hook_wake(): a file becomes ready, EVENTS times
 *	CPU 1	epx_wait() without a timeout: sleeps, collects, reads the file
 *	CPU 2	TURNS times one of: epx_wait() with a zero timeout, which
 *		collects; epx_drain() for an epoll_ctl(2), which wakes nobody;
 *		read(2) of the file without having been told
 *
 * One watch, edge-triggered. Claims:
 *
 *	lost_wakeup	when nothing moves any more, the watch is on no list
 *	lost_event	and its file has nothing that was not read
 *	queued_twice	a watch is put on a list only if it is on none
 *	missed		epx_is_quiet() says that it is quiet only if there was a
 *			moment in the look in which the watch was not queued
 *
 * Cuts, each of which leaves out one thing: SLEEP_MB, PUSH_MB, SHORT_CUT (a
 * plain read in front of the xchg of epx_push()), TAKE_MB, SEQ (looks that do
 * not ask for the count), SEQ_WMB, SEQ_RELEASE, SEQ_ACQUIRE, SEQ_RMB.
 */
#define CPUS		3
#define DEPTH		4

#define FILE		0
#define QUEUED		1	/* watch->queued */
#define INCOMING	2	/* instance->incoming has the watch */
#define READY		3	/* instance->ready has the watch */
#define SCAN_SEQ	4	/* instance->scan_seq */
#define SLEEPERS	5	/* waitqueue_active(&instance->sleepers) */
#define SLEEPERS_LOCK	6
#define MUTEX		7
#define LOCATIONS	8

#define CALLBACK	0
#define WAITER		1
#define OTHER		2

#ifdef CUT_SHORT_CUT
#define short_cut_reads(c, l) || (c) == CALLBACK && (l) == QUEUED
#else
#define short_cut_reads(c, l)
#endif
#define READS(c, l) \
	((c) == CALLBACK && (l) == SLEEPERS || \
	 (c) != CALLBACK && (l) == FILE || \
	 (c) == OTHER && (l) == SLEEPERS || \
	 (c) == WAITER && (l) >= INCOMING && (l) <= SCAN_SEQ \
	 short_cut_reads(c, l))
#define leaving(l, v) skip

hidden byte lost_wakeup, lost_event, queued_twice, missed;

#include "memory.pml"

/* On a list, and how often it was put on one. */
bool linked;
byte links;

#ifdef CUT_SLEEP_MB
#define sleep_mb(c) skip
#else
#define sleep_mb(c) mb(c)
#endif

#ifdef CUT_PUSH_MB
#define push_rmw(c, l, old, new) rmw(c, l, old, new, RELAXED)
#else
#define push_rmw(c, l, old, new) rmw_mb(c, l, old, new)
#endif

#ifdef CUT_TAKE_MB
#define take_rmw(c, l, old, new) rmw(c, l, old, new, RELAXED)
#else
#define take_rmw(c, l, old, new) rmw_mb(c, l, old, new)
#endif

#ifdef CUT_SEQ_WMB
#define after_odd RELAXED
#else
#define after_odd RELEASE
#endif

#ifdef CUT_SEQ_RELEASE
#define even_order RELAXED
#else
#define even_order RELEASE
#endif

#ifdef CUT_SEQ_ACQUIRE
#define seq_order RELAXED
#else
#define seq_order ACQUIRE
#endif

#ifdef CUT_SEQ_RMB
#define seq_rmb(c) skip
#else
#define seq_rmb(c) rmb(c)
#endif

#include "sleepers.pml"

active proctype callback()
{
	byte n, old;

	do
	:: n < EVENTS ->
		n++;
		store(CALLBACK, FILE, 1, RELAXED);
		/* epx_push() */
#ifdef CUT_SHORT_CUT
		load(CALLBACK, QUEUED, old, RELAXED);
		if
		:: old -> goto pushed
		:: else
		fi;
#endif
		push_rmw(CALLBACK, QUEUED, old, 1);
		if
		:: !old ->
			atomic {
				claim(queued_twice, !linked);
				push_rmw(CALLBACK, INCOMING, old, 1);
				linked = true;
				links++
			}
		:: else
		fi;
#ifdef CUT_SHORT_CUT
pushed:
#endif
		wake(CALLBACK, old)
	:: else -> break
	od
}

/* epx_move_begin(), up to its smp_wmb(): see after_odd. */
inline move_begin(c, seq)
{
	load(c, SCAN_SEQ, seq, RELAXED);
	merged { store(c, SCAN_SEQ, (seq + 1) % 8, RELAXED) }
}

inline move_end(c, seq)
{
	merged {
		store(c, SCAN_SEQ, (seq + 2) % 8, even_order);
		seq = 0
	}
}

/* epx_drain_moving(), if there is something to drain. */
inline drain(c, old)
{
	load(c, INCOMING, old, RELAXED);
	if
	:: old ->
		rmw_mb(c, INCOMING, old, 0);
		merged {
			if
			:: old -> store(c, READY, 1, after_odd)
			:: else
			fi
		}
	:: else
	fi
}

/* epx_collect(), and read(2) of what it has delivered. */
inline collect(c, seq, old)
{
	acquire_lock(c, MUTEX);
	move_begin(c, seq);
	drain(c, old);
	load(c, READY, old, RELAXED);
	if
	:: old ->
		/* epx_take() */
		store(c, READY, 0, after_odd);
		atomic {
			take_rmw(c, QUEUED, old, 0);
			linked = false
		}
		/* epx_poll_pinned() */
		load(c, FILE, old, RELAXED)
	:: else
	fi;
	move_end(c, seq);
	merged {
		store(c, MUTEX, 0, RELEASE);
	}
	if
	:: old -> rmw(c, FILE, old, 0, ACQUIRE)
	:: else
	fi;
	old = 0
}

/* epx_is_quiet() */
inline is_quiet(c, seq, answer)
{
	load(c, SCAN_SEQ, seq, seq_order);
#ifdef CUT_SEQ
	seq = 0;
#endif
	answer = !(seq & 1);
	if
	:: answer -> load(c, INCOMING, answer, RELAXED); answer = !answer
	:: else
	fi;
	if
	:: answer -> load(c, READY, answer, RELAXED); answer = !answer
	:: else
	fi;
#ifndef CUT_SEQ
	if
	:: answer ->
		seq_rmb(c);
		atomic {
			load(c, SCAN_SEQ, answer, RELAXED);
			answer = (answer == seq)
		}
	:: else
	fi;
#endif
	seq = 0
}

active proctype waiter()
{
	byte seq, old, before;

	do
	:: enqueue(WAITER);
		atomic {
			sleep_mb(WAITER);
			before = (linked -> links : 0)
		}
		is_quiet(WAITER, seq, old);
		if
		:: old ->
			claim(missed, !before || !linked || links != before);
			atomic { before = 0; old = 0 }
end_asleep:
			!asleep
		:: else -> before = 0
		fi;
		dequeue(WAITER);
		collect(WAITER, seq, old)
	od
}

active proctype other_caller()
{
	byte n, seq, old;

	do
	:: n < TURNS ->
		n++;
		if
		:: collect(OTHER, seq, old)
		:: atomic {
				rmw(OTHER, FILE, old, 0, ACQUIRE);
				old = 0
			}
		:: acquire_lock(OTHER, MUTEX);
			load(OTHER, INCOMING, old, RELAXED);
			if
			:: old ->
				move_begin(OTHER, seq);
				drain(OTHER, old);
				move_end(OTHER, seq);
			:: else
			fi;
			merged {
				store(OTHER, MUTEX, 0, RELEASE);
				old = 0
			}
		fi
	:: else -> break
	od
}

active proctype judge()
{
	timeout ->
	claim(lost_wakeup, !mem[INCOMING] && !mem[READY]);
	claim(lost_event, !mem[FILE] && !mem[QUEUED])
}
