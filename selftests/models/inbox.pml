// SPDX-License-Identifier: MIT
/*
 * The library's executor against wakes from other threads: the picture at the
 * top of userlib/core/exec.c.
 *
 *	CPU 0	exec_run(): polls, sleeps, takes the inbox, polls who was woken
 *	CPU 1	a thread that has something for task 0 and calls epx_wake(),
 *		POSTS times
 *	CPU 2	the same for task 1, or for task 0 too (SHARED)
 *
 * Claims:
 *
 *	lost_wakeup	when nothing moves any more, the inbox is empty
 *	lost_event	and each task has seen the last that there was for it
 *	posted_twice	a post is put into the inbox only if it is in none
 *
 * Cuts, each of which leaves out one thing: SLEEP_MB, the fence of
 * epx_exec_fall_asleep(); PUSH_MB, that of epx_inbox_push(), and that its
 * compare-and-exchange is more than a release; LOOK, that it looks at the state
 * at all; WAKE_RELEASE, that of the exchange in epx_wake(); POSTED_ACQUIRE, that
 * of the exchange in epx_task_posted(); POSTED_LATE, that this comes before the
 * poll.
 */
#define CPUS		3
#define DEPTH		4

#define EXEC		0

#define NEWS(t)		(t)		/* what there is for task t */
#define POSTED(t)	(2 + (t))	/* task.posted */
#define INBOX		4		/* a bit for each task */
#define STATE		5
#define LOCATIONS	6

#define AWAKE		0
#define ASLEEP		1
#define NOTIFIED	2

#define READS(c, l) \
	((c) == EXEC && ((l) <= 1 || (l) == INBOX) || \
	 (c) != EXEC && (l) == STATE)
#define leaving(l, v) skip

hidden byte lost_wakeup, lost_event, posted_twice;

#include "memory.pml"

/* The eventfd: a system call, so it takes effect at once. */
bool written;
byte seen[2];
bool in_inbox[2];

#ifdef CUT_SLEEP_MB
#define sleep_mb(c) skip
#else
#define sleep_mb(c) mb(c)
#endif

#ifdef CUT_PUSH_MB
#define push_rmw(c, l, old, new) rmw(c, l, old, new, RELEASE)
#define push_mb(c) skip
#else
#define push_rmw(c, l, old, new) rmw_mb(c, l, old, new)
#define push_mb(c) mb(c)
#endif

#ifdef CUT_WAKE_RELEASE
#define wake_order ACQUIRE
#else
#define wake_order ACQ_REL
#endif

#ifdef CUT_POSTED_ACQUIRE
#define posted_order RELEASE
#else
#define posted_order ACQ_REL
#endif

#ifdef SHARED
#define TASK(c)	0
#else
#define TASK(c)	((c) - 1)
#endif

/* epx_task_posted() */
inline posted(t, old)
{
	atomic {
		in_inbox[t] = false;
		rmw(EXEC, POSTED(t), old, 0, posted_order);
		old = 0
	}
}

/* The poll of task t, which looks what there is. */
inline poll(t, old)
{
	load(EXEC, NEWS(t), old, RELAXED);
	merged {
		if
		:: old > seen[t] -> seen[t] = old
		:: else
		fi;
		old = 0
	}
}

/* A post has come out of the inbox. */
inline taken(t, bits, old)
{
	if
	:: bits & (1 << t) ->
#ifdef CUT_POSTED_LATE
		poll(t, old);
		posted(t, old)
#else
		posted(t, old);
		poll(t, old)
#endif
	:: else
	fi
}

active proctype executor()
{
	byte bits, old;

	do
	:: store(EXEC, STATE, ASLEEP, RELAXED);
		sleep_mb(EXEC);
		load(EXEC, INBOX, bits, RELAXED);
		if
		:: bits -> skip
		:: else ->
end_asleep:
			atomic { written -> written = false }
		fi;
		merged {
			bits = 0;
			store(EXEC, STATE, AWAKE, RELAXED)
		}
		load(EXEC, INBOX, bits, RELAXED);
		if
		:: bits ->
			rmw(EXEC, INBOX, bits, 0, ACQ_REL);
			taken(0, bits, old);
			taken(1, bits, old)
		:: else
		fi;
		bits = 0
	od
}

/* epx_inbox_push() */
inline push(c, t, old)
{
	atomic {
		claim(posted_twice, !in_inbox[t]);
		in_inbox[t] = true;
		push_rmw(c, INBOX, old, old | (1 << t))
	}
#ifndef CUT_LOOK
	if
	:: !old ->
		push_mb(c);
		load(c, STATE, old, RELAXED);
		if
		:: old == ASLEEP ->
			rmw(c, STATE, old, (old == ASLEEP -> NOTIFIED : old),
			    RELAXED);
			atomic {
				if
				:: old == ASLEEP -> written = true
				:: else
				fi
			}
		:: else
		fi
	:: else
	fi
#endif
}

proctype thread(byte c)
{
	byte n, old;

	do
	:: n < POSTS ->
		n++;
		atomic {
#ifdef SHARED
			/* An operation of the program's, atomic, but no fence. */
			rmw(c, NEWS(0), old, old + 1, RELAXED)
#else
			store(c, NEWS(TASK(c)), n, RELAXED)
#endif
		}
		/* epx_wake() */
		rmw(c, POSTED(TASK(c)), old, 1, wake_order);
		if
		:: !old -> push(c, TASK(c), old)
		:: else
		fi;
		old = 0
	:: else -> break
	od
}

init {
	atomic {
		run thread(1);
		run thread(2)
	}
}

active proctype judge()
{
	timeout ->
	claim(lost_wakeup, !mem[INBOX]);
	claim(lost_event, mem[NEWS(0)] == seen[0] && mem[NEWS(1)] == seen[1])
}
