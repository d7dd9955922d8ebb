// SPDX-License-Identifier: GPL-2.0-only
/*
 * Posts: user events and queues of values.
 *
 * A post is made in process context without the instance's mutex: the source is
 * found under RCU, and the rest is one section of its lock, which nobody holds
 * for longer than it takes to copy some words (source.h says why a post and the
 * end of its source cannot miss each other). Nothing is allocated.
 *
 * The push is in the section too. Then whoever has the lock knows: a source that
 * is armed and has something is queued, or in the hands of a scan that has yet
 * to take what it has. The wake-up comes after the section, the caller's file
 * keeps the instance.
 *
 * In the ring the count of a user event is not kept here: what is pending there
 * is what the item says.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "argument.h"
#include "compat.h"
#include "ring.h"
#include "ring_publish.h"
#include "source.h"
#include "trace.h"

/* Posts in one section of the lock. */
#define EPX_POSTS_AT_ONCE	16

/* ->head and ->tail go round twice. */
static u32 epx_queue_index(const struct epx_posted *queue, u32 at)
{
	return at < queue->depth ? at : at - queue->depth;
}

static u32 epx_queue_step(const struct epx_posted *queue, u32 at, u32 by)
{
	at += by;
	return at < 2 * queue->depth ? at : at - 2 * queue->depth;
}

/* The lock held, or the mutex, beside which values only become more. */
static u32 epx_queue_count(const struct epx_posted *queue)
{
	u32 tail = READ_ONCE(queue->tail), head = queue->head;

	return tail >= head ? tail - head : tail + 2 * queue->depth - head;
}

/**
 * epx_posted_is_pending() - is there something to deliver?
 * @posted: a user event or a queue
 *
 * Context: any; the source's lock held, or the instance's mutex, and then a no
 * may be old.
 * Return: the answer.
 */
bool epx_posted_is_pending(const struct epx_posted *posted)
{
	if (posted->depth)
		return epx_queue_count(posted);
	return READ_ONCE(posted->source.count);
}

/**
 * epx_posted_show() - the end of its line in fdinfo
 * @m: where to print
 * @posted: a user event or a queue
 *
 * Context: process; the instance's mutex held.
 */
void epx_posted_show(struct seq_file *m, struct epx_posted *posted)
{
	if (posted->depth)
		seq_printf(m, " depth:%u pending:%u\n", posted->depth,
			   epx_queue_count(posted));
	else
		seq_printf(m, " pending:%llu value:%llx\n",
			   READ_ONCE(posted->source.count),
			   READ_ONCE(posted->value));
}

/* The lock held. False if the queue is full. */
static __always_inline bool epx_posted_put(struct epx_posted *posted, u64 value)
{
	if (unlikely(posted->depth)) {
		if (epx_queue_count(posted) == posted->depth)
			return false;
		posted->values[epx_queue_index(posted, posted->tail)] = value;
		WRITE_ONCE(posted->tail,
			   epx_queue_step(posted, posted->tail, 1));
		return true;
	}
	WRITE_ONCE(posted->value, value);
	if (epx_ring_of(posted->source.watch.instance))
		epx_ring_count_up(&posted->source.watch, 1, value);
	else
		WRITE_ONCE(posted->source.count, posted->source.count + 1);
	return true;
}

/*
 * The lock held; something has been put. A full barrier where it returns that
 * it is for others to know.
 */
static __always_inline bool epx_posted_announce(struct epx_posted *posted)
{
	struct epx_watch *w = &posted->source.watch;
	bool told;

	if (epx_ring_of(w->instance)) {
		told = epx_ring_hint(w, READ_ONCE(w->events), EPOLLIN);
		trace_epx_wake(w, EPOLLIN, told);
		return told;
	}
	if (!epx_source_is_armed(&posted->source))
		return false;
	told = epx_push(w);
	trace_epx_wake(w, EPOLLIN, told);
	return true;
}

/* In rcu_read_lock(). Returns the number of posts made, or -errno. */
static __always_inline int epx_posted_post(struct epx_posted *posted,
					   const u64 *values, int count)
{
	struct epx_source *src = &posted->source;
	bool told = false;
	int n = 0;

	spin_lock(&src->lock);
	if (unlikely(src->watch.dead)) {
		spin_unlock(&src->lock);
		return -ENOENT;
	}
	while (n < count && epx_posted_put(posted, values[n]))
		n++;
	if (likely(n))
		told = epx_posted_announce(posted);
	spin_unlock(&src->lock);
	if (told)
		epx_source_tell(src->watch.instance);
	return likely(n) ? n : -EAGAIN;
}

static __always_inline int epx_post_to(struct epx_instance *inst, u32 id,
				       const u64 *values, int count)
{
	struct epx_source *src;
	int ret = -ENOENT;

	rcu_read_lock();
	src = xa_load(&inst->sources, id);
	if (likely(src)) {
		ret = -EINVAL;
		if (likely(src->kind != EPX_SOURCE_TIMER))
			ret = epx_posted_post(epx_posted_of(src), values,
					      count);
	}
	rcu_read_unlock();
	return ret;
}

static noinline long epx_post_many(struct epx_instance *inst,
				   const struct epx_post *post)
{
	const u64 __user *from = u64_to_user_ptr(post->value);
	u64 values[EPX_POSTS_AT_ONCE];
	u32 done = 0;

	if (post->count > EPX_POSTS_MAX)
		return -EINVAL;
	while (done < post->count) {
		int wanted = min_t(u32, post->count - done, ARRAY_SIZE(values));
		size_t size = wanted * sizeof(u64);
		int count = (size - copy_from_user(values, from + done, size)) /
			    sizeof(u64);
		int ret = -EFAULT;

		/* As far as it could be read. */
		if (count)
			ret = epx_post_to(inst, post->id, values, count);
		if (ret < 0)
			return done ? (int)done : ret;
		done += ret;
		if (ret < wanted || fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return done;
}

static noinline long epx_post_sized(struct epx_instance *inst,
				    unsigned int cmd, const void __user *uarg)
{
	struct epx_post post;
	int err;

	err = epx_fetch(&post, sizeof(post), sizeof(post), cmd, uarg);
	if (err)
		return err;
	if (post.count)
		return epx_post_many(inst, &post);
	return epx_post_to(inst, post.id, &post.value, 1);
}

/**
 * epx_post() - EPX_IOC_POST
 * @inst: the instance
 * @cmd: the command, whose size tells the version
 * @uarg: struct epx_post
 *
 * Context: process, may sleep; no lock of ours held.
 * Return: number of posts made, or -errno.
 */
long epx_post(struct epx_instance *inst, unsigned int cmd,
	      const void __user *uarg)
{
	const struct epx_post __user *from = uarg;
	struct epx_post post __uninitialized;

	BUILD_BUG_ON(sizeof(post) != 16);
	if (unlikely(cmd != EPX_IOC_POST))
		return epx_post_sized(inst, cmd, uarg);
	if (!user_read_access_begin(from, sizeof(*from)))
		return -EFAULT;
	unsafe_get_user(post.id, &from->id, fault);
	unsafe_get_user(post.count, &from->count, fault);
	unsafe_get_user(post.value, &from->value, fault);
	user_read_access_end();
	if (unlikely(post.count))
		return epx_post_many(inst, &post);
	return epx_post_to(inst, post.id, &post.value, 1);
fault:
	user_read_access_end();
	return -EFAULT;
}

/*
 * What there is, up to @most, from the head; the mutex is held, so it stays
 * there until epx_queue_drop().
 */
static u32 epx_queue_peek(struct epx_posted *queue, u32 most)
{
	u32 count;

	spin_lock(&queue->source.lock);
	count = epx_queue_count(queue);
	spin_unlock(&queue->source.lock);
	return min(count, most);
}

static void epx_queue_drop(struct epx_posted *queue, u32 count)
{
	spin_lock(&queue->source.lock);
	queue->head = epx_queue_step(queue, queue->head, count);
	spin_unlock(&queue->source.lock);
}

static u64 epx_queue_value(const struct epx_posted *queue, u32 n)
{
	u32 at = epx_queue_step(queue, queue->head, n);

	return queue->values[epx_queue_index(queue, at)];
}

/**
 * epx_queue_deliver() - deliver values, each as an event
 * @queue: the queue
 * @events: where to, in a range that was checked
 * @room: for so many
 *
 * Context: process, may sleep; the instance's mutex held.
 * Return: events delivered, or -EFAULT.
 */
int epx_queue_deliver(struct epx_posted *queue,
		      struct epx_payload_event __user *events, int room)
{
	struct epx_payload_event event = {
		.events = (__force u32)EPOLLIN,
		.data = queue->source.watch.data, .count = 1,
	};
	u32 count = epx_queue_peek(queue, room), n;

	lockdep_assert_held(&queue->source.watch.instance->mutex);
	for (n = 0; n < count; n++) {
		event.value = epx_queue_value(queue, n);
		if (copy_to_user(&events[n], &event, sizeof(event)))
			break;
	}
	epx_queue_drop(queue, n);
	return n || !count ? n : -EFAULT;
}

/* The mutex held. */
static int epx_queue_take_values(struct epx_posted *queue, u64 __user *to,
				 u32 most)
{
	u32 count = epx_queue_peek(queue, most), n;

	if (!count)
		return -EAGAIN;
	for (n = 0; n < count; n++)
		if (put_user(epx_queue_value(queue, n), &to[n]))
			break;
	epx_queue_drop(queue, n);
	if (!n)
		return -EFAULT;
	trace_epx_deliver(&queue->source.watch, EPOLLIN);
	return n;
}

/**
 * epx_queue_take() - EPX_IOC_TAKE
 * @inst: the instance
 * @cmd: the command, whose size tells the version
 * @uarg: struct epx_take
 *
 * Context: process, may sleep.
 * Return: number of values, or -errno.
 */
long epx_queue_take(struct epx_instance *inst, unsigned int cmd,
		    const void __user *uarg)
{
	struct epx_source *src;
	struct epx_take take;
	int ret;

	BUILD_BUG_ON(sizeof(take) != 16);
	ret = epx_fetch(&take, sizeof(take), sizeof(take), cmd, uarg);
	if (ret)
		return ret;
	if (!take.count || take.count > EPX_POSTS_MAX)
		return -EINVAL;
	epx_instance_lock(inst, 0);
	src = xa_load(&inst->sources, take.id);
	if (!src)
		ret = -ENOENT;
	else if (src->kind != EPX_SOURCE_QUEUE)
		ret = -EINVAL;
	else
		ret = epx_queue_take_values(epx_posted_of(src),
					    u64_to_user_ptr(take.values),
					    take.count);
	epx_instance_unlock(inst);
	return ret;
}
