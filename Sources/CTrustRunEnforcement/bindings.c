// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
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

/* From the last place on, so that there is never a gap. */
static int free_places(int map, struct tr_binding_key key, uint32_t count, uint64_t time)
{
	struct tr_binding binding;
	int freed = 0;

	while (count-- > 0) {
		key.place = count;
		if (bpf_map_lookup_elem(map, &key, &binding) || binding.until >= time)
			break;
		if (!bpf_map_delete_elem(map, &key))
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
	int map = tr_gate_map(gate, "bindings"), freed = 0;
	struct tr_binding_key *keys;
	uint64_t time = now();
	size_t count;

	if (map < 0)
		return map;
	keys = calloc(TR_MAX_BINDINGS, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	count = addresses(map, keys);
	for (size_t i = 0; i < count; i++)
		freed += free_places(map, keys[i], places_to_free(map, keys[i], time), time);
	free(keys);
	return freed;
}
