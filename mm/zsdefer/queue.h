/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: the handles of a size class, and its queue.
 *
 * Objects that are stored together are mostly freed together, and so are
 * their handles. So each size class takes its handles from blocks of its own,
 * in the order of the allocations. A block is aligned to its size, so a
 * handle's address tells its block, and that its class's queue.
 *
 * What waits to be freed is a bit in the block that its handle is in. The
 * queue is the blocks that have such bits, in a row: a push sets a bit, and
 * links the block if it was the first. Nothing is allocated for it, and what
 * is queued twice is seen. A drain takes blocks from the front, with the bits
 * that are set by then, and frees their handles by setting bits, too; a block
 * whose handles are all free goes back as a whole, like a zspage.
 *
 * A push takes no lock, unless it is the first of its block, or there is
 * something to think about. It counts down how many may still come until then,
 * which is exactly where the nearest of class_budget and drain_threshold is
 * reached; and it sets its bit, if there are some already. That a block has
 * any bits set, and that it is in the row, change together, under the queue's
 * lock, so nothing that is queued can be missed there.
 *
 * Lock order, from the outside in:
 *
 *	zram's slot lock, the swap cluster's lock
 *	  zsdefer.hands, but not under the swap cluster's lock; slots' locks are
 *	    only tried inside
 *	  zsdefer_worker.drain_lock, likewise, and not inside a hand
 *	    class->lock, the page allocator's and slab's own locks
 *	    zsdefer_queue.lock
 *	    zsdefer.told_lock
 *
 * class->lock is never taken inside zsdefer_queue.lock, nor the other way
 * round: a drain takes blocks under the one and frees objects under the other.
 * Our work is queued under neither of these.
 */
#ifndef _MM_ZSDEFER_QUEUE_H
#define _MM_ZSDEFER_QUEUE_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/zsdefer.h>

/* Blocks that a drain takes at a time: most of what it can have in hand. */
#define ZSDEFER_TAKE		16

/**
 * struct zsdefer_block - some handles of a size class
 * @queue: of the class
 * @list: on zsdefer_queue.partial while any of @free is set
 * @next: the block that was queued after this one, while any of @dying is set
 * @since: jiffies when the first of @dying was set
 * @free: a bit for each word of the block: it is a handle, and free
 * @dying: likewise: it is the handle of an object that waits to be freed. The
 *	   first bit is set, and all are taken, under the queue's lock; others
 *	   are set without it
 * @words: all of the block; the first of them are what is above
 *
 * A handle that neither is free nor waits belongs to whoever allocated it, or
 * to the drain that has taken it.
 */
struct zsdefer_block {
	union {
		struct {
			struct zsdefer_queue *queue;
			struct list_head list;
			struct zsdefer_block *next;
			unsigned long since;
			unsigned long free;
			atomic_long_t dying;
		};
		unsigned long words[BITS_PER_LONG];
	};
};

/* @free of a block with no handle in use: all but the header's words. */
#define ZSDEFER_BLOCK_UNUSED						\
	(~0UL << (offsetofend(struct zsdefer_block, dying) /		\
		   sizeof(unsigned long)))

/**
 * enum zsdefer_fallback - why an object was freed synchronously
 * @ZSDEFER_FULL: its class's queue holds class_budget objects
 * @ZSDEFER_BUDGET: the device's queues hold budget bytes
 * @ZSDEFER_DISABLED: deferral is turned off
 * @ZSDEFER_NR_FALLBACKS: not a cause, their number
 */
enum zsdefer_fallback {
	ZSDEFER_FULL,
	ZSDEFER_BUDGET,
	ZSDEFER_DISABLED,
	ZSDEFER_NR_FALLBACKS,
};

/* What came of a push: 0, or what there is to do about it. */
#define ZSDEFER_ARM		BIT(0)	/* queued, into an empty queue */
#define ZSDEFER_KICK		BIT(1)	/* queued, and drain_threshold reached */
#define ZSDEFER_REFUSED		BIT(2)	/* neither queued nor counted: to be freed */
#define ZSDEFER_TWICE		BIT(3)	/* a mistake of the caller's: ignored */

/**
 * struct zsdefer_freed - what came of freeing objects
 * @objects: objects freed
 * @batches: in as many batches
 * @zspages_whole: zspages that went back without linking their objects
 * @pages: pages that went back
 */
struct zsdefer_freed {
	unsigned long objects;
	unsigned long batches;
	unsigned long zspages_whole;
	unsigned long pages;
};

/**
 * struct zsdefer_queue - the handles and the waiting objects of a size class
 * @left: pushes that may still come before one has to think; set under @lock,
 *	  counted down without it, below 0 by those who are about to think
 * @lock: guards all that follows up to @longest_wait, and all headers of blocks;
 *	  held for a few instructions, or for ZSDEFER_TAKE blocks
 * @nr_blocks: blocks that are queued; read without the lock, too
 * @until: objects that will ever have been queued when @left is used up
 * @overdrawn: of those who are about to think, how many @left has been set anew
 *	  for since
 * @head: the block with objects that wait whose first came first, or NULL
 * @tail: the one whose first came last, if there is any
 * @partial: blocks with free handles
 * @taken: objects that drains ever took; others are queued, or about to be
 * @freed: what drains ever freed; the rest of the objects queued waits
 * @longest_wait: jiffies, the longest any object waited for its drain
 * @fallbacks: objects that could not be queued, by cause; without the lock
 * @size: bytes that an object occupies, fixed
 * @limits: the engine's, see zsdefer_limits_changed(); NULL until the pool has one
 * @worker: of the engine, drains it; likewise
 *
 * It lives as long as its class.
 */
struct zsdefer_queue {
	atomic_t left;
	unsigned int size;
	spinlock_t lock;	/* all fields up to longest_wait, headers */
	unsigned int nr_blocks;
	unsigned int overdrawn;
	unsigned long until;
	struct zsdefer_block *head;
	struct zsdefer_block *tail;
	struct list_head partial;
	unsigned long taken;
	struct zsdefer_freed freed;
	unsigned long longest_wait;
	atomic_long_t fallbacks[ZSDEFER_NR_FALLBACKS];
	const struct zsdefer_params *limits;
	struct zsdefer_worker *worker;
} ____cacheline_aligned_in_smp;

/**
 * struct zsdefer_taken - what a drain took of a block
 * @block: the block
 * @handles: a bit for each word that is the handle of an object to free
 */
struct zsdefer_taken {
	struct zsdefer_block *block;
	unsigned long handles;
};

void zsdefer_queue_init(struct zsdefer_queue *q, unsigned int size);
unsigned long zsdefer_get_handle(struct zsdefer_queue *q);
unsigned long zsdefer_add_block(struct zsdefer_queue *q,
				struct zsdefer_block *block);
void zsdefer_put_handle(unsigned long handle);
unsigned int zsdefer_count_slow(struct zsdefer_queue *q);
unsigned int zsdefer_link_slow(unsigned long handle, const unsigned long *since);
void zsdefer_limits_changed(struct zsdefer_queue *q);
unsigned int zsdefer_take(struct zsdefer_queue *q, struct zsdefer_taken *taken,
			  unsigned int max);
void zsdefer_done(struct zsdefer_queue *q, const struct zsdefer_taken *taken,
		  unsigned int nr, const struct zsdefer_freed *freed);

static inline void zsdefer_add_freed(struct zsdefer_freed *to,
				     const struct zsdefer_freed *freed)
{
	to->objects += freed->objects;
	to->batches += freed->batches;
	to->zspages_whole += freed->zspages_whole;
	to->pages += freed->pages;
}

static inline struct zsdefer_block *zsdefer_block_of(unsigned long handle)
{
	return (void *)(handle & ~(ZSDEFER_BLOCK_SIZE - 1));
}

/* The bit of @handle in its block's bitmaps. */
static inline unsigned long zsdefer_bit_of(unsigned long handle)
{
	return BIT(handle / sizeof(unsigned long) % BITS_PER_LONG);
}

/* Objects ever queued. The caller holds @q->lock. */
static inline unsigned long zsdefer_nr_pushed(const struct zsdefer_queue *q)
{
	return q->until - max(atomic_read(&q->left), 0);
}

/* Objects that still occupy memory. The caller holds @q->lock. */
static inline unsigned long zsdefer_nr_waiting(const struct zsdefer_queue *q)
{
	return zsdefer_nr_pushed(q) - q->freed.objects;
}

/* More are queued than the work item lets be. The caller holds @q->lock. */
static inline bool zsdefer_over_threshold(const struct zsdefer_queue *q)
{
	return zsdefer_nr_pushed(q) - q->taken >=
	       READ_ONCE(q->limits->drain_threshold);
}

/*
 * A hint, as nobody is locked out: whether any object of the class waits for
 * its drain, here or where it died.
 */
static inline bool zsdefer_any_queued(struct zsdefer_queue *q)
{
	/* data_race: at worst nobody looks, or somebody for nothing. */
	return data_race(zsdefer_nr_pushed(q) != q->taken);
}

/**
 * zsdefer_queue_count() - have an object of a class wait, within its bounds
 * @q: the queue of the class
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 * Under rcu_read_lock(), which is how limits wait for those who do not know of
 * them.
 *
 * Return: 0, or %ZSDEFER_KICK, or %ZSDEFER_REFUSED: it may not.
 */
static __always_inline unsigned int zsdefer_queue_count(struct zsdefer_queue *q)
{
	if (unlikely(atomic_add_negative(-1, &q->left)))
		return zsdefer_count_slow(q);
	return 0;
}

/* Take back what zsdefer_queue_count() allowed. */
static inline void zsdefer_queue_uncount(struct zsdefer_queue *q)
{
	atomic_inc(&q->left);
}

/**
 * zsdefer_queue_link() - queue an object that has been counted
 * @handle: the object, which the caller gives up
 * @since: jiffies from when on it has been waiting, or NULL: from now on
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: 0, or %ZSDEFER_ARM, or %ZSDEFER_TWICE: it is there already, and
 * counted once.
 */
static __always_inline unsigned int
zsdefer_queue_link(unsigned long handle, const unsigned long *since)
{
	struct zsdefer_block *block = zsdefer_block_of(handle);
	long dying = atomic_long_read(&block->dying);
	long and_this = dying | zsdefer_bit_of(handle);

	if (unlikely(!dying || and_this == dying ||
		     !atomic_long_try_cmpxchg(&block->dying, &dying, and_this)))
		return zsdefer_link_slow(handle, since);
	return 0;
}

#endif /* _MM_ZSDEFER_QUEUE_H */
