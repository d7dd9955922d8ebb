// SPDX-License-Identifier: MIT
/*
 * One sleeper on an instance's queue, and who wakes it: wait.c's enqueue and
 * dequeue, wake_up() behind waitqueue_active().
 *
 * A model defines the locations SLEEPERS (is somebody on the queue? by
 * waitqueue_active(), without a lock) and SLEEPERS_LOCK, and sleep_mb(c), the
 * barrier between the enqueue and the look that follows it.
 */

/* The task's state; the queue's lock protects it. */
bool asleep;

inline enqueue(c)
{
	acquire_lock(c, SLEEPERS_LOCK);
	merged {
		asleep = true;
		store(c, SLEEPERS, 1, RELAXED);
		store(c, SLEEPERS_LOCK, 0, RELEASE)
	}
}

/* Awake, and off the queue if no wake-up has done that. */
inline dequeue(c)
{
	asleep = false;
	acquire_lock(c, SLEEPERS_LOCK);
	merged {
		store(c, SLEEPERS, 0, RELAXED);
		store(c, SLEEPERS_LOCK, 0, RELEASE)
	}
}

/* @there: scratch of the caller. */
inline wake(c, there)
{
	load(c, SLEEPERS, there, RELAXED);
	if
	:: there ->
		acquire_lock(c, SLEEPERS_LOCK);
		load(c, SLEEPERS, there, RELAXED);
		merged {
			if
			:: there ->
				asleep = false;
				store(c, SLEEPERS, 0, RELAXED)
			:: else
			fi;
			store(c, SLEEPERS_LOCK, 0, RELEASE);
			there = 0
		}
	:: else
	fi
}
