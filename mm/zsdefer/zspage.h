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

#ifdef CONFIG_ZSMALLOC_DEFERRED_FREE
#include "zsdefer.h"

static void zsdefer_zspage_allocated(struct size_class *class, gfp_t gfp);
static void zsdefer_pool_detach(struct zs_pool *pool);
#else
static inline void zsdefer_zspage_allocated(struct size_class *class,
					    gfp_t gfp)
{
}

static inline void zsdefer_pool_detach(struct zs_pool *pool)
{
}
#endif

#endif /* _MM_ZSDEFER_ZSPAGE_H */
