// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred free for zsmalloc: handles in blocks, see handle.h.
 *
 * Included by mm/zsmalloc.c, whose handle_cachep the blocks are from.
 */

static struct zsdefer_handle_block *zsdefer_handle_block(unsigned long handle)
{
	return (void *)(handle & ~(ZSDEFER_HANDLE_BLOCK_SIZE - 1));
}

/* The bit of @handle in its block's free. */
static u64 zsdefer_handle_bit(unsigned long handle)
{
	return BIT_ULL(handle / sizeof(unsigned long) % 64);
}

static void zsdefer_handles_init(struct size_class *class)
{
	spin_lock_init(&class->handles.lock);
	INIT_LIST_HEAD(&class->handles.partial);
}

/*
 * Take a handle for an object of @size bytes. May sleep if @gfp allows it.
 * Returns 0 if there is no memory for another block.
 */
static unsigned long zsdefer_alloc_handle(struct zs_pool *pool, size_t size,
					  gfp_t gfp)
{
	struct zsdefer_handles *handles = &lookup_size_class(pool, size)->handles;
	struct zsdefer_handle_block *block;
	unsigned int i;

again:
	spin_lock(&handles->lock);
	block = list_first_entry_or_null(&handles->partial,
					 struct zsdefer_handle_block, list);
	if (unlikely(!block)) {
		spin_unlock(&handles->lock);
		block = (void *)cache_alloc_handle(gfp);
		if (!block && zsdefer_reclaim(pool, gfp)) {
			gfp &= ~__GFP_DIRECT_RECLAIM;
			goto again;
		}
		if (!block)
			return 0;
		block->free = ZSDEFER_BLOCK_UNUSED;
		spin_lock(&handles->lock);
		list_add(&block->list, &handles->partial);
	}
	i = __ffs64(block->free);
	block->free &= block->free - 1;
	if (!block->free)
		list_del(&block->list);
	spin_unlock(&handles->lock);

	return (unsigned long)&block->words[i];
}

/* Mark handles of a block free; a block that is all free goes to @unused. */
static void zsdefer_put_handles(struct zsdefer_handles *handles,
				struct zsdefer_handle_block *block, u64 freed,
				struct list_head *unused)
{
	VM_WARN_ON_ONCE(block->free & freed);

	if (!block->free)
		list_add(&block->list, &handles->partial);
	block->free |= freed;
	if (block->free == ZSDEFER_BLOCK_UNUSED)
		list_move(&block->list, unused);
}

/* Free @nr handles, at least one. Neighbours in a row cost least. */
static void zsdefer_free_handles(struct zsdefer_handles *handles,
				 const unsigned long *freed, unsigned int nr)
{
	struct zsdefer_handle_block *block = zsdefer_handle_block(*freed), *next;
	const unsigned long *end = freed + nr;
	LIST_HEAD(unused);
	u64 bits = 0;

	spin_lock(&handles->lock);
	for (; freed < end; freed++) {
		if (zsdefer_handle_block(*freed) != block) {
			zsdefer_put_handles(handles, block, bits, &unused);
			block = zsdefer_handle_block(*freed);
			bits = 0;
		}
		bits |= zsdefer_handle_bit(*freed);
	}
	zsdefer_put_handles(handles, block, bits, &unused);
	spin_unlock(&handles->lock);

	list_for_each_entry_safe(block, next, &unused, list)
		cache_free_handle((unsigned long)block);
}

static void zsdefer_free_handle(struct size_class *class, unsigned long handle)
{
	zsdefer_free_handles(&class->handles, &handle, 1);
}
