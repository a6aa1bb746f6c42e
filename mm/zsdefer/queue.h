/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: the bounded queue of one size class.
 *
 * A queue is a list of blocks filled with handles. All blocks of a device
 * come from its depot, which is stocked when zspages are allocated, never
 * when objects are queued.
 *
 * The hot path of a push compares two pointers: where the next handle goes,
 * and where room ends, the objects that may still be queued before somebody
 * has to think. Room is granted a few dozen objects at a time, after
 * class_budget, budget, drain_threshold and the space in the last block have
 * all been asked, so it ends exactly where the first of them does.
 *
 * Lock order, from the outside in:
 *
 *	zram's slot lock, the swap cluster's lock
 *	  zsdefer_queue.lock
 *	    zsdefer_depot.lock
 *	    the workqueue's and the timer's own locks
 *
 * class->lock is never taken inside zsdefer_queue.lock, nor the other way
 * round: a drain detaches under the one and frees under the other.
 */
#ifndef _MM_ZSDEFER_QUEUE_H
#define _MM_ZSDEFER_QUEUE_H

#include "internal.h"

/* Handles in a block: with the link, 512 bytes on 64 bit. */
#define ZSDEFER_BLOCK_HANDLES	63

/* The most objects that a single grant charges to the budget: a new block. */
#define ZSDEFER_GRANT_MAX	ZSDEFER_BLOCK_HANDLES

/**
 * enum zsdefer_fallback - why an object was freed synchronously
 * @ZSDEFER_FULL: its class's queue holds class_budget objects
 * @ZSDEFER_BUDGET: the device's queues hold budget bytes
 * @ZSDEFER_NOMEM: no block in the depot
 * @ZSDEFER_DISABLED: deferral is turned off
 * @ZSDEFER_NR_FALLBACKS: not a cause, their number
 * @ZSDEFER_QUEUED: not a fallback: the object was queued
 */
enum zsdefer_fallback {
	ZSDEFER_FULL,
	ZSDEFER_BUDGET,
	ZSDEFER_NOMEM,
	ZSDEFER_DISABLED,
	ZSDEFER_NR_FALLBACKS,
	ZSDEFER_QUEUED = ZSDEFER_NR_FALLBACKS,
};

/**
 * struct zsdefer_block - a piece of a queue
 * @next: the block filled after this one, or the next in the depot
 * @handles: filled from the start, in the order of the pushes
 */
struct zsdefer_block {
	struct zsdefer_block *next;
	unsigned long handles[ZSDEFER_BLOCK_HANDLES];
};

/**
 * struct zsdefer_depot - the unused blocks of a device
 * @lock: guards all fields; innermost
 * @free: unused blocks
 * @nr_total: blocks that exist, here and in queues and drains
 * @nr_needed: how many should exist: what the queues want, as far as the
 *	       budget lets them be filled
 * @nr_wanted: the sum over the queues' @nr_wanted
 * @bytes_wanted: the objects that these would hold
 */
struct zsdefer_depot {
	spinlock_t lock;	/* all fields */
	struct zsdefer_block *free;
	unsigned int nr_total;
	unsigned int nr_needed;
	unsigned int nr_wanted;
	u64 bytes_wanted;
};

/**
 * struct zsdefer_limits - what a push may do, written by the control side
 * @enabled: false: every push falls back
 * @class_budget: objects that may wait in one queue
 * @drain_threshold: objects in a queue that start its work item
 * @budget: bytes that may wait in all queues
 * @delay: jiffies that an object may wait in a queue below the threshold
 *
 * Written with WRITE_ONCE() by whoever holds zsdefer.flush_lock, read with
 * READ_ONCE() under a queue's lock. A writer that lowers a bound drains all
 * queues afterwards: by then each of them has seen the new value.
 */
struct zsdefer_limits {
	bool enabled;
	unsigned int class_budget;
	unsigned int drain_threshold;
	unsigned long budget;
	unsigned long delay;
};

/**
 * struct zsdefer_shared - what the queues of a device share
 * @name: the pool's, for trace events
 * @limits: see there
 * @charged_bytes: what is charged to limits.budget: the class size of every
 *		   object that waits, and of every object of unused room
 * @depot: unused blocks
 * @sweep: drains what stays below the threshold; armed while objects wait
 * @pages_freed: pages that drains ever gave back
 * @disabled: synchronous frees because deferral is off, for each CPU
 * @grant_bytes: the most bytes of room that a queue may hold unused, so that
 *		 all queues together keep at most an eighth of the budget idle
 * @roomy: some queue may hold unused room; zsdefer_revoke_room() clears it
 */
struct zsdefer_shared {
	const char *name;
	struct zsdefer_limits limits;
	atomic_long_t charged_bytes;
	struct zsdefer_depot depot;
	struct delayed_work sweep;
	atomic_long_t pages_freed;
	unsigned long __percpu *disabled;
	unsigned long grant_bytes;
	bool roomy;
};

/**
 * struct zsdefer_queue - the waiting objects of one size class
 * @lock: guards all that follows up to @size; held for a few instructions
 * @next: where the next handle goes, NULL if there is no block
 * @end: where handles may go before zsdefer_push_slow() must be asked again:
 *	 what is from @next to here is room
 * @head: oldest block, NULL if there is none
 * @tail: newest block, the one that @next points into
 * @charged: objects charged to the budgets: queued, draining, and room
 * @draining: objects detached by a drain and not freed yet
 * @kicked: the work item was queued since the last detach
 * @since: jiffies when the oldest queued object came, valid if any is queued
 * @longest_wait: jiffies, the longest any object waited for its drain
 * @nr_wanted: blocks that this queue alone could come to fill; depot.lock
 * @queued: objects ever detached; with those in the queue, ever pushed
 * @drained: objects ever freed by a drain
 * @zspages_whole: zspages freed whole, without linking their objects
 * @drains: batches freed
 * @fallbacks: objects that could not be queued, by cause
 * @size: bytes that an object occupies, fixed
 * @work: drains this queue
 * @shared: what all queues of the device share, fixed
 * @class: the backend's size class, fixed
 */
struct zsdefer_queue {
	spinlock_t lock;	/* all fields up to size */
	unsigned long *next;
	unsigned long *end;
	struct zsdefer_block *head;
	struct zsdefer_block *tail;
	unsigned int charged;
	unsigned int draining;
	bool kicked;
	unsigned long since;
	unsigned long longest_wait;
	unsigned int nr_wanted;
	unsigned long queued;
	unsigned long drained;
	unsigned long zspages_whole;
	unsigned long drains;
	unsigned long fallbacks[ZSDEFER_NR_FALLBACKS];
	unsigned int size;
	struct work_struct work;
	struct zsdefer_shared *shared;
	void *class;
};

/**
 * struct zsdefer_detached - what a drain took out of a queue
 * @head: the blocks, oldest first
 * @nr: handles left in them; all blocks but the last are full
 * @used: handles already taken from @head
 */
struct zsdefer_detached {
	struct zsdefer_block *head;
	unsigned int nr;
	unsigned int used;
};

bool zsdefer_push_slow(struct zsdefer_queue *q, unsigned long handle);
void zsdefer_detach(struct zsdefer_queue *q, struct zsdefer_detached *d);
void zsdefer_batch_done(struct zsdefer_queue *q, unsigned int nr,
			unsigned int zspages_whole);
bool zsdefer_trim_room(struct zsdefer_queue *q);
void zsdefer_count_disabled(struct zsdefer_shared *shared, unsigned int size);
void zsdefer_block_put(struct zsdefer_depot *depot,
		       struct zsdefer_block *block);

/* Objects that may be queued without a question. The caller holds @q->lock. */
static inline unsigned int zsdefer_room(const struct zsdefer_queue *q)
{
	return q->end - q->next;
}

/* Objects in the queue's blocks. The caller holds @q->lock. */
static inline unsigned int zsdefer_nr_queued(const struct zsdefer_queue *q)
{
	return q->charged - q->draining - zsdefer_room(q);
}

/* Objects that still occupy memory. The caller holds @q->lock. */
static inline unsigned int zsdefer_nr_waiting(const struct zsdefer_queue *q)
{
	return q->charged - zsdefer_room(q);
}

/**
 * zsdefer_push() - queue an object for a drain, within all bounds
 * @q: the queue of the object's size class; the caller holds its lock
 * @handle: the object; the caller gives it up if this succeeds
 *
 * Never blocks, never allocates, never drains.
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: true if queued. false if the caller has to free the object, which
 * has been counted by its cause.
 */
static inline bool zsdefer_push(struct zsdefer_queue *q, unsigned long handle)
{
	unsigned long *next = q->next;

	/* The last of a grant goes the slow way, which looks ahead. */
	if (unlikely(next + 1 >= q->end))
		return zsdefer_push_slow(q, handle);

	*next = handle;
	q->next = next + 1;
	return true;
}

#endif /* _MM_ZSDEFER_QUEUE_H */
