/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred free for zsmalloc: what differs between the kernels it is for.
 */
#ifndef _MM_ZSDEFER_COMPAT_H
#define _MM_ZSDEFER_COMPAT_H

#include <linux/pagemap.h>

#include "../page_alloc.h"

/* Comes with an optional patch; this does the same at a higher price. */
#ifndef free_pages_batch
#define free_pages_batch(pages, nr)	release_pages(pages, nr)
#endif

#endif /* _MM_ZSDEFER_COMPAT_H */
