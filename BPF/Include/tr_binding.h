/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Which names an address was answered for, and until when. A full table refuses and never forgets. */
#ifndef TR_BINDING_H
#define TR_BINDING_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_address.h"
#include "tr_name.h"
#include "tr_policy_maps.h"
#include "tr_verdict.h"

enum {
	TR_NO_NAME = -2,
	TR_OLD_NAME = -3,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TR_MAX_BINDINGS);
	__type(key, struct tr_binding_key);
	__type(value, struct tr_binding);
} bindings SEC(".maps");

/* How many of them are a name's. The agent takes off what it frees. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TR_NAME_COUNTS);
	__type(key, u32);
	__type(value, __s64);
} name_counts SEC(".maps");

/* What was found at a place of an address. */
enum { TR_PLACE_OTHER, TR_PLACE_TAKEN, TR_PLACE_OLD, TR_PLACE_NONE, TR_PLACE_CROWDED };

/* The place in `name_counts` of a scratch's name. */
__noinline u32 tr_place_of_count(u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 hash = config.seed;

	if (!scratch)
		return 0;
	for (u32 i = 0; i < TR_NAME_SIZE / 4; i++) {
		hash = (hash ^ ((const u32 *)scratch->binding.name.text)[i]) * 0x9e3779b1;
		hash ^= hash >> 15;
	}
	return hash & (TR_NAME_COUNTS - 1);
}

/* Two CPUs may count at once: a name may get an address or two more. */
static __always_inline int tr_is_crowded(u32 counted)
{
	__s64 *count = bpf_map_lookup_elem(&name_counts, &counted);

	return !count || *(volatile __s64 *)count >= TR_MAX_ADDRESSES_A_NAME;
}

static __always_inline void tr_count_addresses(u32 counted, __s64 difference)
{
	__s64 *count = bpf_map_lookup_elem(&name_counts, &counted);

	if (count)
		__atomic_fetch_add(count, difference, __ATOMIC_RELAXED);
}

/* Looks at one place: the same name there is told for longer, and where nothing is the name is put if `may_add`. */
__noinline int tr_bind_at(u32 place, u32 index, u32 may_add)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	struct tr_binding *known;

	if (!scratch)
		return TR_PLACE_NONE;
	scratch->place.place = index;
	known = bpf_map_lookup_elem(&bindings, &scratch->place);
	if (!known && may_add) {
		if (tr_is_crowded(scratch->binding.counted))
			return TR_PLACE_CROWDED;
		if (!bpf_map_update_elem(&bindings, &scratch->place, &scratch->binding, BPF_NOEXIST)) {
			tr_count_addresses(scratch->binding.counted, 1);
			return TR_PLACE_TAKEN;
		}
		/* Another CPU may have been first. */
		known = bpf_map_lookup_elem(&bindings, &scratch->place);
	}
	if (!known)
		return TR_PLACE_NONE;
	if (!tr_is_same_name(&known->name, &scratch->binding.name))
		return known->until < scratch->binding.since ? TR_PLACE_OLD : TR_PLACE_OTHER;
	if (known->until < scratch->binding.until)
		known->until = scratch->binding.until;
	known->since = scratch->binding.since;
	return TR_PLACE_TAKEN;
}

/* Puts the name where another one has run out. */
static __always_inline u32 tr_bind_instead(struct tr_scratch *scratch, u32 index)
{
	struct tr_binding *old;
	u32 counted;

	scratch->place.place = index;
	old = bpf_map_lookup_elem(&bindings, &scratch->place);
	if (!old)
		return TR_RULE_FULL;
	if (tr_is_crowded(scratch->binding.counted))
		return TR_RULE_CROWDED;
	counted = old->counted;
	if (bpf_map_update_elem(&bindings, &scratch->place, &scratch->binding, BPF_ANY))
		return TR_RULE_FULL;
	tr_count_addresses(counted, -1);
	tr_count_addresses(scratch->binding.counted, 1);
	return 0;
}

/*
 * Ties the address in `place` to the name of the key, for as long as `binding` says. 0 or a TR_RULE: why not. Where the
 * name is known it is told for longer; else it takes the place of one that has run out, or the next.
 */
__noinline u32 tr_bind(u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);

	if (!scratch)
		return TR_RULE_FULL;
	scratch->old = 0;
	for (u32 i = 0; i < TR_MAX_NAMES_AN_ADDRESS; i++) {
		int found = tr_bind_at(place, i, !scratch->old);

		if (found == TR_PLACE_TAKEN)
			return 0;
		if (found == TR_PLACE_CROWDED)
			return TR_RULE_CROWDED;
		if (found == TR_PLACE_NONE)
			break;
		if (found == TR_PLACE_OLD && !scratch->old)
			scratch->old = i + 1;
	}
	return scratch->old ? tr_bind_instead(scratch, scratch->old - 1) : TR_RULE_FULL;
}

static __always_inline int tr_look_up_again(struct tr_binding *binding, u32 slot, u32 generation)
{
	struct tr_scratch *scratch;
	int place = tr_take_scratch(), list = -1;

	if (place < 0)
		return -1;
	scratch = tr_scratch_at(place);
	if (scratch) {
		__builtin_memcpy(&scratch->binding.name, &binding->name, sizeof(binding->name));
		list = tr_look_up_name(place, slot);
	}
	if (scratch && list >= 0) {
		for (u32 i = 0; i < TR_MAX_GLOBS / 64; i++)
			binding->globs[slot][i] = scratch->binding.globs[slot][i];
		/* Last: whoever reads it finds the rest. */
		*(volatile u64 *)&binding->list[slot] = (u64)generation << 32 | (u32)list;
	}
	tr_give_scratch(place);
	return list;
}

/*
 * The list that a slot's policy has for the name at a place of an address, whose words are `high` and `low`.
 * TR_NO_NAME: there is none behind; TR_OLD_NAME: it has run out; other values less than 0: it cannot be looked up.
 */
__noinline int tr_list_of_name(u64 high, u64 low, u32 place, u32 slot)
{
	struct tr_policy *policy = bpf_map_lookup_elem(&policies, &slot);
	struct tr_binding_key key = { .place = place };
	struct tr_binding *binding;

	__builtin_memcpy(key.address, &high, sizeof(high));
	__builtin_memcpy(key.address + 8, &low, sizeof(low));
	binding = bpf_map_lookup_elem(&bindings, &key);
	if (!binding)
		return TR_NO_NAME;
	if (!policy)
		return -1;
	if (binding->until < bpf_ktime_get_boot_ns())
		return TR_OLD_NAME;
	slot &= 1;
	if (binding->list[slot] >> 32 == policy->generation)
		return (u32)binding->list[slot];
	/* Another policy is in force since it was bound. */
	return tr_look_up_again(binding, slot, policy->generation);
}

#endif
