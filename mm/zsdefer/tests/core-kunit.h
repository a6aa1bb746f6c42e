/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: KUnit tests of the engine, core.c and queue.c.
 *
 * Included by core.c, so that its statics are in reach. The allocator is a
 * fake, which keeps a bit for every object that waits: what is freed twice,
 * lost, or handed to the wrong class shows in every case, whatever its rule
 * is. It can also be slow, or have the test do something in the middle of a
 * drain.
 *
 * Threads push at once if there are several CPUs, which User-mode Linux has
 * with SMP and ncpus=; else PREEMPT makes them interrupt each other. Without
 * either, they only take turns between their steps, and the cases at the end
 * prove little.
 */

#ifdef CONFIG_ZSDEFER_KUNIT_TEST

#ifndef _MM_ZSDEFER_CORE_KUNIT_H
#define _MM_ZSDEFER_CORE_KUNIT_H

#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>

#include "poll.h"

#define FAKE_QUEUES	4
#define FAKE_THREADS	6	/* the test itself is the first */
#define FAKE_IDS	4096	/* for each thread */
#define FAKE_ALL_IDS	(FAKE_THREADS * FAKE_IDS)
#define FAKE_CALLS	1024
#define FAKE_BURST	64	/* pushes of a thread's step */

/* Handles in a block. */
static const unsigned int fake_handles =
	HWEIGHT64((u64)ZSDEFER_BLOCK_UNUSED);

/* Bounds that are not in the way of what a case is about. */
#define FAKE_PLENTY	SZ_16M
#define FAKE_NEVER	SZ_1M	/* a threshold that is not reached */
#define FAKE_LONG_MS	ZSDEFER_DELAY_MAX_MS

static const unsigned int fake_sizes[FAKE_QUEUES] = { 48, 112, 1024, 4096 };

struct fake;

/* Somebody who pushes, or flushes; the test, too, but without a task. */
struct fake_thread {
	struct fake *fake;
	struct task_struct *task;
	void (*step)(struct fake_thread *t);
	unsigned int first_id;
	unsigned int next_id;
	unsigned long steps;
	unsigned long queued;
	unsigned long refused;
	unsigned long starved;	/* its next id waits still */
	unsigned long excess;	/* samples above a bound */
};

/* One call of the allocator's free. */
struct fake_call {
	unsigned int class;
	unsigned int blocks;
	unsigned int objects;
};

struct fake {
	struct kunit *test;
	struct zsdefer *zd;
	struct zsdefer_queue queues[FAKE_QUEUES];
	struct zsdefer_params params;
	struct fake_thread threads[FAKE_THREADS];
	unsigned int nr_threads;
	struct rnd_state rnd;

	/* How the allocator behaves. */
	unsigned int pages;	/* that go back with a call */
	unsigned int slow_us;
	void (*during)(struct fake *fake);	/* what a drain meets, once */

	/* What it saw. */
	DECLARE_BITMAP(waiting, FAKE_ALL_IDS);
	atomic_long_t bytes;	/* that wait, at least */
	struct kmem_cache *blocks;	/* of handles */
	spinlock_t lock;	/* all that follows */
	unsigned int nr_freed;
	unsigned int nr_calls;
	unsigned int mistakes;
	unsigned int order[FAKE_IDS];
	struct fake_call calls[FAKE_CALLS];
};

/* What a handle points to tells its class and its id. */
static unsigned long fake_object(unsigned int class, unsigned int id)
{
	return (unsigned long)id * FAKE_QUEUES + class + 1;
}

static void fake_free_object(struct fake *fake, unsigned int class,
			     unsigned long *object)
{
	unsigned int id = (*object - 1) / FAKE_QUEUES;

	if (!*object || id >= FAKE_ALL_IDS ||
	    (*object - 1) % FAKE_QUEUES != class ||
	    !test_and_clear_bit(id, fake->waiting)) {
		fake->mistakes++;
		return;
	}
	*object = 0;
	if (fake->nr_freed < FAKE_IDS)
		fake->order[fake->nr_freed] = id;
	WRITE_ONCE(fake->nr_freed, fake->nr_freed + 1);
	atomic_long_sub(fake_sizes[class], &fake->bytes);
}

static void fake_free(void *pool, struct zsdefer_queue *q,
		      const struct zsdefer_taken *taken, unsigned int nr,
		      struct zsdefer_freed *freed)
{
	struct fake *fake = pool;
	unsigned int i, bit, class = q - fake->queues;
	void (*during)(struct fake *fake) = fake->during;

	lockdep_assert_held(&q->worker->drain_lock);
	fake->during = NULL;
	if (during)
		during(fake);
	if (fake->slow_us)
		udelay(fake->slow_us);

	spin_lock(&fake->lock);
	if (!nr || nr > ZSDEFER_TAKE)
		fake->mistakes++;
	for (i = 0; i < nr; i++) {
		for (bit = 0; bit < BITS_PER_LONG; bit++) {
			if (!(taken[i].handles & BIT(bit)))
				continue;
			fake_free_object(fake, class, &taken[i].block->words[bit]);
			freed->objects++;
		}
	}
	if (fake->nr_calls < FAKE_CALLS)
		fake->calls[fake->nr_calls] = (struct fake_call){
			class, nr, freed->objects
		};
	fake->nr_calls++;
	spin_unlock(&fake->lock);
	freed->batches = 1;
	freed->pages = fake->pages;
}

/* Allocate an object with the next id of @t: its handle, or 0. */
static unsigned long fake_alloc(struct fake_thread *t, unsigned int class)
{
	struct zsdefer_queue *q = &t->fake->queues[class];
	unsigned int id = t->first_id + t->next_id;
	struct zsdefer_block *block;
	unsigned long handle;

	if (test_and_set_bit(id, t->fake->waiting)) {
		t->starved++;
		return 0;
	}
	t->next_id = (t->next_id + 1) % FAKE_IDS;

	handle = zsdefer_get_handle(q);
	if (!handle) {
		/* Drains have us push in the middle of them, under a lock. */
		block = kmem_cache_alloc(t->fake->blocks, GFP_ATOMIC);
		if (!block) {
			clear_bit(id, t->fake->waiting);
			t->starved++;
			return 0;
		}
		handle = zsdefer_add_block(q, block);
	}
	*(unsigned long *)handle = fake_object(class, id);
	return handle;
}

/* An object that was refused. */
static void fake_free_now(struct fake_thread *t, unsigned long handle)
{
	t->refused++;
	clear_bit((*(unsigned long *)handle - 1) / FAKE_QUEUES, t->fake->waiting);
	zsdefer_put_handle(handle);
}

/* Push as @t: false if refused, or if its next id waits still. */
static bool fake_push_as(struct fake_thread *t, unsigned int class)
{
	unsigned long handle = fake_alloc(t, class);

	if (!handle)
		return false;
	atomic_long_add(fake_sizes[class], &t->fake->bytes);
	if (!zsdefer_push(t->fake->zd, handle)) {
		atomic_long_sub(fake_sizes[class], &t->fake->bytes);
		fake_free_now(t, handle);
		return false;
	}
	WRITE_ONCE(t->queued, t->queued + 1);
	return true;
}

static bool fake_push(struct fake *fake, unsigned int class)
{
	return fake_push_as(&fake->threads[0], class);
}

/* Push @nr objects, and tell how many of them were queued. */
static unsigned int fake_fill(struct fake *fake, unsigned int class,
			      unsigned int nr)
{
	unsigned int queued = 0;

	while (nr--)
		queued += fake_push(fake, class);
	return queued;
}

/* Into every queue. */
static unsigned int fake_fill_all(struct fake *fake, unsigned int nr)
{
	unsigned int class, queued = 0;

	for (class = 0; class < FAKE_QUEUES; class++)
		queued += fake_fill(fake, class, nr);
	return queued;
}

static void fake_set(struct fake *fake, unsigned long budget,
		     unsigned int class_budget, unsigned int threshold)
{
	fake->params = (struct zsdefer_params){
		.enabled = true,
		.budget = budget,
		.class_budget = class_budget,
		.drain_threshold = threshold,
		.drain_delay_ms = FAKE_LONG_MS,
	};
	zsdefer_set_params(fake->zd, &fake->params);
}

static void fake_set_delay(struct fake *fake, unsigned int ms)
{
	fake->params.drain_delay_ms = ms;
	zsdefer_set_params(fake->zd, &fake->params);
}

static void fake_disable(struct fake *fake)
{
	fake->params.enabled = false;
	zsdefer_set_params(fake->zd, &fake->params);
}

static void fake_flush(struct fake *fake)
{
	zsdefer_flush(fake->zd, "test");
}

static long fake_charged(struct fake *fake)
{
	return fake->zd->limits.budget - atomic_long_read(&fake->zd->room);
}

static struct zsdefer_stats fake_stats(struct fake *fake)
{
	struct zsdefer_stats stats = { };

	zsdefer_add_stats(fake->zd, &stats);
	return stats;
}

static unsigned long fake_waiting(struct fake *fake)
{
	return fake_stats(fake).waiting_objects;
}

static unsigned long fake_waiting_in(struct fake *fake, unsigned int class)
{
	struct zsdefer_stats stats = { };

	zsdefer_add_queue_stats(&stats, &fake->queues[class]);
	return stats.waiting_objects;
}

static unsigned long fake_refused(struct fake *fake, enum zsdefer_fallback why)
{
	return fake_stats(fake).fallbacks[why];
}

/* The work item of @class is pending or running. */
static bool fake_draining(struct fake *fake, unsigned int class)
{
	return work_busy(&fake->queues[class].worker->work);
}

/* A test that waits for long has failed. */
#define fake_expect_soon(_fake, _cond)					\
	KUNIT_ASSERT_EQ_MSG((_fake)->test, 0, zt_poll(_cond, 60),	\
			    "waited in vain for " #_cond)

static void fake_expect_empty(struct fake *fake)
{
	KUNIT_EXPECT_EQ(fake->test, fake_waiting(fake), 0);
	KUNIT_EXPECT_EQ(fake->test, fake_charged(fake), 0);
}

/* Threads */

static int fake_thread_run(void *data)
{
	struct fake_thread *t = data;

	while (!kthread_should_stop()) {
		t->step(t);
		WRITE_ONCE(t->steps, t->steps + 1);
		cond_resched();
	}
	return 0;
}

static struct fake_thread *fake_start(struct fake *fake,
				      void (*step)(struct fake_thread *t))
{
	struct kunit *test = fake->test;
	struct fake_thread *t;
	struct task_struct *task;

	KUNIT_ASSERT_LT(test, fake->nr_threads, FAKE_THREADS);
	t = &fake->threads[fake->nr_threads];
	t->fake = fake;
	t->step = step;
	t->first_id = fake->nr_threads * FAKE_IDS;
	task = kthread_create(fake_thread_run, t, "zsdefer_test");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	t->task = get_task_struct(task);
	fake->nr_threads++;
	wake_up_process(task);
	return t;
}

/* Let every thread do @steps more. */
static void fake_run(struct fake *fake, unsigned long steps)
{
	unsigned int i;

	KUNIT_ASSERT_GT(fake->test, fake->nr_threads, 1);
	for (i = 1; i < fake->nr_threads; i++) {
		struct fake_thread *t = &fake->threads[i];
		unsigned long until = READ_ONCE(t->steps) + steps;

		fake_expect_soon(fake, READ_ONCE(t->steps) >= until);
	}
}

static void fake_stop(struct fake *fake)
{
	unsigned int i;

	for (i = 1; i < fake->nr_threads; i++) {
		struct fake_thread *t = &fake->threads[i];

		if (t->task)
			kthread_stop_put(t->task);
		t->task = NULL;
	}
}

/* What waits in truth may not exceed a bound; pushes are counted before. */
static void fake_sample(struct fake_thread *t)
{
	struct fake *fake = t->fake;
	unsigned int class;

	t->excess += fake_charged(fake) > (long)fake->params.budget;
	t->excess += fake_stats(fake).waiting_bytes > fake->params.budget;
	for (class = 0; class < FAKE_QUEUES; class++)
		t->excess += fake_waiting_in(fake, class) >
			     fake->params.class_budget;
}

static void fake_push_one_queue(struct fake_thread *t)
{
	unsigned int i;

	for (i = 0; i < FAKE_BURST; i++)
		fake_push_as(t, 0);
}

static void fake_push_all_queues(struct fake_thread *t)
{
	unsigned int i;

	for (i = 0; i < FAKE_BURST; i++)
		fake_push_as(t, i % FAKE_QUEUES);
}

static void fake_push_one_and_sample(struct fake_thread *t)
{
	fake_push_one_queue(t);
	fake_sample(t);
}

/* Looks after each push, as an excess lasts only until the next drain. */
static void fake_push_all_and_sample(struct fake_thread *t)
{
	unsigned int i;

	for (i = 0; i < FAKE_BURST; i++) {
		fake_push_as(t, i % FAKE_QUEUES);
		t->excess += fake_charged(t->fake) >
			     (long)t->fake->params.budget;
	}
	fake_sample(t);
}

static void fake_flush_again(struct fake_thread *t)
{
	fake_flush(t->fake);
}

static void fake_take_back_again(struct fake_thread *t)
{
	zsdefer_take_back(t->fake->zd, 1, "test");
	zsdefer_take_own(&t->fake->queues[t->steps % FAKE_QUEUES]);
}

/* All that it has pushed has been freed when a flush returns. */
static void fake_push_and_flush(struct fake_thread *t)
{
	struct fake *fake = t->fake;

	fake_push_all_queues(t);
	fake_flush(fake);
	if (find_next_bit(fake->waiting, t->first_id + FAKE_IDS, t->first_id) <
	    t->first_id + FAKE_IDS)
		t->excess++;
}

/* The sweep, which the delay of a minute leaves to us */

static bool fake_armed(struct fake *fake)
{
	return delayed_work_pending(&fake->zd->sweep);
}

/* Run the sweep now; false if it was not armed. */
static bool fake_sweep(struct fake *fake)
{
	bool armed = fake_armed(fake);

	flush_delayed_work(&fake->zd->sweep);
	return armed;
}

/* Set up, and what must be true at the end of every case */

static void fake_create(struct fake *fake)
{
	unsigned int class;

	fake->zd = zsdefer_create(fake_free, fake, "test", FAKE_QUEUES);
	KUNIT_ASSERT_NOT_NULL(fake->test, fake->zd);
	for (class = 0; class < FAKE_QUEUES; class++) {
		struct zsdefer_queue *q = &fake->queues[class];

		memset(q, 0, sizeof(*q));
		zsdefer_queue_init(q, fake_sizes[class]);
		zsdefer_add_queue(fake->zd, q);
	}
}

static void fake_destroy(struct fake *fake)
{
	zsdefer_destroy(fake->zd);
	fake->zd = NULL;
}

static int fake_init(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	test->priv = fake;
	fake->test = test;
	fake->nr_threads = 1;
	fake->threads[0].fake = fake;
	spin_lock_init(&fake->lock);
	prandom_seed_state(&fake->rnd, 1);
	/* On its own, so that it tells whether any is left. */
	fake->blocks = kmem_cache_create("zsdefer_test", ZSDEFER_BLOCK_SIZE,
					 ZSDEFER_BLOCK_SIZE, SLAB_NO_MERGE, NULL);
	KUNIT_ASSERT_NOT_NULL(test, fake->blocks);
	fake_create(fake);
	fake_set(fake, FAKE_PLENTY, FAKE_IDS, FAKE_NEVER);
	return 0;
}

/* The engine's own figures are the threads'. */
static void fake_check_stats(struct fake *fake, unsigned long queued,
			     unsigned long refused)
{
	struct zsdefer_stats stats;
	unsigned long sum = 0;
	unsigned int why;

	fake_flush(fake);
	stats = fake_stats(fake);
	for (why = 0; why < ZSDEFER_NR_FALLBACKS; why++)
		sum += stats.fallbacks[why];
	KUNIT_EXPECT_EQ(fake->test, stats.queued, queued);
	KUNIT_EXPECT_EQ(fake->test, stats.freed.objects, queued);
	KUNIT_EXPECT_EQ(fake->test, stats.freed.batches, fake->nr_calls);
	KUNIT_EXPECT_EQ_MSG(fake->test, sum, refused,
			    "refused, but not counted");
	fake_expect_empty(fake);
}

static void fake_exit(struct kunit *test)
{
	unsigned long queued = 0, refused = 0;
	struct fake *fake = test->priv;
	unsigned int i;

	if (!fake)
		return;
	fake_stop(fake);
	for (i = 0; i < fake->nr_threads; i++) {
		queued += fake->threads[i].queued;
		refused += fake->threads[i].refused;
	}
	if (fake->zd) {
		fake_check_stats(fake, queued, refused);
		fake_destroy(fake);
	}
	KUNIT_EXPECT_EQ_MSG(test, fake->mistakes, 0,
			    "freed twice, or what had not been queued");
	KUNIT_EXPECT_TRUE_MSG(test, bitmap_empty(fake->waiting, FAKE_ALL_IDS),
			      "objects were lost");
	KUNIT_EXPECT_EQ(test, fake->nr_freed, queued);
	KUNIT_EXPECT_EQ(test, fake->threads[0].starved, 0);
	if (!fake->blocks)
		return;
	KUNIT_EXPECT_EQ_MSG(test, kmem_cache_shrink(fake->blocks), 0,
			    "blocks of handles were lost");
	kmem_cache_destroy(fake->blocks);
}

/* What a push into a full queue does in the middle of a drain */

static void fake_expect_refused(struct fake *fake)
{
	KUNIT_EXPECT_FALSE(fake->test, fake_push(fake, 0));
	KUNIT_EXPECT_FALSE(fake->test, fake_push(fake, 1));
}

/* Bounds */

static void class_budget_is_exact(struct kunit *test)
{
	static const unsigned int budgets[] = { 1, 2, 62, 63, 64, 65, 126, 300 };
	struct fake *fake = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(budgets); i++) {
		unsigned int n = budgets[i];

		fake_flush(fake);
		fake_set(fake, FAKE_PLENTY, n, FAKE_NEVER);
		KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, n - 1), n - 1);
		KUNIT_EXPECT_TRUE(test, fake_push(fake, 0));
		KUNIT_EXPECT_FALSE(test, fake_push(fake, 0));
		KUNIT_EXPECT_EQ(test, fake_refused(fake, ZSDEFER_FULL), i + 1);
	}
	KUNIT_EXPECT_EQ(test, i, 8);
}

static void class_budget_includes_what_is_being_drained(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, FAKE_PLENTY, 100, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_fill_all(fake, 100), 100 * FAKE_QUEUES);
	/* It comes in the drain of the first queue. */
	fake->during = fake_expect_refused;
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake_refused(fake, ZSDEFER_FULL), 2);
	KUNIT_EXPECT_TRUE(test, fake_push(fake, 0));
}

/* The rest of a push that has counted below 0. */
static void fake_expect_queued_late(struct fake *fake, unsigned long handle)
{
	struct zsdefer_queue *q = zsdefer_block_of(handle)->queue;

	KUNIT_EXPECT_EQ(fake->test, zsdefer_count_slow(q), 0);
	/* What zsdefer_push() would have done for it */
	zsdefer_queue_link(handle, NULL);
	atomic_long_sub(q->size, &fake->zd->room);
	atomic_long_add(q->size, &fake->bytes);
	fake->threads[0].queued++;
}

/* It has counted below 0, and is not at the lock yet. */
static void who_is_about_to_think_takes_no_place(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct zsdefer_queue *q = &fake->queues[0];
	unsigned long early, late;

	fake_set(fake, FAKE_PLENTY, 2, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, 3), 2);
	early = fake_alloc(&fake->threads[0], 0);
	late = fake_alloc(&fake->threads[0], 0);
	KUNIT_ASSERT_TRUE(test, early && late);
	KUNIT_ASSERT_TRUE(test, atomic_add_negative(-1, &q->left));
	KUNIT_ASSERT_TRUE(test, atomic_add_negative(-1, &q->left));
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 2);
	KUNIT_EXPECT_EQ(test, zsdefer_count_slow(q), ZSDEFER_REFUSED);
	zsdefer_refuse(q, ZSDEFER_FULL);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 2);

	/* A drain sets the count anew, for others, too. */
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 0);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, 1), 1);
	fake_expect_queued_late(fake, late);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 2);
	KUNIT_EXPECT_FALSE(test, fake_push(fake, 0));
	fake_flush(fake);
	fake_free_now(&fake->threads[0], early);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, 3), 2);
}

/* Others count at the same time, so it must not count one more than is left. */
static void who_is_late_takes_one_that_is_left(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct zsdefer_queue *q = &fake->queues[0];
	unsigned long late;

	fake_fill(fake, 0, 10);
	late = fake_alloc(&fake->threads[0], 0);
	KUNIT_ASSERT_NE(test, late, 0);
	/* Beyond the threshold, where thinking would begin a new count of it. */
	WRITE_ONCE(fake->zd->limits.drain_threshold, 4);
	zsdefer_limits_changed(q);
	q->overdrawn++;
	KUNIT_EXPECT_EQ(test, atomic_read(&q->left), 3);
	fake_expect_queued_late(fake, late);
	KUNIT_EXPECT_EQ(test, atomic_read(&q->left), 2);
	KUNIT_EXPECT_EQ(test, q->overdrawn, 0);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 11);
}

static void a_full_queue_leaves_others_alone(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, FAKE_PLENTY, 10, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, 20), 10);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 1, 10), 10);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 2, 11), 10);
}

static void budget_is_exact(struct kunit *test)
{
	static const unsigned int numbers[] = { 1, 2, 7, 8, 9, 63, 64, 65, 500 };
	unsigned int i, spare, cases = 0;
	struct fake *fake = test->priv;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		unsigned int n = numbers[i];

		for (spare = 0; spare < 48; spare += 47) {
			fake_flush(fake);
			fake_set(fake, n * 48 + spare, FAKE_IDS, FAKE_NEVER);
			KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, n - 1), n - 1);
			KUNIT_EXPECT_TRUE(test, fake_push(fake, 0));
			KUNIT_EXPECT_FALSE(test, fake_push(fake, 0));
			cases++;
			KUNIT_EXPECT_EQ(test, cases,
					fake_refused(fake, ZSDEFER_BUDGET));
		}
	}
	KUNIT_EXPECT_EQ(test, cases, 18);
}

static void budget_includes_what_is_being_drained(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, 100 * 48, 1000, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, 100), 100);
	fake->during = fake_expect_refused;
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake_refused(fake, ZSDEFER_BUDGET), 2);
	KUNIT_EXPECT_TRUE(test, fake_push(fake, 1));
}

/* Refused is only what would really be too much, whoever has room. */
static void budget_is_shared_by_all_queues(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i, refused = 0;

	fake_set(fake, 100000, FAKE_IDS, FAKE_NEVER);
	for (i = 0; i < 3000; i++) {
		unsigned int class = prandom_u32_state(&fake->rnd) % FAKE_QUEUES;
		bool queued = fake_push(fake, class);
		unsigned long bytes = fake_stats(fake).waiting_bytes;

		KUNIT_ASSERT_LE(test, bytes, 100000);
		if (queued)
			continue;
		refused++;
		KUNIT_ASSERT_GT(test, bytes + fake_sizes[class], 100000);
	}
	KUNIT_EXPECT_GT(test, refused, 0);
}

#ifdef kunit_warning_suppress
/* It warns, and queues it once. */
static void what_is_queued_twice_is_seen(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned long handle = fake_alloc(&fake->threads[0], 0);

	KUNIT_ASSERT_TRUE(test, zsdefer_push(fake->zd, handle));
	fake->threads[0].queued++;
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_TRUE(test, zsdefer_push(fake->zd, handle));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 1);
	KUNIT_EXPECT_EQ(test, fake_charged(fake), 48);
}
#endif

/* Thresholds */

static void drain_threshold_is_exact(struct kunit *test)
{
	static const unsigned int thresholds[] = { 1, 2, 56, 57, 58, 64, 256 };
	struct fake *fake = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(thresholds); i++) {
		unsigned int n = thresholds[i];

		fake_flush(fake);
		fake_set(fake, FAKE_PLENTY, 1000, n);
		KUNIT_ASSERT_EQ(test, fake_fill(fake, 0, n - 1), n - 1);
		KUNIT_EXPECT_FALSE_MSG(test, fake_draining(fake, 0),
				       "%u objects started it, not %u", n - 1, n);
		KUNIT_EXPECT_EQ(test, fake_waiting(fake), n - 1);
		KUNIT_ASSERT_TRUE(test, fake_push(fake, 0));
		fake_expect_soon(fake, !fake_waiting(fake));
		/* The worker has a little to do after its last batch. */
		fake_expect_soon(fake, !fake_draining(fake, 0));
	}
	KUNIT_EXPECT_EQ(test, i, 7);
}

static void drain_threshold_counts_anew_after_a_flush(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, FAKE_PLENTY, 1000, 100);
	fake_fill(fake, 0, 99);
	fake_flush(fake);
	fake_fill(fake, 0, 99);
	KUNIT_EXPECT_FALSE(test, fake_draining(fake, 0));
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 99);
	fake_push(fake, 0);
	fake_expect_soon(fake, !fake_waiting(fake));
}

static void drain_threshold_is_of_each_queue(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int class;

	fake_set(fake, FAKE_PLENTY, 1000, 100);
	/* A hundred pages in all would be much, and the sweep come soon. */
	for (class = 0; class < FAKE_QUEUES - 1; class++)
		KUNIT_EXPECT_EQ(test, fake_fill(fake, class, 99), 99);
	for (class = 0; class < FAKE_QUEUES; class++)
		KUNIT_EXPECT_FALSE(test, fake_draining(fake, class));
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 99 * (FAKE_QUEUES - 1));

	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, FAKE_QUEUES - 1, 99), 99);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, 80), 80);
	for (class = 0; class < FAKE_QUEUES; class++)
		KUNIT_EXPECT_FALSE(test, fake_draining(fake, class));
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 179);
}

static void fake_push_100(struct fake *fake)
{
	KUNIT_EXPECT_EQ(fake->test, fake_fill(fake, 0, 100), 100);
}

static void what_comes_during_a_drain_is_drained_after_it(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, FAKE_PLENTY, 1000, 100);
	fake_fill(fake, 0, 99);
	fake->during = fake_push_100;
	fake_flush(fake);
	fake_expect_soon(fake, !fake_waiting(fake));
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 199);
}

/* However much there is, and however it is taken. */
static void a_queue_beyond_its_threshold_is_not_forgotten(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, FAKE_PLENTY, FAKE_IDS, 10);
	fake_fill(fake, 0, 1000);
	zsdefer_take_own(&fake->queues[0]);
	fake_fill(fake, 0, 1000);
	/* Below the threshold the sweep is due in a minute only. */
	fake_expect_soon(fake, fake_waiting(fake) < 10);
}

static void fake_push_500(struct fake *fake)
{
	KUNIT_EXPECT_EQ(fake->test, fake_fill(fake, 0, 500), 500);
	if (fake->nr_calls < 2)
		fake->during = fake_push_500;
}

/* Never as many between two looks at it that a push would say so. */
static void a_worker_that_leaves_too_much_comes_again(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_fill(fake, 0, 40 * fake_handles);
	WRITE_ONCE(fake->zd->limits.drain_threshold, 600);
	zsdefer_limits_changed(&fake->queues[0]);
	fake->during = fake_push_500;
	zsdefer_work(&fake->zd->workers[0].work);
	fake_expect_soon(fake, !fake_waiting(fake));
}

/* A drain */

static void objects_are_drained_in_the_order_they_came(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, fake_fill(fake, 0, 1000), 1000);
	fake_flush(fake);
	KUNIT_ASSERT_EQ(test, fake->nr_freed, 1000);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, fake->order[i], i);
}

static void a_drain_has_16_blocks_in_hand_at_most(struct kunit *test)
{
	unsigned int n = 40 * fake_handles;
	struct fake *fake = test->priv;

	fake_fill(fake, 0, n);
	fake_flush(fake);
	KUNIT_ASSERT_EQ(test, fake->nr_calls, 3);
	KUNIT_EXPECT_EQ(test, fake->calls[0].blocks, 16);
	KUNIT_EXPECT_EQ(test, fake->calls[0].objects, 16 * fake_handles);
	KUNIT_EXPECT_EQ(test, fake->calls[1].blocks, 16);
	KUNIT_EXPECT_EQ(test, fake->calls[2].blocks, 8);
}

static void fake_push_another(struct fake *fake)
{
	fake_push(fake, 0);
	fake->during = fake_push_another;
}

static void a_drain_ends_with_what_was_queued_when_it_began(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_fill(fake, 0, 40 * fake_handles);
	fake->during = fake_push_another;
	fake_flush(fake);
	fake->during = NULL;
	KUNIT_EXPECT_EQ(test, fake->nr_calls, 3);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 40 * fake_handles);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 3);
}

/* They belong to the same block, which waits once more. */
static void the_rest_of_a_block_can_be_queued_meanwhile(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned long handles[2];

	handles[0] = fake_alloc(&fake->threads[0], 0);
	handles[1] = fake_alloc(&fake->threads[0], 0);
	KUNIT_ASSERT_PTR_EQ(test, zsdefer_block_of(handles[0]),
			    zsdefer_block_of(handles[1]));
	fake->threads[0].queued += 2;
	KUNIT_ASSERT_TRUE(test, zsdefer_push(fake->zd, handles[0]));
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 1);
	KUNIT_ASSERT_TRUE(test, zsdefer_push(fake->zd, handles[1]));
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 1);
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 2);
}

static void each_queue_goes_to_its_own_class(struct kunit *test)
{
	struct fake *fake = test->priv;

	KUNIT_EXPECT_EQ(test, fake_fill_all(fake, 200), 200 * FAKE_QUEUES);
	fake_flush(fake);
	/* A handle in a class that is not its own is a mistake. */
	KUNIT_EXPECT_EQ(test, fake->mistakes, 0);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 200 * FAKE_QUEUES);
}

/* Flushes */

/* Who takes memory back */

static void who_needs_pages_takes_no_more_than_enough(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->pages = 3;
	fake_fill(fake, 0, 40 * fake_handles);
	fake_fill(fake, 1, fake_handles);
	KUNIT_EXPECT_EQ(test, zsdefer_take_back(fake->zd, 1, "test"), 3);
	KUNIT_EXPECT_EQ(test, fake->nr_calls, 1);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, fake_handles);
	KUNIT_EXPECT_EQ(test, zsdefer_take_back(fake->zd, 4, "test"), 6);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 3 * fake_handles);
	KUNIT_EXPECT_EQ(test, zsdefer_take_back(fake->zd, 1000, "test"), 38 * 3);
	fake_expect_empty(fake);
	KUNIT_EXPECT_EQ(test, zsdefer_take_back(fake->zd, 100, "test"), 0);
}

static void who_needs_pages_goes_through_all_queues(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_fill_all(fake, 100);
	/* None comes back, so all is freed in the attempt. */
	KUNIT_EXPECT_EQ(test, zsdefer_take_back(fake->zd, 1, "test"), 0);
	fake_expect_empty(fake);
}

static void who_needs_pages_goes_on_where_the_last_one_ended(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i;

	fake->pages = 1;
	fake_fill_all(fake, 1);
	for (i = 0; i < FAKE_QUEUES; i++) {
		zsdefer_take_back(fake->zd, 1, "test");
		/* The first begins with the largest. */
		KUNIT_EXPECT_EQ(test, fake->calls[i].class,
				(i + FAKE_QUEUES - 1) % FAKE_QUEUES);
	}
	KUNIT_EXPECT_EQ(test, fake->nr_calls, FAKE_QUEUES);
}

static void a_class_takes_16_blocks_of_its_own(struct kunit *test)
{
	struct fake *fake = test->priv;

	KUNIT_EXPECT_FALSE(test, zsdefer_take_own(&fake->queues[0]));
	fake_fill(fake, 0, 18 * fake_handles);
	fake_fill(fake, 1, 1);
	KUNIT_EXPECT_TRUE(test, zsdefer_take_own(&fake->queues[0]));
	KUNIT_EXPECT_EQ(test, fake_waiting_in(fake, 0), 2 * fake_handles);
	KUNIT_EXPECT_EQ(test, fake_waiting_in(fake, 1), 1);
}

/* How many pages the OOM killer is told of. */
static unsigned long fake_oom(struct fake *fake)
{
	unsigned long freed = 0;

	zsdefer_oom(NULL, 0, &freed);
	return freed;
}

static void a_kill_is_put_off_16_times_in_a_row(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i, put_off = 0;

	zsdefer_oom_last -= ZSDEFER_OOM_ROW_ENDS + 1;
	fake->pages = SWAP_CLUSTER_MAX - 1;
	fake_fill(fake, 0, 1);
	KUNIT_EXPECT_EQ_MSG(test, fake_oom(fake), 0, "for too little");
	fake->pages = SWAP_CLUSTER_MAX;
	for (i = 0; i < 20; i++) {
		fake_fill(fake, 0, 1);
		put_off += fake_oom(fake) == SWAP_CLUSTER_MAX;
		KUNIT_EXPECT_EQ(test, fake_waiting(fake), 0);
	}
	KUNIT_EXPECT_EQ(test, put_off, 16);
	zsdefer_oom_last -= ZSDEFER_OOM_ROW_ENDS + 1;
	fake_fill(fake, 0, 1);
	KUNIT_EXPECT_EQ(test, fake_oom(fake), SWAP_CLUSTER_MAX);
}

static void bytes_that_wait_are_counted(struct kunit *test)
{
	struct fake *fake = test->priv;

	KUNIT_EXPECT_EQ(test, zsdefer_waiting_bytes(fake->zd), 0);
	fake_fill(fake, 2, 100);
	KUNIT_EXPECT_EQ(test, zsdefer_waiting_bytes(fake->zd), 100 * 1024);
}

static void what_is_disabled_refuses_at_once(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_fill(fake, 0, 10);
	fake_disable(fake);
	fake_expect_empty(fake);
	KUNIT_EXPECT_EQ(test, fake_fill_all(fake, 10), 0);
	KUNIT_EXPECT_EQ(test, fake_refused(fake, ZSDEFER_DISABLED),
			10 * FAKE_QUEUES);
}

/* Limits */

static const struct zsdefer_params fake_high = {
	true, SZ_4M, 1000, 500, FAKE_LONG_MS,
};

static const struct zsdefer_params fake_lower[] = {
	{ false, SZ_4M, 1000, 500, FAKE_LONG_MS },
	{ true, SZ_4M - 1, 1000, 500, FAKE_LONG_MS },
	{ true, SZ_4M, 999, 500, FAKE_LONG_MS },
	{ true, SZ_4M, 1000, 499, FAKE_LONG_MS },
	{ true, SZ_4M, 1000, 500, FAKE_LONG_MS / 2 },
};

static void lowering_any_limit_drains_before_it_returns(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fake_lower); i++) {
		zsdefer_set_params(fake->zd, &fake_high);
		KUNIT_ASSERT_EQ(test, fake_fill_all(fake, 10), 10 * FAKE_QUEUES);
		zsdefer_set_params(fake->zd, &fake_lower[i]);
		fake_expect_empty(fake);
	}
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 5 * 10 * FAKE_QUEUES);
}

static void raising_limits_drains_nothing(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i;

	/* From the second on: nothing waits while it is disabled. */
	for (i = 1; i < ARRAY_SIZE(fake_lower); i++) {
		zsdefer_set_params(fake->zd, &fake_lower[i]);
		/* It may come at once, as the delay is another. */
		fake_sweep(fake);
		KUNIT_ASSERT_EQ(test, fake_fill_all(fake, 10), 10 * FAKE_QUEUES);
		zsdefer_set_params(fake->zd, &fake_high);
		KUNIT_EXPECT_EQ(test, fake_waiting(fake), 10 * FAKE_QUEUES);
		fake_flush(fake);
	}
	KUNIT_EXPECT_EQ(test, i, 5);
}

static void a_lower_delay_holds_for_what_comes_next(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_fill(fake, 0, 1);
	fake_set_delay(fake, 5);
	fake_fill(fake, 0, 1);
	/* Not by the sweep that had been armed for a minute later. */
	fake_expect_soon(fake, !fake_waiting(fake));
}

static void a_budget_is_in_force_as_soon_as_it_is_written(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, 10 * 4096, FAKE_IDS, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 3, 11), 10);
	fake_set(fake, 12 * 4096, FAKE_IDS, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 3, 3), 2);
	fake_set(fake, 3 * 4096, FAKE_IDS, FAKE_NEVER);
	fake_expect_empty(fake);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 3, 4), 3);
}

static void fake_lower_budget(struct fake *fake)
{
	KUNIT_EXPECT_EQ(fake->test, fake_fill(fake, 3, 6), 5);
}

/* In the middle of a drain, too, when room is short already. */
static void a_drain_gives_back_what_it_freed(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, 10 * 4096, FAKE_IDS, FAKE_NEVER);
	fake_fill(fake, 3, 5);
	fake->during = fake_lower_budget;
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake_charged(fake), 5 * 4096);
	fake_flush(fake);
	fake_expect_empty(fake);
}

static struct zsdefer_params fake_valid_params(void)
{
	struct zsdefer_ctl ctl = { };

	zsdefer_ctl_init(&ctl);
	return ctl.params;
}

static void default_values_are_valid(struct kunit *test)
{
	struct zsdefer_params p = fake_valid_params();

	KUNIT_EXPECT_TRUE(test, zsdefer_params_valid(&p));
	KUNIT_EXPECT_EQ(test, p.enabled,
			IS_ENABLED(CONFIG_ZSMALLOC_DEFERRED_FREE_DEFAULT_ON));
	p.enabled = !p.enabled;
	KUNIT_EXPECT_TRUE(test, zsdefer_params_valid(&p));
}

static void a_budget_is_a_page_up_to_all_memory(struct kunit *test)
{
	struct zsdefer_params p = fake_valid_params();
	unsigned long all = totalram_pages() * PAGE_SIZE;

	/* On 32 bit all memory may be more than fits in it. */
	all = min(all - 1 + PAGE_SIZE, (unsigned long)LONG_MAX);
	p.budget = 0;
	KUNIT_EXPECT_FALSE(test, zsdefer_params_valid(&p));
	p.budget = PAGE_SIZE - 1;
	KUNIT_EXPECT_FALSE(test, zsdefer_params_valid(&p));
	p.budget = PAGE_SIZE;
	KUNIT_EXPECT_TRUE(test, zsdefer_params_valid(&p));
	p.budget = all;
	KUNIT_EXPECT_TRUE(test, zsdefer_params_valid(&p));
	p.budget = all + 1;
	KUNIT_EXPECT_FALSE(test, zsdefer_params_valid(&p));
	p.budget = ULONG_MAX;
	KUNIT_EXPECT_FALSE(test, zsdefer_params_valid(&p));
}

static void a_class_budget_is_1_up_to_1048576(struct kunit *test)
{
	struct zsdefer_params p = fake_valid_params();

	p.drain_threshold = 1;
	p.class_budget = 0;
	KUNIT_EXPECT_FALSE(test, zsdefer_params_valid(&p));
	p.class_budget = 1;
	KUNIT_EXPECT_TRUE(test, zsdefer_params_valid(&p));
	p.class_budget = 1048576;
	KUNIT_EXPECT_TRUE(test, zsdefer_params_valid(&p));
	p.class_budget = 1048577;
	KUNIT_EXPECT_FALSE(test, zsdefer_params_valid(&p));
}

static void a_threshold_is_1_up_to_the_class_budget(struct kunit *test)
{
	struct zsdefer_params p = fake_valid_params();

	p.class_budget = 100;
	p.drain_threshold = 0;
	KUNIT_EXPECT_FALSE(test, zsdefer_params_valid(&p));
	p.drain_threshold = 1;
	KUNIT_EXPECT_TRUE(test, zsdefer_params_valid(&p));
	p.drain_threshold = 100;
	KUNIT_EXPECT_TRUE(test, zsdefer_params_valid(&p));
	p.drain_threshold = 101;
	KUNIT_EXPECT_FALSE(test, zsdefer_params_valid(&p));
}

static void a_delay_is_1_ms_up_to_a_minute(struct kunit *test)
{
	struct zsdefer_params p = fake_valid_params();

	p.drain_delay_ms = 0;
	KUNIT_EXPECT_FALSE(test, zsdefer_params_valid(&p));
	p.drain_delay_ms = 1;
	KUNIT_EXPECT_TRUE(test, zsdefer_params_valid(&p));
	p.drain_delay_ms = 60000;
	KUNIT_EXPECT_TRUE(test, zsdefer_params_valid(&p));
	p.drain_delay_ms = 60001;
	KUNIT_EXPECT_FALSE(test, zsdefer_params_valid(&p));
}

/* The sweep */

/* Have the objects of @class wait for longer already. */
static void fake_age(struct fake *fake, unsigned int class, unsigned long by)
{
	struct zsdefer_queue *q = &fake->queues[class];
	struct zsdefer_block *block;

	spin_lock(&q->lock);
	for (block = q->head; block; block = block->next)
		block->since -= by;
	spin_unlock(&q->lock);
}

static void an_idle_engine_has_no_timer(struct kunit *test)
{
	struct fake *fake = test->priv;

	KUNIT_EXPECT_FALSE(test, fake_armed(fake));
	fake_fill(fake, 0, 1);
	KUNIT_EXPECT_TRUE(test, fake_armed(fake));
	fake_flush(fake);
	/* Nothing is left that it could come back for. */
	KUNIT_EXPECT_TRUE(test, fake_sweep(fake));
	KUNIT_EXPECT_FALSE(test, fake_armed(fake));
	/* It is armed for those who come next. */
	fake_fill(fake, 0, 1);
	KUNIT_EXPECT_TRUE(test, fake_armed(fake));
}

static void the_sweep_frees_all_that_waits(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_fill(fake, 0, 3);
	fake_fill(fake, 1, 20 * fake_handles);
	KUNIT_ASSERT_TRUE(test, fake_sweep(fake));
	fake_expect_empty(fake);
	KUNIT_EXPECT_FALSE(test, fake_armed(fake));
}

static void fake_fill_one(struct fake *fake)
{
	fake_fill(fake, 0, 1);
}

/* Nobody arms it for what comes into a queue that is not empty. */
static void the_sweep_returns_for_what_came_meanwhile(struct kunit *test)
{
	unsigned long delay = msecs_to_jiffies(FAKE_LONG_MS);
	struct fake *fake = test->priv;
	long left;

	fake_fill(fake, 0, (ZSDEFER_TAKE + 1) * fake_handles);
	fake->during = fake_fill_one;
	KUNIT_ASSERT_TRUE(test, fake_sweep(fake));
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 1);
	KUNIT_ASSERT_TRUE(test, fake_armed(fake));
	left = fake->zd->sweep.timer.expires - jiffies;
	KUNIT_EXPECT_LE(test, left, (long)delay);
	KUNIT_EXPECT_GT(test, left, (long)delay - 10 * HZ);
}

static bool fake_held;

/* Has blocks in hand until somebody says so, or a test has failed anyway. */
static void fake_hold(struct fake *fake)
{
	ktime_t end = ktime_add_ms(ktime_get(), 10000);

	WRITE_ONCE(fake_held, true);
	while (READ_ONCE(fake_held) && ktime_before(ktime_get(), end))
		cpu_relax();
}

static bool fake_invited, fake_queued_up;

/* The sweep has blocks in hand, and somebody else wants some; who then holds his. */
static void fake_invite(struct fake *fake)
{
	spinlock_t *lock = &fake->queues[0].worker->drain_lock;
	ktime_t end = ktime_add_ms(ktime_get(), 2000);

	WRITE_ONCE(fake_invited, true);
	do {
		fake_queued_up = spin_is_contended(lock);
		cpu_relax();
	} while (!fake_queued_up && ktime_before(ktime_get(), end));
	if (fake_queued_up)
		fake->during = fake_hold;
}

static void fake_take_own_if_invited(struct fake_thread *t)
{
	if (READ_ONCE(fake_invited)) {
		WRITE_ONCE(fake_invited, false);
		zsdefer_take_own(&t->fake->queues[0]);
	}
	usleep_range(1000, 2000);
}

static bool fake_due_soon(struct fake *fake)
{
	return time_before_eq(READ_ONCE(fake->zd->sweep.timer.expires),
			      jiffies + msecs_to_jiffies(ZSDEFER_SOON_MS));
}

/*
 * What is held is left, all other classes are swept, and the sweep comes again: soon,
 * and not in a delay, which is a minute.
 */
static void fake_expect_left(struct fake *fake, unsigned int freed)
{
	struct kunit *test = fake->test;
	unsigned long begin = jiffies;

	fake_expect_soon(fake, READ_ONCE(fake_held));
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->nr_freed), freed);
	KUNIT_EXPECT_TRUE(test, fake_due_soon(fake));
	WRITE_ONCE(fake_held, false);
	fake_expect_soon(fake, !fake_waiting(fake));
	KUNIT_EXPECT_LT(test, jiffies - begin, 30UL * HZ);
}

/* It would only wait, and the others with it. */
static void the_sweep_leaves_a_class_to_who_is_at_it(struct kunit *test)
{
	struct fake *fake = test->priv;

	if (num_online_cpus() < 2)
		kunit_skip(test, "takes two CPUs");
	fake_held = false;
	fake_invited = true;
	fake_fill_all(fake, 1);
	fake->during = fake_hold;
	fake_start(fake, fake_take_own_if_invited);
	fake_expect_soon(fake, READ_ONCE(fake_held));
	fake_fill(fake, 0, 1);
	KUNIT_ASSERT_TRUE(test, fake_sweep(fake));
	fake_expect_left(fake, FAKE_QUEUES - 1);
}

static void the_sweep_leaves_a_class_to_who_comes_to_it(struct kunit *test)
{
	unsigned int first = ZSDEFER_TAKE * fake_handles;
	struct fake *fake = test->priv;

	if (num_online_cpus() < 2)
		kunit_skip(test, "takes two CPUs");
	fake_held = false;
	fake_invited = false;
	fake_fill(fake, 0, 3 * first);
	fake->during = fake_invite;
	fake_start(fake, fake_take_own_if_invited);
	KUNIT_ASSERT_TRUE(test, fake_sweep(fake));
	/* As most hypervisors' guests, and PREEMPT_RT. */
	if (!fake_queued_up)
		kunit_skip(test, "who waits for a spinlock here does not queue up");
	fake_expect_left(fake, first);
}

static void fake_make_it_much(struct fake *fake)
{
	fake_fill(fake, 3, 1);
	fake->zd->plenty = FAKE_PLENTY;
}

/* And its rest, although the delay is a minute. */
static void much_is_swept_soon(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned long expires;

	fake_set(fake, FAKE_PLENTY, FAKE_IDS, 100);
	KUNIT_EXPECT_EQ(test, fake->zd->plenty, FAKE_PLENTY - 100 * PAGE_SIZE);
	/* As if it were eight objects of 4096 bytes. */
	fake->zd->plenty = FAKE_PLENTY - 8 * 4096;
	fake->zd->look_at = fake->zd->plenty;
	fake_fill(fake, 3, 6);
	KUNIT_ASSERT_TRUE(test, fake_armed(fake));
	expires = fake->zd->sweep.timer.expires;
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 3, 1), 1);
	KUNIT_EXPECT_EQ(test, fake->zd->sweep.timer.expires, expires);

	fake->during = fake_fill_one;
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 3, 1), 1);
	fake_expect_soon(fake, READ_ONCE(fake->nr_freed) == 9);
	/* It frees, and then gives the charge back. */
	fake_expect_soon(fake, !work_busy(&fake->zd->sweep.work));
	fake_expect_empty(fake);

	/* Also if the first is much, before there is a timer. */
	fake_sweep(fake);
	fake->zd->plenty = FAKE_PLENTY - 4096;
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 3, 1), 1);
	KUNIT_EXPECT_TRUE(test, fake_due_soon(fake));

	/* Or while the sweep is at it. */
	fake_flush(fake);
	fake_sweep(fake);
	fake->zd->plenty = 0;
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 3, 1), 1);
	fake->during = fake_make_it_much;
	KUNIT_EXPECT_TRUE(test, fake_sweep(fake));
	KUNIT_EXPECT_TRUE(test, fake_due_soon(fake));
}

/* MemAvailable knows of all that waits, but for a mebibyte. */
static void what_waits_is_told_to_be_available(struct kunit *test)
{
	struct fake *fake = test->priv;
	long i, pages;

	for (i = 1; i <= 1000; i++) {
		KUNIT_ASSERT_EQ(test, fake_fill(fake, 3, 1), 1);
		pages = i * 4096 / PAGE_SIZE;
		KUNIT_EXPECT_LE(test, fake->zd->told, pages);
		KUNIT_EXPECT_GE(test, fake->zd->told,
				pages - (long)(SZ_1M / PAGE_SIZE));
	}
	KUNIT_EXPECT_GT(test, fake->zd->told, 0);
	zsdefer_take_own(&fake->queues[3]);
	KUNIT_EXPECT_EQ(test, fake->zd->told, fake_charged(fake) / PAGE_SIZE);
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake->zd->told, 0);
}

/* A budget of fewer pages than the threshold is never much, however many. */
static void what_is_much_is_within_the_budget(struct kunit *test)
{
	static const unsigned long thresholds[] = {
		FAKE_PLENTY / PAGE_SIZE + 1, SZ_1M, ULONG_MAX / PAGE_SIZE + 1
	};
	struct fake *fake = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(thresholds); i++) {
		fake->params.drain_threshold = thresholds[i];
		zsdefer_set_params(fake->zd, &fake->params);
		KUNIT_EXPECT_LT(test, fake->zd->plenty, 0);
	}
	fake->params.drain_threshold = FAKE_PLENTY / PAGE_SIZE;
	zsdefer_set_params(fake->zd, &fake->params);
	KUNIT_EXPECT_EQ(test, fake->zd->plenty, 0);
}

static void nothing_waits_forever_below_the_threshold(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i;

	fake_set_delay(fake, 5);
	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_EQ(test, fake_fill_all(fake, 3), 3 * FAKE_QUEUES);
		fake_expect_soon(fake, !fake_waiting(fake));
	}
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 5 * 3 * FAKE_QUEUES);
}

/* What is shown */

static void the_longest_wait_is_remembered(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_fill(fake, 0, 2);
	fake_fill(fake, 1, 2);
	fake_age(fake, 0, 1000 * HZ);
	fake_flush(fake);
	fake_fill(fake, 0, 2);
	fake_flush(fake);
	KUNIT_EXPECT_GE(test, fake_stats(fake).longest_wait, 1000 * HZ);
	KUNIT_EXPECT_LT(test, fake_stats(fake).longest_wait, 1030 * HZ);
}

static void fake_expect_100_waiting(struct fake *fake)
{
	KUNIT_EXPECT_EQ(fake->test, fake_waiting(fake), 100);
	KUNIT_EXPECT_EQ(fake->test, fake_charged(fake), 100 * 48);
}

static void waiting_is_until_freed_not_until_taken(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_fill(fake, 0, 100);
	fake->during = fake_expect_100_waiting;
	fake_flush(fake);
	fake_expect_empty(fake);
}

static void pages_that_drains_give_back_are_summed_up(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->pages = 3;
	fake_fill_all(fake, 3);
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake_stats(fake).freed.pages, 3 * FAKE_QUEUES);
}

/* Several at once */

/*
 * Let every thread do @steps more, and drains free something meanwhile: a
 * worker may get its turn only after all these steps, on a slow machine.
 */
static void fake_run_and_drain(struct fake *fake, unsigned long steps)
{
	unsigned int freed = READ_ONCE(fake->nr_freed);

	fake_run(fake, steps);
	fake_expect_soon(fake, READ_ONCE(fake->nr_freed) != freed);
}

static void fake_expect_no_excess(struct fake *fake)
{
	unsigned int i;

	KUNIT_ASSERT_GT(fake->test, fake->nr_threads, 1);
	for (i = 1; i < fake->nr_threads; i++)
		KUNIT_EXPECT_EQ_MSG(fake->test, fake->threads[i].excess, 0,
				    "thread %u saw a bound exceeded", i);
}

static unsigned long fake_all_refused(struct fake *fake)
{
	unsigned long sum = 0;
	unsigned int i;

	for (i = 0; i < fake->nr_threads; i++)
		sum += fake->threads[i].refused;
	return sum;
}

/* Pushers and a slow allocator; all bounds are met. */
static void fake_race(struct fake *fake, void (*step)(struct fake_thread *t),
		      unsigned long steps)
{
	unsigned int i;

	fake->slow_us = 5;
	for (i = 0; i < 4; i++)
		fake_start(fake, step);
	fake_run_and_drain(fake, steps);
	/* Drains make room, so everybody gets a turn. */
	for (i = 1; i <= 4; i++)
		fake_expect_soon(fake, READ_ONCE(fake->threads[i].queued));
	fake_stop(fake);
	fake_expect_no_excess(fake);
	KUNIT_EXPECT_GT(fake->test, fake_all_refused(fake), 0);
	fake_flush(fake);
	fake_expect_empty(fake);
}

static void bounds_hold_when_many_push_into_one_queue(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, 200 * 48, 150, 100);
	fake_race(fake, fake_push_one_and_sample, 100);
	KUNIT_EXPECT_GT(test, fake_refused(fake, ZSDEFER_FULL), 0);
}

static void bounds_hold_when_many_push_into_all_queues(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, 20 * 5280, 500, 10);
	fake_race(fake, fake_push_all_and_sample, 100);
	KUNIT_EXPECT_GT(test, fake_refused(fake, ZSDEFER_BUDGET), 0);
}

static void bounds_hold_when_the_budget_is_tiny(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, 2 * 5280, 3, 2);
	fake_race(fake, fake_push_all_and_sample, 100);
}

static void nothing_is_lost_when_many_flush(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, 40 * 5280, 500, 200);
	fake_start(fake, fake_push_all_and_sample);
	fake_start(fake, fake_push_all_and_sample);
	fake_start(fake, fake_flush_again);
	fake_start(fake, fake_flush_again);
	fake_start(fake, fake_take_back_again);
	fake_run_and_drain(fake, 100);
	fake_stop(fake);
	fake_expect_no_excess(fake);
}

static void the_sweep_and_pushers_lose_nothing(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, 20 * 5280, 500, FAKE_NEVER);
	fake_set_delay(fake, 1);
	fake_start(fake, fake_push_all_and_sample);
	fake_start(fake, fake_push_all_and_sample);
	fake_run_and_drain(fake, 100);
	fake_stop(fake);
	fake_expect_no_excess(fake);
	fake_expect_soon(fake, !fake_waiting(fake));
}

/* What must be true as soon as new limits are in force. */
static void fake_expect_within(struct fake *fake,
			       const struct zsdefer_params *params)
{
	unsigned long budget = params->enabled ? params->budget : 0;
	unsigned int class_budget = params->enabled ? params->class_budget : 0;
	unsigned int class;

	KUNIT_ASSERT_LE(fake->test, fake_stats(fake).waiting_bytes, budget);
	for (class = 0; class < FAKE_QUEUES; class++)
		KUNIT_ASSERT_LE(fake->test, fake_waiting_in(fake, class),
				class_budget);
}

static void limits_hold_from_the_moment_they_are_set(struct kunit *test)
{
	static const struct zsdefer_params turns[] = {
		{ true, 40 * 5280, 500, 200, 10 },
		{ true, 10 * 5280, 500, 200, 10 },
		{ true, 40 * 5280, 50, 20, 10 },
		{ false, 40 * 5280, 500, 200, 10 },
		{ true, 2 * 5280, 100, 1, 1 },
		{ true, 40 * 5280, 500, 500, FAKE_LONG_MS },
		{ false, 10 * 5280, 5, 5, 10 },
	};
	struct fake *fake = test->priv;
	unsigned int i;

	fake_start(fake, fake_push_all_queues);
	fake_start(fake, fake_push_one_queue);
	for (i = 0; i < 10 * ARRAY_SIZE(turns); i++) {
		const struct zsdefer_params *turn = &turns[i % ARRAY_SIZE(turns)];

		zsdefer_set_params(fake->zd, turn);
		fake_expect_within(fake, turn);
		fake_run(fake, 2);
		fake_expect_within(fake, turn);
	}
	fake_stop(fake);
	KUNIT_EXPECT_GT(test, fake->nr_freed, 0);
	KUNIT_EXPECT_GT(test, fake_refused(fake, ZSDEFER_DISABLED), 0);
}

static void nothing_is_queued_after_disabling_returns(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i;

	fake_start(fake, fake_push_all_queues);
	fake_start(fake, fake_push_all_queues);
	for (i = 0; i < 20; i++) {
		unsigned long queued;

		fake_set(fake, FAKE_PLENTY, 1000, 300);
		fake_run(fake, 2);
		fake_disable(fake);
		queued = fake_stats(fake).queued;
		fake_expect_empty(fake);
		fake_run(fake, 2);
		KUNIT_ASSERT_EQ(test, fake_stats(fake).queued, queued);
		fake_expect_empty(fake);
	}
	fake_stop(fake);
	KUNIT_EXPECT_GT(test, fake->nr_freed, 0);
}

/* Whoever else drains, and whatever they have in hand. */
static void a_flush_returns_when_all_is_freed(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, FAKE_PLENTY, 1000, 50);
	fake->slow_us = 20;
	fake_start(fake, fake_push_and_flush);
	fake_start(fake, fake_push_and_flush);
	fake_start(fake, fake_flush_again);
	fake_start(fake, fake_take_back_again);
	fake_run_and_drain(fake, 100);
	fake_stop(fake);
	fake_expect_no_excess(fake);
}

/* The end */

static void full_queues_are_freed_at_the_end(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, FAKE_PLENTY, 500, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_fill_all(fake, 501), 500 * FAKE_QUEUES);
	fake_destroy(fake);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 500 * FAKE_QUEUES);
}

static void the_end_waits_for_work_in_hand_and_pending(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		fake_set(fake, FAKE_PLENTY, 1000, 64);
		fake->slow_us = 100;
		KUNIT_ASSERT_EQ(test, fake_fill_all(fake, 64), 64 * FAKE_QUEUES);
		fake_destroy(fake);
		KUNIT_ASSERT_TRUE(test, bitmap_empty(fake->waiting, FAKE_ALL_IDS));
		fake_create(fake);
	}
	fake_destroy(fake);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 20 * 64 * FAKE_QUEUES);
}

/*
 * A sweep that comes for an engine that is gone would touch freed memory,
 * which only a kernel that watches for that can tell.
 */
static void the_end_comes_while_the_sweep_is_armed(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		fake_set(fake, FAKE_PLENTY, 1000, FAKE_NEVER);
		/* A jiffy, so that it is also met while it runs. */
		if (i % 2)
			fake_set_delay(fake, 1);
		KUNIT_ASSERT_EQ(test, fake_fill_all(fake, 3), 3 * FAKE_QUEUES);
		fake_destroy(fake);
		fake_create(fake);
	}
	fake_destroy(fake);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 20 * 3 * FAKE_QUEUES);
}

static DECLARE_COMPLETION(fake_has_begun);
static DECLARE_COMPLETION(fake_has_a_cpu);

/* The work item of a queue, which gets a CPU only when somebody says so. */
static void fake_starve(struct work_struct *work)
{
	complete(&fake_has_begun);
	wait_for_completion(&fake_has_a_cpu);
	zsdefer_work(work);
}

static void the_end_waits_for_nobody_without_a_cpu(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct work_struct *work = &fake->zd->workers->work;

	KUNIT_ASSERT_EQ(test, fake_fill_all(fake, 10), 10 * FAKE_QUEUES);
	work->func = fake_starve;
	queue_work(zsdefer_wq, work);
	wait_for_completion(&fake_has_begun);
	fake_destroy(fake);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 10 * FAKE_QUEUES);
	/* Queues go with their pool, and are not looked at again. */
	memset(fake->queues, 0x6b, sizeof(fake->queues));
	complete(&fake_has_a_cpu);
	flush_workqueue(zsdefer_wq);
}

static void the_end_comes_before_it_was_bound(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_destroy(fake);
	fake_create(fake);
	KUNIT_EXPECT_FALSE(test, fake->zd->limits.enabled);
	KUNIT_EXPECT_FALSE(test, fake_push(fake, 0));
	fake_destroy(fake);
	zsdefer_destroy(NULL);
}

static struct kunit_case zsdefer_test_cases[] = {
	KUNIT_CASE(class_budget_is_exact),
	KUNIT_CASE(class_budget_includes_what_is_being_drained),
	KUNIT_CASE(who_is_about_to_think_takes_no_place),
	KUNIT_CASE(who_is_late_takes_one_that_is_left),
	KUNIT_CASE(a_full_queue_leaves_others_alone),
	KUNIT_CASE(budget_is_exact),
	KUNIT_CASE(budget_includes_what_is_being_drained),
	KUNIT_CASE(budget_is_shared_by_all_queues),
#ifdef kunit_warning_suppress
	KUNIT_CASE(what_is_queued_twice_is_seen),
#endif
	KUNIT_CASE(drain_threshold_is_exact),
	KUNIT_CASE(drain_threshold_counts_anew_after_a_flush),
	KUNIT_CASE(drain_threshold_is_of_each_queue),
	KUNIT_CASE(what_comes_during_a_drain_is_drained_after_it),
	KUNIT_CASE(a_queue_beyond_its_threshold_is_not_forgotten),
	KUNIT_CASE(a_worker_that_leaves_too_much_comes_again),
	KUNIT_CASE(objects_are_drained_in_the_order_they_came),
	KUNIT_CASE(a_drain_has_16_blocks_in_hand_at_most),
	KUNIT_CASE(a_drain_ends_with_what_was_queued_when_it_began),
	KUNIT_CASE(the_rest_of_a_block_can_be_queued_meanwhile),
	KUNIT_CASE(each_queue_goes_to_its_own_class),
	KUNIT_CASE(who_needs_pages_takes_no_more_than_enough),
	KUNIT_CASE(who_needs_pages_goes_through_all_queues),
	KUNIT_CASE(who_needs_pages_goes_on_where_the_last_one_ended),
	KUNIT_CASE(a_class_takes_16_blocks_of_its_own),
	KUNIT_CASE(a_kill_is_put_off_16_times_in_a_row),
	KUNIT_CASE(bytes_that_wait_are_counted),
	KUNIT_CASE(what_is_disabled_refuses_at_once),
	KUNIT_CASE(lowering_any_limit_drains_before_it_returns),
	KUNIT_CASE(raising_limits_drains_nothing),
	KUNIT_CASE(a_lower_delay_holds_for_what_comes_next),
	KUNIT_CASE(a_budget_is_in_force_as_soon_as_it_is_written),
	KUNIT_CASE(a_drain_gives_back_what_it_freed),
	KUNIT_CASE(default_values_are_valid),
	KUNIT_CASE(a_budget_is_a_page_up_to_all_memory),
	KUNIT_CASE(a_class_budget_is_1_up_to_1048576),
	KUNIT_CASE(a_threshold_is_1_up_to_the_class_budget),
	KUNIT_CASE(a_delay_is_1_ms_up_to_a_minute),
	KUNIT_CASE(an_idle_engine_has_no_timer),
	KUNIT_CASE(the_sweep_frees_all_that_waits),
	KUNIT_CASE(the_sweep_returns_for_what_came_meanwhile),
	KUNIT_CASE(the_sweep_leaves_a_class_to_who_is_at_it),
	KUNIT_CASE(the_sweep_leaves_a_class_to_who_comes_to_it),
	KUNIT_CASE(much_is_swept_soon),
	KUNIT_CASE(what_is_much_is_within_the_budget),
	KUNIT_CASE(what_waits_is_told_to_be_available),
	KUNIT_CASE(nothing_waits_forever_below_the_threshold),
	KUNIT_CASE(the_longest_wait_is_remembered),
	KUNIT_CASE(waiting_is_until_freed_not_until_taken),
	KUNIT_CASE(pages_that_drains_give_back_are_summed_up),
	KUNIT_CASE(bounds_hold_when_many_push_into_one_queue),
	KUNIT_CASE(bounds_hold_when_many_push_into_all_queues),
	KUNIT_CASE(bounds_hold_when_the_budget_is_tiny),
	KUNIT_CASE(nothing_is_lost_when_many_flush),
	KUNIT_CASE(the_sweep_and_pushers_lose_nothing),
	KUNIT_CASE(limits_hold_from_the_moment_they_are_set),
	KUNIT_CASE(nothing_is_queued_after_disabling_returns),
	KUNIT_CASE(a_flush_returns_when_all_is_freed),
	KUNIT_CASE(full_queues_are_freed_at_the_end),
	KUNIT_CASE(the_end_waits_for_work_in_hand_and_pending),
	KUNIT_CASE(the_end_comes_while_the_sweep_is_armed),
	KUNIT_CASE(the_end_waits_for_nobody_without_a_cpu),
	KUNIT_CASE(the_end_comes_before_it_was_bound),
	{}
};

static struct kunit_suite zsdefer_test_suite = {
	.name = "zsdefer",
	.init = fake_init,
	.exit = fake_exit,
	.test_cases = zsdefer_test_cases,
};

kunit_test_suite(zsdefer_test_suite);

#endif /* _MM_ZSDEFER_CORE_KUNIT_H */

#endif /* CONFIG_ZSDEFER_KUNIT_TEST */
