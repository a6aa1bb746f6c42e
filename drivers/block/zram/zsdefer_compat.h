/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zram: what its slots are in the kernels that zsdefer.c is for.
 *
 * Nothing else here knows of that.
 */
#ifndef _ZRAM_ZSDEFER_COMPAT_H
#define _ZRAM_ZSDEFER_COMPAT_H

#ifdef ZRAM_ENTRY_LOCK_BIT
#define entry_flags(entry)	((entry)->attr.flags)
#define entry_ac_time(entry)	((entry)->attr.ac_time)
#define ENTRY_LOCKED		BIT(ZRAM_ENTRY_LOCK)

static inline bool entry_trylock(struct zram *zram,
				 struct zram_table_entry *entry)
{
	if (unlikely(test_and_set_bit_lock(ZRAM_ENTRY_LOCK_BIT, &entry->__lock)))
		return false;
	mutex_acquire(&zram->table_lock_map, 0, 1, _RET_IP_);
	lock_acquired(&zram->table_lock_map, _RET_IP_);
	return true;
}

/* Unlock one, and clear its flags, which nobody changes but us. */
static inline void entry_unlock_empty(struct zram *zram,
				      struct zram_table_entry *entry)
{
	mutex_release(&zram->table_lock_map, _RET_IP_);
	atomic_long_set_release((atomic_long_t *)&entry->__lock, 0);
}

/* Wake those who wait for some that were unlocked so. */
static inline void entries_wake(struct zram *zram, struct zram_table_entry *entry,
				unsigned long unlocked)
{
	/* Pairs with slot_lock(): we see that it waits, or it sees them free. */
	smp_mb();
	if (likely(!atomic_read(&zram->slot_waiters)))
		return;
	for (; unlocked; unlocked &= unlocked - 1)
		wake_up_bit(&entry[__ffs(unlocked)].__lock, ZRAM_ENTRY_LOCK_BIT);
}
#else
/* Before slots had a bit to lock they had a spinlock, and other names. */
#define entry_flags(entry)	((entry)->flags)
#define entry_ac_time(entry)	((entry)->ac_time)
#define ENTRY_LOCKED		0

#define slot_trylock(zram, index)	zram_slot_trylock(zram, index)
#define slot_unlock(zram, index)	zram_slot_unlock(zram, index)
#define slot_free(zram, index)		zram_free_page(zram, index)

static inline bool entry_trylock(struct zram *zram,
				 struct zram_table_entry *entry)
{
	return spin_trylock(&entry->lock);
}

static inline void entry_unlock_empty(struct zram *zram,
				      struct zram_table_entry *entry)
{
	entry->flags = 0;
	spin_unlock(&entry->lock);
}

static inline void entries_wake(struct zram *zram, struct zram_table_entry *entry,
				unsigned long unlocked) { }
#endif

#endif /* _ZRAM_ZSDEFER_COMPAT_H */
