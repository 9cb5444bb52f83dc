// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include "gate.h"

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* How many places of the key's address are taken, if all of them have run out; else 0. */
static uint32_t places_to_free(int map, struct tr_binding_key key, uint64_t time)
{
	struct tr_binding binding;
	uint32_t place = 0;

	for (; place < TR_MAX_NAMES_AN_ADDRESS; place++) {
		key.place = place;
		if (bpf_map_lookup_elem(map, &key, &binding))
			break;
		if (binding.until >= time)
			return 0;
	}
	return place;
}

/* From the last place on, so that there is never a gap. What is freed is taken off `counts`, to which the kernel adds
 * meanwhile. */
static int free_places(int map, int64_t *counts, struct tr_binding_key key, uint32_t count, uint64_t time)
{
	struct tr_binding binding;
	int freed = 0;

	while (count-- > 0) {
		key.place = count;
		if (bpf_map_lookup_elem(map, &key, &binding) || binding.until >= time)
			break;
		if (bpf_map_delete_elem(map, &key))
			continue;
		__atomic_fetch_sub(&counts[binding.counted % TR_NAME_COUNTS], 1, __ATOMIC_RELAXED);
		freed++;
	}
	return freed;
}

/* The first place of each address that has one; returns how many. */
static size_t addresses(int map, struct tr_binding_key *keys)
{
	struct tr_binding_key key, *previous = NULL;
	size_t count = 0;

	while (count < TR_MAX_BINDINGS && !bpf_map_get_next_key(map, previous, &key)) {
		previous = &key;
		if (key.place == 0)
			keys[count++] = key;
	}
	return count;
}

int tr_gate_forget_names(const struct tr_gate *gate)
{
	int map = tr_gate_map(gate, "bindings"), counting = tr_gate_map(gate, "name_counts"), freed = 0;
	struct tr_binding_key *keys;
	uint64_t time = now();
	int64_t *counts;
	size_t count;

	if (map < 0 || counting < 0)
		return map < 0 ? map : counting;
	counts = mmap(NULL, TR_NAME_COUNTS * sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, counting, 0);
	if (counts == MAP_FAILED)
		return -errno;
	keys = calloc(TR_MAX_BINDINGS, sizeof(*keys));
	count = keys ? addresses(map, keys) : 0;
	for (size_t i = 0; i < count; i++)
		freed += free_places(map, counts, keys[i], places_to_free(map, keys[i], time), time);
	munmap(counts, TR_NAME_COUNTS * sizeof(*counts));
	if (!keys)
		return -ENOMEM;
	free(keys);
	return freed;
}
