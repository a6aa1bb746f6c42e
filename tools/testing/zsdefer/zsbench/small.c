// SPDX-License-Identifier: GPL-2.0
/* zsbench: what needs no scene. */

#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/swap.h>
#include <unistd.h>

#include "zsbench.h"

int do_hold(void)
{
	unsigned long pages = (opt.mib << 20) / page_size;
	char *mem = map_pages(pages);

	printf("ready %lu\n", fill_and_swap(mem, pages, opt.data, opt.seed));
	fflush(stdout);
	for (;;)
		pause();
}

int do_swapon(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", opt.zram);
	if (swapon(path, SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK))
		err(1, "swapon %s", path);
	return 0;
}

int do_hog(void)
{
	int64_t end;

	stay_on_last_cpu();
	go_first(0);
	puts("ready");
	fflush(stdout);
	end = now_ns() + opt.seconds * 1000000000LL;
	while (now_ns() < end)
		;
	return 0;
}

int do_spin(void)
{
	static int64_t took[1000];
	int64_t before, start = now_ns();
	uint64_t state = 1, sum = 0;
	unsigned int n, i;

	for (n = 0; n < 1000 && now_ns() - start < 200000000; n++) {
		before = now_ns();
		for (i = 0; i < 100000; i++)
			sum += next_random(&state);
		took[n] = now_ns() - before;
	}
	/* The compiler must not find out that nobody wants it. */
	if (!sum)
		return 1;
	qsort(took, n, sizeof(*took), compare_ns);
	printf("%lld %lld %lld\n", (long long)took[0], (long long)took[n / 2],
	       (long long)took[n - 1]);
	return 0;
}

int do_tsc(void)
{
#ifdef __x86_64__
	int64_t start = now_ns(), ns;
	uint64_t tsc = __builtin_ia32_rdtsc();

	nap(100000);
	tsc = __builtin_ia32_rdtsc() - tsc;
	ns = now_ns() - start;
	printf("%llu\n", (unsigned long long)(tsc * 1000000.0 / ns + 0.5));
	return 0;
#else
	return 1;
#endif
}
