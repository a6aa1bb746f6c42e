/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that queue.c needs of the kernel. A harness that builds queue.c
 * elsewhere provides a header with this guard and includes it first.
 */
#ifndef _MM_ZSDEFER_INTERNAL_H
#define _MM_ZSDEFER_INTERNAL_H

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <trace/events/zsmalloc.h>

#endif /* _MM_ZSDEFER_INTERNAL_H */
