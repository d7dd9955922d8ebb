// SPDX-License-Identifier: MIT
/*
 * Files by HTTP/1.1: http PORT DIRECTORY [IDLE-MILLISECONDS]
 *
 * Connections are kept, requests may come one behind the other without waiting
 * for answers. Who says nothing for a while, needs too long for the head of a
 * request, or does not take the answer, is cut off.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "http_request.h"
#include "serve.h"

#define HEAD_MOST 8192

static int directory;
static int64_t idle_ns = 5 * EPX_SEC;

struct connection {
	struct epx_future future;
	struct epx_io io;
	struct epx_op op;
	struct epx_timeout timeout;
	struct http_request request;
	int64_t deadline;
	int status;
	int file;
	off_t at;
	int64_t left;
	ssize_t n;
	size_t used;
	size_t head;
	int answer_len;
	char answer[512];
	char buf[HEAD_MOST];
};

static const char *reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 206:
		return "Partial Content";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 413:
		return "Content Too Large";
	case 414:
		return "URI Too Long";
	case 416:
		return "Range Not Satisfiable";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return "HTTP Version Not Supported";
	}
}

static const char *type_of(const char *path)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".css", "text/css" },
		{ ".js", "text/javascript" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
	};
	const char *dot = strrchr(path, '.');
	size_t i;

	for (i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(dot, types[i][0]))
			return types[i][1];
	}
	return "application/octet-stream";
}

static void file_close(struct connection *me)
{
	if (me->file >= 0)
		close(me->file);
	me->file = -1;
}

static void connection_close(struct connection *me)
{
	file_close(me);
	epx_io_close(&me->io);
}

/* What of the file is wanted; 200, 206 or 416. */
static int choose_range(struct connection *me, int64_t size)
{
	const struct http_request *request = &me->request;
	int64_t first = request->first, last = request->last;

	me->at = 0;
	me->left = size;
	if (!request->has_range)
		return 200;
	if (first < 0) {
		first = last < size ? size - last : 0;
		last = request->last ? size - 1 : -1;
	} else if (last < 0 || last >= size) {
		last = size - 1;
	}
	if (first >= size || first > last)
		return 416;
	me->at = first;
	me->left = last - first + 1;
	return 206;
}

static int open_file(struct connection *me, int64_t *size)
{
	/* No link leads out of the directory, wherever in the path it is. */
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	struct stat stat;

	me->file = syscall(SYS_openat2, directory, me->request.path, &how,
			   sizeof(how));
	if (me->file < 0)
		return errno == EMFILE || errno == ENFILE ? 503 : 404;
	if (fstat(me->file, &stat) || !S_ISREG(stat.st_mode))
		return 404;
	*size = stat.st_size;
	return choose_range(me, stat.st_size);
}

static const char *date(void)
{
	static char text[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT",
		 gmtime_r(&now, &tm));
	return text;
}

static const char *connection_field(const struct http_request *request)
{
	if (!request->keep_alive)
		return "Connection: close\r\n";
	return request->is_old ? "Connection: keep-alive\r\n" : "";
}

/* The head of the answer; what follows is the file, if it is open. */
static void answer(struct connection *me, int status)
{
	char range[96] = "";
	const char *type;
	int64_t size = 0;
	int len;

	if (!status)
		status = open_file(me, &size);
	me->status = status;
	if (status >= 400) {
		file_close(me);
		me->left = 0;
		/* What follows a request that was not understood is not one. */
		if (status != 404 && status != 416)
			me->request.keep_alive = false;
	}
	if (status == 206)
		snprintf(range, sizeof(range),
			 "Content-Range: bytes %lld-%lld/%lld\r\n",
			 (long long)me->at, (long long)(me->at + me->left - 1),
			 (long long)size);
	else if (status == 416)
		snprintf(range, sizeof(range),
			 "Content-Range: bytes */%lld\r\n", (long long)size);
	type = status < 400 ? type_of(me->request.path) : "text/plain";
	len = snprintf(me->answer, sizeof(me->answer),
		       "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Length: %lld\r\n"
		       "Content-Type: %s\r\nAccept-Ranges: bytes\r\n%s%s%s\r\n",
		       status, reason(status), date(), (long long)me->left,
		       type, range,
		       status == 405 ? "Allow: GET, HEAD\r\n" : "",
		       connection_field(&me->request));
	me->answer_len = len;
	if (me->request.is_head)
		me->left = 0;
}

/* The next request's head is in the buffer, or 431 is the answer. */
static bool has_head(struct connection *me)
{
	me->head = http_head_length(me->buf, me->used);
	return me->head || me->used == HEAD_MOST;
}

static int64_t time_left(struct connection *me, struct epx_cx *cx)
{
	int64_t now = epx_now(cx);

	/* It begins with the first byte, and not with each. */
	if (!me->deadline)
		me->deadline = now + idle_ns;
	return me->deadline - now;
}

EPX_ASYNC(connection, connection_close)
{
	EPX_BEGIN;
	for (;;) {
		me->deadline = 0;
		while (!has_head(me)) {
			EPX_AWAIT(epx_timeout(&me->timeout,
					      epx_recv(&me->op, &me->io,
						       me->buf + me->used,
						       HEAD_MOST - me->used),
					      time_left(me, cx)));
			if (EPX_RES <= 0)
				break;
			/* Idle until now; the head has its own time. */
			if (!me->used)
				me->deadline = 0;
			me->used += EPX_RES;
		}
		if (!me->head && me->used < HEAD_MOST &&
		    (EPX_RES != -ETIMEDOUT || !me->used))
			EPX_RETURN(0);
		if (me->head)
			answer(me, http_parse(me->buf, me->head, &me->request));
		else
			answer(me, me->used < HEAD_MOST ? 408 : 431);
		me->used -= me->head;
		memmove(me->buf, me->buf + me->head, me->used);
		EPX_TRY(epx_timeout(&me->timeout,
				    epx_send_all(&me->op, &me->io, me->answer,
						 me->answer_len),
				    idle_ns));
		while (me->left) {
			EPX_TRY(epx_timeout(&me->timeout,
					    epx_writable(&me->op, &me->io),
					    idle_ns));
			me->n = sendfile(me->io.fd, me->file, &me->at,
					 me->left);
			if (me->n < 0 && errno == EAGAIN)
				epx_io_clear(&me->io, EPX_OUT, EPX_RES);
			else if (me->n <= 0)
				EPX_RETURN(me->n < 0 ? -errno : -EIO);
			else
				me->left -= me->n;
		}
		file_close(me);
		if (!me->request.keep_alive)
			break;
	}
	/* A close would take the answer back where not all has been read. */
	shutdown(me->io.fd, SHUT_WR);
	me->deadline = 0;
	do {
		EPX_TRY(epx_timeout(&me->timeout,
				    epx_recv(&me->op, &me->io, me->buf,
					     HEAD_MOST),
				    time_left(me, cx)));
	} while (EPX_RES && time_left(me, cx) > 0);
	EPX_END;
}

static void connection_free(struct epx_future *future)
{
	free(future);
}

static int connection_start(struct epx_group *group, int fd)
{
	struct connection *connection = malloc(sizeof(*connection));
	int one = 1, err;

	if (!connection)
		return -1;
	/* A file does not wait for the client's word that it has its head. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connection->file = -1;
	connection->used = 0;
	epx_io_init(group->exec, &connection->io, fd);
	err = epx_group_spawn(group, EPX_INIT(connection, connection),
			      connection_free);
	if (err)
		free(connection);
	return err;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr,
			"usage: http PORT DIRECTORY [IDLE-MILLISECONDS]\n");
		return 2;
	}
	directory = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0) {
		perror(argv[2]);
		return 1;
	}
	if (argc > 3)
		idle_ns = atoi(argv[3]) * EPX_MSEC;
	/* sendfile(2) has no MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	return serve(argv[1], connection_start);
}
