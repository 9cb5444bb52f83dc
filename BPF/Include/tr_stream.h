/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Connections that were let through are judged again by each policy that comes into force after that, at their next
 * packet. What is refused then is cut: no packet leaves any more but a reset, and the agent is told to end the socket.
 */
#ifndef TR_STREAM_H
#define TR_STREAM_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_address.h"
#include "tr_judge.h"
#include "tr_packet.h"

/* What a TCP socket was let through to: where connect() led, never what a packet says. */
struct tr_stream {
	struct tr_address peer; /* canonical; not used of who connected in */
	u16 port;		/* number of the machine */
	u8 gate;		/* TR_GATE_CONNECT or TR_GATE_INBOUND */
	u8 is_refused;
	u32 generation; /* of the policy that said so; 0: none has been asked yet */
	u32 name;	/* 1 + the place of the binding that it rests on; 0: on none */
	u64 next_use;	/* when that binding is to be told that it is in use; nanoseconds since boot */
};

/* An accepted socket begins with a copy of its listener's. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct tr_stream);
} streams SEC(".maps");

/* Sockets that the agent is to end. What finds no room is told at the next packet. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, TR_CUTS_SIZE);
} cuts SEC(".maps");

static __always_inline void tr_read_peer(struct bpf_sock *sk, struct tr_address *peer)
{
	if (sk->family == AF_INET) {
		tr_set_ipv4(peer, sk->dst_ip4);
		return;
	}
	peer->word[0] = sk->dst_ip6[0];
	peer->word[1] = sk->dst_ip6[1];
	peer->word[2] = sk->dst_ip6[2];
	peer->word[3] = sk->dst_ip6[3];
}

/* That of the policy in force. Without one, a number that none has. */
static __always_inline u32 tr_generation(void)
{
	u32 zero = 0, slot, *chosen = bpf_map_lookup_elem(&selected, &zero);
	struct tr_policy *policy;

	if (!chosen)
		return -1;
	slot = *(volatile u32 *)chosen;
	policy = bpf_map_lookup_elem(&policies, &slot);
	return policy && policy->generation ? policy->generation : -1;
}

enum { TR_USE_SECONDS = 60 }; /* how often at most */

/* A name that a connection uses does not run out, as long as the connection sends something before it does. */
static __always_inline void tr_use_name(struct tr_stream *stream)
{
	struct tr_binding_key key = { .place = stream->name - 1 };
	u32 zero = 0, slot, *chosen;
	struct tr_binding *binding;
	struct tr_policy *policy;
	u64 now, period;

	now = bpf_ktime_get_boot_ns();
	if (now < stream->next_use)
		return;
	chosen = bpf_map_lookup_elem(&selected, &zero);
	if (!chosen)
		return;
	slot = *(volatile u32 *)chosen;
	policy = bpf_map_lookup_elem(&policies, &slot);
	if (!policy)
		return;
	period = policy->grace / 2;
	stream->next_use = now + (period > TR_USE_SECONDS * TR_SECOND ? TR_USE_SECONDS * TR_SECOND : period);
	__builtin_memcpy(key.address, &stream->peer, sizeof(key.address));
	binding = bpf_map_lookup_elem(&bindings, &key);
	/* In a place that has run out there may be another name soon. */
	if (binding && binding->until >= now && binding->until < now + policy->grace)
		binding->until = now + policy->grace;
}

/* Keeps what a connect() was let through to; 0: there is no room, and it must be refused. */
static __always_inline int tr_keep_stream(struct bpf_sock *sk, const struct tr_case *asked)
{
	struct tr_stream *stream;

	if (!sk)
		return 0;
	stream = bpf_sk_storage_get(&streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!stream)
		return 0;
	__builtin_memcpy(&stream->peer, asked->key.address, sizeof(stream->peer));
	stream->port = asked->key.port;
	stream->gate = TR_GATE_CONNECT;
	stream->is_refused = 0;
	stream->generation = asked->key.generation;
	stream->name = asked->name;
	stream->next_use = 0;
	return 1;
}

/* Whoever connects to this listener is to be judged as such; 0: there is no room. */
static __always_inline int tr_mark_listener(struct bpf_sock *sk)
{
	struct tr_stream *stream = bpf_sk_storage_get(&streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	if (!stream)
		return 0;
	stream->gate = TR_GATE_INBOUND;
	stream->is_refused = 0;
	stream->generation = 0;
	return 1;
}

/* Asks the policy in force of a connection that another one let through. Only what is refused is counted. */
static __always_inline int tr_judge_stream(struct bpf_sock *sk, struct tr_stream *stream)
{
	struct tr_case asked = { .key = { .gate = TR_GATE_CONNECT, .protocol = IPPROTO_TCP } };
	struct tr_address *peer = (struct tr_address *)asked.key.address;

	if (!stream || !stream->gate || stream->gate == TR_GATE_INBOUND) {
		tr_read_peer(sk, peer);
		tr_make_canonical(peer);
		asked.key.port = bpf_ntohs(sk->dst_port);
	} else {
		*peer = stream->peer;
		asked.key.port = stream->port;
	}
	if (stream && stream->gate == TR_GATE_INBOUND) {
		asked.key.gate = TR_GATE_INBOUND;
		asked.key.port = sk->src_port;
		asked.excluded = TR_HAS_PORTS;
	}
	tr_judge(&asked);
	if (!tr_lets_through(&asked)) {
		/* No signal: whoever runs now need not be whose connection it is. */
		tr_count_total(asked.key.action);
		tr_count_outcome(&asked.key);
	}
	if (stream) {
		stream->is_refused = !tr_lets_through(&asked);
		stream->name = asked.name;
		stream->generation = asked.key.generation;
	}
	return tr_lets_through(&asked);
}

static __noinline int tr_tell_cut(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct tr_cut *cut = bpf_ringbuf_reserve(&cuts, sizeof(*cut), 0);

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
	if (stream && stream->generation == tr_generation()) {
		if (!stream->is_refused) {
			if (stream->name)
				tr_use_name(stream);
			return 1;
		}
	} else if (tr_judge_stream(sk, stream)) {
		return 1;
	}
	if (tr_is_bare_reset(skb, transport))
		return 1;
	tr_tell_cut(skb, sk);
	return 0;
}

#endif
