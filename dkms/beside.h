/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is other in modules beside a kernel that may have zsmalloc already.
 *
 * Before all else in each of their files.
 */

/* The kernel may export symbols of these names. */
#define zs_compact		zsd_compact
#define zs_create_pool		zsd_create_pool
#define zs_destroy_pool		zsd_destroy_pool
#define zs_free			zsd_free
#define zs_get_total_pages	zsd_get_total_pages
#define zs_huge_class_size	zsd_huge_class_size
#define zs_lookup_class_index	zsd_lookup_class_index
#define zs_malloc		zsd_malloc
#define zs_map_object		zsd_map_object
#define zs_obj_read_begin	zsd_obj_read_begin
#define zs_obj_read_end		zsd_obj_read_end
#define zs_obj_read_sg_begin	zsd_obj_read_sg_begin
#define zs_obj_read_sg_end	zsd_obj_read_sg_end
#define zs_obj_write		zsd_obj_write
#define zs_pool_stats		zsd_pool_stats
#define zs_unmap_object		zsd_unmap_object

/* zswap's pools are not for us. */
#undef CONFIG_ZPOOL
