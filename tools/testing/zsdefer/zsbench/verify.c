// SPDX-License-Identifier: GPL-2.0
/* zsbench: check every byte that comes back from swap. */

#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "zsbench.h"

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

int do_verify(void)
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
		start_holder(&victims[i], pages, 0, opt.seed + killed);
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
