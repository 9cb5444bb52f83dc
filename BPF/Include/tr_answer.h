/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * DNS on its way in: an answer ties its addresses to the name that was asked for before the socket can read it, so that
 * the connection that follows cannot come too early. Only the answer to a query that this very socket sent counts.
 */
#ifndef TR_ANSWER_H
#define TR_ANSWER_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_binding.h"
#include "tr_query.h"

enum {
	DNS_RECORD = 10, /* type, class, time to live, size */
	DNS_IS_ANSWER = 0x8000,
	DNS_NOT_PLAIN = 0x7a0f, /* opcode, TC, response code: all zero */
	TR_QUERY_SECONDS = 60,	/* for which an answer is waited for */
	TR_MAX_TTL = 604800,	/* seconds: no resolver believes more */
};

/* Zero if some bytes of the names in text[0] and text[1] are the same. */
__noinline u32 tr_compare_some(u32 place, u32 first, u32 length)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 difference = 0;

	if (!scratch)
		return 1;
	for (u32 i = 0; i < TR_AT_ONCE; i++) {
		u32 at = first + i, left, right;

		if (at >= length)
			break;
		left = scratch->text[0][at & (TR_NAME_SIZE - 1)];
		right = scratch->text[1][at & (TR_NAME_SIZE - 1)];
		left += tr_in(left, 'A', 'Z') << 5;
		right += tr_in(right, 'A', 'Z') << 5;
		difference |= left ^ right;
	}
	return difference;
}

/* Whether the names in text[0] and text[1] are the same. */
__noinline int tr_is_same_text(u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 length;

	if (!scratch)
		return 0;
	length = scratch->length[0];
	if (length != scratch->length[1] || scratch->shape[0] != scratch->shape[1])
		return 0;
	for (u32 first = 0; first < TR_NAME_SIZE; first += TR_AT_ONCE) {
		if (first >= length)
			break;
		if (tr_compare_some(place, first, length))
			return 0;
	}
	return 1;
}

/* Whether the record at `at` is of the current name; `after` gets what lies behind its owner, less than 0: unreadable.
 */
static __always_inline int tr_is_of_current(struct tr_scratch *scratch, u32 place)
{
	u32 at = scratch->at, after;

	if (at + 2 <= scratch->size && tr_message_u16(scratch, at) == (0xc000 | scratch->current)) {
		scratch->after = at + 2;
		return 1;
	}
	if (tr_read_name(place, at, 1) < 0)
		return -1;
	after = scratch->after;
	if (tr_read_name(place, scratch->current, 0) < 0)
		return -1;
	scratch->after = after;
	return tr_is_same_text(place);
}

/* Addresses that lead to the machine itself or its link: a public name that has one is a trap. */
static __always_inline int tr_is_special(const struct tr_address *address)
{
	u32 high = bpf_ntohl(address->word[0]), ipv4 = bpf_ntohl(address->word[3]);

	if (tr_is_ipv4(address))
		return ipv4 >> 24 == 0 || ipv4 >> 24 == 127 || ipv4 >> 16 == 0xa9fe || ipv4 >> 28 >= 14;
	return high >> 24 == 0xff || high >> 22 == 0xfe80 >> 6 ||
	       (!(address->word[0] | address->word[1] | address->word[2]) && ipv4 <= 1);
}

static __always_inline void tr_count_unbound(const struct tr_scratch *scratch, u32 reason)
{
	struct tr_outcome_key key = { .gate = TR_GATE_ANSWER, .port = DNS_PORT };

	__builtin_memcpy(key.address, scratch->place.address, sizeof(key.address));
	key.rule = reason;
	tr_count_outcome(&key);
}

/* Takes the address of a record's data; 0, or a TR_RULE: why it binds nothing. */
static __always_inline u32 tr_take_address(struct tr_scratch *scratch, u32 place, u32 data)
{
	struct tr_address address = {};
	u32 size = scratch->type == DNS_A ? 4 : 16;
	u8 *bytes = (u8 *)&address;

	for (u32 i = 0; i < 16; i++)
		if (i >= 16 - size)
			bytes[i] = tr_message_u8(scratch, data + i - (16 - size));
	if (size == 4)
		tr_set_ipv4(&address, address.word[3]);
	__builtin_memcpy(scratch->place.address, &address, sizeof(address));
	/* Before zero becomes what it leads to. */
	if (tr_is_special(&address))
		return TR_RULE_SPECIAL;
	tr_make_canonical(&address);
	__builtin_memcpy(scratch->place.address, &address, sizeof(address));
	return tr_is_special(&address) ? TR_RULE_SPECIAL : tr_bind(place);
}

/* Reads the record at `at` and goes behind it; less than 0: it cannot be read. */
__noinline int tr_read_record(u32 place, u64 grace)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 after, type, size, data, reason;
	u64 ttl;
	int is_current;

	if (!scratch)
		return -1;
	is_current = tr_is_of_current(scratch, place);
	after = scratch->after;
	if (is_current < 0 || after + DNS_RECORD > scratch->size)
		return -1;
	type = tr_message_u16(scratch, after);
	ttl = tr_message_u16(scratch, after + 4) << 16 | tr_message_u16(scratch, after + 6);
	ttl = (ttl > TR_MAX_TTL ? TR_MAX_TTL : ttl) * TR_SECOND;
	size = tr_message_u16(scratch, after + 8);
	data = after + DNS_RECORD;
	if (data + size > scratch->size)
		return -1;
	scratch->at = data + size;
	if (!is_current || tr_message_u16(scratch, after + 2) != DNS_CLASS_IN)
		return 0;
	if (type == DNS_CNAME) {
		scratch->current = data;
		return 0;
	}
	if (type != scratch->type || size != (type == DNS_A ? 4 : 16))
		return 0;
	scratch->binding.until = scratch->binding.since + (ttl > grace ? ttl : grace);
	reason = tr_take_address(scratch, place, data);
	if (reason)
		tr_count_unbound(scratch, reason);
	return 0;
}

/* Whether the answer in a scratch is to a query of its socket; then the query is taken away. */
__noinline int tr_is_asked_for(u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	struct tr_query *query;
	u32 after, flags;
	u64 now;

	if (!scratch || scratch->size < DNS_HEADER + 7 || scratch->size > TR_MAX_MESSAGE)
		return 0;
	flags = tr_message_u16(scratch, 2);
	if (!(flags & DNS_IS_ANSWER) || flags & DNS_NOT_PLAIN || tr_message_u16(scratch, 4) != 1)
		return 0;
	if (tr_read_name(place, DNS_HEADER, 0) < 0 || tr_make_name_key(place) < 0)
		return 0;
	after = scratch->after;
	if (after != DNS_HEADER + scratch->length[0] + 2 || after + 4 > scratch->size ||
	    tr_message_u16(scratch, after + 2) != DNS_CLASS_IN)
		return 0;
	scratch->type = tr_message_u16(scratch, after);
	scratch->key.id = tr_message_u16(scratch, 0);
	scratch->key.type = scratch->type;
	query = bpf_map_lookup_elem(&queries, &scratch->key);
	if (!query)
		return 0;
	now = bpf_ktime_get_boot_ns();
	if (now - query->time > TR_QUERY_SECONDS * TR_SECOND ||
	    !tr_is_same((struct tr_address *)query->resolver, (struct tr_address *)scratch->query.resolver) ||
	    !tr_is_same_name(&query->name, &scratch->binding.name))
		return 0;
	bpf_map_delete_elem(&queries, &scratch->key);
	scratch->binding.since = now;
	scratch->binding.born = now;
	scratch->current = DNS_HEADER;
	scratch->at = after + 4;
	return 1;
}

/* Binds what the answer in a scratch says. */
__noinline int tr_take_answer(u32 place, u32 slot)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	struct tr_policy *policy = bpf_map_lookup_elem(&policies, &slot);

	if (!scratch || !policy || !tr_is_asked_for(place) || tr_look_up_name(place, slot) < 0)
		return 0;
	scratch->binding.counted = tr_place_of_count(place);
	scratch->left = tr_message_u16(scratch, 6);
	for (u32 i = 0; i < TR_MAX_RECORDS; i++) {
		if (i >= scratch->left || tr_read_record(place, policy->grace) < 0)
			break;
	}
	return 0;
}

/* Whether packets from `source` to the socket can be answers, and the slot of the policy in force. */
static __always_inline int tr_can_answer(struct __sk_buff *skb, struct tr_address *source, u32 *slot)
{
	u32 zero = 0, *chosen = bpf_map_lookup_elem(&selected, &zero);

	if (!chosen)
		return 0;
	*slot = *(volatile u32 *)chosen;
	tr_make_canonical(source);
	return tr_is_trusted(*slot, source) && tr_is_at_home(skb, *slot);
}

static __always_inline void tr_begin_answer(struct tr_scratch *scratch, struct __sk_buff *skb,
					    const struct tr_address *source)
{
	scratch->key.socket = bpf_get_socket_cookie(skb);
	scratch->key.reserved = 0;
	scratch->place.reserved = 0;
	__builtin_memcpy(scratch->query.resolver, source, sizeof(scratch->query.resolver));
}

/* A datagram from port 53. */
static __noinline int tr_on_answer(struct __sk_buff *skb, struct tr_address *source, u32 payload)
{
	u32 slot, size = skb->len - payload;
	struct tr_scratch *scratch;
	int place;

	if (skb->len <= payload || size > TR_MAX_MESSAGE || !tr_can_answer(skb, source, &slot))
		return 1;
	place = tr_take_scratch();
	if (place < 0)
		return 1;
	scratch = tr_scratch_at(place);
	if (scratch && !bpf_skb_load_bytes(skb, payload, scratch->message, tr_within(size, TR_MAX_MESSAGE))) {
		tr_begin_answer(scratch, skb, source);
		scratch->base = 0;
		scratch->size = size;
		tr_take_answer(place, slot);
	}
	tr_give_scratch(place);
	return 1;
}

#endif
