// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: zswap as its caller.
 *
 * Included by mm/zswap.c. When a swap slot dies, only the memory of its object may
 * wait: the entry, its place in the tree and on the LRU list, what its cgroup is
 * charged, the counters, and its reference to the pool go at once. So nobody finds
 * what is dead, no limit of a cgroup counts it, and a pool that is out of use goes
 * when its last entry does.
 *
 * What else zswap frees, it frees to have the memory: for a page that comes back
 * (zswap_load()), goes to disk, is stored anew, or could not be stored.
 *
 * Who decides by the size of the pools, or gets no memory for an object, has what
 * waits given back first, and waits for no worker. zsdefer_ctl.lock is not taken in
 * reclaim: pools come and go under it.
 */

#ifdef CONFIG_ZSMALLOC_DEFERRED_FREE
#include <linux/debugfs.h>
#include <linux/sysfs.h>

static struct zsdefer_ctl *zswap_zsdefer_ctl(struct kobject *kobj)
{
	return &zswap_zsdefer;
}

ZSDEFER_GROUP(zswap_deferred_free, kobject, kobj_attribute, zswap_zsdefer_ctl);

/* The knobs are there from boot on, whether zswap is ever used or not. */
static void __init zswap_zsdefer_init(void)
{
	struct kobject *kobj = kobject_create_and_add("zswap", mm_kobj);

	zsdefer_ctl_init(&zswap_zsdefer);
	if (!kobj || sysfs_create_group(kobj, &zswap_deferred_free))
		pr_warn("no knobs for the deferred free\n");
}

/* The slot of @entry is dead. What is left of it is freed now, by the caller. */
static void zswap_defer_object(struct zswap_entry *entry)
{
	zs_free_deferred(entry->pool->zs_pool, entry->handle);
	entry->handle = 0;
}

static unsigned long zswap_waiting_pages(void)
{
	struct zswap_pool *pool;
	unsigned long pages = 0;

	guard(rcu)();
	list_for_each_entry_rcu(pool, &zswap_pools, list)
		pages += zsdefer_pool_waiting_pages(pool->zs_pool);
	return pages;
}

/* Pages of all pools, but for those that only wait to be freed. */
static unsigned long zswap_live_pages(void)
{
	unsigned long waiting = zswap_waiting_pages(), total = zswap_total_pages();

	return total - min(waiting, total);
}

/*
 * The first pool from the @n-th on that can be held, and is, or NULL. From the head
 * each time: who leaves RCU finds no way from one pool to the next, as even one that
 * is held goes off the list while it is made the current one again.
 */
static struct zswap_pool *zswap_pool_from(unsigned int n)
{
	struct zswap_pool *pool;

	guard(rcu)();
	list_for_each_entry_rcu(pool, &zswap_pools, list)
		if (n)
			n--;
		else if (zswap_pool_tryget(pool))
			return pool;
	return NULL;
}

/*
 * There are @pages, and should be no more than @most: have what waits given back, as
 * far as it takes, which may be a while, so that it holds the pool rather than RCU.
 * Returns how many there are then. Called under no spinlock.
 */
static unsigned long zswap_relieve(unsigned long pages, unsigned long most)
{
	struct zswap_pool *pool;
	unsigned int n = 0;

	while (unlikely(pages > most) && (pool = zswap_pool_from(n++))) {
		if (zsdefer_pool_take_back(pool->zs_pool, pages - most))
			pages = zswap_total_pages();
		zswap_pool_put(pool);
	}
	return pages;
}

/*
 * Somebody reclaims memory: before live pages are written out for that, what waits is
 * given back, as many pages. Returns their number, or 0 if live ones are to go as
 * well: there were none, or it may be for a cgroup at its limit, whom nothing dead is
 * charged to. What kswapd does is for all.
 */
static unsigned long zswap_shrink_waiting(struct shrink_control *sc)
{
	unsigned long before, after;

	if (!zswap_waiting_pages())
		return 0;

	before = zswap_total_pages();
	after = zswap_relieve(before, before - min(before, sc->nr_to_scan));
	if (after >= before)
		return 0;
	mm_account_reclaimed_pages(before - after);
	return !sc->memcg || mem_cgroup_is_root(sc->memcg) || current_is_kswapd() ?
		before - after : 0;
}

/*
 * Where there is no page, zs_malloc() itself takes back what waits only for who may
 * sleep for memory, and here nobody may.
 */
static unsigned long zswap_malloc(struct zs_pool *zs_pool, size_t size, gfp_t gfp,
				  int nid)
{
	unsigned long handle = zs_malloc(zs_pool, size, gfp, nid);

	if (unlikely(handle == (unsigned long)ERR_PTR(-ENOMEM)) &&
	    zsdefer_pool_take_back(zs_pool, CONFIG_ZSMALLOC_CHAIN_SIZE))
		handle = zs_malloc(zs_pool, size, gfp, nid);
	return handle;
}

#ifdef CONFIG_DEBUG_FS
static int zswap_waiting_size_get(void *data, u64 *val)
{
	*val = (u64)zswap_waiting_pages() * PAGE_SIZE;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(zswap_waiting_size_fops, zswap_waiting_size_get, NULL,
			 "%llu\n");

static void zswap_zsdefer_debugfs_init(struct dentry *dir)
{
	debugfs_create_file("pool_waiting_size", 0444, dir, NULL,
			    &zswap_waiting_size_fops);
}
#endif

#else /* CONFIG_ZSMALLOC_DEFERRED_FREE */

static inline void zswap_zsdefer_init(void) { }
static inline void zswap_zsdefer_debugfs_init(struct dentry *dir) { }
static inline void zswap_defer_object(struct zswap_entry *entry) { }

static inline unsigned long zswap_shrink_waiting(struct shrink_control *sc)
{
	return 0;
}

#define zswap_live_pages		zswap_total_pages
#define zswap_malloc			zs_malloc
/* What is the most is not even asked. */
#define zswap_relieve(pages, most)	(true ? (pages) : (most))

#endif
