/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tree that holds an interest list: watches by file and fd number.
 *
 * Process context, under the instance's mutex. In a header because each change
 * makes one walk through it.
 */
#ifndef EPX_TREE_H
#define EPX_TREE_H

#include <linux/rbtree.h>

#include "instance.h"

/* Plain numbers: the order means nothing but must not change. */
static inline int epx_tree_compare(const struct epx_watch *w,
				   const struct file *file, int fd)
{
	if (w->file != file)
		return file < w->file ? -1 : 1;
	return fd - w->fd;
}

/**
 * epx_tree_find() - look up a watch
 * @inst: the instance, whose dead have been buried since @file was referenced
 * @file: the watched file
 * @fd: the number under which it was added
 *
 * Context: process; the instance's mutex held.
 * Return: the watch or NULL.
 */
static inline struct epx_watch *epx_tree_find(struct epx_instance *inst,
					      const struct file *file, int fd)
{
	struct rb_node *node = inst->tree.rb_node;

	while (node) {
		struct epx_watch *w = rb_entry(node, struct epx_watch, node);
		int order = epx_tree_compare(w, file, fd);

		if (!order)
			return w;
		node = order < 0 ? node->rb_left : node->rb_right;
	}
	return NULL;
}

/**
 * epx_tree_link() - enter a watch
 * @inst: the instance, which has no watch of the same file and number
 * @new: the watch
 *
 * Context: process; the instance's mutex held.
 */
static inline void epx_tree_link(struct epx_instance *inst,
				 struct epx_watch *new)
{
	struct rb_node **link = &inst->tree.rb_node, *parent = NULL;

	while (*link) {
		struct epx_watch *w = rb_entry(*link, struct epx_watch, node);

		parent = *link;
		link = epx_tree_compare(w, new->file, new->fd) < 0 ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&new->node, parent, link);
	rb_insert_color(&new->node, &inst->tree);
}

#endif /* EPX_TREE_H */
