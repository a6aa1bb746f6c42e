/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: what differs between the kernels it is for.
 *
 * Nothing else knows of that, but tests/compat.h for the tests. What a kernel has is
 * asked for, not its version, as vendors carry newer code back.
 */
#ifndef _MM_ZSDEFER_COMPAT_H
#define _MM_ZSDEFER_COMPAT_H

#include <linux/pagemap.h>

/* Comes with an optional patch; this does the same at a higher price. */
#ifndef free_pages_batch
#define free_pages_batch(pages, nr)	release_pages(pages, nr)
#endif

/* Before there was struct zpdesc, the pages of zspages were plain pages. */
#ifdef __MM_ZPDESC_H__
#define zsdefer_zspage_of(zpdesc)	((zpdesc)->zspage)
#define zsdefer_next_zpdesc(zpdesc)	((zpdesc)->next)
#else
#define zpdesc				page
#define zpdesc_page(p)			(p)
#define zpdesc_zone			page_zone
#define zpdesc_lock			lock_page
#define zpdesc_unlock			unlock_page
#define obj_to_zpdesc			obj_to_page
#define get_first_zpdesc		get_first_page
#define reset_zpdesc			reset_page
#define zsdefer_zspage_of(p)		((struct zspage *)page_private(p))
#define zsdefer_next_zpdesc(p)		((struct page *)(p)->index)
#endif

/* Pools had caches of their own, which nothing tells but 0001. */
#ifdef ZSDEFER_POOL_CACHES
static unsigned long cache_alloc_handle(struct zs_pool *pool, gfp_t gfp);
static void __maybe_unused cache_free_handle(struct zs_pool *pool,
					     unsigned long handle);
#define zsdefer_alloc_block		cache_alloc_handle
#define zsdefer_free_block		cache_free_handle
#define zsdefer_zspage_cache(pool)	((pool)->zspage_cachep)
#else
static unsigned long cache_alloc_handle(gfp_t gfp);
static void cache_free_handle(unsigned long handle);
#define zsdefer_zspage_cache(pool)	((void)(pool), zspage_cachep)

static inline unsigned long zsdefer_alloc_block(struct zs_pool *pool, gfp_t gfp)
{
	return cache_alloc_handle(gfp);
}

static inline void zsdefer_free_block(struct zs_pool *pool, unsigned long block)
{
	cache_free_handle(block);
}
#endif

#endif /* _MM_ZSDEFER_COMPAT_H */
