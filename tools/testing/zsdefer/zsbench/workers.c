// SPDX-License-Identifier: GPL-2.0
/* zsbench: CPU time of kworkers. */

#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "zsbench.h"

static bool is_kworker(pid_t pid)
{
	char path[64], comm[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	return read_file(path, comm, sizeof(comm)) > 0 &&
	       !strncmp(comm, "kworker/", 8);
}

static int64_t cpu_time(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;	/* It has ended. */
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

unsigned int find_workers(struct worker *worker)
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
int64_t workers_since(const struct worker *then, unsigned int nr_then,
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
