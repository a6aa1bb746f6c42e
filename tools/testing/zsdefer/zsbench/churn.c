// SPDX-License-Identifier: GPL-2.0
/* zsbench: a pool whose contents change, class by class. */

#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>

#include "zsbench.h"

#define REGIONS		64
#define REGION_SIZE	(1024UL * 1024)

/* Its pages compress to some 300 to 2700 bytes, within 128 of each other. */
static char *new_region(uint64_t *state)
{
	unsigned int low = 300 + next_random(state) % 2400;
	unsigned long i, pages = REGION_SIZE / page_size;
	char *mem = map_pages(pages);

	for (i = 0; i < pages; i++)
		fill_words(mem + i * page_size,
			   (low + next_random(state) % 128) / 8,
			   next_random(state), 0x2020202020202020ULL);
	check_swapped(swap_out(mem, pages), pages);
	return mem;
}

/* A round: which half goes is a matter of chance. */
static void churn_once(char **regions, uint64_t *state)
{
	unsigned int i;

	for (i = REGIONS - 1; i; i--) {
		unsigned int j = next_random(state) % (i + 1);
		char *other = regions[j];

		regions[j] = regions[i];
		regions[i] = other;
	}
	for (i = 0; i < REGIONS / 2; i++)
		munmap(regions[i], REGION_SIZE);
	for (i = 0; i < REGIONS / 2; i++)
		regions[i] = new_region(state);
}

int do_churn(void)
{
	unsigned long long pool;
	char *regions[REGIONS];
	uint64_t state = opt.seed;
	long long waiting;
	unsigned int i;

	/* Pages that another CPU is about to put on an LRU list can't be paged out. */
	stay_on_last_cpu();
	for (i = 0; i < REGIONS; i++)
		regions[i] = new_region(&state);
	for (i = 0; i < opt.runs; i++)
		churn_once(regions, &state);
	pool = pool_bytes();
	waiting = bytes_waiting();
	flush_now();
	printf("{\"scene\":\"churn\",\"seed\":%llu,\"rounds\":%lu,",
	       (unsigned long long)opt.seed, opt.runs);
	printf("\"pool_bytes\":%llu,\"waiting_bytes\":%lld,", pool,
	       waiting > 0 ? waiting : 0);
	printf("\"flushed_bytes\":%llu}\n", pool_bytes());
	return 0;
}
