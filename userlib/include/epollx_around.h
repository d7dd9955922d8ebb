/* SPDX-License-Identifier: MIT */
/*
 * libepollx, the upper level: what programs need around it.
 */
#ifndef EPOLLX_AROUND_H
#define EPOLLX_AROUND_H

#include <sys/types.h>

#include <epollx_io.h>

#ifdef __cplusplus
extern "C" {
#endif

/* epx_listen_tcp(): several sockets for one port, a kernel's choice for each. */
#define EPX_LISTEN_REUSEPORT	1U

/**
 * epx_listen_tcp() - a listening socket
 * @address: numeric, IPv4 or IPv6; NULL for all of this machine's
 * @port: its port; 0 for a free one
 * @backlog: of listen(2)
 * @flags: EPX_LISTEN_REUSEPORT or 0
 *
 * Return: a descriptor for epx_io_init(), with SO_REUSEADDR; -EINVAL for no
 * address; -errno.
 */
int epx_listen_tcp(const char *address, uint16_t port, int backlog,
		   unsigned int flags);

/**
 * epx_port() - the port of a socket
 * @fd: the socket
 *
 * Return: the port, or -errno.
 */
int epx_port(int fd);

#ifdef __cplusplus
}
#endif

#endif /* EPOLLX_AROUND_H */
