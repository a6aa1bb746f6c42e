// SPDX-License-Identifier: GPL-2.0
/* zsbench: swapping beside a kill. */

#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "zsbench.h"

#define PROBE_SIZE	(32 * 1024UL * 1024)
#define PAGES_A_CALL	16
#define OVERLAP_NS	20000000

/* How long operations of one kind took. */
struct dist {
	unsigned long n;
	int64_t median, p95, p99, max;
};

enum { SWAPIN, SWAPOUT, NR_KINDS };
static const char * const kind_names[] = { "swapin", "swapout" };

/* What the probe finds out. */
static struct shared {
	struct dist all[NR_KINDS];
	struct dist overlap[NR_KINDS];
	unsigned long swapped, swapped_again;
} *shared;

/* When an operation began, since the kill, and how long it took. */
struct op {
	int64_t at, ns;
};

/* The smallest that @percent of the @n sorted values do not exceed. */
static int64_t percentile(const int64_t *sorted, unsigned long n,
			  unsigned int percent)
{
	return n ? sorted[(n * percent + 99) / 100 - 1] : 0;
}

/* Of those of the @nr operations that began before @until. */
static struct dist dist_of(const struct op *op, unsigned long nr,
			   int64_t until)
{
	int64_t *ns = malloc(nr * sizeof(*ns));
	struct dist d = {};
	unsigned long i;

	if (!ns)
		err(2, "malloc");
	for (i = 0; i < nr; i++)
		if (op[i].at < until)
			ns[d.n++] = op[i].ns;
	qsort(ns, d.n, sizeof(*ns), compare_ns);
	d.median = percentile(ns, d.n, 50);
	d.p95 = percentile(ns, d.n, 95);
	d.p99 = percentile(ns, d.n, 99);
	d.max = percentile(ns, d.n, 100);
	free(ns);
	return d;
}

/* Memory that is there, and stays: writing to it must not add to a latency. */
static struct op *map_ops(unsigned long nr)
{
	struct op *op = mmap(NULL, nr * sizeof(*op), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (op == MAP_FAILED)
		err(2, "mmap");
	if (mlock(op, nr * sizeof(*op)))
		err(2, "mlock");
	return op;
}

/* The moment that all operations are counted from. */
static int64_t strike(struct child *victim)
{
	int64_t start = now_ns();

	if (victim)
		kill(victim->pid, SIGKILL);
	return start;
}

/*
 * Fault in a page after the other. Each is made dirty then, which is not what
 * is measured, so that it can't go out again without being compressed.
 */
static void time_swapin(char *mem, unsigned long pages, struct op *op,
			struct child *victim)
{
	int64_t before, start = strike(victim);
	unsigned long i;

	for (i = 0; i < pages; i++) {
		volatile char *p = mem + i * page_size;
		char first;

		before = now_ns();
		first = *p;
		op[i].ns = now_ns() - before;
		op[i].at = before - start;
		*p = first;
	}
}

static void time_swapout(char *mem, unsigned long calls, struct op *op,
			 struct child *victim)
{
	size_t size = PAGES_A_CALL * page_size;
	int64_t before, start = strike(victim);
	unsigned long i;

	for (i = 0; i < calls; i++) {
		before = now_ns();
		if (madvise(mem + i * size, size, MADV_PAGEOUT))
			err(2, "madvise(MADV_PAGEOUT)");
		op[i].ns = now_ns() - before;
		op[i].at = before - start;
	}
}

/* The probe; there are two @victims, or none. */
static void probe(struct child *c, struct child *victims, uint64_t seed)
{
	unsigned long nr[NR_KINDS], pages = PROBE_SIZE / page_size;
	struct op *op[NR_KINDS];
	char *mem = map_pages(pages);
	int k;

	nr[SWAPIN] = pages;
	nr[SWAPOUT] = pages / PAGES_A_CALL;
	for (k = 0; k < NR_KINDS; k++)
		op[k] = map_ops(nr[k]);
	shared->swapped = fill_and_swap(mem, pages, MIXED, seed);
	set_state(c, READY);
	wait_gate(gate[0]);
	time_swapin(mem, nr[SWAPIN], op[SWAPIN], victims);
	time_swapout(mem, nr[SWAPOUT], op[SWAPOUT],
		     victims ? victims + 1 : NULL);
	shared->swapped_again = pages_swapped(mem, pages);
	for (k = 0; k < NR_KINDS; k++) {
		shared->all[k] = dist_of(op[k], nr[k], INT64_MAX);
		shared->overlap[k] = dist_of(op[k], nr[k], OVERLAP_NS);
	}
}

static void start_probe(struct child *c, struct child *victims, uint64_t seed)
{
	if (fork_child(c)) {
		close(gate[1]);
		probe(c, victims, seed);
		_exit(0);
	}
}

static void print_dist(const char *when, int kind, const char *which,
		       const struct dist *d)
{
	printf(",\"%s_%s%s\":{\"n\":%lu,\"median_ns\":%lld,", when,
	       kind_names[kind], which, d->n, (long long)d->median);
	printf("\"p95_ns\":%lld,\"p99_ns\":%lld,\"max_ns\":%lld}",
	       (long long)d->p95, (long long)d->p99, (long long)d->max);
}

static void print_latency(unsigned int run, const struct shared *idle,
			  const struct shared *busy, unsigned long long left)
{
	int k;

	printf("{\"scene\":\"latency\",\"run\":%u,\"mib\":%lu", run, opt.mib);
	for (k = 0; k < NR_KINDS; k++)
		print_dist("idle", k, "", &idle->all[k]);
	for (k = 0; k < NR_KINDS; k++)
		print_dist("busy", k, "", &busy->all[k]);
	for (k = 0; k < NR_KINDS; k++)
		print_dist("busy", k, "_overlap", &busy->overlap[k]);
	printf(",\"left_bytes\":%llu}\n", left);
	fflush(stdout);
}

/* A new probe, whose victims are children[0] and [1], and what it finds out. */
static struct shared latency_once(bool busy, uint64_t seed)
{
	struct child *victims = children, *c = children + 2;
	unsigned long long before = pool_bytes(), full, left;
	struct shared found;
	int status;

	memset(shared, 0, sizeof(*shared));
	new_gate();
	start_probe(c, busy ? victims : NULL, seed);
	wait_state(c, READY);
	full = pool_bytes();
	if (ended(&victims[0], NULL) || ended(&victims[1], NULL))
		errx(1, "a process ended before its time");
	open_gate();
	waitpid(c->pid, &status, 0);
	close(gate[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "the probe failed");
	/* It has killed them already, but they must be gone, too. */
	if (busy) {
		put_down(&victims[0]);
		put_down(&victims[1]);
	}
	found = *shared;
	/* What the probe leaves is not to be freed while the next one runs. */
	flush_now();
	wait_back(before, full, now_ns(), &left);
	return found;
}

static void check_probe(const struct shared *found)
{
	check_swapped(found->swapped, PROBE_SIZE / page_size);
	check_swapped(found->swapped_again, PROBE_SIZE / page_size);
}

static void latency_run(unsigned int run)
{
	uint64_t seed = opt.seed + ((uint64_t)run << 32);
	unsigned long long before, full, left;
	unsigned long pages = pages_of(opt.mib);
	struct shared idle, busy;
	unsigned int i;

	flush_now();
	before = pool_bytes();
	for (i = 0; i < 2; i++)
		start_holder(&children[i], pages, 0, seed + i * pages);
	for (i = 0; i < 2; i++)
		wait_state(&children[i], READY);
	full = pool_bytes();
	idle = latency_once(false, seed + (1U << 30));
	busy = latency_once(true, seed + (1U << 31));
	wait_back(before, full, now_ns(), &left);
	print_latency(run, &idle, &busy, left);
	check_swapped(children[0].pages + children[1].pages, 2 * pages);
	check_probe(&idle);
	check_probe(&busy);
}

int do_latency(void)
{
	unsigned int run;

	shared = map_shared(sizeof(*shared));
	if (opt.exclusive)
		go_first(0);
	for (run = 0; run < opt.runs; run++)
		latency_run(run);
	return 0;
}
