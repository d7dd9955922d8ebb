// SPDX-License-Identifier: MIT
/*
 * The head of an HTTP/1.1 request. Strict: what the standard does not allow is
 * 400, since servers that guess are led astray.
 */
#define _GNU_SOURCE
#include <string.h>
#include <strings.h>

#include "http_request.h"

/* A piece of the head. */
struct text {
	const char *at;
	size_t len;
};

/* What the fields come to. */
struct fields {
	int hosts;
	int ranges;
	bool has_condition;
};

static bool is(struct text text, const char *word)
{
	return text.len == strlen(word) &&
	       !strncasecmp(text.at, word, text.len);
}

static bool is_exactly(struct text text, const char *word)
{
	return text.len == strlen(word) && !memcmp(text.at, word, text.len);
}

static bool is_token(struct text text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c <= ' ' || c > '~' || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return text.len;
}

/* Up to a character, which is taken away, too; all, if there is none. */
static struct text take_until(struct text *from, char end)
{
	const char *found = memchr(from->at, end, from->len);
	struct text part = *from;

	if (!found) {
		from->at += from->len;
		from->len = 0;
		return part;
	}
	part.len = found - from->at;
	from->at += part.len + 1;
	from->len -= part.len + 1;
	return part;
}

static struct text trim(struct text text)
{
	while (text.len && (*text.at == ' ' || *text.at == '\t')) {
		text.at++;
		text.len--;
	}
	while (text.len &&
	       (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
		text.len--;
	return text;
}

size_t http_head_length(const char *text, size_t len)
{
	const char *end = memmem(text, len, "\r\n\r\n", 4);

	return end ? (size_t)(end + 4 - text) : 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes; no byte of it may be 0. */
static int decode(struct text target, char *path)
{
	size_t i, n = 0;

	for (i = 0; i < target.len; i++) {
		int c = (unsigned char)target.at[i];

		if (c <= ' ' || c > '~' || c == '#')
			return 400;
		if (c == '%') {
			if (i + 2 >= target.len || hex(target.at[i + 1]) < 0 ||
			    hex(target.at[i + 2]) < 0)
				return 400;
			c = hex(target.at[i + 1]) * 16 + hex(target.at[i + 2]);
			i += 2;
		}
		if (!c)
			return 400;
		if (n + 1 >= HTTP_PATH_MOST)
			return 414;
		path[n++] = c;
	}
	path[n] = 0;
	return 0;
}

/* No part of it may be "..": whoever asks for that is told so. */
static bool leads_out(const char *path)
{
	struct text left = { path, strlen(path) };

	while (left.len) {
		if (is_exactly(take_until(&left, '/'), ".."))
			return true;
	}
	return false;
}

/* A name or an address, and a port perhaps. */
static bool is_host(struct text text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c <= ' ' || c > '~' || strchr("\"#/<>?@\\^`{|}", c))
			return false;
	}
	return true;
}

/* "http://host/path", as for a proxy, is the path here. */
static bool take_origin(struct text *target)
{
	static const char scheme[] = "http://";
	size_t n = sizeof(scheme) - 1;
	struct text host = { target->at + n, 0 };

	if (target->len < n || strncasecmp(target->at, scheme, n))
		return false;
	target->at += n;
	target->len -= n;
	while (target->len && *target->at != '/' && *target->at != '?') {
		target->at++;
		target->len--;
		host.len++;
	}
	return host.len && is_host(host);
}

static int parse_target(struct text target, struct http_request *request)
{
	size_t n;
	int err;

	if (*target.at != '/' && !take_origin(&target))
		return 400;
	while (target.len && *target.at == '/') {
		target.at++;
		target.len--;
	}
	err = decode(take_until(&target, '?'), request->path);
	if (err)
		return err;
	if (leads_out(request->path))
		return 400;
	n = strlen(request->path);
	if (n && request->path[n - 1] != '/')
		return 0;
	if (n + sizeof("index.html") > HTTP_PATH_MOST)
		return 414;
	memcpy(request->path + n, "index.html", sizeof("index.html"));
	return 0;
}

/* Up to 18 digits; -1 for none. False for anything else. */
static bool number(struct text text, int64_t *value)
{
	size_t i;

	*value = -1;
	if (text.len > 18)
		return false;
	for (i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		*value = (i ? *value * 10 : 0) + text.at[i] - '0';
	}
	return true;
}

/* A range that is not understood is ignored, as the standard says. */
static void parse_range(struct text value, struct http_request *request)
{
	struct text first;

	if (value.len < 6 || strncasecmp(value.at, "bytes=", 6) ||
	    memchr(value.at, ',', value.len) ||
	    !memchr(value.at, '-', value.len))
		return;
	value.at += 6;
	value.len -= 6;
	first = take_until(&value, '-');
	if (!number(trim(first), &request->first) ||
	    !number(trim(value), &request->last))
		return;
	if (request->first < 0 && request->last < 0)
		return;
	request->has_range = request->first < 0 || request->last < 0 ||
			     request->first <= request->last;
}

/* Of bodies there is the empty one. */
static int parse_length(struct text value)
{
	int64_t length;

	if (!value.len || !number(value, &length))
		return 400;
	return length ? 413 : 0;
}

static void parse_connection(struct text value, struct http_request *request)
{
	struct text word;

	while (value.len) {
		word = trim(take_until(&value, ','));
		if (is(word, "close"))
			request->keep_alive = false;
		else if (is(word, "keep-alive"))
			request->keep_alive = true;
	}
}

static bool is_text(struct text value)
{
	size_t i;

	for (i = 0; i < value.len; i++) {
		unsigned char c = value.at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static int parse_field(struct text line, struct http_request *request,
		       struct fields *fields)
{
	struct text name;

	if (!memchr(line.at, ':', line.len))
		return 400;
	name = take_until(&line, ':');
	line = trim(line);
	if (!is_token(name) || !is_text(line))
		return 400;
	if (is(name, "host")) {
		fields->hosts++;
		return is_host(line) ? 0 : 400;
	}
	if (is(name, "content-length"))
		return parse_length(line);
	if (is(name, "transfer-encoding"))
		return 413;
	if (is(name, "connection"))
		parse_connection(line, request);
	else if (is(name, "range") && !fields->ranges++)
		parse_range(line, request);
	else if (is(name, "if-range"))
		fields->has_condition = true;
	return 0;
}

/* A line and its end. False where that is not CR LF. */
static bool take_line(struct text *from, struct text *line)
{
	*line = take_until(from, '\n');
	if (!line->len || line->at[line->len - 1] != '\r')
		return false;
	line->len--;
	return !memchr(line->at, '\r', line->len);
}

/* 0 for 1.0, and for 1.1 and what comes behind it. */
static int parse_version(struct text version, struct http_request *request)
{
	if (version.len != 8 || memcmp(version.at, "HTTP/", 5) ||
	    version.at[6] != '.' || version.at[5] < '0' ||
	    version.at[5] > '9' || version.at[7] < '0' || version.at[7] > '9')
		return 400;
	request->is_old = version.at[7] == '0';
	request->keep_alive = !request->is_old;
	return version.at[5] == '1' ? 0 : 505;
}

static int parse_first(struct text line, struct http_request *request)
{
	struct text method = take_until(&line, ' ');
	struct text target = take_until(&line, ' ');
	int err;

	if (!is_token(method) || !target.len)
		return 400;
	err = parse_version(line, request);
	if (err)
		return err;
	request->is_head = is_exactly(method, "HEAD");
	if (!request->is_head && !is_exactly(method, "GET"))
		return 405;
	return parse_target(target, request);
}

int http_parse(const char *head, size_t len, struct http_request *request)
{
	struct text left = { head, len - 2 }, line;
	struct fields fields = { 0 };
	int err;

	memset(request, 0, sizeof(*request));
	/* Some send an empty line behind a body. */
	if (left.len >= 2 && !memcmp(head, "\r\n", 2)) {
		left.at += 2;
		left.len -= 2;
	}
	if (!take_line(&left, &line))
		return 400;
	err = parse_first(line, request);
	while (!err && left.len) {
		if (!take_line(&left, &line))
			return 400;
		err = parse_field(line, request, &fields);
	}
	if (!err && (fields.hosts > 1 || (!request->is_old && !fields.hosts)))
		return 400;
	/*
	 * Ranges are for GET; several come as the whole, as does what is wanted
	 * of one version: files have no names of versions here.
	 */
	if (request->is_head || fields.ranges > 1 || fields.has_condition)
		request->has_range = false;
	return err;
}
