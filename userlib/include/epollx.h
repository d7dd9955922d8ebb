/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the raw module: epoll's calls on /dev/epollx.
 *
 * Each function is one system call (epx_open: five) and returns what the
 * kernel returned, or -errno; errno is left alone. All are safe from any
 * thread and from signal handlers.
 */
#ifndef EPOLLX_H
#define EPOLLX_H

#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

#include <linux/epollx.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * epx_open() - a new instance
 * @flags: EPX_CLOEXEC or 0
 *
 * Needs two free descriptors for a moment; the result is the lowest.
 *
 * Return: the instance's file descriptor; -ENOENT where the module is not
 * loaded; -EINVAL, -EMFILE, -ENFILE, -ENOMEM.
 */
int epx_open(unsigned int flags);

/**
 * epx_create() - a new instance with properties of its own
 * @how: flags, wake policy and concurrency limit, as <linux/epollx_create.h>
 *	 describes them
 *
 * Return: as epx_open(); -EOPNOTSUPP.
 */
int epx_create(const struct epx_create *how);

/**
 * epx_ctl() - epoll_ctl(2)
 * @epfd: the instance
 * @op: EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL or EPX_CTL_PUT
 * @fd: the watched file
 * @event: mask and data; not read for EPOLL_CTL_DEL
 *
 * The kernel reads @event, so a bad address is -EFAULT and not a fault here.
 *
 * Return: 0 or -errno, as epoll_ctl(2).
 */
int epx_ctl(int epfd, int op, int fd, const struct epoll_event *event);

/**
 * epx_change() - epx_ctl() with the event by value
 * @epfd: the instance
 * @op: as in epx_ctl()
 * @fd: the watched file
 * @events: mask
 * @data: what an event of this watch carries
 *
 * Return: 0 or -errno.
 */
int epx_change(int epfd, int op, int fd, uint32_t events, uint64_t data);

/**
 * epx_change_rotating() - epx_change() with EPX_CTL_ROTATE
 * @epfd: the instance
 * @op: EPOLL_CTL_ADD or EPX_CTL_PUT, of a file that is not watched
 * @fd: the watched file
 * @events: mask, with EPOLLEXCLUSIVE
 * @data: what an event of this watch carries
 *
 * Return: 0 or -errno.
 */
int epx_change_rotating(int epfd, int op, int fd, uint32_t events,
			uint64_t data);

/**
 * epx_wait() - epoll_wait(2) with nanoseconds
 * @epfd: the instance
 * @events: array for the events
 * @maxevents: its length
 * @timeout: nanoseconds from now; 0 returns at once, negative never expires
 *
 * Return: number of events, or -errno.
 */
int epx_wait(int epfd, struct epoll_event *events, int maxevents,
	     int64_t timeout);

/**
 * epx_pwait2() - epoll_pwait2(2)
 * @epfd: the instance
 * @events: array for the events
 * @maxevents: its length
 * @timeout: relative time, NULL never expires; read by the kernel, so a bad
 *	     pointer gives -EFAULT; where time_t has 32 bits it is converted
 *	     here first, and has to be valid
 * @sigmask: signal mask during the wait, or NULL
 * @sigsetsize: size of the kernel's signal mask, 8
 *
 * Return: number of events, or -errno.
 */
int epx_pwait2(int epfd, struct epoll_event *events, int maxevents,
	       const struct timespec *timeout, const sigset_t *sigmask,
	       size_t sigsetsize);

/**
 * epx_ctlv() - many changes, each with a result of its own
 * @epfd: the instance
 * @entries: the changes, made in this order; results are written here
 * @count: their number, up to EPX_CHANGES_MAX
 *
 * Return: number of changes that have a result, good or bad: @count, unless
 * the memory of one cannot be read and written; -EFAULT if that is the first;
 * -EINVAL.
 */
int epx_ctlv(int epfd, struct epx_ctl_entry *entries, unsigned int count);

/**
 * epx_enter() - changes, then a wait
 * @epfd: the instance
 * @enter: both, as <linux/epollx.h> describes them
 *
 * Return: number of events, or -errno.
 */
int epx_enter(int epfd, const struct epx_enter *enter);

/**
 * epx_yield() - give back this thread's slot of a concurrency limit
 * @epfd: the instance
 *
 * Return: 1; 0 if it had none; -EINVAL where the instance has no limit.
 */
int epx_yield(int epfd);

/**
 * epx_wait_payload() - epx_wait() for events with their payload
 * @epfd: the instance, without a ring
 * @events: array for the events
 * @maxevents: its length
 * @timeout: as in epx_wait()
 *
 * Return: number of events, or -errno.
 */
int epx_wait_payload(int epfd, struct epx_payload_event *events, int maxevents,
		     int64_t timeout);

/**
 * epx_source() - add, change or remove a user event, a queue or a timer
 * @epfd: the instance
 * @ctl: the change, as <linux/epollx_source.h> describes it
 *
 * Return: 0 or -errno; an item's number where the instance has a ring.
 */
int epx_source(int epfd, const struct epx_source_ctl *ctl);

/**
 * epx_post() - trigger a user event, or put a value into a queue
 * @epfd: the instance
 * @id: the source
 * @value: what the event brings
 *
 * Return: 1; -EAGAIN where the queue is full; -ENOENT, -EINVAL.
 */
int epx_post(int epfd, uint32_t id, uint64_t value);

/**
 * epx_post_many() - as many posts, in one call
 * @epfd: the instance
 * @id: the source
 * @values: of the posts, in this order
 * @count: 1 to EPX_POSTS_MAX
 *
 * Return: number of posts made, fewer where the queue became full; -EAGAIN
 * where it was; -EFAULT, -ENOENT, -EINVAL.
 */
int epx_post_many(int epfd, uint32_t id, const uint64_t *values,
		  unsigned int count);

/**
 * epx_take() - take values out of a queue
 * @epfd: the instance
 * @id: the queue
 * @values: where to
 * @count: at most so many, 1 to EPX_POSTS_MAX
 *
 * Return: number of values; -EAGAIN where it is empty; -EFAULT, -ENOENT,
 * -EINVAL.
 */
int epx_take(int epfd, uint32_t id, uint64_t *values, unsigned int count);

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_H */
