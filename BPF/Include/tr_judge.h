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
#include "tr_kill.h"
#include "tr_outcome.h"
#include "tr_packet.h"
#include "tr_binding.h"
#include "tr_policy_maps.h"
#include "tr_process.h"
#include "tr_verdict.h"

enum {
	TR_NAME_SHIFT = 24, /* above the place of a candidate */
	TR_CANDIDATES_AT_ONCE = 12,
	TR_NONE_SO_FAR = -2,
	TR_NO_PROCESS = 8, /* in approach: a rule with `process` takes no part */
};

/* An address in two words, as it lies in memory. */
struct tr_words {
	u64 high, low;
};

/* A question, and its answer: action, rule and generation of the key, and the rest but for the first two. Small, for
 * the stack is short. */
struct tr_case {
	struct tr_outcome_key key;
	u8 excluded;	/* conditions of which a candidate must have none */
	u8 only;	/* 1 + the place of the one binding that counts; 0: all do */
	u8 name;	/* 1 + the place of the binding that the answer rests on; 0: on none */
	u8 conditions;	/* of the candidate that decided */
	u32 alone_rule; /* what the address alone leads to */
	u8 alone_action;
	u8 about_names; /* of the policy; 0: it is no matter of its rules */
	u16 reserved;
} __attribute__((aligned(8))); /* it is read by words */

/* What a candidate is held against, and where it is, in one word each: scalars are what a global function takes. */
static __always_inline u32 tr_approach(const struct tr_case *asked)
{
	u32 transport = asked->key.protocol == IPPROTO_TCP ? TR_IF_TCP : TR_IF_UDP;

	u32 excluded = (asked->excluded & 15) << 4 | (asked->excluded & TR_HAS_PROCESS ? TR_NO_PROCESS : 0);

	return transport | excluded | (u32)asked->key.port << 16;
}

/* A binding that approach names. */
static __always_inline struct tr_binding *tr_binding_of(u32 approach, u64 high, u64 low)
{
	struct tr_binding_key key = { .place = (approach >> 8 & 255) - 1 };

	__builtin_memcpy(key.address, &high, sizeof(high));
	__builtin_memcpy(key.address + 8, &low, sizeof(low));
	return bpf_map_lookup_elem(&bindings, &key);
}

/* As tr_first, among some; TR_NONE_SO_FAR: none of them fits, and they are not all. */
__noinline int tr_first_of_some(u32 slot, u32 list, u32 approach, u64 high, u64 low)
{
	void *array = bpf_map_lookup_elem(&candidates, &slot);

	if (!array)
		return -1;
	for (u32 i = 0; i < TR_CANDIDATES_AT_ONCE; i++) {
		u32 place = list + i;
		struct tr_candidate *candidate = bpf_map_lookup_elem(array, &place);
		u32 conditions, unmet, outside, transport, excluded, port;

		if (!candidate)
			return -1;
		/* Taken apart here, so that no parts are kept on the stack, which is short. */
		asm volatile("" : "+r"(approach));
		transport = approach & 3;
		excluded = approach >> 4 & 15;
		port = approach >> 16;
		conditions = candidate->conditions;
		unmet = (~conditions & transport) | (conditions & excluded);
		/* Their highest bit is set outside of the range. */
		outside = (port - candidate->first_port) | (candidate->last_port - port);
		if (!(unmet | (outside >> 31)) &&
		    (!candidate->process ||
		     (!(approach & TR_NO_PROCESS) && tr_fits_process(slot, candidate->process)))) {
			struct tr_binding *binding;
			u32 glob = candidate->glob;

			if (!glob)
				return place;
			binding = tr_binding_of(approach, high, low);
			if (!binding)
				return -1;
			glob -= 1;
			if (binding->globs[slot & 1][(glob / 64) & 3] >> (glob % 64) & 1)
				return place;
		}
		if (candidate->conditions & TR_IS_LAST)
			return 0;
	}
	return TR_NONE_SO_FAR;
}

/*
 * The place of the first candidate of a list that fits; 0: none does; less: the list cannot be read. `approach` says
 * with which transport, port and binding of the address, whose words are `high` and `low`. Global, and in two loops:
 * the verifier looks at each once.
 */
__noinline int tr_first(u32 slot, u32 list, u32 approach, u64 high, u64 low)
{
	for (u32 i = 0; i < TR_MAX_CANDIDATES; i += TR_CANDIDATES_AT_ONCE) {
		int found = tr_first_of_some(slot, list + i, approach, high, low);

		if (found != TR_NONE_SO_FAR)
			return found;
	}
	return -1;
}

/* Whether the words of a canonical address are those of a trusted resolver. */
__noinline int tr_is_resolver(u32 slot, u64 high, u64 low)
{
	struct tr_policy *policy = bpf_map_lookup_elem(&policies, &slot);

	if (!policy)
		return 0;
	for (u32 i = 0; i < TR_MAX_RESOLVERS; i++) {
		const struct tr_words *resolver = (const struct tr_words *)policy->resolvers[i];

		if (i >= policy->resolver_count)
			break;
		if (!((resolver->high ^ high) | (resolver->low ^ low)))
			return 1;
	}
	return 0;
}

/*
 * The list of the range that an IPv4 address is in; less than 0: it cannot be read. Of 100,000 prefixes a trie of the
 * kernel's reads memory at some seventeen places, one after the other; this does so at a few, of which most are near.
 */
__noinline int tr_list_of_ipv4(u32 number, u32 slot)
{
	void *ranges = bpf_map_lookup_elem(&ipv4_ranges, &slot);
	u32 place = number >> TR_IPV4_CELL_SHIFT, left;
	struct tr_ipv4_range *range;

	range = ranges ? bpf_map_lookup_elem(ranges, &place) : NULL;
	if (!range)
		return -1;
	place = range->first;
	left = range->list;
	/* It is at `place` or among the `left` that follow. */
	for (u32 i = 0; i <= TR_IPV4_CELL_SHIFT; i++) {
		u32 half = (left + 1) / 2, middle = place + half, is_beyond;

		if (!left)
			break;
		range = bpf_map_lookup_elem(ranges, &middle);
		if (!range)
			return -1;
		/* Without a branch: the verifier looks at each way through the loop. */
		is_beyond = ((u64)number - range->first) >> 63;
		asm volatile("" : "+r"(is_beyond));
		place += half & (is_beyond - 1);
		left -= half;
		left += (half - 1 - left) & -is_beyond;
	}
	range = bpf_map_lookup_elem(ranges, &place);
	return range ? range->list : -1;
}

/* The list of the longest prefix around the address; 0: there is none; less: it cannot be read. */
__noinline int tr_list_of(u64 high, u64 low, u32 slot)
{
	struct tr_words words = { high, low };
	struct tr_ipv6_key key = { .length = 128 };
	u32 *list;
	void *trie;

	if (tr_is_ipv4((struct tr_address *)&words))
		return tr_list_of_ipv4(bpf_ntohl(((struct tr_address *)&words)->word[3]), slot);
	trie = bpf_map_lookup_elem(&ipv6_tries, &slot);
	if (!trie)
		return -1;
	__builtin_memcpy(key.address, &words, sizeof(key.address));
	list = bpf_map_lookup_elem(trie, &key);
	return list ? *list : 0;
}

/* The action of a candidate; its rule goes to the key. */
static __always_inline int tr_action_of(struct tr_case *asked, void *array, u32 place)
{
	struct tr_candidate *candidate = bpf_map_lookup_elem(array, &place);

	if (!candidate || candidate->action > TR_ACTION_KILL)
		return TR_ACTION_ERROR;
	asked->key.rule = place ? candidate->rule : TR_RULE_NONE;
	asked->conditions = place ? candidate->conditions : 0;
	return candidate->action;
}

/* The place of the candidate that an address alone leads to; 0: none does; less: it cannot be said. */
__noinline int tr_find_alone(u64 high, u64 low, u32 approach, u32 slot)
{
	struct tr_policy *policy = bpf_map_lookup_elem(&policies, &slot);
	int list = tr_list_of(high, low, slot), found = 0;

	if (!policy || list < 0)
		return -1;
	if (list)
		found = tr_first(slot, list, approach, 0, 0);
	if (!found && policy->any_list)
		found = tr_first(slot, policy->any_list, approach, 0, 0);
	return found;
}

/*
 * The place of the candidate that the names bound to the address lead to, the most permissive one, for any of them may
 * be the one meant; and 1 + the place of that name above TR_NAME_SHIFT. `found` is what the address alone leads to.
 * Less than 0: it cannot be said. The verifier looks at each way through the loop: the fewer branches, the better.
 */
__noinline int tr_ask_names(u64 high, u64 low, u32 approach, u32 slot, u32 found)
{
	u32 only = approach >> 8 & 255, others = only ? ~0 : 0;
	/* Above the place how permissive it is: one word, for the stack is short. */
	u64 best = (u64)(TR_ACTIONS * 2) << 32 | found;

	approach &= ~0xff00u;
	for (u32 i = 0; i < TR_MAX_NAMES_AN_ADDRESS; i++) {
		struct tr_candidate *candidate;
		u32 where, rank, none;
		int list, place = 0;
		void *array;
		u64 before;

		if ((only ^ (i + 1)) & others)
			continue;
		list = tr_list_of_name(high, low, i, slot);
		if (list == TR_NO_NAME)
			break;
		if (list == TR_OLD_NAME)
			continue;
		if (list)
			place = tr_first(slot, list, approach | (i + 1) << 8, high, low);
		if (list < 0 || place < 0)
			return -1;
		none = (u32)(place - 1) >> 31;
		asm volatile("" : "+r"(none));
		where = place | (found & -none);
		array = bpf_map_lookup_elem(&candidates, &slot); /* not kept on the stack, which is short */
		candidate = array ? bpf_map_lookup_elem(array, &where) : NULL;
		if (!candidate)
			return -1;
		/* Among equals, one whose server name is not looked at. */
		rank = candidate->action * 2 + (none | !(candidate->conditions & TR_VERIFIES_ADDRESS));
		before = (u32)(rank - (u32)(best >> 32));
		asm volatile("" : "+r"(before));
		before = 0 - (before >> 31); /* all ones if it comes before what was best */
		best ^= (best ^ ((u64)rank << 32 | where | (i + 1) * (1 - none) << TR_NAME_SHIFT)) & before;
	}
	return (u32)best;
}

static __always_inline int tr_decide(struct tr_case *asked, const struct tr_policy *policy, u32 *slot)
{
	const struct tr_words *words = (const struct tr_words *)asked->key.address;
	void *array = bpf_map_lookup_elem(&candidates, slot);
	u32 approach = tr_approach(asked);
	int found = tr_find_alone(words->high, words->low, approach, *slot);

	if (!array || found < 0)
		return TR_ACTION_ERROR;
	asked->alone_action = tr_action_of(asked, array, found);
	asked->alone_rule = asked->key.rule;
	asked->about_names = policy->about_names;
	if (asked->conditions & TR_PRECEDES_NAMES || asked->key.gate == TR_GATE_INBOUND)
		return asked->alone_action;
	found = tr_ask_names(words->high, words->low, approach | asked->only << 8, *slot, found);
	if (found < 0)
		return TR_ACTION_ERROR;
	asked->name = found >> TR_NAME_SHIFT;
	return tr_action_of(asked, array, found & ((1 << TR_NAME_SHIFT) - 1));
}

/* Not inlined: the verifier looks at it once for each call, and its loops are long. */
static __noinline __attribute__((unused)) int tr_judge(struct tr_case *asked)
{
	const struct tr_words *words = (const struct tr_words *)asked->key.address;
	u32 zero = 0, slot, *chosen;
	struct tr_policy *policy;
	int is_dns;

	asked->key.action = TR_ACTION_ERROR;
	asked->key.rule = TR_RULE_NONE;
	asked->key.generation = 0;
	asked->name = 0;
	asked->about_names = 0;
	chosen = bpf_map_lookup_elem(&selected, &zero);
	if (!chosen)
		return 0;
	slot = *(volatile u32 *)chosen; /* read once: everything else hangs on it */
	policy = bpf_map_lookup_elem(&policies, &slot);
	if (!policy)
		return 0;
	asked->key.generation = policy->generation;
	is_dns = asked->key.port == 53 && asked->key.gate != TR_GATE_INBOUND;
	if (asked->key.gate == TR_GATE_INBOUND && !policy->judges_inbound) {
		asked->key.action = TR_ACTION_ALLOW;
	} else if (is_dns && tr_is_resolver(slot, words->high, words->low)) {
		asked->key.action = TR_ACTION_ALLOW;
		asked->key.rule = TR_RULE_RESOLVER;
	} else if (is_dns && policy->is_dns_strict) {
		asked->key.action = TR_ACTION_BLOCK;
		asked->key.rule = TR_RULE_SERVER;
	} else {
		asked->key.action = tr_decide(asked, policy, &slot);
	}
	return 0;
}

static __always_inline int tr_lets_through(const struct tr_case *asked)
{
	return asked->key.action <= TR_ACTION_ALERT;
}

/* Tells of a case. `ctx`: of what the kernel finds the socket's cookie by, or NULL. Not inlined: where it is judged,
 * the stack is needed. */
static __noinline int tr_tell_case(const struct tr_case *asked, void *ctx, struct bpf_sock *sk,
				   const struct tr_syn *syn)
{
	struct tr_binding_key key = { .place = asked->name - 1 };
	struct tr_binding *binding = NULL;
	struct tr_whence whence = {};

	if (ctx)
		tr_find_whence(&whence, ctx, sk);
	__builtin_memcpy(key.address, asked->key.address, sizeof(key.address));
	if (asked->name)
		binding = bpf_map_lookup_elem(&bindings, &key);
	if (binding)
		tr_tell(&asked->key, &whence, syn, &binding->name);
	else
		tr_tell(&asked->key, &whence, syn, NULL);
	return 0;
}

/* Counts what was decided and does what it says; 1: let through, 0: EPERM. The rest is for telling of it. */
static __always_inline int tr_settle_at(const struct tr_case *asked, void *ctx, struct bpf_sock *sk,
					const struct tr_syn *syn)
{
	tr_count_total(asked->key.action);
	if (asked->key.action != TR_ACTION_ALLOW || config.tells)
		tr_count_outcome(&asked->key);
	if (config.tells)
		tr_tell_case(asked, ctx, sk, syn);
	if (asked->key.action == TR_ACTION_KILL && asked->key.gate != TR_GATE_INBOUND) {
		if (config.can_signal)
			bpf_send_signal(SIGKILL);
		else
			tr_condemn();
	}
	return tr_lets_through(asked);
}

/* The same where no socket's cookie can be asked for. */
static __always_inline int tr_settle(const struct tr_case *asked)
{
	return tr_settle_at(asked, NULL, NULL, NULL);
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
