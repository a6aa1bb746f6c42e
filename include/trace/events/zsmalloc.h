/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM zsmalloc

#if !defined(_TRACE_ZSMALLOC_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_ZSMALLOC_H

#include <linux/tracepoint.h>

/**
 * zsdefer_drain - waiting objects of one size class have been freed, of up to 16
 *		   blocks of handles
 * @pool: name of the pool
 * @size: bytes that an object of the class occupies
 * @objects: how many have been freed
 * @zspages_whole: zspages that went back without linking their objects
 * @pages: pages that went back to the page allocator
 * @ns: how long it took, from when it had the class to itself, preemption included
 */
TRACE_EVENT(zsdefer_drain,

	TP_PROTO(const char *pool, unsigned int size, unsigned int objects,
		 unsigned int zspages_whole, unsigned int pages, u64 ns),

	TP_ARGS(pool, size, objects, zspages_whole, pages, ns),

	TP_STRUCT__entry(
		__string(pool, pool)
		__field(unsigned int, size)
		__field(unsigned int, objects)
		__field(unsigned int, zspages_whole)
		__field(unsigned int, pages)
		__field(u64, ns)
	),

	TP_fast_assign(
		__assign_str(pool);
		__entry->size = size;
		__entry->objects = objects;
		__entry->zspages_whole = zspages_whole;
		__entry->pages = pages;
		__entry->ns = ns;
	),

	TP_printk("pool=%s size=%u objects=%u zspages_whole=%u pages=%u ns=%llu",
		  __get_str(pool), __entry->size, __entry->objects,
		  __entry->zspages_whole, __entry->pages, __entry->ns)
);

/**
 * zsdefer_fallback - an object is freed synchronously, not queued
 * @pool: name of the pool
 * @size: bytes that an object of the class occupies
 * @cause: why, as in the names of the fallback_* lines of deferred_free/stats
 */
TRACE_EVENT(zsdefer_fallback,

	TP_PROTO(const char *pool, unsigned int size, const char *cause),

	TP_ARGS(pool, size, cause),

	TP_STRUCT__entry(
		__string(pool, pool)
		__string(cause, cause)
		__field(unsigned int, size)
	),

	TP_fast_assign(
		__assign_str(pool);
		__assign_str(cause);
		__entry->size = size;
	),

	TP_printk("pool=%s size=%u cause=%s",
		  __get_str(pool), __entry->size, __get_str(cause))
);

/**
 * zsdefer_flush - what waited in a pool has been freed, all or some of it
 * @pool: name of the pool
 * @cause: who wanted it. All: "user" wrote to deferred_free/flush, "limits" were
 *	   lowered, "disable": deferral is off now or the pool goes away,
 *	   "compact"ion, "oom". Enough: "limit": zram has reached its
 *	   mem_limit, or zswap asks, the "shrink"er, "alloc": zs_malloc() found no memory
 * @objects: objects that it freed; workers may have freed others
 * @pages: pages that went back because of that
 * @ns: how long it took
 */
TRACE_EVENT(zsdefer_flush,

	TP_PROTO(const char *pool, const char *cause, unsigned long objects,
		 unsigned long pages, u64 ns),

	TP_ARGS(pool, cause, objects, pages, ns),

	TP_STRUCT__entry(
		__string(pool, pool)
		__string(cause, cause)
		__field(unsigned long, objects)
		__field(unsigned long, pages)
		__field(u64, ns)
	),

	TP_fast_assign(
		__assign_str(pool);
		__assign_str(cause);
		__entry->objects = objects;
		__entry->pages = pages;
		__entry->ns = ns;
	),

	TP_printk("pool=%s cause=%s objects=%lu pages=%lu ns=%llu",
		  __get_str(pool), __get_str(cause), __entry->objects,
		  __entry->pages, __entry->ns)
);

#endif /* _TRACE_ZSMALLOC_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
