// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The name gate's parser without the gate, for the tests that hold it against the agent's: run by BPF_PROG_TEST_RUN and
 * never attached. A packet is 14 bytes of Ethernet, the size of a piece (1 to TR_HELLO_CHUNK) with the highest bit set
 * where the packet goes on with the last one's stream, then bytes of a stream.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#pragma clang diagnostic ignored "-Wunused-function" /* what judges is not used */
#include "tr_client_hello.h"
#include "tr_host_name.h"
#include "tr_packet.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { ETHERNET = 14, SIZE = 2, MAX_PIECES = 1024, GOES_ON = 0x8000 };

/* What was read of a ClientHello. */
struct tr_hello_reading {
	u32 seen;
	u32 is_name; /* a host name, which `name` has */
	struct tr_name_key name;
	struct tr_hello_cursor cursor;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tr_hello_reading);
} reading SEC(".maps");

static __always_inline void tr_keep_name(struct tr_scratch *scratch, u32 place)
{
	u32 zero = 0;
	struct tr_hello_reading *read = bpf_map_lookup_elem(&reading, &zero);

	if (!read)
		return;
	read->is_name = !tr_make_server_name(place);
	__builtin_memcpy(&read->name, &scratch->binding.name, sizeof(read->name));
}

/* Takes the next piece if the last one was read; TR_HELLO. */
__noinline int tr_read_piece(struct __sk_buff *skb, u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 size;
	int result;

	if (!scratch)
		return TR_HELLO_BROKEN;
	if (scratch->at >= scratch->size && scratch->hello.phase != TR_READ_NOTHING) {
		size = scratch->left < scratch->type ? scratch->left : scratch->type;
		if (!size)
			return TR_HELLO_MORE;
		if (size > TR_HELLO_CHUNK ||
		    bpf_skb_load_bytes(skb, scratch->from, scratch->message, tr_within(size, TR_HELLO_CHUNK)))
			return -1;
		scratch->at = 0;
		scratch->size = size;
		scratch->from += size;
		scratch->left -= size;
	}
	result = tr_read_hello(place);
	if (result == TR_HELLO_NAMED)
		tr_keep_name(scratch, place);
	return result == TR_HELLO_MORE || result == TR_HELLO_NAMED ? TR_HELLO_STEP : result;
}

static __always_inline int tr_read(struct __sk_buff *skb, struct tr_scratch *scratch, u32 place, u32 piece)
{
	u32 zero = 0;
	struct tr_hello_reading *read = bpf_map_lookup_elem(&reading, &zero);

	if (!read)
		return -1;
	if (piece & GOES_ON) {
		bpf_probe_read_kernel(&scratch->hello, sizeof(scratch->hello), &read->cursor);
	} else {
		read->is_name = 0;
		tr_begin_hello(&scratch->hello);
	}
	scratch->at = 0;
	scratch->size = 0;
	scratch->type = piece & ~GOES_ON;
	scratch->from = ETHERNET + SIZE;
	scratch->left = skb->len - ETHERNET - SIZE;
	for (u32 i = 0; i < MAX_PIECES; i++) {
		int result = tr_read_piece(skb, place);

		if (!result)
			continue;
		read->seen = scratch->hello.seen;
		bpf_probe_read_kernel(&read->cursor, sizeof(read->cursor), &scratch->hello);
		return result;
	}
	return -1;
}

/* TR_HELLO: what the stream turned out to be; less than 0: it was not read. */
SEC("tc")
int hello(struct __sk_buff *skb)
{
	struct tr_scratch *scratch;
	int place, result = -1;
	u16 piece;

	if (bpf_skb_load_bytes(skb, ETHERNET, &piece, sizeof(piece)))
		return -1;
	place = tr_take_scratch();
	if (place < 0)
		return -1;
	scratch = tr_scratch_at(place);
	if (scratch)
		result = tr_read(skb, scratch, place, bpf_ntohs(piece));
	tr_give_scratch(place);
	return result;
}
