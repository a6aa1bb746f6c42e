// SPDX-License-Identifier: GPL-2.0
/* zsbench: apps are killed to make room for a new one. */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "zsbench.h"

#define STALL_NS	1000000
#define BYSTANDER_SIZE	(1024UL * 1024)
#define FRAME_SIZE	(1024UL * 1024)
#define CACHE_LINE	64

/* The kernel should rather kill an app than whoever gets its memory. */
#define APP_OOM_SCORE	"900"

/* What children find out. */
static struct shared {
	/* The new process. */
	volatile int64_t total_ns;
	volatile int64_t cpu_ns;
	volatile int64_t worst_ns;
	volatile int64_t stall_ns;
	volatile unsigned long stalls;
	/* Its bystander. */
	volatile unsigned long rounds;
	volatile unsigned long missed;
	volatile int64_t gap_ns;
	volatile int64_t round_ns;
} *shared;

struct vm_counts {
	unsigned long long pswpin, pswpout, oom_kill, reclaims;
	long long some_us, full_us;
};

/* What a run of "lmk" finds out beside what is shared. */
struct lmk {
	struct child *new, *bystander;
	unsigned int kills;
	int64_t kill_ns[MAX_PROCS];
	bool oom;
	struct vm_counts vm;
	int64_t workers_ns;
	unsigned long rounds, missed, pages;
	int64_t gap_ns;
	unsigned long long left;
};

/* Time that some, or all, were short of memory, or -1 if the kernel has no PSI. */
static void read_pressure(struct vm_counts *c)
{
	char buf[256], *full;

	c->some_us = -1;
	c->full_us = -1;
	if (read_file("/proc/pressure/memory", buf, sizeof(buf)) < 0)
		return;
	full = strstr(buf, "full");
	if (sscanf(buf, "some %*s %*s %*s total=%lld", &c->some_us) != 1 || !full ||
	    sscanf(full, "full %*s %*s %*s total=%lld", &c->full_us) != 1)
		errx(1, "/proc/pressure/memory is not as expected");
}

static struct vm_counts count_vm(void)
{
	FILE *f = fopen("/proc/vmstat", "r");
	struct vm_counts c = {};
	unsigned long long value;
	char name[64];

	if (!f)
		err(2, "/proc/vmstat");
	while (fscanf(f, "%63s %llu", name, &value) == 2) {
		if (!strcmp(name, "pswpin"))
			c.pswpin = value;
		else if (!strcmp(name, "pswpout"))
			c.pswpout = value;
		else if (!strcmp(name, "oom_kill"))
			c.oom_kill = value;
		else if (!strncmp(name, "allocstall_", strlen("allocstall_")))
			c.reclaims += value;
	}
	fclose(f);
	read_pressure(&c);
	return c;
}

static unsigned long long free_bytes(void)
{
	struct sysinfo info;

	if (opt.available)
		return meminfo_bytes("MemAvailable");
	if (sysinfo(&info))
		err(2, "sysinfo");
	return (unsigned long long)info.freeram * info.mem_unit;
}

/*
 * A touch is the fault and filling the page: what other tasks take from this
 * one in the middle of it counts, too. The data matters because part of it is
 * swapped out again, and pages all alike would cost zram nothing.
 */
static void touch_new(char *mem, unsigned long pages, uint64_t seed)
{
	int64_t ns, start = now_ns(), before = start, cpu = cpu_ns();
	unsigned long i;

	for (i = 0; i < pages; i++) {
		fill_page(mem + i * page_size, opt.data, seed + i);
		ns = now_ns() - before;
		before += ns;
		if (ns > shared->worst_ns)
			shared->worst_ns = ns;
		if (ns > STALL_NS) {
			shared->stalls++;
			shared->stall_ns += ns;
		}
	}
	shared->cpu_ns = cpu_ns() - cpu;
	shared->total_ns = before - start;
}

static void start_new(struct child *c, uint64_t seed)
{
	if (fork_child(c)) {
		unsigned long pages = pages_of(opt.new_mib);
		char *mem;

		close(gate[1]);
		mem = map_pages(pages);
		set_state(c, READY);
		wait_gate(gate[0]);
		touch_new(mem, pages, seed);
		set_state(c, DONE);
		stay();
	}
}

/* Its parent reads at any time what it has got done so far. */
static void work(char *mem)
{
	int64_t now;
	size_t i;

	for (;;) {
		for (i = 0; i < BYSTANDER_SIZE; i += CACHE_LINE)
			(*(volatile char *)(mem + i))++;
		now = now_ns();
		if (now - shared->round_ns > shared->gap_ns)
			shared->gap_ns = now - shared->round_ns;
		shared->round_ns = now;
		shared->rounds++;
	}
}

/*
 * Likewise, but each round has a time when it is due, and needs new memory by the
 * next one's. One that is late drops those that it took the time of.
 */
static void work_by_deadlines(void)
{
	int64_t due = shared->round_ns, frame = opt.frame_ms * 1000000LL, took;
	unsigned long pages = FRAME_SIZE / page_size, i;
	char *mem;

	for (;;) {
		mem = map_pages(pages);
		for (i = 0; i < pages; i++)
			*(volatile char *)(mem + i * page_size) = 1;
		if (munmap(mem, pages * page_size))
			err(1, "munmap");
		took = now_ns() - due;
		if (took > shared->gap_ns)
			shared->gap_ns = took;
		shared->missed += took > frame;
		shared->rounds++;
		due += (took / frame + 1) * frame;
		shared->round_ns = due;
		took = due - now_ns();
		if (took > 0)
			nap(took / 1000);
	}
}

static void start_bystander(struct child *c, uint64_t seed)
{
	if (fork_child(c)) {
		char *mem;

		close(gate[1]);
		mem = map_pages(BYSTANDER_SIZE / page_size);
		fill(mem, BYSTANDER_SIZE / page_size, opt.data, seed);
		set_state(c, READY);
		shared->round_ns = wait_gate(gate[0]);
		if (opt.frame_ms)
			work_by_deadlines();
		work(mem);
	}
}

/* One app after the other: the first is the oldest, and there is room. */
static void start_apps(struct lmk *l, uint64_t seed)
{
	static const char score[] = APP_OOM_SCORE;
	unsigned long pages = pages_of(opt.mib);
	unsigned long resident = pages_of(opt.resident_mib);
	char path[64];
	unsigned int i;
	int fd;

	for (i = 0; i < opt.procs; i++) {
		struct child *c = &children[i];

		start_holder(c, pages, resident, seed + i * (pages + resident));
		snprintf(path, sizeof(path), "/proc/%d/oom_score_adj",
			 (int)c->pid);
		fd = open(path, O_WRONLY);
		if (fd < 0 || write(fd, score, sizeof(score) - 1) < 0)
			err(2, "%s", path);
		close(fd);
		wait_state(c, READY);
		l->pages += c->pages;
	}
}

/* As many as are to be killed at once. Returns whether there was one. */
static bool kill_oldest(struct lmk *l)
{
	struct child *victims[MAX_PROCS];
	unsigned int i, n = 0;
	int64_t start;

	for (i = 0; i < opt.procs && n < opt.victims; i++) {
		struct child *c = &children[i];

		/* There may be one that the kernel has killed meanwhile. */
		if (c->pid && ended(c, NULL))
			c->pid = 0;
		if (c->pid)
			victims[n++] = c;
	}
	start = now_ns();
	for (i = 0; i < n; i++)
		kill(victims[i]->pid, SIGKILL);
	for (i = 0; i < n; i++) {
		put_down(victims[i]);
		l->kill_ns[l->kills++] = now_ns() - start;
	}
	return n;
}

/*
 * Kill apps until the new process has its memory and enough is free, or it is
 * killed itself. One that gets its memory while a long kill goes on has not
 * saved the next app: a killer does not stop looking.
 */
static void keep_memory_free(struct lmk *l)
{
	bool done = false, low = true;
	int status = 0;

	while (!done || low) {
		done = get_state(l->new) == DONE;
		if (ended(l->new, &status)) {
			l->new->pid = 0;
			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
				errx(1, "the new process failed");
			l->oom = true;
			shared->total_ns = -1;
			return;
		}
		low = free_bytes() < (unsigned long long)opt.low_mib << 20 &&
		      kill_oldest(l);
		nap(1000);
	}
}

/* The round that the bystander is in may be the longest of all. */
static void read_bystander(struct lmk *l)
{
	int64_t gap = now_ns() - shared->round_ns;

	l->rounds = shared->rounds;
	l->missed = shared->missed;
	l->gap_ns = shared->gap_ns > gap ? shared->gap_ns : gap;
}

/* From the gate on until the new process has its memory. */
static void play(struct lmk *l)
{
	static struct worker then[MAX_WORKERS], now[MAX_WORKERS];
	unsigned int nr_then, nr_now;
	struct vm_counts before, after;

	before = count_vm();
	nr_then = find_workers(then);
	/* So that there is something to tell even if it never gets to run. */
	shared->round_ns = now_ns();
	open_gate();
	keep_memory_free(l);
	read_bystander(l);
	nr_now = find_workers(now);
	after = count_vm();
	close(gate[0]);
	l->workers_ns = workers_since(then, nr_then, now, nr_now);
	l->vm.pswpin = after.pswpin - before.pswpin;
	l->vm.pswpout = after.pswpout - before.pswpout;
	l->vm.oom_kill = after.oom_kill - before.oom_kill;
	l->vm.reclaims = after.reclaims - before.reclaims;
	l->vm.some_us = after.some_us < 0 ? -1 : after.some_us - before.some_us;
	l->vm.full_us = after.full_us < 0 ? -1 : after.full_us - before.full_us;
}

static void print_lmk(unsigned int run, const struct lmk *l)
{
	unsigned int i;

	printf("{\"scene\":\"lmk\",\"run\":%u,\"apps\":%lu,\"mib\":%lu,\"resident_mib\":%lu,",
	       run, opt.procs, opt.mib, opt.resident_mib);
	printf("\"new_mib\":%lu,\"low_mib\":%lu,\"total_ns\":%lld,\"worst_ns\":%lld,",
	       opt.new_mib, opt.low_mib, (long long)shared->total_ns,
	       (long long)shared->worst_ns);
	printf("\"stalls\":%lu,\"stall_ns\":%lld,\"kills\":%u,\"kill_ns\":[",
	       shared->stalls, (long long)shared->stall_ns, l->kills);
	for (i = 0; i < l->kills; i++)
		printf("%s%lld", i ? "," : "", (long long)l->kill_ns[i]);
	printf("],\"bystander_rounds\":%lu,\"bystander_gap_ns\":%lld,\"workers_ns\":%lld,",
	       l->rounds, (long long)l->gap_ns, (long long)l->workers_ns);
	printf("\"pswpout\":%llu,\"pswpin\":%llu,\"oom_kills\":%llu,\"reclaims\":%llu,",
	       l->vm.pswpout, l->vm.pswpin, l->vm.oom_kill, l->vm.reclaims);
	printf("\"cpu_ns\":%lld,\"victims\":%lu,\"frame_ms\":%lu,\"missed\":%lu,",
	       (long long)shared->cpu_ns, opt.victims, opt.frame_ms, l->missed);
	printf("\"some_us\":%lld,\"full_us\":%lld,", l->vm.some_us, l->vm.full_us);
	printf("\"oom\":%s,\"left_bytes\":%llu}\n", l->oom ? "true" : "false",
	       l->left);
	fflush(stdout);
}

/* Returns whether the new process got what it wanted. */
static bool lmk_once(unsigned int run)
{
	uint64_t seed = opt.seed + ((uint64_t)run << 32);
	struct lmk l = {
		.new = children + opt.procs,
		.bystander = children + opt.procs + 1,
	};
	unsigned long long before, full;
	unsigned int i;

	memset(shared, 0, sizeof(*shared));
	flush_now();
	before = pool_bytes();
	start_apps(&l, seed);
	full = pool_bytes();
	/* Later than the apps, which would keep the gate shut. */
	new_gate();
	start_new(l.new, seed + (1U << 30));
	start_bystander(l.bystander, seed + (1U << 31));
	wait_state(l.new, READY);
	wait_state(l.bystander, READY);
	play(&l);
	for (i = 0; i < opt.procs + 2; i++)
		if (children[i].pid)
			put_down(&children[i]);
	flush_now();
	wait_back(before, full, now_ns(), &l.left);
	print_lmk(run, &l);
	check_swapped(l.pages, opt.procs * pages_of(opt.mib));
	return !l.oom;
}

int do_lmk(void)
{
	unsigned int run;

	if (opt.procs > MAX_PROCS - 2)
		errx(2, "-p takes at most %d here", MAX_PROCS - 2);
	if (opt.exclusive)
		errx(2, "-x is not for lmk: its bystander never sleeps");
	shared = map_shared(sizeof(*shared));
	/*
	 * As lmkd does: who makes room must not wait for it. Children inherit
	 * neither.
	 */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		err(2, "mlockall");
	go_first(SCHED_RESET_ON_FORK);
	for (run = 0; run < opt.runs; run++)
		if (!lmk_once(run))
			return 1;
	return 0;
}
