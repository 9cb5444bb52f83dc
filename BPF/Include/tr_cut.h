/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* TCP packets that leave. Of a connection that is refused none does any more but a reset, and the agent is told to end
 * the socket. */
#ifndef TR_CUT_H
#define TR_CUT_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_name_gate.h"
#include "tr_packet.h"
#include "tr_stream.h"

/* Sockets that the agent is to end. What finds no room is told at the next packet. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, TR_CUTS_SIZE);
} cuts SEC(".maps");

static __noinline int tr_tell_cut(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk ? bpf_sk_fullsock(skb->sk) : NULL;
	struct tr_cut *cut;

	if (!sk)
		return 0;
	cut = bpf_ringbuf_reserve(&cuts, sizeof(*cut), 0);
	if (!cut)
		return 0;
	__builtin_memset(cut, 0, sizeof(*cut));
	cut->cookie = bpf_get_socket_cookie(skb);
	cut->family = sk->family;
	cut->interface = sk->bound_dev_if;
	cut->local_port = bpf_htons(sk->src_port);
	cut->peer_port = sk->dst_port;
	if (sk->family == AF_INET) {
		cut->local[0] = sk->src_ip4;
		cut->peer[0] = sk->dst_ip4;
	} else {
		cut->local[0] = sk->src_ip6[0];
		cut->local[1] = sk->src_ip6[1];
		cut->local[2] = sk->src_ip6[2];
		cut->local[3] = sk->src_ip6[3];
		cut->peer[0] = sk->dst_ip6[0];
		cut->peer[1] = sk->dst_ip6[1];
		cut->peer[2] = sk->dst_ip6[2];
		cut->peer[3] = sk->dst_ip6[3];
	}
	bpf_ringbuf_submit(cut, 0);
	return 0;
}

/* The peer is told that the connection has ended, and nothing else. */
static __always_inline int tr_is_bare_reset(struct __sk_buff *skb, u32 transport)
{
	u8 bytes[2];

	if (bpf_skb_load_bytes(skb, transport + 12, bytes, sizeof(bytes)))
		return 0;
	return bytes[1] & TCP_FLAG_RST && skb->len == transport + (bytes[0] >> 4) * 4;
}

/* A TCP packet of a socket that leaves; 0: it must not. The one function between the program and tr_judge: the verifier
 * admits eight frames. */
static __noinline int tr_on_stream(struct __sk_buff *skb, struct bpf_sock *sk, u32 transport)
{
	struct tr_stream *stream;

	/* Answers to who connects in were judged at the SYN. */
	if (sk->state == TCP_LISTEN)
		return 1;
	stream = bpf_sk_storage_get(&streams, sk, NULL, 0);
	if (!stream) {
		if (tr_judge_stream(sk, NULL))
			return 1;
	} else if (stream->generation == tr_generation() ? !stream->is_refused : tr_judge_stream(sk, stream)) {
		int result = TR_NAME_PASSES;

		if (stream->inspects)
			result = tr_on_hello(skb, transport);
		if (result & TR_NAME_TELLS)
			tr_settle_name(skb, stream, result >> TR_PLACE_SHIFT);
		result &= TR_NAME_TELLS - 1;
		if (result == TR_NAME_PASSES && stream->name)
			tr_use_name(stream);
		if (result != TR_NAME_REFUSED)
			return result == TR_NAME_PASSES;
	}
	if (tr_is_bare_reset(skb, transport))
		return 1;
	tr_tell_cut(skb);
	return 0;
}

#endif
