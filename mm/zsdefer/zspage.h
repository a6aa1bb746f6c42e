/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: what mm/zsmalloc.c itself calls.
 */
#ifndef _MM_ZSDEFER_ZSPAGE_H
#define _MM_ZSDEFER_ZSPAGE_H

#include <linux/gfp_types.h>
#include <linux/shrinker.h>
#include <linux/swap.h>
#include <linux/zsdefer.h>

struct size_class;
struct zspage;
struct zs_pool;

#include "compat.h"

#ifdef CONFIG_ZSMALLOC_DEFERRED_FREE
#include "zsdefer.h"

#define ZSDEFER_HANDLE_CACHE_SIZE	ZSDEFER_BLOCK_SIZE
#define ZSDEFER_HANDLE_CACHE_ALIGN	ZSDEFER_BLOCK_SIZE

/* What comes before mm/zsmalloc.c includes zspage.c; the rest comes after it. */
static unsigned long zsdefer_alloc_handle(struct zs_pool *pool, size_t size,
					  gfp_t gfp);
static void zsdefer_free_handle(struct zs_pool *pool, unsigned long handle);
static struct zspage *zsdefer_find_zspage(struct size_class *class);
static bool zsdefer_reclaim(struct zs_pool *pool, struct size_class *class,
			    gfp_t gfp);
#else
#define ZSDEFER_HANDLE_CACHE_SIZE	ZS_HANDLE_SIZE
#define ZSDEFER_HANDLE_CACHE_ALIGN	0

static inline void zsdefer_class_init(struct size_class *class) { }

#define zsdefer_free_handle			zsdefer_free_block
#define zsdefer_find_zspage			find_get_zspage

static inline unsigned long zsdefer_alloc_handle(struct zs_pool *pool,
						 size_t size, gfp_t gfp)
{
	return zsdefer_alloc_block(pool, gfp);
}

static inline bool zsdefer_reclaim(struct zs_pool *pool,
				   struct size_class *class, gfp_t gfp)
{
	return false;
}

static inline void zsdefer_compact(struct zs_pool *pool) { }

static inline unsigned long zsdefer_shrink(struct zs_pool *pool,
					   struct shrink_control *sc)
{
	return 0;
}

static inline void zsdefer_pool_detach(struct zs_pool *pool) { }
#endif

#endif /* _MM_ZSDEFER_ZSPAGE_H */
