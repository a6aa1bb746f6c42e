/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of the deferred free: what differs between the kernels they run on.
 */
#ifndef _MM_ZSDEFER_TESTS_COMPAT_H
#define _MM_ZSDEFER_TESTS_COMPAT_H

/* The engine's knobs and figures are exported to tests alone. */
#ifdef ZSDEFER_POOL_CACHES
MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);

#define zt_malloc(pool, size, gfp)	zs_malloc(pool, size, gfp)

static void zt_write(struct zs_pool *pool, unsigned long handle, u8 *from,
		     unsigned int size)
{
	memcpy(zs_map_object(pool, handle, ZS_MM_WO), from, size);
	zs_unmap_object(pool, handle);
}

/* Does an object hold @wanted? @copy has room for @size bytes. */
static bool zt_holds(struct zs_pool *pool, unsigned long handle,
		     unsigned int size, const u8 *wanted, u8 *copy)
{
	memcpy(copy, zs_map_object(pool, handle, ZS_MM_RO), size);
	zs_unmap_object(pool, handle);
	return !memcmp(copy, wanted, size);
}
#else
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");

#define zt_malloc(pool, size, gfp)	zs_malloc(pool, size, gfp, NUMA_NO_NODE)
#define zt_write			zs_obj_write

static bool zt_holds(struct zs_pool *pool, unsigned long handle,
		     unsigned int size, const u8 *wanted, u8 *copy)
{
	void *data = zs_obj_read_begin(pool, handle, size, copy);
	bool same = !memcmp(data, wanted, size);

	zs_obj_read_end(pool, handle, size, data);
	return same;
}
#endif

#endif /* _MM_ZSDEFER_TESTS_COMPAT_H */
