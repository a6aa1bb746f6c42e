// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: freeing a batch, whole zspages at a time.
 *
 * Included by mm/zsmalloc.c, whose structures and helpers it works with.
 *
 * A batch holds objects of one size class, many of them neighbours, because
 * what was stored together is mostly freed together. Objects of one zspage
 * that follow each other are a run. Under one hold of class->lock the runs of
 * a batch are gone through twice. First every zspage learns how many of its
 * objects are about to die (zspage->dying). Then each zspage is judged once:
 * if no object is left, its pages go back as they are, and the objects are
 * not even touched; else they are linked into its free list one by one, after
 * a single change of its fullness.
 *
 * Of a zspage on a list, zspage->dying is zero whenever class->lock is not
 * held. While it is:
 *
 *	n			counted, not judged yet
 *	ZSDEFER_LINKING | n	survives; n of its objects are to be linked
 *	ZSDEFER_DEAD		off its list, locked, ours to free
 */

#include "compat.h"
#include "handle.c"

#define ZSDEFER_LINKING		BIT_U32(30)
#define ZSDEFER_DEAD		BIT_U32(31)

/**
 * struct zsdefer_runs - a batch, cut where the zspage changes
 * @zspages: the zspage of each run; one may have several
 * @len: the number of objects in each run
 * @nr: runs
 */
struct zsdefer_runs {
	struct zspage *zspages[ZSDEFER_BATCH];
	u8 len[ZSDEFER_BATCH];
	unsigned int nr;
};

/*
 * Cut a batch into runs, and count their objects into zspage->dying. With
 * @more to follow, a last zspage that is not known to be complete is left to
 * the next batch.
 *
 * Return: how many objects were counted.
 */
static unsigned int zsdefer_count_dying(struct size_class *class,
					const unsigned long *handles,
					unsigned int nr, bool more,
					struct zsdefer_runs *runs)
{
	struct zspage *zspage = NULL;
	unsigned int i, start = 0;

	runs->nr = 0;
	for (i = 0; i < nr; i++) {
		struct zpdesc *zpdesc;

		/* The PFN can't change: whoever moves objects holds class->lock. */
		obj_to_zpdesc(handle_to_obj(handles[i]), &zpdesc);
		if (zpdesc->zspage == zspage)
			continue;
		if (zspage) {
			zspage->dying += i - start;
			runs->len[runs->nr++] = i - start;
			start = i;
		}
		zspage = get_zspage(zpdesc);
		VM_WARN_ON_ONCE(zspage->class != class->index);
		runs->zspages[runs->nr] = zspage;
	}
	if (more && start && zspage->dying + nr - start < get_zspage_inuse(zspage))
		return start;
	zspage->dying += nr - start;
	runs->len[runs->nr++] = nr - start;
	return nr;
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

/* Link a run into the free list of its zspage, which survives. */
static void zsdefer_link(struct size_class *class, struct zspage *zspage,
			 const unsigned long *handles, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		obj_free(class->size, handle_to_obj(handles[i]));
	/* obj_free() counts, too, but all of the batch is counted already. */
	mod_zspage_inuse(zspage, nr);
	zspage->dying -= nr;
	if (zspage->dying == ZSDEFER_LINKING)
		zspage->dying = 0;
}

/* Give back the pages of zspages that are off their list and locked. */
static void zsdefer_free_zspages(struct size_class *class,
				 struct zspage **zspages, unsigned int nr)
{
	struct page *pages[ZSDEFER_BATCH] __uninitialized;
	struct zone *zone = NULL;
	unsigned int i, j, nr_pages = 0, nr_zone = 0;

	for (i = 0; i < nr; i++) {
		struct zpdesc *zpdesc = get_first_zpdesc(zspages[i]);

		for (j = 0; j < class->pages_per_zspage; j++) {
			struct zpdesc *next = zpdesc->next;

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
			pages[nr_pages++] = zpdesc_page(zpdesc);
			if (nr_pages == ARRAY_SIZE(pages)) {
				free_pages_batch(pages, nr_pages);
				nr_pages = 0;
			}
			zpdesc = next;
		}
	}
	mod_zone_page_state(zone, NR_ZSPAGES, -(long)nr_zone);
	free_pages_batch(pages, nr_pages);
	kmem_cache_free_bulk(zspage_cachep, nr, (void **)zspages);
}

static unsigned int zsdefer_free_batch(void *_pool, void *_class,
				       unsigned long *handles, unsigned int nr,
				       bool more, struct zsdefer_freed *freed)
{
	struct size_class *class = _class;
	struct zs_pool *pool = _pool;
	unsigned int i, at, nr_dead = 0;
	struct zsdefer_runs runs __uninitialized;
	u64 locked;

	spin_lock(&class->lock);
	locked = trace_zsdefer_drain_enabled() ? ktime_get_ns() : 0;
	nr = zsdefer_count_dying(class, handles, nr, more, &runs);
	for (i = 0, at = 0; i < runs.nr; at += runs.len[i++]) {
		struct zspage *zspage = runs.zspages[i];

		if (zspage->dying == ZSDEFER_DEAD)
			continue;
		if (!(zspage->dying & ZSDEFER_LINKING))
			zsdefer_judge(pool, class, zspage);
		if (zspage->dying == ZSDEFER_DEAD) {
			/* Entries up to i have been read already. */
			runs.zspages[nr_dead++] = zspage;
			continue;
		}
		zsdefer_link(class, zspage, handles + at, runs.len[i]);
	}
	class_stat_sub(class, ZS_OBJS_INUSE, nr);
	class_stat_sub(class, ZS_OBJS_ALLOCATED,
		       nr_dead * class->objs_per_zspage);
	freed->lock_ns = locked ? ktime_get_ns() - locked : 0;
	spin_unlock(&class->lock);

	if (nr_dead) {
		atomic_long_sub(nr_dead * class->pages_per_zspage,
				&pool->pages_allocated);
		zsdefer_free_zspages(class, runs.zspages, nr_dead);
	}
	zsdefer_free_handles(&class->handles, handles, nr);
	freed->zspages_whole = nr_dead;
	freed->pages = nr_dead * class->pages_per_zspage;
	return nr;
}

static unsigned long zsdefer_nr_objects(void *_class)
{
	struct size_class *class = _class;

	/* An estimate is enough, so class->lock is not taken. */
	return data_race(class_stat_read(class, ZS_OBJS_ALLOCATED));
}

static const struct zsdefer_ops zsdefer_zsmalloc_ops = {
	.free_batch = zsdefer_free_batch,
	.nr_objects = zsdefer_nr_objects,
};

/* A zspage is being added to @class, so more of its objects may come to wait. */
static void zsdefer_zspage_allocated(struct size_class *class, gfp_t gfp)
{
	if (class->zsdefer)
		zsdefer_stock(class->zsdefer,
			      zsdefer_nr_objects(class) + class->objs_per_zspage,
			      gfp & ~(__GFP_HIGHMEM | __GFP_MOVABLE));
}

/* A zspage has gone without a drain, so fewer objects can come to wait. */
static void zsdefer_zspage_freed(struct size_class *class)
{
	if (class->zsdefer)
		zsdefer_stock(class->zsdefer, zsdefer_nr_objects(class), 0);
}

/* The queue of an object's class, by the size that it was allocated with. */
static struct zsdefer_queue *zsdefer_queue_of(struct zs_pool *pool, size_t size)
{
	return pool->zsdefer_queues[ZSDEFER_SIZE_INDEX(size)];
}

/* Apart from zs_free_deferred(), which so saves no registers for this. */
static noinline void zsdefer_free_disabled(struct zs_pool *pool,
					   unsigned long handle, size_t size)
{
	zsdefer_count_disabled(&pool->zsdefer->shared, size);
	zs_free(pool, handle);
}

static noinline void zsdefer_push_or_free(struct zs_pool *pool,
					  unsigned long handle, size_t size)
{
	struct zsdefer_queue *q = zsdefer_queue_of(pool, size);
	bool queued;

	spin_lock(&q->lock);
	queued = zsdefer_push(q, handle);
	spin_unlock(&q->lock);
	if (unlikely(!queued))
		zs_free(pool, handle);
}

/**
 * zs_free_deferred() - free an object, perhaps later
 * @pool: the pool it was allocated from
 * @handle: the object, no error, which the caller gives up
 * @size: the size that was passed to zs_malloc() for it
 *
 * Queues the object if @pool is attached to a control object, deferral is
 * enabled, and the bounds allow it; else frees it now, like zs_free().
 *
 * Context: Any context in which zs_free() may be called; never blocks, never
 * allocates.
 */
void zs_free_deferred(struct zs_pool *pool, unsigned long handle, size_t size)
{
	struct zsdefer *zd = pool->zsdefer;

	if (unlikely(!zd))
		zs_free(pool, handle);
	else if (unlikely(!zsdefer_enabled(zd)))
		zsdefer_free_disabled(pool, handle, size);
	else
		zsdefer_push_or_free(pool, handle, size);
}
EXPORT_SYMBOL_GPL(zs_free_deferred);

/**
 * zs_free_deferred_bulk() - free several objects, perhaps later
 * @pool: the pool they were allocated from
 * @objects: what zs_malloc() returned for each of them, no errors among it,
 *	     and the size that was asked for; the caller gives the objects up
 * @nr: their number
 *
 * Like zs_free_deferred() for each of them. Those of one size class in a row
 * are queued under one hold of its lock, so @nr bounds how long that is held.
 *
 * Context: Any context in which zs_free() may be called; never blocks, never
 * allocates.
 */
void zs_free_deferred_bulk(struct zs_pool *pool, const struct zs_object *objects,
			   unsigned int nr)
{
	const struct zs_object *object = objects, *end = objects + nr;
	struct zsdefer *zd = pool->zsdefer;
	struct zsdefer_queue *q, *of;

	if (!nr)
		return;
	if (unlikely(!zd || !zsdefer_enabled(zd))) {
		for (; object < end; object++)
			zs_free_deferred(pool, object->handle, object->size);
		return;
	}

	q = zsdefer_queue_of(pool, object->size);
	spin_lock(&q->lock);
	while (1) {
		if (unlikely(!zsdefer_push(q, object->handle))) {
			spin_unlock(&q->lock);
			zs_free(pool, object->handle);
			if (++object == end)
				return;
			q = zsdefer_queue_of(pool, object->size);
			spin_lock(&q->lock);
			continue;
		}
		if (++object == end)
			break;
		of = zsdefer_queue_of(pool, object->size);
		if (of != q) {
			spin_unlock(&q->lock);
			q = of;
			spin_lock(&q->lock);
		}
	}
	spin_unlock(&q->lock);
}
EXPORT_SYMBOL_GPL(zs_free_deferred_bulk);

/* The engine, for those who may come before or while the pool is attached. */
static struct zsdefer *zsdefer_of(struct zs_pool *pool)
{
	/* Pairs with zsdefer_pool_attach(). */
	return smp_load_acquire(&pool->zsdefer);
}

static bool zsdefer_flush_for(struct zs_pool *pool, const char *cause)
{
	struct zsdefer *zd = zsdefer_of(pool);

	return zd && zsdefer_flush(zd, cause);
}

/*
 * There is no memory for an object: true if it pays to try again, from the
 * start, as the class may have free objects now. By then @gfp has done what
 * reclaim it could, so the second time goes without, and comes not here.
 */
static bool zsdefer_reclaim(struct zs_pool *pool, gfp_t gfp)
{
	return gfpflags_allow_blocking(gfp) && zsdefer_flush_for(pool, "alloc");
}

/* What zsdefer_shrink() could give back, in pages. */
static unsigned long zsdefer_shrinkable(struct zs_pool *pool)
{
	struct zsdefer *zd = zsdefer_of(pool);

	return zd ? zsdefer_waiting_pages(zd) : 0;
}

/* Give back what waits, and tell how many pages that was. */
static unsigned long zsdefer_shrink(struct zs_pool *pool)
{
	struct zsdefer *zd = zsdefer_of(pool);

	return zd ? zsdefer_try_flush(zd, "shrink") : 0;
}

/**
 * zsdefer_pool_flush() - free all objects of a pool that wait to be freed
 * @pool: the pool
 *
 * Context: Process context, may sleep, also during reclaim.
 *
 * Return: true if anything may have been freed since the caller looked last,
 * be it by others. false: nothing waited, and nothing is deferred.
 */
bool zsdefer_pool_flush(struct zs_pool *pool)
{
	return zsdefer_flush_for(pool, "caller");
}
EXPORT_SYMBOL_GPL(zsdefer_pool_flush);

/**
 * zsdefer_pool_attach() - have a pool's frees deferred
 * @pool: a new pool, not in use yet
 * @ctl: the knobs that say how, to which no other pool is attached, or NULL
 *
 * zs_destroy_pool() detaches it. On failure the pool works all the same,
 * freeing synchronously.
 *
 * Context: Process context, may sleep and allocate.
 *
 * Return: 0, -ENOMEM, or -EINVAL if there is no @ctl.
 */
int zsdefer_pool_attach(struct zs_pool *pool, struct zsdefer_ctl *ctl)
{
	unsigned int i, nr_classes = 0;
	struct zsdefer *zd;

	if (!ctl)
		return -EINVAL;

	/* Merged classes share a struct, which knows the index of the last. */
	for (i = 0; i < ZS_SIZE_CLASSES; i++)
		nr_classes += pool->size_class[i]->index == i;

	zd = zsdefer_create(&zsdefer_zsmalloc_ops, pool, pool->name, nr_classes);
	if (!zd) {
		pr_warn("no memory to defer the frees of %s\n", pool->name);
		return -ENOMEM;
	}

	for (i = 0; i < ZS_SIZE_CLASSES; i++) {
		struct size_class *class = pool->size_class[i];

		if (class->index == i)
			class->zsdefer = zsdefer_add_queue(zd, class,
							   class->size);
	}
	for (i = 1; i <= ZS_MAX_ALLOC_SIZE; i++)
		pool->zsdefer_queues[ZSDEFER_SIZE_INDEX(i)] =
			lookup_size_class(pool, i)->zsdefer;
	/* Pairs with zsdefer_of(): the shrinker is registered already. */
	smp_store_release(&pool->zsdefer, zd);
#ifdef CONFIG_ZSMALLOC_STAT
	zsdefer_debugfs_create(zd, pool->stat_dentry);
#endif
	zsdefer_bind(zd, ctl);
	return 0;
}
EXPORT_SYMBOL_GPL(zsdefer_pool_attach);

/* Zspages may have gone in any class. */
static void zsdefer_compacted(struct zs_pool *pool)
{
	struct zsdefer *zd = zsdefer_of(pool);

	if (zd)
		zsdefer_restock(zd, 0);
}

/* Free what waits, and the queues. Nobody uses @pool any more. */
static void zsdefer_pool_detach(struct zs_pool *pool)
{
	zsdefer_destroy(pool->zsdefer);
}

#include "tests/zspage-kunit.h"
