/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Asks the policy of an address: CompiledPolicy.decide without a name, word for word. Whatever cannot be looked up is
 * refused.
 */
#ifndef TR_JUDGE_H
#define TR_JUDGE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_address.h"
#include "tr_outcome.h"
#include "tr_packet.h"
#include "tr_policy.h"

volatile const struct tr_gate_config config __attribute__((section(".rodata.config"), used));

struct tr_ipv4_trie {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct tr_ipv4_key));
	__uint(value_size, sizeof(u32));
};

struct tr_ipv6_trie {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct tr_ipv6_key));
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
	__array(values, struct tr_ipv4_trie);
} ipv4_tries SEC(".maps");

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
	__array(values, struct tr_candidate_array);
} candidates SEC(".maps");

/* A question, and its answer: action, rule and generation of the key. */
struct tr_case {
	struct tr_outcome_key key;
	u32 excluded; /* conditions of which a candidate must have none */
};

/*
 * The place of the first candidate of a list that fits; 0: none does; less: the list cannot be read. Not inlined, and
 * global: the verifier looks at its loop once.
 */
__noinline int tr_first(u32 slot, u32 list, u32 transport, u32 excluded, u32 port)
{
	void *array = bpf_map_lookup_elem(&candidates, &slot);

	if (!array)
		return -1;
	for (u32 i = 0; i < TR_MAX_CANDIDATES; i++) {
		u32 place = list + i;
		struct tr_candidate *candidate = bpf_map_lookup_elem(array, &place);
		u32 conditions, unmet, outside;

		/* Rules for certain executables or names are not loaded: one that is here is a mistake. */
		if (!candidate || candidate->process || candidate->glob)
			return -1;
		conditions = candidate->conditions;
		unmet = (~conditions & transport) | (conditions & excluded);
		/* Their highest bit is set outside of the range. */
		outside = (port - candidate->first_port) | (candidate->last_port - port);
		if (!(unmet | (outside >> 31)))
			return place;
		if (conditions & TR_IS_LAST)
			return 0;
	}
	return -1;
}

static __always_inline int tr_is_resolver(const struct tr_policy *policy, const struct tr_address *address)
{
	for (u32 i = 0; i < TR_MAX_RESOLVERS; i++) {
		const struct tr_address *resolver = (const struct tr_address *)policy->resolvers[i];

		if (i < policy->resolver_count && tr_is_same(resolver, address))
			return 1;
	}
	return 0;
}

/* The list of the longest prefix around the address; 0: there is none; less: it cannot be read. */
static __always_inline int tr_list_of(const struct tr_address *address, u32 *slot)
{
	u32 *list;
	void *trie;

	if (tr_is_ipv4(address)) {
		struct tr_ipv4_key key = { .length = 32 };

		trie = bpf_map_lookup_elem(&ipv4_tries, slot);
		if (!trie)
			return -1;
		__builtin_memcpy(key.address, &address->word[3], sizeof(key.address));
		list = bpf_map_lookup_elem(trie, &key);
	} else {
		struct tr_ipv6_key key = { .length = 128 };

		trie = bpf_map_lookup_elem(&ipv6_tries, slot);
		if (!trie)
			return -1;
		__builtin_memcpy(key.address, address, sizeof(key.address));
		list = bpf_map_lookup_elem(trie, &key);
	}
	return list ? *list : 0;
}

static __always_inline int tr_decide(struct tr_case *asked, const struct tr_policy *policy, u32 *slot)
{
	const struct tr_address *address = (const struct tr_address *)asked->key.address;
	u32 transport = asked->key.protocol == IPPROTO_TCP ? TR_IF_TCP : TR_IF_UDP;
	void *array = bpf_map_lookup_elem(&candidates, slot);
	struct tr_candidate *candidate;
	int found = tr_list_of(address, slot);
	u32 place;

	if (!array || found < 0)
		return TR_ACTION_ERROR;
	if (found)
		found = tr_first(*slot, found, transport, asked->excluded, asked->key.port);
	if (!found && policy->any_list)
		found = tr_first(*slot, policy->any_list, transport, asked->excluded, asked->key.port);
	if (found < 0)
		return TR_ACTION_ERROR;
	place = found;
	candidate = bpf_map_lookup_elem(array, &place);
	if (!candidate)
		return TR_ACTION_ERROR;
	asked->key.rule = found ? candidate->rule : TR_RULE_NONE;
	return candidate->action <= TR_ACTION_KILL ? candidate->action : TR_ACTION_ERROR;
}

/* Not inlined: the verifier looks at it once for each call, and its loops are long. */
static __noinline int tr_judge(struct tr_case *asked)
{
	const struct tr_address *address = (const struct tr_address *)asked->key.address;
	u32 zero = 0, slot, *chosen;
	struct tr_policy *policy;

	asked->key.action = TR_ACTION_ERROR;
	asked->key.rule = TR_RULE_NONE;
	asked->key.generation = 0;
	chosen = bpf_map_lookup_elem(&selected, &zero);
	if (!chosen)
		return 0;
	slot = *(volatile u32 *)chosen; /* read once: everything else hangs on it */
	policy = bpf_map_lookup_elem(&policies, &slot);
	if (!policy)
		return 0;
	asked->key.generation = policy->generation;
	if (asked->key.gate == TR_GATE_INBOUND && !policy->judges_inbound) {
		asked->key.action = TR_ACTION_ALLOW;
	} else if (asked->key.port == 53 && asked->key.gate != TR_GATE_INBOUND && tr_is_resolver(policy, address)) {
		asked->key.action = TR_ACTION_ALLOW;
		asked->key.rule = TR_RULE_RESOLVER;
	} else {
		asked->key.action = tr_decide(asked, policy, &slot);
	}
	return 0;
}

static __always_inline int tr_lets_through(const struct tr_case *asked)
{
	return asked->key.action <= TR_ACTION_ALERT;
}

/* Counts what was decided and does what it says; 1: let through, 0: EPERM. */
static __always_inline int tr_settle(const struct tr_case *asked)
{
	tr_count_total(asked->key.action);
	if (asked->key.action != TR_ACTION_ALLOW)
		tr_count_outcome(&asked->key);
	if (asked->key.action == TR_ACTION_KILL && asked->key.gate != TR_GATE_INBOUND && config.can_signal)
		bpf_send_signal(9 /* SIGKILL */);
	return tr_lets_through(asked);
}

/* Refuses what is no matter of rules. */
static __always_inline int tr_refuse(u32 gate, u32 protocol, u32 port)
{
	struct tr_case refused = { .key = { .gate = gate, .protocol = protocol, .port = port } };

	refused.key.action = TR_ACTION_BLOCK;
	refused.key.rule = TR_RULE_NONE;
	return tr_settle(&refused);
}

#endif
