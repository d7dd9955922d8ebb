// SPDX-License-Identifier: MIT
/*
 * The VM's verdict: what the kernel said while the command ran, and what it leaked.
 *
 * The kernel log is read from /dev/kmsg, record by record, from the point where the module is
 * about to be loaded: a record is never torn, and a message that the console's log level hides
 * is seen too. A ring buffer that overflowed (EPIPE) is trouble as well, since what was lost
 * could have been a warning.
 *
 * kmemleak reports an object only when it is more than five seconds old and when a scan found
 * no pointer to it; one scan can miss a pointer that is just then moving through registers, so
 * an object counts when the second scan still has it. The wait is for the objects' age, not
 * for another task.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define KMEMLEAK "/sys/kernel/debug/kmemleak"
#define KMEMLEAK_AGE_S 6

static int verdict_fd = -1;
static int kmsg_fd = -1;

/*
 * A record that contains one of these means that the kernel, or one of its checkers, found
 * something wrong.
 */
static const char *const trouble[] = {
	"WARNING: ",
	"BUG: ",
	"BUG kmem",
	"BUG epx_",
	"kernel BUG at",
	"Oops",
	"KASAN: ",
	"UBSAN: ",
	"ODEBUG: ",
	"INFO: task ",
	"INFO: trying to register non-static key",
	"INFO: rcu_",
	"rcu: INFO: ",
	"possible recursive locking",
	"possible circular locking",
	"possible irq lock inversion",
	"inconsistent lock state",
	"suspicious RCU usage",
	"Invalid wait context",
	"still has locks held",
	"held lock freed",
	"sleeping function called",
	"scheduling while atomic",
	"general protection fault",
	"unable to handle",
	"refcount_t: ",
	"list_add corruption",
	"list_del corruption",
	"Object already free",
	"Objects remaining in",
	"Slab cache still has objects",
	"kmem_cache_destroy",
	"Freeing unallocated",
	"possible memory leak",
	"new suspected memory leaks",
	"soft lockup",
	"hard LOCKUP",
	"self-detected stall",
	"Call Trace:",
};

void verdict_open(void)
{
	struct termios t;

	verdict_fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (verdict_fd < 0)
		return;
	if (!tcgetattr(verdict_fd, &t)) {
		cfmakeraw(&t);
		tcsetattr(verdict_fd, TCSANOW, &t);
	}
}

void say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	size_t n, done;
	ssize_t w;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	for (done = 0; verdict_fd >= 0 && done < n; done += w) {
		w = write(verdict_fd, line + done, n - done);
		if (w < 0)
			return;
	}
	if (verdict_fd >= 0)
		tcdrain(verdict_fd);
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	errno = err;
	return n < 0 ? -1 : 0;
}

void log_start(void)
{
	if (kmsg_fd < 0)
		kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg_fd >= 0)
		lseek(kmsg_fd, 0, SEEK_END);
}

/*
 * The text of a /dev/kmsg record "level,seq,time,flags;text\n" (continuation lines after it
 * are cut off).
 */
static char *record_text(char *record)
{
	char *text = strchr(record, ';');

	if (!text)
		return record;
	text++;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

int log_check(void)
{
	char record[8192];
	int found = 0;
	ssize_t n;
	size_t i;
	char *text;

	if (kmsg_fd < 0) {
		say("problem the kernel log could not be opened");
		return 1;
	}
	for (;;) {
		n = read(kmsg_fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE) {
			say("problem the kernel log overflowed, so what it said is not known");
			found++;
			continue;
		}
		if (n <= 0)
			return found;
		record[n] = '\0';
		text = record_text(record);
		for (i = 0; i < sizeof(trouble) / sizeof(trouble[0]); i++) {
			if (strstr(text, trouble[i])) {
				if (found++ < 20)
					say("problem %s", text);
				break;
			}
		}
	}
}

void leaks_start(void)
{
	if (access(KMEMLEAK, W_OK))
		return;
	write_file(KMEMLEAK, "scan=off");
	write_file(KMEMLEAK, "clear");
}

/* Says the report line by line; returns the number of objects in it. */
static int leaks_report(void)
{
	FILE *f = fopen(KMEMLEAK, "re");
	char line[512];
	int found = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "unreferenced", 12))
			found++;
		if (found <= 5)
			say("problem kmemleak: %s", line);
	}
	fclose(f);
	return found;
}

int leaks_check(void)
{
	struct timespec age = { .tv_sec = KMEMLEAK_AGE_S };

	if (access(KMEMLEAK, W_OK))
		return 0;
	nanosleep(&age, NULL);
	if (write_file(KMEMLEAK, "scan") || write_file(KMEMLEAK, "scan")) {
		say("problem kmemleak could not scan: %s", strerror(errno));
		return 1;
	}
	return leaks_report();
}
