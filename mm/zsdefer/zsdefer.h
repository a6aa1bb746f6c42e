/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: the engine, as its backend (zspage.c) and its
 * control side (sysfs.c) see it.
 *
 * Life cycle of a struct zsdefer: zsdefer_create(), zsdefer_add_queue() for
 * every size class, zsdefer_bind(); then pushes and drains from anywhere;
 * zsdefer_destroy() once nobody can push any more.
 *
 * Locks that may sleep, from the outside in:
 *
 *	zsdefer_ctl.lock	the values of a device's knobs, and which
 *				engine they go to
 *	  zsdefer_engines_lock	all engines, for the OOM notifier
 *	    zsdefer.flush_lock	one flush, or change of limits, at a time
 *
 * Blocks are allocated under the first, and that may run into the OOM path,
 * which takes the other two. Nothing is allocated under those. The spinlocks
 * are described in queue.h.
 */
#ifndef _MM_ZSDEFER_H
#define _MM_ZSDEFER_H

#include <linux/gfp_types.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include "queue.h"

/*
 * Objects freed under one hold of class->lock. Also sizes two arrays on the
 * stack of a drain.
 */
#define ZSDEFER_BATCH		64

struct dentry;
struct zsdefer_ctl;

/**
 * struct zsdefer_params - the values of a device's knobs
 * @enabled: queue objects; false: free all of them synchronously
 * @budget: bytes that may wait in all queues of the device
 * @class_budget: objects that may wait in one queue
 * @drain_threshold: objects in a queue that start its work item
 * @drain_delay_ms: milliseconds that an object may wait below the threshold
 */
struct zsdefer_params {
	bool enabled;
	unsigned long budget;
	unsigned int class_budget;
	unsigned int drain_threshold;
	unsigned int drain_delay_ms;
};

/**
 * struct zsdefer_stats - what users see of a device's queues
 * @waiting_objects: objects queued or being drained, not freed yet
 * @waiting_bytes: what these occupy, by class size
 * @queued: objects ever queued
 * @drained: objects ever freed by a drain
 * @zspages_freed_whole: zspages freed without linking their objects
 * @drains: batches freed
 * @pages_freed: pages that drains gave back
 * @longest_wait: jiffies, the longest any object waited for its drain
 * @memory: bytes that the queues themselves occupy
 * @fallbacks: synchronous frees, by enum zsdefer_fallback
 */
struct zsdefer_stats {
	unsigned long waiting_objects;
	unsigned long waiting_bytes;
	unsigned long queued;
	unsigned long drained;
	unsigned long zspages_freed_whole;
	unsigned long drains;
	unsigned long pages_freed;
	unsigned long longest_wait;
	unsigned long memory;
	unsigned long fallbacks[ZSDEFER_NR_FALLBACKS];
};

/**
 * struct zsdefer_freed - what came of freeing a batch, or several
 * @zspages_whole: zspages that went back without linking their objects
 * @pages: pages that went back
 * @lock_ns: nanoseconds, the longest that the class's lock was held; zero
 *	     unless the trace event is on that reports it
 */
struct zsdefer_freed {
	unsigned int zspages_whole;
	unsigned int pages;
	u64 lock_ns;
};

/**
 * struct zsdefer_ops - what the engine asks of an allocator
 * @free_batch: free objects of one size class. Gets the pool, the class, the
 *	handles in the order they were queued, their number (at most
 *	%ZSDEFER_BATCH), whether more of this queue follow at once, and where
 *	to store what came of it. Returns how many of the handles it freed,
 *	from the front, at least one: with more to follow it may leave a tail
 *	whose neighbours are yet to come. Must not sleep.
 * @nr_objects: how many objects the zspages of a class can hold now; an
 *	estimate will do. Must not sleep.
 */
struct zsdefer_ops {
	unsigned int (*free_batch)(void *pool, void *class,
				   unsigned long *handles, unsigned int nr,
				   bool more, struct zsdefer_freed *freed);
	unsigned long (*nr_objects)(void *class);
};

/**
 * struct zsdefer - the deferred free of one pool
 * @shared: what the queues share; first, as the queues find us through it
 * @flush_lock: one flush, or change of limits, at a time
 * @nr_flushes: flushes that have begun; written under @flush_lock
 * @ops: the allocator
 * @pool: the allocator's pool
 * @ctl: the knobs that are bound to us, or NULL
 * @list: on the list of all engines
 * @debugfs: the file with the figures of each class, or NULL
 * @nr_queues: used entries of @queues
 * @max_queues: entries of @queues
 * @queues: one for each distinct size class
 */
struct zsdefer {
	struct zsdefer_shared shared;
	struct mutex flush_lock;	/* one flush at a time */
	unsigned long nr_flushes;
	const struct zsdefer_ops *ops;
	void *pool;
	struct zsdefer_ctl *ctl;
	struct list_head list;
	struct dentry *debugfs;
	unsigned int nr_queues;
	unsigned int max_queues;
	struct zsdefer_queue queues[] __counted_by(max_queues);
};

struct zsdefer *zsdefer_create(const struct zsdefer_ops *ops, void *pool,
			       const char *name, unsigned int nr_queues);
struct zsdefer_queue *zsdefer_add_queue(struct zsdefer *zd, void *class,
					unsigned int size);
void zsdefer_bind(struct zsdefer *zd, struct zsdefer_ctl *ctl);
void zsdefer_unbind(struct zsdefer *zd);
void zsdefer_destroy(struct zsdefer *zd);

void zsdefer_default_params(struct zsdefer_params *params);
bool zsdefer_params_valid(const struct zsdefer_params *params);
void zsdefer_set_params(struct zsdefer *zd, const struct zsdefer_params *params);
bool zsdefer_flush(struct zsdefer *zd, const char *cause);
unsigned long zsdefer_try_flush(struct zsdefer *zd, const char *cause);
unsigned long zsdefer_pages_freed(struct zsdefer *zd);
unsigned long zsdefer_waiting_pages(struct zsdefer *zd);
void zsdefer_read_stats(struct zsdefer *zd, struct zsdefer_stats *stats);
void zsdefer_stock(struct zsdefer_queue *q, unsigned long nr_objects, gfp_t gfp);
void zsdefer_restock(struct zsdefer *zd, gfp_t gfp);

void zsdefer_debugfs_create(struct zsdefer *zd, struct dentry *dir);

/* Called by queue.c, under a queue's lock. */
void zsdefer_start_drain(struct zsdefer_queue *q);
void zsdefer_arm_sweep(struct zsdefer_shared *shared);
void zsdefer_revoke_room(struct zsdefer_queue *q);

/* Nothing else is read of a pool whose frees are not deferred now. */
static inline bool zsdefer_enabled(const struct zsdefer *zd)
{
	return READ_ONCE(zd->shared.limits.enabled);
}

#endif /* _MM_ZSDEFER_H */
