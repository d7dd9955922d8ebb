/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP/1.1 request, as far as a server of files needs it.
 */
#ifndef EPX_EXAMPLES_HTTP_REQUEST_H
#define EPX_EXAMPLES_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_PATH_MOST	1024

/*
 * Old is HTTP/1.0. Of a range "bytes=a-b": first a, last b; "a-": last -1; "-n": first -1, last
 * n. The path is decoded, relative, and does not lead out of its directory.
 */
struct http_request {
	bool is_old;
	bool is_head;
	bool keep_alive;
	bool has_range;
	int64_t first;
	int64_t last;
	char path[HTTP_PATH_MOST];
};

/* Bytes of the head that the text begins with, its end included; 0: not yet. */
size_t http_head_length(const char *text, size_t len);

/* 0, or the status that the client is to be told: 400, 405, 413, 414, 505. */
int http_parse(const char *head, size_t len, struct http_request *request);

#endif /* EPX_EXAMPLES_HTTP_REQUEST_H */
