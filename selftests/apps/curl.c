// SPDX-License-Identifier: MIT
/*
 * An HTTP client of libcurl's multi interface, driven by epoll as curl's manual shows it:
 * libcurl says which sockets it wants watched (CURLMOPT_SOCKETFUNCTION) and when it wants to
 * be called (CURLMOPT_TIMERFUNCTION), and is told which are ready by
 * curl_multi_socket_action(). The epoll is libc's, through which a preloaded library sees it.
 *
 *	apps-curl --url URL --answer FILE [--parallel P] [--seconds S]	keeps P transfers going
 *	apps-curl --list URL...		fetches each once, all at once; prints status, size, hash
 *
 * Transfers reuse libcurl's connections. The first form prints the line of JSON that
 * apps-load prints; a transfer that libcurl gives up is "cut", whatever the reason, with the
 * first reason beside it.
 */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load.h"

#define MOST_TRANSFERS	128
#define MOST_EVENTS	64
#define LATE		10L

struct transfer {
	CURL *easy;
	const char *url;
	long long since;
	size_t got;
	unsigned long long hash;
	bool differs;
};

static struct transfer transfers[MOST_TRANSFERS];
static int parallel = 16, running;
static double seconds = 2;
static char *answer;
static size_t answer_size;
static unsigned long answered, wrong, failed;
static char first_failure[128];
static struct latency latency;
static int epoll = -1, timer = -1;
static CURLM *multi;

static void die(const char *what)
{
	fprintf(stderr, "apps-curl: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void read_answer(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die(path);
	answer_size = st.st_size;
	answer = malloc(answer_size + 1);
	if (!answer || read(fd, answer, answer_size) != (ssize_t)answer_size)
		die(path);
	close(fd);
}

/* libcurl: what to watch SOCKET for from now on; WATCHED is not NULL if it is watched already. */
static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *watched)
{
	struct epoll_event event = { .data.fd = socket };

	(void)easy;
	(void)context;
	if (what == CURL_POLL_REMOVE) {
		if (epoll_ctl(epoll, EPOLL_CTL_DEL, socket, NULL))
			die("EPOLL_CTL_DEL");
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (epoll_ctl(epoll, watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event))
		die("epoll_ctl");
	curl_multi_assign(multi, socket, &epoll);
	return 0;
}

/* libcurl: call curl_multi_socket_action() after MS; -1: not at all. */
static int on_timer(CURLM *m, long ms, void *context)
{
	struct itimerspec when = { };

	(void)m;
	(void)context;
	if (ms > 0) {
		when.it_value.tv_sec = ms / 1000;
		when.it_value.tv_nsec = ms % 1000 * 1000000;
	} else if (ms == 0) {
		when.it_value.tv_nsec = 1;
	}
	timerfd_settime(timer, 0, &when, NULL);
	return 0;
}

static size_t on_data(char *data, size_t size, size_t count, void *context)
{
	struct transfer *t = context;
	size_t i, n = size * count;

	if (answer) {
		t->differs |= t->got + n > answer_size || memcmp(answer + t->got, data, n);
	} else {
		for (i = 0; i < n; i++)
			t->hash = (t->hash ^ (unsigned char)data[i]) * 0x100000001b3ULL;
	}
	t->got += n;
	return n;
}

static void start(struct transfer *t)
{
	t->since = now_us();
	t->got = 0;
	t->hash = 0xcbf29ce484222325ULL;
	t->differs = false;
	curl_multi_add_handle(multi, t->easy);
	running++;
}

static void prepare(struct transfer *t, const char *url)
{
	t->url = url;
	t->easy = curl_easy_init();
	if (!t->easy)
		die("curl_easy_init");
	curl_easy_setopt(t->easy, CURLOPT_URL, url);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT, LATE);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
}

static void finish(struct transfer *t, CURLcode result)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(multi, t->easy);
	running--;
	if (!answer) {
		printf("%s %ld %zu %016llx %s\n", strrchr(t->url, '/'), status, t->got, t->hash,
		       curl_easy_strerror(result));
		return;
	}
	if (result != CURLE_OK) {
		failed++;
		if (!*first_failure)
			snprintf(first_failure, sizeof(first_failure), "%s",
				 curl_easy_strerror(result));
	} else if (status != 200 || t->differs || t->got != answer_size) {
		wrong++;
	} else {
		answered++;
		latency_add(&latency, now_us() - t->since);
	}
}

/* What has ended; each starts again until END. */
static void reap(long long end)
{
	struct transfer *t;
	CURLMsg *message;
	CURLcode result;
	int left;

	while ((message = curl_multi_info_read(multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		result = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
		finish(t, result);
		if (now_us() < end)
			start(t);
	}
}

static void turn(void)
{
	struct epoll_event events[MOST_EVENTS];
	unsigned long long expirations;
	int i, n, left, mask;

	n = epoll_wait(epoll, events, MOST_EVENTS, -1);
	if (n < 0 && errno != EINTR)
		die("epoll_wait");
	for (i = 0; i < n; i++) {
		if (events[i].data.fd == timer) {
			if (read(timer, &expirations, sizeof(expirations)) > 0)
				curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &left);
			continue;
		}
		mask = events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0;
		if (events[i].events & EPOLLOUT)
			mask |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			mask |= CURL_CSELECT_ERR;
		curl_multi_socket_action(multi, events[i].data.fd, mask, &left);
	}
}

static void open_all(void)
{
	struct epoll_event event = { .events = EPOLLIN };

	epoll = epoll_create1(EPOLL_CLOEXEC);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	event.data.fd = timer;
	if (epoll < 0 || timer < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event))
		die("epoll");
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		die("curl_global_init");
	multi = curl_multi_init();
	if (!multi)
		die("curl_multi_init");
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
}

/* The URLs of --list; whatever order they end in. */
static int fetch_list(char **urls, int count)
{
	int i;

	if (count > MOST_TRANSFERS)
		count = MOST_TRANSFERS;
	for (i = 0; i < count; i++) {
		prepare(&transfers[i], urls[i]);
		start(&transfers[i]);
	}
	while (running) {
		turn();
		reap(0);
	}
	return 0;
}

static int keep_going(const char *url)
{
	long long begin = now_us(), end = begin + seconds * 1000000;
	double took;
	int i;

	for (i = 0; i < parallel; i++) {
		prepare(&transfers[i], url);
		start(&transfers[i]);
	}
	while (running) {
		turn();
		reap(end);
	}
	took = (now_us() - begin) / 1e6;
	printf("{\"seconds\": %.3f, \"rate\": %.1f, \"p50_us\": %lld, \"p99_us\": %lld, ",
	       took, answered / took, latency_within(&latency, 50), latency_within(&latency, 99));
	printf("\"answered\": %lu, \"wrong\": %lu, \"cut\": %lu, \"first_failure\": \"%s\"}\n",
	       answered, wrong, failed, first_failure);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "url", 1, NULL, 'u' }, { "answer", 1, NULL, 'a' }, { "parallel", 1, NULL, 'p' },
		{ "seconds", 1, NULL, 's' }, { "list", 0, NULL, 'l' }, { }
	};
	const char *url = NULL;
	bool list = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'u')
			url = optarg;
		else if (option == 'a')
			read_answer(optarg);
		else if (option == 'p')
			parallel = atoi(optarg);
		else if (option == 's')
			seconds = atof(optarg);
		else if (option == 'l')
			list = true;
		else
			return 2;
	}
	errno = EINVAL;
	if (!list && (!url || !answer || parallel < 1 || parallel > MOST_TRANSFERS))
		die("usage: --url and --answer, or --list");
	open_all();
	return list ? fetch_list(argv + optind, argc - optind) : keep_going(url);
}
