// SPDX-License-Identifier: GPL-2.0
/*
 * zram: slots whose objects die in place, see mm/zsdefer/slots.c.
 *
 * Included by zram_drv.c, whose slots these are.
 */

#include "zsdefer_compat.h"

#ifdef CONFIG_ZSMALLOC_DEFERRED_FREE
/*
 * Leave nothing but its flags of a locked slot, whose figures have been accounted
 * for when it died, and return its object.
 */
static unsigned long zram_empty_slot(struct zram_table_entry *entry)
{
	unsigned long handle = entry->handle;

	entry->handle = 0;
#ifdef CONFIG_ZRAM_TRACK_ENTRY_ACTIME
	entry_ac_time(entry) = 0;
#endif
	return handle;
}

static noinline void zram_settle(struct zram *zram, unsigned long index)
{
	entry_flags(&zram->table[index]) = ENTRY_LOCKED;
	zsdefer_slot_settle(&zram->slots, index,
			    zram_empty_slot(&zram->table[index]));
}

static inline void slot_settle(struct zram *zram, unsigned long index)
{
	if (zsdefer_slot_died(&zram->slots, index))
		zram_settle(zram, index);
}

/* To the next of some slots: most often, all of a word are meant. */
static inline void skip_zeros(unsigned long *left,
			      struct zram_table_entry **entry)
{
	unsigned int zeros = __ffs(*left);

	*left >>= zeros;
	*entry += zeros;
}

/* See struct zsdefer_slots_ops. */
static unsigned long zram_lock_slots(struct zsdefer_slots *slots,
				     unsigned long first, unsigned long bits)
{
	struct zram *zram = container_of(slots, struct zram, slots);
	struct zram_table_entry *entry = &zram->table[first];
	unsigned long left, missed = 0;

	for (left = bits; left; left >>= 1, entry++) {
		if (unlikely(!(left & 1)))
			skip_zeros(&left, &entry);
		if (unlikely(!entry_trylock(zram, entry)))
			missed |= BIT(entry - &zram->table[first]);
	}
	return bits & ~missed;
}

static unsigned int zram_take_slots(struct zsdefer_slots *slots,
				    unsigned long first, unsigned long locked,
				    unsigned long dead, unsigned long *handles)
{
	struct zram *zram = container_of(slots, struct zram, slots);
	struct zram_table_entry *entry = &zram->table[first];
	unsigned long left, *next = handles;

	for (left = locked & ~dead; unlikely(left); left &= left - 1)
		slot_unlock(zram, first + __ffs(left));
	for (left = dead; left; left >>= 1, entry++) {
		if (unlikely(!(left & 1)))
			skip_zeros(&left, &entry);
		*next = zram_empty_slot(entry);
		zs_prefetch_deferred(*next++);
		entry_unlock_empty(zram, entry);
	}
	entries_wake(zram, &zram->table[first], dead);
	return next - handles;
}

static const struct zsdefer_slots_ops zram_slots_ops = {
	.lock = zram_lock_slots,
	.take = zram_take_slots,
};

static int zram_slots_alloc(struct zram *zram, unsigned long nr)
{
	return zsdefer_slots_alloc(&zram->slots, zram->mem_pool, nr,
				   &zram_slots_ops);
}
#else
static inline void slot_settle(struct zram *zram, unsigned long index) { }

static inline int zram_slots_alloc(struct zram *zram, unsigned long nr)
{
	return 0;
}
#endif

/* Free what a slot has now, or miss it if somebody holds the lock. */
static void zram_slot_free_now(struct zram *zram, unsigned long index)
{
	if (!slot_trylock(zram, index)) {
		atomic64_inc(&zram->stats.miss_free);
		return;
	}
	slot_settle(zram, index);
	slot_free(zram, index);
	slot_unlock(zram, index);
}

/*
 * zram_slot_dies(): let the object of a slot die where it is, or free it now if it
 * may not wait; zram_slots_die(): likewise of several
 */
#ifdef CONFIG_ZSMALLOC_DEFERRED_FREE
static inline void zram_slot_dies(struct zram *zram, unsigned long index)
{
	unsigned int size = zsdefer_one_died(&zram->slots, index);

	if (unlikely(!size)) {
		zram_slot_free_now(zram, index);
		return;
	}
	atomic64_dec(&zram->stats.pages_stored);
	atomic64_sub(size, &zram->stats.compr_data_size);
	if (unlikely(size == PAGE_SIZE))
		atomic64_dec(&zram->stats.huge_pages);
}

static noinline void __maybe_unused
zram_slots_die(struct zram *zram, unsigned long index, unsigned int nr)
{
	unsigned long end = index + nr;
	struct zsdefer_died died = { };

	while (index < end) {
		nr = min(end - index, BITS_PER_LONG - index % BITS_PER_LONG);
		index += zsdefer_slots_died(&zram->slots, index, nr, &died);
		while (died.now--)
			zram_slot_free_now(zram, index++);
	}
	if (!died.objects)
		return;
	atomic64_sub(died.objects, &zram->stats.pages_stored);
	atomic64_sub(died.bytes, &zram->stats.compr_data_size);
	if (died.huge)
		atomic64_sub(died.huge, &zram->stats.huge_pages);
}
#else
static inline void zram_slot_dies(struct zram *zram, unsigned long index)
{
	zram_slot_free_now(zram, index);
}

static void __maybe_unused
zram_slots_die(struct zram *zram, unsigned long index, unsigned int nr)
{
	while (nr--)
		zram_slot_free_now(zram, index++);
}
#endif
