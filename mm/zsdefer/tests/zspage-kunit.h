/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: KUnit tests of freeing batches, zspage.c, and
 * of handles in blocks.
 *
 * Included by zspage.c, and so by mm/zsmalloc.c. Every case has a pool of its
 * own, whose objects are filled with a pattern of their own. After every case
 * the rest is freed, and the pool must be as empty as it was.
 *
 * That an allocation fails is left to fault injection: which ones do can't be
 * told from here.
 */

#ifdef CONFIG_ZSDEFER_KUNIT_TEST

#ifndef _MM_ZSDEFER_ZSPAGE_KUNIT_H
#define _MM_ZSDEFER_ZSPAGE_KUNIT_H

#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/sort.h>

#include "compat.h"
#include "poll.h"

#define ZT_OBJECTS	2048
#define ZT_GFP		(GFP_KERNEL | __GFP_HIGHMEM | __GFP_MOVABLE)
#define ZT_NEVER	SZ_64K
#define ZT_THREADS	3
#define ZT_SLOTS	64	/* objects of a thread */
#define ZT_BLOCK_HANDLES	hweight_long(ZSDEFER_BLOCK_UNUSED)

struct zt_object {
	unsigned long handle;	/* 0: given up */
	unsigned int size;
};

/* Several objects, each with a pattern that is in no other. */
struct zt_objects {
	struct zs_pool *pool;
	struct rnd_state rnd;
	u8 *wanted;
	u8 *copy;
	unsigned int nr;
	unsigned int wrong;	/* that did not hold what was written */
	unsigned int refused;
	struct zt_object objects[ZT_OBJECTS];
};

struct zt {
	struct kunit *test;
	struct zsdefer_ctl ctl;
	struct zs_pool *pool;
	struct zt_objects *all;
	unsigned long nr_zspages;	/* before */
};

static struct zt_objects *zt_objects_create(struct kunit *test,
					    struct zs_pool *pool,
					    unsigned int seed)
{
	struct zt_objects *all = kunit_kzalloc(test, sizeof(*all), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, all);
	all->wanted = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	all->copy = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, all->wanted);
	KUNIT_ASSERT_NOT_NULL(test, all->copy);
	all->pool = pool;
	prandom_seed_state(&all->rnd, seed);
	return all;
}

static unsigned int zt_random(struct zt_objects *all, unsigned int below)
{
	return prandom_u32_state(&all->rnd) % below;
}

/* The pattern of an object: its handle, over and over, and counted up. */
static void zt_pattern(u8 *to, const struct zt_object *object)
{
	unsigned int i;

	for (i = 0; i < object->size; i++)
		to[i] = (object->handle >> (8 * (i % 8)) % BITS_PER_LONG) + i / 8;
}

/* Allocate an object of @size bytes into slot @i. */
static bool zt_alloc_slot(struct zt_objects *all, unsigned int i,
			  unsigned int size)
{
	struct zt_object *object = &all->objects[i];
	unsigned long handle;

	handle = zt_malloc(all->pool, size, ZT_GFP);
	if (IS_ERR_VALUE(handle)) {
		all->refused++;
		return false;
	}
	*object = (struct zt_object){ handle, size };
	zt_pattern(all->wanted, object);
	zt_write(all->pool, handle, all->wanted, size);
	return true;
}

static void zt_verify_slot(struct zt_objects *all, unsigned int i)
{
	struct zt_object *object = &all->objects[i];

	zt_pattern(all->wanted, object);
	if (!zt_holds(all->pool, object->handle, object->size, all->wanted,
		      all->copy))
		all->wrong++;
}

static void zt_free_slot(struct zt_objects *all, unsigned int i)
{
	struct zt_object *object = &all->objects[i];

	zs_free_deferred(all->pool, object->handle);
	object->handle = 0;
}

/* Of a test, without threads */

static void zt_alloc(struct zt *zt, unsigned int size, unsigned int nr)
{
	struct zt_objects *all = zt->all;

	KUNIT_ASSERT_LE(zt->test, all->nr + nr, ZT_OBJECTS);
	while (nr--)
		KUNIT_ASSERT_TRUE(zt->test, zt_alloc_slot(all, all->nr++, size));
}

/* Free @nr objects from @first on, one of @step. */
static void zt_free(struct zt *zt, unsigned int first, unsigned int nr,
		    unsigned int step)
{
	unsigned int i;

	KUNIT_ASSERT_GT(zt->test, nr, 0);
	KUNIT_ASSERT_LE(zt->test, first + nr, zt->all->nr);
	for (i = first; i < first + nr; i += step)
		zt_free_slot(zt->all, i);
}

static void zt_flush(struct zt *zt)
{
	if (zt->pool->zsdefer)
		zsdefer_flush(zt->pool->zsdefer, "test");
}

/* Free what was not given up yet, all through the queues. */
static void zt_free_rest(struct zt *zt)
{
	struct zt_objects *all = zt->all;
	unsigned int i;

	for (i = 0; i < all->nr; i++)
		if (all->objects[i].handle)
			zt_free_slot(all, i);
	all->nr = 0;
	zt_flush(zt);
}

/* All objects that were not given up hold what was written. */
static void zt_verify(struct zt *zt)
{
	struct zt_objects *all = zt->all;
	unsigned int i, verified = 0;

	for (i = 0; i < all->nr; i++) {
		if (!all->objects[i].handle)
			continue;
		zt_verify_slot(all, i);
		verified++;
	}
	KUNIT_EXPECT_GT(zt->test, verified, 0);
	KUNIT_EXPECT_EQ_MSG(zt->test, all->wrong, 0,
			    "objects do not hold what was written");
}

static struct zsdefer_stats zt_stats(struct zt *zt)
{
	struct zsdefer_stats stats = { };

	zsdefer_add_stats(zt->pool->zsdefer, &stats);
	return stats;
}

static void zt_set(struct zt *zt, bool enabled, unsigned int threshold)
{
	struct zsdefer_params params = {
		.enabled = enabled,
		.budget = SZ_64M,
		.class_budget = ZT_NEVER,
		.drain_threshold = threshold,
		.drain_delay_ms = threshold == ZT_NEVER ? 60000 : 1,
	};

	zsdefer_set_params(zt->pool->zsdefer, &params);
}

static struct size_class *zt_class(struct zt *zt, unsigned int size)
{
	return lookup_size_class(zt->pool, size);
}

/* Objects in a zspage. */
static unsigned int zt_objs(struct zt *zt, unsigned int size)
{
	return zt_class(zt, size)->objs_per_zspage;
}

/* A size of which @min to @max objects are in a zspage. */
static unsigned int zt_size(struct zt *zt, unsigned int min, unsigned int max)
{
	unsigned int size;

	for (size = 1; size <= ZS_MAX_ALLOC_SIZE; size++)
		if (zt_objs(zt, size) >= min && zt_objs(zt, size) <= max)
			return size;
	KUNIT_FAIL_AND_ABORT(zt->test, "no class has %u to %u objects", min, max);
	return 0;
}

static struct zspage *zt_zspage(struct zt *zt, unsigned int i)
{
	struct zpdesc *zpdesc;

	obj_to_zpdesc(handle_to_obj(zt->all->objects[i].handle), &zpdesc);
	return get_zspage(zpdesc);
}

static struct zsdefer_block *zt_block(struct zt *zt, unsigned int i)
{
	return zsdefer_block_of(zt->all->objects[i].handle);
}

static unsigned long zt_stat(struct zt *zt, unsigned int size, int type)
{
	struct size_class *class = zt_class(zt, size);
	unsigned long value;

	spin_lock(&class->lock);
	value = class_stat_read(class, type);
	spin_unlock(&class->lock);
	return value;
}

static void zt_expect_pages(struct zt *zt, unsigned int size,
			    unsigned int zspages)
{
	struct size_class *class = zt_class(zt, size);

	KUNIT_EXPECT_EQ(zt->test, zs_get_total_pages(zt->pool),
			zspages * class->pages_per_zspage);
	KUNIT_EXPECT_EQ(zt->test, zt_stat(zt, size, ZS_OBJS_ALLOCATED),
			zspages * class->objs_per_zspage);
}

/* From many objects in a page to one, and some that cross pages. */
static const unsigned int zt_sizes[] = {
	1, 24, 100, 250, 500, 1000, 1600, 2100, 3000, ZS_MAX_ALLOC_SIZE,
};

#define zt_expect_soon(_zt, _cond)					\
	KUNIT_EXPECT_EQ_MSG((_zt)->test, 0, zt_poll(_cond, 20),		\
			    "waited in vain for " #_cond)

static unsigned long zt_zone_zspages(struct pglist_data *node, int zone)
{
	return zone_page_state_snapshot(&node->node_zones[zone], NR_ZSPAGES);
}

/* NR_ZSPAGES of all zones, as exact as it gets. */
static unsigned long zt_nr_zspages(void)
{
	unsigned long sum = 0;
	int nid, i;

	for_each_online_node(nid)
		for (i = 0; i < MAX_NR_ZONES; i++)
			if (populated_zone(&NODE_DATA(nid)->node_zones[i]))
				sum += zt_zone_zspages(NODE_DATA(nid), i);
	return sum;
}

/* Set up, and what must be true at the end of every case */

static int zt_init(struct kunit *test)
{
	struct zt *zt = kunit_kzalloc(test, sizeof(*zt), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, zt);
	test->priv = zt;
	zt->test = test;
	zt->nr_zspages = zt_nr_zspages();
	zsdefer_ctl_init(&zt->ctl);
	zt->pool = zs_create_pool("zsdefer_kunit");
	KUNIT_ASSERT_NOT_NULL(test, zt->pool);
	KUNIT_ASSERT_EQ(test, zsdefer_pool_attach(zt->pool, &zt->ctl, NULL), 0);
	zt->all = zt_objects_create(test, zt->pool, 1);
	zt_set(zt, true, ZT_NEVER);
	return 0;
}

static void zt_expect_empty(struct zt *zt)
{
	struct kunit *test = zt->test;
	unsigned int i, classes = 0;

	zt_expect_soon(zt, !zs_get_total_pages(zt->pool));
	for (i = 0; i < ZS_SIZE_CLASSES; i++) {
		struct size_class *class = zt->pool->size_class[i];

		if (class->index != i)
			continue;
		classes++;
		KUNIT_EXPECT_EQ(test, class_stat_read(class, ZS_OBJS_INUSE), 0);
		KUNIT_EXPECT_EQ(test, 0,
				class_stat_read(class, ZS_OBJS_ALLOCATED));
		KUNIT_EXPECT_TRUE_MSG(test, list_empty(&class->zsdefer.partial),
				      "a block of handles is left of class %d",
				      class->size);
	}
	KUNIT_EXPECT_GT(test, classes, 0);
}

static void zt_destroy_pool(struct zt *zt)
{
	zs_destroy_pool(zt->pool);
	zt->pool = NULL;
}

static void zt_exit(struct kunit *test)
{
	struct zt *zt = test->priv;

	if (!zt)
		return;
	if (zt->pool && zt->all) {
		zt_free_rest(zt);
		zt_expect_empty(zt);
	}
	if (zt->pool)
		zt_destroy_pool(zt);
	zt_expect_soon(zt, zt_nr_zspages() == zt->nr_zspages);
}

/* Which queue */

static void every_object_finds_the_queue_of_its_class(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size, i = 0;

	for (size = 1; size <= ZS_MAX_ALLOC_SIZE;
	     size += ZS_MAX_ALLOC_SIZE / 512 - 1, i++) {
		struct zsdefer_queue *q = &zt_class(zt, size)->zsdefer;

		zt_alloc(zt, size, 1);
		KUNIT_ASSERT_PTR_EQ(test, zt_block(zt, i)->queue, q);
		KUNIT_ASSERT_EQ(test, q->size, zt_class(zt, size)->size);
	}
	KUNIT_EXPECT_GT(test, i, 500);
}

static void merged_classes_share_a_queue(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size;

	for (size = 2; size <= ZS_MAX_ALLOC_SIZE; size++)
		if (get_size_class_index(size + ZS_HANDLE_SIZE) !=
		    get_size_class_index(size - 1 + ZS_HANDLE_SIZE) &&
		    zt_class(zt, size) == zt_class(zt, size - 1))
			break;
	KUNIT_ASSERT_LE(test, size, ZS_MAX_ALLOC_SIZE);
	zt_alloc(zt, size, 1);
	zt_alloc(zt, size - 1, 1);
	KUNIT_EXPECT_PTR_EQ(test, zt_zspage(zt, 0), zt_zspage(zt, 1));
	zt_free(zt, 0, 2, 1);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.zspages_whole, 1);
}

/* Whole zspages */

static void a_zspage_whose_objects_all_die_goes_back_whole(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int i, pages = 0;

	for (i = 0; i < ARRAY_SIZE(zt_sizes); i++) {
		unsigned int size = zt_sizes[i], nr = 3 * zt_objs(zt, size);

		zt->all->nr = 0;
		zt_alloc(zt, size, nr);
		zt_expect_pages(zt, size, 3);
		zt_free(zt, 0, nr, 1);
		KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, nr);
		zt_expect_pages(zt, size, 3);

		zt_flush(zt);
		KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 0);
		zt_expect_pages(zt, size, 0);
		pages += 3 * zt_class(zt, size)->pages_per_zspage;
		KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.zspages_whole,
				3 * (i + 1));
		KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.pages, pages);
	}
	KUNIT_EXPECT_EQ(test, i, 10);
}

static void a_zspage_with_no_dying_object_is_left_alone(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size = zt_size(zt, 8, 30), n = zt_objs(zt, size);

	zt_alloc(zt, size, 3 * n);
	zt_free(zt, n, n, 1);
	zt_flush(zt);
	zt_expect_pages(zt, size, 2);
	KUNIT_EXPECT_EQ(test, zt_stat(zt, size, ZS_INUSE_RATIO_100), 2);
	KUNIT_EXPECT_EQ(test, get_zspage_inuse(zt_zspage(zt, 0)), n);
	KUNIT_EXPECT_EQ(test, get_zspage_inuse(zt_zspage(zt, 2 * n)), n);
	zt_verify(zt);
}

static void a_zspage_survives_with_its_last_object(struct kunit *test)
{
	unsigned int i, tried = 0;
	struct zt *zt = test->priv;

	for (i = 0; i < ARRAY_SIZE(zt_sizes); i++) {
		unsigned int size = zt_sizes[i], n = zt_objs(zt, size);

		if (n < 2)
			continue;
		tried++;
		zt->all->nr = 0;
		zt_alloc(zt, size, n);
		zt_free(zt, 0, n - 1, 1);
		zt_flush(zt);
		zt_expect_pages(zt, size, 1);
		KUNIT_EXPECT_EQ(test, zt_stat(zt, size, ZS_OBJS_INUSE), 1);
		KUNIT_EXPECT_EQ(test, get_zspage_inuse(zt_zspage(zt, n - 1)), 1);
		KUNIT_EXPECT_EQ(test, zt_zspage(zt, n - 1)->dying, 0);
		zt_verify(zt);

		zt_free(zt, n - 1, 1, 1);
		zt_flush(zt);
		zt_expect_pages(zt, size, 0);
	}
	KUNIT_EXPECT_GT(test, tried, 5);
}

static void survivors_keep_what_was_written(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int i, step, rounds = 0;

	for (i = 0; i < ARRAY_SIZE(zt_sizes); i++) {
		unsigned int size = zt_sizes[i], nr = 2 * zt_objs(zt, size);

		for (step = 2; step < 5; step++) {
			zt->all->nr = 0;
			zt_alloc(zt, size, nr);
			zt_free(zt, 0, nr - 1, step);
			zt_flush(zt);
			zt_verify(zt);
			zt_free_rest(zt);
			zt_expect_pages(zt, size, 0);
			rounds++;
		}
	}
	KUNIT_EXPECT_EQ(test, rounds, 30);
}

static void freed_space_is_allocated_again(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int i, tried = 0;

	for (i = 0; i < ARRAY_SIZE(zt_sizes); i++) {
		unsigned int size = zt_sizes[i], n = zt_objs(zt, size);

		if (n < 4)
			continue;
		tried++;
		zt->all->nr = 0;
		zt_alloc(zt, size, 2 * n);
		zt_free(zt, 0, 2 * n, 2);
		zt_flush(zt);
		zt_alloc(zt, size, n);
		zt_expect_pages(zt, size, 2);
		KUNIT_EXPECT_EQ(test, zt_stat(zt, size, ZS_OBJS_INUSE), 2 * n);
		zt_verify(zt);
		zt_free_rest(zt);
	}
	KUNIT_EXPECT_GT(test, tried, 4);
}

static void a_huge_object_is_a_zspage_of_its_own(struct kunit *test)
{
	unsigned int size = zs_huge_class_size(NULL);
	struct zt *zt = test->priv;

	KUNIT_ASSERT_LE(test, size, ZS_MAX_ALLOC_SIZE);
	zt_alloc(zt, size, 100);
	zt_alloc(zt, ZS_MAX_ALLOC_SIZE, 100);
	KUNIT_EXPECT_TRUE(test, ZsHugePage(zt_zspage(zt, 0)));
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 200);
	zt_free(zt, 0, 200, 2);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 100);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.zspages_whole, 100);
	zt_verify(zt);
}

/* One batch, handed over as a drain does */

/* Free some slots of a class as a batch; returns how many it took. */
static unsigned int zt_free_batch(struct zt *zt, const unsigned int *slots,
				  unsigned int nr, bool more,
				  struct zsdefer_freed *freed)
{
	struct zt_object *objects = zt->all->objects;
	struct size_class *class = zt_class(zt, objects[slots[0]].size);
	struct zsdefer_batch batch;
	unsigned int i, taken;
	LIST_HEAD(dead);

	KUNIT_ASSERT_LE(zt->test, nr, ZSDEFER_BATCH);
	batch.nr = 0;
	*freed = (struct zsdefer_freed){ };
	spin_lock(&class->lock);
	for (i = 0; i < nr; i++)
		zsdefer_batch_add(&batch, objects[slots[i]].handle);
	taken = zsdefer_free_batch(zt->pool, class, &batch, more, &dead, freed);
	spin_unlock(&class->lock);
	zsdefer_free_zspages(zt->pool, class, &batch, &dead, freed);
	KUNIT_ASSERT_GT(zt->test, taken, 0);
	KUNIT_ASSERT_LE(zt->test, taken, nr);
	for (i = 0; i < taken; i++) {
		zsdefer_put_handle(objects[slots[i]].handle);
		objects[slots[i]].handle = 0;
	}
	return taken;
}

/* Slots @first to @first + @nr. */
static unsigned int zt_batch(struct zt *zt, unsigned int first, unsigned int nr,
			     bool more, struct zsdefer_freed *freed)
{
	unsigned int slots[ZSDEFER_BATCH], i;

	for (i = 0; i < nr && i < ZSDEFER_BATCH; i++)
		slots[i] = first + i;
	return zt_free_batch(zt, slots, nr, more, freed);
}

/* Objects of two zspages in turn: two zspages, many runs. */
static void a_zspage_with_several_runs_is_judged_once(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size = zt_size(zt, 8, 30), n = zt_objs(zt, size), i;
	unsigned int slots[ZSDEFER_BATCH], nr = 0;
	struct zsdefer_freed freed;

	zt_alloc(zt, size, 2 * n);
	for (i = 0; i < n; i++) {
		slots[nr++] = i;
		/* All of the first zspage, all but one of the second. */
		if (i)
			slots[nr++] = n + i;
	}
	KUNIT_EXPECT_EQ(test, zt_free_batch(zt, slots, nr, false, &freed), nr);
	KUNIT_EXPECT_EQ(test, freed.zspages_whole, 1);
	zt_expect_pages(zt, size, 1);
	KUNIT_EXPECT_EQ(test, get_zspage_inuse(zt_zspage(zt, n)), 1);
	KUNIT_EXPECT_EQ(test, zt_zspage(zt, n)->dying, 0);
	zt_verify(zt);
}

static void the_beginning_of_a_zspage_is_left_if_more_follow(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size = zt_size(zt, 8, 30), n = zt_objs(zt, size);
	struct zsdefer_freed freed;

	zt_alloc(zt, size, 2 * n);
	KUNIT_EXPECT_EQ(test, zt_batch(zt, 0, 2 * n - 1, true, &freed), n);
	KUNIT_EXPECT_EQ(test, freed.zspages_whole, 1);
	KUNIT_EXPECT_EQ(test, freed.pages, zt_class(zt, size)->pages_per_zspage);
	KUNIT_EXPECT_EQ(test, get_zspage_inuse(zt_zspage(zt, n)), n);
	KUNIT_EXPECT_EQ(test, zt_zspage(zt, n)->dying, 0);
	zt_verify(zt);
}

static void the_beginning_of_a_zspage_is_taken_if_none_follow(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size = zt_size(zt, 8, 30), n = zt_objs(zt, size);
	struct zsdefer_freed freed;

	zt_alloc(zt, size, 2 * n);
	KUNIT_EXPECT_EQ(test, zt_batch(zt, 0, 2 * n - 1, false, &freed),
			2 * n - 1);
	KUNIT_EXPECT_EQ(test, freed.zspages_whole, 1);
	KUNIT_EXPECT_EQ(test, get_zspage_inuse(zt_zspage(zt, 2 * n - 1)), 1);
	zt_verify(zt);
}

static void a_complete_zspage_at_the_end_is_taken(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size = zt_size(zt, 8, 30), n = zt_objs(zt, size);
	struct zsdefer_freed freed;

	zt_alloc(zt, size, 2 * n);
	KUNIT_EXPECT_EQ(test, zt_batch(zt, 0, 2 * n, true, &freed), 2 * n);
	KUNIT_EXPECT_EQ(test, freed.zspages_whole, 2);
}

/* Else a drain would not get on. */
static void a_batch_of_one_zspage_is_taken_at_any_rate(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size = zt_size(zt, 65, 1000), n = zt_objs(zt, size), at;
	struct zsdefer_freed freed;

	zt_alloc(zt, size, n);
	for (at = 0; at + ZSDEFER_BATCH < n; at += ZSDEFER_BATCH) {
		KUNIT_EXPECT_EQ(test, ZSDEFER_BATCH,
				zt_batch(zt, at, ZSDEFER_BATCH, true, &freed));
		KUNIT_EXPECT_EQ(test, freed.zspages_whole, 0);
		zt_verify(zt);
	}
	KUNIT_EXPECT_GT(test, at, 0);
	KUNIT_EXPECT_EQ(test, zt_batch(zt, at, n - at, false, &freed), n - at);
	KUNIT_EXPECT_EQ(test, freed.zspages_whole, 1);
}

/* Entry points */

static void what_is_disabled_frees_on_the_spot(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_set(zt, false, ZT_NEVER);
	zt_alloc(zt, 1000, 100);
	zt_free(zt, 0, 50, 1);
	KUNIT_EXPECT_EQ(test, zt_stat(zt, 1000, ZS_OBJS_INUSE), 50);
	zt_free(zt, 50, 50, 1);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 0);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).fallbacks[ZSDEFER_DISABLED], 100);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).queued, 0);
}

static void a_pool_without_knobs_frees_on_the_spot(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_destroy_pool(zt);
	zt->pool = zs_create_pool("zsdefer_kunit");
	KUNIT_ASSERT_NOT_NULL(test, zt->pool);
	zt->all->pool = zt->pool;
	zt_alloc(zt, 1000, 100);
	zt_free(zt, 0, 100, 1);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 0);
	KUNIT_EXPECT_FALSE(test, zsdefer_pool_take_back(zt->pool, 1));
}

static void enabling_defers_what_was_stored_before(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_set(zt, false, ZT_NEVER);
	zt_alloc(zt, 1000, 100);
	zt_set(zt, true, ZT_NEVER);
	zt_free(zt, 0, 100, 1);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 100);
}

static void queues_fill_up_to_a_drain_of_their_own(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_set(zt, true, 64);
	zt_alloc(zt, 1000, 640);
	zt_free(zt, 0, 640, 1);
	/* A batch is counted after its pages went back. */
	zt_expect_soon(zt, zt_stats(zt).freed.objects == 640);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 0);
}

/* Others who meet what waits */

#ifdef CONFIG_COMPACTION
static void a_zspage_with_a_locked_page_is_freed_later(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size = zt_size(zt, 8, 30), n = zt_objs(zt, size);
	struct zpdesc *zpdesc;

	zt_alloc(zt, size, 2 * n);
	zpdesc = get_first_zpdesc(zt_zspage(zt, 0));
	zpdesc_lock(zpdesc);
	zt_free(zt, 0, 2 * n, 1);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 0);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.zspages_whole, 1);
	KUNIT_EXPECT_EQ(test, zt_stat(zt, size, ZS_OBJS_INUSE), 0);
	zpdesc_unlock(zpdesc);
	zt_expect_soon(zt, !zs_get_total_pages(zt->pool));
}
#endif

static void compaction_moves_nothing_that_waits(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size = zt_size(zt, 8, 30), n = zt_objs(zt, size);

	zt_alloc(zt, size, 20 * n);
	zt_free(zt, 0, 20 * n, 2);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 10 * n);
	zs_compact(zt->pool);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 0);
	KUNIT_EXPECT_EQ(test, zt_stat(zt, size, ZS_OBJS_INUSE), 10 * n);
	zt_verify(zt);
	/* Those that were moved are found by their handles. */
	zt_free(zt, 1, 20 * n - 1, 2);
	zt_flush(zt);
	zt_expect_soon(zt, !zs_get_total_pages(zt->pool));
}

/*
 * Before its class grows. Half of each zspage waits, so that places come free
 * that a pool without us would have had all along.
 */
static void places_of_what_waits_are_used_before_a_class_grows(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size = zt_size(zt, 8, 30), n = zt_objs(zt, size);
	unsigned long pages;

	zt_alloc(zt, size, 20 * n);
	pages = zs_get_total_pages(zt->pool);
	zt_free(zt, 0, 20 * n, 2);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 10 * n);
	zt_alloc(zt, size, 10 * n);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 0);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), pages);
	zt_verify(zt);
}

static void the_shrinker_sees_and_frees_what_waits(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct shrinker *shrinker = zt->pool->shrinker;
	struct shrink_control sc = { };

	zt_alloc(zt, ZS_MAX_ALLOC_SIZE, 100);
	KUNIT_EXPECT_EQ(test, shrinker->count_objects(shrinker, &sc), 0);
	zt_free(zt, 0, 100, 1);
	KUNIT_EXPECT_GE(test, shrinker->count_objects(shrinker, &sc), 100);
	sc.nr_to_scan = 1;
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc),
			ZT_BLOCK_HANDLES);
	KUNIT_EXPECT_EQ(test, sc.nr_scanned, ZT_BLOCK_HANDLES);
	sc.nr_to_scan = 100;
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc),
			100 - ZT_BLOCK_HANDLES);
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc), SHRINK_STOP);
}

/* Compaction takes back all that waits, so it is not for who wants a few pages. */
static void the_shrinker_gives_no_more_than_it_is_asked_for(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct shrinker *shrinker = zt->pool->shrinker;
	struct shrink_control sc = { .nr_to_scan = 1 };

	zt_alloc(zt, 1000, 200);
	zt_free(zt, 0, 200, 2);
	zt_flush(zt);
	KUNIT_ASSERT_GT(test, shrinker->count_objects(shrinker, &sc), 0);
	zt_alloc(zt, ZS_MAX_ALLOC_SIZE, 100);
	zt_free(zt, 200, 100, 1);
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc),
			ZT_BLOCK_HANDLES);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects,
			100 - ZT_BLOCK_HANDLES);
}

static void only_who_may_sleep_takes_back_for_memory(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct size_class *class = zt_class(zt, 1000);

	zt_alloc(zt, 1000, 100);
	zt_free(zt, 0, 100, 1);
	KUNIT_EXPECT_FALSE(test, zsdefer_reclaim(zt->pool, class, GFP_NOWAIT));
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 100);
	KUNIT_EXPECT_TRUE(test, zsdefer_reclaim(zt->pool, class, GFP_NOIO));
	KUNIT_EXPECT_LT(test, zt_stats(zt).waiting_objects, 100);
	zt_flush(zt);
	KUNIT_EXPECT_FALSE(test, zsdefer_reclaim(zt->pool, class, GFP_NOIO));
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 0);
}

static void a_pool_goes_away_with_full_queues(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int i;

	for (i = 0; i < 1000; i++)
		zt_alloc(zt, 1 + zt_random(zt->all, ZS_MAX_ALLOC_SIZE), 1);
	zt_free(zt, 0, 1000, 1);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 1000);
	/* What zs_destroy_pool() does first, so that we see the result. */
	zsdefer_pool_detach(zt->pool);
	zt->pool->zsdefer = NULL;
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 0);
}

static void a_pool_goes_away_while_queues_are_drained(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int round;

	for (round = 0; round < 10; round++) {
		zt_set(zt, true, 64);
		zt->all->nr = 0;
		zt_alloc(zt, 100, 500);
		zt_alloc(zt, 1000, 500);
		zt_free(zt, 0, 1000, 1);
		/* It complains of what is left; who reads the log minds. */
		zt_destroy_pool(zt);
		zt->pool = zs_create_pool("zsdefer_kunit");
		KUNIT_ASSERT_NOT_NULL(test, zt->pool);
		zt->all->pool = zt->pool;
		KUNIT_ASSERT_EQ(test, 0,
				zsdefer_pool_attach(zt->pool, &zt->ctl, NULL));
	}
	KUNIT_EXPECT_EQ(test, round, 10);
}

/* Several pools on one set of knobs, as zswap has while it changes compressors */

/* Another pool, whose objects of a page, @nr of them, are freed and wait, or not. */
static struct zs_pool *zt_second_pool(struct zt *zt, unsigned int nr)
{
	struct zs_pool *pool = zs_create_pool("zsdefer_kunit_2");
	unsigned long handles[100];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(zt->test, pool);
	KUNIT_ASSERT_EQ(zt->test, zsdefer_pool_attach(pool, &zt->ctl, NULL), 0);
	KUNIT_ASSERT_LE(zt->test, nr, ARRAY_SIZE(handles));
	for (i = 0; i < nr; i++) {
		handles[i] = zt_malloc(pool, ZS_MAX_ALLOC_SIZE, ZT_GFP);
		KUNIT_ASSERT_FALSE(zt->test, IS_ERR_VALUE(handles[i]));
	}
	for (i = 0; i < nr; i++)
		zs_free_deferred(pool, handles[i]);
	return pool;
}

/* Hold what comes, but no more than @pages; by the knobs of all pools. */
static void zt_hold(struct zt *zt, unsigned int pages)
{
	zt->ctl.params = (struct zsdefer_params){
		.enabled = 1,
		.budget = pages * PAGE_SIZE,
		.class_budget = ZT_NEVER,
		.drain_threshold = ZT_NEVER,
		.drain_delay_ms = 60000,
	};
	guard(mutex)(&zt->ctl.lock);
	zsdefer_share_out(&zt->ctl, &zt->ctl.params);
}

static void pools_share_the_budget(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct zs_pool *second;

	zt_hold(zt, 100);
	second = zt_second_pool(zt, 100);
	KUNIT_EXPECT_EQ(test, zsdefer_pool_waiting_pages(second), 50);
	zt_alloc(zt, ZS_MAX_ALLOC_SIZE, 100);
	zt_free(zt, 0, 100, 1);
	KUNIT_EXPECT_EQ(test, zsdefer_pool_waiting_pages(zt->pool), 50);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 50);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(second), 50);
	zs_destroy_pool(second);

	KUNIT_EXPECT_EQ(test, zsdefer_pool_waiting_pages(zt->pool), 50);
	zt_alloc(zt, ZS_MAX_ALLOC_SIZE, 100);
	zt_free(zt, 100, 100, 1);
	KUNIT_EXPECT_EQ(test, zsdefer_pool_waiting_pages(zt->pool), 100);
}

static void another_pool_takes_its_share_from_what_waits(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct zs_pool *second;

	zt_hold(zt, 100);
	zt_alloc(zt, ZS_MAX_ALLOC_SIZE, 100);
	zt_free(zt, 0, 100, 1);
	KUNIT_EXPECT_EQ(test, zsdefer_pool_waiting_pages(zt->pool), 100);
	second = zt_second_pool(zt, 50);
	KUNIT_EXPECT_LE(test, zsdefer_pool_waiting_pages(zt->pool), 50);
	KUNIT_EXPECT_EQ(test, zsdefer_pool_waiting_pages(second), 50);
	zs_destroy_pool(second);
}

static void knobs_and_figures_are_of_all_pools(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct zs_pool *second;
	char *text = (char *)get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	zt_hold(zt, 100);
	second = zt_second_pool(zt, 20);
	zt_alloc(zt, ZS_MAX_ALLOC_SIZE, 30);
	zt_free(zt, 0, 30, 1);
	zsdefer_ctl_show(&zt->ctl, "stats", text);
	KUNIT_EXPECT_TRUE_MSG(test, strstarts(text, "waiting_objects 50\n"),
			      "%s", text);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "\nqueued 50\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "\npools 2\n"));
	KUNIT_EXPECT_EQ(test, zsdefer_ctl_store(&zt->ctl, "flush", "1", 1), 1);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 0);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(second), 0);
	KUNIT_EXPECT_EQ(test, zsdefer_ctl_store(&zt->ctl, "enabled", "0", 1), 1);
	zs_free_deferred(second, zt_malloc(second, 100, ZT_GFP));
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(second), 0);
	zs_destroy_pool(second);
	zsdefer_ctl_show(&zt->ctl, "stats", text);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "\npools 1\n"));
	free_page((unsigned long)text);
}

/* Handles */

static int zt_compare(const void *a, const void *b)
{
	const unsigned long *one = a, *other = b;

	return *one < *other ? -1 : *one > *other;
}

static void handles_are_unique(struct kunit *test)
{
	unsigned long *handles;
	struct zt *zt = test->priv;
	unsigned int i;

	handles = kunit_kcalloc(test, 1000, sizeof(*handles), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, handles);
	for (i = 0; i < 1000; i++) {
		zt_alloc(zt, 1 + zt_random(zt->all, 1000), 1);
		handles[i] = zt->all->objects[i].handle;
	}
	sort(handles, 1000, sizeof(*handles), zt_compare, NULL);
	for (i = 1; i < 1000; i++)
		KUNIT_ASSERT_LT(test, handles[i - 1], handles[i]);
}

/* They follow each other in a block, whose header is no handle. */
static void handles_are_handed_out_in_order(struct kunit *test)
{
	unsigned int i, n = ZT_BLOCK_HANDLES;
	struct zt *zt = test->priv;

	zt_alloc(zt, 100, n + 1);
	KUNIT_EXPECT_GE(test, zt->all->objects[0].handle,
			(unsigned long)zt_block(zt, 0) +
			offsetofend(struct zsdefer_block, dying));
	for (i = 1; i < n; i++) {
		KUNIT_EXPECT_PTR_EQ(test, zt_block(zt, i), zt_block(zt, 0));
		KUNIT_EXPECT_EQ(test, zt->all->objects[i].handle,
				zt->all->objects[i - 1].handle +
				sizeof(unsigned long));
	}
	KUNIT_EXPECT_PTR_NE(test, zt_block(zt, n), zt_block(zt, 0));
}

static void classes_do_not_share_blocks_of_handles(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_alloc(zt, 100, 1);
	zt_alloc(zt, 1000, 1);
	KUNIT_EXPECT_PTR_NE(test, zt_block(zt, 0), zt_block(zt, 1));
}

static void a_freed_handle_is_the_next_to_be_used(struct kunit *test)
{
	unsigned int n = ZT_BLOCK_HANDLES;
	struct zsdefer_queue *q;
	struct zt *zt = test->priv;
	unsigned long freed;

	q = &zt_class(zt, 100)->zsdefer;
	zt_alloc(zt, 100, n);
	KUNIT_EXPECT_TRUE_MSG(test, list_empty(&q->partial),
			      "a full block is offered");
	freed = zt->all->objects[7].handle;
	zt_free(zt, 7, 1, 1);
	zt_flush(zt);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&q->partial));
	zt_alloc(zt, 100, 1);
	KUNIT_EXPECT_EQ(test, zt->all->objects[n].handle, freed);
	KUNIT_EXPECT_TRUE(test, list_empty(&q->partial));
	zt_verify(zt);
}

/* One by one, by a drain, and by zs_free(). */
static void a_block_whose_handles_are_all_free_goes_back(struct kunit *test)
{
	unsigned int i, n = ZT_BLOCK_HANDLES;
	struct zsdefer_queue *q;
	struct zt *zt = test->priv;

	q = &zt_class(zt, 100)->zsdefer;
	zt_alloc(zt, 100, 3 * n);
	zt_free(zt, 0, n, 1);
	zt_flush(zt);
	KUNIT_EXPECT_TRUE(test, list_empty(&q->partial));
	for (i = n; i < 3 * n - 1; i++) {
		zs_free(zt->pool, zt->all->objects[i].handle);
		zt->all->objects[i].handle = 0;
	}
	KUNIT_EXPECT_TRUE(test, list_is_singular(&q->partial));
	zs_free(zt->pool, zt->all->objects[i].handle);
	zt->all->objects[i].handle = 0;
	KUNIT_EXPECT_TRUE(test, list_empty(&q->partial));
}

static void a_size_that_is_refused_costs_no_handle(struct kunit *test)
{
	struct zt *zt = test->priv;

	KUNIT_EXPECT_TRUE(test, IS_ERR_VALUE(zt_malloc(zt->pool, 0, ZT_GFP)));
	KUNIT_EXPECT_TRUE(test, IS_ERR_VALUE(zt_malloc(zt->pool,
						       ZS_MAX_ALLOC_SIZE + 1,
						       ZT_GFP)));
	zt_expect_empty(zt);
}

/* All at random */

/* An empty slot is filled, another one verified and freed. */
static void zt_turn(struct zt_objects *all, unsigned int slots)
{
	unsigned int i = zt_random(all, slots);

	if (!all->objects[i].handle) {
		/* Half of them of one class, so that its zspages fill up. */
		zt_alloc_slot(all, i, zt_random(all, 2) ? 500 :
			      1 + zt_random(all, ZS_MAX_ALLOC_SIZE));
		return;
	}
	zt_verify_slot(all, i);
	zt_free_slot(all, i);
}

static void a_random_mix_loses_nothing(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int i;

	zt->all->nr = 1000;
	for (i = 0; i < 20000; i++) {
		zt_turn(zt->all, 1000);
		if (!zt_random(zt->all, 500))
			zt_flush(zt);
		if (!zt_random(zt->all, 5000))
			zs_compact(zt->pool);
	}
	KUNIT_EXPECT_EQ(test, zt->all->wrong, 0);
	KUNIT_EXPECT_EQ(test, zt->all->refused, 0);
	KUNIT_EXPECT_GT(test, zt_stats(zt).freed.objects, 5000);
	zt_verify(zt);
}

struct zt_thread {
	struct zt_objects *all;
	struct task_struct *task;
	unsigned long turns;
};

static int zt_thread_run(void *data)
{
	struct zt_thread *t = data;

	while (!kthread_should_stop()) {
		zt_turn(t->all, ZT_SLOTS);
		WRITE_ONCE(t->turns, t->turns + 1);
		cond_resched();
	}
	return 0;
}

/* Start a thread, for kthread_stop_put(). */
static struct task_struct *zt_run(struct zt *zt, int (*run)(void *data),
				  void *data)
{
	struct task_struct *task = kthread_create(run, data, "zsdefer_test");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(zt->test, task);
	get_task_struct(task);
	wake_up_process(task);
	return task;
}

static void zt_start(struct zt *zt, struct zt_thread *t, unsigned int seed)
{
	t->all = zt_objects_create(zt->test, zt->pool, seed);
	t->task = zt_run(zt, zt_thread_run, t);
}

/* Let all do their turns, with flushes and compaction meanwhile. */
static void zt_disturb(struct zt *zt, struct zt_thread *threads)
{
	unsigned long deadline = jiffies + 60 * HZ;
	unsigned int i, rounds = 0;
	bool done = false;

	while (!done && time_before(jiffies, deadline)) {
		zt_flush(zt);
		if (rounds++ % 8 == 0)
			zs_compact(zt->pool);
		done = true;
		for (i = 0; i < ZT_THREADS; i++)
			done &= READ_ONCE(threads[i].turns) > 5000;
		cond_resched();
	}
	KUNIT_EXPECT_TRUE(zt->test, done);
}

static void threads_that_share_classes_lose_nothing(struct kunit *test)
{
	struct zt_thread threads[ZT_THREADS] = { };
	struct zt *zt = test->priv;
	unsigned int i, j;

	zt_set(zt, true, 32);
	for (i = 0; i < ZT_THREADS; i++)
		zt_start(zt, &threads[i], i + 1);
	zt_disturb(zt, threads);
	for (i = 0; i < ZT_THREADS; i++) {
		struct zt_objects *all = threads[i].all;

		kthread_stop_put(threads[i].task);
		KUNIT_EXPECT_EQ(test, all->wrong, 0);
		KUNIT_EXPECT_EQ(test, all->refused, 0);
		for (j = 0; j < ZT_SLOTS; j++)
			if (all->objects[j].handle)
				zt_free_slot(all, j);
	}
	zt_flush(zt);
	KUNIT_EXPECT_GT(test, zt_stats(zt).freed.objects, 1000);
}

static struct kunit_case zsdefer_zspage_test_cases[] = {
	KUNIT_CASE(every_object_finds_the_queue_of_its_class),
	KUNIT_CASE(merged_classes_share_a_queue),
	KUNIT_CASE(a_zspage_whose_objects_all_die_goes_back_whole),
	KUNIT_CASE(a_zspage_with_no_dying_object_is_left_alone),
	KUNIT_CASE(a_zspage_survives_with_its_last_object),
	KUNIT_CASE(survivors_keep_what_was_written),
	KUNIT_CASE(freed_space_is_allocated_again),
	KUNIT_CASE(a_zspage_with_several_runs_is_judged_once),
	KUNIT_CASE(a_huge_object_is_a_zspage_of_its_own),
	KUNIT_CASE(the_beginning_of_a_zspage_is_left_if_more_follow),
	KUNIT_CASE(the_beginning_of_a_zspage_is_taken_if_none_follow),
	KUNIT_CASE(a_complete_zspage_at_the_end_is_taken),
	KUNIT_CASE(a_batch_of_one_zspage_is_taken_at_any_rate),
	KUNIT_CASE(what_is_disabled_frees_on_the_spot),
	KUNIT_CASE(a_pool_without_knobs_frees_on_the_spot),
	KUNIT_CASE(enabling_defers_what_was_stored_before),
	KUNIT_CASE(queues_fill_up_to_a_drain_of_their_own),
#ifdef CONFIG_COMPACTION
	KUNIT_CASE(a_zspage_with_a_locked_page_is_freed_later),
#endif
	KUNIT_CASE(compaction_moves_nothing_that_waits),
	KUNIT_CASE(places_of_what_waits_are_used_before_a_class_grows),
	KUNIT_CASE(the_shrinker_sees_and_frees_what_waits),
	KUNIT_CASE(the_shrinker_gives_no_more_than_it_is_asked_for),
	KUNIT_CASE(only_who_may_sleep_takes_back_for_memory),
	KUNIT_CASE(a_pool_goes_away_with_full_queues),
	KUNIT_CASE(a_pool_goes_away_while_queues_are_drained),
	KUNIT_CASE(pools_share_the_budget),
	KUNIT_CASE(another_pool_takes_its_share_from_what_waits),
	KUNIT_CASE(knobs_and_figures_are_of_all_pools),
	KUNIT_CASE(handles_are_unique),
	KUNIT_CASE(handles_are_handed_out_in_order),
	KUNIT_CASE(classes_do_not_share_blocks_of_handles),
	KUNIT_CASE(a_freed_handle_is_the_next_to_be_used),
	KUNIT_CASE(a_block_whose_handles_are_all_free_goes_back),
	KUNIT_CASE(a_size_that_is_refused_costs_no_handle),
	KUNIT_CASE(a_random_mix_loses_nothing),
	KUNIT_CASE(threads_that_share_classes_lose_nothing),
	{}
};

static struct kunit_suite zsdefer_zspage_test_suite = {
	.name = "zsdefer_zspage",
	.init = zt_init,
	.exit = zt_exit,
	.test_cases = zsdefer_zspage_test_cases,
};

kunit_test_suite(zsdefer_zspage_test_suite);

#include "slots-kunit.h"

#endif /* _MM_ZSDEFER_ZSPAGE_KUNIT_H */

#endif /* CONFIG_ZSDEFER_KUNIT_TEST */
