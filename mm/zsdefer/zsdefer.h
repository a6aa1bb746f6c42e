/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: the engine, as its backend (zspage.c) and its
 * control side (sysfs.c) see it.
 *
 * Life cycle of a struct zsdefer: zsdefer_create(), zsdefer_add_queue() for
 * every size class, zsdefer_bind(); then pushes and drains from anywhere;
 * zsdefer_destroy() once nobody can push any more.
 *
 * zsdefer_ctl.lock, a mutex, orders changes of the limits, and is outside of
 * everything else but zsdefer_engines_lock, another one, under which the OOM
 * killer has what waits taken back. Nothing is allocated under either. The
 * spinlocks are described in queue.h.
 */
#ifndef _MM_ZSDEFER_H
#define _MM_ZSDEFER_H

#include <linux/atomic.h>
#include <linux/workqueue.h>
#include <linux/zsdefer.h>

#include "queue.h"

/*
 * Objects freed under one hold of class->lock. Also sizes arrays on the stack
 * of a drain.
 */
#define ZSDEFER_BATCH		64

/*
 * When the sweep comes if much waits: as many bytes, in all queues, as
 * drain_threshold pages have. Somebody releases more than a page now and then,
 * and others may be in need of it.
 */
#define ZSDEFER_SOON_MS		4U

/* How many may walk dead slots at once. */
#define ZSDEFER_HANDS		4

struct dentry;

/**
 * struct zsdefer_stats - what users see of the queues of a device's pools
 * @waiting_objects: objects queued or being drained, not freed yet
 * @waiting_bytes: what these occupy, by class size
 * @queued: objects ever queued
 * @freed: what drains ever freed
 * @longest_wait: jiffies, the longest any object waited for its drain
 * @memory: bytes that engines and their queues occupy
 * @fallbacks: synchronous frees, by enum zsdefer_fallback
 */
struct zsdefer_stats {
	unsigned long waiting_objects;
	unsigned long waiting_bytes;
	unsigned long queued;
	struct zsdefer_freed freed;
	unsigned long longest_wait;
	unsigned long memory;
	unsigned long fallbacks[ZSDEFER_NR_FALLBACKS];
};

/*
 * What the engine asks of an allocator: free the objects whose handles were taken
 * of some blocks, and say what came of it; the handles stay in use. Gets the
 * pool, the queue, the blocks in the order that they were queued in, and their
 * number, at least one. Called under the worker's drain_lock, so it must not
 * sleep.
 */
typedef void zsdefer_free_fn(void *pool, struct zsdefer_queue *q,
			     const struct zsdefer_taken *taken, unsigned int nr,
			     struct zsdefer_freed *freed);

/*
 * Queue the objects of dead slots of the next line that has any, from @line on, and
 * have @line be the one after it. Returns false if there is none. Called under one
 * of the engine's hands, so it must not sleep.
 */
typedef bool zsdefer_walk_fn(struct zsdefer *zd, struct zsdefer_slots *slots,
			     unsigned long *line);

/**
 * struct zsdefer_worker - drains the queue of a size class
 * @drain_lock: held from when objects are taken until they have been freed,
 *		so who gets it knows that nobody has any in hand
 * @q: the queue, NULL when the pool goes away; changes under @drain_lock
 * @work: does it when there is much
 * @zd: the engine
 */
struct zsdefer_worker {
	spinlock_t drain_lock;	/* what is taken, q */
	struct zsdefer_queue *q;
	struct work_struct work;
	struct zsdefer *zd;
} ____cacheline_aligned_in_smp;

/**
 * struct zsdefer - the deferred free of one pool
 * @room: bytes that may still come to wait: the budget less the class size
 *	  of every object that does; negative after the budget was lowered,
 *	  until enough has been drained
 * @look_at: who leaves no more @room than that looks at what there is to do
 * @plenty: no more @room than that is left while much waits
 * @limits: the values of the knobs, but a share of the budget, or 0 while disabled
 * @free: frees objects of the pool
 * @pool: the pool, for @free
 * @name: the pool's, for trace events
 * @walk: looks for objects in @slots
 * @slots: where objects may die in place, or NULL; see slots.c
 * @nr_lines: how many lines of these have any, or more
 * @hands: who holds one may walk; who has held each of them knows that others who
 *	   did before have queued what they found
 * @sweep: drains what stays below the threshold; pending while objects wait
 * @end: waits for work items that have begun, but get no CPU, when the pool is
 *	 gone, and frees the engine
 * @ctl: the knobs that we are bound to, or NULL
 * @of_ctl: on the list of its engines
 * @list: on the list of all engines
 * @debugfs: the file with the figures of each class, or NULL
 * @told: pages that wait, as far as NR_KERNEL_MISC_RECLAIMABLE knows
 * @told_lock: of @told, inside all others
 * @hand: whose queue the next who takes memory back begins with
 * @nr: workers that have a queue
 * @workers: one for each distinct size class
 */
struct zsdefer {
	atomic_long_t room;
	long look_at ____cacheline_aligned_in_smp;
	long plenty;
	struct zsdefer_params limits;
	zsdefer_free_fn *free;
	void *pool;
	const char *name;
	zsdefer_walk_fn *walk;
	struct zsdefer_slots *slots;
	atomic_t nr_lines;
	spinlock_t hands[ZSDEFER_HANDS];	/* walks */
	struct delayed_work sweep;
	struct work_struct end;
	struct zsdefer_ctl *ctl;
	struct list_head of_ctl;
	struct list_head list;
	struct dentry *debugfs;
	long told;
	spinlock_t told_lock;	/* told */
	unsigned int hand;
	unsigned int nr;
	struct zsdefer_worker workers[];
};

struct zsdefer *zsdefer_create(zsdefer_free_fn *free, void *pool,
			       const char *name, unsigned int nr);
void zsdefer_add_queue(struct zsdefer *zd, struct zsdefer_queue *q);
void zsdefer_bind(struct zsdefer *zd, struct zsdefer_ctl *ctl);
void zsdefer_destroy(struct zsdefer *zd);

bool zsdefer_push(struct zsdefer *zd, unsigned long handle);
void zsdefer_look(struct zsdefer *zd);
void zsdefer_kick(struct zsdefer_queue *q);
void zsdefer_arm(struct zsdefer *zd);
void zsdefer_walk(struct zsdefer *zd);

bool zsdefer_params_valid(const struct zsdefer_params *params);
void zsdefer_set_params(struct zsdefer *zd, const struct zsdefer_params *params);
void zsdefer_share_out(struct zsdefer_ctl *ctl,
		       const struct zsdefer_params *params);
unsigned long zsdefer_flush(struct zsdefer *zd, const char *cause);
bool zsdefer_take_own(struct zsdefer_queue *q);
unsigned long zsdefer_take_back(struct zsdefer *zd, unsigned long pages,
				const char *cause);
unsigned long zsdefer_waiting_bytes(struct zsdefer *zd);
void zsdefer_add_stats(struct zsdefer *zd, struct zsdefer_stats *stats);
void zsdefer_debugfs_create(struct zsdefer *zd, struct dentry *dir);

/*
 * Take @bytes of what the budget leaves. A lock-free loop on one word, taken
 * once for the slots of a word: percpu_counter_limited_add() is as exact, but
 * disables interrupts, and near its limit looks at all CPUs.
 */
static __always_inline bool zsdefer_charge(struct zsdefer *zd, long bytes)
{
	long room = atomic_long_read(&zd->room);

	do {
		if (room < bytes)
			return false;
	} while (!atomic_long_try_cmpxchg(&zd->room, &room, room - bytes));
	if (unlikely(room - bytes <= READ_ONCE(zd->look_at)))
		zsdefer_look(zd);
	return true;
}

/* Under zsdefer_ctl.lock, as the knobs, or a pause, have changed. */
static inline void zsdefer_let_die(struct zsdefer *zd, struct zsdefer_slots *slots)
{
	WRITE_ONCE(slots->zd, zd->limits.enabled && !slots->paused ? zd : NULL);
}

#endif /* _MM_ZSDEFER_H */
