/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit suite for objects that die in their slots: mm/zsdefer/slots.c.
 *
 * A table of slots like zram's, over the objects of zspage-kunit.h.
 */

#define ZT_DEAD_SLOTS	2000

/* A table, in place of zram's. */
static struct zt_table {
	struct zsdefer_slots slots;
	struct zt *zt;
	DECLARE_BITMAP(locks, ZT_DEAD_SLOTS);
	/* Come between the steps of a walk. */
	void (*before_lock)(struct zt_table *table);
	void (*before_take)(struct zt_table *table);
	unsigned long looked_at;
	bool taking;
} zt_table;

static unsigned long zt_lock_slots(struct zsdefer_slots *slots,
				   unsigned long first, unsigned long bits)
{
	struct zt_table *table = container_of(slots, struct zt_table, slots);
	unsigned long locked = 0;

	if (table->before_lock)
		table->before_lock(table);
	for (; bits; bits &= bits - 1) {
		WRITE_ONCE(table->looked_at, table->looked_at + 1);
		if (!test_and_set_bit_lock(first + __ffs(bits), table->locks))
			locked |= bits & -bits;
	}
	return locked;
}

static unsigned int zt_take_slots(struct zsdefer_slots *slots,
				  unsigned long first, unsigned long locked,
				  unsigned long dead, unsigned long *handles)
{
	struct zt_table *table = container_of(slots, struct zt_table, slots);
	struct zt_object *objects = table->zt->all->objects;
	unsigned int nr = 0;

	if (table->before_take)
		table->before_take(table);
	for (; locked; locked &= locked - 1) {
		unsigned long i = first + __ffs(locked);

		if (dead & locked & -locked) {
			handles[nr++] = objects[i].handle;
			objects[i].handle = 0;
		}
		clear_bit_unlock(i, table->locks);
	}
	return nr;
}

static const struct zsdefer_slots_ops zt_slots_ops = {
	.lock = zt_lock_slots,
	.take = zt_take_slots,
};

/* As a writer, a reader, or whoever looks at a slot. */
static void zt_slot_lock(struct zt_table *table, unsigned long i)
{
	struct zt_object *object = &table->zt->all->objects[i];

	while (test_and_set_bit_lock(i, table->locks))
		cond_resched();
	if (zsdefer_slot_died(&table->slots, i)) {
		zsdefer_slot_settle(&table->slots, i, object->handle);
		object->handle = 0;
	}
}

static void zt_slot_unlock(struct zt_table *table, unsigned long i)
{
	clear_bit_unlock(i, table->locks);
}

static bool zt_slot_store(struct zt_table *table, unsigned long i,
			  unsigned int size)
{
	struct zt_objects *all = table->zt->all;
	bool stored;

	zt_slot_lock(table, i);
	if (all->objects[i].handle)
		zt_free_slot(all, i);
	stored = zt_alloc_slot(all, i, size);
	zsdefer_slot_set(&table->slots, i, stored ? size : 0);
	zt_slot_unlock(table, i);
	return stored;
}

static void zt_slots_store(struct zt *zt, unsigned long first, unsigned int nr,
			   unsigned int size)
{
	KUNIT_ASSERT_LE(zt->test, first + nr, ZT_DEAD_SLOTS);
	while (nr--)
		KUNIT_ASSERT_TRUE(zt->test, zt_slot_store(&zt_table, first++,
							  size));
}

/* Free what did not die in place, as the caller of zsdefer_slots_died() has to. */
static void zt_slot_free_now(struct zt_table *table, unsigned long i)
{
	zt_slot_lock(table, i);
	if (table->zt->all->objects[i].handle)
		zt_free_slot(table->zt->all, i);
	zsdefer_slot_set(&table->slots, i, 0);
	zt_slot_unlock(table, i);
}

/* Returns how many were freed at once. */
static unsigned int zt_slots_die(struct zt_table *table, unsigned long first,
				 unsigned int nr, struct zsdefer_died *died)
{
	unsigned long end = first + nr;
	unsigned int size, now = 0;

	/* Of one, there is a quicker way. */
	size = nr == 1 ? zsdefer_one_died(&table->slots, first) : 0;
	if (size) {
		died->objects++;
		died->bytes += size;
		died->huge += size == PAGE_SIZE;
		return 0;
	}
	while (first < end) {
		nr = min(end - first, BITS_PER_LONG - first % BITS_PER_LONG);
		first += zsdefer_slots_died(&table->slots, first, nr, died);
		now += died->now;
		while (died->now--)
			zt_slot_free_now(table, first++);
	}
	return now;
}

static void zt_die(struct zt *zt, unsigned long first, unsigned int nr)
{
	struct zsdefer_died died = { };

	KUNIT_EXPECT_EQ(zt->test, zt_slots_die(&zt_table, first, nr, &died), 0);
	KUNIT_EXPECT_EQ(zt->test, died.objects, nr);
}

static void zt_limit(struct zt *zt, unsigned long budget,
		     unsigned long class_budget, unsigned long threshold,
		     unsigned long delay)
{
	struct zsdefer_params params = {
		.enabled = true,
		.budget = budget,
		.class_budget = class_budget,
		.drain_threshold = threshold,
		.drain_delay_ms = delay,
	};

	zsdefer_set_params(zt->pool->zsdefer, &params);
}

/* What dies is accounted for */

static void what_dies_waits_in_its_class(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct zsdefer_died died = { };

	zt_slots_store(zt, 0, 300, 200);
	zt_slots_store(zt, 300, 300, 1000);
	zt_slots_store(zt, 600, 100, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, zt_slots_die(&zt_table, 7, 690, &died), 0);
	KUNIT_EXPECT_EQ(test, died.objects, 690);
	KUNIT_EXPECT_EQ(test, died.huge, 97);
	KUNIT_EXPECT_EQ(test, died.bytes, 293 * 200 + 300 * 1000 + 97 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 690);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_bytes,
			293 * zt_class(zt, 200)->size +
			300 * zt_class(zt, 1000)->size +
			97 * zt_class(zt, PAGE_SIZE)->size);
	KUNIT_EXPECT_EQ(test, zsdefer_waiting_bytes(zt->pool->zsdefer),
			zt_stats(zt).waiting_bytes);
	KUNIT_EXPECT_EQ(test, zt_stat(zt, 1000, ZS_OBJS_INUSE), 300);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.objects, 690);
	KUNIT_EXPECT_EQ(test, zsdefer_waiting_bytes(zt->pool->zsdefer), 0);
	KUNIT_EXPECT_EQ(test, zt_stat(zt, 1000, ZS_OBJS_INUSE), 0);
	zt->all->nr = 700;
	zt_verify(zt);
}

/* It is found without looking at the object, and has to be the same. */
static void every_size_dies_in_its_class(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned int size, in_place = 0;

	for (size = 1; size <= ZS_MAX_ALLOC_SIZE; size++) {
		struct zsdefer_queue *q = &zt_class(zt, size)->zsdefer;
		struct zsdefer_died died = { };
		unsigned long before = zsdefer_nr_pushed(q);

		/* One, and two at once. */
		zt_slots_store(zt, 0, 3, size);
		zt_slots_die(&zt_table, 0, 1, &died);
		zt_slots_die(&zt_table, 1, 2, &died);
		KUNIT_ASSERT_EQ(test, zsdefer_nr_pushed(q), before + 3);
		KUNIT_ASSERT_EQ(test, died.bytes, died.objects * size);
		in_place += died.objects;
		zt_flush(zt);
		KUNIT_ASSERT_EQ(test, zt_stats(zt).waiting_objects, 0);
	}
	KUNIT_EXPECT_EQ(test, in_place, 3 * (min_t(int, ZS_MAX_ALLOC_SIZE, SZ_16K) + 1 -
					 max(ZSDEFER_SIZE_BASE, 1)));
}

static void what_has_no_object_does_not_die(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct zsdefer_died died = { };

	zt_slots_store(zt, 1, 1, 100);
	zt_slots_store(zt, 3, 1, 100);
	KUNIT_EXPECT_EQ(test, zt_slots_die(&zt_table, 0, 5, &died), 3);
	KUNIT_EXPECT_EQ(test, died.objects, 2);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).queued, 2);
}

static void deaths_keep_class_budget(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct zsdefer_died died = { };

	zt_limit(zt, SZ_64M, 10, ZT_NEVER, 60000);
	zt_slots_store(zt, 0, 50, 1000);
	zt_slots_store(zt, 50, 10, 100);
	/* The rest of the word is freed now: what has room waits all the same. */
	KUNIT_EXPECT_EQ(test, zt_slots_die(&zt_table, 0, 60, &died), 50);
	KUNIT_EXPECT_EQ(test, died.objects, 10);
	KUNIT_EXPECT_EQ(test, died.bytes, 10 * 1000);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 20);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).fallbacks[ZSDEFER_FULL], 40);
	KUNIT_EXPECT_EQ(test, zt_stat(zt, 1000, ZS_OBJS_INUSE), 10);
	zt_flush(zt);
	zt_slots_store(zt, 0, 10, 1000);
	zt_die(zt, 0, 10);
}

static void deaths_keep_budget(struct kunit *test)
{
	unsigned int fit, size = PAGE_SIZE / 2;
	struct zt *zt = test->priv;
	struct zsdefer_died died = { };

	zt_limit(zt, 10 * PAGE_SIZE, ZT_NEVER, ZT_NEVER, 60000);
	fit = 10 * PAGE_SIZE / zt_class(zt, size)->size;
	zt_slots_store(zt, 0, BITS_PER_LONG, size);
	KUNIT_EXPECT_EQ(test, zt_slots_die(&zt_table, 0, BITS_PER_LONG, &died),
			BITS_PER_LONG);
	/* Not in place, as a whole they do not fit, but as many as do. */
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, fit);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).fallbacks[ZSDEFER_BUDGET],
			BITS_PER_LONG - fit);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zsdefer_waiting_bytes(zt->pool->zsdefer), 0);
	zt_slots_store(zt, 0, fit, size);
	zt_die(zt, 0, fit);
}

static void nothing_dies_in_place_while_disabled(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct zsdefer_died died = { };

	zt_slots_store(zt, 0, 100, 1000);
	zt_die(zt, 0, 50);
	zt_set(zt, false, ZT_NEVER);
	KUNIT_EXPECT_EQ(test, zt_stat(zt, 1000, ZS_OBJS_INUSE), 50);
	KUNIT_EXPECT_EQ(test, zt_slots_die(&zt_table, 50, 50, &died), 50);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 0);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).fallbacks[ZSDEFER_DISABLED], 50);
}

/* Somebody comes for it */

static void deaths_start_the_work_item(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_limit(zt, SZ_64M, ZT_NEVER, 100, 60000);
	zt_slots_store(zt, 0, 200, 1000);
	zt_die(zt, 0, 99);
	fsleep(20000);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 99);
	zt_die(zt, 99, 1);
	zt_expect_soon(zt, !zt_stats(zt).waiting_objects);
	/* Likewise in the middle of several. */
	zt_slots_store(zt, 0, 110, 1000);
	zt_die(zt, 0, 110);
	zt_expect_soon(zt, zt_stats(zt).waiting_objects < 100);
}

static void the_sweep_comes_for_the_dead(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_limit(zt, SZ_64M, ZT_NEVER, ZT_NEVER, 5);
	zt_slots_store(zt, 0, 100, 1000);
	zt_die(zt, 10, 20);
	zt_die(zt, 70, 1);
	zt_expect_soon(zt, !zt_stats(zt).waiting_objects);
	/* And again. */
	zt_die(zt, 0, 10);
	zt_expect_soon(zt, !zt_stats(zt).waiting_objects);
}

static void lower_limits_leave_none_dead(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_slots_store(zt, 0, 1500, 100);
	zt_die(zt, 0, 1500);
	zt_limit(zt, SZ_64M, 1000, 1000, 60000);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 0);
}

static void places_of_the_dead_are_used_before_a_class_grows(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned long pages;

	zt_slots_store(zt, 0, 2 * zt_objs(zt, 1000), 1000);
	pages = zs_get_total_pages(zt->pool);
	zt_die(zt, 0, zt_objs(zt, 1000));
	zt_slots_store(zt, 1000, zt_objs(zt, 1000), 1000);
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), pages);
	/* None is looked for on account of other classes. */
	zt_slots_store(zt, 0, 10, 1000);
	zt_die(zt, 0, 10);
	zt_table.looked_at = 0;
	zt_slots_store(zt, 1500, zt_objs(zt, 2000) + 1, 2000);
	KUNIT_EXPECT_EQ(test, zt_table.looked_at, 0);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 10);
}

/* Whoever needs a page does not look at all that is dead. */
static void who_takes_back_walks_no_further_than_needed(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_slots_store(zt, 0, ZT_DEAD_SLOTS, 1000);
	zt_die(zt, 0, ZT_DEAD_SLOTS);
	KUNIT_EXPECT_GT(test, zsdefer_take_back(zt->pool->zsdefer, 1, "test"), 0);
	KUNIT_EXPECT_LE(test, zt_table.looked_at, ZSDEFER_LINE);
	KUNIT_EXPECT_GT(test, zt_table.looked_at, 0);
	/* All of it, if all is needed. */
	zsdefer_take_back(zt->pool->zsdefer, ULONG_MAX, "test");
	KUNIT_EXPECT_EQ(test, zs_get_total_pages(zt->pool), 0);
}

static void a_pool_goes_away_with_dead_slots(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct zsdefer *zd = zt->pool->zsdefer;

	zt_slots_store(zt, 0, 1000, 1000);
	zt_die(zt, 0, 1000);
	zsdefer_slots_settle(&zt_table.slots);
	KUNIT_EXPECT_EQ(test, bitmap_weight((void *)zt_table.slots.dead,
					    ZT_DEAD_SLOTS), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&zd->nr_lines), 0);
	/* It complains of what is left; who reads the log minds. */
	zt_destroy_pool(zt);
}

/* Others look at the slot at the same time */

static void who_locks_a_slot_finds_it_empty(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_slots_store(zt, 0, 2, 1000);
	zt_die(zt, 0, 1);
	zt_slot_lock(&zt_table, 0);
	KUNIT_EXPECT_EQ(test, zt->all->objects[0].handle, 0);
	zt_slot_unlock(&zt_table, 0);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 1);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.objects, 1);
	zt->all->nr = 2;
	zt_verify(zt);
}

/* Whoever has locked a slot may lose the CPU between its bit and the queue. */
static void what_the_sweep_has_missed_is_swept(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct delayed_work *sweep = &zt->pool->zsdefer->sweep;

	zt_slots_store(zt, 0, 2, 1000);
	zt_die(zt, 0, 1);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(sweep));
	set_bit(0, zt_table.locks);
	zt_table.slots.sizes[0] = U16_MAX;
	clear_bit(0, (unsigned long *)zt_table.slots.dead);
	flush_delayed_work(sweep);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(sweep));
	zsdefer_slot_settle(&zt_table.slots, 0, zt->all->objects[0].handle);
	zt->all->objects[0].handle = 0;
	zt_slot_unlock(&zt_table, 0);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(sweep));
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.objects, 1);
	zt->all->nr = 2;
	zt_verify(zt);
}

/* Has been stored elsewhere before, as nobody may sleep here. */
static void zt_store_in_slot_0(struct zt_table *table)
{
	struct zt_object *objects = table->zt->all->objects;

	table->before_lock = NULL;
	zt_slot_lock(table, 0);
	swap(objects[0], objects[2]);
	zsdefer_slot_set(&table->slots, 0, objects[0].size);
	zsdefer_slot_set(&table->slots, 2, 0);
	zt_slot_unlock(table, 0);
}

/* The walk has seen the bit already when somebody stores something there. */
static void who_stores_before_a_walk_keeps_what_was_stored(struct kunit *test)
{
	struct zt *zt = test->priv;

	zt_slots_store(zt, 0, 2, 1000);
	zt_slots_store(zt, 2, 1, 500);
	zt_die(zt, 0, 2);
	zt_table.before_lock = zt_store_in_slot_0;
	zt_flush(zt);
	KUNIT_ASSERT_PTR_EQ(test, (void *)zt_table.before_lock, NULL);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.objects, 2);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 0);
	KUNIT_ASSERT_NE(test, zt->all->objects[0].handle, 0);
	zt->all->nr = 2;
	zt_verify(zt);
	zt_die(zt, 0, 1);
}

static void a_locked_slot_stays_dead_until_it_is_unlocked(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned long died;

	zt_slots_store(zt, 0, 3, 1000);
	zt_slot_lock(&zt_table, 1);
	zt_die(zt, 0, 3);
	died = jiffies - HZ;
	zt_table.slots.since[0] = died;
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.objects, 2);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 1);
	/* And is known to have died when it did. */
	KUNIT_EXPECT_EQ(test, zt_table.slots.since[0], died);
	zt_slot_unlock(&zt_table, 1);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 0);

	/* Nor does a work item or the sweep go round and round meanwhile. */
	zt_limit(zt, SZ_64M, ZT_NEVER, 1, 5);
	zt_slots_store(zt, 0, 1, 1000);
	zt_slot_lock(&zt_table, 0);
	zt_table.looked_at = 0;
	zt_die(zt, 0, 1);
	fsleep(100000);
	KUNIT_EXPECT_GT(test, READ_ONCE(zt_table.looked_at), 0);
	KUNIT_EXPECT_LE(test, READ_ONCE(zt_table.looked_at), 40);
	zt_slot_unlock(&zt_table, 0);
	zt_expect_soon(zt, !zt_stats(zt).waiting_objects);
}

/* As zram does while it writes back or recompresses. */
static void nothing_dies_in_place_while_objects_are_exchanged(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct zsdefer_died died = { };

	zt_slots_store(zt, 0, 9, 1000);
	zsdefer_slots_pause(&zt_table.slots);
	KUNIT_EXPECT_EQ(test, zt_slots_die(&zt_table, 0, 2, &died), 2);
	/* Somebody else is done. */
	zsdefer_slots_pause(&zt_table.slots);
	zsdefer_slots_resume(&zt_table.slots);
	KUNIT_EXPECT_EQ(test, zsdefer_one_died(&zt_table.slots, 2), 0);
	/* Whatever the knobs say meanwhile. */
	zt_set(zt, false, ZT_NEVER);
	zt_set(zt, true, ZT_NEVER);
	KUNIT_EXPECT_EQ(test, zt_slots_die(&zt_table, 3, 2, &died), 2);
	KUNIT_EXPECT_EQ(test, died.objects, 0);
	zsdefer_slots_resume(&zt_table.slots);
	zt_die(zt, 5, 2);
	zt_set(zt, false, ZT_NEVER);
	zsdefer_slots_pause(&zt_table.slots);
	zsdefer_slots_resume(&zt_table.slots);
	KUNIT_EXPECT_EQ(test, zt_slots_die(&zt_table, 7, 2, &died), 2);
	KUNIT_EXPECT_EQ(test, died.objects, 0);
}

/* Has read a size, and not set a bit yet. */
static int zt_read_run(void *data)
{
	struct completion *began = data;

	rcu_read_lock();
	complete(began);
	mdelay(100);
	WRITE_ONCE(zt_table.looked_at, 1);
	rcu_read_unlock();
	return 0;
}

static void who_exchanges_objects_waits_for_who_has_read_the_size(struct kunit *test)
{
	DECLARE_COMPLETION_ONSTACK(began);
	struct zt *zt = test->priv;
	struct task_struct *task;

	task = zt_run(zt, zt_read_run, &began);
	wait_for_completion(&began);
	zsdefer_slots_pause(&zt_table.slots);
	KUNIT_EXPECT_EQ(test, READ_ONCE(zt_table.looked_at), 1);
	kthread_stop_put(task);
}

static void zt_take_long(struct zt_table *table)
{
	table->before_take = NULL;
	WRITE_ONCE(table->taking, true);
	mdelay(100);
}

static int zt_walk_run(void *data)
{
	struct zt *zt = data;

	zsdefer_walk(zt->pool->zsdefer);
	return 0;
}

/*
 * Somebody walks, and takes long, for kthread_stop_put(): the line is no longer marked,
 * nor the slots dead that are not locked, but their objects not queued yet.
 */
static struct task_struct *zt_walk_long(struct zt *zt)
{
	struct task_struct *task;

	zt_table.before_take = zt_take_long;
	task = zt_run(zt, zt_walk_run, zt);
	zt_expect_soon(zt, READ_ONCE(zt_table.taking));
	return task;
}

static void a_flush_waits_for_what_others_have_found(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct task_struct *task;

	zt_slots_store(zt, 0, 3, 1000);
	zt_die(zt, 0, 3);
	task = zt_walk_long(zt);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.objects, 3);
	kthread_stop_put(task);
}

static void who_needs_pages_waits_for_what_others_have_found(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct task_struct *task;

	zt_slots_store(zt, 0, 64, 1000);
	zt_die(zt, 0, 64);
	task = zt_walk_long(zt);
	KUNIT_EXPECT_GE(test, zsdefer_take_back(zt->pool->zsdefer, 1, "test"), 1);
	kthread_stop_put(task);
}

/* Who walks has found it locked, and has not marked its line again yet. */
static void at_the_end_no_slot_stays_dead(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct task_struct *task;

	zt_slots_store(zt, 0, 1, 1000);
	zt_slot_lock(&zt_table, 0);
	zt_die(zt, 0, 1);
	task = zt_walk_long(zt);
	zt_slot_unlock(&zt_table, 0);
	zsdefer_slots_settle(&zt_table.slots);
	KUNIT_EXPECT_FALSE(test, zsdefer_slot_died(&zt_table.slots, 0));
	kthread_stop_put(task);
}

/* Somebody has freed the objects of two slots while they died. */
static void a_dead_slot_may_have_no_object(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned long handles[2] = { };
	unsigned int i;

	zt_slots_store(zt, 0, 3, 1000);
	zt_die(zt, 0, 3);
	for (i = 0; i < 2; i++)
		swap(handles[i], zt->all->objects[i].handle);
	zt_slot_lock(&zt_table, 0);
	zt_slot_unlock(&zt_table, 0);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).freed.objects, 1);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 2);
	/* They were counted, so they may be queued. */
	for (i = 0; i < 2; i++)
		zsdefer_queue_link(handles[i], NULL);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 0);
}

static void zt_die_in_slot_0(struct zt_table *table)
{
	struct zsdefer_died died = { };

	table->before_take = NULL;
	KUNIT_EXPECT_EQ(table->zt->test, 0,
			zsdefer_slots_died(&table->slots, 0, 1, &died));
	KUNIT_EXPECT_EQ(table->zt->test, died.now, 1);
}

/* The swap core may use a slot again, and free it before anything is stored. */
static void a_slot_that_is_freed_again_dies_once(struct kunit *test)
{
	struct zt *zt = test->priv;
	struct zsdefer_died died = { };

	zt_slots_store(zt, 0, 2, 1000);
	zt_die(zt, 0, 1);
	KUNIT_EXPECT_EQ(test, zsdefer_slots_died(&zt_table.slots, 0, 2, &died), 0);
	KUNIT_EXPECT_EQ(test, died.now, 1);
	/* Nor do those behind it that have no object. */
	zt_slots_store(zt, 8, 1, 1000);
	zt_die(zt, 8, 1);
	KUNIT_EXPECT_EQ(test, zsdefer_slots_died(&zt_table.slots, 8, 8, &died), 0);
	KUNIT_EXPECT_EQ(test, died.now, 1);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 2);

	/* Or in the middle of a walk. */
	zt_table.before_take = zt_die_in_slot_0;
	zt_flush(zt);
	KUNIT_ASSERT_PTR_EQ(test, (void *)zt_table.before_take, NULL);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).queued, 2);

	/* Or after it. */
	KUNIT_EXPECT_EQ(test, zsdefer_slots_died(&zt_table.slots, 0, 1, &died), 0);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).queued, 2);
	zt_flush(zt);
	KUNIT_EXPECT_EQ(test, zt_stats(zt).waiting_objects, 0);
}

/* All at random */

struct zt_dier {
	struct task_struct *task;
	unsigned long first;
	struct rnd_state rnd;
	unsigned long turns, wrong;
};

#define ZT_DIERS	4
#define ZT_DIES		(ZT_DEAD_SLOTS / ZT_DIERS)

/* What zt_verify_slot() does, with memory of its own. */
static bool zt_slot_holds(struct zt_table *table, unsigned long i)
{
	struct zt_object *object = &table->zt->all->objects[i];
	u8 copy[64], wanted[64];

	zt_pattern(wanted, object);
	return zt_holds(table->zt->pool, object->handle, object->size, wanted,
			copy);
}

static bool zt_slot_store_small(struct zt_table *table, unsigned long i,
				unsigned int size)
{
	struct zt_object *object = &table->zt->all->objects[i];
	unsigned long handle;
	u8 wanted[64];

	handle = zt_malloc(table->zt->pool, size, ZT_GFP);
	if (IS_ERR_VALUE(handle))
		return false;
	zt_slot_lock(table, i);
	if (object->handle)
		zs_free_deferred(table->zt->pool, object->handle);
	*object = (struct zt_object){ handle, size };
	zt_pattern(wanted, object);
	zt_write(table->zt->pool, handle, wanted, size);
	zsdefer_slot_set(&table->slots, i, size);
	zt_slot_unlock(table, i);
	return true;
}

/* Stores, reads and frees in slots of its own; a line has those of several. */
static int zt_dier_run(void *data)
{
	struct zt_dier *d = data;
	struct zt_table *table = &zt_table;
	struct zsdefer_died died;
	unsigned long i, j, n;

	while (!kthread_should_stop()) {
		i = d->first + prandom_u32_state(&d->rnd) % ZT_DIES;
		n = min(1 + prandom_u32_state(&d->rnd) % 40,
			d->first + ZT_DIES - i);
		for (j = i; j < i + n; j++)
			d->wrong += !zt_slot_store_small(table, j, 10 +
					prandom_u32_state(&d->rnd) % 54);
		for (j = i; j < i + n; j++) {
			zt_slot_lock(table, j);
			d->wrong += !zt_slot_holds(table, j);
			zt_slot_unlock(table, j);
		}
		died = (struct zsdefer_died){ };
		zt_slots_die(table, i, n, &died);
		WRITE_ONCE(d->turns, d->turns + 1);
		cond_resched();
	}
	return 0;
}

static void who_stores_dies_and_walks_at_once_loses_nothing(struct kunit *test)
{
	struct zt_dier *diers = kunit_kcalloc(test, ZT_DIERS, sizeof(*diers),
					      GFP_KERNEL);
	unsigned long deadline = jiffies + 60 * HZ;
	struct zt *zt = test->priv;
	struct zsdefer_stats s;
	unsigned int i, least;

	KUNIT_ASSERT_NOT_NULL(test, diers);
	zt_limit(zt, 40 * PAGE_SIZE, 200, 32, 1);
	for (i = 0; i < ZT_DIERS; i++) {
		struct zt_dier *d = &diers[i];

		d->first = i * ZT_DIES;
		prandom_seed_state(&d->rnd, i + 1);
		d->task = zt_run(zt, zt_dier_run, d);
	}
	do {
		zt_flush(zt);
		s = zt_stats(zt);
		KUNIT_EXPECT_LE(test, s.waiting_bytes, 40 * PAGE_SIZE);
		least = INT_MAX;
		for (i = 0; i < ZT_DIERS; i++)
			least = min(least, READ_ONCE(diers[i].turns));
		cond_resched();
	} while (least < 2000 && time_before(jiffies, deadline));
	for (i = 0; i < ZT_DIERS; i++) {
		kthread_stop_put(diers[i].task);
		KUNIT_EXPECT_EQ(test, diers[i].wrong, 0);
	}
	KUNIT_EXPECT_GE(test, least, 2000);
	zt_flush(zt);
	s = zt_stats(zt);
	KUNIT_EXPECT_EQ(test, s.waiting_objects, 0);
	KUNIT_EXPECT_EQ(test, s.queued, s.freed.objects);
	KUNIT_EXPECT_GT(test, s.queued, 10000);
}

/* Set up */

static int zt_slots_init(struct kunit *test)
{
	struct zt *zt;

	if (zt_init(test))
		return -ENOMEM;
	zt = test->priv;
	zt_destroy_pool(zt);
	memset(&zt_table, 0, sizeof(zt_table));
	zt_table.zt = zt;
	zt->pool = zs_create_pool("zsdefer_kunit");
	KUNIT_ASSERT_NOT_NULL(test, zt->pool);
	zt->all->pool = zt->pool;
	KUNIT_ASSERT_EQ(test, zsdefer_slots_alloc(&zt_table.slots, zt->pool,
						  ZT_DEAD_SLOTS, &zt_slots_ops), 0);
	KUNIT_ASSERT_EQ(test, zsdefer_pool_attach(zt->pool, &zt->ctl,
						  &zt_table.slots), 0);
	zt_set(zt, true, ZT_NEVER);
	return 0;
}

static void zt_slots_exit(struct kunit *test)
{
	struct zt *zt = test->priv;
	unsigned long i;

	if (zt && zt->pool && zt->all) {
		for (i = 0; i < ZT_DEAD_SLOTS; i++)
			zt_slot_free_now(&zt_table, i);
		zt->all->nr = 0;
		KUNIT_EXPECT_EQ(test, bitmap_weight((void *)zt_table.slots.dead,
						    ZT_DEAD_SLOTS), 0);
	}
	zt_exit(test);
	zsdefer_slots_free(&zt_table.slots);
}

static struct kunit_case zsdefer_slots_test_cases[] = {
	KUNIT_CASE(what_dies_waits_in_its_class),
	KUNIT_CASE(every_size_dies_in_its_class),
	KUNIT_CASE(what_has_no_object_does_not_die),
	KUNIT_CASE(deaths_keep_class_budget),
	KUNIT_CASE(deaths_keep_budget),
	KUNIT_CASE(nothing_dies_in_place_while_disabled),
	KUNIT_CASE(deaths_start_the_work_item),
	KUNIT_CASE(the_sweep_comes_for_the_dead),
	KUNIT_CASE(lower_limits_leave_none_dead),
	KUNIT_CASE(places_of_the_dead_are_used_before_a_class_grows),
	KUNIT_CASE(who_takes_back_walks_no_further_than_needed),
	KUNIT_CASE(a_pool_goes_away_with_dead_slots),
	KUNIT_CASE(who_locks_a_slot_finds_it_empty),
	KUNIT_CASE(what_the_sweep_has_missed_is_swept),
	KUNIT_CASE(who_stores_before_a_walk_keeps_what_was_stored),
	KUNIT_CASE(a_locked_slot_stays_dead_until_it_is_unlocked),
	KUNIT_CASE(nothing_dies_in_place_while_objects_are_exchanged),
	KUNIT_CASE(who_exchanges_objects_waits_for_who_has_read_the_size),
	KUNIT_CASE(a_flush_waits_for_what_others_have_found),
	KUNIT_CASE(who_needs_pages_waits_for_what_others_have_found),
	KUNIT_CASE(at_the_end_no_slot_stays_dead),
	KUNIT_CASE(a_dead_slot_may_have_no_object),
	KUNIT_CASE(a_slot_that_is_freed_again_dies_once),
	KUNIT_CASE(who_stores_dies_and_walks_at_once_loses_nothing),
	{}
};

static struct kunit_suite zsdefer_slots_test_suite = {
	.name = "zsdefer_slots",
	.init = zt_slots_init,
	.exit = zt_slots_exit,
	.test_cases = zsdefer_slots_test_cases,
};

kunit_test_suite(zsdefer_slots_test_suite);
