// SPDX-License-Identifier: GPL-2.0
/*
 * zsbench lmk, latency, workers - what freeing memory costs others
 *
 * See zsbench.c for what they print.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "zsbench.h"

#define STALL_NS	1000000
#define BYSTANDER_SIZE	(1024UL * 1024)
#define FRAME_SIZE	(1024UL * 1024)
#define CACHE_LINE	64

#define PROBE_SIZE	(32 * 1024UL * 1024)
#define PAGES_A_CALL	16
#define OVERLAP_NS	20000000

#define MAX_WORKERS	1024

/* The kernel should rather kill an app than whoever gets its memory. */
#define APP_OOM_SCORE	"900"

/* How long operations of one kind took. */
struct dist {
	unsigned long n;
	int64_t median, p95, p99, max;
};

enum { SWAPIN, SWAPOUT, NR_KINDS };
static const char * const kind_names[] = { "swapin", "swapout" };

/* What children find out. */
static struct shared {
	/* The new process of lmk. */
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
	/* The probe of latency. */
	struct dist all[NR_KINDS];
	struct dist overlap[NR_KINDS];
	unsigned long swapped, swapped_again;
} *shared;

/* ------------------------------------------------------------- workers --- */

struct worker {
	pid_t pid;
	int64_t ns;
};

static bool is_kworker(pid_t pid)
{
	char path[64], comm[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	return read_file(path, comm, sizeof(comm)) > 0 &&
	       !strncmp(comm, "kworker/", 8);
}

/* In ticks, from the 14th and 15th field; the second may have spaces. */
static int64_t cpu_time_by_stat(pid_t pid)
{
	unsigned long long user, system;
	char path[64], buf[1024], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_file(path, buf, sizeof(buf)) < 0)
		return 0;
	at = strrchr(buf, ')');
	if (!at)
		return 0;
	if (sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
		   &user, &system) != 2)
		return 0;
	return (user + system) * (1000000000LL / sysconf(_SC_CLK_TCK));
}

static int64_t cpu_time(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return cpu_time_by_stat(pid);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static unsigned int find_workers(struct worker *worker)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned int n = 0;

	if (!proc)
		err(2, "/proc");
	while ((entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0 || !is_kworker(pid))
			continue;
		if (n == MAX_WORKERS)
			errx(2, "there are more than %d kworkers", MAX_WORKERS);
		worker[n].pid = pid;
		worker[n++].ns = cpu_time(pid);
	}
	closedir(proc);
	return n;
}

/*
 * CPU time of those in @now since @then. Idle workers end now and then: what
 * they had used before must not count against the others.
 */
static int64_t workers_since(const struct worker *then, unsigned int nr_then,
			     const struct worker *now, unsigned int nr_now)
{
	unsigned int i, k;
	int64_t ns = 0;

	for (i = 0; i < nr_now; i++) {
		ns += now[i].ns;
		for (k = 0; k < nr_then; k++)
			if (then[k].pid == now[i].pid)
				ns -= then[k].ns;
	}
	return ns;
}

int do_workers(void)
{
	static struct worker worker[MAX_WORKERS];
	unsigned int n = find_workers(worker);

	printf("%lld\n", (long long)workers_since(NULL, 0, worker, n));
	return 0;
}

/* ------------------------------------------------- what all scenes need --- */

static void stay(void)
{
	for (;;)
		pause();
}

/* Has a child ended by itself, or rather by the kernel? */
static bool ended(struct child *c, int *status)
{
	return waitpid(c->pid, status, WNOHANG) != 0;
}

static void put_down(struct child *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	c->pid = 0;
}

static unsigned long pages_of(unsigned long mib)
{
	return (mib << 20) / page_size;
}

/* A process with @pages in swap and @resident others that only waits. */
static void start_holder(struct child *c, unsigned long pages,
			 unsigned long resident, uint64_t seed)
{
	if (fork_child(c)) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		c->pages = fill_and_swap(map_pages(pages), pages, opt.data,
					 seed);
		if (resident)
			fill(map_pages(resident), resident, opt.data,
			     seed + pages);
		set_state(c, READY);
		stay();
	}
}

/* ------------------------------------------------------------------ lmk --- */

struct vm_counts {
	unsigned long long pswpin, pswpout, oom_kill, reclaims;
	long long some_us, full_us;
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

		prctl(PR_SET_PDEATHSIG, SIGKILL);
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

		prctl(PR_SET_PDEATHSIG, SIGKILL);
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

	printf("{\"scene\":\"lmk\",\"run\":%u,\"apps\":%u,\"mib\":%lu,\"resident_mib\":%lu,",
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
	printf("\"cpu_ns\":%lld,\"victims\":%u,\"frame_ms\":%lu,\"missed\":%lu,",
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

/* -------------------------------------------------------------- latency --- */

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
		prctl(PR_SET_PDEATHSIG, SIGKILL);
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

/* Churn: a pool whose contents change, class by class */

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
	printf("{\"scene\":\"churn\",\"seed\":%llu,\"rounds\":%u,",
	       (unsigned long long)opt.seed, opt.runs);
	printf("\"pool_bytes\":%llu,\"waiting_bytes\":%lld,", pool,
	       waiting > 0 ? waiting : 0);
	printf("\"flushed_bytes\":%llu}\n", pool_bytes());
	return 0;
}
