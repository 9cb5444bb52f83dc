/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The ClientHello as it leaves, whatever the TLS library: only it is copied, never what follows it.
 * Blind spot: TLS that does not begin with the connection (STARTTLS, a proxy's CONNECT).
 */
#ifndef TR_HELLO_H
#define TR_HELLO_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_output.h"
#include "tr_packet.h"
#include "tr_task.h"

enum {
	TLS_HANDSHAKE = 22, /* RFC 8446 section 5.1 */
	TLS_MAJOR = 3,
	TLS_CLIENT_HELLO = 1,
	HELLO_HEAD = 9, /* record header and handshake header */
	HELLO_CHUNKS = 9,
	HELLO_SMALL = 512,
};

/* How much of a connection's ClientHello has been seen. */
struct hello_state {
	u32 next;  /* offset of the first byte not seen yet */
	u32 total; /* where the ClientHello ends; 0 while unknown */
	u32 is_done;
	u8 head[12];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hello_state);
} hellos SEC(".maps");

/* Reads what is there of the first nine bytes; learns where the ClientHello ends, or that this is none. */
static __always_inline void tr_read_head(struct hello_state *state, struct __sk_buff *skb, u32 offset, u32 size)
{
	u32 record_size, hello_size;

	for (u32 i = 0; i < HELLO_HEAD; i++) {
		if (i < state->next)
			continue;
		if (i - state->next >= size || bpf_skb_load_bytes(skb, offset + i - state->next, &state->head[i], 1))
			break;
		if ((i == 0 && state->head[0] != TLS_HANDSHAKE) || (i == 1 && state->head[1] != TLS_MAJOR) ||
		    (i == 5 && state->head[5] != TLS_CLIENT_HELLO)) {
			state->is_done = 1;
			return;
		}
		if (i < HELLO_HEAD - 1)
			continue;
		record_size = (u32)state->head[3] << 8 | state->head[4];
		hello_size = 4 + ((u32)state->head[6] << 16 | (u32)state->head[7] << 8 | state->head[8]);
		if (!record_size || hello_size > TR_MAX_HELLO) {
			state->is_done = 1;
			return;
		}
		/* A hello in several records has a header of five bytes in front of each. */
		state->total = hello_size + 5 * ((hello_size + record_size - 1) / record_size);
		if (state->total > TR_MAX_HELLO)
			state->total = TR_MAX_HELLO;
	}
}

/* Filled in the ring: a scratch buffer of the CPU could be overwritten by a softirq that interrupts this program.
 * `capacity` is a constant. */
static __always_inline int tr_send_hello_of(struct __sk_buff *skb, u32 at, u32 offset, u32 size, const u32 capacity)
{
	struct tr_hello_record *record = tr_reserve(TR_RECORD_HELLO, sizeof(*record) + capacity);
	u32 transport = 0;

	if (!record)
		return 0;
	tr_transport(skb, &transport);
	if (tr_fill_packet_ends(&record->endpoints, skb, transport, 1)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return 0;
	}
	record->header.flags = TR_FLAG_NO_TASK;
	__builtin_memset(&record->task, 0, sizeof(record->task));
	record->cookie = bpf_get_socket_cookie(skb);
	record->offset = offset;
	record->payload_size = size;
	record->socket = (u64)tr_packet_socket(skb);
	if (bpf_skb_load_bytes(skb, at, record + 1, tr_within(size, capacity)))
		record->payload_size = 0;
	tr_submit(record);
	return 0;
}

/* Not inlined, and global: the verifier looks at it once, however often it is called. */
__noinline int tr_send_hello(struct __sk_buff *skb, u32 at, u32 offset, u32 size)
{
	if (!size)
		return 0;
	if (size <= HELLO_SMALL)
		return tr_send_hello_of(skb, at, offset, size, HELLO_SMALL);
	return tr_send_hello_of(skb, at, offset, size, TR_MAX_HELLO_CHUNK);
}

/* Looks for a ClientHello in a segment whose payload begins at `at`. */
__noinline int tr_find_hello(struct __sk_buff *skb, u32 transport, u32 at)
{
	u32 offset, size, end, sequence;
	struct hello_state *state;
	struct bpf_tcp_sock *tcp;
	struct bpf_sock *sk;

	sk = skb->sk;
	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	tcp = bpf_tcp_sock(sk);
	if (!tcp || tcp->bytes_acked > TR_MAX_HELLO)
		return 0;
	if (bpf_skb_load_bytes(skb, transport + 4, &sequence, sizeof(sequence)))
		return 0;
	/* An acknowledged SYN counts as a byte, so this is the distance from the initial sequence number. */
	offset = bpf_ntohl(sequence) - (tcp->snd_una - (u32)tcp->bytes_acked) - 1;
	if (bpf_ntohs(tr_packet_u16(skb, transport + 12)) & TCP_FLAG_SYN)
		offset++; /* Fast Open: the payload begins behind the SYN */
	size = skb->len - at;
	state = bpf_sk_storage_get(&hellos, sk, NULL, offset == 0 ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!state || state->is_done || offset > state->next || offset + size <= state->next)
		return 0;
	at += state->next - offset;
	size -= state->next - offset;
	if (!state->total)
		tr_read_head(state, skb, at, size);
	if (state->is_done)
		return 0;
	end = state->total ? state->total : HELLO_HEAD;
	if (size > end - state->next)
		size = end - state->next;
	for (int i = 0; i < HELLO_CHUNKS && size; i++) {
		u32 chunk = size < TR_MAX_HELLO_CHUNK ? size : TR_MAX_HELLO_CHUNK;

		tr_send_hello(skb, at, state->next, chunk);
		state->next += chunk;
		at += chunk;
		size -= chunk;
	}
	if (state->total && state->next >= state->total)
		state->is_done = 1;
	return 0;
}

#endif
