// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much a watched file holds, as far as that can be told at once and by what
 * the kernel exports: pipes, TCP, unix sockets.
 *
 * Process context, under the instance's mutex, the file pinned. Other waits and
 * changes of the instance stand behind that mutex, so nothing here sleeps: a
 * lock that somebody else has is an answer, too, namely none. FIONREAD would
 * have it for more files, but only for user memory.
 */
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/pipe_fs_i.h>
#include <linux/skbuff.h>
#include <net/af_unix.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "source.h"

static bool epx_measure_pipe(struct pipe_inode_info *pipe, u64 *value)
{
	u64 bytes = 0;

	if (!mutex_trylock(&pipe->mutex))
		return false;
	for (unsigned int tail = pipe->tail; tail != pipe->head; tail++)
		bytes += pipe->bufs[tail & (pipe->ring_size - 1)].len;
	mutex_unlock(&pipe->mutex);
	*value = bytes;
	return true;
}

/* Whoever owns the socket may be at its queue. */
static bool epx_measure_tcp(struct sock *sk, u64 *value)
{
	bool is_free;

	local_bh_disable();
	bh_lock_sock(sk);
	is_free = !sock_owned_by_user(sk);
	if (is_free)
		*value = tcp_inq(sk);
	bh_unlock_sock(sk);
	local_bh_enable();
	return is_free;
}

static bool epx_measure_unix(struct sock *sk, u64 *value)
{
	long bytes;

	if (!IS_BUILTIN(CONFIG_UNIX) || sk->sk_type != SOCK_STREAM)
		return false;
	bytes = unix_inq_len(sk);
	if (bytes < 0)
		return false;
	*value = bytes;
	return true;
}

/* Connections that wait, for who listens. Bytes otherwise. */
static bool epx_measure_socket(struct sock *sk, struct epx_payload_event *event)
{
	bool is_tcp = IS_ENABLED(CONFIG_INET) && sk_is_tcp(sk);

	/* A moment's truth, as all of it is. */
	if (is_tcp && READ_ONCE(sk->sk_state) == TCP_LISTEN) {
		event->value = READ_ONCE(sk->sk_ack_backlog);
		return true;
	}
	if (is_tcp)
		return epx_measure_tcp(sk, &event->value);
	if (sk->sk_family != AF_UNIX)
		return false;
	if (READ_ONCE(sk->sk_state) == TCP_LISTEN) {
		event->value = skb_queue_len_lockless(&sk->sk_receive_queue);
		return true;
	}
	return epx_measure_unix(sk, &event->value);
}

/**
 * epx_measure() - say in an event how much its file holds
 * @file: the file, pinned
 * @event: its value and flags are set if that is known
 *
 * Context: process; does not sleep.
 */
void epx_measure(struct file *file, struct epx_payload_event *event)
{
	struct inode *inode = file_inode(file);
	struct pipe_inode_info *pipe = inode->i_pipe;
	struct socket *sock;
	bool is_known = false;

	if (S_ISFIFO(inode->i_mode)) {
		/* Not a file that merely stands on such an inode. */
		if (pipe && file->private_data == pipe)
			is_known = epx_measure_pipe(pipe, &event->value);
	} else {
		sock = sock_from_file(file);
		if (sock && sock->sk)
			is_known = epx_measure_socket(sock->sk, event);
	}
	if (is_known)
		event->flags |= EPX_EVENT_AMOUNT;
}
