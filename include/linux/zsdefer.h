/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: what the callers of zsmalloc see.
 *
 * A caller that owns a pool, and wants its frees deferred,
 *
 * - has a control object for as long as the device lives (zsdefer_ctl_init()),
 *   and shows it in the device's sysfs directory (ZSDEFER_DEVICE_GROUP());
 * - attaches every pool that it creates to it (zsdefer_pool_attach());
 * - frees with zs_free_deferred() in place of zs_free().
 *
 * zs_destroy_pool() detaches. Without CONFIG_ZSMALLOC_DEFERRED_FREE all of
 * this compiles to the plain zs_free().
 */
#ifndef _LINUX_ZSDEFER_H
#define _LINUX_ZSDEFER_H

#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/prefetch.h>
#include <linux/sysfs.h>
#include <linux/types.h>
#include <linux/zsmalloc.h>

struct zsdefer;

#ifdef CONFIG_ZSMALLOC_DEFERRED_FREE

/**
 * struct zsdefer_params - the values of a device's knobs
 * @enabled: 1: queue objects; 0: free all of them synchronously
 * @budget: bytes that may wait in all queues of the device
 * @class_budget: objects that may wait in one queue
 * @drain_threshold: objects in a queue that start its work item
 * @drain_delay_ms: milliseconds that an object may wait below the threshold
 */
struct zsdefer_params {
	unsigned long enabled;
	unsigned long budget;
	unsigned long class_budget;
	unsigned long drain_threshold;
	unsigned long drain_delay_ms;
};

/**
 * struct zsdefer_ctl - the knobs of a device
 * @lock: guards @params and @zd, and orders their changes
 * @params: the values; zsdefer_params_valid() is true of them as a set
 * @zd: the engine of the device's pool, NULL while it has none
 */
struct zsdefer_ctl {
	struct mutex lock;	/* params and zd */
	struct zsdefer_params params;
	struct zsdefer *zd;
};

void zsdefer_ctl_init(struct zsdefer_ctl *ctl);
ssize_t zsdefer_ctl_show(struct zsdefer_ctl *ctl, const char *name, char *buf);
ssize_t zsdefer_ctl_store(struct zsdefer_ctl *ctl, const char *name,
			  const char *buf, size_t len);

int zsdefer_pool_attach(struct zs_pool *pool, struct zsdefer_ctl *ctl);
bool zsdefer_pool_take_back(struct zs_pool *pool, unsigned long pages);

void zs_free_deferred(struct zs_pool *pool, unsigned long handle);
void zs_free_deferred_bulk(struct zs_pool *pool, unsigned long *handles,
			   unsigned int nr);

/* Handles are in blocks of as many words as the blocks' bitmaps have bits. */
#define ZSDEFER_BLOCK_SIZE	(BITS_PER_LONG * sizeof(unsigned long))

/* An object will be freed soon: fetch the header of the block of its handle. */
static inline void zs_prefetch_deferred(unsigned long handle)
{
	prefetchw((void *)(handle & ~(ZSDEFER_BLOCK_SIZE - 1)));
}

/*
 * ZSDEFER_DEVICE_GROUP(GROUP, CTL_OF): the directory deferred_free/ of devices
 * of a driver, as GROUP for their attribute groups; CTL_OF is the function, or
 * the macro, that finds the control object of a struct device.
 */
#define ZSDEFER_DEVICE_GROUP(_group, _ctl_of)				\
static ssize_t _group##_show(struct device *dev,			\
			     struct device_attribute *attr, char *buf)	\
{									\
	return zsdefer_ctl_show(_ctl_of(dev), attr->attr.name, buf);	\
}									\
									\
static ssize_t _group##_store(struct device *dev,			\
			      struct device_attribute *attr,		\
			      const char *buf, size_t len)		\
{									\
	return zsdefer_ctl_store(_ctl_of(dev), attr->attr.name, buf, len); \
}									\
									\
static struct device_attribute _group##_attrs[] = {			\
	__ATTR(enabled, 0644, _group##_show, _group##_store),		\
	__ATTR(budget, 0644, _group##_show, _group##_store),		\
	__ATTR(class_budget, 0644, _group##_show, _group##_store),	\
	__ATTR(drain_threshold, 0644, _group##_show, _group##_store),	\
	__ATTR(drain_delay_ms, 0644, _group##_show, _group##_store),	\
	__ATTR(flush, 0200, NULL, _group##_store),			\
	__ATTR(stats, 0444, _group##_show, NULL),			\
};									\
									\
static struct attribute *_group##_list[] = {				\
	&_group##_attrs[0].attr, &_group##_attrs[1].attr,		\
	&_group##_attrs[2].attr, &_group##_attrs[3].attr,		\
	&_group##_attrs[4].attr, &_group##_attrs[5].attr,		\
	&_group##_attrs[6].attr, NULL,					\
};									\
									\
static const struct attribute_group _group = {				\
	.name = "deferred_free",					\
	.attrs = _group##_list,						\
}

#else /* CONFIG_ZSMALLOC_DEFERRED_FREE */

struct zsdefer_ctl { };

static inline void zsdefer_ctl_init(struct zsdefer_ctl *ctl) { }

static inline int zsdefer_pool_attach(struct zs_pool *pool,
				      struct zsdefer_ctl *ctl)
{
	return 0;
}

static inline bool zsdefer_pool_take_back(struct zs_pool *pool,
					  unsigned long pages)
{
	return false;
}

static inline void zs_prefetch_deferred(unsigned long handle) { }

static inline void zs_free_deferred(struct zs_pool *pool, unsigned long handle)
{
	zs_free(pool, handle);
}

static inline void zs_free_deferred_bulk(struct zs_pool *pool,
					 unsigned long *handles,
					 unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		zs_free(pool, handles[i]);
}

#define ZSDEFER_DEVICE_GROUP(...)	static_assert(true)

#endif /* CONFIG_ZSMALLOC_DEFERRED_FREE */
#endif /* _LINUX_ZSDEFER_H */
