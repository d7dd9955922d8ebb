/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_DEVICE_H
#define EPX_DEVICE_H

int epx_device_init(void);
void epx_device_exit(void);

#endif /* EPX_DEVICE_H */
