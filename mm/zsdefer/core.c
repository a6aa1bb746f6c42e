// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: life cycle, drains, limits.
 *
 * An object is freed by whichever comes first:
 *
 * - its queue reaches drain_threshold: the queue's own work item runs;
 * - the pool's sweep comes, drain_delay_ms after one came into an empty queue
 *   at the latest, and drains all queues;
 * - its class would have to grow, or somebody else needs the memory, and
 *   takes some of what waits back;
 * - a flush: all of it is to go.
 *
 * All of these are zsdefer_drain_some(), which takes a few blocks out of a
 * queue and has their objects freed, under the worker's drain_lock. So what is
 * in anybody's hands is on its way: nobody who needs memory waits for somebody
 * who has no CPU, or on PREEMPT_RT not his priority, and who has got the lock
 * knows that all that was taken before has been freed.
 */

#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/oom.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swap.h>

#define CREATE_TRACE_POINTS
#include <trace/events/zsmalloc.h>

#include "zsdefer.h"

#define ZSDEFER_CLASS_BUDGET_MAX	SZ_1M
#define ZSDEFER_DELAY_MAX_MS		60000U

static struct workqueue_struct *zsdefer_wq;

/* All engines, for who runs out of memory; nothing is allocated meanwhile. */
static LIST_HEAD(zsdefer_engines);
static DEFINE_MUTEX(zsdefer_engines_lock);

/* Drains */

/**
 * zsdefer_waiting_bytes() - how many bytes wait, as far as the budget knows
 * @zd: the engine
 *
 * Wrong while the budget changes, and by what is just being pushed.
 *
 * Context: Any.
 */
unsigned long zsdefer_waiting_bytes(struct zsdefer *zd)
{
	long bytes = READ_ONCE(zd->limits.budget) - atomic_long_read(&zd->room);

	return max(bytes, 0);
}
EXPORT_SYMBOL_GPL(zsdefer_waiting_bytes);

/*
 * Have MemAvailable count what waits, but for a mebibyte: it is as good as free, and
 * killers that look there after one victim would choose another. All of it is told
 * of one node, as there only the sum matters. Under a lock, so that who looks last
 * tells last.
 */
static void zsdefer_tell(struct zsdefer *zd)
{
	long room, pages, plenty = READ_ONCE(zd->plenty);

	guard(spinlock)(&zd->told_lock);
	room = atomic_long_read(&zd->room);
	WRITE_ONCE(zd->look_at, room > plenty ? max(plenty, room - SZ_1M) :
						room - SZ_1M);
	pages = zsdefer_waiting_bytes(zd) / PAGE_SIZE;
	mod_node_page_state(NODE_DATA(first_memory_node),
			    NR_KERNEL_MISC_RECLAIMABLE, pages - zd->told);
	zd->told = pages;
}

/*
 * Queue the objects of the next line of slots that has any dead, from @line on:
 * false if there is none. Under a spinlock of the CPU's, more or less, so that
 * several walk at once, and who gets all of them knows that all that was found
 * before has been queued.
 */
static bool zsdefer_walk_some(struct zsdefer *zd, unsigned long *line)
{
	struct zsdefer_slots *slots;

	guard(spinlock)(&zd->hands[raw_smp_processor_id() % ZSDEFER_HANDS]);
	/* Pairs with zsdefer_pool_attach(), for zd->walk. */
	slots = smp_load_acquire(&zd->slots);
	return slots && zd->walk(zd, slots, line);
}

static void zsdefer_await_walks(struct zsdefer *zd)
{
	unsigned int i;

	for (i = 0; i < ZSDEFER_HANDS; i++) {
		spin_lock(&zd->hands[i]);
		spin_unlock(&zd->hands[i]);
	}
}

/**
 * zsdefer_walk() - queue the objects of all slots that are dead now
 * @zd: the engine
 *
 * But for those of slots that somebody has locked, who looks at them himself when
 * he locks them again, or the sweep does.
 *
 * Context: Process context, may sleep.
 */
void zsdefer_walk(struct zsdefer *zd)
{
	unsigned long line = 0;

	/* Pairs with zsdefer_mark_line(): who has seen a bit sees the number. */
	smp_mb();
	while (zsdefer_walk_some(zd, &line))
		cond_resched();
	zsdefer_await_walks(zd);
}
EXPORT_SYMBOL_GPL(zsdefer_walk);

/*
 * Free the objects of up to @max blocks, the oldest, and add to @freed what came
 * of it. Returns the number of blocks.
 */
static unsigned int zsdefer_drain_some(struct zsdefer_worker *w,
				       unsigned int max,
				       struct zsdefer_freed *freed)
{
	struct zsdefer_taken taken[ZSDEFER_TAKE] __uninitialized;
	struct zsdefer_freed some = { };
	struct zsdefer *zd = w->zd;
	struct zsdefer_queue *q;
	unsigned int nr = 0;
	u64 start;

	spin_lock(&w->drain_lock);
	start = trace_zsdefer_drain_enabled() ? ktime_get_ns() : 0;
	q = w->q;
	if (q)
		nr = zsdefer_take(q, taken, min(max, ZSDEFER_TAKE));
	if (nr) {
		zd->free(zd->pool, q, taken, nr, &some);
		zsdefer_done(q, taken, nr, &some);
		atomic_long_add(some.objects * q->size, &zd->room);
		zsdefer_tell(zd);
		if (start)
			trace_zsdefer_drain(zd->name, q->size, some.objects,
					    some.zspages_whole, some.pages,
					    ktime_get_ns() - start);
	}
	spin_unlock(&w->drain_lock);
	zsdefer_add_freed(freed, &some);
	return nr;
}

/*
 * How many blocks are queued; with @over, whether more waits than the work item
 * lets be. When this returns, others have freed what they had taken before.
 */
static unsigned int zsdefer_nr_queued(struct zsdefer_worker *w, bool over)
{
	struct zsdefer_queue *q;
	unsigned int nr = 0;

	spin_lock(&w->drain_lock);
	q = w->q;
	if (q) {
		/* With the lock: the first of a block may be about to link it. */
		spin_lock(&q->lock);
		nr = over ? zsdefer_over_threshold(q) : q->nr_blocks;
		spin_unlock(&q->lock);
	}
	spin_unlock(&w->drain_lock);
	return nr;
}

/* Whether to leave it to who is at it. */
static bool zsdefer_leave(struct zsdefer_worker *w, bool *left)
{
	if (!left)
		return false;
	if (spin_trylock(&w->drain_lock)) {
		spin_unlock(&w->drain_lock);
		return false;
	}
	*left = true;
	return true;
}

/*
 * Free what is queued now, and add to @freed what came of it. When this returns,
 * others have freed what they had taken before, too. May sleep. Returns false if
 * nothing was queued, or all of it is left to somebody else.
 *
 * With @left, goes no further if somebody else is at the same class, and says so
 * there: two would take turns, each waiting for the other's blocks, and be done no
 * sooner.
 */
static bool zsdefer_drain(struct zsdefer_worker *w, struct zsdefer_freed *freed,
			  bool *left)
{
	unsigned int nr, blocks;
	bool any;

	if (zsdefer_leave(w, left))
		return false;
	blocks = zsdefer_nr_queued(w, false);
	any = blocks;
	while (blocks && !zsdefer_leave(w, left)) {
		nr = zsdefer_drain_some(w, blocks, freed);
		blocks = nr ? blocks - nr : 0;
		cond_resched();
	}
	return any;
}

static void zsdefer_work(struct work_struct *work)
{
	struct zsdefer_worker *w = container_of(work, struct zsdefer_worker, work);
	struct zsdefer_freed freed = { };

	zsdefer_walk(w->zd);
	/* What has come since may be above the threshold, and nobody say so. */
	if (zsdefer_drain(w, &freed, NULL) && zsdefer_nr_queued(w, true))
		queue_work(zsdefer_wq, work);
}

static bool zsdefer_much_waits(struct zsdefer *zd)
{
	return atomic_long_read(&zd->room) <= READ_ONCE(zd->plenty);
}

/* How long the sweep may take, in jiffies, to come for some, or for much. */
static unsigned long zsdefer_sweep_in(struct zsdefer *zd, bool much)
{
	unsigned int ms = READ_ONCE(zd->limits.drain_delay_ms);

	return msecs_to_jiffies(much ? min(ms, ZSDEFER_SOON_MS) : ms);
}

/* Have the sweep come sooner if much waits. */
static void zsdefer_hurry(struct zsdefer *zd)
{
	unsigned long soon = zsdefer_sweep_in(zd, true);

	if (zsdefer_much_waits(zd) && timer_pending(&zd->sweep.timer) &&
	    /* data_race: at worst the sweep comes no sooner. */
	    time_after(data_race(zd->sweep.timer.expires), jiffies + soon))
		mod_delayed_work(zsdefer_wq, &zd->sweep, soon);
}

/*
 * Drain all that waits, and come back a delay after that began for what has been
 * queued since; if it was much, soon, as its end may come next. Small remainders
 * of many classes are drained here one after the other rather than by a hundred
 * work items at once. What is left to others is looked at again soon, as its time
 * has come, and they may end with what was queued before.
 */
static void zsdefer_sweep(struct work_struct *work)
{
	struct zsdefer *zd = container_of(to_delayed_work(work), struct zsdefer,
					  sweep);
	bool much = zsdefer_much_waits(zd), more = much, left = false;
	unsigned long in, begin = jiffies;
	struct zsdefer_freed freed = { };
	unsigned int i;

	zsdefer_walk(zd);
	for (i = 0; i < zd->nr; i++)
		/* Who pushes into an empty queue arms us again. */
		if (zsdefer_drain(&zd->workers[i], &freed, &left) && !left)
			more |= zsdefer_nr_queued(&zd->workers[i], false);
	/* Who lowers the delay waits for this, and has it come sooner. */
	guard(rcu)();
	in = zsdefer_sweep_in(zd, much || left);
	if (left)
		begin = jiffies;
	if (more || left)
		mod_delayed_work(zsdefer_wq, &zd->sweep,
				 in - min(jiffies - begin, in));
	/* Who has it wait since has found no timer. */
	zsdefer_hurry(zd);
}

/**
 * zsdefer_flush() - free all that has been queued
 * @zd: the engine
 * @cause: who wants it, for the trace event
 *
 * When it returns, others have freed what they had in hand, too: at most
 * %ZSDEFER_TAKE blocks of each queue, and a line of slots. It waits for nothing else.
 *
 * Context: Process context, may sleep, also during reclaim: allocates nothing.
 *
 * Return: the number of pages that came back.
 */
unsigned long zsdefer_flush(struct zsdefer *zd, const char *cause)
{
	u64 start = trace_zsdefer_flush_enabled() ? ktime_get_ns() : 0;
	struct zsdefer_freed freed = { };
	unsigned int i;

	zsdefer_walk(zd);
	for (i = 0; i < zd->nr; i++)
		zsdefer_drain(&zd->workers[i], &freed, NULL);
	if (start && freed.objects)
		trace_zsdefer_flush(zd->name, cause, freed.objects, freed.pages,
				    ktime_get_ns() - start);
	return freed.pages;
}
EXPORT_SYMBOL_GPL(zsdefer_flush);

/**
 * zsdefer_take_own() - free some of what waits in a size class
 * @q: the queue of the class
 *
 * For who would have it grow otherwise: the places of what waits are free
 * then, or gone with their zspage. Of what waits where it died, looks for it in a
 * few lines of slots.
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: false if nothing waited.
 */
bool zsdefer_take_own(struct zsdefer_queue *q)
{
	struct zsdefer_freed freed = { };
	unsigned int tries = ZSDEFER_TAKE;
	unsigned long line = 0;

	while (!READ_ONCE(q->nr_blocks))
		if (!zsdefer_any_queued(q) || !tries-- ||
		    !zsdefer_walk_some(q->worker->zd, &line))
			return false;
	return zsdefer_drain_some(q->worker, ZSDEFER_TAKE, &freed);
}
EXPORT_SYMBOL_GPL(zsdefer_take_own);

/*
 * Free what is queued, a block at a time, from one class after the other, until
 * @freed has enough @pages. With @all, what others have in hand is freed then, too;
 * without, only classes that have something are looked at.
 */
static void zsdefer_take_round(struct zsdefer *zd, unsigned long pages, bool all,
			       struct zsdefer_freed *freed)
{
	unsigned int n, i, left, first = READ_ONCE(zd->hand);

	for (n = 0; n < zd->nr && freed->pages < pages; n++) {
		i = (first + n) % zd->nr;
		if (!all && !READ_ONCE(zd->workers[i].q->nr_blocks))
			continue;
		WRITE_ONCE(zd->hand, i);
		left = zsdefer_nr_queued(&zd->workers[i], false);
		while (left-- && freed->pages < pages)
			zsdefer_drain_some(&zd->workers[i], 1, freed);
	}
}

/**
 * zsdefer_take_back() - free what waits until enough pages have come back
 * @zd: the engine
 * @pages: how many are enough
 * @cause: who wants them, for the trace event
 *
 * Takes a block at a time from one class after the other; who comes next goes on
 * where this one ended. Waits for who drains or walks, who has a CPU, no longer
 * than it takes to free %ZSDEFER_TAKE blocks, or to queue a line of slots.
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 *
 * Return: the number of pages that came back.
 */
unsigned long zsdefer_take_back(struct zsdefer *zd, unsigned long pages,
				const char *cause)
{
	u64 start = trace_zsdefer_flush_enabled() ? ktime_get_ns() : 0;
	struct zsdefer_freed freed = { };
	unsigned long line = 0;

	zsdefer_take_round(zd, pages, true, &freed);
	while (freed.pages < pages && zsdefer_walk_some(zd, &line))
		zsdefer_take_round(zd, pages, false, &freed);
	/* What others have found in the last lines waits, too. */
	if (freed.pages < pages && zsdefer_waiting_bytes(zd)) {
		zsdefer_await_walks(zd);
		zsdefer_take_round(zd, pages, true, &freed);
	}
	if (start && freed.objects)
		trace_zsdefer_flush(zd->name, cause, freed.objects, freed.pages,
				    ktime_get_ns() - start);
	return freed.pages;
}
EXPORT_SYMBOL_GPL(zsdefer_take_back);

/*
 * The OOM killer asks before it chooses a victim. It may come although reclaim
 * got something from the shrinkers: it asks whether that, and what LRU lists
 * have, is enough, and what waits here is on none. But a page or two, which
 * there are at nearly any time, must not put off a kill; nor may more, if time
 * and again it is none that the allocation could use.
 */
#define ZSDEFER_OOM_IN_A_ROW	16
#define ZSDEFER_OOM_ROW_ENDS	(10 * HZ)

static unsigned long zsdefer_oom_last, zsdefer_oom_in_a_row;

static int zsdefer_oom(struct notifier_block *nb, unsigned long action,
		       void *data)
{
	unsigned long *freed = data, pages = 0;
	struct zsdefer *zd;

	guard(mutex)(&zsdefer_engines_lock);
	list_for_each_entry(zd, &zsdefer_engines, list)
		pages += zsdefer_flush(zd, "oom");
	if (time_after(jiffies, zsdefer_oom_last + ZSDEFER_OOM_ROW_ENDS))
		zsdefer_oom_in_a_row = 0;
	zsdefer_oom_last = jiffies;
	if (pages >= SWAP_CLUSTER_MAX &&
	    zsdefer_oom_in_a_row++ < ZSDEFER_OOM_IN_A_ROW)
		*freed += pages;
	return NOTIFY_OK;
}

static struct notifier_block zsdefer_oom_nb = { .notifier_call = zsdefer_oom };

/* Pushes */

/* More waits: tell so, and see whether it is much. */
void zsdefer_look(struct zsdefer *zd)
{
	zsdefer_tell(zd);
	zsdefer_hurry(zd);
}
EXPORT_SYMBOL_GPL(zsdefer_look);

/**
 * zsdefer_kick() - start the work item of a size class
 * @q: the queue of the class
 *
 * Context: Any.
 */
void zsdefer_kick(struct zsdefer_queue *q)
{
	queue_work(zsdefer_wq, &q->worker->work);
}
EXPORT_SYMBOL_GPL(zsdefer_kick);

/**
 * zsdefer_arm() - have the sweep come, a delay from now at the latest
 * @zd: the engine
 *
 * Context: Any.
 */
void zsdefer_arm(struct zsdefer *zd)
{
	queue_delayed_work(zsdefer_wq, &zd->sweep, zsdefer_sweep_in(zd, false));
	zsdefer_hurry(zd);
}
EXPORT_SYMBOL_GPL(zsdefer_arm);

static noinline bool zsdefer_refuse(struct zsdefer_queue *q,
				    enum zsdefer_fallback why)
{
	static const char *const whys[] = {
		[ZSDEFER_FULL] = "full",
		[ZSDEFER_BUDGET] = "budget",
		[ZSDEFER_DISABLED] = "disabled",
	};

	atomic_long_inc(&q->fallbacks[why]);
	trace_zsdefer_fallback(q->worker->zd->name, q->size, whys[why]);
	return false;
}

/* Do what a push into @q made necessary. */
static noinline void zsdefer_pushed(struct zsdefer_queue *q, unsigned int todo)
{
	struct zsdefer *zd = q->worker->zd;

	if (todo & ZSDEFER_ARM)
		zsdefer_arm(zd);
	if (todo & ZSDEFER_KICK)
		zsdefer_kick(q);
	if (todo & ZSDEFER_TWICE)
		atomic_long_add(q->size, &zd->room);
}

/**
 * zsdefer_push() - queue an object for a drain, within all bounds
 * @zd: the engine
 * @handle: the object; the caller gives it up if it is queued
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 * Never blocks, never allocates, never drains.
 *
 * Return: false if it was not queued: the caller has to free it.
 */
bool zsdefer_push(struct zsdefer *zd, unsigned long handle)
{
	struct zsdefer_queue *q = zsdefer_block_of(handle)->queue;
	unsigned int todo;

	/* Who changes limits waits for those who do not know of them. */
	guard(rcu)();
	if (unlikely(!READ_ONCE(zd->limits.enabled)))
		return zsdefer_refuse(q, ZSDEFER_DISABLED);
	todo = zsdefer_queue_count(q);
	if (unlikely(todo & ZSDEFER_REFUSED))
		return zsdefer_refuse(q, ZSDEFER_FULL);
	if (unlikely(!zsdefer_charge(zd, q->size))) {
		zsdefer_queue_uncount(q);
		if (todo)
			zsdefer_kick(q);
		return zsdefer_refuse(q, ZSDEFER_BUDGET);
	}
	todo |= zsdefer_queue_link(handle, NULL);
	if (unlikely(todo))
		zsdefer_pushed(q, todo);
	return true;
}
EXPORT_SYMBOL_GPL(zsdefer_push);

/* Limits */

/**
 * zsdefer_ctl_init() - make the knobs of a device, with the default values
 * @ctl: the control object
 *
 * A sixteenth of memory may wait, but no more than 256 MiB: that is as much
 * compressed memory as a large process leaves behind, and workers free it
 * within a fraction of a second. A class may hold as many objects as there
 * are pages in an eighth of memory, but no more than 65536, so that a process
 * whose pages all compress alike finds room, too. What comes now and then, as
 * pages do that are swapped in, wakes a worker ten times a second at most.
 *
 * Context: Process context.
 */
void zsdefer_ctl_init(struct zsdefer_ctl *ctl)
{
	unsigned long pages = totalram_pages();
	struct zsdefer_params *params = &ctl->params;

	mutex_init(&ctl->lock);
	INIT_LIST_HEAD(&ctl->engines);
	params->enabled =
		IS_ENABLED(CONFIG_ZSMALLOC_DEFERRED_FREE_DEFAULT_ON);
	params->budget = clamp(pages / 16, SZ_1M / PAGE_SIZE,
			       SZ_256M / PAGE_SIZE) * PAGE_SIZE;
	params->class_budget = clamp(pages / 8, 1024UL, SZ_64K);
	params->drain_threshold = 256;
	params->drain_delay_ms = 100;
}
EXPORT_SYMBOL_GPL(zsdefer_ctl_init);

/**
 * zsdefer_params_valid() - judge a set of values as a whole
 * @params: the values
 *
 * Return: true if they can be honoured.
 */
bool zsdefer_params_valid(const struct zsdefer_params *params)
{
	/* Sums of sizes are signed. */
	return params->enabled <= 1 &&
	       params->budget >= PAGE_SIZE && params->budget <= LONG_MAX &&
	       params->budget >> PAGE_SHIFT <= totalram_pages() &&
	       params->class_budget >= 1 &&
	       params->class_budget <= ZSDEFER_CLASS_BUDGET_MAX &&
	       params->drain_threshold >= 1 &&
	       params->drain_threshold <= params->class_budget &&
	       params->drain_delay_ms >= 1 &&
	       params->drain_delay_ms <= ZSDEFER_DELAY_MAX_MS;
}

/**
 * zsdefer_set_params() - have other limits from now on
 * @zd: the engine
 * @params: the limits, each in its range
 *
 * If any of them is lowered, everything that waits is drained before this
 * returns, so that nothing is left of what the old limits allowed, but for the
 * dead slots that somebody has locked: see zsdefer_walk().
 *
 * Context: Process context, may sleep. The caller holds zsdefer_ctl.lock, or
 * nobody else changes the limits.
 */
void zsdefer_set_params(struct zsdefer *zd, const struct zsdefer_params *params)
{
	struct zsdefer_params *limits = &zd->limits, next = *params;
	bool lower, sooner = next.drain_delay_ms < limits->drain_delay_ms;
	unsigned int i;

	if (!next.enabled)
		next.budget = 0;
	lower = sooner || next.budget < limits->budget ||
		next.class_budget < limits->class_budget ||
		next.drain_threshold < limits->drain_threshold;
	atomic_long_add((long)(next.budget - limits->budget), &zd->room);
	/* Less than nothing, if the budget does not have as many pages. */
	WRITE_ONCE(zd->plenty, next.budget - PAGE_SIZE *
		   min(next.drain_threshold, next.budget / PAGE_SIZE + 1));
	WRITE_ONCE(limits->enabled, next.enabled);
	WRITE_ONCE(limits->budget, next.budget);
	if (zd->slots)
		zsdefer_let_die(zd, zd->slots);
	zsdefer_tell(zd);
	WRITE_ONCE(limits->class_budget, next.class_budget);
	WRITE_ONCE(limits->drain_threshold, next.drain_threshold);
	WRITE_ONCE(limits->drain_delay_ms, next.drain_delay_ms);
	for (i = 0; i < zd->nr; i++)
		zsdefer_limits_changed(zd->workers[i].q);
	if (!lower)
		return;

	/* What was charged or counted before will be in its queue. */
	synchronize_rcu();
	zsdefer_flush(zd, params->enabled ? "limits" : "disable");
	/* Pushes see the new delay by now, but not the timer. */
	if (sooner && delayed_work_pending(&zd->sweep))
		mod_delayed_work(zsdefer_wq, &zd->sweep, 0);
}
EXPORT_SYMBOL_IF_KUNIT(zsdefer_set_params);

/**
 * zsdefer_share_out() - have other limits for all engines of a device
 * @ctl: the knobs
 * @params: the limits, each in its range
 *
 * Each has an equal share of the budget, so that the sum of them is a bound without
 * anything that they would have to share.
 *
 * Context: Process context, may sleep. The caller holds @ctl->lock.
 */
void zsdefer_share_out(struct zsdefer_ctl *ctl,
		       const struct zsdefer_params *params)
{
	struct zsdefer_params share = *params;
	struct zsdefer *zd;

	list_for_each_entry(zd, &ctl->engines, of_ctl) {
		share.budget = params->budget / list_count_nodes(&ctl->engines);
		zsdefer_set_params(zd, &share);
	}
}
EXPORT_SYMBOL_GPL(zsdefer_share_out);

/* Figures */

static void zsdefer_add_queue_stats(struct zsdefer_stats *stats,
				    struct zsdefer_queue *q)
{
	unsigned int why;

	spin_lock(&q->lock);
	stats->memory += sizeof(*q) + sizeof(*q->worker);
	stats->waiting_objects += zsdefer_nr_waiting(q);
	stats->waiting_bytes += zsdefer_nr_waiting(q) * q->size;
	stats->queued += zsdefer_nr_pushed(q);
	zsdefer_add_freed(&stats->freed, &q->freed);
	stats->longest_wait = max(stats->longest_wait, q->longest_wait);
	for (why = 0; why < ZSDEFER_NR_FALLBACKS; why++)
		stats->fallbacks[why] += atomic_long_read(&q->fallbacks[why]);
	spin_unlock(&q->lock);
}

/**
 * zsdefer_add_stats() - sum up what the queues of an engine did
 * @zd: the engine
 * @stats: the sums are added to it; each queue's figures are of one moment
 *
 * The queues are looked at one after the other. What moved from one to the
 * next meanwhile would be counted twice, so all of them together are said to
 * hold no more than the budget.
 *
 * Context: Process context; the limits do not change.
 */
void zsdefer_add_stats(struct zsdefer *zd, struct zsdefer_stats *stats)
{
	unsigned long most = stats->waiting_bytes + zd->limits.budget;
	unsigned int i;

	stats->memory += sizeof(*zd);
	for (i = 0; i < zd->nr; i++)
		zsdefer_add_queue_stats(stats, zd->workers[i].q);
	stats->waiting_bytes = min(stats->waiting_bytes, most);
}
EXPORT_SYMBOL_IF_KUNIT(zsdefer_add_stats);

static int zsdefer_classes_show(struct seq_file *m, void *unused)
{
	struct zsdefer *zd = m->private;
	unsigned int i;

	seq_printf(m, "%6s %10s %12s %12s %12s %10s %10s %10s %10s\n",
		   "size", "waiting", "queued", "drained", "whole", "drains",
		   "full", "budget", "disabled");
	for (i = 0; i < zd->nr; i++) {
		struct zsdefer_queue *q = zd->workers[i].q;
		struct zsdefer_stats s = { };

		zsdefer_add_queue_stats(&s, q);
		seq_printf(m, "%6u %10lu %12lu %12lu %12lu %10lu %10lu %10lu %10lu\n",
			   q->size, s.waiting_objects, s.queued,
			   s.freed.objects, s.freed.zspages_whole,
			   s.freed.batches, s.fallbacks[ZSDEFER_FULL],
			   s.fallbacks[ZSDEFER_BUDGET],
			   s.fallbacks[ZSDEFER_DISABLED]);
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

/* Life cycle */

/* Wait for who has begun, but gets no CPU: here nobody else does. */
static void zsdefer_end(struct work_struct *work)
{
	struct zsdefer *zd = container_of(work, struct zsdefer, end);

	cancel_delayed_work_sync(&zd->sweep);
	while (zd->nr)
		cancel_work_sync(&zd->workers[--zd->nr].work);
	kfree(zd);
}

/**
 * zsdefer_create() - make the deferred free of a pool
 * @free: how the pool frees objects
 * @pool: the pool, for @free
 * @name: the pool's name, for as long as it has its queues
 * @nr: how many queues there will be
 *
 * It is disabled until zsdefer_bind().
 *
 * Context: Process context, may sleep and allocate.
 *
 * Return: the engine, which zsdefer_destroy() frees, or NULL.
 */
struct zsdefer *zsdefer_create(zsdefer_free_fn *free, void *pool,
			       const char *name, unsigned int nr)
{
	struct zsdefer *zd;
	unsigned int i;

	if (!zsdefer_wq)
		return NULL;

	zd = kzalloc(struct_size(zd, workers, nr), GFP_KERNEL | __GFP_NOWARN);
	if (!zd)
		return NULL;

	spin_lock_init(&zd->told_lock);
	for (i = 0; i < ZSDEFER_HANDS; i++)
		spin_lock_init(&zd->hands[i]);
	INIT_WORK(&zd->end, zsdefer_end);
	INIT_DELAYED_WORK(&zd->sweep, zsdefer_sweep);
	zd->free = free;
	zd->pool = pool;
	zd->name = name;
	mutex_lock(&zsdefer_engines_lock);
	list_add_tail(&zd->list, &zsdefer_engines);
	mutex_unlock(&zsdefer_engines_lock);
	return zd;
}
EXPORT_SYMBOL_GPL(zsdefer_create);

/**
 * zsdefer_add_queue() - add the queue of a size class
 * @zd: an engine that is not bound yet
 * @q: the queue, which is there until zsdefer_destroy(); its class has more
 *     bytes than that of the queue before
 *
 * Context: Process context, may sleep.
 */
void zsdefer_add_queue(struct zsdefer *zd, struct zsdefer_queue *q)
{
	struct zsdefer_worker *w = &zd->workers[zd->nr];

	/* The OOM killer may be looking. */
	guard(mutex)(&zsdefer_engines_lock);
	spin_lock_init(&w->drain_lock);
	INIT_WORK(&w->work, zsdefer_work);
	w->zd = zd;
	w->q = q;
	q->limits = &zd->limits;
	q->worker = w;
	zd->hand = zd->nr++;
	zsdefer_limits_changed(q);
}
EXPORT_SYMBOL_GPL(zsdefer_add_queue);

/**
 * zsdefer_bind() - put an engine under the control of a device's knobs
 * @zd: the engine, with all its queues
 * @ctl: the knobs
 *
 * Context: Process context, may sleep.
 */
void zsdefer_bind(struct zsdefer *zd, struct zsdefer_ctl *ctl)
{
	guard(mutex)(&ctl->lock);
	zd->ctl = ctl;
	/* Behind the others, which have less then before this one has any. */
	list_add_tail(&zd->of_ctl, &ctl->engines);
	zsdefer_share_out(ctl, &ctl->params);
}
EXPORT_SYMBOL_GPL(zsdefer_bind);

/* The others have the share of one that has drained all. */
static void zsdefer_unbind(struct zsdefer *zd, struct zsdefer_ctl *ctl)
{
	guard(mutex)(&ctl->lock);
	list_del(&zd->of_ctl);
	zsdefer_share_out(ctl, &ctl->params);
}

/**
 * zsdefer_destroy() - free all that waits, and let go of the queues
 * @zd: the engine, or NULL; nobody pushes any more
 *
 * Waits like zsdefer_flush(), for who changes the list of engines or the knobs, and
 * for readers of the file in debugfs; for no work item: one that has begun finds
 * nothing to do when it gets a CPU.
 *
 * Context: Process context, may sleep.
 */
void zsdefer_destroy(struct zsdefer *zd)
{
	struct zsdefer_worker *w;

	if (!zd)
		return;

	mutex_lock(&zsdefer_engines_lock);
	list_del(&zd->list);
	mutex_unlock(&zsdefer_engines_lock);
	debugfs_remove(zd->debugfs);
	zsdefer_flush(zd, "disable");
	if (zd->ctl)
		zsdefer_unbind(zd, zd->ctl);
	WRITE_ONCE(zd->slots, NULL);
	zsdefer_await_walks(zd);
	for (w = zd->workers; w < zd->workers + zd->nr; w++) {
		spin_lock(&w->drain_lock);
		/* More may be counted: slots.c has how an object is lost. */
		WARN_ON_ONCE(w->q->nr_blocks);
		w->q = NULL;
		spin_unlock(&w->drain_lock);
	}
	/* It may have been told of these, or of what was charged and then refused. */
	mod_node_page_state(NODE_DATA(first_memory_node),
			    NR_KERNEL_MISC_RECLAIMABLE, -zd->told);
	queue_work(zsdefer_wq, &zd->end);
}
EXPORT_SYMBOL_GPL(zsdefer_destroy);

static int __init zsdefer_init(void)
{
	unsigned int cpus = num_possible_cpus();

	/*
	 * One worker for every four CPUs, but two if there are two: a drain is
	 * bound by memory and class->lock, and should leave the CPUs to those
	 * who want the memory. /sys/devices/virtual/workqueue/zsdefer/ has the
	 * say.
	 */
	zsdefer_wq = alloc_workqueue("zsdefer",
				     WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_SYSFS,
				     max(DIV_ROUND_UP(cpus, 4), min(cpus, 2)));
	return zsdefer_wq ? register_oom_notifier(&zsdefer_oom_nb) : -ENOMEM;
}

static void __exit zsdefer_exit(void)
{
	unregister_oom_notifier(&zsdefer_oom_nb);
	/* An engine's end may be on its way still, and its sweep be due. */
	flush_workqueue(zsdefer_wq);
	destroy_workqueue(zsdefer_wq);
}

/* Before the devices that use it, when it is built in. */
subsys_initcall(zsdefer_init);
module_exit(zsdefer_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Deferred free for zsmalloc");

#include "tests/core-kunit.h"
