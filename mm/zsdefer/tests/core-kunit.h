/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: KUnit tests of the engine, core.c and queue.c.
 *
 * Included by core.c, so that its statics are in reach. The allocator is a
 * fake, which keeps a bit for every object that waits: what is freed twice,
 * lost, or handed to the wrong class shows in every case, whatever its rule
 * is. It can also leave tails, be slow, or hold a drain at a gate until the
 * test has looked at it.
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
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/kthread.h>
#include <linux/prandom.h>

#define FAKE_QUEUES	4
#define FAKE_THREADS	6	/* the test itself is the first */
#define FAKE_IDS	4096	/* for each thread */
#define FAKE_ALL_IDS	(FAKE_THREADS * FAKE_IDS)
#define FAKE_CALLS	1024
#define FAKE_BURST	64	/* pushes of a thread's step */

/* Bounds that are not in the way of what a case is about. */
#define FAKE_PLENTY	SZ_16M
#define FAKE_NEVER	SZ_1G	/* a threshold that is not reached */
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
	unsigned int freed_then;
};

/* One call of free_batch. */
struct fake_call {
	unsigned int nr;
	unsigned int taken;
	bool more;
};

struct fake {
	struct kunit *test;
	struct zsdefer *zd;
	struct zsdefer_queue *queues[FAKE_QUEUES];
	struct zsdefer_params params;
	struct fake_thread threads[FAKE_THREADS];
	unsigned int nr_threads;
	struct rnd_state rnd;

	/* How the allocator behaves. */
	unsigned long nr_objects;
	unsigned int keep;	/* handles left to the next batch */
	unsigned int pages;	/* that go back with a batch */
	unsigned int slow_us;
	bool gated;
	struct completion entered;
	struct completion open;

	/* What it saw. */
	DECLARE_BITMAP(waiting, FAKE_ALL_IDS);
	atomic_long_t bytes;	/* that wait, at least */
	spinlock_t lock;	/* all that follows */
	unsigned int nr_freed;
	unsigned int nr_calls;
	unsigned int mistakes;
	unsigned int order[FAKE_IDS];
	struct fake_call calls[FAKE_CALLS];
};

/* A handle tells its class and its id, and is not zero. */
static unsigned long fake_handle(unsigned int class, unsigned int id)
{
	return (unsigned long)id * FAKE_QUEUES + class + 1;
}

static void fake_free(struct fake *fake, unsigned int class,
		      unsigned long handle)
{
	unsigned int id = (handle - 1) / FAKE_QUEUES;

	if (!handle || id >= FAKE_ALL_IDS ||
	    (handle - 1) % FAKE_QUEUES != class ||
	    !test_and_clear_bit(id, fake->waiting)) {
		fake->mistakes++;
		return;
	}
	if (fake->nr_freed < FAKE_IDS)
		fake->order[fake->nr_freed] = id;
	WRITE_ONCE(fake->nr_freed, fake->nr_freed + 1);
	atomic_long_sub(fake_sizes[class], &fake->bytes);
}

static void fake_wait_at_gate(struct fake *fake)
{
	if (!READ_ONCE(fake->gated))
		return;
	complete(&fake->entered);
	wait_for_completion(&fake->open);
}

static unsigned int fake_free_batch(void *pool, void *class,
				    unsigned long *handles, unsigned int nr,
				    bool more, struct zsdefer_freed *freed)
{
	struct fake *fake = pool;
	unsigned int i, taken = nr;

	fake_wait_at_gate(fake);
	if (fake->slow_us)
		udelay(fake->slow_us);
	if (more && nr > 1)
		taken = nr - min(nr - 1, fake->keep);

	spin_lock(&fake->lock);
	if (!nr || nr > ZSDEFER_BATCH)
		fake->mistakes++;
	for (i = 0; i < taken; i++)
		fake_free(fake, (unsigned long)class, handles[i]);
	if (fake->nr_calls < FAKE_CALLS)
		fake->calls[fake->nr_calls] =
			(struct fake_call){ nr, taken, more };
	fake->nr_calls++;
	spin_unlock(&fake->lock);

	*freed = (struct zsdefer_freed){ .pages = fake->pages };
	return taken;
}

/* Classes are numbers, so the pool is found aside. */
static struct fake *fake_now;

static unsigned long fake_nr_objects(void *class)
{
	return READ_ONCE(fake_now->nr_objects);
}

static const struct zsdefer_ops fake_ops = {
	.free_batch = fake_free_batch,
	.nr_objects = fake_nr_objects,
};

static void fake_close_gate(struct fake *fake)
{
	reinit_completion(&fake->entered);
	reinit_completion(&fake->open);
	WRITE_ONCE(fake->gated, true);
}

static void fake_open_gate(struct fake *fake)
{
	WRITE_ONCE(fake->gated, false);
	complete_all(&fake->open);
}

/* Push as @t: false if refused, or if its next id waits still. */
static bool fake_push_as(struct fake_thread *t, unsigned int class)
{
	struct zsdefer_queue *q = t->fake->queues[class];
	unsigned int id = t->first_id + t->next_id;
	bool queued;

	if (test_and_set_bit(id, t->fake->waiting)) {
		t->starved++;
		return false;
	}
	t->next_id = (t->next_id + 1) % FAKE_IDS;

	spin_lock(&q->lock);
	queued = zsdefer_push(q, fake_handle(class, id));
	spin_unlock(&q->lock);
	if (queued) {
		WRITE_ONCE(t->queued, t->queued + 1);
		atomic_long_add(fake_sizes[class], &t->fake->bytes);
	} else {
		t->refused++;
		clear_bit(id, t->fake->waiting);
	}
	return queued;
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

static bool fake_flush(struct fake *fake)
{
	return zsdefer_flush(fake->zd, "test");
}

static unsigned long fake_charged(struct fake *fake)
{
	return atomic_long_read(&fake->zd->shared.charged_bytes);
}

static struct zsdefer_stats fake_stats(struct fake *fake)
{
	struct zsdefer_stats stats;

	zsdefer_read_stats(fake->zd, &stats);
	return stats;
}

static unsigned long fake_waiting(struct fake *fake)
{
	return fake_stats(fake).waiting_objects;
}

static unsigned long fake_refused(struct fake *fake, enum zsdefer_fallback why)
{
	return fake_stats(fake).fallbacks[why];
}

/* A queue at one moment. */
struct fake_view {
	unsigned int charged;
	unsigned int queued;
	unsigned int waiting;
	unsigned int room;
};

static struct fake_view fake_look(struct fake *fake, unsigned int class)
{
	struct zsdefer_queue *q = fake->queues[class];
	struct fake_view view;

	spin_lock(&q->lock);
	view.charged = q->charged;
	view.queued = zsdefer_nr_queued(q);
	view.waiting = zsdefer_nr_waiting(q);
	view.room = zsdefer_room(q);
	spin_unlock(&q->lock);
	return view;
}

/* The work item of @class is pending or running. */
static bool fake_draining(struct fake *fake, unsigned int class)
{
	return work_busy(&fake->queues[class]->work);
}

/* Wait until @_cond is true; a test that waits for long has failed. */
#define fake_expect_soon(_fake, _cond)					\
	KUNIT_ASSERT_EQ_MSG((_fake)->test, 0,				\
			    poll_timeout_us(cond_resched(), _cond, 100,		\
					    60 * USEC_PER_SEC, false),	\
			    "waited in vain for " #_cond)

static void fake_wait_for_drain(struct fake *fake)
{
	KUNIT_ASSERT_TRUE(fake->test,
			  wait_for_completion_timeout(&fake->entered, 60 * HZ));
}

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

/* It waits for a lock, or for what somebody else does. */
static bool fake_sleeps(const struct fake_thread *t)
{
	return READ_ONCE(t->task->__state) == TASK_UNINTERRUPTIBLE;
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

/* Neither what is charged, nor what waits in truth, may exceed a bound. */
static void fake_sample(struct fake_thread *t)
{
	struct fake *fake = t->fake;
	unsigned int class;

	t->excess += fake_charged(fake) > fake->params.budget;
	t->excess += atomic_long_read(&fake->bytes) >
		     (long)fake->params.budget;
	for (class = 0; class < FAKE_QUEUES; class++)
		t->excess += fake_look(fake, class).charged >
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
		t->excess += fake_charged(t->fake) > t->fake->params.budget;
	}
	fake_sample(t);
}

static void fake_flush_again(struct fake_thread *t)
{
	fake_flush(t->fake);
}

static void fake_try_flush_again(struct fake_thread *t)
{
	zsdefer_try_flush(t->fake->zd, "test");
}

static void fake_flush_once(struct fake_thread *t)
{
	if (t->steps)
		return;
	fake_flush(t->fake);
	t->freed_then = READ_ONCE(t->fake->nr_freed);
}

static void fake_destroy_once(struct fake_thread *t)
{
	if (t->steps)
		return;
	zsdefer_destroy(t->fake->zd);
	t->fake->zd = NULL;
	t->freed_then = READ_ONCE(t->fake->nr_freed);
}

/* Set up, and what must be true at the end of every case */

static void fake_create(struct fake *fake)
{
	unsigned int class;

	fake->zd = zsdefer_create(&fake_ops, fake, "test", FAKE_QUEUES);
	KUNIT_ASSERT_NOT_NULL(fake->test, fake->zd);
	for (class = 0; class < FAKE_QUEUES; class++)
		fake->queues[class] =
			zsdefer_add_queue(fake->zd, (void *)(long)class,
					  fake_sizes[class]);
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
	fake_now = fake;
	fake->test = test;
	fake->nr_threads = 1;
	fake->threads[0].fake = fake;
	fake->nr_objects = FAKE_IDS;
	spin_lock_init(&fake->lock);
	init_completion(&fake->entered);
	init_completion(&fake->open);
	prandom_seed_state(&fake->rnd, 1);
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
	KUNIT_EXPECT_EQ(fake->test, stats.drained, queued);
	KUNIT_EXPECT_EQ(fake->test, stats.drains, fake->nr_calls);
	KUNIT_EXPECT_EQ_MSG(fake->test, sum, refused,
			    "refused, but not counted");
	KUNIT_EXPECT_EQ(fake->test, stats.waiting_objects, 0);
	KUNIT_EXPECT_EQ(fake->test, fake_charged(fake), 0);
}

static void fake_exit(struct kunit *test)
{
	unsigned long queued = 0, refused = 0;
	struct fake *fake = test->priv;
	unsigned int i;

	if (!fake)
		return;
	fake_open_gate(fake);
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

	fake_set(fake, FAKE_PLENTY, 100, 100);
	fake_close_gate(fake);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, 100), 100);
	fake_wait_for_drain(fake);
	KUNIT_EXPECT_EQ(test, fake_look(fake, 0).queued, 0);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 100);
	KUNIT_EXPECT_FALSE(test, fake_push(fake, 0));

	fake_open_gate(fake);
	fake_flush(fake);
	KUNIT_EXPECT_TRUE(test, fake_push(fake, 0));
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

	fake_set(fake, 100 * 48, 1000, 100);
	fake_close_gate(fake);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, 100), 100);
	fake_wait_for_drain(fake);
	KUNIT_EXPECT_FALSE(test, fake_push(fake, 1));
	KUNIT_EXPECT_EQ(test, fake_refused(fake, ZSDEFER_BUDGET), 1);

	fake_open_gate(fake);
	fake_flush(fake);
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

static void room_of_others_is_no_reason_to_refuse(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, SZ_64K, FAKE_IDS, FAKE_NEVER);
	KUNIT_ASSERT_EQ(test, fake_fill(fake, 0, 1), 1);
	KUNIT_ASSERT_EQ(test, fake_fill(fake, 1, 1), 1);
	KUNIT_ASSERT_GT(test, fake_look(fake, 0).room, 0);
	KUNIT_ASSERT_GT(test, fake_look(fake, 1).room, 0);

	/* 64K - 48 - 112 leaves 63 objects of 1024 bytes. */
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 2, 64), 63);
	KUNIT_EXPECT_EQ(test, fake_look(fake, 0).room, 0);
	KUNIT_EXPECT_EQ(test, fake_look(fake, 1).room, 0);
}

/* It can't be taken back now, but must be the next time. */
static void room_of_a_busy_queue_is_taken_back_later(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct zsdefer_queue *busy = fake->queues[0];

	if (!IS_ENABLED(CONFIG_SMP) && !IS_ENABLED(CONFIG_DEBUG_SPINLOCK))
		kunit_skip(test, "a spinlock is no lock in this kernel");

	fake_set(fake, SZ_64K, FAKE_IDS, FAKE_NEVER);
	KUNIT_ASSERT_EQ(test, fake_fill(fake, 0, 1), 1);
	KUNIT_ASSERT_EQ(test, fake_fill(fake, 2, 60), 60);
	KUNIT_ASSERT_GT(test, fake_look(fake, 0).room, 1);

	spin_lock(&busy->lock);
	KUNIT_EXPECT_FALSE(test, zsdefer_trim_room(busy));
	/* As zsdefer_refusal() does, which would lock its own queue, too. */
	zsdefer_revoke_room(fake->queues[2]);
	KUNIT_EXPECT_GT(test, zsdefer_room(busy), 1);
	spin_unlock(&busy->lock);

	KUNIT_EXPECT_TRUE(test, fake->zd->shared.roomy);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 2, 4), 3);
}

static void unused_room_is_at_most_an_eighth_of_the_budget(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i, roomy = 0;

	fake_set(fake, SZ_1M, FAKE_IDS, FAKE_NEVER);
	for (i = 0; i < 2000; i++) {
		unsigned long unused;

		fake_push(fake, prandom_u32_state(&fake->rnd) % FAKE_QUEUES);
		unused = fake_charged(fake) - fake_stats(fake).waiting_bytes;
		KUNIT_ASSERT_LE(test, unused, SZ_1M / 8);
		roomy += unused > 0;
	}
	KUNIT_EXPECT_GT(test, roomy, 0);
}

static void room_ends_at_the_nearest_bound(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int i;

	fake_close_gate(fake);
	fake_set(fake, FAKE_PLENTY, 100, 90);
	for (i = 1; i <= 100; i++) {
		struct fake_view view;

		KUNIT_ASSERT_TRUE(test, fake_push(fake, 0));
		view = fake_look(fake, 0);
		KUNIT_ASSERT_EQ(test, view.waiting, i);
		KUNIT_ASSERT_LE(test, view.charged, i <= 90 ? 90 : 100);
		KUNIT_ASSERT_LT(test, view.room, ZSDEFER_GRANT_MAX);
	}
	KUNIT_EXPECT_FALSE(test, fake_push(fake, 0));
}

/* Thresholds */

static void drain_threshold_is_exact(struct kunit *test)
{
	static const unsigned int thresholds[] = { 1, 2, 62, 63, 64, 65, 256 };
	struct fake *fake = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(thresholds); i++) {
		unsigned int n = thresholds[i];

		fake_flush(fake);
		fake_set(fake, FAKE_PLENTY, 1000, n);
		fake_close_gate(fake);
		KUNIT_ASSERT_EQ(test, fake_fill(fake, 0, n - 1), n - 1);
		KUNIT_EXPECT_FALSE_MSG(test, fake_draining(fake, 0),
				       "%u objects started it, not %u", n - 1, n);
		KUNIT_ASSERT_TRUE(test, fake_push(fake, 0));
		KUNIT_EXPECT_TRUE_MSG(test, fake_draining(fake, 0),
				      "%u objects did not start it", n);
		fake_open_gate(fake);
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
	KUNIT_EXPECT_EQ(test, fake_fill_all(fake, 99), 99 * FAKE_QUEUES);
	for (class = 0; class < FAKE_QUEUES; class++)
		KUNIT_EXPECT_FALSE(test, fake_draining(fake, class));
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 99 * FAKE_QUEUES);
}

static void what_comes_during_a_drain_is_drained_after_it(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, FAKE_PLENTY, 1000, 100);
	fake_close_gate(fake);
	fake_fill(fake, 0, 100);
	fake_wait_for_drain(fake);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, 100), 100);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 200);
	fake_open_gate(fake);
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

static void batches_are_full_and_say_if_more_follow(struct kunit *test)
{
	static const unsigned int numbers[] = { 1, 62, 63, 64, 65, 128, 129, 700 };
	struct fake *fake = test->priv;
	unsigned int i, call;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		unsigned int left = numbers[i];

		fake->nr_calls = 0;
		KUNIT_ASSERT_EQ(test, fake_fill(fake, 0, left), left);
		fake_flush(fake);
		KUNIT_ASSERT_EQ(test, fake->nr_calls,
				DIV_ROUND_UP(left, ZSDEFER_BATCH));
		for (call = 0; call < fake->nr_calls; call++) {
			unsigned int nr = fake->calls[call].nr;

			KUNIT_EXPECT_EQ(test, nr, min(left, ZSDEFER_BATCH));
			left -= nr;
			KUNIT_EXPECT_EQ(test, fake->calls[call].more, !!left);
		}
		KUNIT_EXPECT_EQ(test, left, 0);
	}
	/* What the check of all cases compares it with. */
	fake->nr_calls = fake_stats(fake).drains;
}

static void a_tail_that_is_left_comes_again(struct kunit *test)
{
	static const unsigned int tails[] = { 1, 13, 32, 63 };
	struct fake *fake = test->priv;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		fake->keep = tails[i];
		fake->nr_freed = 0;
		KUNIT_ASSERT_EQ(test, fake_fill(fake, 0, 300), 300);
		fake_flush(fake);
		KUNIT_ASSERT_EQ(test, fake->nr_freed, 300);
		for (j = 0; j < 300; j++)
			KUNIT_ASSERT_EQ(test, fake->order[j], i * 300 + j);
		fake_expect_empty(fake);
	}
	fake->nr_freed = fake->threads[0].queued;
}

static void a_batch_is_filled_up_after_a_tail(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int call;

	fake->keep = 13;
	KUNIT_ASSERT_EQ(test, fake_fill(fake, 0, 300), 300);
	fake_flush(fake);
	KUNIT_ASSERT_GE(test, fake->nr_calls, 2);
	for (call = 0; call + 1 < fake->nr_calls; call++) {
		KUNIT_EXPECT_EQ(test, fake->calls[call].nr, ZSDEFER_BATCH);
		KUNIT_EXPECT_TRUE(test, fake->calls[call].more);
	}
	KUNIT_EXPECT_FALSE(test, fake->calls[call].more);
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

static void a_flush_gives_back_unused_room(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int class;

	KUNIT_EXPECT_EQ(test, fake_fill_all(fake, 1), FAKE_QUEUES);
	for (class = 0; class < FAKE_QUEUES; class++)
		KUNIT_EXPECT_GT(test, fake_look(fake, class).room, 0);
	KUNIT_EXPECT_TRUE(test, fake_flush(fake));
	fake_expect_empty(fake);
	for (class = 0; class < FAKE_QUEUES; class++)
		KUNIT_EXPECT_EQ(test, fake_look(fake, class).charged, 0);
}

static void a_flush_of_nothing_tells_if_frees_are_deferred(struct kunit *test)
{
	struct fake *fake = test->priv;

	KUNIT_EXPECT_TRUE(test, fake_flush(fake));
	fake_disable(fake);
	KUNIT_EXPECT_FALSE(test, fake_flush(fake));
}

static void a_flush_waits_for_what_workers_have_in_hand(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct fake_thread *t;

	fake_set(fake, FAKE_PLENTY, 1000, 64);
	fake_close_gate(fake);
	fake_fill(fake, 0, 64);
	fake_wait_for_drain(fake);
	t = fake_start(fake, fake_flush_once);
	/* Not to wait for anything: a flush that does not would be back. */
	schedule_timeout_uninterruptible(HZ / 20);
	KUNIT_EXPECT_EQ(test, READ_ONCE(t->steps), 0);
	fake_open_gate(fake);
	fake_expect_soon(fake, READ_ONCE(t->steps));
	KUNIT_EXPECT_EQ(test, t->freed_then, 64);
}

static void who_waits_for_a_flush_shares_the_next(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct fake_thread *first, *others[2];
	unsigned int i;

	fake_fill(fake, 0, 10);
	fake_close_gate(fake);
	first = fake_start(fake, fake_flush_once);
	fake_wait_for_drain(fake);
	/* These come too late for the first flush. */
	fake_fill(fake, 1, 10);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = fake_start(fake, fake_flush_once);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		fake_expect_soon(fake, fake_sleeps(others[i]));
	fake_open_gate(fake);
	fake_run(fake, 1);
	KUNIT_EXPECT_GE(test, first->freed_then, 10);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		KUNIT_EXPECT_EQ(test, others[i]->freed_then, 20);
	KUNIT_EXPECT_EQ(test, fake->zd->nr_flushes, 2);
}

static void a_second_flush_is_not_tried(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->pages = 3;
	fake_fill(fake, 0, 10);
	mutex_lock(&fake->zd->flush_lock);
	KUNIT_EXPECT_EQ(test, zsdefer_try_flush(fake->zd, "test"), 0);
	mutex_unlock(&fake->zd->flush_lock);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 10);
	KUNIT_EXPECT_EQ(test, zsdefer_try_flush(fake->zd, "test"), 3);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 0);
	KUNIT_EXPECT_EQ(test, zsdefer_try_flush(fake->zd, "test"), 0);
}

static void memory_that_waits_is_freed_before_a_kill(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned long freed = 7;

	fake->pages = SWAP_CLUSTER_MAX - 1;
	fake_fill(fake, 0, 10);
	KUNIT_EXPECT_EQ(test, zsdefer_oom(NULL, 0, &freed), NOTIFY_OK);
	KUNIT_EXPECT_EQ_MSG(test, freed, 7, "a kill was put off for little");
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 0);

	fake->pages = SWAP_CLUSTER_MAX;
	fake_fill(fake, 0, 10);
	zsdefer_oom(NULL, 0, &freed);
	KUNIT_EXPECT_EQ(test, freed, 7 + SWAP_CLUSTER_MAX);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 0);
}

/* Of memory that goes back all the time, none may be what is asked for. */
static void a_kill_is_not_put_off_for_ever(struct kunit *test)
{
	unsigned int i, times = 3 * zsdefer_oom_put_off.burst;
	struct fake *fake = test->priv;
	unsigned long freed = 0;

	fake->pages = SWAP_CLUSTER_MAX;
	ratelimit_state_reset_interval(&zsdefer_oom_put_off, 3600 * HZ);
	for (i = 0; i < times; i++) {
		fake_fill(fake, 0, 1);
		zsdefer_oom(NULL, 0, &freed);
	}
	ratelimit_state_reset_interval(&zsdefer_oom_put_off, HZ);
	KUNIT_EXPECT_GT(test, freed, 0);
	KUNIT_EXPECT_LE(test, freed, times / 3 * SWAP_CLUSTER_MAX);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 0);
}

/* Fallbacks; that each is counted once is checked after every case */

static unsigned int fake_blocks(struct fake *fake)
{
	struct zsdefer_depot *depot = &fake->zd->shared.depot;
	unsigned int nr;

	spin_lock(&depot->lock);
	nr = depot->nr_total;
	spin_unlock(&depot->lock);
	return nr;
}

/* Have no more blocks than are in use. */
static void fake_empty_depot(struct fake *fake)
{
	unsigned int class;

	fake->nr_objects = 0;
	for (class = 0; class < FAKE_QUEUES; class++)
		zsdefer_stock(fake->queues[class], 0, 0);
}

static void an_empty_depot_refuses_for_nomem(struct kunit *test)
{
	struct fake *fake = test->priv;
	unsigned int nr = (1 + ZSDEFER_SPARE_BLOCKS) * ZSDEFER_BLOCK_HANDLES;

	fake_empty_depot(fake);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake), 0);
	KUNIT_EXPECT_FALSE(test, fake_push(fake, 0));
	KUNIT_EXPECT_EQ(test, fake_refused(fake, ZSDEFER_NOMEM), 1);
	KUNIT_EXPECT_EQ(test, fake_charged(fake), 0);

	zsdefer_stock(fake->queues[0], 1, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, fake_fill(fake, 0, nr), nr);
	KUNIT_EXPECT_FALSE(test, fake_push(fake, 0));
	KUNIT_EXPECT_EQ(test, fake_refused(fake, ZSDEFER_NOMEM), 2);
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake_charged(fake), 0);
}

static void what_is_disabled_refuses_at_once(struct kunit *test)
{
	struct fake *fake = test->priv;

	/* Room that was granted before is no way in. */
	fake_fill_all(fake, 1);
	fake_disable(fake);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 0);
	KUNIT_EXPECT_EQ(test, fake_fill_all(fake, 5), 0);
	KUNIT_EXPECT_EQ(test, fake_refused(fake, ZSDEFER_DISABLED),
			5 * FAKE_QUEUES);
}

static void frees_that_ask_no_queue_are_counted(struct kunit *test)
{
	struct fake *fake = test->priv;

	zsdefer_count_disabled(&fake->zd->shared, 48);
	zsdefer_count_disabled(&fake->zd->shared, 112);
	fake->threads[0].refused += 2;
	KUNIT_EXPECT_EQ(test, fake_refused(fake, ZSDEFER_DISABLED), 2);
}

/* The depot */

static void the_depot_holds_blocks_for_every_object(struct kunit *test)
{
	static const unsigned int numbers[] = { 1, 63, 64, 126, 127, 1000 };
	struct fake *fake = test->priv;
	unsigned int i;

	fake_empty_depot(fake);
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		zsdefer_stock(fake->queues[0], numbers[i], GFP_KERNEL);
		KUNIT_EXPECT_EQ(test, fake_blocks(fake),
				DIV_ROUND_UP(numbers[i], ZSDEFER_BLOCK_HANDLES) +
				ZSDEFER_SPARE_BLOCKS);
	}
	/* The spare ones are for all queues together. */
	i = fake_blocks(fake);
	zsdefer_stock(fake->queues[1], 64, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake), i + 2);
}

static void the_depot_holds_no_more_than_the_bounds_allow(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, FAKE_PLENTY, 126, FAKE_NEVER);
	fake_empty_depot(fake);
	zsdefer_stock(fake->queues[0], 10000, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake), 2 + ZSDEFER_SPARE_BLOCKS);

	fake_set(fake, 64 * 48, 126, FAKE_NEVER);
	fake_empty_depot(fake);
	zsdefer_stock(fake->queues[0], 10000, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake), 2 + ZSDEFER_SPARE_BLOCKS);

	fake_disable(fake);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake), 0);
	zsdefer_stock(fake->queues[0], 10000, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake), 0);
}

static void fake_stock_all(struct fake *fake, const unsigned int *nr)
{
	unsigned int class;

	for (class = 0; class < FAKE_QUEUES; class++)
		zsdefer_stock(fake->queues[class], nr[class], GFP_KERNEL);
}

/* However the budget is shared, there are blocks; but not for each share. */
static void the_depot_holds_what_the_budget_allows_all_together(struct kunit *test)
{
	static const unsigned int many[FAKE_QUEUES] = { 630, 2520, 2520, 630 };
	static const unsigned int few[FAKE_QUEUES] = { 630, 630, 126, 126 };
	unsigned long budget = 630 * 48 + 630 * 112;
	struct fake *fake = test->priv;
	unsigned int class;

	fake_set(fake, budget, 10000, FAKE_NEVER);
	for (class = 0; class < FAKE_QUEUES; class++) {
		fake_empty_depot(fake);
		fake_stock_all(fake, many);
		/* Ten blocks each of the smallest objects, and remainders. */
		KUNIT_EXPECT_EQ(test, fake_blocks(fake),
				10 + 10 + FAKE_QUEUES + ZSDEFER_SPARE_BLOCKS);
		fake_fill_all(fake, 1);
		KUNIT_EXPECT_GT(test, fake_fill(fake, class, many[class]), 0);
		KUNIT_EXPECT_EQ(test, fake_refused(fake, ZSDEFER_NOMEM), 0);
		fake_flush(fake);
	}

	/* A larger budget alone makes all of them useful. */
	fake_empty_depot(fake);
	fake_set(fake, budget / 2, 10000, FAKE_NEVER);
	fake_stock_all(fake, few);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake),
			11 + 3 + 1 + 1 + ZSDEFER_SPARE_BLOCKS);
	fake->nr_objects = 126;
	fake_set(fake, FAKE_PLENTY, 10000, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake),
			2 * FAKE_QUEUES + ZSDEFER_SPARE_BLOCKS);
	fake_set(fake, 126 * 48 + 64 * 112, 10000, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake),
			2 + 2 + 1 + 1 + ZSDEFER_SPARE_BLOCKS);
}

/* As when deferral is turned on for a device that holds objects already. */
static void raising_limits_stocks_for_what_exists(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_disable(fake);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake), 0);
	fake_set(fake, FAKE_PLENTY, 63, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake),
			FAKE_QUEUES + ZSDEFER_SPARE_BLOCKS);
	fake_set(fake, FAKE_PLENTY, 126, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake),
			2 * FAKE_QUEUES + ZSDEFER_SPARE_BLOCKS);
	fake_set(fake, FAKE_PLENTY, 63, FAKE_NEVER);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake),
			FAKE_QUEUES + ZSDEFER_SPARE_BLOCKS);
	KUNIT_EXPECT_TRUE(test, fake_push(fake, 0));
}

static void an_emptied_class_gives_its_blocks_back(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_empty_depot(fake);
	zsdefer_stock(fake->queues[0], 200, GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, fake_fill(fake, 0, 200), 200);
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake), 0);
	KUNIT_EXPECT_EQ(test, fake_stats(fake).memory,
			struct_size(fake->zd, queues, FAKE_QUEUES));
}

static void blocks_in_use_survive_a_trim(struct kunit *test)
{
	struct fake *fake = test->priv;

	KUNIT_ASSERT_EQ(test, fake_fill(fake, 0, 200), 200);
	fake_empty_depot(fake);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake),
			DIV_ROUND_UP(200, ZSDEFER_BLOCK_HANDLES));
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, fake->nr_freed, 200);
}

/* A shrunk estimate of one who only gives back, but came late. */
static void stocking_does_not_lower_what_is_wanted(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_empty_depot(fake);
	zsdefer_stock(fake->queues[0], 630, GFP_KERNEL);
	zsdefer_stock(fake->queues[0], 63, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake), 10 + ZSDEFER_SPARE_BLOCKS);
	zsdefer_stock(fake->queues[0], 63, 0);
	KUNIT_EXPECT_EQ(test, fake_blocks(fake), 1 + ZSDEFER_SPARE_BLOCKS);
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
		fake_flush(fake);
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

static struct zsdefer_params fake_valid_params(void)
{
	struct zsdefer_params params;

	zsdefer_default_params(&params);
	return params;
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

/* The sweep, which the delay of a minute leaves to us */

static bool fake_armed(struct fake *fake)
{
	return delayed_work_pending(&fake->zd->shared.sweep);
}

/* Run the sweep now; false if it was not armed. */
static bool fake_sweep(struct fake *fake)
{
	bool armed = fake_armed(fake);

	flush_delayed_work(&fake->zd->shared.sweep);
	return armed;
}

/* Have the objects of @class wait for longer already. */
static void fake_age(struct fake *fake, unsigned int class, unsigned long by)
{
	struct zsdefer_queue *q = fake->queues[class];

	spin_lock(&q->lock);
	q->since -= by;
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

static void the_sweep_frees_the_old_and_returns_for_the_rest(struct kunit *test)
{
	unsigned long delay = msecs_to_jiffies(FAKE_LONG_MS);
	struct fake *fake = test->priv;

	fake_fill(fake, 0, 3);
	fake_fill(fake, 1, 5);
	fake_age(fake, 0, delay);
	KUNIT_ASSERT_TRUE(test, fake_sweep(fake));
	KUNIT_EXPECT_EQ(test, fake_look(fake, 0).waiting, 0);
	KUNIT_EXPECT_EQ(test, fake_look(fake, 1).waiting, 5);
	KUNIT_EXPECT_TRUE(test, fake_armed(fake));

	fake_age(fake, 1, delay);
	KUNIT_ASSERT_TRUE(test, fake_sweep(fake));
	fake_expect_empty(fake);
	KUNIT_EXPECT_FALSE(test, fake_armed(fake));
}

static void the_sweep_returns_when_the_oldest_is_due(struct kunit *test)
{
	unsigned long delay = msecs_to_jiffies(FAKE_LONG_MS);
	struct fake *fake = test->priv;
	long left;

	fake_fill(fake, 0, 1);
	fake_fill(fake, 1, 1);
	fake_fill(fake, 2, 1);
	fake_age(fake, 1, delay / 2);
	KUNIT_ASSERT_TRUE(test, fake_sweep(fake));
	left = fake->zd->shared.sweep.timer.expires - jiffies;
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 3);
	KUNIT_EXPECT_LE(test, left, (long)delay / 2);
	KUNIT_EXPECT_GT(test, left, (long)delay / 2 - 10 * HZ);
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

static void waiting_is_until_freed_not_until_detached(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, FAKE_PLENTY, 1000, 100);
	fake_close_gate(fake);
	fake_fill(fake, 3, 100);
	fake_wait_for_drain(fake);
	KUNIT_EXPECT_EQ(test, fake_waiting(fake), 100);
	KUNIT_EXPECT_EQ(test, fake_stats(fake).waiting_bytes, 100 * 4096);
	KUNIT_EXPECT_EQ(test, fake_stats(fake).queued, 100);
	KUNIT_EXPECT_EQ(test, fake_stats(fake).drained, 0);
	KUNIT_EXPECT_GE(test, zsdefer_waiting_pages(fake->zd),
			100 * 4096 / PAGE_SIZE);
}

static void pages_that_drains_give_back_are_summed_up(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->pages = 3;
	fake_fill(fake, 0, 2 * ZSDEFER_BATCH);
	fake_fill(fake, 1, 1);
	fake_flush(fake);
	KUNIT_EXPECT_EQ(test, zsdefer_pages_freed(fake->zd), 9);
	KUNIT_EXPECT_EQ(test, fake_stats(fake).pages_freed, 9);
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

/* Every push is the last of a grant, or the first of one. */
static void bounds_hold_when_the_budget_is_tiny(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, 2 * 5280, 3, 2);
	fake_race(fake, fake_push_all_and_sample, 100);
}

static void tails_are_not_lost_when_many_push(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->keep = 29;
	fake_set(fake, 1000 * 48, 400, 300);
	fake_race(fake, fake_push_one_and_sample, 100);
}

static void nothing_is_lost_when_many_flush(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_set(fake, 40 * 5280, 500, 200);
	fake_start(fake, fake_push_all_and_sample);
	fake_start(fake, fake_push_all_and_sample);
	fake_start(fake, fake_flush_again);
	fake_start(fake, fake_flush_again);
	fake_start(fake, fake_try_flush_again);
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

	KUNIT_ASSERT_LE(fake->test, fake_charged(fake), budget);
	for (class = 0; class < FAKE_QUEUES; class++)
		KUNIT_ASSERT_LE(fake->test, fake_look(fake, class).charged,
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
		KUNIT_ASSERT_EQ(test, fake_charged(fake), 0);
		fake_run(fake, 2);
		KUNIT_ASSERT_EQ(test, fake_stats(fake).queued, queued);
		fake_expect_empty(fake);
	}
	fake_stop(fake);
	KUNIT_EXPECT_GT(test, fake->nr_freed, 0);
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
	struct fake_thread *t;

	fake_set(fake, FAKE_PLENTY, 1000, 64);
	fake_close_gate(fake);
	fake_fill(fake, 0, 64);
	fake_wait_for_drain(fake);
	/* There are fewer workers than queues, so some of these just pend. */
	fake_fill(fake, 1, 64);
	fake_fill(fake, 2, 64);
	fake_fill(fake, 3, 10);
	t = fake_start(fake, fake_destroy_once);
	schedule_timeout_uninterruptible(HZ / 20);
	KUNIT_EXPECT_EQ(test, READ_ONCE(t->steps), 0);
	fake_open_gate(fake);
	fake_expect_soon(fake, READ_ONCE(t->steps));
	KUNIT_EXPECT_EQ(test, t->freed_then, 3 * 64 + 10);
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

static void the_end_comes_before_it_was_bound(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake_destroy(fake);
	fake_create(fake);
	KUNIT_EXPECT_FALSE(test, zsdefer_enabled(fake->zd));
	KUNIT_EXPECT_FALSE(test, fake_push(fake, 0));
	fake_destroy(fake);
	zsdefer_destroy(NULL);
}

static struct kunit_case zsdefer_test_cases[] = {
	KUNIT_CASE(class_budget_is_exact),
	KUNIT_CASE(class_budget_includes_what_is_being_drained),
	KUNIT_CASE(a_full_queue_leaves_others_alone),
	KUNIT_CASE(budget_is_exact),
	KUNIT_CASE(budget_includes_what_is_being_drained),
	KUNIT_CASE(budget_is_shared_by_all_queues),
	KUNIT_CASE(room_of_others_is_no_reason_to_refuse),
	KUNIT_CASE(room_of_a_busy_queue_is_taken_back_later),
	KUNIT_CASE(unused_room_is_at_most_an_eighth_of_the_budget),
	KUNIT_CASE(room_ends_at_the_nearest_bound),
	KUNIT_CASE(drain_threshold_is_exact),
	KUNIT_CASE(drain_threshold_counts_anew_after_a_flush),
	KUNIT_CASE(drain_threshold_is_of_each_queue),
	KUNIT_CASE(what_comes_during_a_drain_is_drained_after_it),
	KUNIT_CASE(objects_are_drained_in_the_order_they_came),
	KUNIT_CASE(batches_are_full_and_say_if_more_follow),
	KUNIT_CASE(a_tail_that_is_left_comes_again),
	KUNIT_CASE(a_batch_is_filled_up_after_a_tail),
	KUNIT_CASE(each_queue_goes_to_its_own_class),
	KUNIT_CASE(a_flush_gives_back_unused_room),
	KUNIT_CASE(a_flush_of_nothing_tells_if_frees_are_deferred),
	KUNIT_CASE(a_flush_waits_for_what_workers_have_in_hand),
	KUNIT_CASE(who_waits_for_a_flush_shares_the_next),
	KUNIT_CASE(a_second_flush_is_not_tried),
	KUNIT_CASE(memory_that_waits_is_freed_before_a_kill),
	KUNIT_CASE(a_kill_is_not_put_off_for_ever),
	KUNIT_CASE(an_empty_depot_refuses_for_nomem),
	KUNIT_CASE(what_is_disabled_refuses_at_once),
	KUNIT_CASE(frees_that_ask_no_queue_are_counted),
	KUNIT_CASE(the_depot_holds_blocks_for_every_object),
	KUNIT_CASE(the_depot_holds_no_more_than_the_bounds_allow),
	KUNIT_CASE(the_depot_holds_what_the_budget_allows_all_together),
	KUNIT_CASE(raising_limits_stocks_for_what_exists),
	KUNIT_CASE(an_emptied_class_gives_its_blocks_back),
	KUNIT_CASE(blocks_in_use_survive_a_trim),
	KUNIT_CASE(stocking_does_not_lower_what_is_wanted),
	KUNIT_CASE(lowering_any_limit_drains_before_it_returns),
	KUNIT_CASE(raising_limits_drains_nothing),
	KUNIT_CASE(a_lower_delay_holds_for_what_comes_next),
	KUNIT_CASE(default_values_are_valid),
	KUNIT_CASE(a_budget_is_a_page_up_to_all_memory),
	KUNIT_CASE(a_class_budget_is_1_up_to_1048576),
	KUNIT_CASE(a_threshold_is_1_up_to_the_class_budget),
	KUNIT_CASE(a_delay_is_1_ms_up_to_a_minute),
	KUNIT_CASE(an_idle_engine_has_no_timer),
	KUNIT_CASE(the_sweep_frees_the_old_and_returns_for_the_rest),
	KUNIT_CASE(the_sweep_returns_when_the_oldest_is_due),
	KUNIT_CASE(nothing_waits_forever_below_the_threshold),
	KUNIT_CASE(the_longest_wait_is_remembered),
	KUNIT_CASE(waiting_is_until_freed_not_until_detached),
	KUNIT_CASE(pages_that_drains_give_back_are_summed_up),
	KUNIT_CASE(bounds_hold_when_many_push_into_one_queue),
	KUNIT_CASE(bounds_hold_when_many_push_into_all_queues),
	KUNIT_CASE(bounds_hold_when_the_budget_is_tiny),
	KUNIT_CASE(tails_are_not_lost_when_many_push),
	KUNIT_CASE(nothing_is_lost_when_many_flush),
	KUNIT_CASE(the_sweep_and_pushers_lose_nothing),
	KUNIT_CASE(limits_hold_from_the_moment_they_are_set),
	KUNIT_CASE(nothing_is_queued_after_disabling_returns),
	KUNIT_CASE(full_queues_are_freed_at_the_end),
	KUNIT_CASE(the_end_waits_for_work_in_hand_and_pending),
	KUNIT_CASE(the_end_comes_while_the_sweep_is_armed),
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
