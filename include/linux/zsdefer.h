/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: what the callers of zsmalloc see.
 *
 * A caller that owns pools, and wants their frees deferred,
 *
 * - has a control object for as long as there may be any (zsdefer_ctl_init()), and
 *   shows it in a sysfs directory (ZSDEFER_GROUP());
 * - attaches every pool that it creates to it (zsdefer_pool_attach());
 * - frees with zs_free_deferred() in place of zs_free();
 * - has what waits given back before it refuses to store anything
 *   (zsdefer_pool_take_back());
 * - may give the pool a table of its slots, in which objects die in place
 *   (zsdefer_slots_alloc(), before zsdefer_pool_attach()).
 *
 * zs_destroy_pool() detaches. Without CONFIG_ZSMALLOC_DEFERRED_FREE all of
 * this compiles to the plain zs_free().
 */
#ifndef _LINUX_ZSDEFER_H
#define _LINUX_ZSDEFER_H

#include <linux/device.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/prefetch.h>
#include <linux/sizes.h>
#include <linux/sysfs.h>
#include <linux/types.h>
#include <linux/zsmalloc.h>

struct zsdefer;
struct zsdefer_slots;

#ifdef CONFIG_ZSMALLOC_DEFERRED_FREE

/**
 * struct zsdefer_params - the values of a device's knobs
 * @enabled: 1: queue objects; 0: free all of them synchronously
 * @budget: bytes that may wait in all queues of all pools
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
 * @lock: guards @params and @engines, and orders their changes
 * @params: the values; zsdefer_params_valid() is true of them as a set
 * @engines: of the device's pools, each with an equal share of the budget
 */
struct zsdefer_ctl {
	struct mutex lock;	/* params and engines */
	struct zsdefer_params params;
	struct list_head engines;
};

void zsdefer_ctl_init(struct zsdefer_ctl *ctl);
ssize_t zsdefer_ctl_show(struct zsdefer_ctl *ctl, const char *name, char *buf);
ssize_t zsdefer_ctl_store(struct zsdefer_ctl *ctl, const char *name,
			  const char *buf, size_t len);

bool zsdefer_pool_take_back(struct zs_pool *pool, unsigned long pages);
unsigned long zsdefer_pool_waiting_pages(struct zs_pool *pool);

void zs_free_deferred(struct zs_pool *pool, unsigned long handle);

/**
 * struct zsdefer_slots_ops - how objects are taken out of the slots of a table
 * @lock: try to lock slots: gets the first, and a bit for each from there on that
 *	  is to be locked; returns those that are
 * @take: gets these, and of which of them to take the object out; does so, unlocks
 *	  all of them, and returns the number of handles
 *
 * Both are called under a spinlock.
 */
struct zsdefer_slots_ops {
	unsigned long (*lock)(struct zsdefer_slots *slots, unsigned long first,
			      unsigned long bits);
	unsigned int (*take)(struct zsdefer_slots *slots, unsigned long first,
			     unsigned long locked, unsigned long dead,
			     unsigned long *handles);
};

/**
 * struct zsdefer_slots - the slots of a caller's table, whose objects may die there
 * @pool: the pool that the objects are in
 * @zd: the engine, while objects may die in place, or NULL
 * @paused: how many are about to exchange objects for others, so that none may.
 *	    Changes under zsdefer_ctl.lock, as @zd does
 * @ops: what the caller does with a slot
 * @nr: slots
 * @sizes: of each slot, the size of its object above @size_base, or more than that
 *	   of a page if there is none. Changes under the slot's lock
 * @size_base: what a size is above this, over what sizes of classes differ by, is the
 *	       index of its class. Smaller ones count as none, and do not die in place
 * @dead: a bit for each slot: its object waits to be freed
 * @lines: a bit for each %ZSDEFER_LINE slots: some of them may be dead
 * @since: of each line, jiffies when the first of them died
 *
 * It lives as long as the pool.
 */
struct zsdefer_slots {
	struct zs_pool *pool;
	struct zsdefer *zd;
	unsigned int paused;
	const struct zsdefer_slots_ops *ops;
	unsigned long nr;
	u16 *sizes;
	int size_base;
	atomic_long_t *dead;
	unsigned long *lines;
	unsigned long *since;
};

#define ZSDEFER_LINE	512

/**
 * struct zsdefer_died - what slots that died take off the caller's figures
 * @objects: their number
 * @huge: of these, objects of a page
 * @bytes: their sizes
 * @now: not of these: how many have to be freed now
 */
struct zsdefer_died {
	unsigned int objects;
	unsigned int huge;
	unsigned long bytes;
	unsigned int now;
};

int zsdefer_pool_attach(struct zs_pool *pool, struct zsdefer_ctl *ctl,
			struct zsdefer_slots *slots);

int zsdefer_slots_alloc(struct zsdefer_slots *slots, struct zs_pool *pool,
			unsigned long nr, const struct zsdefer_slots_ops *ops);
void zsdefer_slots_settle(struct zsdefer_slots *slots);
void zsdefer_slots_pause(struct zsdefer_slots *slots);
void zsdefer_slots_resume(struct zsdefer_slots *slots);
void zsdefer_slots_free(struct zsdefer_slots *slots);
unsigned int zsdefer_slots_died(struct zsdefer_slots *slots,
				unsigned long first, unsigned int nr,
				struct zsdefer_died *died);
unsigned int zsdefer_one_died(struct zsdefer_slots *slots, unsigned long slot);
void zsdefer_slot_settle(struct zsdefer_slots *slots, unsigned long slot,
			 unsigned long handle);

/* What a slot has from now on: an object of @size bytes, or none. */
static inline void zsdefer_slot_set(struct zsdefer_slots *slots,
				    unsigned long slot, size_t size)
{
	/* Pages of 4 KiB: what is below is above that of a page, as a u16. */
	if (!IS_ENABLED(CONFIG_PAGE_SIZE_4KB) && (!size || size > SZ_16K))
		size = U16_MAX + slots->size_base;
	WRITE_ONCE(slots->sizes[slot], size - slots->size_base);
}

/*
 * Whoever has locked a slot asks this before anything else; if it is, nothing but
 * the lock may be left of it, and its object goes to zsdefer_slot_settle().
 */
static inline bool zsdefer_slot_died(struct zsdefer_slots *slots,
				     unsigned long slot)
{
	unsigned long *dead = (unsigned long *)slots->dead;

	return unlikely(test_bit(slot, dead));
}

/* Handles are in blocks of as many words as the blocks' bitmaps have bits. */
#define ZSDEFER_BLOCK_SIZE	(BITS_PER_LONG * sizeof(unsigned long))

/* An object will be freed soon: fetch the header of the block of its handle. */
static inline void zs_prefetch_deferred(unsigned long handle)
{
	prefetchw((void *)(handle & ~(ZSDEFER_BLOCK_SIZE - 1)));
}

/*
 * ZSDEFER_GROUP(GROUP, OWNER, ATTRIBUTE, CTL_OF): the directory deferred_free/ as
 * GROUP, for owners that are a struct OWNER, device or kobject, and whose attributes
 * are a struct ATTRIBUTE. CTL_OF is the function, or the macro, that finds the control
 * object of an owner.
 */
#define ZSDEFER_GROUP(_group, _owner, _attribute, _ctl_of)		\
static ssize_t _group##_show(struct _owner *owner,			\
			     struct _attribute *attr, char *buf)	\
{									\
	return zsdefer_ctl_show(_ctl_of(owner), attr->attr.name, buf);	\
}									\
									\
static ssize_t _group##_store(struct _owner *owner,			\
			      struct _attribute *attr,			\
			      const char *buf, size_t len)		\
{									\
	return zsdefer_ctl_store(_ctl_of(owner), attr->attr.name, buf, len); \
}									\
									\
static struct _attribute _group##_attrs[] = {				\
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

/* Nothing dies in place. */
struct zsdefer_slots { };

static inline void zsdefer_slots_settle(struct zsdefer_slots *slots) { }
static inline void zsdefer_slots_free(struct zsdefer_slots *slots) { }

static inline void zsdefer_slot_set(struct zsdefer_slots *slots,
				    unsigned long slot, size_t size) { }
static inline void zsdefer_slots_pause(struct zsdefer_slots *slots) { }
static inline void zsdefer_slots_resume(struct zsdefer_slots *slots) { }

static inline void zsdefer_ctl_init(struct zsdefer_ctl *ctl) { }

static inline int zsdefer_pool_attach(struct zs_pool *pool,
				      struct zsdefer_ctl *ctl,
				      struct zsdefer_slots *slots)
{
	return 0;
}

static inline bool zsdefer_pool_take_back(struct zs_pool *pool,
					  unsigned long pages)
{
	return false;
}

static inline unsigned long zsdefer_pool_waiting_pages(struct zs_pool *pool)
{
	return 0;
}

static inline void zs_free_deferred(struct zs_pool *pool, unsigned long handle)
{
	zs_free(pool, handle);
}

#define ZSDEFER_GROUP(...)	static_assert(true)

#endif /* CONFIG_ZSMALLOC_DEFERRED_FREE */
#endif /* _LINUX_ZSDEFER_H */
