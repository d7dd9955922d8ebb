/* SPDX-License-Identifier: MIT */
/*
 * A page that faults into user space, and is filled when the test says so: who
 * writes to it sleeps there, with all that it holds.
 */
#ifndef EPX_TEST_SLOWPAGE_H
#define EPX_TEST_SLOWPAGE_H

/**
 * struct slow_page - two pages; the first is there, the second is not yet
 * @uffd: tells of the fault
 * @page: the second
 */
struct slow_page {
	int uffd;
	void *page;
};

void slow_page_make(struct slow_page *slow);
/* Waits until somebody faults on it. */
void slow_page_await(struct slow_page *slow);
void slow_page_fill(struct slow_page *slow);
void slow_page_end(struct slow_page *slow);

#endif /* EPX_TEST_SLOWPAGE_H */
