// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instances that watch instances: no cycle, no long chain, no storm.
 *
 * An edge goes from an outer instance to an inner one that it watches. The
 * rules, epoll's own:
 *
 *  - no cycle;
 *  - at most EPX_MAX_EDGES edges in a chain, counted over the whole chain
 *    that a new edge would be part of: above it, itself, below it;
 *  - from one watched file that is no instance, at most 500 paths of two
 *    watches up to an instance that nobody watches, 100 of three, 50 of four,
 *    10 of five: a wake-up of that file walks them all.
 *
 * Contexts: process, under epx_nest_mutex. Two adds that would close a cycle
 * or lengthen a chain together come one after the other here; removals may
 * run beside, and only make things shorter. An add of an ordinary file needs
 * the mutex only where its instance is watched; change.c looks after its
 * lock of the instance's mutex, and a new edge is hashed before the walk over
 * what is below it takes that mutex, so one of the two sees the other.
 *
 * Downwards the walk locks each inner instance, outermost first, and keeps it
 * by a pin. Upwards it goes by distance and not by path: all instances that
 * watch the file, then all that watch one of those, each with the number of
 * paths that lead to it. So its cost grows with the edges, however many paths
 * they make; a walk that counts against the limits ends where they are
 * exceeded, and a check of many files walks up from each once, however many
 * watches it has. It takes one file's lock at a time; RCU keeps the instances,
 * and an instance whose file has gone has ->file NULL, which nobody watches.
 *
 * A native epoll may watch an instance of ours. The other way round is
 * refused: native epoll cannot see through us, and a cycle through both kinds
 * would deadlock in its locks.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "bury.h"
#include "fput.h"
#include "nest.h"
#include "pin.h"
#include "ready.h"

/* Counts stop here, far above every limit. */
#define EPX_MANY_PATHS	1000000

static DEFINE_MUTEX(epx_nest_mutex);

/* Of native epoll, which does not export it; see epx_is_native_epoll(). */
const struct file_operations *epx_native_fops;

/* Number of the current walk, so that no scratch field needs a reset. */
static u64 epx_walk;

/* Number of the current check of paths, never zero; see epx_watch.walked. */
static u32 epx_check = 1;

/* Paths allowed from a file to a top instance at this distance. */
static const unsigned int epx_path_limits[EPX_MAX_EDGES + 1] = {
	UINT_MAX, 500, 100, 50, 10,
};

/**
 * epx_nest_lock() - exclude other changes of the graph of instances
 *
 * Context: process, may sleep; taken before any instance's mutex.
 */
void epx_nest_lock(void)
{
	mutex_lock(&epx_nest_mutex);
}

/**
 * epx_nest_unlock() - allow them again
 *
 * Context: process.
 */
void epx_nest_unlock(void)
{
	mutex_unlock(&epx_nest_mutex);
}

/**
 * epx_is_native_epoll_by_name() - epx_is_native_epoll() until it has seen one
 * @file: a referenced file
 *
 * Context: any.
 * Return: the answer.
 */
bool epx_is_native_epoll_by_name(const struct file *file)
{
	const struct dentry *dentry = file->f_path.dentry;

	/* The file system first: names in others may change under us. */
	if (strcmp(dentry->d_sb->s_type->name, "anon_inodefs") ||
	    strcmp(dentry->d_name.name, EPX_NATIVE_NAME))
		return false;
	/* Written once to the only value it can have. */
	WRITE_ONCE(epx_native_fops, file->f_op);
	return true;
}

/*
 * More paths than the limits from two watches on allow together: wherever they
 * end, one of the limits is exceeded.
 */
#define EPX_PATHS_IN_ALL	(500 + 100 + 50 + 10)

/**
 * struct epx_step - one step of the walk upwards
 * @found: the instances one step further out
 * @walk: marks them as found in this step
 * @paths: of the file whose watches are visited
 * @found_paths: paths that have led to @found
 * @most: stop when there are more of these
 * @parity: which epx_instance.reach holds @found
 * @marks: mark the visited watches with the current check
 * @any: somebody watches the visited file
 */
struct epx_step {
	struct epx_instance *found;
	u64 walk;
	u64 paths;
	u64 found_paths;
	u64 most;
	unsigned int parity;
	bool marks;
	bool any;
};

/* The file's lock held: the instance of @w is one step further out. */
static bool epx_step_to(struct epx_watch *w, void *arg)
{
	struct epx_step *step = arg;
	struct epx_instance *inst = w->instance;
	struct epx_reach *reach = &inst->reach[step->parity];

	step->any = true;
	step->found_paths += step->paths;
	if (step->marks)
		w->walked = epx_check;
	if (reach->walk != step->walk) {
		reach->walk = step->walk;
		reach->paths = 0;
		reach->next = step->found;
		step->found = inst;
	}
	reach->paths = min_t(u64, reach->paths + step->paths, EPX_MANY_PATHS);
	return step->found_paths <= step->most;
}

/*
 * Walk outwards from @file. Returns the number of steps until nobody watches
 * any more: for an instance's file the edges above it. With @limited, -EINVAL
 * where the paths are too many or too long, and the watches of @file are
 * marked as checked.
 */
static int epx_walk_up(struct file *file, bool limited)
{
	struct epx_step step = {
		.walk = ++epx_walk, .paths = 1, .most = U64_MAX, .marks = limited,
	};
	bool too_many = false;
	int distance = 0;

	lockdep_assert_held(&epx_nest_mutex);
	rcu_read_lock();
	epx_file_visit_watches(file, epx_step_to, &step);
	while (step.found && distance <= EPX_MAX_EDGES && !too_many) {
		struct epx_instance *inst = step.found;
		unsigned int parity = step.parity;
		u64 tops = 0;

		step = (struct epx_step){
			.walk = ++epx_walk, .parity = !parity,
			.most = limited ? EPX_PATHS_IN_ALL : U64_MAX,
		};
		for (; inst && !too_many; inst = inst->reach[parity].next) {
			step.paths = inst->reach[parity].paths;
			step.any = false;
			/* NULL once its release is through. */
			epx_file_visit_watches(READ_ONCE(inst->file),
					       epx_step_to, &step);
			if (!step.any)
				tops += step.paths;
			too_many = limited &&
				   (tops > epx_path_limits[distance] ||
				    step.found_paths > step.most);
		}
		distance++;
	}
	rcu_read_unlock();
	return limited && (too_many || step.found) ? -EINVAL : distance;
}

/*
 * Edges on the longest chain below @inst, or -ELOOP if @outer is among them
 * or a chain is too long already. @depth: edges between here and the new one.
 */
static int epx_depth_below(struct epx_instance *inst,
			   struct epx_instance *outer, unsigned int depth)
{
	struct rb_node *node;
	int deepest = 0;

	if (inst == outer || depth > EPX_MAX_EDGES)
		return -ELOOP;
	if (inst->below_walk == epx_walk)
		return inst->below;

	epx_instance_lock(inst, depth);
	for (node = rb_first(&inst->tree); node; node = rb_next(node)) {
		struct epx_watch *w = rb_entry(node, struct epx_watch, node);
		int below;

		cond_resched();
		if (w->kind != EPX_KIND_NESTED || !epx_watch_pin(w))
			continue;
		below = epx_depth_below(w->file->private_data, outer,
					depth + 1);
		fput(w->file);
		if (below < 0) {
			deepest = below;
			break;
		}
		deepest = max(deepest, below + 1);
	}
	epx_instance_unlock(inst);

	inst->below_walk = epx_walk;
	inst->below = deepest;
	return deepest;
}

/**
 * epx_nest_check_edge() - may an instance watch another?
 * @outer: who would watch
 * @target: the other's file, referenced
 *
 * Context: process, may sleep; between epx_nest_lock() and unlock, no
 * instance's mutex held.
 * Return: 0 or -ELOOP.
 */
int epx_nest_check_edge(struct epx_instance *outer, struct file *target)
{
	int above = epx_walk_up(outer->file, false);
	int below;

	epx_walk++;
	below = epx_depth_below(target->private_data, outer, 1);
	if (below < 0 || above + 1 + below > EPX_MAX_EDGES) {
		epx_count(loop_refused);
		return -ELOOP;
	}
	return 0;
}

/*
 * Check the paths of every ordinary file below @inst. A shared instance is
 * visited once, and so is a file: ->walked tells. It has 32 bits, so the mark
 * of the check 4 billion checks ago may be taken for this one's, which leaves
 * one file unchecked.
 */
static int epx_check_paths_below(struct epx_instance *inst, u64 visit,
				 unsigned int depth)
{
	struct rb_node *node;
	int err = 0;

	if (inst->below_walk == visit)
		return 0;
	inst->below_walk = visit;

	epx_instance_lock(inst, depth);
	for (node = rb_first(&inst->tree); node && !err;
	     node = rb_next(node)) {
		struct epx_watch *w = rb_entry(node, struct epx_watch, node);

		cond_resched();
		if (w->walked == epx_check || !epx_watch_pin(w))
			continue;
		if (w->kind == EPX_KIND_NESTED)
			err = epx_check_paths_below(w->file->private_data,
						    visit, depth + 1);
		else if (epx_walk_up(w->file, true) < 0)
			err = -EINVAL;
		fput(w->file);
	}
	epx_instance_unlock(inst);
	return err;
}

/**
 * epx_nest_check_paths() - has a new watch made too many paths?
 * @target: the file of the new watch, which is hashed already
 *
 * Context: process, may sleep; between epx_nest_lock() and unlock, the mutex
 * of the watching instance held.
 * Return: 0 or -EINVAL; the caller takes the watch back.
 */
int epx_nest_check_paths(struct file *target)
{
	int err = 0;

	if (!++epx_check)
		epx_check++;
	if (epx_is_instance(target))
		err = epx_check_paths_below(target->private_data, ++epx_walk,
					    1);
	else if (epx_walk_up(target, true) < 0)
		err = -EINVAL;
	if (err)
		epx_count(paths_refused);
	return err;
}
