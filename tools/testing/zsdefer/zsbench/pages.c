// SPDX-License-Identifier: GPL-2.0
/* zsbench: pages of known data, and how they get into swap. */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <signal.h>

#include "zsbench.h"

unsigned long page_size;

/* splitmix64: small, and good enough that lz4 finds nothing. */
uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A page of @random words that nothing is found in, and the rest like @rest. */
void fill_words(void *page, unsigned int random, uint64_t state, uint64_t rest)
{
	uint64_t *word = page;
	unsigned int i;

	for (i = 0; i < random; i++)
		word[i] = next_random(&state);
	for (; i < page_size / 8; i++)
		word[i] = rest;
}

/* The content of a page is a function of @seed alone. */
void fill_page(void *page, enum data data, uint64_t seed)
{
	uint64_t state = seed * 0x2545f4914f6cdd1dULL + 1;
	unsigned int random, scale = page_size / 4096;

	switch (data) {
	case MIXED:
		random = (400 + next_random(&state) % 1900) * scale / 8;
		break;
	case SMALL:
		random = (64 + next_random(&state) % 336) * scale / 8;
		break;
	case LARGE:
		random = (2000 + next_random(&state) % 1000) * scale / 8;
		break;
	case SINGLE:
		random = 1200 * scale / 8;
		break;
	case HUGE:
		random = page_size / 8;
		break;
	default:
		random = 0;
	}
	fill_words(page, random, state,
		   data == SAME ? seed : 0x2020202020202020ULL);
}

bool check_page(const void *page, enum data data, uint64_t seed)
{
	uint64_t want[page_size / 8];

	fill_page(want, data, seed);
	return !memcmp(page, want, page_size);
}

char *map_pages(unsigned long pages)
{
	char *mem = mmap(NULL, pages * page_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		err(2, "mmap");
	if (!opt.huge)
		madvise(mem, pages * page_size, MADV_NOHUGEPAGE);
	return mem;
}

/* Zeroed, and the same memory in all children. */
void *map_shared(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		err(2, "mmap");
	return mem;
}

/* Pages of @mem that are not in memory, by /proc/self/pagemap. */
unsigned long pages_swapped(const char *mem, unsigned long pages)
{
	unsigned long n = 0, i, got;
	static uint64_t map[512];
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0)
		err(2, "/proc/self/pagemap");
	for (i = 0; i < pages; i += got) {
		off_t at = ((uintptr_t)mem / page_size + i) * 8;
		unsigned long want = pages - i < 512 ? pages - i : 512;
		ssize_t len = pread(fd, map, want * 8, at);
		unsigned long k;

		if (len <= 0)
			err(2, "/proc/self/pagemap");
		got = len / 8;
		for (k = 0; k < got; k++)
			n += map[k] >> 62 & 1;
	}
	close(fd);
	return n;
}

void fill(char *mem, unsigned long pages, enum data data, uint64_t seed)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		fill_page(mem + i * page_size, data, seed + i);
}

/* Page @mem out; the kernel may need to be asked twice. */
unsigned long swap_out(char *mem, unsigned long pages)
{
	unsigned long swapped = 0;
	int tries;

	for (tries = 0; tries < 5 && swapped < pages; tries++) {
		if (madvise(mem, pages * page_size, MADV_PAGEOUT))
			err(2, "madvise(MADV_PAGEOUT)");
		swapped = pages_swapped(mem, pages);
	}
	return swapped;
}

unsigned long fill_and_swap(char *mem, unsigned long pages, enum data data,
			    uint64_t seed)
{
	fill(mem, pages, data, seed);
	return swap_out(mem, pages);
}

/* No figure is worth anything if most of the memory wasn't in swap. */
void check_swapped(unsigned long swapped, unsigned long pages)
{
	if (swapped < pages * 9 / 10)
		errx(1, "only %lu of %lu pages could be swapped out", swapped,
		     pages);
}

unsigned long pages_of(unsigned long mib)
{
	return (mib << 20) / page_size;
}

/* A process with @pages in swap and @resident others that only waits. */
void start_holder(struct child *c, unsigned long pages, unsigned long resident,
		  uint64_t seed)
{
	if (fork_child(c)) {
		c->pages = fill_and_swap(map_pages(pages), pages, opt.data,
					 seed);
		if (resident)
			fill(map_pages(resident), resident, opt.data,
			     seed + pages);
		set_state(c, READY);
		stay();
	}
}
