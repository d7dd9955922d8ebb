/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EPX_FPUT_H
#define EPX_FPUT_H

#include <linux/types.h>

struct epx_watch;
struct file;

/* What to do with each watch of a file, with the file's lock held. */
typedef bool (*epx_watch_fn)(struct epx_watch *w, void *arg);

extern size_t epx_files_bytes;

void epx_file_hash(struct epx_watch *w);
void epx_file_unhash(struct epx_watch *w);
bool epx_watch_own(struct epx_watch *w);
bool epx_file_is_watched(struct file *file);
void epx_file_visit_watches(struct file *file, epx_watch_fn fn, void *arg);
int epx_files_init(void);
void epx_files_exit(void);
int epx_close_hook_init(void);
void epx_close_hook_exit(void);

#endif /* EPX_FPUT_H */
