// SPDX-License-Identifier: GPL-2.0
/* zsbench: what a device, or zswap, tells of its pool, also over time. */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "zsbench.h"

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

void start_series(void)
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
unsigned long long watch_pool(int64_t start)
{
	int64_t ns = now_ns() - start;
	unsigned long long pool = pool_bytes();

	if (opt.series && ns >= series.due)
		add_sample(ns, pool);
	return pool;
}

void print_series(void)
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
