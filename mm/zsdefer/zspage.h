/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: what mm/zsmalloc.c itself calls.
 */
#ifndef _MM_ZSDEFER_ZSPAGE_H
#define _MM_ZSDEFER_ZSPAGE_H

#include <linux/gfp_types.h>
#include <linux/zsdefer.h>

struct size_class;
struct zs_pool;

static unsigned long cache_alloc_handle(gfp_t gfp);
static void cache_free_handle(unsigned long handle);

#ifdef CONFIG_ZSMALLOC_DEFERRED_FREE
#include "handle.h"
#include "zsdefer.h"

/*
 * Where the queue of an object's class is found in zs_pool.zsdefer_queues:
 * rounds like get_size_class_index(), but needs no look at either end.
 */
#define ZSDEFER_SIZE_BIAS						\
	(round_up(ZS_MIN_ALLOC_SIZE, ZS_SIZE_CLASS_DELTA) - ZS_MIN_ALLOC_SIZE)
#define ZSDEFER_SIZE_INDEX(size)					\
	DIV_ROUND_UP((size) + ZS_HANDLE_SIZE + ZSDEFER_SIZE_BIAS,	\
		     ZS_SIZE_CLASS_DELTA)
#define ZSDEFER_NR_SIZES	(ZSDEFER_SIZE_INDEX(ZS_MAX_ALLOC_SIZE) + 1)

#define ZSDEFER_HANDLE_CACHE_SIZE	ZSDEFER_HANDLE_BLOCK_SIZE
#define ZSDEFER_HANDLE_CACHE_ALIGN	ZSDEFER_HANDLE_BLOCK_SIZE

static void zsdefer_handles_init(struct size_class *class);
static unsigned long zsdefer_alloc_handle(struct zs_pool *pool, size_t size,
					  gfp_t gfp);
static void zsdefer_free_handle(struct size_class *class, unsigned long handle);
static void zsdefer_zspage_allocated(struct size_class *class, gfp_t gfp);
static void zsdefer_zspage_freed(struct size_class *class);
static bool zsdefer_flush_for(struct zs_pool *pool, const char *cause);
static void zsdefer_compacted(struct zs_pool *pool);
static bool zsdefer_reclaim(struct zs_pool *pool, gfp_t gfp);
static unsigned long zsdefer_shrinkable(struct zs_pool *pool);
static unsigned long zsdefer_shrink(struct zs_pool *pool);
static void zsdefer_pool_detach(struct zs_pool *pool);
#else
#define ZSDEFER_HANDLE_CACHE_SIZE	ZS_HANDLE_SIZE
#define ZSDEFER_HANDLE_CACHE_ALIGN	0

static inline void zsdefer_handles_init(struct size_class *class)
{
}

static inline unsigned long zsdefer_alloc_handle(struct zs_pool *pool,
						 size_t size, gfp_t gfp)
{
	return cache_alloc_handle(gfp);
}

static inline void zsdefer_free_handle(struct size_class *class,
				       unsigned long handle)
{
	cache_free_handle(handle);
}

static inline void zsdefer_zspage_allocated(struct size_class *class,
					    gfp_t gfp)
{
}

static inline void zsdefer_zspage_freed(struct size_class *class)
{
}

static inline bool zsdefer_flush_for(struct zs_pool *pool, const char *cause)
{
	return false;
}

static inline void zsdefer_compacted(struct zs_pool *pool)
{
}

static inline bool zsdefer_reclaim(struct zs_pool *pool, gfp_t gfp)
{
	return false;
}

static inline unsigned long zsdefer_shrinkable(struct zs_pool *pool)
{
	return 0;
}

static inline unsigned long zsdefer_shrink(struct zs_pool *pool)
{
	return 0;
}

static inline void zsdefer_pool_detach(struct zs_pool *pool)
{
}
#endif

#endif /* _MM_ZSDEFER_ZSPAGE_H */
