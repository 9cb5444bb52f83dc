/* SPDX-License-Identifier: Apache-2.0 */
/* What the measured programs share: clocks, failures, and the report of a loop's figures as a JSON line. */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static inline void require(int ok, const char *attempt)
{
	if (ok)
		return;
	perror(attempt);
	exit(1);
}

/* What a loop has taken so far: all together, and each turn's share that is of interest. */
struct turns {
	long count;
	uint64_t wall, cpu;
	uint32_t *took; /* nanoseconds */
};

static inline void turns_begin(struct turns *turns, long count)
{
	require(count > 0 && (turns->took = malloc(count * sizeof(*turns->took))), "allocate");
	turns->count = count;
	for (long i = 0; i < count; i++) /* the pages are there before the clock runs */
		turns->took[i] = 1;
	turns->cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	turns->wall = now(CLOCK_MONOTONIC);
}

static int ascending(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static inline void turns_report(struct turns *turns)
{
	double wall = now(CLOCK_MONOTONIC) - turns->wall, cpu = now(CLOCK_PROCESS_CPUTIME_ID) - turns->cpu;

	qsort(turns->took, turns->count, sizeof(*turns->took), ascending);
	printf("{\"wall\":%.1f,\"cpu\":%.1f,\"p50\":%u,\"p99\":%u}\n", wall / turns->count, cpu / turns->count,
	       turns->took[turns->count / 2], turns->took[turns->count * 99 / 100]);
}

#endif
