// SPDX-License-Identifier: GPL-2.0
/* zsbench: what a few that stay keep of many that are freed. */

#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "zsbench.h"

/* Of so many pages one stays. */
#define STAYS	20

/* All pages but every STAYS-th, in an order that is a matter of chance. */
static void punch(char *mem, unsigned long pages, uint64_t state)
{
	unsigned long *order = calloc(pages, sizeof(*order)), i, k, left = pages / STAYS;

	if (!order)
		err(2, "calloc");
	for (i = 0; i < pages; i++) {
		k = next_random(&state) % (i + 1);
		order[i] = order[k];
		order[k] = i;
	}
	for (i = left; i < pages; i++)
		if (madvise(mem + order[i] * page_size, page_size, MADV_DONTNEED))
			err(2, "madvise(MADV_DONTNEED)");
	free(order);
}

static void print_use(const char *when)
{
	flush_now();
	printf("\"%s_pool\":%llu,\"%s_slab\":%llu", when, pool_bytes(), when,
	       meminfo_bytes("SUnreclaim"));
}

/* The slab figure is the machine's: nothing else should happen on it. */
int do_holes(void)
{
	unsigned long pages = pages_of(opt.mib);
	char *mem = map_pages(pages);
	unsigned int run;

	for (run = 0; run < opt.runs; run++) {
		printf("{\"scene\":\"holes\",\"run\":%u,\"pages\":%lu,", run, pages);
		print_use("before");
		check_swapped(fill_and_swap(mem, pages, opt.data, opt.seed + run), pages);
		printf(",");
		print_use("full");
		punch(mem, pages, opt.seed + run);
		printf(",");
		print_use("left");
		printf("}\n");
		fflush(stdout);
		if (madvise(mem, pages * page_size, MADV_DONTNEED))
			err(2, "madvise(MADV_DONTNEED)");
	}
	return 0;
}
