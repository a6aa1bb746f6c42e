// SPDX-License-Identifier: GPL-2.0
/*
 * zsbench - fill swap with known data, and release or check it
 *
 *	zsbench release [-h munmap|kill|touch] [-m MIB] [-p PROCS] [-d DATA]
 *			[-r RUNS] [-z zramN] [-f] [-i] [-x]
 *	zsbench verify	[-m MIB] [-p PROCS] [-t SECONDS] [-s SEED]
 *	zsbench hold	[-m MIB] [-d DATA]
 *	zsbench tsc
 *
 * "release" has PROCS processes fill MIB mebibytes between them, swaps all
 * of it out, and lets all of them unmap it, or be killed, at once. For each
 * run it prints a line of JSON:
 *
 *	release_ns	from the signal until the last munmap() has returned,
 *			or until the last process is gone
 *	munmap_ns	the longest munmap() itself; 0 when killing
 *	back_ns		from the signal until the device's pool has the size
 *			that it had before the memory was filled, within 1 %
 *	flush_ns	with -f: a write to deferred_free/flush right after
 *	out_ns		the longest that a process took to page its memory out
 *	pages		pages that were in swap
 *
 * "touch" in place of a release reads all pages back in. With -i the
 * processes page out in turns, a page each, so that their objects share
 * zspages; then only the first of them is released and counted.
 *
 * With -x all of this has real-time priority: no worker comes between.
 *
 * "verify" has PROCS processes check every byte that comes back from swap,
 * while as many others are filled, swapped out and killed. It prints what it
 * checked and exits with 1 if a single byte was wrong.
 *
 * "hold" fills and swaps out, prints "ready", and waits to be killed.
 *
 * "tsc" prints the frequency of this machine's time stamp counter in kHz, for
 * a guest that is emulated on it and can't find it out reliably.
 *
 * DATA: mixed (compresses to sizes spread over the classes), single (all
 * pages compress alike), huge (does not compress), same (one word a page).
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCS	64

static unsigned long page_size;

enum data { MIXED, SINGLE, HUGE, SAME, NR_DATA };
static const char * const data_names[] = { "mixed", "single", "huge", "same" };

static struct {
	const char *how;
	unsigned long mib;
	unsigned int procs;
	enum data data;
	unsigned int runs;
	unsigned int seconds;
	uint64_t seed;
	const char *zram;
	bool flush;
	bool interleave;
	bool exclusive;
} opt = {
	.how = "munmap", .mib = 64, .procs = 1, .data = MIXED, .runs = 5,
	.seconds = 10, .seed = 1, .zram = "zram0",
};

/* What a child and its parent share: each child has its own. */
struct child {
	volatile int state;
	volatile int64_t done_ns;
	volatile int64_t munmap_ns;
	volatile int64_t out_ns;
	volatile unsigned long pages;
	volatile unsigned long turns;
	pid_t pid;
};

enum { FILLING, READY };

static struct child *children;

/*
 * Children wait for the end of this pipe, and so all start at once; those
 * that an interleaved release leaves alone wait for that of the other one.
 */
static int gate[2], later[2];

#define PAGES_A_TURN	1

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void nap(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

/* splitmix64: small, and good enough that lz4 finds nothing. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* The content of a page is a function of @seed alone. */
static void fill_page(void *page, enum data data, uint64_t seed)
{
	uint64_t state = seed * 0x2545f4914f6cdd1dULL + 1, *word = page;
	unsigned int i, random, scale = page_size / 4096;

	switch (data) {
	case MIXED:
		random = (400 + next_random(&state) % 1900) * scale / 8;
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
	for (i = 0; i < random; i++)
		word[i] = next_random(&state);
	for (; i < page_size / 8; i++)
		word[i] = data == SAME ? seed : 0x2020202020202020ULL;
}

static bool check_page(const void *page, enum data data, uint64_t seed)
{
	uint64_t want[page_size / 8];

	fill_page(want, data, seed);
	return !memcmp(page, want, page_size);
}

/* Pages of @mem that are not in memory, by /proc/self/pagemap. */
static unsigned long pages_swapped(const char *mem, unsigned long pages)
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

static char *map_pages(unsigned long pages)
{
	char *mem = mmap(NULL, pages * page_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		err(2, "mmap");
	madvise(mem, pages * page_size, MADV_NOHUGEPAGE);
	return mem;
}

static void fill(char *mem, unsigned long pages, enum data data, uint64_t seed)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		fill_page(mem + i * page_size, data, seed + i);
}

/* Page @mem out; the kernel may need to be asked twice. */
static unsigned long swap_out(char *mem, unsigned long pages)
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

static unsigned long fill_and_swap(char *mem, unsigned long pages,
				   enum data data, uint64_t seed)
{
	fill(mem, pages, data, seed);
	return swap_out(mem, pages);
}

/* Page @mem out a page at a time, in turns with the other children. */
static void swap_out_in_turns(struct child *c, char *mem, unsigned long pages)
{
	struct child *before = c == children ? c + opt.procs - 1 : c - 1;
	unsigned long i, turn = 0;

	for (i = 0; i < pages; i += PAGES_A_TURN, turn++) {
		unsigned long n = pages - i < PAGES_A_TURN ? pages - i : PAGES_A_TURN;

		/* The first child starts a round, the others follow in it. */
		while (before->turns < (c == children ? turn : turn + 1))
			sched_yield();
		if (madvise(mem + i * page_size, n * page_size, MADV_PAGEOUT))
			err(2, "madvise(MADV_PAGEOUT)");
		c->turns = turn + 1;
	}
}

static long read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -1;
	buf[n] = '\0';
	return n;
}

/* Bytes in the device's pool: the third figure of mm_stat. */
static unsigned long long pool_bytes(void)
{
	unsigned long long used = 0;
	char path[128], buf[256];

	snprintf(path, sizeof(path), "/sys/block/%s/mm_stat", opt.zram);
	if (read_file(path, buf, sizeof(buf)) < 0 ||
	    sscanf(buf, "%*u %*u %llu", &used) != 1)
		errx(2, "%s can't be read", path);
	return used;
}

static int64_t flush_now(void)
{
	char path[128];
	int64_t start;
	int fd;

	snprintf(path, sizeof(path), "/sys/block/%s/deferred_free/flush",
		 opt.zram);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return 0;
	start = now_ns();
	if (write(fd, "1", 1) != 1)
		err(2, "%s", path);
	close(fd);
	return now_ns() - start;
}

static void wait_state(struct child *c, int state)
{
	while (c->state != state)
		nap(200);
}

static void open_gate(void)
{
	close(gate[1]);
}

static int64_t wait_gate(int fd)
{
	char c;

	if (read(fd, &c, 1) < 0)
		err(2, "read");
	return now_ns();
}

/* Only the parent writes ->pid: @c is shared. Returns true in the child. */
static bool fork_child(struct child *c)
{
	pid_t pid;

	memset(c, 0, sizeof(*c));
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (pid)
		c->pid = pid;
	return !pid;
}

static void start_child(struct child *c, unsigned long pages, uint64_t seed)
{
	if (fork_child(c)) {
		bool stays = opt.interleave && c != children;
		unsigned long i;
		int64_t start;
		char *mem;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(gate[1]);
		if (opt.interleave)
			close(later[1]);
		mem = map_pages(pages);
		fill(mem, pages, opt.data, seed);
		start = now_ns();
		if (opt.interleave)
			swap_out_in_turns(c, mem, pages);
		else if (madvise(mem, pages * page_size, MADV_PAGEOUT))
			err(2, "madvise(MADV_PAGEOUT)");
		c->out_ns = now_ns() - start;
		c->pages = swap_out(mem, pages);
		c->state = READY;
		c->done_ns = wait_gate(stays ? later[0] : gate[0]);
		for (i = 0; !strcmp(opt.how, "touch") && i < pages; i++)
			*(volatile char *)(mem + i * page_size);
		if (strcmp(opt.how, "touch"))
			munmap(mem, pages * page_size);
		c->munmap_ns = now_ns() - c->done_ns;
		c->done_ns += c->munmap_ns;
		_exit(0);
	}
}

/* Until the pool is back to @before plus one per cent of what was added. */
static int64_t wait_back(unsigned long long before, unsigned long long full,
			 int64_t start)
{
	unsigned long long enough = before + (full - before) / 100;

	while (pool_bytes() > enough) {
		if (now_ns() - start > 60000000000LL)
			return -1;
		nap(300);
	}
	return now_ns() - start;
}

static void release_once(unsigned int run)
{
	unsigned long pages = (opt.mib << 20) / page_size / opt.procs, swapped = 0;
	bool kill_them = !strcmp(opt.how, "kill");
	unsigned int i, procs = opt.interleave ? 1 : opt.procs;
	int64_t start, end = 0, back = 0, flush = 0, unmap = 0, out = 0;
	unsigned long long before, full;

	if (pipe(gate) || (opt.interleave && pipe(later)))
		err(2, "pipe");
	flush_now();
	before = pool_bytes();
	for (i = 0; i < opt.procs; i++)
		start_child(&children[i], pages,
			    opt.seed + ((uint64_t)run * opt.procs + i) * pages);
	for (i = 0; i < opt.procs; i++)
		wait_state(&children[i], READY);
	for (i = 0; i < procs; i++) {
		swapped += children[i].pages;
		if (children[i].out_ns > out)
			out = children[i].out_ns;
	}
	full = pool_bytes();

	start = now_ns();
	for (i = 0; kill_them && i < procs; i++)
		kill(children[i].pid, SIGKILL);
	open_gate();
	for (i = 0; i < procs; i++) {
		waitpid(children[i].pid, NULL, 0);
		if (children[i].done_ns > end)
			end = children[i].done_ns;
		if (children[i].munmap_ns > unmap)
			unmap = children[i].munmap_ns;
	}
	close(gate[0]);
	if (kill_them)
		end = now_ns();
	if (opt.flush)
		flush = flush_now();
	if (!opt.interleave)
		back = wait_back(before, full, start);

	printf("{\"how\":\"%s\",\"mib\":%lu,\"procs\":%u,\"data\":\"%s\",",
	       opt.how, opt.mib, opt.procs, data_names[opt.data]);
	printf("\"run\":%u,\"pages\":%lu,\"pool_bytes\":%llu,", run, swapped,
	       full - before);
	printf("\"release_ns\":%lld,\"munmap_ns\":%lld,\"back_ns\":%lld,\"flush_ns\":%lld,",
	       (long long)(end - start), (long long)unmap, (long long)back,
	       (long long)flush);
	printf("\"out_ns\":%lld,\"interleaved\":%s}\n", (long long)out,
	       opt.interleave ? "true" : "false");
	fflush(stdout);
	if (swapped < pages * procs * 9 / 10)
		errx(1, "only %lu of %lu pages could be swapped out", swapped,
		     pages * procs);
	if (opt.interleave) {
		close(later[1]);
		for (i = 1; i < opt.procs; i++)
			waitpid(children[i].pid, NULL, 0);
		close(later[0]);
	}
}

static int do_release(void)
{
	struct sched_param first = { .sched_priority = 1 };
	unsigned int run;

	if (strcmp(opt.how, "kill") && strcmp(opt.how, "munmap") &&
	    strcmp(opt.how, "touch"))
		errx(2, "-h takes munmap, kill or touch");
	if (opt.interleave && (opt.procs < 2 || strcmp(opt.how, "munmap")))
		errx(2, "-i takes at least two processes and -h munmap");
	if (opt.exclusive && sched_setscheduler(0, SCHED_FIFO, &first))
		err(2, "sched_setscheduler");
	for (run = 0; run < opt.runs; run++)
		release_once(run);
	return 0;
}

/* Swap out, read back, compare, until time is up; then tell in the exit code. */
static int verify_child(struct child *c, unsigned long pages, uint64_t seed,
			int64_t until)
{
	char *mem = map_pages(pages);
	uint64_t round = 0;
	unsigned long i;

	do {
		uint64_t s = seed + round++ * pages;

		if (!fill_and_swap(mem, pages, opt.data, s))
			return 3;
		for (i = 0; i < pages; i++) {
			if (!check_page(mem + i * page_size, opt.data, s + i)) {
				fprintf(stderr, "page %lu of round %llu is wrong\n",
					i, (unsigned long long)round);
				return 1;
			}
			c->pages++;
		}
		/* Every other round, start from fresh memory. */
		if (round & 1) {
			munmap(mem, pages * page_size);
			mem = map_pages(pages);
		}
	} while (now_ns() < until);
	return 0;
}

static int do_verify(void)
{
	unsigned long pages = (opt.mib << 20) / page_size / (2 * opt.procs);
	int64_t until = now_ns() + opt.seconds * 1000000000LL;
	unsigned long checked = 0, killed = 0;
	struct child *victims = children + opt.procs;
	int status, bad = 0;
	unsigned int i;

	if (opt.procs * 2 > MAX_PROCS)
		errx(2, "-p takes at most %d here", MAX_PROCS / 2);
	for (i = 0; i < opt.procs; i++) {
		struct child *c = &children[i];

		if (fork_child(c))
			_exit(verify_child(c, pages, opt.seed + (i + 1) * (1ULL << 32),
					   until));
	}
	for (i = 0; now_ns() < until; i = (i + 1) % opt.procs) {
		if (pipe(gate))
			err(2, "pipe");
		start_child(&victims[i], pages, opt.seed + killed);
		wait_state(&victims[i], READY);
		kill(victims[i].pid, SIGKILL);
		waitpid(victims[i].pid, NULL, 0);
		close(gate[0]);
		close(gate[1]);
		killed++;
	}
	for (i = 0; i < opt.procs; i++) {
		waitpid(children[i].pid, &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			bad++;
		checked += children[i].pages;
	}
	printf("{\"pages_checked\":%lu,\"killed\":%lu,\"bad\":%d}\n", checked,
	       killed, bad);
	return bad || !checked || !killed;
}

static _Noreturn void do_hold(void)
{
	unsigned long pages = (opt.mib << 20) / page_size;
	char *mem = map_pages(pages);

	printf("ready %lu\n", fill_and_swap(mem, pages, opt.data, opt.seed));
	fflush(stdout);
	for (;;)
		pause();
}

static int do_tsc(void)
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

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || !n || n > max)
		errx(2, "%s is not a number from 1 to %lu", text, max);
	return n;
}

static enum data data_of(const char *name)
{
	enum data d;

	for (d = 0; d < NR_DATA; d++)
		if (!strcmp(name, data_names[d]))
			return d;
	errx(2, "-d takes mixed, single, huge or same");
}

int main(int argc, char **argv)
{
	int c;

	page_size = sysconf(_SC_PAGESIZE);
	if (argc < 2)
		errx(2, "usage: zsbench release|verify|hold|tsc [options]");
	while ((c = getopt(argc - 1, argv + 1, "h:m:p:d:r:t:s:z:fix")) != -1) {
		switch (c) {
		case 'h':
			opt.how = optarg;
			break;
		case 'm':
			opt.mib = number(optarg, 1 << 20);
			break;
		case 'p':
			opt.procs = number(optarg, MAX_PROCS);
			break;
		case 'd':
			opt.data = data_of(optarg);
			break;
		case 'r':
			opt.runs = number(optarg, 10000);
			break;
		case 't':
			opt.seconds = number(optarg, 86400);
			break;
		case 's':
			opt.seed = number(optarg, ~0UL);
			break;
		case 'z':
			opt.zram = optarg;
			break;
		case 'f':
			opt.flush = true;
			break;
		case 'i':
			opt.interleave = true;
			break;
		case 'x':
			opt.exclusive = true;
			break;
		default:
			return 2;
		}
	}
	children = mmap(NULL, MAX_PROCS * sizeof(*children),
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (children == MAP_FAILED)
		err(2, "mmap");

	if (!strcmp(argv[1], "release"))
		return do_release();
	if (!strcmp(argv[1], "verify"))
		return do_verify();
	if (!strcmp(argv[1], "hold"))
		do_hold();
	if (!strcmp(argv[1], "tsc"))
		return do_tsc();
	errx(2, "there is no command %s", argv[1]);
}
