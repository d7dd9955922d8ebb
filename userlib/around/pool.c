// SPDX-License-Identifier: MIT
/*
 * A pool of threads for calls that block.
 *
 * A call has memory of its own, a job, since it outlives a future that is
 * dropped. Future and thread each give the job's state a value, once, when they
 * have done with it; who comes second frees the job. So neither waits for the
 * other, and the pool may go before the futures.
 *
 *	future				thread
 *	state = LEFT			state = OVER
 *	was OVER: free			was LEFT: free, else wake
 *
 * The waker is the thread's own, since the job may be gone when it wakes.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "core/exec.h"
#include "epollx_around.h"

enum { JOB_PENDING, JOB_LEFT, JOB_OVER };

struct epx_job {
	struct epx_job *next;
	int state;
	int64_t (*call)(void *arg);
	void (*done)(void *arg);
	void *arg;
	int64_t res;
	struct epx_task *waker;
};

struct epx_pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct epx_job *first;
	struct epx_job **last;
	unsigned int queued;
	unsigned int idle;		/* wait, or are on their way from there */
	unsigned int started;
	unsigned int most;
	bool is_closing;
	pthread_t threads[];
};

static void job_free(struct epx_job *job)
{
	if (job->done)
		job->done(job->arg);
	free(job);
}

static void job_over(struct epx_job *job, int64_t res)
{
	struct epx_task *waker = job->waker;

	job->res = res;
	/*
	 * The result before the state. Pairs with blocking_poll() and with
	 * blocking_end(), which may have been first.
	 */
	if (__atomic_exchange_n(&job->state, JOB_OVER, __ATOMIC_ACQ_REL) ==
	    JOB_LEFT)
		job_free(job);
	else
		epx_wake(waker);
	epx_waker_put(waker);
}

static void job_make(struct epx_job *job)
{
	/* Nobody waits for it any more. */
	if (__atomic_load_n(&job->state, __ATOMIC_RELAXED) == JOB_LEFT)
		job_over(job, -ECANCELED);
	else
		job_over(job, job->call(job->arg));
}

static struct epx_job *pool_next(struct epx_pool *pool)
{
	struct epx_job *job = pool->first;

	pool->queued--;
	pool->first = job->next;
	if (!pool->first)
		pool->last = &pool->first;
	return job;
}

static void *pool_thread(void *arg)
{
	struct epx_pool *pool = arg;
	struct epx_job *job;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (!pool->first && !pool->is_closing) {
			pool->idle++;
			pthread_cond_wait(&pool->work, &pool->lock);
			pool->idle--;
		}
		if (pool->is_closing)
			break;
		job = pool_next(pool);
		pthread_mutex_unlock(&pool->lock);
		job_make(job);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

int epx_pool_new(struct epx_pool **made, unsigned int threads)
{
	struct epx_pool *pool;

	if (!threads || threads > 4096)
		return -EINVAL;
	pool = calloc(1, sizeof(*pool) + threads * sizeof(pthread_t));
	if (!pool)
		return -ENOMEM;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pool->last = &pool->first;
	pool->most = threads;
	*made = pool;
	return 0;
}

void epx_pool_free(struct epx_pool *pool)
{
	unsigned int i;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->is_closing = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->started; i++)
		pthread_join(pool->threads[i], NULL);
	while (pool->first)
		job_over(pool_next(pool), -ECANCELED);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

/* With the lock. Signals are for the program's own threads. */
static int pool_start_thread(struct epx_pool *pool)
{
	sigset_t all, saved;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	err = pthread_create(&pool->threads[pool->started], NULL, pool_thread,
			     pool);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	if (!err)
		pool->started++;
	return err;
}

/* With the lock. */
static int pool_queue(struct epx_pool *pool, struct epx_job *job)
{
	/* Each that is idle is to take one of those that are queued already. */
	if (pool->queued >= pool->idle && pool->started < pool->most &&
	    pool_start_thread(pool) && !pool->started)
		return -EAGAIN;
	pool->queued++;
	job->next = NULL;
	*pool->last = job;
	pool->last = &job->next;
	pthread_cond_signal(&pool->work);
	return 0;
}

static int blocking_begin(struct epx_blocking *blocking, struct epx_cx *cx)
{
	struct epx_pool *pool = blocking->pool;
	struct epx_job *job = calloc(1, sizeof(*job));
	int err;

	if (!job)
		return -ENOMEM;
	job->call = blocking->call;
	job->done = blocking->done;
	job->arg = blocking->arg;
	job->waker = epx_waker_get(cx);
	pthread_mutex_lock(&pool->lock);
	err = pool_queue(pool, job);
	pthread_mutex_unlock(&pool->lock);
	if (err) {
		epx_waker_put(job->waker);
		free(job);
		return err;
	}
	blocking->job = job;
	return 0;
}

static int blocking_poll(struct epx_future *future, struct epx_cx *cx)
{
	struct epx_blocking *blocking = (struct epx_blocking *)future;
	struct epx_job *job = blocking->job;
	int err;

	if (!job) {
		err = blocking_begin(blocking, cx);
		return err ? epx_ready(future, err) : EPX_PENDING;
	}
	/* The result before it. Pairs with the exchange in job_over(). */
	if (__atomic_load_n(&job->state, __ATOMIC_ACQUIRE) != JOB_OVER)
		return EPX_PENDING;
	return epx_ready(future, job->res);
}

static void blocking_end(struct epx_future *future)
{
	struct epx_blocking *blocking = (struct epx_blocking *)future;
	struct epx_job *job = blocking->job;

	if (!job) {
		if (blocking->done)
			blocking->done(blocking->arg);
		return;
	}
	/* Pairs with the exchange in job_over(). */
	if (__atomic_exchange_n(&job->state, JOB_LEFT, __ATOMIC_ACQ_REL) ==
	    JOB_OVER)
		job_free(job);
}

static const struct epx_ops blocking_ops = {
	.name = "blocking",
	.poll = blocking_poll,
	.end = blocking_end,
};

struct epx_future *epx_blocking(struct epx_blocking *blocking,
				struct epx_pool *pool,
				int64_t (*call)(void *arg),
				void (*done)(void *arg), void *arg)
{
	blocking->pool = pool;
	blocking->call = call;
	blocking->done = done;
	blocking->arg = arg;
	blocking->job = NULL;
	return epx_init(&blocking->future, &blocking_ops);
}
