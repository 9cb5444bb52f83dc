/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Answers over TCP (RFC 1035 4.2.2): taken from whole messages of segments in order, several in one or one in several.
 * This runs before TCP has looked at the segment, so the place in the stream is kept here. What comes out of order ends
 * it for the connection: its later answers bind nothing.
 */
#ifndef TR_DNS_STREAM_H
#define TR_DNS_STREAM_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_answer.h"

struct tr_dns_stream {
	struct bpf_spin_lock lock;
	u32 is_busy, is_started, is_broken;
	u32 next; /* sequence number of what comes next */
	u32 have; /* bytes of a message that is not whole */
	u8 bytes[TR_MAX_MESSAGE];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tr_dns_stream);
} dns_streams SEC(".maps");

/*
 * Takes the whole messages of the first `size` bytes of a scratch; returns how many bytes they are; less than 0: it is
 * no stream of messages, or of too long ones.
 */
__noinline int tr_take_messages(u32 place, u32 slot, u32 size)
{
	struct tr_scratch *scratch = tr_scratch_at(place);

	if (!scratch)
		return -1;
	scratch->taken = 0;
	for (u32 i = 0; i < TR_MAX_PIPELINED; i++) {
		u32 taken = scratch->taken, length;

		if (taken + 2 > size)
			return taken;
		scratch->base = taken;
		length = tr_message_u16(scratch, 0);
		if (length > TR_MAX_MESSAGE - 2)
			return -1;
		if (taken + 2 + length > size)
			return taken;
		scratch->base = taken + 2;
		scratch->size = length;
		tr_take_answer(place, slot);
		scratch->taken = taken + 2 + length;
	}
	return -1;
}

/* Whether the segment is the next one; then nobody else reads this stream until it is given back. */
static __noinline int tr_take_stream(struct tr_dns_stream *stream, u32 sequence, u32 expected, u32 size)
{
	int is_next = 0;

	bpf_spin_lock(&stream->lock);
	if (!stream->is_started) {
		stream->is_started = 1;
		stream->next = expected;
	}
	if (!stream->is_broken && stream->next == sequence) {
		/* Two at once cannot both be next. */
		stream->is_broken = stream->is_busy;
		is_next = !stream->is_busy;
		stream->is_busy = 1;
		stream->next = sequence + size;
	}
	bpf_spin_unlock(&stream->lock);
	return is_next;
}

static __always_inline int tr_read_stream(struct tr_dns_stream *stream, struct tr_scratch *scratch,
					  struct __sk_buff *skb, u32 place, u32 slot, u32 payload, u32 size)
{
	u32 have = stream->have, total, left;
	int taken;

	if (have > TR_MAX_MESSAGE || size > TR_MAX_MESSAGE)
		return -1;
	bpf_probe_read_kernel(scratch->message, have, stream->bytes);
	if (bpf_skb_load_bytes(skb, payload, scratch->message + have, tr_within(size, TR_MAX_MESSAGE)))
		return -1;
	total = have + size;
	taken = tr_take_messages(place, slot, total);
	if (taken < 0 || taken > TR_MESSAGE_BUFFER)
		return -1;
	left = total - taken;
	if (left > TR_MAX_MESSAGE)
		return -1;
	bpf_probe_read_kernel(stream->bytes, left, scratch->message + taken);
	stream->have = left;
	return 0;
}

/* A segment of a connection to port 53, where the TCP header begins at `transport`. */
static __noinline int tr_on_dns_segment(struct __sk_buff *skb, struct bpf_sock *sk, struct tr_address *source,
					u32 transport)
{
	struct tr_dns_stream *stream;
	struct tr_scratch *scratch;
	struct bpf_tcp_sock *tcp;
	u32 sequence, payload, size, slot;
	u8 offset;
	int place;

	if (bpf_skb_load_bytes(skb, transport + 4, &sequence, sizeof(sequence)) ||
	    bpf_skb_load_bytes(skb, transport + 12, &offset, sizeof(offset)))
		return 1;
	payload = transport + (offset >> 4) * 4;
	if (skb->len <= payload || !tr_can_answer(skb, source, &slot))
		return 1;
	size = skb->len - payload;
	tcp = bpf_tcp_sock(sk);
	stream = bpf_sk_storage_get(&dns_streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!tcp || !stream || !tr_take_stream(stream, bpf_ntohl(sequence), tcp->rcv_nxt, size))
		return 1;
	place = tr_take_scratch();
	if (place < 0) {
		stream->is_broken = 1;
	} else {
		scratch = tr_scratch_at(place);
		if (scratch) {
			tr_begin_answer(scratch, skb, source);
			if (tr_read_stream(stream, scratch, skb, place, slot, payload, size))
				stream->is_broken = 1;
		}
		tr_give_scratch(place);
	}
	*(volatile u32 *)&stream->is_busy = 0;
	return 1;
}

#endif
