// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: life cycle, drains, limits.
 *
 * An object is drained by whichever comes first:
 *
 * - its queue reaches drain_threshold: the queue's own work item runs;
 * - it has waited for drain_delay_ms: the device's sweep drains its queue;
 * - a flush: somebody needs the memory, or the engine goes away.
 *
 * All three end in zsdefer_drain(), which takes everything out of a queue
 * and hands it to the allocator in batches. Several may do so at once: what
 * one has detached the others do not see.
 */

#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/oom.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swap.h>

#define CREATE_TRACE_POINTS
#include "internal.h"
#include "zsdefer.h"

/* zspage.c measures what it reports. */
EXPORT_TRACEPOINT_SYMBOL_GPL(zsdefer_drain);

/* Blocks beyond what a full queue needs, for those that are half filled. */
#define ZSDEFER_SPARE_BLOCKS	8

#define ZSDEFER_CLASS_BUDGET_MAX	SZ_1M
#define ZSDEFER_DELAY_MAX_MS		60000U

static struct workqueue_struct *zsdefer_wq;

/* All engines, for who runs out of memory. */
static LIST_HEAD(zsdefer_engines);
static DEFINE_MUTEX(zsdefer_engines_lock);

static struct zsdefer *shared_to_zsdefer(struct zsdefer_shared *shared)
{
	return container_of(shared, struct zsdefer, shared);
}

/* Move up to @room handles from @d to @batch, and give emptied blocks back. */
static unsigned int zsdefer_take(struct zsdefer_depot *depot,
				 struct zsdefer_detached *d,
				 unsigned long *batch, unsigned int room)
{
	unsigned int taken = 0;

	while (d->nr && taken < room) {
		struct zsdefer_block *block = d->head;
		unsigned int nr = min3(d->nr, room - taken,
				       ZSDEFER_BLOCK_HANDLES - d->used);

		memcpy(batch + taken, block->handles + d->used,
		       nr * sizeof(*batch));
		taken += nr;
		d->nr -= nr;
		d->used += nr;
		if (!d->nr || d->used == ZSDEFER_BLOCK_HANDLES) {
			d->head = block->next;
			d->used = 0;
			zsdefer_block_put(depot, block);
		}
	}
	return taken;
}

/*
 * Free all that waits in @q, and tell how many objects that was. What others
 * are draining may still be on its way.
 */
static unsigned int zsdefer_drain(struct zsdefer_queue *q)
{
	struct zsdefer *zd = shared_to_zsdefer(q->shared);
	u64 start = trace_zsdefer_drain_enabled() ? ktime_get_ns() : 0;
	struct zsdefer_depot *depot = &zd->shared.depot;
	unsigned long batch[ZSDEFER_BATCH];
	struct zsdefer_freed all = { };
	unsigned int nr = 0, objects;
	struct zsdefer_detached d;

	zsdefer_detach(q, &d);
	objects = d.nr;
	while (d.nr || nr) {
		struct zsdefer_freed freed;
		unsigned int taken;

		nr += zsdefer_take(depot, &d, batch + nr, ZSDEFER_BATCH - nr);
		taken = zd->ops->free_batch(zd->pool, q->class, batch, nr,
					    d.nr, &freed);
		atomic_long_add(freed.pages, &zd->shared.pages_freed);
		zsdefer_batch_done(q, taken, freed.zspages_whole);
		all.zspages_whole += freed.zspages_whole;
		all.pages += freed.pages;
		all.lock_ns = max(all.lock_ns, freed.lock_ns);
		nr -= taken;
		memmove(batch, batch + taken, nr * sizeof(*batch));
		cond_resched();
	}
	/* The budget refused the object that this block was fetched for. */
	if (d.head)
		zsdefer_block_put(depot, d.head);
	if (!objects)
		return 0;

	zsdefer_stock(q, zd->ops->nr_objects(q->class), 0);
	if (start)
		trace_zsdefer_drain(zd->shared.name, q->size, objects,
				    all.zspages_whole, all.pages,
				    ktime_get_ns() - start, all.lock_ns);
	return objects;
}

static void zsdefer_work(struct work_struct *work)
{
	zsdefer_drain(container_of(work, struct zsdefer_queue, work));
}

/* Queue the work item of @q, whose lock the caller holds. */
void zsdefer_start_drain(struct zsdefer_queue *q)
{
	queue_work(zsdefer_wq, &q->work);
}

/* Have the sweep come by within the delay; called when an object comes first. */
void zsdefer_arm_sweep(struct zsdefer_shared *shared)
{
	queue_delayed_work(zsdefer_wq, &shared->sweep,
			   READ_ONCE(shared->limits.delay));
}

/*
 * Take back the room that queues have not used, as the budget is spent. Called
 * by a push into @q, whose lock it holds, and which has no room itself. Grants
 * are single while the budget is nearly spent, so this comes once for all that
 * is pushed into the last eighth of it.
 */
void zsdefer_revoke_room(struct zsdefer_queue *q)
{
	struct zsdefer *zd = shared_to_zsdefer(q->shared);
	bool all = true;
	unsigned int i;

	WRITE_ONCE(zd->shared.roomy, false);
	/* Pairs with zsdefer_grant(), which sets it once the room is there. */
	smp_mb();
	for (i = 0; i < zd->nr_queues; i++)
		if (&zd->queues[i] != q)
			all &= zsdefer_trim_room(&zd->queues[i]);
	if (!all)
		WRITE_ONCE(zd->shared.roomy, true);
}

/*
 * Drain the queues whose oldest object has waited long enough, and come back
 * for the oldest of the rest. Small remainders of many classes are drained
 * here one after the other rather than by a hundred work items at once.
 */
static void zsdefer_sweep(struct work_struct *work)
{
	struct zsdefer_shared *shared =
		container_of(to_delayed_work(work), struct zsdefer_shared, sweep);
	struct zsdefer *zd = shared_to_zsdefer(shared);
	unsigned long delay = READ_ONCE(shared->limits.delay);
	unsigned long now, due = jiffies + delay;
	bool more = false;
	unsigned int i;

	for (i = 0; i < zd->nr_queues; i++) {
		struct zsdefer_queue *q = &zd->queues[i];
		unsigned long since;
		bool queued;

		spin_lock(&q->lock);
		queued = zsdefer_nr_queued(q);
		since = q->since;
		spin_unlock(&q->lock);

		if (!queued)
			continue;
		if (time_after_eq(jiffies, since + delay)) {
			zsdefer_drain(q);
			continue;
		}
		more = true;
		if (time_before(since + delay, due))
			due = since + delay;
	}
	/*
	 * Who pushes meanwhile arms it again, but is due no earlier than what
	 * comes a delay after the beginning. Drains may have taken until then.
	 */
	now = jiffies;
	if (more)
		mod_delayed_work(zsdefer_wq, &shared->sweep,
				 time_after(due, now) ? due - now : 0);
}

static void zsdefer_flush_locked(struct zsdefer *zd, const char *cause)
{
	u64 start = trace_zsdefer_flush_enabled() ? ktime_get_ns() : 0;
	unsigned long pages = zsdefer_pages_freed(zd);
	unsigned long objects = 0;
	unsigned int i;

	lockdep_assert_held(&zd->flush_lock);

	WRITE_ONCE(zd->nr_flushes, zd->nr_flushes + 1);
	for (i = 0; i < zd->nr_queues; i++) {
		/* It may be far back in its line, with nothing left to do. */
		cancel_work(&zd->queues[i].work);
		objects += zsdefer_drain(&zd->queues[i]);
	}
	/* Only workers drain besides us: wait for what they have in hand. */
	for (i = 0; i < zd->nr_queues; i++)
		flush_work(&zd->queues[i].work);
	flush_work(&zd->shared.sweep.work);
	if (start)
		trace_zsdefer_flush(zd->shared.name, cause, objects,
				    zsdefer_pages_freed(zd) - pages,
				    ktime_get_ns() - start);
}

/**
 * zsdefer_flush() - free all that has been queued
 * @zd: the engine
 * @cause: who wants it, for the trace event
 *
 * Context: Process context, may sleep, also during reclaim: allocates
 * nothing, and the workers that it waits for have a rescuer.
 *
 * Return: true if anything may have been freed since the caller looked last,
 * be it by others. false: nothing waited, and nothing is deferred.
 */
bool zsdefer_flush(struct zsdefer *zd, const char *cause)
{
	unsigned long begun;

	/*
	 * What waits is charged until it has been freed, and who sees that
	 * nothing is sees what came of it. See flush-nothing.litmus.
	 */
	if (!atomic_long_read_acquire(&zd->shared.charged_bytes))
		return zsdefer_enabled(zd);

	/*
	 * A flush that begins from here on frees what we mean, too: then it
	 * is enough to wait for it. See flush-shared.litmus.
	 */
	begun = READ_ONCE(zd->nr_flushes);
	mutex_lock(&zd->flush_lock);
	if (zd->nr_flushes == begun)
		zsdefer_flush_locked(zd, cause);
	mutex_unlock(&zd->flush_lock);
	return true;
}
EXPORT_SYMBOL_GPL(zsdefer_flush);

/**
 * zsdefer_try_flush() - free all that has been queued, if nobody does already
 * @zd: the engine
 * @cause: who wants it, for the trace event
 *
 * So that those who reclaim memory do not queue up for the same little.
 *
 * Context: As zsdefer_flush().
 *
 * Return: how many pages went back meanwhile.
 */
unsigned long zsdefer_try_flush(struct zsdefer *zd, const char *cause)
{
	unsigned long before = zsdefer_pages_freed(zd);

	if (!atomic_long_read(&zd->shared.charged_bytes) ||
	    !mutex_trylock(&zd->flush_lock))
		return 0;

	zsdefer_flush_locked(zd, cause);
	mutex_unlock(&zd->flush_lock);
	return zsdefer_pages_freed(zd) - before;
}
EXPORT_SYMBOL_GPL(zsdefer_try_flush);

/**
 * zsdefer_pages_freed() - how many pages drains have ever given back
 * @zd: the engine
 *
 * Context: Any.
 */
unsigned long zsdefer_pages_freed(struct zsdefer *zd)
{
	return atomic_long_read(&zd->shared.pages_freed);
}
EXPORT_SYMBOL_GPL(zsdefer_pages_freed);

/**
 * zsdefer_waiting_pages() - about how many pages a flush could give back
 * @zd: the engine
 *
 * Context: Any.
 */
unsigned long zsdefer_waiting_pages(struct zsdefer *zd)
{
	return atomic_long_read(&zd->shared.charged_bytes) / PAGE_SIZE;
}
EXPORT_SYMBOL_GPL(zsdefer_waiting_pages);

/*
 * Nobody is killed for memory that only waits to be freed. But a page or two,
 * which there are at nearly any time, must not put off the kill for ever; nor
 * more, if time and again it is none that the allocation could use.
 */
static struct ratelimit_state zsdefer_oom_put_off =
	RATELIMIT_STATE_INIT_FLAGS(zsdefer_oom_put_off, HZ, 16,
				   RATELIMIT_MSG_ON_RELEASE);

static int zsdefer_oom(struct notifier_block *nb, unsigned long action,
		       void *data)
{
	unsigned long *freed = data, before, pages = 0;
	struct zsdefer *zd;

	mutex_lock(&zsdefer_engines_lock);
	list_for_each_entry(zd, &zsdefer_engines, list) {
		before = zsdefer_pages_freed(zd);
		zsdefer_flush(zd, "oom");
		pages += zsdefer_pages_freed(zd) - before;
	}
	mutex_unlock(&zsdefer_engines_lock);
	if (pages >= SWAP_CLUSTER_MAX && __ratelimit(&zsdefer_oom_put_off))
		*freed += pages;
	return NOTIFY_OK;
}

static struct notifier_block zsdefer_oom_nb = {
	.notifier_call = zsdefer_oom,
};

/*
 * Allocate blocks until the depot has what it should, or is refused one. Apart
 * from its callers, so that tests can have just these allocations fail.
 */
static noinline void zsdefer_depot_fill(struct zsdefer_depot *depot, gfp_t gfp)
{
	struct zsdefer_block *block;

	spin_lock(&depot->lock);
	while (depot->nr_needed &&
	       depot->nr_total < depot->nr_needed + ZSDEFER_SPARE_BLOCKS) {
		depot->nr_total++;
		spin_unlock(&depot->lock);
		/*
		 * Without it, objects are freed synchronously, and counted:
		 * not worth a reserve, nor a kill.
		 */
		block = kmalloc_obj(*block, gfp | __GFP_NORETRY |
				    __GFP_NOMEMALLOC | __GFP_NOWARN);
		spin_lock(&depot->lock);
		if (!block) {
			depot->nr_total--;
			break;
		}
		block->next = depot->free;
		depot->free = block;
	}
	spin_unlock(&depot->lock);
}

static bool zsdefer_depot_is_short(const struct zsdefer_depot *depot)
{
	/* Of figures that change, the next zspage sees the new ones. */
	return data_race(depot->nr_total < depot->nr_needed);
}

static void zsdefer_depot_trim(struct zsdefer_depot *depot)
{
	struct zsdefer_block *block, *surplus = NULL;
	unsigned int keep;

	spin_lock(&depot->lock);
	keep = depot->nr_needed ? depot->nr_needed + ZSDEFER_SPARE_BLOCKS : 0;
	while (depot->free && depot->nr_total > keep) {
		block = depot->free;
		depot->free = block->next;
		depot->nr_total--;
		block->next = surplus;
		surplus = block;
	}
	spin_unlock(&depot->lock);

	while ((block = surplus)) {
		surplus = block->next;
		kfree(block);
	}
}

/*
 * How many of the blocks that the queues want they could fill at once. Most
 * objects fit into the budget if they are small, so that is how it is spent
 * here; beside full blocks, each queue may have one that is not.
 */
static unsigned int zsdefer_blocks_needed(const struct zsdefer *zd)
{
	const struct zsdefer_depot *depot = &zd->shared.depot;
	unsigned long left = READ_ONCE(zd->shared.limits.budget);
	unsigned int i, needed = 0;

	lockdep_assert_held(&depot->lock);

	if (depot->bytes_wanted <= left)
		return depot->nr_wanted;
	for (i = 0; i < zd->nr_queues; i++) {
		const struct zsdefer_queue *q = &zd->queues[i];
		unsigned long block = ZSDEFER_BLOCK_HANDLES * q->size;
		unsigned long full = q->nr_wanted;

		if (!full)
			continue;
		if ((u64)full * block > left)
			full = left / block;
		left -= full * block;
		needed += full + 1;
	}
	return min(needed, depot->nr_wanted);
}

/**
 * zsdefer_stock() - keep as many blocks as a queue could need
 * @q: the queue
 * @nr_objects: objects that could come to wait in it
 * @gfp: how to allocate what is missing, or 0 to only give back surplus
 *
 * A push does not allocate, so this is called when zspages are allocated, and
 * when they have gone. If it can't have the memory, objects will be freed
 * synchronously.
 *
 * Context: Any that @gfp allows, no interrupt.
 */
void zsdefer_stock(struct zsdefer_queue *q, unsigned long nr_objects, gfp_t gfp)
{
	struct zsdefer_shared *shared = q->shared;
	const struct zsdefer_limits *limits = &shared->limits;
	struct zsdefer_depot *depot = &shared->depot;
	unsigned int wanted = 0;

	if (READ_ONCE(limits->enabled)) {
		nr_objects = min3(nr_objects, READ_ONCE(limits->budget) / q->size,
				  (unsigned long)READ_ONCE(limits->class_budget));
		wanted = DIV_ROUND_UP(nr_objects, ZSDEFER_BLOCK_HANDLES);
	}
	/* An allocation that failed is tried again with the next zspage. */
	if (wanted == READ_ONCE(q->nr_wanted) &&
	    !(gfp && zsdefer_depot_is_short(depot)))
		return;

	spin_lock(&depot->lock);
	/*
	 * Who only gives back counted before, and may have missed a zspage:
	 * then the class has less than it should until the next one comes.
	 * Who grows may have begun before deferral was turned off.
	 */
	if (!gfp || (wanted > q->nr_wanted && READ_ONCE(limits->enabled))) {
		depot->nr_wanted += wanted - q->nr_wanted;
		depot->bytes_wanted += ((s64)wanted - q->nr_wanted) *
				       ZSDEFER_BLOCK_HANDLES * q->size;
		WRITE_ONCE(q->nr_wanted, wanted);
	}
	depot->nr_needed = zsdefer_blocks_needed(shared_to_zsdefer(shared));
	spin_unlock(&depot->lock);

	if (gfp)
		zsdefer_depot_fill(depot, gfp);
	else
		zsdefer_depot_trim(depot);
}
EXPORT_SYMBOL_GPL(zsdefer_stock);

/**
 * zsdefer_restock() - have the blocks that all queues could need, and no more
 * @zd: the engine
 * @gfp: how to allocate what is missing, or 0 to only give back surplus
 *
 * Called when something has changed for many classes at once.
 *
 * Context: Any that @gfp allows, no interrupt.
 */
void zsdefer_restock(struct zsdefer *zd, gfp_t gfp)
{
	struct zsdefer_depot *depot = &zd->shared.depot;
	unsigned int i;

	for (i = 0; i < zd->nr_queues; i++) {
		struct zsdefer_queue *q = &zd->queues[i];
		unsigned long nr = zd->ops->nr_objects(q->class);

		/* In this order: who gives back also changes what is wanted. */
		if (gfp)
			zsdefer_stock(q, nr, gfp);
		zsdefer_stock(q, nr, 0);
	}

	/* The budget may be another, even if no queue wants any other number. */
	spin_lock(&depot->lock);
	depot->nr_needed = zsdefer_blocks_needed(zd);
	spin_unlock(&depot->lock);
	if (gfp)
		zsdefer_depot_fill(depot, gfp);
	zsdefer_depot_trim(depot);
}
EXPORT_SYMBOL_GPL(zsdefer_restock);

/**
 * zsdefer_default_params() - the values that a device starts with
 * @params: receives them
 *
 * A sixteenth of memory may wait, but no more than 256 MiB: that is as much
 * compressed memory as a large process leaves behind, and workers free it
 * within a fraction of a second. A class may hold as many objects as there
 * are pages in an eighth of memory, but no more than 65536, so that a process
 * whose pages all compress alike finds room, too.
 */
void zsdefer_default_params(struct zsdefer_params *params)
{
	unsigned long pages = totalram_pages();

	params->enabled =
		IS_ENABLED(CONFIG_ZSMALLOC_DEFERRED_FREE_DEFAULT_ON);
	params->budget = clamp(pages / 16, SZ_1M / PAGE_SIZE,
			       SZ_256M / PAGE_SIZE) * PAGE_SIZE;
	params->class_budget = clamp(pages / 8, 1024UL, SZ_64K);
	params->drain_threshold = 256;
	params->drain_delay_ms = 8;
}

/**
 * zsdefer_params_valid() - judge a set of values as a whole
 * @params: the values
 *
 * Return: true if they can be honoured.
 */
bool zsdefer_params_valid(const struct zsdefer_params *params)
{
	/* Sums of sizes are signed. */
	return params->budget >= PAGE_SIZE && params->budget <= LONG_MAX &&
	       params->budget >> PAGE_SHIFT <= totalram_pages() &&
	       params->class_budget >= 1 &&
	       params->class_budget <= ZSDEFER_CLASS_BUDGET_MAX &&
	       params->drain_threshold >= 1 &&
	       params->drain_threshold <= params->class_budget &&
	       params->drain_delay_ms >= 1 &&
	       params->drain_delay_ms <= ZSDEFER_DELAY_MAX_MS;
}

/* What a queue holds may exceed @to, or its sweep come too late for it. */
static bool zsdefer_lowers(const struct zsdefer_limits *from,
			   const struct zsdefer_limits *to)
{
	return to->enabled < from->enabled || to->budget < from->budget ||
	       to->class_budget < from->class_budget ||
	       to->drain_threshold < from->drain_threshold ||
	       to->delay < from->delay;
}

/**
 * zsdefer_set_params() - have other limits from now on
 * @zd: the engine
 * @params: the limits, each in its range
 *
 * If any of them is lowered, everything that waits is drained before this
 * returns, so that nothing is left of what the old limits allowed.
 *
 * Context: Process context, may sleep and allocate.
 */
void zsdefer_set_params(struct zsdefer *zd, const struct zsdefer_params *params)
{
	struct zsdefer_shared *shared = &zd->shared;
	struct zsdefer_limits to = {
		.enabled = params->enabled,
		.class_budget = params->class_budget,
		.drain_threshold = params->drain_threshold,
		.budget = params->budget,
		.delay = msecs_to_jiffies(params->drain_delay_ms),
	};
	struct zsdefer_limits *limits = &shared->limits;
	bool lower;

	mutex_lock(&zd->flush_lock);
	lower = zsdefer_lowers(limits, &to);
	WRITE_ONCE(limits->class_budget, to.class_budget);
	WRITE_ONCE(limits->drain_threshold, to.drain_threshold);
	WRITE_ONCE(limits->budget, to.budget);
	WRITE_ONCE(limits->delay, to.delay);
	WRITE_ONCE(shared->grant_bytes, to.budget / 8 / zd->nr_queues);
	WRITE_ONCE(limits->enabled, to.enabled);
	if (lower) {
		zsdefer_flush_locked(zd, params->enabled ? "limits" : "disable");
		/* Pushes see the new delay by now, but not the timer. */
		if (delayed_work_pending(&shared->sweep))
			mod_delayed_work(zsdefer_wq, &shared->sweep, 0);
	}
	mutex_unlock(&zd->flush_lock);

	zsdefer_restock(zd, params->enabled ? GFP_KERNEL : 0);
}
EXPORT_SYMBOL_IF_KUNIT(zsdefer_set_params);

/**
 * zsdefer_read_stats() - sum up what the queues of an engine did
 * @zd: the engine
 * @stats: receives the sums; each queue's figures are of one moment
 *
 * The queues are looked at one after the other. What moved from one to the
 * next meanwhile would be counted twice, so all of them together are said to
 * hold no more than what was charged.
 *
 * Context: Process context.
 */
void zsdefer_read_stats(struct zsdefer *zd, struct zsdefer_stats *stats)
{
	unsigned int i, why;
	int cpu;

	memset(stats, 0, sizeof(*stats));
	for (i = 0; i < zd->nr_queues; i++) {
		struct zsdefer_queue *q = &zd->queues[i];

		spin_lock(&q->lock);
		stats->waiting_objects += zsdefer_nr_waiting(q);
		stats->waiting_bytes +=
			(unsigned long)zsdefer_nr_waiting(q) * q->size;
		stats->queued += q->queued + zsdefer_nr_queued(q);
		stats->drained += q->drained;
		stats->zspages_freed_whole += q->zspages_whole;
		stats->drains += q->drains;
		stats->longest_wait = max(stats->longest_wait, q->longest_wait);
		for (why = 0; why < ZSDEFER_NR_FALLBACKS; why++)
			stats->fallbacks[why] += q->fallbacks[why];
		spin_unlock(&q->lock);
	}
	for_each_possible_cpu(cpu)
		stats->fallbacks[ZSDEFER_DISABLED] +=
			READ_ONCE(*per_cpu_ptr(zd->shared.disabled, cpu));
	stats->pages_freed = zsdefer_pages_freed(zd);
	stats->waiting_bytes =
		min_t(unsigned long, stats->waiting_bytes,
		      atomic_long_read(&zd->shared.charged_bytes));

	spin_lock(&zd->shared.depot.lock);
	stats->memory = struct_size(zd, queues, zd->max_queues) +
			zd->shared.depot.nr_total * sizeof(struct zsdefer_block);
	spin_unlock(&zd->shared.depot.lock);
}
EXPORT_SYMBOL_IF_KUNIT(zsdefer_read_stats);

static int zsdefer_classes_show(struct seq_file *m, void *unused)
{
	struct zsdefer *zd = m->private;
	unsigned int i;

	seq_printf(m, "%6s %10s %12s %12s %12s %10s %10s %10s %10s\n",
		   "size", "waiting", "queued", "drained", "whole", "drains",
		   "full", "budget", "nomem");
	for (i = 0; i < zd->nr_queues; i++) {
		struct zsdefer_queue *q = &zd->queues[i];
		unsigned long queued, drained, whole, drains, full, budget, nomem;
		unsigned int waiting;

		spin_lock(&q->lock);
		waiting = zsdefer_nr_waiting(q);
		queued = q->queued + zsdefer_nr_queued(q);
		drained = q->drained;
		whole = q->zspages_whole;
		drains = q->drains;
		full = q->fallbacks[ZSDEFER_FULL];
		budget = q->fallbacks[ZSDEFER_BUDGET];
		nomem = q->fallbacks[ZSDEFER_NOMEM];
		spin_unlock(&q->lock);

		seq_printf(m, "%6u %10u %12lu %12lu %12lu %10lu %10lu %10lu %10lu\n",
			   q->size, waiting, queued, drained, whole, drains,
			   full, budget, nomem);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(zsdefer_classes);

/**
 * zsdefer_debugfs_create() - show the figures of each class
 * @zd: the engine, with all its queues
 * @dir: the pool's directory in debugfs, in which "deferred_free" appears
 *
 * The file goes with the engine.
 *
 * Context: Process context, may sleep and allocate.
 */
void zsdefer_debugfs_create(struct zsdefer *zd, struct dentry *dir)
{
	zd->debugfs = debugfs_create_file("deferred_free", 0444, dir, zd,
					  &zsdefer_classes_fops);
}
EXPORT_SYMBOL_GPL(zsdefer_debugfs_create);

/**
 * zsdefer_create() - make the deferred free of a pool
 * @ops: the pool's allocator
 * @pool: the pool, for @ops
 * @name: the pool's name, which outlives the engine
 * @nr_queues: size classes that will be added
 *
 * It is disabled until zsdefer_bind().
 *
 * Context: Process context, may sleep and allocate.
 *
 * Return: the engine, which zsdefer_destroy() frees, or NULL.
 */
struct zsdefer *zsdefer_create(const struct zsdefer_ops *ops, void *pool,
			       const char *name, unsigned int nr_queues)
{
	struct zsdefer *zd;

	if (!zsdefer_wq)
		return NULL;

	zd = kvzalloc(struct_size(zd, queues, nr_queues),
		      GFP_KERNEL | __GFP_NOWARN);
	if (!zd)
		return NULL;

	zd->shared.name = name;
	zd->shared.disabled = alloc_percpu_gfp(unsigned long,
					       GFP_KERNEL | __GFP_NOWARN);
	if (!zd->shared.disabled) {
		kvfree(zd);
		return NULL;
	}
	spin_lock_init(&zd->shared.depot.lock);
	INIT_DELAYED_WORK(&zd->shared.sweep, zsdefer_sweep);
	mutex_init(&zd->flush_lock);
	zd->ops = ops;
	zd->pool = pool;
	zd->max_queues = nr_queues;

	mutex_lock(&zsdefer_engines_lock);
	list_add_tail(&zd->list, &zsdefer_engines);
	mutex_unlock(&zsdefer_engines_lock);
	return zd;
}
EXPORT_SYMBOL_GPL(zsdefer_create);

/**
 * zsdefer_add_queue() - add the queue of a size class
 * @zd: an engine that is not bound yet
 * @class: the size class, for the engine's ops
 * @size: bytes that an object of the class occupies, more than those of the
 *	  queue before
 *
 * Context: Any context.
 *
 * Return: the queue, which lives as long as the engine.
 */
struct zsdefer_queue *zsdefer_add_queue(struct zsdefer *zd, void *class,
					unsigned int size)
{
	struct zsdefer_queue *q = &zd->queues[zd->nr_queues++];

	spin_lock_init(&q->lock);
	INIT_WORK(&q->work, zsdefer_work);
	q->shared = &zd->shared;
	q->class = class;
	q->size = size;
	return q;
}
EXPORT_SYMBOL_GPL(zsdefer_add_queue);

/**
 * zsdefer_destroy() - free all that waits, then the engine itself
 * @zd: the engine, or NULL; nobody pushes any more
 *
 * Context: Process context, may sleep.
 */
void zsdefer_destroy(struct zsdefer *zd)
{
	struct zsdefer_params off = { };
	unsigned int i;

	if (!zd)
		return;

	mutex_lock(&zsdefer_engines_lock);
	list_del(&zd->list);
	mutex_unlock(&zsdefer_engines_lock);
	debugfs_remove(zd->debugfs);
	zsdefer_unbind(zd);
	zsdefer_default_params(&off);
	off.enabled = false;
	zsdefer_set_params(zd, &off);
	cancel_delayed_work_sync(&zd->shared.sweep);
	for (i = 0; i < zd->nr_queues; i++) {
		cancel_work_sync(&zd->queues[i].work);
		WARN_ON_ONCE(zd->queues[i].charged);
	}
	/* A block that was being allocated as deferral was turned off. */
	zsdefer_depot_trim(&zd->shared.depot);
	WARN_ON_ONCE(zd->shared.depot.nr_total);

	free_percpu(zd->shared.disabled);
	kvfree(zd);
}
EXPORT_SYMBOL_GPL(zsdefer_destroy);

static int __init zsdefer_init(void)
{
	int err;

	/*
	 * One worker for every four CPUs: a drain is bound by memory and
	 * class->lock, and should leave the CPUs to those who want the memory.
	 * /sys/devices/virtual/workqueue/zsdefer/ has the say.
	 */
	zsdefer_wq = alloc_workqueue("zsdefer",
				     WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_SYSFS,
				     DIV_ROUND_UP(num_possible_cpus(), 4));
	if (!zsdefer_wq)
		return -ENOMEM;

	err = register_oom_notifier(&zsdefer_oom_nb);
	if (err) {
		destroy_workqueue(zsdefer_wq);
		zsdefer_wq = NULL;
	}
	return err;
}

static void __exit zsdefer_exit(void)
{
	unregister_oom_notifier(&zsdefer_oom_nb);
	destroy_workqueue(zsdefer_wq);
}

/* Before the devices that use it, when it is built in. */
subsys_initcall(zsdefer_init);
module_exit(zsdefer_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Deferred free for zsmalloc");

#include "tests/core-kunit.h"
