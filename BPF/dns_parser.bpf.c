// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The gates' parser of DNS without gates, for the tests that hold it against the agent's: run by BPF_PROG_TEST_RUN and
 * never attached. A packet is 14 bytes of Ethernet, then what each program says.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#pragma clang diagnostic ignored "-Wunused-function" /* what judges is not used */
#include "tr_answer.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { ETHERNET = 14, SIZES = 2 };

struct tr_reading {
	u32 type;
	u32 id;
	struct tr_name_key name;
};

/* What was read of a query. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tr_reading);
} reading SEC(".maps");

static __always_inline int tr_load(struct tr_scratch *scratch, struct __sk_buff *skb, u32 offset, u32 size)
{
	if (!size || size > TR_MAX_MESSAGE)
		return -1;
	scratch->base = 0;
	scratch->size = size;
	return bpf_skb_load_bytes(skb, offset, scratch->message, tr_within(size, TR_MAX_MESSAGE));
}

static __always_inline int tr_read(struct __sk_buff *skb, struct tr_scratch *scratch, u32 place)
{
	struct tr_reading *read;
	u32 zero = 0;

	if (tr_load(scratch, skb, ETHERNET, skb->len - ETHERNET) || tr_read_query(place) < 0)
		return 0;
	read = bpf_map_lookup_elem(&reading, &zero);
	if (!read)
		return 0;
	read->type = scratch->type;
	read->id = scratch->key.id;
	__builtin_memcpy(&read->name, &scratch->binding.name, sizeof(read->name));
	return 1;
}

/* A query. 1: it is one plain question, and `reading` has it. */
SEC("tc")
int query(struct __sk_buff *skb)
{
	struct tr_scratch *scratch;
	int place = tr_take_scratch(), result = 0;

	if (place < 0)
		return -1;
	scratch = tr_scratch_at(place);
	if (scratch)
		result = tr_read(skb, scratch, place);
	tr_give_scratch(place);
	return result;
}

static __always_inline int tr_ask(struct __sk_buff *skb, struct tr_scratch *scratch, u32 place, u32 size)
{
	scratch->key.socket = 1;
	scratch->key.reserved = 0;
	__builtin_memset(scratch->query.resolver, 0, sizeof(scratch->query.resolver));
	if (tr_load(scratch, skb, ETHERNET + SIZES, size) || tr_read_query(place) < 0)
		return -1;
	__builtin_memcpy(&scratch->query.name, &scratch->binding.name, sizeof(scratch->query.name));
	scratch->query.time = bpf_ktime_get_boot_ns();
	return bpf_map_update_elem(&queries, &scratch->key, &scratch->query, BPF_ANY);
}

static __always_inline int tr_take(struct __sk_buff *skb, struct tr_scratch *scratch, u32 place, u32 offset)
{
	scratch->place.reserved = 0;
	if (tr_load(scratch, skb, offset, skb->len - offset) || !tr_is_asked_for(place))
		return 0;
	scratch->left = tr_message_u16(scratch, 6);
	for (u32 i = 0; i < TR_MAX_RECORDS; i++)
		if (i >= scratch->left || tr_read_record(place, 0) < 0)
			break;
	return 1;
}

/* The size of a query, that query, and an answer. 1: it answers the query, and `bindings` has what it says; less than
 * 0: the query is none. */
SEC("tc")
int answer(struct __sk_buff *skb)
{
	struct tr_scratch *scratch;
	int place, result = -1;
	u16 size;

	if (bpf_skb_load_bytes(skb, ETHERNET, &size, sizeof(size)))
		return -1;
	size = bpf_ntohs(size);
	if (skb->len <= ETHERNET + SIZES + size)
		return -1;
	place = tr_take_scratch();
	if (place < 0)
		return -1;
	scratch = tr_scratch_at(place);
	if (scratch && !tr_ask(skb, scratch, place, size))
		result = tr_take(skb, scratch, place, ETHERNET + SIZES + size);
	tr_give_scratch(place);
	return result;
}
