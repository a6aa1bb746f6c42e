/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: what the callers of zsmalloc see.
 *
 * A caller that owns a pool, and wants its frees deferred,
 *
 * - makes one control object for as long as the device lives
 *   (zsdefer_ctl_create()), and shows it in the device's sysfs directory
 *   (zsdefer_ctl_add());
 * - attaches every pool that it creates to it (zsdefer_pool_attach());
 * - frees with zs_free_deferred() in place of zs_free().
 *
 * zs_destroy_pool() detaches. Without CONFIG_ZSMALLOC_DEFERRED_FREE all of
 * this compiles to the plain zs_free().
 */
#ifndef _LINUX_ZSDEFER_H
#define _LINUX_ZSDEFER_H

#include <linux/err.h>
#include <linux/types.h>
#include <linux/zsmalloc.h>

struct kobject;
struct zsdefer_ctl;

/**
 * struct zs_object - an object to free
 * @handle: what zs_malloc() returned for it
 * @size: the size that zs_malloc() was asked for
 */
struct zs_object {
	unsigned long handle;
	unsigned int size;
};

#ifdef CONFIG_ZSMALLOC_DEFERRED_FREE

struct zsdefer_ctl *zsdefer_ctl_create(void);
void zsdefer_ctl_add(struct zsdefer_ctl *ctl, struct kobject *parent);
void zsdefer_ctl_destroy(struct zsdefer_ctl *ctl);

int zsdefer_pool_attach(struct zs_pool *pool, struct zsdefer_ctl *ctl);
bool zsdefer_pool_flush(struct zs_pool *pool);

void zs_free_deferred(struct zs_pool *pool, unsigned long handle, size_t size);
void zs_free_deferred_bulk(struct zs_pool *pool, const struct zs_object *objects,
			   unsigned int nr);

#else /* CONFIG_ZSMALLOC_DEFERRED_FREE */

static inline struct zsdefer_ctl *zsdefer_ctl_create(void)
{
	return NULL;
}

static inline void zsdefer_ctl_add(struct zsdefer_ctl *ctl,
				   struct kobject *parent)
{
}

static inline void zsdefer_ctl_destroy(struct zsdefer_ctl *ctl) { }

static inline int zsdefer_pool_attach(struct zs_pool *pool,
				      struct zsdefer_ctl *ctl)
{
	return 0;
}

static inline bool zsdefer_pool_flush(struct zs_pool *pool)
{
	return false;
}

static inline void zs_free_deferred(struct zs_pool *pool, unsigned long handle,
				    size_t size)
{
	zs_free(pool, handle);
}

static inline void zs_free_deferred_bulk(struct zs_pool *pool,
					 const struct zs_object *objects,
					 unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		zs_free(pool, objects[i].handle);
}

#endif /* CONFIG_ZSMALLOC_DEFERRED_FREE */
#endif /* _LINUX_ZSDEFER_H */
