/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_SELFTEST_H
#define EPX_SELFTEST_H

int epx_selftest(void);

#endif /* EPX_SELFTEST_H */
