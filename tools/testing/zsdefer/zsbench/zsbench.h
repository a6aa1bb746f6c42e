/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What zsbench's commands share: options, children, pages with known data,
 * and what the device tells about its pool.
 */
#ifndef ZSBENCH_H
#define ZSBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_PROCS	64

enum data { MIXED, SMALL, SINGLE, LARGE, HUGE, SAME, NR_DATA };

struct options {
	const char *how;
	unsigned long mib;
	unsigned long procs;
	enum data data;
	unsigned long runs;
	unsigned long seconds;
	uint64_t seed;
	const char *zram;
	unsigned long wait_ms;
	unsigned long resident_mib;
	unsigned long new_mib;
	unsigned long low_mib;
	unsigned long piece_mib;
	unsigned long rate;
	unsigned long frame_ms;
	unsigned long victims;
	bool available;
	bool flush;
	bool interleave;
	bool exclusive;
	bool huge;
	bool series;
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

/* DONE is only of those that go on living when they are. */
enum { FILLING, READY, DONE };

extern unsigned long page_size;
extern struct options opt;
extern const char * const data_names[];
extern struct child *children;
extern int gate[2];

int64_t now_ns(void);
int64_t cpu_ns(void);
void nap(long us);
int compare_ns(const void *a, const void *b);
void stay(void);
bool ended(struct child *c, int *status);
void put_down(struct child *c);

unsigned long pages_of(unsigned long mib);
char *map_pages(unsigned long pages);
void *map_shared(size_t size);
uint64_t next_random(uint64_t *state);
void fill_words(void *page, unsigned int random, uint64_t state, uint64_t rest);
void fill_page(void *page, enum data data, uint64_t seed);
bool check_page(const void *page, enum data data, uint64_t seed);
unsigned long swap_out(char *mem, unsigned long pages);
void fill(char *mem, unsigned long pages, enum data data, uint64_t seed);
unsigned long pages_swapped(const char *mem, unsigned long pages);
unsigned long fill_and_swap(char *mem, unsigned long pages, enum data data,
			    uint64_t seed);
void check_swapped(unsigned long swapped, unsigned long pages);
void start_holder(struct child *c, unsigned long pages, unsigned long resident,
		  uint64_t seed);

long read_file(const char *path, char *buf, size_t size);
unsigned long long meminfo_bytes(const char *field);
unsigned long long pool_bytes(void);
long long bytes_waiting(void);
int64_t flush_now(void);
void start_series(void);
unsigned long long watch_pool(int64_t start);
void print_series(void);
int64_t wait_back(unsigned long long before, unsigned long long full,
		  int64_t start, unsigned long long *left);

bool fork_child(struct child *c);
void set_state(struct child *c, int state);
int get_state(struct child *c);
void wait_state(struct child *c, int state);
void stay_on_last_cpu(void);
void new_gate(void);
void open_gate(void);
int64_t wait_gate(int fd);
void go_first(int flags);

#define MAX_WORKERS	1024

/* A kworker, and the CPU time that it has used. */
struct worker {
	pid_t pid;
	int64_t ns;
};

unsigned int find_workers(struct worker *worker);
int64_t workers_since(const struct worker *then, unsigned int nr_then,
		      const struct worker *now, unsigned int nr_now);

int do_release(void);
int do_verify(void);
int do_hold(void);
int do_lmk(void);
int do_churn(void);
int do_holes(void);
int do_latency(void);
int do_workers(void);
int do_swapon(void);
int do_hog(void);
int do_spin(void);
int do_tsc(void);

#endif
