// SPDX-License-Identifier: GPL-2.0
/*
 * zsbench - fill swap with known data, and release or check it
 *
 *	zsbench release [-h munmap|kill|touch] [-m MIB] [-p PROCS] [-d DATA]
 *			[-r RUNS] [-z zramN] [-w MS] [-c MIB] [-g RATE] [-f] [-i]
 *			[-x] [-S]
 *	zsbench verify	[-m MIB] [-p PROCS] [-t SECONDS] [-s SEED] [-H]
 *	zsbench hold	[-m MIB] [-d DATA]
 *	zsbench lmk	[-p APPS] [-m MIB] [-R MIB] [-n MIB] [-l MIB] [-d DATA]
 *			[-r RUNS] [-z zramN] [-w MS] [-a] [-k VICTIMS] [-D MS]
 *	zsbench churn	[-r ROUNDS] [-s SEED] [-z zramN]
 *	zsbench latency	[-m MIB] [-d DATA] [-r RUNS] [-z zramN] [-w MS] [-x]
 *	zsbench workers
 *	zsbench swapon	[-z zramN]
 *	zsbench hog	[-t SECONDS]
 *	zsbench spin
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
 *			that it had before the memory was filled, within 1 %;
 *			-1 if it hasn't after the MS of -w, a minute by default
 *	left_bytes	what the pool holds then beyond that size; 0 if it is back
 *	flush_ns	with -f: a write to deferred_free/flush right after (or to
 *			the module's parameter of that name, where that is all
 *			there is)
 *	out_ns		the longest that a process took to page its memory out
 *	pages		pages that were in swap
 *
 * "touch" in place of a release reads all pages back in, with -g no more than RATE
 * a second. With -i the processes page out in turns, a page each, so that their
 * objects share zspages; then only the first of them is released and counted.
 *
 * With -c the processes fill and page out that many MiB at a time, as where no more
 * can be in memory at once.
 *
 * With -x all of this has real-time priority: no worker comes between.
 *
 * With -S the parent looks at the pool while it waits, and there is one more
 * field, "series": [nanoseconds since the signal, bytes in the pool, bytes that
 * wait to be freed or -1 where nothing tells], about every half millisecond,
 * and more rarely late in a long wait. Looking costs time, too: release_ns of
 * killed processes is then up to a quarter of a millisecond late.
 *
 * "verify" has PROCS processes check every byte that comes back from swap, which others
 * shared before they ended, while as many processes are filled, swapped out and killed.
 * It prints what it checked and exits with 1 if a single byte was wrong. With -H their
 * memory may be in huge pages; otherwise none is, as that depends on what else is going
 * on.
 *
 * "hold" fills and swaps out, prints "ready", and waits to be killed.
 *
 * "lmk" has APPS processes that swap MIB (-m) each out and keep more (-R), and
 * another that then touches new memory (-n), while its parent kills an app
 * whenever less than -l is free, the oldest first, and waits until it is gone. With
 * -a it looks at what is available (MemAvailable) instead. With -k it kills so many
 * apps at once.
 * All sizes are in MiB; -R and -l may be 0. A line of JSON a run:
 *
 *	total_ns	until the new process had all its memory; -1 if the kernel
 *			killed it: then "oom" is true, and the exit code 1
 *	cpu_ns		of that, its own CPU time
 *	reclaims	how often an allocation had to reclaim memory meanwhile
 *	worst_ns	the longest that it took to get one page and fill it
 *	stalls		how many pages took longer than 1 ms
 *	stall_ns	how long these took together
 *	kills, kill_ns	apps that were killed, and for each how long it took
 *			from the signal until it was gone
 *	oom_kills	processes that the kernel killed
 *	bystander_rounds, bystander_gap_ns
 *			what a process got done meanwhile that never sleeps and
 *			needs 1 MiB, and the longest that a round of it took. With
 *			-D: that every MS milliseconds gets 1 MiB of new memory, and
 *			gives it back; from when it is due, and "missed" is how often
 *			that took longer than to the next
 *	some_us, full_us
 *			for how long some task, or all, were short of memory, by
 *			/proc/pressure/memory; -1 if there is no such file
 *	workers_ns	CPU time of all kworkers meanwhile
 *	pswpout, pswpin	pages that were swapped meanwhile
 *	left_bytes	as above, when all is over
 *
 * "churn" keeps 64 regions of 1 MiB in swap, each with pages that compress to
 * sizes of a range of its own. ROUNDS times half of them are unmapped, and new
 * ones paged out in their place. It prints what the pool takes at the end
 * (pool_bytes), what of that waits to be freed (waiting_bytes), and what the
 * pool takes after a flush (flushed_bytes).
 *
 * "latency" times how long each of 32 MiB of pages takes to be swapped in, and
 * each 16 of them to be swapped out again: once while nothing else happens
 * (idle), and once with a process killed at the beginning of each (busy) that
 * has MIB in swap. "..._overlap" are those that began within 20 ms of the kill.
 *
 * "workers" prints the nanoseconds of CPU time that all kworkers have used.
 *
 * "swapon" makes the device the swap that is filled first, which busybox's own
 * can't.
 *
 * "hog" has the last CPU for itself, with real-time priority, and prints "ready" when
 * that is so.
 *
 * "spin" does a fixed piece of work again and again for a fifth of a second and
 * prints the shortest, the median and the longest time of it, in nanoseconds: by
 * that a machine that was slowed by others can be told.
 *
 * "tsc" prints the frequency of this machine's time stamp counter in kHz, for
 * a guest that is emulated on it and can't find it out reliably.
 *
 * zramN is the device that swap is on: what the environment has in ZSBENCH_ZRAM,
 * or zram0. "zswap" in its place is what is in front of any swap.
 *
 * DATA: mixed (compresses to sizes spread over the classes), small and large (to
 * sizes spread over a part of them), single (all pages compress alike), huge
 * (does not compress), same (one word a page).
 */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "zsbench.h"

#define MAX_MIB		(1024 * 1024)

unsigned long page_size;

static const char * const data_names[] = {
	"mixed", "small", "single", "large", "huge", "same",
};

struct options opt = {
	.how = "munmap", .mib = 64, .procs = 1, .data = MIXED, .runs = 5,
	.seconds = 10, .seed = 1, .zram = "zram0", .wait_ms = 60000,
	.resident_mib = 32, .new_mib = 256, .low_mib = 48, .victims = 1,
	.piece_mib = MAX_MIB,
};

struct child *children;

/*
 * Children wait for the end of this pipe, and so all start at once; those
 * that an interleaved release leaves alone wait for that of the other one.
 */
int gate[2];
static int later[2];

#define PAGES_A_TURN	1

/* The pool's size over time, for -S. */
#define MAX_SAMPLES	4096
#define SAMPLE_NS	500000

struct sample {
	int64_t ns;
	unsigned long long pool;
	long long waiting;
};

static struct {
	struct sample at[MAX_SAMPLES];
	unsigned int n;
	int64_t every, due;
} series;

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* CPU time of this process. */
int64_t cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void nap(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

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

static bool check_page(const void *page, enum data data, uint64_t seed)
{
	uint64_t want[page_size / 8];

	fill_page(want, data, seed);
	return !memcmp(page, want, page_size);
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

/* Fill @mem and page it out, a piece at a time; what is interleaved is one piece. */
static void fill_and_page_out(struct child *c, char *mem, unsigned long pages,
			      uint64_t seed)
{
	unsigned long i, piece = opt.piece_mib * (1048576 / page_size);
	int64_t start;

	for (i = 0; i < pages; i += piece) {
		unsigned long n = pages - i < piece ? pages - i : piece;

		fill(mem + i * page_size, n, opt.data, seed + i);
		start = now_ns();
		if (opt.interleave)
			swap_out_in_turns(c, mem, pages);
		else if (madvise(mem + i * page_size, n * page_size, MADV_PAGEOUT))
			err(2, "madvise(MADV_PAGEOUT)");
		c->out_ns += now_ns() - start;
	}
}

long read_file(const char *path, char *buf, size_t size)
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

/* A field that sysinfo() does not have. */
unsigned long long meminfo_bytes(const char *field)
{
	unsigned long long kib;
	char buf[8192], *line;

	if (read_file("/proc/meminfo", buf, sizeof(buf)) < 0)
		err(2, "/proc/meminfo");
	for (line = strtok(buf, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, field, strlen(field)) &&
		    sscanf(line + strlen(field), ": %llu", &kib) == 1)
			return kib << 10;
	errx(2, "/proc/meminfo has no %s", field);
}

static bool on_zswap(void)
{
	return !strcmp(opt.zram, "zswap");
}

/* A file of deferred_free/. */
static const char *knob(const char *name)
{
	static char path[128];

	if (on_zswap())
		snprintf(path, sizeof(path),
			 "/sys/kernel/mm/zswap/deferred_free/%s", name);
	else
		snprintf(path, sizeof(path), "/sys/block/%s/deferred_free/%s",
			 opt.zram, name);
	return path;
}

/* Bytes in the device's pool: the third figure of mm_stat; or in all of zswap's. */
unsigned long long pool_bytes(void)
{
	unsigned long long used = 0;
	char path[128], buf[256];

	if (on_zswap())
		return meminfo_bytes("Zswap");
	snprintf(path, sizeof(path), "/sys/block/%s/mm_stat", opt.zram);
	if (read_file(path, buf, sizeof(buf)) < 0 ||
	    sscanf(buf, "%*u %*u %llu", &used) != 1)
		errx(2, "%s can't be read", path);
	return used;
}

/* Bytes that are freed, but still occupied; -1 where nothing is deferred. */
long long bytes_waiting(void)
{
	char buf[4096], *line;
	long long bytes;

	if (read_file(knob("stats"), buf, sizeof(buf)) < 0)
		return -1;
	for (line = strtok(buf, "\n"); line; line = strtok(NULL, "\n"))
		if (sscanf(line, "waiting_bytes %lld", &bytes) == 1)
			return bytes;
	return -1;
}

/* What is measured is a device's own knob, or the one for all devices. */
int64_t flush_now(void)
{
	const char *path = knob("flush");
	int64_t start;
	int fd;

	if (access(path, F_OK))
		path = "/sys/module/zsmalloc/parameters/flush";
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return 0;
	start = now_ns();
	if (write(fd, "1", 1) != 1)
		err(2, "%s", path);
	close(fd);
	return now_ns() - start;
}

/* What was written before the state was set is seen by who sees the state. */
void set_state(struct child *c, int state)
{
	__atomic_store_n(&c->state, state, __ATOMIC_RELEASE);
}

int get_state(struct child *c)
{
	return __atomic_load_n(&c->state, __ATOMIC_ACQUIRE);
}

/* A child that fails, or that the kernel kills, would never get there. */
void wait_state(struct child *c, int state)
{
	while (get_state(c) != state) {
		if (waitpid(c->pid, NULL, WNOHANG))
			errx(1, "a process ended before its time");
		nap(200);
	}
}

void stay_on_last_cpu(void)
{
	cpu_set_t last;

	CPU_ZERO(&last);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
	if (sched_setaffinity(0, sizeof(last), &last))
		err(2, "sched_setaffinity");
}

void new_gate(void)
{
	if (pipe(gate))
		err(2, "pipe");
}

void open_gate(void)
{
	close(gate[1]);
}

int64_t wait_gate(int fd)
{
	char c;

	if (read(fd, &c, 1) < 0)
		err(2, "read");
	return now_ns();
}

/* Only the parent writes ->pid: @c is shared. Returns true in the child. */
bool fork_child(struct child *c)
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

/* Wait until it is time for @i, of so many a second since @start. */
static void pace(int64_t start, unsigned long i)
{
	int64_t ns;

	if (!opt.rate)
		return;
	ns = start + i * 1000000000LL / opt.rate - now_ns();
	if (ns > 0)
		nap(ns / 1000);
}

static void start_child(struct child *c, unsigned long pages, uint64_t seed)
{
	if (fork_child(c)) {
		bool stays = opt.interleave && c != children;
		unsigned long i;
		char *mem;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(gate[1]);
		if (opt.interleave)
			close(later[1]);
		mem = map_pages(pages);
		fill_and_page_out(c, mem, pages, seed);
		c->pages = swap_out(mem, pages);
		set_state(c, READY);
		c->done_ns = wait_gate(stays ? later[0] : gate[0]);
		for (i = 0; !strcmp(opt.how, "touch") && i < pages; i++) {
			pace(c->done_ns, i);
			*(volatile char *)(mem + i * page_size);
		}
		if (strcmp(opt.how, "touch"))
			munmap(mem, pages * page_size);
		c->munmap_ns = now_ns() - c->done_ns;
		c->done_ns += c->munmap_ns;
		_exit(0);
	}
}

static void start_series(void)
{
	series.n = 0;
	series.due = 0;
	series.every = SAMPLE_NS;
}

/* Most happens in the beginning: that is kept, every other of the rest goes. */
static void thin_out(void)
{
	unsigned int i, to = MAX_SAMPLES / 2;

	for (i = to; i < MAX_SAMPLES; i += 2)
		series.at[to++] = series.at[i];
	series.n = to;
	series.every *= 2;
}

static void add_sample(int64_t ns, unsigned long long pool)
{
	if (series.n == MAX_SAMPLES)
		thin_out();
	series.at[series.n++] = (struct sample) { ns, pool, bytes_waiting() };
	series.due += series.every;
	if (series.due < ns)
		series.due = ns + series.every;
}

/* The pool's size, which with -S is recorded if it is time to. */
static unsigned long long watch_pool(int64_t start)
{
	int64_t ns = now_ns() - start;
	unsigned long long pool = pool_bytes();

	if (opt.series && ns >= series.due)
		add_sample(ns, pool);
	return pool;
}

static void print_series(void)
{
	unsigned int i;

	printf(",\"series\":[");
	for (i = 0; i < series.n; i++)
		printf("%s[%lld,%llu,%lld]", i ? "," : "",
		       (long long)series.at[i].ns, series.at[i].pool,
		       series.at[i].waiting);
	printf("]");
}

/*
 * Until the pool is back to @before plus one per cent of what was added; or
 * for as long as the user wants to wait: then it returns -1, and in @left what
 * the pool holds beyond @before.
 */
int64_t wait_back(unsigned long long before, unsigned long long full,
		  int64_t start, unsigned long long *left)
{
	unsigned long long pool, enough = before;
	int64_t ns, limit = opt.wait_ms * 1000000LL;

	if (full > before)
		enough += (full - before) / 100;
	*left = 0;
	while ((pool = watch_pool(start)) > enough) {
		ns = now_ns() - start;
		if (ns > limit) {
			*left = pool - before;
			return -1;
		}
		nap(opt.series ? 100 : 300);
	}
	ns = now_ns() - start;
	if (opt.series)
		add_sample(ns, pool);
	return ns;
}

/* Wait until all have gone, with an eye on the pool if there is a series. */
static void wait_gone(unsigned int procs, int64_t start)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < procs && !opt.series; i++)
		waitpid(children[i].pid, NULL, 0);
	while (i < procs) {
		watch_pool(start);
		nap(100);
		while (i < procs && (pid = waitpid(-1, NULL, WNOHANG))) {
			if (pid < 0)
				err(2, "waitpid");
			i++;
		}
	}
}

/* What a run of "release" finds out. */
struct released {
	unsigned long pages;
	unsigned long long bytes, left;
	int64_t release, unmap, back, flush, out;
};

static void print_released(unsigned int run, const struct released *r)
{
	printf("{\"how\":\"%s\",\"mib\":%lu,\"procs\":%u,\"data\":\"%s\",",
	       opt.how, opt.mib, opt.procs, data_names[opt.data]);
	printf("\"run\":%u,\"pages\":%lu,\"pool_bytes\":%llu,", run, r->pages,
	       r->bytes);
	printf("\"release_ns\":%lld,\"munmap_ns\":%lld,\"back_ns\":%lld,\"flush_ns\":%lld,",
	       (long long)r->release, (long long)r->unmap, (long long)r->back,
	       (long long)r->flush);
	printf("\"out_ns\":%lld,\"interleaved\":%s,\"left_bytes\":%llu",
	       (long long)r->out, opt.interleave ? "true" : "false", r->left);
	if (opt.series)
		print_series();
	printf("}\n");
	fflush(stdout);
}

static void start_all(unsigned int run, unsigned long pages)
{
	unsigned int i;

	for (i = 0; i < opt.procs; i++)
		start_child(&children[i], pages,
			    opt.seed + ((uint64_t)run * opt.procs + i) * pages);
	for (i = 0; i < opt.procs; i++)
		wait_state(&children[i], READY);
}

/* Let the first @procs children go, and return when that began. */
static int64_t let_go(unsigned int procs, struct released *r)
{
	bool kill_them = !strcmp(opt.how, "kill");
	int64_t start, end = 0;
	unsigned int i;

	start_series();
	start = now_ns();
	for (i = 0; kill_them && i < procs; i++)
		kill(children[i].pid, SIGKILL);
	open_gate();
	wait_gone(procs, start);
	if (kill_them)
		end = now_ns();
	close(gate[0]);
	for (i = 0; i < procs; i++) {
		if (!kill_them && children[i].done_ns > end)
			end = children[i].done_ns;
		if (children[i].munmap_ns > r->unmap)
			r->unmap = children[i].munmap_ns;
	}
	r->release = end - start;
	return start;
}

static void release_once(unsigned int run)
{
	unsigned long pages = (opt.mib << 20) / page_size / opt.procs;
	unsigned int i, procs = opt.interleave ? 1 : opt.procs;
	unsigned long long before, full;
	struct released r = {};
	int64_t start;

	new_gate();
	if (opt.interleave && pipe(later))
		err(2, "pipe");
	flush_now();
	before = pool_bytes();
	start_all(run, pages);
	for (i = 0; i < procs; i++) {
		r.pages += children[i].pages;
		if (children[i].out_ns > r.out)
			r.out = children[i].out_ns;
	}
	full = pool_bytes();
	r.bytes = full - before;

	start = let_go(procs, &r);
	if (opt.flush)
		r.flush = flush_now();
	if (!opt.interleave)
		r.back = wait_back(before, full, start, &r.left);
	print_released(run, &r);
	check_swapped(r.pages, pages * procs);
	if (opt.interleave) {
		close(later[1]);
		for (i = 1; i < opt.procs; i++)
			waitpid(children[i].pid, NULL, 0);
		close(later[0]);
	}
}

/* Real-time priority, as the scheduler's @flags have it. */
void go_first(int flags)
{
	struct sched_param first = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO | flags, &first))
		err(2, "sched_setscheduler");
}

static int do_release(void)
{
	unsigned int run;

	if (strcmp(opt.how, "kill") && strcmp(opt.how, "munmap") &&
	    strcmp(opt.how, "touch"))
		errx(2, "-h takes munmap, kill or touch");
	if (opt.interleave && (opt.procs < 2 || strcmp(opt.how, "munmap")))
		errx(2, "-i takes at least two processes and -h munmap");
	if (opt.interleave && opt.series)
		errx(2, "-i and -S don't go together: the pool won't be back");
	if (opt.exclusive)
		go_first(0);
	for (run = 0; run < opt.runs; run++)
		release_once(run);
	return 0;
}

/* Another process shares all that is in swap for a while, and so is not its last. */
static bool share(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid > 0 && waitpid(pid, &status, 0) == pid;
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

		if (!fill_and_swap(mem, pages, opt.data, s) || !share())
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
		new_gate();
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

int compare_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int do_swapon(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", opt.zram);
	if (swapon(path, SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK))
		err(1, "swapon %s", path);
	return 0;
}

static int do_hog(void)
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

static int do_spin(void)
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

static unsigned long number(const char *text, unsigned long min,
			    unsigned long max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || n < min || n > max)
		errx(2, "%s is not a number from %lu to %lu", text, min, max);
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

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "h:m:p:d:r:t:s:z:w:R:n:l:c:g:k:D:afixHS")) != -1) {
		switch (c) {
		case 'h':
			opt.how = optarg;
			break;
		case 'm':
			opt.mib = number(optarg, 1, MAX_MIB);
			break;
		case 'p':
			opt.procs = number(optarg, 1, MAX_PROCS);
			break;
		case 'd':
			opt.data = data_of(optarg);
			break;
		case 'r':
			opt.runs = number(optarg, 1, 10000);
			break;
		case 't':
			opt.seconds = number(optarg, 1, 86400);
			break;
		case 's':
			opt.seed = number(optarg, 1, ~0UL);
			break;
		case 'z':
			opt.zram = optarg;
			break;
		case 'w':
			opt.wait_ms = number(optarg, 1, 86400000);
			break;
		case 'R':
			opt.resident_mib = number(optarg, 0, MAX_MIB);
			break;
		case 'n':
			opt.new_mib = number(optarg, 1, MAX_MIB);
			break;
		case 'l':
			opt.low_mib = number(optarg, 0, MAX_MIB);
			break;
		case 'c':
			opt.piece_mib = number(optarg, 1, MAX_MIB);
			break;
		case 'g':
			opt.rate = number(optarg, 2, 1000000);
			break;
		case 'k':
			opt.victims = number(optarg, 1, MAX_PROCS);
			break;
		case 'D':
			opt.frame_ms = number(optarg, 1, 60000);
			break;
		case 'a':
			opt.available = true;
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
		case 'H':
			opt.huge = true;
			break;
		case 'S':
			opt.series = true;
			break;
		default:
			exit(2);
		}
	}
	if (optind < argc)
		errx(2, "%s is not an option", argv[optind]);
	if (opt.interleave)
		opt.piece_mib = MAX_MIB;
}

int main(int argc, char **argv)
{
	page_size = sysconf(_SC_PAGESIZE);
	if (argc < 2)
		errx(2, "usage: zsbench %s",
		     "release|verify|hold|lmk|churn|latency|workers|swapon|hog|spin|tsc");
	/* What is a lot for one process is too much for each of many apps. */
	if (!strcmp(argv[1], "lmk")) {
		opt.mib = 48;
		opt.procs = 6;
	}
	if (getenv("ZSBENCH_ZRAM"))
		opt.zram = getenv("ZSBENCH_ZRAM");
	parse(argc - 1, argv + 1);
	if (opt.series && strcmp(argv[1], "release"))
		errx(2, "-S is for release only");
	children = map_shared(MAX_PROCS * sizeof(*children));

	if (!strcmp(argv[1], "release"))
		return do_release();
	if (!strcmp(argv[1], "verify"))
		return do_verify();
	if (!strcmp(argv[1], "hold"))
		do_hold();
	if (!strcmp(argv[1], "lmk"))
		return do_lmk();
	if (!strcmp(argv[1], "churn"))
		return do_churn();
	if (!strcmp(argv[1], "latency"))
		return do_latency();
	if (!strcmp(argv[1], "workers"))
		return do_workers();
	if (!strcmp(argv[1], "swapon"))
		return do_swapon();
	if (!strcmp(argv[1], "hog"))
		return do_hog();
	if (!strcmp(argv[1], "spin"))
		return do_spin();
	if (!strcmp(argv[1], "tsc"))
		return do_tsc();
	errx(2, "there is no command %s", argv[1]);
}
