// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: objects that die in their slots.
 *
 * Included by mm/zsmalloc.c. A caller with a table of slots, each with its lock
 * and its object, need not look at a slot in order to free its object: it dies
 * there. That is a bit in a bitmap. The object counts in its class from then on,
 * like one that is queued, as the table has its size beside the bits. A walk
 * looks at the bits later, a line of slots at a time, takes the objects out of
 * the slots, and queues them. Workers and flushes walk before they drain, who needs
 * memory only if what is queued is not enough.
 *
 * Who locks a slot either finds it alive, or takes its object out himself, before
 * anything else; if it dies only then, the object is there until he unlocks it. So
 * nobody sees what a dead slot had. A bit is set by whoever frees the slot, without
 * its lock, and cleared with it. As nobody stores anything in a slot before it has
 * been freed, whoever does sees the bit. But who discards what is swapped out, as root
 * can, may free an object while it dies: then the dead slot has none, and its figures,
 * the caller's too, are off by it until the table goes.
 *
 *	death				walk, under a hand
 *	  the slot's bit is read	  the line's bit is cleared
 *	  the size is read, and counted	  slots' bits are read
 *	  the slot's bit is set		  these slots are locked
 *	  the line's bit is set		  bits that are still set are read
 *	  the slot may be used again	  their sizes are cleared, then they are
 *
 * A slot whose lock somebody has stays dead, and its line with it, until the next
 * walk. One that is used again, and freed before anything is stored in it, may be
 * dead still, or have no size: it does not die again. And none dies in place while
 * somebody is about to exchange objects for others: else what is taken out could be
 * of another class than what was counted.
 */

#include <linux/rcupdate.h>
#include <linux/vmalloc.h>

/*
 * Slots that a walk locks at once. Lockdep does not keep track of as many as are
 * good for speed.
 */
#define ZSDEFER_AT_ONCE		(IS_ENABLED(CONFIG_LOCKDEP) ? 16 : BITS_PER_LONG)

/* See struct zsdefer_slots. */
#define ZSDEFER_SIZE_BASE							\
	((int)(ZS_MIN_ALLOC_SIZE - ZS_HANDLE_SIZE - ZS_SIZE_CLASS_DELTA + 1))

/* The largest there is: that of a page, but for very large ones. */
#define ZSDEFER_PAGE	min_t(unsigned int, PAGE_SIZE - ZSDEFER_SIZE_BASE, S16_MAX)

/* From there on, sizes are of the last class, or none, or have to be looked at. */
#define ZSDEFER_RARE	min_t(unsigned int, ZSDEFER_PAGE,			\
			      (ZS_SIZE_CLASSES - 1) * ZS_SIZE_CLASS_DELTA)

/* Of a size that is above ZSDEFER_SIZE_BASE by that. */
static struct size_class *zsdefer_class_of(struct zs_pool *pool,
					   unsigned int size)
{
	return pool->size_class[min(size / ZS_SIZE_CLASS_DELTA,
				    ZS_SIZE_CLASSES - 1)];
}

/* Out of line, so that the compiler makes no address of a queue before. */
static noinline unsigned int zsdefer_class_count(struct size_class *class)
{
	return zsdefer_count_slow(&class->zsdefer);
}

/* Some slots of a line are dead: have it walked. */
static void zsdefer_mark_line(struct zsdefer *zd, struct zsdefer_slots *slots,
			      unsigned long line)
{
	/* First, as others may see the bit, and go. Pairs with zsdefer_walk(). */
	atomic_inc(&zd->nr_lines);
	if (test_and_set_bit(line, slots->lines))
		atomic_dec(&zd->nr_lines);
	else
		zsdefer_arm(zd);
}

static noinline void zsdefer_line_died(struct zsdefer *zd,
				       struct zsdefer_slots *slots,
				       unsigned long line)
{
	WRITE_ONCE(slots->since[line], jiffies);
	zsdefer_mark_line(zd, slots, line);
}

/* How many have no object, of those that come first; as a rule, there are more. */
static noinline unsigned int zsdefer_count_none(const u16 *sizes, long nr)
{
	long none = 0;

	while (none < nr && READ_ONCE(sizes[none]) > ZSDEFER_PAGE)
		none++;
	return none;
}

/* The budget is used up: forget that some were counted. */
static noinline void zsdefer_uncount(struct zs_pool *pool, const u16 *sizes,
				     unsigned int nr)
{
	struct size_class *class;

	while (nr--) {
		class = zsdefer_class_of(pool, READ_ONCE(sizes[nr]));
		zsdefer_queue_uncount(&class->zsdefer);
	}
}

/**
 * zsdefer_slots_died() - let objects die in their slots, within all bounds
 * @slots: the slots
 * @first: the first that dies
 * @nr: how many do: no more than there are up to the next multiple of
 *	%BITS_PER_LONG
 * @died: receives what died there, and how many the caller has to free now, which
 *	  are the next ones
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt; no
 * slot's lock is needed. Never blocks, never allocates, never drains.
 *
 * Return: how many died there; others after these and after those to be freed now
 * are still alive.
 */
unsigned int zsdefer_slots_died(struct zsdefer_slots *slots,
				unsigned long first, unsigned int nr,
				struct zsdefer_died *died)
{
	atomic_long_t *word = &slots->dead[first / BITS_PER_LONG];
	unsigned int size, todo, bytes = 0, room = 0, huge = 0, now = 0;
	unsigned int shift = first % BITS_PER_LONG;
	struct size_class *class, *kick = NULL;
	struct zs_pool *pool = slots->pool;
	struct zsdefer *zd;
	unsigned long dead;
	const u16 *end;
	long i;

	died->now = nr;
	/* Who changes limits, or pauses, waits for those who do not know of it. */
	guard(rcu)();
	zd = READ_ONCE(slots->zd);
	/* Where hardly any would find room, it is not worth to count them. */
	if (unlikely(!zd || atomic_long_read(&zd->room) < (long)PAGE_SIZE))
		return 0;
	dead = atomic_long_read(word) >> shift;
	/* Pairs with who clears the bits: so they have their sizes, or none. */
	smp_rmb();
	if (unlikely(dead))
		nr = min(nr, __ffs(dead));
	end = slots->sizes + first + nr;
	for (i = -(long)nr; i; i++) {
		size = READ_ONCE(end[i]);
		if (unlikely(size >= ZSDEFER_RARE)) {
			if (size > ZSDEFER_PAGE)
				break;
			huge += size == ZSDEFER_PAGE;
			bytes += size;
			class = zsdefer_class_of(pool, size);
		} else {
			bytes += size;
			class = pool->size_class[size / ZS_SIZE_CLASS_DELTA];
		}
		if (unlikely(atomic_add_negative(-1, &class->zsdefer.left))) {
			todo = zsdefer_class_count(class);
			if (todo & ZSDEFER_REFUSED) {
				/* So that it is not kept for this. */
				size = READ_ONCE(end[i]);
				huge -= size == ZSDEFER_PAGE;
				bytes -= size;
				/* Many may be of that class. */
				now = died->now - (nr + i);
				break;
			}
			if (todo) {
				/* This one still, then its work item starts. */
				kick = class;
				nr += i + 1;
				i = -1;
			}
		}
		room += class->zsdefer.size;
	}
	nr += i;
	if (unlikely(!zsdefer_charge(zd, room))) {
		/* Of those that are freed now, some may find room. */
		zsdefer_uncount(pool, slots->sizes + first, nr);
		nr = 0;
		goto out;
	}
	if (likely(nr == died->now) || kick)
		died->now = 0;
	else
		/* The next is dead already, or has no size. */
		died->now = now ?: 1 + zsdefer_count_none(end + i + 1, -i - 1);
	if (unlikely(!nr))
		return 0;

	atomic_long_or(~0UL >> (BITS_PER_LONG - nr) << shift, word);
	/* Pairs with zsdefer_claim_line(): it is seen there, or that is seen here. */
	smp_mb__after_atomic();
	if (unlikely(!test_bit(first / ZSDEFER_LINE, slots->lines)))
		zsdefer_line_died(zd, slots, first / ZSDEFER_LINE);

	died->objects += nr;
	died->huge += huge;
	died->bytes += bytes + nr * ZSDEFER_SIZE_BASE;
out:
	if (unlikely(kick))
		zsdefer_kick(&kick->zsdefer);
	return nr;
}
EXPORT_SYMBOL_GPL(zsdefer_slots_died);

/* What zsdefer_one_died() does in any other case: when the class has to think, too. */
static noinline unsigned int zsdefer_one_died_slow(struct zsdefer_slots *slots,
						   unsigned long slot,
						   struct size_class *class)
{
	struct zsdefer_died died = { };
	unsigned int todo = 0;

	if (class) {
		/* From the start again, with all that has to be thought of. */
		atomic_long_add(class->zsdefer.size, &slots->pool->zsdefer->room);
		todo = zsdefer_count_slow(&class->zsdefer);
		if (todo & ZSDEFER_REFUSED)
			return 0;
		zsdefer_queue_uncount(&class->zsdefer);
	}
	zsdefer_slots_died(slots, slot, 1, &died);
	if (todo)
		zsdefer_kick(&class->zsdefer);
	return died.bytes;
}

/**
 * zsdefer_one_died() - let an object die in its slot, within all bounds
 * @slots: the slots
 * @slot: the one that dies
 *
 * The same as zsdefer_slots_died() of one, but quicker.
 *
 * Context: Likewise.
 *
 * Return: the size of the object, or 0 if it did not die there: the caller has to
 * free it now.
 */
unsigned int zsdefer_one_died(struct zsdefer_slots *slots, unsigned long slot)
{
	unsigned long *dead = (unsigned long *)slots->dead;
	struct size_class *class;
	struct zsdefer *zd;
	unsigned int size;

	/* See zsdefer_slots_died(). */
	guard(rcu)();
	zd = READ_ONCE(slots->zd);
	if (unlikely(!zd || test_bit(slot, dead)))
		return 0;
	/* Pairs with who clears the bit, as there. */
	smp_rmb();
	size = READ_ONCE(slots->sizes[slot]);
	if (unlikely(size >= ZSDEFER_RARE))
		return zsdefer_one_died_slow(slots, slot, NULL);
	class = slots->pool->size_class[size / ZS_SIZE_CLASS_DELTA];
	if (unlikely(!zsdefer_charge(zd, class->zsdefer.size)))
		return 0;
	if (unlikely(atomic_add_negative(-1, &class->zsdefer.left)))
		return zsdefer_one_died_slow(slots, slot, class);
	set_bit(slot, dead);
	/* Pairs with zsdefer_claim_line(), as there. */
	smp_mb__after_atomic();
	if (unlikely(!test_bit(slot / ZSDEFER_LINE, slots->lines)))
		zsdefer_line_died(zd, slots, slot / ZSDEFER_LINE);
	return size + ZSDEFER_SIZE_BASE;
}
EXPORT_SYMBOL_GPL(zsdefer_one_died);

/**
 * zsdefer_slot_settle() - queue the object of a slot that is dead
 * @slots: the slots
 * @slot: the slot, of which zsdefer_slot_died() said so since it was locked
 * @handle: its object, which the caller gives up, or 0 if it has lost that
 *
 * Context: Any context in which a spinlock may be taken, but no interrupt.
 */
void zsdefer_slot_settle(struct zsdefer_slots *slots, unsigned long slot,
			 unsigned long handle)
{
	const unsigned long *since = &slots->since[slot / ZSDEFER_LINE];

	WRITE_ONCE(slots->sizes[slot], U16_MAX);
	/* Pairs with zsdefer_slots_died(): who sees no bit sees no size. */
	clear_bit_unlock(slot, (unsigned long *)slots->dead);
	/* Who lowers the delay waits for those who arm the sweep by the old one. */
	guard(rcu)();
	/* The sweep may have come since, and found neither a bit nor an object. */
	if (handle && zsdefer_queue_link(handle, since) & ZSDEFER_ARM)
		zsdefer_arm(slots->pool->zsdefer);
}
EXPORT_SYMBOL_GPL(zsdefer_slot_settle);

/*
 * Have the next line where slots died as one's own, from @line on, which then is
 * the one after it. Returns false if there is none.
 */
static bool zsdefer_claim_line(struct zsdefer *zd, struct zsdefer_slots *slots,
			       unsigned long *line)
{
	unsigned long lines = DIV_ROUND_UP(slots->nr, ZSDEFER_LINE);
	unsigned long bits, at = *line;

	if (!atomic_read(&zd->nr_lines))
		return false;
	while (at < lines) {
		bits = READ_ONCE(slots->lines[at / BITS_PER_LONG]) >>
		       at % BITS_PER_LONG;
		if (!bits) {
			at = round_down(at, BITS_PER_LONG) + BITS_PER_LONG;
			continue;
		}
		at += __ffs(bits);
		*line = at + 1;
		/* Pairs with zsdefer_slots_died(). */
		if (test_and_clear_bit(at++, slots->lines)) {
			atomic_dec(&zd->nr_lines);
			return true;
		}
	}
	return false;
}

static void zsdefer_forget_sizes(u16 *sizes, unsigned long bits)
{
	unsigned int i;

	if (bits == ~0UL)
		for (i = 0; i < BITS_PER_LONG / 4; i++)
			WRITE_ONCE(((u64 *)sizes)[i], U64_MAX);
	else
		for (; bits; bits &= bits - 1)
			WRITE_ONCE(sizes[__ffs(bits)], U16_MAX);
}

/* Queue the objects of some of the slots: true if there may be more. */
static bool zsdefer_walk_slots(struct zsdefer_slots *slots, unsigned long first)
{
	atomic_long_t *word = &slots->dead[first / BITS_PER_LONG];
	unsigned long handles[BITS_PER_LONG] __uninitialized;
	unsigned int i, nr, shift = first % BITS_PER_LONG;
	unsigned long all = ~0UL >> (BITS_PER_LONG - ZSDEFER_AT_ONCE);
	unsigned long locked, dead, bits, *since;

	bits = atomic_long_read(word) >> shift & all;
	if (!bits)
		return false;
	locked = slots->ops->lock(slots, first, bits);
	/* Who had a lock before us may have taken the object out. */
	dead = atomic_long_read(word) >> shift & locked;
	zsdefer_forget_sizes(slots->sizes + first, dead);
	/* Pairs with zsdefer_slots_died(): who sees no bit sees no size. */
	atomic_long_fetch_andnot_release(dead << shift, word);
	nr = slots->ops->take(slots, first, locked, dead, handles);
	/* The sweep that comes for the line comes for the queues, too. */
	since = &slots->since[first / ZSDEFER_LINE];
	for (i = 0; i < nr; i++)
		if (likely(handles[i]))
			zsdefer_queue_link(handles[i], since);
	return bits & ~locked;
}

/* See zsdefer_walk_fn. */
static bool zsdefer_walk_line(struct zsdefer *zd, struct zsdefer_slots *slots,
			      unsigned long *line)
{
	unsigned long slot, end;
	bool more = false;

	if (!zsdefer_claim_line(zd, slots, line))
		return false;

	end = min(*line * ZSDEFER_LINE, slots->nr);
	for (slot = (*line - 1) * ZSDEFER_LINE; slot < end; slot += ZSDEFER_AT_ONCE)
		more |= zsdefer_walk_slots(slots, slot);
	if (more)
		zsdefer_mark_line(zd, slots, *line - 1);
	return true;
}

/**
 * zsdefer_slots_settle() - take the objects out of all dead slots
 * @slots: the slots; nobody has any of them locked, or lets any die
 *
 * Context: Process context, may sleep.
 */
void zsdefer_slots_settle(struct zsdefer_slots *slots)
{
	struct zsdefer *zd = slots->pool ? slots->pool->zsdefer : NULL;

	if (!zd)
		return;
	zsdefer_walk(zd);
	/* Who was walking may have missed one that was locked then. */
	zsdefer_walk(zd);
}
EXPORT_SYMBOL_GPL(zsdefer_slots_settle);

static void zsdefer_pause(struct zsdefer_slots *slots, int more)
{
	struct zsdefer *zd = slots->pool ? slots->pool->zsdefer : NULL;

	if (!zd)
		return;
	guard(mutex)(&zd->ctl->lock);
	slots->paused += more;
	zsdefer_let_die(zd, slots);
	/* While nothing is deferred there is nobody to wait for. */
	if (more > 0 && zd->limits.enabled)
		synchronize_rcu_expedited();
}

/**
 * zsdefer_slots_pause() - have no object die in place, as some will be exchanged
 * @slots: the slots
 *
 * When it returns, objects do not die in place, or are dead already, and who locks
 * their slots finds them so. They may be exchanged for others then, under the
 * slots' locks.
 *
 * Context: Process context, may sleep.
 */
void zsdefer_slots_pause(struct zsdefer_slots *slots)
{
	zsdefer_pause(slots, 1);
}
EXPORT_SYMBOL_GPL(zsdefer_slots_pause);

/**
 * zsdefer_slots_resume() - have objects die in place again
 * @slots: the slots, which the caller has paused
 *
 * Context: Process context, may sleep.
 */
void zsdefer_slots_resume(struct zsdefer_slots *slots)
{
	zsdefer_pause(slots, -1);
}
EXPORT_SYMBOL_GPL(zsdefer_slots_resume);

/**
 * zsdefer_slots_alloc() - have objects die in slots
 * @slots: the slots
 * @pool: a new pool, which their objects will be in
 * @nr: how many slots there are
 * @ops: what to do with them
 *
 * zsdefer_slots_free() takes it back, after the pool is gone, and on failure, too.
 *
 * Context: Process context, may sleep and allocate.
 *
 * Return: 0 or -ENOMEM.
 */
int zsdefer_slots_alloc(struct zsdefer_slots *slots, struct zs_pool *pool,
			unsigned long nr, const struct zsdefer_slots_ops *ops)
{
	unsigned long lines = DIV_ROUND_UP(nr, ZSDEFER_LINE);

	slots->pool = pool;
	slots->ops = ops;
	slots->nr = nr;
	slots->size_base = ZSDEFER_SIZE_BASE;
	slots->sizes = vmalloc_array(nr, sizeof(*slots->sizes));
	if (slots->sizes)
		memset(slots->sizes, 0xff, nr * sizeof(*slots->sizes));
	slots->dead = vcalloc(BITS_TO_LONGS(nr), sizeof(*slots->dead));
	slots->lines = kvcalloc(BITS_TO_LONGS(lines), sizeof(*slots->lines),
				GFP_KERNEL);
	slots->since = kvcalloc(lines, sizeof(*slots->since), GFP_KERNEL);
	return slots->sizes && slots->dead && slots->lines && slots->since ?
	       0 : -ENOMEM;
}
EXPORT_SYMBOL_GPL(zsdefer_slots_alloc);

/**
 * zsdefer_slots_free() - free what zsdefer_slots_alloc() allocated
 * @slots: the slots
 *
 * Context: Process context, may sleep.
 */
void zsdefer_slots_free(struct zsdefer_slots *slots)
{
	vfree(slots->sizes);
	vfree(slots->dead);
	kvfree(slots->lines);
	kvfree(slots->since);
	*slots = (struct zsdefer_slots){ };
}
EXPORT_SYMBOL_GPL(zsdefer_slots_free);
