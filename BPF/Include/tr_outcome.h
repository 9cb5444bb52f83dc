/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the gates did, counted where they did it: exact totals by action, and every refusal and alert by its
 * destination. */
#ifndef TR_OUTCOME_H
#define TR_OUTCOME_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_policy.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TR_TOTALS);
	__type(key, u32);
	__type(value, u64);
} totals SEC(".maps");

/* Never evicts: what finds no room is counted as such. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TR_MAX_OUTCOMES);
	__type(key, struct tr_outcome_key);
	__type(value, struct tr_outcome);
} outcomes SEC(".maps");

/* The same of the agent's own proof, apart: it must find room whatever a scope's programs try. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TR_MAX_PROBED);
	__type(key, struct tr_outcome_key);
	__type(value, struct tr_outcome);
} probed SEC(".maps");

static __always_inline void tr_count_total(u32 place)
{
	u64 *count = bpf_map_lookup_elem(&totals, &place);

	/* A softirq's program may come between reading and writing. */
	if (count)
		__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

/* One attempt at a time, so nobody else is at its entry. Plain, since the verifier looks at it for each call. */
static __always_inline int tr_count_probe(const struct tr_outcome_key *key, const struct tr_outcome *made)
{
	struct tr_outcome *known = bpf_map_lookup_elem(&probed, key);

	if (!known)
		return bpf_map_update_elem(&probed, key, made, BPF_NOEXIST);
	known->count++;
	return 0;
}

/* Not inlined: it has a stack of its own. */
static __noinline int tr_count_outcome(const struct tr_outcome_key *key)
{
	struct tr_outcome made = { .count = 1 }, *known;

	made.first = made.last = bpf_ktime_get_boot_ns();
	if (key->rule == TR_RULE_PROBE)
		return tr_count_probe(key, &made);
	known = bpf_map_lookup_elem(&outcomes, key);
	if (!known) {
		if (!bpf_map_update_elem(&outcomes, key, &made, BPF_NOEXIST))
			return 0;
		known = bpf_map_lookup_elem(&outcomes, key); /* another CPU was first, or there is no room */
	}
	if (!known) {
		tr_count_total(TR_TOTAL_OUTCOMES_LOST);
		return 0;
	}
	__atomic_fetch_add(&known->count, 1, __ATOMIC_RELAXED);
	known->last = made.last;
	return 0;
}

#endif
