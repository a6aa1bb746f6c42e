// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: the handles of a size class, and its queue.
 *
 * See queue.h for the structure and the lock order. Nothing here knows of the
 * engine: what a push makes necessary is for its caller to do.
 */

#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mmdebug.h>
#include <linux/slab.h>

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
		handle = (unsigned long)&block->words[__ffs(block->free)];
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
 * @block: memory of %ZSDEFER_BLOCK_SIZE, aligned to that, which goes to kfree()
 *	   when its last handle is freed
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: a handle.
 */
unsigned long zsdefer_add_block(struct zsdefer_queue *q,
				struct zsdefer_block *block)
{
	unsigned int first = __ffs(ZSDEFER_BLOCK_UNUSED);

	block->queue = q;
	block->free = ZSDEFER_BLOCK_UNUSED & ~BIT(first);
	atomic_long_set(&block->dying, 0);
	spin_lock(&q->lock);
	list_add(&block->list, &q->partial);
	spin_unlock(&q->lock);
	return (unsigned long)&block->words[first];
}
EXPORT_SYMBOL_GPL(zsdefer_add_block);

/* Free some handles of a block: true if it has none in use any more. */
static bool zsdefer_put_handles(struct zsdefer_queue *q,
				struct zsdefer_block *block, unsigned long handles)
{
	VM_WARN_ON_ONCE((block->free | atomic_long_read(&block->dying)) & handles);

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
 */
void zsdefer_put_handle(unsigned long handle)
{
	struct zsdefer_block *block = zsdefer_block_of(handle);
	struct zsdefer_queue *q = block->queue;
	bool unused;

	spin_lock(&q->lock);
	unused = zsdefer_put_handles(q, block, zsdefer_bit_of(handle));
	if (unused)
		list_del(&block->list);
	spin_unlock(&q->lock);
	if (unused)
		kfree(block);
}
EXPORT_SYMBOL_GPL(zsdefer_put_handle);

/* The queue */

/* Find out how many pushes may come before one has to think. */
static void zsdefer_set_left(struct zsdefer_queue *q)
{
	unsigned long threshold = READ_ONCE(q->limits->drain_threshold);
	unsigned long bound = READ_ONCE(q->limits->class_budget);
	unsigned long pushed, waiting, queued, new;
	int left = atomic_read(&q->left);

	lockdep_assert_held(&q->lock);

	do {
		pushed = q->until - max(left, 0);
		waiting = pushed - q->freed.objects;
		queued = pushed - q->taken;
		/* Beyond the threshold, remind the worker now and then. */
		new = (queued < threshold ? threshold - queued : threshold) - 1;
		new = min(new, waiting < bound ? bound - waiting : 0);
	} while (!atomic_try_cmpxchg(&q->left, &left, new));
	q->until = pushed + new;
	q->overdrawn += max(-left, 0);
}

/*
 * One more object comes, and nobody has said that it may. @until holds all that others
 * have been told they may, too: who gives back a place meanwhile gives it to them.
 */
static unsigned int zsdefer_think(struct zsdefer_queue *q)
{
	if (q->until - q->freed.objects >= READ_ONCE(q->limits->class_budget))
		return ZSDEFER_REFUSED;
	q->until++;
	zsdefer_set_left(q);
	return zsdefer_over_threshold(q) ? ZSDEFER_KICK : 0;
}

/* What zsdefer_queue_count() does when @q->left is used up. */
unsigned int zsdefer_count_slow(struct zsdefer_queue *q)
{
	unsigned int todo = 0;

	spin_lock(&q->lock);
	/* Take back the count below 0, unless it is forgotten already. */
	if (q->overdrawn)
		q->overdrawn--;
	else
		atomic_inc(&q->left);
	/* If it was set anew, others count it down meanwhile. */
	if (atomic_dec_if_positive(&q->left) < 0)
		todo = zsdefer_think(q);
	spin_unlock(&q->lock);
	return todo;
}
EXPORT_SYMBOL_GPL(zsdefer_count_slow);

/* What zsdefer_queue_link() does with the first of a block, or when in doubt. */
unsigned int zsdefer_link_slow(unsigned long handle, const unsigned long *since)
{
	struct zsdefer_block *block = zsdefer_block_of(handle);
	struct zsdefer_queue *q = block->queue;
	unsigned long bit = zsdefer_bit_of(handle), dying;
	unsigned int todo = 0;

	spin_lock(&q->lock);
	dying = block->free & bit;
	if (!dying)
		dying = atomic_long_fetch_or(bit, &block->dying);
	if (WARN_ON_ONCE(dying & bit)) {
		q->until--;
		todo = ZSDEFER_TWICE;
	} else if (!dying) {
		if (q->head) {
			q->tail->next = block;
		} else {
			q->head = block;
			todo = ZSDEFER_ARM;
		}
		q->tail = block;
		block->next = NULL;
		block->since = since ? READ_ONCE(*since) : jiffies;
		WRITE_ONCE(q->nr_blocks, q->nr_blocks + 1);
	}
	spin_unlock(&q->lock);
	return todo;
}
EXPORT_SYMBOL_GPL(zsdefer_link_slow);

/**
 * zsdefer_limits_changed() - keep the limits as they are now
 * @q: the queue, whose limits have been written, with WRITE_ONCE()
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
 * @q: the queue; the caller holds its worker's drain_lock
 * @taken: receives the blocks, and which of their objects to free
 * @max: how many blocks to take at most
 *
 * The caller has to free the objects, and then to call zsdefer_done(); until
 * then they count as waiting.
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: the number of blocks.
 */
unsigned int zsdefer_take(struct zsdefer_queue *q, struct zsdefer_taken *taken,
			  unsigned int max)
{
	struct zsdefer_block *block;
	unsigned int nr = 0;

	spin_lock(&q->lock);
	while (nr < max && (block = q->head)) {
		taken[nr].block = block;
		taken[nr].handles = atomic_long_xchg(&block->dying, 0);
		q->taken += hweight_long(taken[nr++].handles);
		q->longest_wait = max(q->longest_wait, jiffies - block->since);
		q->head = block->next;
	}
	WRITE_ONCE(q->nr_blocks, q->nr_blocks - nr);
	if (nr)
		zsdefer_set_left(q);
	spin_unlock(&q->lock);
	return nr;
}

/**
 * zsdefer_done() - account for objects that a drain has freed
 * @q: the queue; the caller holds its worker's drain_lock
 * @taken: what was taken out of it
 * @nr: the number of blocks
 * @freed: what came of it
 *
 * Frees the handles.
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 */
void zsdefer_done(struct zsdefer_queue *q, const struct zsdefer_taken *taken,
		  unsigned int nr, const struct zsdefer_freed *freed)
{
	struct zsdefer_block *block, *next;
	LIST_HEAD(unused);
	unsigned int i;

	spin_lock(&q->lock);
	for (i = 0; i < nr; i++)
		if (zsdefer_put_handles(q, taken[i].block, taken[i].handles))
			list_move_tail(&taken[i].block->list, &unused);
	zsdefer_add_freed(&q->freed, freed);
	zsdefer_set_left(q);
	spin_unlock(&q->lock);

	list_for_each_entry_safe(block, next, &unused, list)
		kfree(block);
}
