// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: the bounded queue of one size class.
 *
 * See queue.h for the structure and the lock order.
 */

#include <linux/export.h>

#include "internal.h"
#include "zsdefer.h"

static const char * const zsdefer_fallback_names[ZSDEFER_NR_FALLBACKS] = {
	[ZSDEFER_FULL] = "full",
	[ZSDEFER_BUDGET] = "budget",
	[ZSDEFER_NOMEM] = "nomem",
	[ZSDEFER_DISABLED] = "disabled",
};

static struct zsdefer_block *zsdefer_block_get(struct zsdefer_depot *depot)
{
	struct zsdefer_block *block;

	spin_lock(&depot->lock);
	block = depot->free;
	if (block)
		depot->free = block->next;
	spin_unlock(&depot->lock);
	return block;
}

/**
 * zsdefer_block_put() - give an emptied block back to the depot
 * @depot: the depot it came from
 * @block: the block
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 */
void zsdefer_block_put(struct zsdefer_depot *depot, struct zsdefer_block *block)
{
	spin_lock(&depot->lock);
	block->next = depot->free;
	depot->free = block;
	spin_unlock(&depot->lock);
}

/*
 * Charge up to @nr objects of @size bytes to the budget, no more than
 * @grant_bytes. Of the last eighth of the budget everybody gets one object at
 * a time: there, room that one queue does not use could be all that another
 * one needs.
 */
static unsigned int zsdefer_charge(struct zsdefer_shared *shared,
				   unsigned int size, unsigned int nr)
{
	unsigned long budget = READ_ONCE(shared->limits.budget);
	unsigned long most = READ_ONCE(shared->grant_bytes);
	long old = atomic_long_read(&shared->charged_bytes);
	unsigned long want;

	if ((unsigned long)nr * size > most)
		nr = max(most / size, 1UL);
	do {
		want = (unsigned long)nr * size;
		if (nr > 1 && old + want > budget - budget / 8) {
			nr = 1;
			want = size;
		}
		if (old + want > budget)
			return 0;
	} while (!atomic_long_try_cmpxchg(&shared->charged_bytes, &old,
					  old + want));
	return nr;
}

/**
 * zsdefer_trim_room() - take a queue's unused room back
 * @q: the queue
 *
 * Waits for nobody, as the caller may hold another queue's lock.
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: false if somebody is using the queue, and it keeps some room.
 */
bool zsdefer_trim_room(struct zsdefer_queue *q)
{
	unsigned int unused;

	if (!spin_trylock(&q->lock))
		/* A grant that is not seen here yet sets roomy again. */
		return !data_race(zsdefer_room(q));
	unused = zsdefer_room(q);
	q->charged -= unused;
	q->end = q->next;
	spin_unlock(&q->lock);

	if (unused)
		atomic_long_sub((unsigned long)unused * q->size,
				&q->shared->charged_bytes);
	return true;
}

/* One more object of @q would exceed the budget. */
static bool zsdefer_budget_spent(const struct zsdefer_queue *q)
{
	const struct zsdefer_shared *shared = q->shared;

	return atomic_long_read(&shared->charged_bytes) + q->size >
	       READ_ONCE(shared->limits.budget);
}

/* Have space for at least one handle at @q->next, and tell for how many. */
static unsigned int zsdefer_space(struct zsdefer_queue *q)
{
	struct zsdefer_block *block = q->tail;

	if (block && q->next < block->handles + ZSDEFER_BLOCK_HANDLES)
		return block->handles + ZSDEFER_BLOCK_HANDLES - q->next;

	block = zsdefer_block_get(&q->shared->depot);
	if (!block)
		return 0;

	block->next = NULL;
	if (q->tail)
		q->tail->next = block;
	else
		q->head = block;
	q->tail = block;
	q->next = block->handles;
	q->end = q->next;
	return ZSDEFER_BLOCK_HANDLES;
}

/* What forbids another object now, cheapest to ask first. */
static enum zsdefer_fallback zsdefer_refusal(struct zsdefer_queue *q)
{
	const struct zsdefer_shared *shared = q->shared;

	if (!READ_ONCE(shared->limits.enabled))
		return ZSDEFER_DISABLED;
	if (q->charged >= READ_ONCE(shared->limits.class_budget))
		return ZSDEFER_FULL;
	if (zsdefer_budget_spent(q)) {
		/* Spent on objects that wait, or on room for such? */
		if (!READ_ONCE(shared->roomy))
			return ZSDEFER_BUDGET;
		zsdefer_revoke_room(q);
		if (zsdefer_budget_spent(q))
			return ZSDEFER_BUDGET;
	}
	return ZSDEFER_QUEUED;
}

/*
 * @q has no room left, but nothing forbids it: find out how much it may have
 * until the next bound, and take it.
 */
static noinline enum zsdefer_fallback zsdefer_grant(struct zsdefer_queue *q)
{
	struct zsdefer_shared *shared = q->shared;
	const struct zsdefer_limits *limits = &shared->limits;
	unsigned int threshold = READ_ONCE(limits->drain_threshold);
	unsigned int class_budget = READ_ONCE(limits->class_budget);
	unsigned int queued = zsdefer_nr_queued(q);
	unsigned int nr, space;

	/* It may have been lowered since it was asked. */
	if (q->charged >= class_budget)
		return ZSDEFER_FULL;
	nr = min(class_budget - q->charged, ZSDEFER_GRANT_MAX);

	/* End exactly at the threshold, so that the last push starts work. */
	if (queued < threshold)
		nr = min(nr, threshold - queued);

	space = zsdefer_space(q);
	if (!space)
		return ZSDEFER_NOMEM;
	/* Others may have taken what was left of it meanwhile. */
	nr = zsdefer_charge(shared, q->size, min(nr, space));
	if (!nr)
		return ZSDEFER_BUDGET;

	if (!queued) {
		q->since = jiffies;
		zsdefer_arm_sweep(shared);
	}
	q->charged += nr;
	q->end = q->next + nr;
	if (nr > 1) {
		/*
		 * Pairs with zsdefer_revoke_room(): it sees this room, or we
		 * that it has cleared roomy. See roomy.litmus.
		 */
		smp_mb();
		if (!READ_ONCE(shared->roomy))
			WRITE_ONCE(shared->roomy, true);
	}
	return ZSDEFER_QUEUED;
}

static void zsdefer_count_fallback(struct zsdefer_queue *q,
				   enum zsdefer_fallback why)
{
	q->fallbacks[why]++;
	trace_zsdefer_fallback(q->shared->name, q->size,
			       zsdefer_fallback_names[why]);
}

/**
 * zsdefer_count_disabled() - count a synchronous free for which no queue was
 *			      asked, as deferral is off
 * @shared: what the queues of the pool share
 * @size: bytes that are freed
 *
 * Context: Any.
 */
void zsdefer_count_disabled(struct zsdefer_shared *shared, unsigned int size)
{
	this_cpu_inc(*shared->disabled);
	trace_zsdefer_fallback(shared->name, size,
			       zsdefer_fallback_names[ZSDEFER_DISABLED]);
}
EXPORT_SYMBOL_GPL(zsdefer_count_disabled);

/* What zsdefer_push() does when there is no room, or when room ends. */
bool zsdefer_push_slow(struct zsdefer_queue *q, unsigned long handle)
{
	enum zsdefer_fallback why;

	lockdep_assert_held(&q->lock);

	if (!zsdefer_room(q)) {
		why = zsdefer_refusal(q);
		if (why == ZSDEFER_QUEUED)
			why = zsdefer_grant(q);
		if (why != ZSDEFER_QUEUED) {
			zsdefer_count_fallback(q, why);
			return false;
		}
	}

	*q->next++ = handle;

	if (!zsdefer_room(q) && !q->kicked &&
	    zsdefer_nr_queued(q) >= READ_ONCE(q->shared->limits.drain_threshold)) {
		q->kicked = true;
		zsdefer_start_drain(q);
	}
	return true;
}
EXPORT_SYMBOL_GPL(zsdefer_push_slow);

/**
 * zsdefer_detach() - take everything out of a queue
 * @q: the queue
 * @d: receives the blocks, whose handles the caller has to free, reporting
 *     each batch with zsdefer_batch_done(), and give back
 *
 * The objects stay charged to the budgets until they are freed; room that
 * nobody used is given back at once.
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 */
void zsdefer_detach(struct zsdefer_queue *q, struct zsdefer_detached *d)
{
	unsigned int unused;

	spin_lock(&q->lock);
	unused = zsdefer_room(q);
	d->nr = zsdefer_nr_queued(q);
	d->head = q->head;
	d->used = 0;
	if (d->nr)
		q->longest_wait = max(q->longest_wait, jiffies - q->since);

	q->charged -= unused;
	q->draining += d->nr;
	q->queued += d->nr;
	q->head = NULL;
	q->tail = NULL;
	q->next = NULL;
	q->end = NULL;
	q->kicked = false;
	spin_unlock(&q->lock);

	if (unused)
		atomic_long_sub((unsigned long)unused * q->size,
				&q->shared->charged_bytes);
}

/**
 * zsdefer_batch_done() - account for a batch that a drain has freed
 * @q: the queue that it was detached from
 * @nr: objects in it
 * @zspages_whole: zspages that went back without linking their objects
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 */
void zsdefer_batch_done(struct zsdefer_queue *q, unsigned int nr,
			unsigned int zspages_whole)
{
	spin_lock(&q->lock);
	q->charged -= nr;
	q->draining -= nr;
	q->drained += nr;
	q->zspages_whole += zspages_whole;
	q->drains++;
	spin_unlock(&q->lock);

	atomic_long_sub((unsigned long)nr * q->size, &q->shared->charged_bytes);
}
