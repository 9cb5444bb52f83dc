/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * DNS on its way out: what is asked is kept, so that its answer is known, and under `dns: strict` nothing else leaves
 * than one plain question (RFC 1035 4.1) for a name that some rule lets through.
 */
#ifndef TR_QUERY_H
#define TR_QUERY_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_judge.h"
#include "tr_name.h"
#include "tr_packet.h"
#include "tr_pages.h"

enum {
	DNS_PORT = 53,
	DNS_HEADER = 12,
	DNS_CLASS_IN = 1,
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_OPT = 41,
	DNS_SVCB = 64,
	DNS_HTTPS = 65,
	DNS_COOKIE = 10,     /* RFC 7873 */
	DNS_MAY_ASK = 0x130, /* RD, AD, CD; all other bits of a query are zero */
	OPT_SIZE = 11,
	OPT_COOKIE_MIN = 12, /* with its code and length */
	OPT_COOKIE_MAX = 44,
	TR_MAX_PIPELINED = 32, /* queries in one segment */
};

/* Not evicted but by as many that wait: then an answer binds nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TR_MAX_QUERIES);
	__type(key, struct tr_query_key);
	__type(value, struct tr_query);
} queries SEC(".maps");

static __always_inline int tr_is_asked_type(u32 type)
{
	return type == DNS_A || type == DNS_AAAA || type == DNS_CNAME || type == DNS_SRV || type == DNS_SVCB ||
	       type == DNS_HTTPS;
}

/* The OPT record (RFC 6891 6.1.2) at an offset: how long it is; 0: it is none, or carries more than a cookie. */
static __always_inline u32 tr_opt_size(const struct tr_scratch *scratch, u32 offset)
{
	u32 size = tr_message_u16(scratch, offset + 9);

	if (offset + OPT_SIZE > scratch->size || tr_message_u8(scratch, offset) ||
	    tr_message_u16(scratch, offset + 1) != DNS_OPT || tr_message_u16(scratch, offset + 5) ||
	    tr_message_u16(scratch, offset + 7) & 0x7fff)
		return 0;
	if (size && (size < OPT_COOKIE_MIN || size > OPT_COOKIE_MAX ||
		     tr_message_u16(scratch, offset + OPT_SIZE) != DNS_COOKIE ||
		     tr_message_u16(scratch, offset + OPT_SIZE + 2) != size - 4))
		return 0;
	return OPT_SIZE + size;
}

/* Reads the query in a scratch up to its type: name, key. 0, or not one plain query. */
__noinline int tr_read_query(u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 additional, at;

	if (!scratch || scratch->size < DNS_HEADER + 7 || scratch->size > TR_MAX_MESSAGE)
		return -1;
	additional = tr_message_u16(scratch, 10);
	if (tr_message_u16(scratch, 2) & ~DNS_MAY_ASK || tr_message_u16(scratch, 4) != 1 ||
	    tr_message_u16(scratch, 6) || tr_message_u16(scratch, 8) || additional > 1)
		return -1;
	if (tr_read_name(place, DNS_HEADER, 0) < 0 || tr_make_name_key(place) < 0)
		return -1;
	at = scratch->after;
	/* Behind its header it is all there, without pointers. */
	if (at != DNS_HEADER + scratch->length[0] + 2 || at + 4 > scratch->size)
		return -1;
	scratch->type = tr_message_u16(scratch, at);
	if (!tr_is_asked_type(scratch->type) || tr_message_u16(scratch, at + 2) != DNS_CLASS_IN)
		return -1;
	at += 4;
	if (additional) {
		u32 size = tr_opt_size(scratch, at);

		if (!size)
			return -1;
		at += size;
	}
	if (at != scratch->size)
		return -1;
	scratch->key.id = tr_message_u16(scratch, 0);
	scratch->key.type = scratch->type;
	return 0;
}

/* As tr_may_ask, by some candidates; TR_NONE_SO_FAR: none of them says it, and they are not all. */
__noinline int tr_may_ask_by_some(u32 place, u32 slot, u32 list)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	struct tr_policy *policy = bpf_map_lookup_elem(&policies, &slot);
	void *array = bpf_map_lookup_elem(&candidates, &slot);

	if (!scratch || !policy || !array)
		return -1;
	for (u32 i = 0; i < TR_CANDIDATES_AT_ONCE; i++) {
		u32 at = list + i, glob, conditions;
		struct tr_candidate *candidate = bpf_map_lookup_elem(array, &at);

		if (!candidate)
			return -1;
		glob = candidate->glob ? candidate->glob - 1 : 0;
		conditions = candidate->conditions;
		if (!candidate->glob || scratch->binding.globs[slot & 1][(glob / 64) & 3] >> (glob % 64) & 1) {
			if (candidate->action <= TR_ACTION_ALERT)
				return 1;
			if (!candidate->process && conditions & TR_IF_TCP && !(conditions & TR_HAS_PORTS))
				return 0;
		}
		if (conditions & TR_IS_LAST)
			return policy->is_permitting;
	}
	return TR_NONE_SO_FAR;
}

/* Whether some rule lets the name through, for whatever port, protocol and process; less than 0: it cannot be said. */
__noinline int tr_may_ask(u32 place, u32 slot, u32 list)
{
	struct tr_policy *policy = bpf_map_lookup_elem(&policies, &slot);

	if (!policy)
		return -1;
	if (!list)
		return policy->is_permitting;
	for (u32 i = 0; i < TR_MAX_CANDIDATES; i += TR_CANDIDATES_AT_ONCE) {
		int answer = tr_may_ask_by_some(place, slot, list + i);

		if (answer != TR_NONE_SO_FAR)
			return answer;
	}
	return -1;
}

/* Judges the query in a scratch, and keeps it. 0, or a TR_RULE: why it must not leave. */
__noinline u32 tr_judge_query(u32 place, u32 slot, u32 is_strict)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	int list;

	if (!scratch)
		return TR_RULE_FULL;
	if (tr_read_query(place) < 0)
		return is_strict ? TR_RULE_FORM : 0;
	list = tr_look_up_name(place, slot);
	if (list < 0)
		return TR_RULE_FULL;
	if (is_strict && tr_may_ask(place, slot, list) <= 0)
		return TR_RULE_NAME;
	if (scratch->type != DNS_A && scratch->type != DNS_AAAA)
		return 0;
	__builtin_memcpy(&scratch->query.name, &scratch->binding.name, sizeof(scratch->query.name));
	scratch->query.time = bpf_ktime_get_boot_ns();
	return bpf_map_update_elem(&queries, &scratch->key, &scratch->query, BPF_ANY) ? TR_RULE_FULL : 0;
}

/* Judges every query of a segment of `size` bytes. */
__noinline u32 tr_judge_queries(u32 place, u32 slot, u32 size, u32 is_strict)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 reason;

	if (!scratch)
		return TR_RULE_FULL;
	scratch->at = 0;
	for (u32 i = 0; i < TR_MAX_PIPELINED; i++) {
		u32 at = scratch->at, length;

		if (at == size)
			return 0;
		scratch->base = at;
		length = tr_message_u16(scratch, 0);
		if (at + 2 + length > size)
			break;
		scratch->base = at + 2;
		scratch->size = length;
		reason = tr_judge_query(place, slot, is_strict);
		if (reason)
			return reason;
		scratch->at = at + 2 + length;
	}
	return is_strict ? TR_RULE_FORM : 0;
}

/* Whether a network namespace, of a user namespace that is so deep, is one where the scope's resolvers are what they
 * are. */
__noinline int tr_is_home(u32 slot, u32 inode, u32 level)
{
	struct tr_policy *policy = bpf_map_lookup_elem(&policies, &slot);

	if (!policy)
		return 0;
	if (policy->believes_root && !level)
		return 1;
	for (u32 i = 0; i < TR_MAX_NAMESPACES; i++)
		if (i < policy->namespace_count && policy->namespaces[i] == inode)
			return 1;
	return 0;
}

static __always_inline int tr_is_at_home(struct __sk_buff *skb, u32 slot)
{
	struct sock *sk = tr_packet_socket(skb);
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	u32 inode = 0;
	int level = -1; /* not known is not root's */

	bpf_core_read(&inode, sizeof(inode), &net->ns.inum);
	if (BPF_CORE_READ_INTO(&level, net, user_ns, level))
		level = -1;
	return tr_is_home(slot, inode, level);
}

static __always_inline int tr_is_trusted(u32 slot, const struct tr_address *address)
{
	const struct tr_words *words = (const struct tr_words *)address;

	return tr_is_resolver(slot, words->high, words->low);
}

/* `named`: 1 + the place of the scratch with the name that may not be asked for, which has to be given back; or 0. */
static __always_inline u32 tr_judge_dns(struct __sk_buff *skb, u32 slot, const struct tr_policy *policy,
					const struct tr_address *server, u32 payload, u32 protocol, u32 *named)
{
	u32 size = skb->len - payload, is_strict = policy->is_dns_strict, reason = TR_RULE_FULL;
	struct tr_scratch *scratch;
	int place;

	if (!tr_is_trusted(slot, server))
		return is_strict ? TR_RULE_SERVER : 0;
	if (!tr_is_at_home(skb, slot))
		return is_strict ? TR_RULE_NAMESPACE : 0;
	/* Of several datagrams in one, only the first would be read. */
	if (size > TR_MAX_MESSAGE || (protocol == IPPROTO_UDP && skb->gso_size))
		return is_strict ? TR_RULE_FORM : 0;
	/* What could still change was not judged. */
	if (is_strict && (protocol == IPPROTO_UDP ? tr_is_in_pages(skb) : tr_is_in_shared_pages(skb)))
		return TR_RULE_FORM;
	place = tr_take_scratch();
	if (place < 0)
		return TR_RULE_FULL;
	scratch = tr_scratch_at(place);
	if (scratch && !bpf_skb_load_bytes(skb, payload, scratch->message, tr_within(size, TR_MAX_MESSAGE))) {
		scratch->key.socket = bpf_get_socket_cookie(skb);
		scratch->key.reserved = 0;
		__builtin_memcpy(scratch->query.resolver, server, sizeof(scratch->query.resolver));
		scratch->base = 0;
		scratch->size = size;
		reason = protocol == IPPROTO_UDP ? tr_judge_query(place, slot, is_strict)
						 : tr_judge_queries(place, slot, size, is_strict);
	}
	if (reason == TR_RULE_NAME && config.tells)
		*named = place + 1;
	else
		tr_give_scratch(place);
	return reason;
}

/* What of a query is refused: its protocol, and as `named` the scratch that has its name. */
static __always_inline u32 tr_query_facts(u32 protocol, u32 named)
{
	return protocol | named << 8;
}

/* Refuses a query for a reason; generation 0: the policy could not be asked. Not inlined: where queries are read, the
 * stack is needed. */
static __noinline int tr_refuse_query(struct __sk_buff *skb, const struct tr_address *server, u32 facts, u32 rule,
				      u32 generation)
{
	struct tr_outcome_key key = { .gate = TR_GATE_QUERY, .port = DNS_PORT, .protocol = facts & 0xff };
	struct tr_scratch *scratch = NULL;
	struct tr_whence whence = {};

	__builtin_memcpy(key.address, server, sizeof(key.address));
	key.action = generation ? TR_ACTION_BLOCK : TR_ACTION_ERROR;
	key.rule = rule;
	key.generation = generation;
	tr_count_total(key.action);
	tr_count_outcome(&key);
	if (!config.tells)
		return 0;
	tr_find_whence(&whence, skb, skb->sk);
	if (facts >> 8)
		scratch = tr_scratch_at((facts >> 8) - 1);
	tr_tell(&key, &whence, NULL, scratch ? &scratch->binding.name : NULL);
	return 0;
}

/* DNS of a socket of the scope; `server` is canonical and the payload not empty. 1: it may leave. */
static __noinline int tr_on_query(struct __sk_buff *skb, const struct tr_address *server, u32 payload, u32 protocol)
{
	u32 zero = 0, slot, rule, named = 0, *chosen = bpf_map_lookup_elem(&selected, &zero);
	struct tr_policy *policy;

	if (!chosen)
		return tr_refuse_query(skb, server, protocol, TR_RULE_NONE, 0);
	slot = *(volatile u32 *)chosen;
	policy = bpf_map_lookup_elem(&policies, &slot);
	if (!policy)
		return tr_refuse_query(skb, server, protocol, TR_RULE_NONE, 0);
	rule = tr_judge_dns(skb, slot, policy, server, payload, protocol, &named);
	if (!rule)
		return 1;
	tr_refuse_query(skb, server, tr_query_facts(protocol, named), rule, policy->generation);
	if (named)
		tr_give_scratch(named - 1);
	return 0;
}

#endif
