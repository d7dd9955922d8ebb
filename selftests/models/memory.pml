// SPDX-License-Identifier: MIT
/*
 * Memory as the CPUs see it. Spin by itself has one memory in which a store
 * is seen by all at once, so that no fence is ever missed; here each CPU has
 * a store buffer, and what a CPU reads may be old.
 *
 *	SC	stores take effect at once. What is clean here and broken below
 *		is broken for want of a fence and nothing else.
 *	TSO	x86. A store waits in its CPU's buffer, first in, first out; the
 *		CPU itself reads it from there. A read-modify-write and a full
 *		barrier wait until the buffer is empty. A buffer that would need
 *		more than DEPTH places is an error, so DEPTH cuts nothing off.
 *	WEAK	stores to different locations leave the buffer in any order, but
 *		for a release, which leaves after all that came before it. What
 *		another CPU overwrites, a CPU may go on reading until it does an
 *		acquire or a full barrier, no matter what else it has read (so an
 *		address that was read gives no order either). A read-modify-write
 *		acts on the newest value. If it is less than a full barrier its
 *		own store waits in the buffer too, and nobody else gets at the
 *		location until it has left. A CPU whose DEPTH places are taken
 *		waits until one of its stores has left.
 *
 * Not in WEAK: a load that takes effect after a store behind it. Where the
 * code relies on that order there is a condition on what was loaded between
 * the two, or it is a release.
 *
 * Before the #include a model defines
 *
 *	CPUS, DEPTH	how many, at most 4; which, at most 4
 *	LOCATIONS	number of memory locations, at most 32
 *	READS(c, l)	may CPU c read location l by a plain load? Only then there
 *			is something to be old; true for all would only cost memory
 *	leaving(l, v)	what is to be looked at when a store takes effect
 *
 * A store goes into its CPU's own buffer and leaves when it likes, so that it
 * goes there in one step with what the CPU did before makes no difference:
 * "merged" is for that, and keeps the number of states down. In SC, where a
 * store is seen at once, it does nothing.
 */
#if !defined(SC) && !defined(TSO) && !defined(WEAK)
#error one of SC, TSO, WEAK
#endif

/* Orders. A full barrier has operations of its own: mb(), rmw_mb(). */
#define RELAXED	0
#define ACQUIRE	64
#define RELEASE	128
#define ACQ_REL	192

byte mem[LOCATIONS];

/*
 * A claim is violated by its name, a hidden byte of the model, which spin then
 * prints.
 */
#define claim(name, condition) \
	d_step { name = !(condition); assert(!name); name = 0 }

#ifdef SC

#define merged

#define mb(c)			skip
#define rmb(c)			skip
#define rmw(c, l, old, new, order) rmw_mb(c, l, old, new)

inline store(c, l, v, order)
{
	d_step {
		leaving(l, v);
		mem[l] = v
	}
}

inline load(c, l, v, order)
{
	v = mem[l]
}

inline rmw_mb(c, l, old, new)
{
	d_step {
		old = mem[l];
		mem[l] = new
	}
}

inline acquire_lock(c, l)
{
	d_step {
		!mem[l];
		mem[l] = 1
	}
}

#else

#define merged		atomic

#define LOCATION(entry)	((entry) & 31)
#define LOCKING		32	/* an entry of a read-modify-write */

/* Of each CPU: its stores that are under way, the oldest first. */
byte pending[CPUS];
byte where[CPUS * DEPTH];
byte what[CPUS * DEPTH];
hidden byte scratch;

#define ENTRY(c, k)	((c) * DEPTH + (k))

/* In a d_step, as the next two. */
inline buffer(c, entry, v)
{
	where[ENTRY(c, pending[c])] = entry;
	what[ENTRY(c, pending[c])] = v;
	pending[c]++
}

/* Into @v from the CPU's own buffer, if there is something. */
inline forward(c, l, v)
{
	scratch = 0;
	do
	:: scratch < pending[c] ->
		if
		:: LOCATION(where[ENTRY(c, scratch)]) == l ->
			v = what[ENTRY(c, scratch)]
		:: else
		fi;
		scratch++
	:: else -> break
	od;
	scratch = 0
}

/* Entry k of the CPU has gone. */
inline remove(c, k)
{
	scratch = k;
	do
	:: scratch + 1 < pending[c] ->
		where[ENTRY(c, scratch)] = where[ENTRY(c, scratch + 1)];
		what[ENTRY(c, scratch)] = what[ENTRY(c, scratch + 1)];
		scratch++
	:: else ->
		where[ENTRY(c, scratch)] = 0;
		what[ENTRY(c, scratch)] = 0;
		break
	od;
	scratch = 0;
	pending[c]--
}

#endif /* not SC */

#ifdef TSO

#define rmw(c, l, old, new, order) rmw_mb(c, l, old, new)

inline store(c, l, v, order)
{
	d_step {
		assert(pending[c] < DEPTH);
		buffer(c, l, v)
	}
}

inline load(c, l, v, order)
{
	d_step {
		v = mem[l];
		forward(c, l, v)
	}
}

inline mb(c)
{
	pending[c] == 0
}

#define rmb(c)			skip

inline rmw_mb(c, l, old, new)
{
	d_step {
		pending[c] == 0;
		old = mem[l];
		mem[l] = new
	}
}

inline acquire_lock(c, l)
{
	d_step {
		pending[c] == 0 && !mem[l];
		mem[l] = 1
	}
}

#define can_leave(c, k)	((k) == 0 && pending[c] > 0)
#define outdate(c, l, v) skip
#define left(c, k)	skip

#endif /* TSO */

#ifdef WEAK

#define NEWEST		255	/* nothing old is left of this location */

/* What a CPU may still read of a location instead of what is in memory. */
byte older[CPUS * LOCATIONS] = NEWEST;
/* A read-modify-write of it waits in somebody's buffer. */
bit locked[LOCATIONS];
/* Of outdate(). */
byte other;

#define OLDER(c, l)	older[(c) * LOCATIONS + (l)]

/* Is a store to the location in the CPU's buffer before entry k? */
#define is_before(c, k, l, n) \
	((k) > n && LOCATION(where[ENTRY(c, n)]) == (l))
#define queued(c, k, l) \
	(is_before(c, k, l, 0) || is_before(c, k, l, 1) || \
	 is_before(c, k, l, 2) || is_before(c, k, l, 3))

/* Is a read-modify-write of it in the CPU's buffer, beside entry k? */
#define is_held(c, k, l, n) \
	((k) != n && n < pending[c] && \
	 (where[ENTRY(c, n)] & (LOCKING | 31)) == (LOCKING | (l)))
#define holds_beside(c, k, l) \
	(is_held(c, k, l, 0) || is_held(c, k, l, 1) || \
	 is_held(c, k, l, 2) || is_held(c, k, l, 3))
#define holds(c, l)	holds_beside(c, DEPTH, l)

inline store(c, l, v, order)
{
	d_step {
		pending[c] < DEPTH;
		buffer(c, (l) | ((order) & RELEASE), v)
	}
}

/* From here on the CPU reads what is in memory now, or newer. In a d_step. */
inline catch_up(c)
{
	scratch = 0;
	do
	:: scratch < LOCATIONS ->
		OLDER(c, scratch) = NEWEST;
		scratch++
	:: else -> break
	od;
	scratch = 0
}

/* The newest, or what the CPU could see so far. */
inline load(c, l, v, order)
{
	atomic {
		if
		:: OLDER(c, l) != NEWEST -> v = OLDER(c, l)
		:: v = mem[l] -> OLDER(c, l) = NEWEST
		fi;
		d_step {
			forward(c, l, v);
			if
			:: (order) & ACQUIRE -> catch_up(c)
			:: else
			fi
		}
	}
}

inline mb(c)
{
	d_step {
		pending[c] == 0;
		catch_up(c)
	}
}

inline rmb(c)
{
	d_step { catch_up(c) }
}

/*
 * Memory is about to change. Each other CPU goes on seeing what it saw, which
 * is what was there until now or something older still.
 */
inline outdate(c, l, v)
{
	other = 0;
	do
	:: other < CPUS && other != c && READS(other, l) && mem[l] != (v) ->
		if
		:: OLDER(other, l) != NEWEST
		:: OLDER(other, l) = mem[l]
		fi;
		if
		:: OLDER(other, l) == (v) -> OLDER(other, l) = NEWEST
		:: else
		fi;
		other++
	:: other < CPUS && !(other != c && READS(other, l) && mem[l] != (v)) ->
		other++
	:: other >= CPUS ->
		break
	od;
	other = 0
}

inline rmw_mb(c, l, old, new)
{
	atomic {
		!locked[l] && pending[c] == 0;
		old = mem[l];
		outdate(c, l, new);
		d_step {
			mem[l] = new;
			catch_up(c)
		}
	}
}

/* One of the CPU's own may be under way already; another store may not. */
inline rmw(c, l, old, new, order)
{
	d_step {
		pending[c] < DEPTH &&
			(locked[l] -> holds(c, l) : !queued(c, pending[c], l));
		old = mem[l];
		forward(c, l, old);
		OLDER(c, l) = NEWEST;
		if
		:: (order) & ACQUIRE -> catch_up(c)
		:: else
		fi;
		buffer(c, (l) | LOCKING | ((order) & RELEASE), new);
		locked[l] = 1
	}
}

/*
 * With acquire. That it is taken can be seen at once, which makes no
 * difference: nobody can take it in any case.
 */
inline acquire_lock(c, l)
{
	d_step {
		!mem[l] && !queued(c, pending[c], l);
		mem[l] = 1;
		catch_up(c)
	}
}

#define can_leave(c, k) \
	((k) < pending[c] && \
	 !queued(c, k, LOCATION(where[ENTRY(c, k)])) && \
	 ((k) == 0 || !(where[ENTRY(c, k)] & RELEASE)) && \
	 (!locked[LOCATION(where[ENTRY(c, k)])] || \
	  (where[ENTRY(c, k)] & LOCKING)))

/* In a d_step. */
inline left(c, k)
{
	if
	:: where[ENTRY(c, k)] & LOCKING &&
	   !holds_beside(c, k, LOCATION(where[ENTRY(c, k)])) ->
		locked[LOCATION(where[ENTRY(c, k)])] = 0
	:: else
	fi;
	OLDER(c, LOCATION(where[ENTRY(c, k)])) = NEWEST
}

#endif /* WEAK */

#ifndef SC

/* Has all that CPU @c stored taken effect? */
#define settled(c)	(pending[c] == 0)

#define leave_one(c, k)	:: can_leave(c, k) -> leaver = c; place = k
#ifdef TSO
#define leave_of(c)	leave_one(c, 0)
#else
#define leave_of(c)	leave_one(c, 0) leave_one(c, 1) \
			leave_one(c, 2) leave_one(c, 3)
#endif

active proctype memory()
{
	byte leaver, place;

end:
	do
	:: atomic {
		if
		leave_of(0)
		leave_of(1)
#if CPUS > 2
		leave_of(2)
#endif
#if CPUS > 3
		leave_of(3)
#endif
		fi;
		outdate(leaver, LOCATION(where[ENTRY(leaver, place)]),
			what[ENTRY(leaver, place)]);
		d_step {
			leaving(LOCATION(where[ENTRY(leaver, place)]),
				what[ENTRY(leaver, place)]);
			left(leaver, place);
			mem[LOCATION(where[ENTRY(leaver, place)])] =
				what[ENTRY(leaver, place)];
			remove(leaver, place);
			leaver = 0;
			place = 0
		}
	   }
	od
}

#endif
