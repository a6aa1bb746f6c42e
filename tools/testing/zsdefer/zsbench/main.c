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
 *	zsbench holes	[-m MIB] [-d DATA] [-r RUNS] [-s SEED] [-z zramN]
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
 * "holes" swaps MIB out and frees 95 of 100 pages in random order. It prints what the
 * pool and the machine's slabs that can't be reclaimed take before (..._pool, ..._slab),
 * when all is in swap, and when 5 of 100 are left.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zsbench.h"

#define MAX_MIB		(1024 * 1024)

const char * const data_names[] = {
	"mixed", "small", "single", "large", "huge", "same",
};

struct options opt = {
	.how = "munmap", .mib = 64, .procs = 1, .data = MIXED, .runs = 5,
	.seconds = 10, .seed = 1, .zram = "zram0", .wait_ms = 60000,
	.resident_mib = 32, .new_mib = 256, .low_mib = 48, .victims = 1,
	.piece_mib = MAX_MIB,
};

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

#define NR(array)	(sizeof(array) / sizeof(*(array)))

static const struct {
	char letter;
	unsigned long *value, min, max;
} numbers[] = {
	{ 'm', &opt.mib, 1, MAX_MIB }, { 'p', &opt.procs, 1, MAX_PROCS },
	{ 'r', &opt.runs, 1, 10000 }, { 't', &opt.seconds, 1, 86400 },
	{ 'w', &opt.wait_ms, 1, 86400000 }, { 'R', &opt.resident_mib, 0, MAX_MIB },
	{ 'n', &opt.new_mib, 1, MAX_MIB }, { 'l', &opt.low_mib, 0, MAX_MIB },
	{ 'c', &opt.piece_mib, 1, MAX_MIB }, { 'g', &opt.rate, 2, 1000000 },
	{ 'k', &opt.victims, 1, MAX_PROCS }, { 'D', &opt.frame_ms, 1, 60000 },
};

static const struct {
	char letter;
	bool *value;
} flags[] = {
	{ 'a', &opt.available }, { 'f', &opt.flush }, { 'i', &opt.interleave },
	{ 'x', &opt.exclusive }, { 'H', &opt.huge }, { 'S', &opt.series },
};

static void parse(int argc, char **argv)
{
	unsigned int i;
	int c;

	while ((c = getopt(argc, argv, "h:m:p:d:r:t:s:z:w:R:n:l:c:g:k:D:afixHS")) != -1) {
		for (i = 0; i < NR(numbers); i++)
			if (c == numbers[i].letter)
				*numbers[i].value = number(optarg, numbers[i].min,
							   numbers[i].max);
		for (i = 0; i < NR(flags); i++)
			if (c == flags[i].letter)
				*flags[i].value = true;
		if (c == 'h')
			opt.how = optarg;
		else if (c == 'd')
			opt.data = data_of(optarg);
		else if (c == 's')
			opt.seed = number(optarg, 1, ~0UL);
		else if (c == 'z')
			opt.zram = optarg;
		else if (c == '?')
			exit(2);
	}
	if (optind < argc)
		errx(2, "%s is not an option", argv[optind]);
	if (opt.interleave)
		opt.piece_mib = MAX_MIB;
}

static const struct {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "release", do_release }, { "verify", do_verify }, { "hold", do_hold },
	{ "lmk", do_lmk }, { "churn", do_churn }, { "holes", do_holes },
	{ "latency", do_latency }, { "workers", do_workers },
	{ "swapon", do_swapon }, { "hog", do_hog }, { "spin", do_spin },
	{ "tsc", do_tsc },
};

int main(int argc, char **argv)
{
	unsigned int i;

	page_size = sysconf(_SC_PAGESIZE);
	if (argc < 2) {
		fprintf(stderr, "usage: zsbench");
		for (i = 0; i < NR(commands); i++)
			fprintf(stderr, "%c%s", i ? '|' : ' ', commands[i].name);
		fprintf(stderr, "\n");
		return 2;
	}
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

	for (i = 0; i < NR(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run();
	errx(2, "there is no command %s", argv[1]);
}
