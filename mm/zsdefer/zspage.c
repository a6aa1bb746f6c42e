// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: freeing a batch, whole zspages at a time.
 *
 * Included by mm/zsmalloc.c, whose structures and helpers it works with.
 *
 * A batch holds objects of one size class, many of them neighbours, because
 * what was stored together is mostly freed together. Under one hold of
 * class->lock it is gone through thrice. First what will be looked at is
 * fetched. Then every zspage learns how many of its objects are about to die
 * (zspage->dying). At last each zspage is judged once: if no object is left, its
 * pages go back as they are, and the objects are not even touched; else they are
 * linked into its free list one by one, after a single change of its fullness.
 *
 * Of a zspage on a list of its class, zspage->dying is zero whenever
 * class->lock is not held. While it is:
 *
 *	n			counted, not judged yet
 *	ZSDEFER_LINKING | n	survives; n of its objects are to be linked
 *
 * and of one that is off these, on the drain's list, and locked, it is
 * ZSDEFER_DEAD until the drain's end.
 */

#define ZSDEFER_LINKING		BIT(30)
#define ZSDEFER_DEAD		BIT(31)

/**
 * struct zsdefer_batch - objects of a class, under one hold of its lock
 * @handles: the objects
 * @zpdescs: their pages, which can't change: whoever moves objects holds the lock
 * @nr: objects
 * @zspages: in the place of handles whose objects have been freed: what goes back
 *	     to slab
 * @pages: in that of zpdescs: what goes back to the page allocator
 */
struct zsdefer_batch {
	union {
		unsigned long handles[ZSDEFER_BATCH];
		void *zspages[ZSDEFER_BATCH];
	};
	union {
		struct zpdesc *zpdescs[ZSDEFER_BATCH];
		struct page *pages[ZSDEFER_BATCH];
	};
	unsigned int nr;
};

/* The caller holds class->lock, until the batch has been freed. */
static __always_inline void zsdefer_batch_add(struct zsdefer_batch *batch,
					      unsigned long handle)
{
	struct zpdesc *zpdesc;

	obj_to_zpdesc(handle_to_obj(handle), &zpdesc);
	/* So that they are missed together, rather than one after the other. */
	prefetchw(zpdesc);
	batch->handles[batch->nr] = handle;
	batch->zpdescs[batch->nr++] = zpdesc;
}

/*
 * Count the objects of a batch into zspage->dying. With @more to follow, those of
 * the last zspage are left to the next batch, unless it is complete, or the only one.
 *
 * Return: how many objects were counted.
 */
static unsigned int zsdefer_count_dying(struct size_class *class,
					const struct zsdefer_batch *batch, bool more)
{
	unsigned int i, start = 0, nr = batch->nr;
	struct zspage *zspage = NULL;

	for (i = 0; i < nr;) {
		start = i;
		zspage = get_zspage(batch->zpdescs[i]);
		VM_WARN_ON_ONCE(zspage->class != class->index);
		while (++i < nr && zsdefer_zspage_of(batch->zpdescs[i]) == zspage)
			;
		zspage->dying += i - start;
	}
	if (!more || !start || zspage->dying >= get_zspage_inuse(zspage))
		return nr;
	zspage->dying -= nr - start;
	return start;
}

/*
 * All or some of the objects of @zspage are in this batch: give it its new
 * fullness, or take it off its list for good.
 */
static void zsdefer_judge(struct zs_pool *pool, struct size_class *class,
			  struct zspage *zspage)
{
	unsigned int dying = zspage->dying;

	mod_zspage_inuse(zspage, -(int)dying);
	if (zspage_empty(zspage) && trylock_zspage(zspage)) {
		remove_zspage(class, zspage);
		zspage->fullness = ZS_INUSE_RATIO_0;
		zspage->dying = ZSDEFER_DEAD;
		return;
	}

	zspage->dying = ZSDEFER_LINKING | dying;
	/* Somebody holds one of its pages: zsmalloc's own worker retries. */
	if (fix_fullness_group(class, zspage) == ZS_INUSE_RATIO_0)
		kick_deferred_free(pool);
}

/* Link an object into the free list of its zspage, which survives. */
static void zsdefer_link(struct size_class *class, struct zspage *zspage,
			 unsigned long handle)
{
	obj_free(class->size, handle_to_obj(handle));
	/* obj_free() counts, too, but all of the batch is counted already. */
	mod_zspage_inuse(zspage, 1);
	if (--zspage->dying == ZSDEFER_LINKING)
		zspage->dying = 0;
}

/*
 * Give back zspages that are off their list and locked. What was in @batch has been
 * freed: stacks may be deep here.
 */
static void zsdefer_free_zspages(struct zs_pool *pool, struct size_class *class,
				 struct zsdefer_batch *batch,
				 struct list_head *dead,
				 struct zsdefer_freed *freed)
{
	unsigned int i, nr = 0, nr_pages = 0, nr_zone = 0;
	struct zspage *zspage, *next;
	struct zone *zone = NULL;

	list_for_each_entry_safe(zspage, next, dead, list) {
		struct zpdesc *zpdesc = get_first_zpdesc(zspage);

		for (i = 0; i < class->pages_per_zspage; i++) {
			struct zpdesc *behind = zsdefer_next_zpdesc(zpdesc);

			if (unlikely(zpdesc_zone(zpdesc) != zone)) {
				if (zone)
					mod_zone_page_state(zone, NR_ZSPAGES,
							    -(long)nr_zone);
				zone = zpdesc_zone(zpdesc);
				nr_zone = 0;
			}
			nr_zone++;
			reset_zpdesc(zpdesc);
			zpdesc_unlock(zpdesc);
			batch->pages[nr_pages++] = zpdesc_page(zpdesc);
			if (nr_pages == ZSDEFER_BATCH) {
				free_pages_batch(batch->pages, nr_pages);
				nr_pages = 0;
			}
			zpdesc = behind;
		}
		batch->zspages[nr++ % ZSDEFER_BATCH] = zspage;
		if (nr % ZSDEFER_BATCH == 0)
			kmem_cache_free_bulk(zsdefer_zspage_cache(pool),
					     ZSDEFER_BATCH, batch->zspages);
	}
	if (!nr)
		return;

	mod_zone_page_state(zone, NR_ZSPAGES, -(long)nr_zone);
	free_pages_batch(batch->pages, nr_pages);
	kmem_cache_free_bulk(zsdefer_zspage_cache(pool), nr % ZSDEFER_BATCH,
			     batch->zspages);
	atomic_long_sub(nr * class->pages_per_zspage, &pool->pages_allocated);
	freed->zspages_whole += nr;
	freed->pages += nr * class->pages_per_zspage;
}

/*
 * Free a batch of objects: all of them, or with @more to follow all but a tail
 * whose neighbours are yet to come. Returns how many, at least one. Zspages that
 * die go to @dead. The caller holds class->lock.
 */
static unsigned int zsdefer_free_batch(struct zs_pool *pool,
				       struct size_class *class,
				       const struct zsdefer_batch *batch,
				       bool more, struct list_head *dead,
				       struct zsdefer_freed *freed)
{
	unsigned int i, nr_dead = 0, nr = zsdefer_count_dying(class, batch, more);

	for (i = 0; i < nr; i++) {
		struct zspage *zspage = zsdefer_zspage_of(batch->zpdescs[i]);

		if (zspage->dying == ZSDEFER_DEAD)
			continue;
		if (!(zspage->dying & ZSDEFER_LINKING))
			zsdefer_judge(pool, class, zspage);
		if (zspage->dying == ZSDEFER_DEAD) {
			list_add_tail(&zspage->list, dead);
			nr_dead++;
			continue;
		}
		zsdefer_link(class, zspage, batch->handles[i]);
	}
	class_stat_sub(class, ZS_OBJS_INUSE, nr);
	class_stat_sub(class, ZS_OBJS_ALLOCATED,
		       nr_dead * class->objs_per_zspage);
	freed->objects += nr;
	freed->batches++;
	return nr;
}

/*
 * Free a full batch, let others have class->lock, and begin another one. Out of
 * line, for the sake of the loop that it is rarely called from.
 */
static noinline void zsdefer_next_batch(struct zs_pool *pool,
					struct size_class *class,
					struct zsdefer_batch *batch,
					struct list_head *dead,
					struct zsdefer_freed *freed)
{
	unsigned int i = zsdefer_free_batch(pool, class, batch, true, dead, freed);

	spin_unlock(&class->lock);
	batch->nr = 0;
	spin_lock(&class->lock);
	while (i < ZSDEFER_BATCH)
		zsdefer_batch_add(batch, batch->handles[i++]);
}

/*
 * Cut what a drain has taken into batches. Zspages that die stay locked until the
 * end, so that as many pages as possible go back together.
 */
static void zsdefer_free_taken(void *pool, struct zsdefer_queue *q,
			       const struct zsdefer_taken *taken,
			       unsigned int nr_blocks,
			       struct zsdefer_freed *freed)
{
	struct size_class *class = container_of(q, struct size_class, zsdefer);
	const struct zsdefer_taken *end = taken + nr_blocks;
	struct zsdefer_batch batch __uninitialized;
	unsigned long bits;
	LIST_HEAD(dead);

	batch.nr = 0;
	spin_lock(&class->lock);
	for (; taken < end; taken++) {
		for (bits = taken->handles; bits; bits &= bits - 1) {
			if (unlikely(batch.nr == ZSDEFER_BATCH))
				zsdefer_next_batch(pool, class, &batch, &dead,
						   freed);
			zsdefer_batch_add(&batch, (unsigned long)
					  &taken->block->words[__ffs(bits)]);
		}
	}
	zsdefer_free_batch(pool, class, &batch, false, &dead, freed);
	spin_unlock(&class->lock);
	zsdefer_free_zspages(pool, class, &batch, &dead, freed);
}

/* Of any pool, whether its frees are deferred or not. */
static void zsdefer_class_init(struct size_class *class)
{
	zsdefer_queue_init(&class->zsdefer, class->size);
}

/*
 * Take a handle for an object of @size bytes. May sleep if @gfp allows it.
 * Returns 0 if there is no memory for another block.
 */
static unsigned long zsdefer_alloc_handle(struct zs_pool *pool, size_t size,
					  gfp_t gfp)
{
	struct size_class *class = lookup_size_class(pool, size);
	struct zsdefer_block *block;
	unsigned long handle;

	while (!(handle = zsdefer_get_handle(&class->zsdefer))) {
		block = (void *)zsdefer_alloc_block(pool, gfp);
		if (block)
			return zsdefer_add_block(&class->zsdefer, block);
		if (!zsdefer_reclaim(pool, class, gfp))
			return 0;
		gfp &= ~__GFP_DIRECT_RECLAIM;
	}
	return handle;
}

/* Free a handle whose object is gone. */
static void zsdefer_free_handle(struct zs_pool *pool, unsigned long handle)
{
	zsdefer_put_handle(handle);
}

/*
 * A zspage of @class that has a free place. Before the class grows, it takes
 * places back that its waiting objects hold: else a pool that is churned while
 * many wait would be larger than without us, even after they have gone. Called
 * under class->lock, which it may drop meanwhile.
 */
static struct zspage *zsdefer_find_zspage(struct size_class *class)
{
	struct zspage *zspage = find_get_zspage(class);

	if (likely(zspage) || !zsdefer_any_queued(&class->zsdefer))
		return zspage;

	spin_unlock(&class->lock);
	zsdefer_take_own(&class->zsdefer);
	spin_lock(&class->lock);
	return find_get_zspage(class);
}

/**
 * zs_free_deferred() - free an object, perhaps later
 * @pool: the pool it was allocated from
 * @handle: what zs_malloc() returned, no error; the caller gives the object up
 *
 * Queues the object if @pool is attached to a control object, deferral is
 * enabled, and the bounds allow it; else frees it now, like zs_free().
 *
 * Context: Any context in which zs_free() may be called; never blocks, never
 * allocates.
 */
void zs_free_deferred(struct zs_pool *pool, unsigned long handle)
{
	if (unlikely(!pool->zsdefer) || !zsdefer_push(pool->zsdefer, handle))
		zs_free(pool, handle);
}
EXPORT_SYMBOL_GPL(zs_free_deferred);

/* The engine, for those who may come before or while the pool is attached. */
static struct zsdefer *zsdefer_of(struct zs_pool *pool)
{
	/* Pairs with zsdefer_pool_attach(). */
	return smp_load_acquire(&pool->zsdefer);
}

/* Do not move what is about to be freed. */
static void zsdefer_compact(struct zs_pool *pool)
{
	struct zsdefer *zd = zsdefer_of(pool);

	if (zd)
		zsdefer_flush(zd, "compact");
}

/*
 * There is no memory for an object of @class: true if it pays to try again,
 * from the start, as the class may have free objects now. By then @gfp has done
 * what reclaim it could, so the second time goes without, and comes not here.
 */
static bool zsdefer_reclaim(struct zs_pool *pool, struct size_class *class,
			    gfp_t gfp)
{
	struct zsdefer *zd = zsdefer_of(pool);
	bool own;

	if (!zd || !gfpflags_allow_blocking(gfp))
		return false;
	own = zsdefer_take_own(&class->zsdefer);
	return zsdefer_take_back(zd, class->pages_per_zspage, "alloc") || own;
}

/* Give back what is to be scanned, and tell how many pages that was. */
static unsigned long zsdefer_shrink(struct zs_pool *pool,
				    struct shrink_control *sc)
{
	struct zsdefer *zd = zsdefer_of(pool);
	unsigned long pages = 0;

	if (zd)
		pages = zsdefer_take_back(zd, sc->nr_to_scan, "shrink");
	if (pages) {
		sc->nr_scanned = pages;
		mm_account_reclaimed_pages(pages);
	}
	return pages;
}

/**
 * zsdefer_pool_take_back() - free what waits until enough pages have come back
 * @pool: the pool
 * @pages: how many are enough
 *
 * Context: Any context in which zs_free() may be called. Waits for no worker.
 *
 * Return: true if pages may have come back, be it by others. false: the pool
 * has no engine.
 */
bool zsdefer_pool_take_back(struct zs_pool *pool, unsigned long pages)
{
	struct zsdefer *zd = pool->zsdefer;

	if (zd)
		zsdefer_take_back(zd, pages, "limit");
	return zd;
}
EXPORT_SYMBOL_GPL(zsdefer_pool_take_back);

/**
 * zsdefer_pool_waiting_pages() - how many pages what waits would fill
 * @pool: the pool
 *
 * Context: Any.
 *
 * Return: pages, of those that zs_get_total_pages() counts, and that the shrinker
 * could give back.
 */
unsigned long zsdefer_pool_waiting_pages(struct zs_pool *pool)
{
	struct zsdefer *zd = zsdefer_of(pool);

	return zd ? zsdefer_waiting_bytes(zd) / PAGE_SIZE : 0;
}
EXPORT_SYMBOL_GPL(zsdefer_pool_waiting_pages);

static zsdefer_walk_fn zsdefer_walk_line;

/**
 * zsdefer_pool_attach() - have a pool's frees deferred
 * @pool: a new pool, not in use yet
 * @ctl: the knobs that say how
 * @slots: where its objects may die in place, or NULL
 *
 * zs_destroy_pool() detaches it. On failure the pool works all the same,
 * freeing synchronously.
 *
 * Context: Process context, may sleep and allocate.
 *
 * Return: 0 or -ENOMEM.
 */
int zsdefer_pool_attach(struct zs_pool *pool, struct zsdefer_ctl *ctl,
			struct zsdefer_slots *slots)
{
	unsigned int i, nr = 0;
	struct zsdefer *zd;

	/* Merged classes share a struct, which knows the index of the last. */
	for (i = 0; i < ZS_SIZE_CLASSES; i++)
		nr += pool->size_class[i]->index == i;
	zd = zsdefer_create(zsdefer_free_taken, pool, pool->name, nr);
	if (!zd) {
		pr_warn("no memory to defer the frees of %s\n", pool->name);
		return -ENOMEM;
	}

	for (i = 0; i < ZS_SIZE_CLASSES; i++)
		if (pool->size_class[i]->index == i)
			zsdefer_add_queue(zd, &pool->size_class[i]->zsdefer);
	zd->walk = zsdefer_walk_line;
	/* Pairs with zsdefer_walk_some(): the OOM killer may be looking. */
	smp_store_release(&zd->slots, slots);
	/* Pairs with zsdefer_of(): the shrinker is registered already. */
	smp_store_release(&pool->zsdefer, zd);
#ifdef CONFIG_ZSMALLOC_STAT
	zsdefer_debugfs_create(zd, pool->stat_dentry);
#endif
	zsdefer_bind(zd, ctl);
	return 0;
}
EXPORT_SYMBOL_GPL(zsdefer_pool_attach);

/* Free what waits, and the queues. Nobody uses @pool any more. */
static void zsdefer_pool_detach(struct zs_pool *pool)
{
	zsdefer_destroy(pool->zsdefer);
}

#include "slots.c"
#include "tests/zspage-kunit.h"
