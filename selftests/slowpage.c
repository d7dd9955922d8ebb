// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "slowpage.h"

void slow_page_make(struct slow_page *slow)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = {
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	long size = sysconf(_SC_PAGESIZE);
	char *pages;

	slow->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	ASSERT_GE(slow->uffd, 0);
	ASSERT_EQ(ioctl(slow->uffd, UFFDIO_API, &api), 0);
	pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(pages != MAP_FAILED);
	memset(pages, 0, size);
	slow->page = pages + size;
	area.range.start = (unsigned long)slow->page;
	area.range.len = size;
	ASSERT_EQ(ioctl(slow->uffd, UFFDIO_REGISTER, &area), 0);
}

void slow_page_await(struct slow_page *slow)
{
	struct uffd_msg msg;

	ASSERT_EQ(read(slow->uffd, &msg, sizeof(msg)), sizeof(msg));
	ASSERT_EQ(msg.event, UFFD_EVENT_PAGEFAULT);
}

void slow_page_fill(struct slow_page *slow)
{
	struct uffdio_zeropage zero = {
		.range.start = (unsigned long)slow->page,
		.range.len = sysconf(_SC_PAGESIZE),
	};

	ASSERT_EQ(ioctl(slow->uffd, UFFDIO_ZEROPAGE, &zero), 0);
}

void slow_page_end(struct slow_page *slow)
{
	long size = sysconf(_SC_PAGESIZE);

	munmap((char *)slow->page - size, 2 * size);
	close(slow->uffd);
}
