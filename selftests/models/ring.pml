// SPDX-License-Identifier: MIT
/*
 * The mapped ring: hints, slots, sleep, pop and re-arm, as <linux/epollx_ring.h>
 * describes them: kmod/ring.c on one side, the library's consumer on the other.
 *
 *	CPU 0, 1	CALLBACKS of them (2): wake callbacks, HINTS on each, of any
 *			of ITEMS items: two heads of one file, or two files
 *	CPU 2		the program: consumes; arms; sleeps by EPX_WAIT_RING
 *	CPU 3		another thread: (REUSE) deletes a watch and adds another, of
 *			another file, that gets the same item; (POLLS) POLLS times a
 *			poll(2) of the instance, which publishes facts
 *
 * The ring has as many slots as there are items, so that they are used again
 * as soon as they may. One bit, READY, stands for all hints; a file that is
 * ready has FILE set, and who reads it until EAGAIN clears it.
 *
 * Scenes, by -D: none, edge-triggered watches; ONESHOT, which the program arms
 * again after an event or does not, and once out of turn; RECHECKS, wake-ups
 * without a key, for whose facts the program calls EPX_IOC_WAIT; with it
 * FORCED, where a callback may run out of tries at once, and STRAY, where the
 * program once reads the file without having been told; REUSE; POLLS.
 *
 * Claims:
 *
 *	lost_wakeup	when nothing moves any more, the ring is empty
 *	lost_event	and an armed item has neither INRING nor READY, and its
 *			file was read; a disarmed one has READY or RECHECK, if
 *			there is something to read: it comes out by arming
 *	twice_in_ring	an item is put into the ring only if it is not there
 *	overflow	the ring never has more than ITEMS slots in use
 *	overwritten	a slot is written only when it is empty
 *	unasked		one event at most for each time that a one-shot is armed
 *	misattributed	what is popped with a generation was a hint for it
 *	wrong_data	and so is the data, if the generation is still the same
 *
 * Cuts: runs.tsv says what each leaves out.
 */
#ifndef CALLBACKS
#define CALLBACKS	2
#endif
#if defined(REUSE) || defined(POLLS)
#define CPUS		4
#else
#define CPUS		3
#endif
#ifdef REUSE
#define FILES		2
#else
#define FILES		ITEMS
#endif
#define DEPTH		4

#define PROGRAM		2
#define OTHER		3

#define STATE(i)	(i)
#define SLOT(n)		(ITEMS + (n) % ITEMS)
#define FILE(f)		(2 * ITEMS + (f))
#define TAIL		(2 * ITEMS + FILES)
#define SLEEPERS	(TAIL + 1)
#define SLEEPERS_LOCK	(TAIL + 2)
#if defined(REUSE)
#define DATA		(TAIL + 3)
#define LOCATIONS	(TAIL + 4)
#elif defined(RECHECKS)
#define QUEUED		(TAIL + 3)
#define INCOMING	(TAIL + 4)
#define TO_POLL		(TAIL + 5)	/* watch->recheck */
#define MUTEX		(TAIL + 6)
#define SCAN_SEQ	(TAIL + 7)
#ifdef POLLS
#define LOCATIONS	(TAIL + 8)
#else
#define LOCATIONS	(TAIL + 6)
#endif
#else
#define LOCATIONS	(TAIL + 3)
#endif

/* EPX_ITEM_* */
#define READY		1
#define RECHECK		2
#define ARMED		4
#define INRING		8
#define GENERATION	16

#define is_slot(l)	((l) >= ITEMS && (l) < 2 * ITEMS)
#define reads_ring(c, l) \
	((c) == PROGRAM && is_slot(l) || (c) != PROGRAM && (l) == SLEEPERS)
#if defined(REUSE)
#define READS(c, l) \
	(reads_ring(c, l) || (c) == OTHER && (l) == FILE(1) || \
	 (c) == PROGRAM && ((l) == DATA || (l) == STATE(0)))
#elif defined(RECHECKS)
#define READS(c, l) \
	(reads_ring(c, l) || \
	 (c) == PROGRAM && (l) == SCAN_SEQ || \
	 (c) >= PROGRAM && ((l) == INCOMING || (l) == FILE(0) || (l) == STATE(0)))
#elif defined(CUT_POP_SPLIT) || defined(CUT_ARM_BLIND)
#define READS(c, l)	(reads_ring(c, l) || (c) == PROGRAM && (l) < ITEMS)
#else
#define READS(c, l)	reads_ring(c, l)
#endif

hidden byte lost_wakeup, lost_event, twice_in_ring, overflow, overwritten;
hidden byte unasked, misattributed, wrong_data;

#define leaving(l, v) \
	overwritten = is_slot(l) && (v) && mem[l]; \
	assert(!overwritten)

#include "memory.pml"

#ifdef CUT_SLEEP_MB
#define sleep_mb(c) skip
#else
#define sleep_mb(c) mb(c)
#endif

#include "sleepers.pml"

#ifdef CUT_APPEND_MB
#define append_mb(c) skip
#else
#define append_mb(c) mb(c)
#endif

#if defined(CUT_HINT_RELEASE)
#define hint_rmw(c, l, old, new) rmw(c, l, old, new, RELAXED)
#elif defined(CUT_HINT_MB)
#define hint_rmw(c, l, old, new) rmw(c, l, old, new, RELEASE)
#else
#define hint_rmw(c, l, old, new) rmw_mb(c, l, old, new)
#endif

#ifdef CUT_SLOT_RELEASE
#define slot_release RELAXED
#else
#define slot_release RELEASE
#endif

#ifdef CUT_SLOT_ACQUIRE
#define slot_acquire RELAXED
#else
#define slot_acquire ACQUIRE
#endif

#if defined(CUT_POP_RELEASE)
#define pop_order ACQUIRE
#elif defined(CUT_POP_ACQUIRE)
#define pop_order RELEASE
#else
#define pop_order ACQ_REL
#endif

#ifdef CUT_DATA_RMB
#define data_rmb(c) skip
#else
#define data_rmb(c) rmb(c)
#endif

#ifdef CUT_END_WMB
#define after_end RELAXED
#else
#define after_end RELEASE
#endif

#ifdef CUT_BIND_WMB
#define after_data RELAXED
#else
#define after_data RELEASE
#endif

#ifdef CUT_MARK_RELEASE
#define mark_order RELAXED
#else
#define mark_order RELEASE
#endif

#ifdef CUT_RECHECK_MB
#define recheck_rmw(c, l, old, new) rmw(c, l, old, new, RELAXED)
#else
#define recheck_rmw(c, l, old, new) rmw_mb(c, l, old, new)
#endif

/* What a hint does to a state, beside its own bit. */
#ifdef CUT_INRING
#define appends(s)	(((s) & ARMED) != 0)
#else
#define appends(s)	(((s) & (ARMED | INRING)) == ARMED)
#endif
#if !defined(ONESHOT)
#define disarms(s, bits) false
#elif defined(CUT_DISARM)
#define disarms(s, bits) (appends(s) && (bits) & READY)
#elif defined(CUT_DISARM_RECHECK)
#define disarms(s, bits) (((s) & ARMED) != 0)
#else
#define disarms(s, bits) ((s) & ARMED && (bits) & READY)
#endif
/* epx_state_after() */
#define hinted(s, bits) \
	((((s) | (bits)) & (255 - ARMED * (disarms(s, bits)))) | \
	 INRING * appends(s))
/* epx_ring_force(): whatever it was, as if it had been armed. */
#define forced(bits)	(GENERATION | (bits) | hinted(ARMED, 0))

/* struct epx_ring_head; the program is the only one that writes it. */
byte head;
/* Between the append and the pop. */
bool in_ring[ITEMS];

/* epx_ring_append(), if @told & 1. */
inline append(c, i, told, at)
{
	if
	:: told & 1 ->
		atomic {
			rmw(c, TAIL, at, at + 1, RELAXED);
			claim(overflow, at + 1 - head <= ITEMS)
		}
		merged {
			store(c, SLOT(at), i + 1, slot_release);
			at = 0
		}
		append_mb(c)
	:: else
	fi
}

/*
 * epx_ring_publish(). @told: whether the item is in the ring, for the caller
 * to wake somebody; scratch, as @at, which is 0 before and after.
 */
inline publish(c, i, bits, told, at)
{
	atomic {
		hint_rmw(c, STATE(i), told, hinted(told, bits));
		if
		:: appends(told) ->
			claim(twice_in_ring, !in_ring[i]);
			in_ring[i] = true
		:: else
		fi;
		told = appends(told) + 2 * ((hinted(told, 0) & INRING) != 0)
	}
	append(c, i, told, at)
}

/* epx_hook_pass_on(), if the item is in the ring. */
inline pass_on(c, told)
{
	if
	:: told -> wake(c, told)
	:: else
	fi
}

#if defined(REUSE)

/* Hooks of the item's watches; a callback has its file's wait queue's lock. */
bool hooked[2];
bool in_callback[2];
/* Has there ever been something to read? */
bool raised[2];

/*
 * The barriers are those of any waker and of any poll(2): either the waker
 * sees the new entry on the queue, or the poll sees that the file is ready.
 */
inline wake_up(c, i, old, at)
{
	merged {
		raised[c] = true;
		store(c, FILE(c), 1, RELAXED)
	}
	mb(c);
	if
	:: atomic { hooked[c] -> in_callback[c] = true }
		publish(c, 0, READY, old, at);
		pass_on(c, old);
		in_callback[c] = false
	:: !hooked[c]
	fi
}

#elif defined(RECHECKS)

/* epx_push() */
inline push(c, old)
{
	rmw_mb(c, QUEUED, old, 1);
	if
	:: !old -> rmw_mb(c, INCOMING, old, 1)
	:: else
	fi;
	old = 0
}

/* epx_ring_hint(), with a key or without. */
inline wake_up(c, i, old, at)
{
	store(c, FILE(i), 1, RELAXED);
	if
	:: publish(c, i, READY, old, at)
	:: store(c, TO_POLL, 1, mark_order);
#ifdef CUT_QUEUE_LATE
		publish(c, i, RECHECK, old, at);
		pass_on(c, old);
		push(c, old)
#else
		push(c, old);
		publish(c, i, RECHECK, old, at)
#endif
#ifdef FORCED
	:: true ->
#ifdef CUT_FORCE_EARLY
		store(c, TO_POLL, 1, mark_order);
		push(c, old);
#endif
		atomic {
			rmw_mb(c, STATE(i), old, forced(RECHECK));
			claim(twice_in_ring, old & INRING || !in_ring[i]);
			in_ring[i] = true;
			was = old & INRING;
			old = 0
		}
#ifndef CUT_FORCE_EARLY
		store(c, TO_POLL, 1, mark_order);
		push(c, old);
#endif
		old = 2 + !was;
		append(c, i, old, at)
#endif
	fi;
	was = 0;
	pass_on(c, old)
}

/*
 * A scan: in EPX_IOC_WAIT, and (POLLS) in a poll(2) of the instance. It wakes
 * nobody; who would go to sleep meanwhile sees that it runs. epx_ring_tell() is
 * for who slept before another thread armed: nobody does that here.
 */
inline publish_facts(c, old, at)
{
#ifdef POLLS
	acquire_lock(c, MUTEX);
	/* epx_move_begin() */
	load(c, SCAN_SEQ, old, RELAXED);
	store(c, SCAN_SEQ, (old + 1) % 8, RELAXED);
#endif
	load(c, INCOMING, old, RELAXED);
	if
	:: old ->
		rmw_mb(c, INCOMING, old, 0);
		/* epx_take() */
		recheck_rmw(c, QUEUED, old, 0);
		/* epx_ring_recheck() */
		load(c, STATE(0), old, RELAXED);
		if
		:: old & RECHECK ->
			rmw(c, STATE(0), old, old & (255 - RECHECK), RELAXED)
		:: else
		fi;
		recheck_rmw(c, TO_POLL, old, 0);
		if
		:: old -> load(c, FILE(0), old, RELAXED)
		:: else
		fi;
		if
		:: old -> publish(c, 0, READY, old, at)
		:: else
		fi
	:: else
	fi;
#ifdef POLLS
	/* epx_move_end() */
	load(c, SCAN_SEQ, old, RELAXED);
	store(c, SCAN_SEQ, (old + 1) % 8, RELEASE);
	store(c, MUTEX, 0, RELEASE);
#endif
	old = 0
}

#else

inline wake_up(c, i, old, at)
{
	store(c, FILE(i), 1, RELAXED);
	publish(c, i, READY, old, at);
	pass_on(c, old)
}

#endif

proctype callbacks(byte c)
{
	byte n, i, old, at, was;

	do
	:: n < HINTS ->
		atomic {
			n++;
			if
			:: i = 0
#if ITEMS > 1
			:: i = 1
#endif
			fi
		}
		wake_up(c, i, old, at);
		i = 0
	:: else -> break
	od
}

/* What the program may do once without a reason: arm, or read. */
byte extra = 1;

/* read(2) until EAGAIN. */
inline read_file(f, old)
{
	rmw(PROGRAM, FILE(f), old, 0, ACQUIRE)
}

#ifdef ONESHOT

/* Is the item armed, by the program's lights, and no event has come yet? */
byte armings[ITEMS] = 1;

#define latched(s)	((s) & (READY | RECHECK))

/* epx_ring_arm(), until it is armed: what was latched is handled at once. */
inline arm(i, old, at)
{
	do
	:: atomic {
#ifdef CUT_ARM_BLIND
			rmw(PROGRAM, STATE(i), old, old | ARMED, ACQ_REL);
			old = 0;
#else
			rmw(PROGRAM, STATE(i), old,
			    (old - (latched(old))) |
			    ARMED * (latched(old) == 0), ACQ_REL);
#endif
			armings[i] = !(latched(old));
			old = latched(old)
	   }
		if
		:: old ->
			if
			:: old & READY -> read_file(i, old)
			:: else
			fi;
#ifdef RECHECKS
			publish_facts(PROGRAM, old, at);
#endif
			old = 0
		:: else -> break
		fi
	od
}

inline event(i, generation, old, at)
{
	read_file(i, old);
	claim(unasked, armings[i]);
	armings[i] = 0;
	if
	:: arm(i, old, at)
	:: true
	fi
}

#elif defined(REUSE)

/* The generations are 1 and 3, the files 0 and 1, and so are the data. */
inline event(i, generation, old, at)
{
	generation = old / GENERATION;
	claim(misattributed, generation & 1 && raised[generation / 2]);
	load(PROGRAM, DATA, old, RELAXED);
	data_rmb(PROGRAM);
	atomic {
		if
		:: old != generation / 2 ->
			load(PROGRAM, STATE(0), old, RELAXED);
			claim(wrong_data, old / GENERATION != generation)
		:: else
		fi
	}
	read_file(generation / 2, old);
	generation = 0
}

#else

inline event(i, generation, old, at)
{
	read_file(i, old)
}

#endif

inline pop_state(i, old)
{
#ifdef CUT_POP_SPLIT
	load(PROGRAM, STATE(i), old, ACQUIRE);
	merged {
		store(PROGRAM, STATE(i), old & (255 - READY - RECHECK - INRING),
		      RELEASE);
		in_ring[i] = false
	}
#else
	atomic {
		rmw(PROGRAM, STATE(i), old,
		    old & (255 - READY - RECHECK - INRING), pop_order);
		in_ring[i] = false
	}
#endif
}

/* epx_is_quiet(): no slot, no watch that is queued, no scan. */
inline is_quiet(reason, old, seq)
{
#if defined(POLLS) && !defined(CUT_SEQ)
	load(PROGRAM, SCAN_SEQ, seq, ACQUIRE);
#endif
	load(PROGRAM, SLOT(head), reason, RELAXED);
#ifdef RECHECKS
	if
	:: !reason -> load(PROGRAM, INCOMING, reason, RELAXED)
	:: else
	fi;
#endif
#if defined(POLLS) && !defined(CUT_SEQ)
	if
	:: !reason ->
		rmb(PROGRAM);
		atomic {
			load(PROGRAM, SCAN_SEQ, old, RELAXED);
			reason = (old != seq || seq & 1)
		}
	:: else
	fi;
	atomic {
		old = 0;
		seq = 0
	}
#endif
}

proctype program()
{
	byte slot, old, at, generation;

again:
#if defined(ONESHOT)
	if
	:: extra -> extra--; arm(0, old, at)
	:: true
	fi;
#elif defined(STRAY)
	if
	:: extra -> extra--; read_file(0, old); old = 0
	:: true
	fi;
#endif
	load(PROGRAM, SLOT(head), slot, slot_acquire);
	if
	:: slot ->
#ifdef CUT_SLOT_LATE
		pop_state(slot - 1, old);
		merged {
			store(PROGRAM, SLOT(head), 0, RELAXED);
			head++
		}
#else
		merged {
			store(PROGRAM, SLOT(head), 0, RELAXED);
			head++
		}
		pop_state(slot - 1, old);
#endif
#ifdef RECHECKS
		if
		:: old & RECHECK ->
			generation = old;
			publish_facts(PROGRAM, old, at);
			atomic {
				old = generation;
				generation = 0
			}
		:: else
		fi;
#endif
		if
		:: old & READY -> event(slot - 1, generation, old, at)
		:: else
		fi;
		atomic {
			old = 0;
			slot = 0;
			goto again
		}
	:: else
	fi;

	/* EPX_WAIT_RING */
#ifdef CUT_LOOK_FIRST
	is_quiet(slot, old, at);
	enqueue(PROGRAM);
	sleep_mb(PROGRAM);
#else
	enqueue(PROGRAM);
	sleep_mb(PROGRAM);
	is_quiet(slot, old, at);
#endif
	if
	:: slot -> slot = 0
	:: else ->
end_asleep:
		!asleep
	fi;
	dequeue(PROGRAM);
#ifdef RECHECKS
	publish_facts(PROGRAM, old, at);
	old = 0;
#endif
	goto again
}

#ifdef REUSE

/* epx_ring_reset(): what stays. */
#ifdef CUT_DEL_INRING
#define kept(s)		0
#elif defined(CUT_DEL_READY)
#define kept(s)		((s) & (INRING | READY))
#else
#define kept(s)		((s) & INRING)
#endif
#ifdef CUT_DEL_GENERATION
#define ended(s)	((s) | GENERATION)
#define bound(s)	((s) | GENERATION | ARMED)
#else
#define ended(s)	((s) | 2 * GENERATION)
#define bound(s)	((s) | 3 * GENERATION | ARMED)
#endif

proctype changer()
{
	byte old, at;

	/* EPOLL_CTL_DEL: hooks off, epx_ring_end() */
	atomic { !in_callback[0] -> hooked[0] = false }
	rmw(OTHER, STATE(0), old, kept(old), RELAXED);
	rmw(OTHER, STATE(0), old, ended(old), RELAXED);
	/* EPOLL_CTL_ADD: epx_ring_bind(), hooks on, a poll */
	store(OTHER, DATA, 1, after_end);
	rmw(OTHER, STATE(0), old, kept(old), after_data);
	rmw(OTHER, STATE(0), old, bound(old), RELAXED);
	mb(OTHER);
	hooked[1] = true;
	mb(OTHER);
	load(OTHER, FILE(1), old, RELAXED);
	if
	:: old ->
		/* epx_ring_queue() */
		publish(OTHER, 0, READY, old, at);
		pass_on(OTHER, old)
	:: else
	fi
}

#endif

#ifdef POLLS
proctype poller()
{
	byte n, old, at;

	do
	:: n < POLLS -> n++; publish_facts(OTHER, old, at)
	:: else -> break
	od
}
#endif

#define is_at_rest(i) \
	((mem[STATE(i)] & INRING) == 0 && \
	 ((mem[STATE(i)] & ARMED) == 0 || \
	  (mem[STATE(i)] & (READY | RECHECK)) == 0))
#ifdef ONESHOT
#define is_told(i) \
	(!mem[FILE(i)] || \
	 !armings[i] && (mem[STATE(i)] & (READY | RECHECK)) != 0)
#else
#define is_told(i)	(!mem[FILE(i)])
#endif

init
{
	atomic {
		mem[STATE(0)] = ARMED + GENERATION;
#if ITEMS > 1
		mem[STATE(1)] = ARMED + GENERATION;
#endif
#ifdef REUSE
		hooked[0] = true;
		run changer();
#endif
#ifdef POLLS
		run poller();
#endif
		run callbacks(0);
#if CALLBACKS > 1
		run callbacks(1);
#endif
		run program()
	}
	timeout ->
	claim(lost_wakeup, !mem[SLOT(head)]);
#ifdef REUSE
	/* What was not read when the watch was deleted nobody is told of. */
	claim(lost_event, !mem[FILE(1)] && is_at_rest(0))
#else
	claim(lost_event, is_told(0) && is_at_rest(0));
#if ITEMS > 1
	claim(lost_event, is_told(1) && is_at_rest(1))
#endif
#endif
}
