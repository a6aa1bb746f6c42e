/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: where the handles of a size class live.
 *
 * Objects that are stored together are mostly freed together, and so are
 * their handles. So each size class takes its handles from blocks of its own,
 * in the order of the allocations. A drain then finds the handles of a batch
 * side by side: it frees them by setting bits, and a block whose handles are
 * all free goes back as a whole, like a zspage.
 *
 * A block is aligned to its size, so a handle's address tells its block.
 */
#ifndef _MM_ZSDEFER_HANDLE_H
#define _MM_ZSDEFER_HANDLE_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/types.h>

/* A block is as many words as its bitmap has bits. */
#define ZSDEFER_HANDLE_BLOCK_SIZE	(64 * sizeof(unsigned long))

/**
 * struct zsdefer_handle_block - some handles of a size class
 * @list: on zsdefer_handles.partial while any of them is free
 * @free: a bit for each word of the block: it is a handle, and free
 * @words: all of the block; the first of them are what is above
 */
struct zsdefer_handle_block {
	union {
		struct {
			struct list_head list;
			u64 free;
		};
		unsigned long words[64];
	};
};

/* @free of a block with no handle in use: all but the header's words. */
#define ZSDEFER_BLOCK_UNUSED						\
	(~0ULL << (offsetofend(struct zsdefer_handle_block, free) /	\
		   sizeof(unsigned long)))

/**
 * struct zsdefer_handles - the handles of a size class
 * @lock: guards @partial and all blocks' headers; innermost, taken alone
 * @partial: blocks with free handles
 */
struct zsdefer_handles {
	spinlock_t lock;	/* partial and all blocks */
	struct list_head partial;
};

#endif /* _MM_ZSDEFER_HANDLE_H */
