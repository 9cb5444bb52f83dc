// SPDX-License-Identifier: Apache-2.0
#include "slots.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

enum { MAX_THREADS = 8 };

static void *place(void *context)
{
	struct tr_placement *placement = context;

	placement->error = bpf_map_update_elem(placement->outer, &placement->slot, &placement->inner, 0) ? -errno : 0;
	return NULL;
}

int tr_place(struct tr_placement *placements, size_t count)
{
	pthread_t threads[MAX_THREADS];
	int is_running[MAX_THREADS] = { 0 }, error = 0;

	for (size_t i = 0; i < count; i++) {
		if (i + 1 < count && i < MAX_THREADS)
			is_running[i] = !pthread_create(&threads[i], NULL, place, &placements[i]);
		if (i >= MAX_THREADS || !is_running[i])
			place(&placements[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (i < MAX_THREADS && is_running[i])
			pthread_join(threads[i], NULL);
		if (!error)
			error = placements[i].error;
	}
	return error;
}

int tr_await_programs(int outer, uint32_t slot)
{
	struct tr_placement placement = { .outer = outer, .slot = slot };
	uint32_t id;

	if (bpf_map_lookup_elem(outer, &slot, &id))
		return -errno;
	placement.inner = bpf_map_get_fd_by_id(id);
	if (placement.inner < 0)
		return -errno;
	place(&placement);
	close(placement.inner);
	return placement.error;
}
