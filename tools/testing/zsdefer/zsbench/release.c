// SPDX-License-Identifier: GPL-2.0
/* zsbench: fill swap, and release it. */

#define _GNU_SOURCE
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "zsbench.h"

/* What an interleaved release leaves alone waits for the end of this one. */
static int later[2];

#define PAGES_A_TURN	1

/* What a run of "release" finds out. */
struct released {
	unsigned long pages;
	unsigned long long bytes, left;
	int64_t release, unmap, back, flush, out;
};

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

static void print_released(unsigned int run, const struct released *r)
{
	printf("{\"how\":\"%s\",\"mib\":%lu,\"procs\":%lu,\"data\":\"%s\",",
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

int do_release(void)
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
