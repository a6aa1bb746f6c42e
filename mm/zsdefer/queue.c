// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: the handles of a size class, and its queue.
 *
 * See queue.h for the structure and the lock order. Nothing here knows of the
 * engine: what a push makes necessary is for its caller to do.
 */

#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mmdebug.h>

#include "queue.h"

/**
 * zsdefer_queue_init() - initialize the queue of a size class
 * @q: the queue, all zero
 * @size: bytes that an object of the class occupies
 *
 * It takes no object until it has limits.
 *
 * Context: Any.
 */
void zsdefer_queue_init(struct zsdefer_queue *q, unsigned int size)
{
	spin_lock_init(&q->lock);
	spin_lock_init(&q->drain_lock);
	INIT_LIST_HEAD(&q->partial);
	q->size = size;
}
EXPORT_SYMBOL_GPL(zsdefer_queue_init);

/* Handles */

/**
 * zsdefer_get_handle() - take a free handle
 * @q: the queue of the size class that it is for
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: the handle, or 0: the class needs another block.
 */
unsigned long zsdefer_get_handle(struct zsdefer_queue *q)
{
	struct zsdefer_block *block;
	unsigned long handle = 0;

	spin_lock(&q->lock);
	block = list_first_entry_or_null(&q->partial, struct zsdefer_block, list);
	if (likely(block)) {
		handle = (unsigned long)&block->words[__ffs64(block->free)];
		block->free &= block->free - 1;
		if (!block->free)
			list_del(&block->list);
	}
	spin_unlock(&q->lock);
	return handle;
}
EXPORT_SYMBOL_GPL(zsdefer_get_handle);

/**
 * zsdefer_add_block() - have another block of handles, and take the first
 * @q: the queue of the size class that they are for
 * @block: memory of %ZSDEFER_BLOCK_SIZE, aligned to that, which comes back
 *	   from zsdefer_put_handle() or zsdefer_done()
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: a handle.
 */
unsigned long zsdefer_add_block(struct zsdefer_queue *q,
				struct zsdefer_block *block)
{
	unsigned int first = __ffs64(ZSDEFER_BLOCK_UNUSED);

	block->queue = q;
	block->free = ZSDEFER_BLOCK_UNUSED & ~BIT_ULL(first);
	atomic64_set(&block->dying, 0);
	spin_lock(&q->lock);
	list_add(&block->list, &q->partial);
	spin_unlock(&q->lock);
	return (unsigned long)&block->words[first];
}
EXPORT_SYMBOL_GPL(zsdefer_add_block);

/* Free some handles of a block: true if it has none in use any more. */
static bool zsdefer_put_handles(struct zsdefer_queue *q,
				struct zsdefer_block *block, u64 handles)
{
	VM_WARN_ON_ONCE((block->free | atomic64_read(&block->dying)) & handles);

	if (!block->free)
		list_add(&block->list, &q->partial);
	block->free |= handles;
	return block->free == ZSDEFER_BLOCK_UNUSED;
}

/**
 * zsdefer_put_handle() - free a handle whose object is gone
 * @handle: the handle, which does not wait
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: the handle's block if none of its handles is in use, which the
 * caller has to free, or NULL.
 */
struct zsdefer_block *zsdefer_put_handle(unsigned long handle)
{
	struct zsdefer_block *block = zsdefer_block_of(handle);
	struct zsdefer_queue *q = block->queue;
	bool unused;

	spin_lock(&q->lock);
	unused = zsdefer_put_handles(q, block, zsdefer_bit_of(handle));
	if (unused)
		list_del(&block->list);
	spin_unlock(&q->lock);
	return unused ? block : NULL;
}
EXPORT_SYMBOL_GPL(zsdefer_put_handle);

/* The queue */

/* Find out how many pushes may come before one has to think. */
static void zsdefer_set_left(struct zsdefer_queue *q)
{
	unsigned int threshold = READ_ONCE(q->limits->drain_threshold);
	unsigned int bound = READ_ONCE(q->limits->class_budget);
	bool enabled = READ_ONCE(q->limits->enabled);
	int left = atomic_read(&q->left), new;
	unsigned long pushed, waiting, queued;

	lockdep_assert_held(&q->lock);

	do {
		pushed = q->until - left;
		waiting = pushed - q->freed.objects;
		queued = pushed - q->taken;
		/* Beyond the threshold, remind the worker now and then. */
		new = (queued < threshold ? threshold - queued : threshold) - 1;
		if (!enabled || waiting >= bound)
			new = 0;
		else if (new > bound - waiting)
			new = bound - waiting;
	} while (!atomic_try_cmpxchg(&q->left, &left, new));
	q->until = pushed + new;
}

/* One more object comes, and nobody has said that it may. */
static unsigned int zsdefer_think(struct zsdefer_queue *q)
{
	if (!READ_ONCE(q->limits->enabled)) {
		q->fallbacks[ZSDEFER_DISABLED]++;
		return ZSDEFER_DISABLED_NOW;
	}
	if (zsdefer_nr_waiting(q) >= READ_ONCE(q->limits->class_budget)) {
		q->fallbacks[ZSDEFER_FULL]++;
		return ZSDEFER_FULL_NOW;
	}
	q->until++;
	zsdefer_set_left(q);
	return zsdefer_over_threshold(q) ? ZSDEFER_KICK : 0;
}

/*
 * What zsdefer_push() does when @q->left is used up, or when the object, which
 * was counted there, is the first of its block.
 */
unsigned int zsdefer_push_slow(struct zsdefer_queue *q, unsigned long handle,
			       bool counted)
{
	struct zsdefer_block *block = zsdefer_block_of(handle);
	u64 bit = zsdefer_bit_of(handle), dying;
	unsigned int todo = 0;

	spin_lock(&q->lock);
	/* Somebody else may have thought meanwhile. */
	if (!counted && !atomic_add_unless(&q->left, -1, 0))
		todo = zsdefer_think(q);
	if (todo & ZSDEFER_REFUSED)
		goto out;

	dying = block->free & bit;
	if (!dying)
		dying = atomic64_fetch_or(bit, &block->dying);
	if (WARN_ON_ONCE(dying & bit)) {
		q->until--;
		todo = ZSDEFER_TWICE;
	} else if (!dying) {
		if (q->head) {
			q->tail->next = block;
		} else {
			q->head = block;
			todo |= ZSDEFER_ARM;
		}
		q->tail = block;
		block->next = NULL;
		block->since = jiffies;
		q->nr_blocks++;
	}
out:
	spin_unlock(&q->lock);
	return todo;
}
EXPORT_SYMBOL_GPL(zsdefer_push_slow);

/**
 * zsdefer_limits_changed() - keep the limits as they are now
 * @q: the queue, whose limits have been written
 *
 * What it holds beyond them already is for the caller to drain.
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 */
void zsdefer_limits_changed(struct zsdefer_queue *q)
{
	spin_lock(&q->lock);
	zsdefer_set_left(q);
	spin_unlock(&q->lock);
}

/**
 * zsdefer_take() - take the oldest objects out of a queue
 * @q: the queue; the caller holds its drain_lock
 * @taken: receives the blocks, and which of their objects to free
 * @max: how many blocks to take at most
 * @until: take none whose first object came later, in jiffies
 *
 * The caller has to free the objects, and then to call zsdefer_done(); until
 * then they count as waiting.
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: the number of blocks.
 */
unsigned int zsdefer_take(struct zsdefer_queue *q, struct zsdefer_taken *taken,
			  unsigned int max, unsigned long until)
{
	unsigned long now = jiffies;
	struct zsdefer_block *block;
	unsigned int nr = 0;

	lockdep_assert_held(&q->drain_lock);

	spin_lock(&q->lock);
	while (nr < max && (block = q->head) && !time_after(block->since, until)) {
		taken[nr].block = block;
		taken[nr].handles = atomic64_xchg(&block->dying, 0);
		q->taken += hweight64(taken[nr++].handles);
		q->longest_wait = max(q->longest_wait, now - block->since);
		q->head = block->next;
		q->nr_blocks--;
	}
	if (!q->head)
		q->tail = NULL;
	if (nr)
		zsdefer_set_left(q);
	spin_unlock(&q->lock);
	return nr;
}

/**
 * zsdefer_done() - account for objects that a drain has freed
 * @q: the queue; the caller holds its drain_lock
 * @taken: what was taken out of it
 * @nr: the number of blocks
 * @freed: what came of it
 * @unused: receives the blocks of which no handle is in use any more, which
 *	    the caller has to free
 *
 * Frees the handles.
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 */
void zsdefer_done(struct zsdefer_queue *q, const struct zsdefer_taken *taken,
		  unsigned int nr, const struct zsdefer_freed *freed,
		  struct list_head *unused)
{
	unsigned int i;

	lockdep_assert_held(&q->drain_lock);

	spin_lock(&q->lock);
	for (i = 0; i < nr; i++)
		if (zsdefer_put_handles(q, taken[i].block, taken[i].handles))
			list_move_tail(&taken[i].block->list, unused);
	zsdefer_add_freed(&q->freed, freed);
	zsdefer_set_left(q);
	spin_unlock(&q->lock);
}
