// SPDX-License-Identifier: GPL-2.0
/* zsbench: time, children, and the gate that they wait at. */

#define _GNU_SOURCE
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "zsbench.h"

struct child *children;

/*
 * Children wait for the end of this pipe, and so all start at once.
 */
int gate[2];

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

int compare_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
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

/* Real-time priority, as the scheduler's @flags have it. */
void go_first(int flags)
{
	struct sched_param first = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO | flags, &first))
		err(2, "sched_setscheduler");
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
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return !pid;
}

void stay(void)
{
	for (;;)
		pause();
}

/* Has a child ended by itself, or rather by the kernel? */
bool ended(struct child *c, int *status)
{
	return waitpid(c->pid, status, WNOHANG) != 0;
}

void put_down(struct child *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	c->pid = 0;
}
