/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The policies in the kernel: the agent fills the slot that is not selected, then selects it. */
#ifndef TR_POLICY_MAPS_H
#define TR_POLICY_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_policy.h"

struct tr_ipv4_array {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct tr_ipv4_range));
};

struct tr_ipv6_trie {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct tr_ipv6_key));
	__uint(value_size, sizeof(u32));
};

struct tr_name_trie {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct tr_name_key));
	__uint(value_size, sizeof(u32));
};

struct tr_candidate_array {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct tr_candidate));
};

/* The slot of the policy in force. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} selected SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TR_POLICY_SLOTS);
	__type(key, u32);
	__type(value, struct tr_policy);
} policies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, TR_POLICY_SLOTS);
	__type(key, u32);
	__array(values, struct tr_ipv4_array);
} ipv4_ranges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, TR_POLICY_SLOTS);
	__type(key, u32);
	__array(values, struct tr_ipv6_trie);
} ipv6_tries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, TR_POLICY_SLOTS);
	__type(key, u32);
	__array(values, struct tr_name_trie);
} name_tries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, TR_POLICY_SLOTS);
	__type(key, u32);
	__array(values, struct tr_candidate_array);
} candidates SEC(".maps");

/* Those of a slot's policy begin at TR_MAX_GLOBS times the slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TR_POLICY_SLOTS *TR_MAX_GLOBS);
	__type(key, u32);
	__type(value, struct tr_glob);
} globs SEC(".maps");

/* The unix sockets of processes outside that a policy lists. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TR_POLICY_SLOTS *TR_MAX_UNIX_PATHS);
	__type(key, struct tr_unix_key);
	__type(value, u32);
} unix_paths SEC(".maps");

#endif
