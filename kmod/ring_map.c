// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a ring: made by EPX_IOC_RING, seen through mmap(2), freed with
 * the instance.
 *
 * Process context. The memory is one area of vmalloc, whole from the start: a
 * wake callback writes to it in any context and cannot wait for a page. Sixteen
 * million items take 320 MiB of single pages. The program's map is filled page
 * by page, by its own faults, each with a reference.
 *
 * Lifetime. The area goes with the instance's release, when no watch is left
 * and so no callback. A map holds the instance's file, so there is no map then.
 *
 * The charge. Pages are the memory cgroup's of who makes the ring, and stay
 * there until they are freed. They count as locked memory of the user who
 * makes it, unless he may lock what he likes; that user is remembered, for
 * whoever closes last.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "argument.h"
#include "bury.h"
#include "compat.h"
#include "ring.h"
#include "ring_map.h"

/* Pages of the caller's user, within the caller's limit. */
static int epx_ring_charge(struct epx_publisher *ring)
{
	unsigned long pages = ring->map_size >> PAGE_SHIFT;
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long old;

	ring->user = get_uid(current_user());
	if (capable(CAP_IPC_LOCK))
		return 0;
	old = atomic_long_read(&ring->user->locked_vm);
	do {
		if (old + pages > limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&ring->user->locked_vm, &old,
					  old + pages));
	ring->charged = pages;
	return 0;
}

/**
 * epx_ring_free() - free a ring and give back what it was charged
 * @ring: the ring; no map, no watch
 *
 * Context: process, may sleep.
 */
void epx_ring_free(struct epx_publisher *ring)
{
	vfree(ring->map);
	ida_destroy(&ring->numbers);
	atomic_long_sub(ring->charged, &ring->user->locked_vm);
	free_uid(ring->user);
	kfree(ring);
}

/* As @arg asks; fills in what @arg answers. */
static struct epx_publisher *epx_ring_new(struct epx_ring *arg)
{
	struct epx_publisher *ring;
	int err;

	BUILD_BUG_ON(sizeof(struct epx_ring_head) > PAGE_SIZE);
	arg->slots = roundup_pow_of_two(arg->items);
	arg->slots_offset = PAGE_SIZE;
	arg->items_offset = arg->slots_offset +
			    PAGE_ALIGN(arg->slots * sizeof(u32));
	arg->map_size = arg->items_offset +
			PAGE_ALIGN(arg->items * sizeof(struct epx_item));
	if (arg->flags & EPX_RING_PAYLOAD) {
		arg->payloads_offset = arg->map_size;
		arg->map_size += PAGE_ALIGN(arg->items *
					    sizeof(struct epx_payload));
	}

	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return ERR_PTR(-ENOMEM);
	ida_init(&ring->numbers);
	ring->mask = arg->slots - 1;
	ring->items = arg->items;
	ring->map_size = arg->map_size;
	err = epx_ring_charge(ring);
	if (err)
		goto free;
	/* Much memory, on a user's word: no reason to kill anybody for it. */
	err = -ENOMEM;
	ring->map = __vmalloc(ring->map_size,
			      GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
			      __GFP_RETRY_MAYFAIL);
	if (!ring->map)
		goto free;
	ring->head = ring->map;
	ring->slots = ring->map + arg->slots_offset;
	ring->item = ring->map + arg->items_offset;
	if (arg->payloads_offset)
		ring->payload = ring->map + arg->payloads_offset;
	return ring;
free:
	epx_ring_free(ring);
	return ERR_PTR(err);
}

/*
 * Give the instance its ring; NULL: only look whether it might have one.
 * Neither a ring nor a watch may be there.
 */
static int epx_ring_attach(struct epx_instance *inst,
			   struct epx_publisher *ring)
{
	int err = 0;

	epx_instance_lock(inst, 0);
	epx_bury(inst);
	if (epx_ring_of(inst) || !RB_EMPTY_ROOT(&inst->tree) ||
	    !xa_empty(&inst->sources))
		err = -EBUSY;
	else if (ring)
		/* It is complete when seen. Pairs with the load in epx_ring_of(). */
		smp_store_release(&inst->ring, ring);
	epx_instance_unlock(inst);
	return err;
}

/**
 * epx_ring_setup() - EPX_IOC_RING
 * @inst: the instance
 * @cmd: the command, whose size tells the version
 * @uarg: struct epx_ring
 *
 * Context: process, may sleep.
 * Return: 0 or -errno; on an error the instance is as it was.
 */
long epx_ring_setup(struct epx_instance *inst, unsigned int cmd,
		    void __user *uarg)
{
	size_t size = _IOC_SIZE(cmd);
	struct epx_publisher *ring;
	struct epx_ring arg;
	int err;

	BUILD_BUG_ON(sizeof(arg) != 48);
	err = epx_fetch(&arg, sizeof(arg), EPX_RING_SIZE_MIN, cmd, uarg);
	if (err)
		return err;
	/* Who could not be told where the payloads are has none. */
	if ((arg.flags & ~EPX_RING_PAYLOAD) || arg.reserved || arg.slots ||
	    arg.map_size || arg.slots_offset || arg.items_offset ||
	    arg.payloads_offset || (arg.flags && size < sizeof(arg)))
		return -EINVAL;
	if (!arg.items || arg.items > EPX_RING_ITEMS_MAX)
		return -EINVAL;
	/* Who reads a ring makes no call that could take a slot. */
	if (inst->slots)
		return -EINVAL;
	/* Before so much memory is fetched. */
	err = epx_ring_attach(inst, NULL);
	if (err)
		return err;
	ring = epx_ring_new(&arg);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	/* Written first: a ring that nobody can find would stay for ever. */
	if (copy_to_user(uarg, &arg, min(size, sizeof(arg)))) {
		epx_ring_free(ring);
		return -EFAULT;
	}
	err = epx_ring_attach(inst, ring);
	if (err)
		epx_ring_free(ring);
	return err;
}

static vm_fault_t epx_ring_fault(struct vm_fault *vmf)
{
	struct epx_instance *inst = vmf->vma->vm_file->private_data;
	struct epx_publisher *ring = epx_ring_of(inst);

	if (vmf->pgoff >= ring->map_size >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;
	vmf->page = vmalloc_to_page(ring->map + (vmf->pgoff << PAGE_SHIFT));
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct epx_ring_vm_ops = {
	.fault = epx_ring_fault,
};

/**
 * epx_ring_mmap() - the ->mmap of an instance
 * @file: the instance's file
 * @vma: the map in the making
 *
 * Context: process, may sleep.
 * Return: 0; -ENODEV without a ring; -EINVAL; -EPERM.
 */
int epx_ring_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct epx_instance *inst = file->private_data;
	struct epx_publisher *ring = epx_ring_of(inst);

	if (!ring)
		return -ENODEV;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff ||
	    vma->vm_end - vma->vm_start != ring->map_size)
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	epx_vma_restrict(vma);
	vma->vm_ops = &epx_ring_vm_ops;
	return 0;
}
