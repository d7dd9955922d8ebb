// SPDX-License-Identifier: MIT
/*
 * Listening sockets.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epollx_around.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t parse(const char *text, uint16_t port, union address *to)
{
	memset(to, 0, sizeof(*to));
	if (text && inet_pton(AF_INET, text, &to->v4.sin_addr) == 1) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(port);
		return sizeof(to->v4);
	}
	if (text && inet_pton(AF_INET6, text, &to->v6.sin6_addr) != 1)
		return 0;
	to->v6.sin6_family = AF_INET6;
	to->v6.sin6_port = htons(port);
	return sizeof(to->v6);
}

int epx_listen_tcp(const char *address, uint16_t port, int backlog,
		   unsigned int flags)
{
	union address bound;
	socklen_t len = parse(address, port, &bound);
	int one = 1, zero = 0, fd, err;

	if (!len || flags & ~EPX_LISTEN_REUSEPORT)
		return -EINVAL;
	fd = socket(bound.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
	/* A machine without IPv6 has all of its addresses in IPv4. */
	if (fd < 0 && errno == EAFNOSUPPORT && !address)
		return epx_listen_tcp("0.0.0.0", port, backlog, flags);
	if (fd < 0)
		return -errno;
	if (!address)
		/* IPv4 too, whatever the machine's default is. */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    (flags & EPX_LISTEN_REUSEPORT &&
	     setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one))) ||
	    bind(fd, &bound.any, len) || listen(fd, backlog)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int epx_port(int fd)
{
	union address bound;
	socklen_t len = sizeof(bound);

	if (getsockname(fd, &bound.any, &len))
		return -errno;
	if (bound.any.sa_family == AF_INET)
		return ntohs(bound.v4.sin_port);
	if (bound.any.sa_family == AF_INET6)
		return ntohs(bound.v6.sin6_port);
	return -EAFNOSUPPORT;
}
