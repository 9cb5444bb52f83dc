/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * UDP: datagrams with a destination of their own are judged at the call, those of connected sockets as they leave; what
 * is known of each socket meanwhile.
 */
#ifndef TR_DATAGRAM_H
#define TR_DATAGRAM_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_address.h"
#include "tr_judge.h"
#include "tr_packet.h"
#include "tr_query.h"
#include "tr_stream.h"

/* A UDP socket that was connected, or has asked a server of DNS without that. */
struct tr_datagrams {
	u8 is_connected;
	u8 is_waiting; /* no datagram has left since */
	/* It was once connected to where it may not send. From then on another thread may have turned it elsewhere
	 * while a datagram was on its way, so each datagram must go where the socket is connected to. */
	u8 is_tainted;
	/* A datagram was let through to `server`, port 53. An address translation may have turned it to another port,
	 * so all that the socket sends from then on is read as DNS. */
	u8 is_asking;
	/* Of the policy that let the first datagram through; under another one, the next datagram is a first one. */
	u32 generation;
	struct tr_address server; /* canonical */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tr_datagrams);
} datagrams SEC(".maps");

static __always_inline struct tr_address *tr_address_of(struct tr_case *asked)
{
	return (struct tr_address *)asked->key.address;
}

/*
 * A connect() of UDP is let be: libraries connect such sockets only to sort addresses. What it sends is judged at its
 * first datagram.
 */
static __always_inline int tr_on_udp_connect(struct bpf_sock_addr *ctx, struct tr_case *asked)
{
	struct tr_datagrams *state;
	struct bpf_sock *sk = ctx->sk;

	if (!sk)
		return 0;
	state = bpf_sk_storage_get(&datagrams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return 0;
	tr_judge(asked);
	if (!tr_lets_through(asked))
		state->is_tainted = 1;
	state->is_waiting = 1;
	state->is_connected = 1;
	return 1;
}

/* Keeps whom a socket asks; 0: there is no room, and it must be refused. */
static __always_inline int tr_keep_server(struct bpf_sock *sk, struct tr_case *asked)
{
	struct tr_datagrams *state;

	if (!sk)
		return 0;
	state = bpf_sk_storage_get(&datagrams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return 0;
	state->server = *tr_address_of(asked);
	state->is_asking = 1;
	return 1;
}

static __always_inline int tr_on_datagram(struct bpf_sock_addr *ctx, struct tr_case *asked)
{
	struct tr_datagrams *state = NULL;
	struct bpf_sock *sk = ctx->sk;

	if (ctx->protocol != IPPROTO_UDP)
		return tr_refuse(TR_GATE_SOCKET, ctx->protocol, ctx->type);
	asked->key.gate = TR_GATE_DATAGRAM;
	asked->key.protocol = IPPROTO_UDP;
	asked->key.port = bpf_ntohs(ctx->user_port);
	tr_judge(asked);
	if (sk)
		state = bpf_sk_storage_get(&datagrams, sk, NULL, 0);
	/* It could not be told later from a datagram that was on its way to where the socket was connected. */
	if (state && state->is_tainted && tr_lets_through(asked)) {
		asked->key.action = TR_ACTION_BLOCK;
		asked->key.rule = TR_RULE_MOVED;
	}
	if (asked->key.port == DNS_PORT && tr_lets_through(asked) && !tr_keep_server(sk, asked))
		asked->key.action = TR_ACTION_ERROR;
	return tr_settle_at(asked, ctx, sk, NULL);
}

/*
 * With ancillary data the hooks run for connected sockets too, without a destination: egress judges what they send. No
 * call that has a destination comes with neither family nor port.
 */
static __always_inline int tr_is_of_connected(struct bpf_sock_addr *ctx)
{
	return !ctx->user_family && !ctx->user_port;
}

static __always_inline int tr_on_connected_call(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct tr_datagrams *state;

	if (ctx->protocol == IPPROTO_UDP && sk) {
		state = bpf_sk_storage_get(&datagrams, sk, NULL, 0);
		if (state && state->is_connected)
			return 1;
	}
	return tr_refuse(TR_GATE_SOCKET, ctx->protocol, ctx->type);
}

/* A datagram of a socket that was connected: sendmsg4 and sendmsg6 run only for those with a destination of their own.
 */
static __always_inline int tr_on_connected(struct __sk_buff *skb, struct bpf_sock *sk, struct tr_datagrams *state,
					   const struct tr_address *to, u32 transport)
{
	struct tr_case asked = { .key = { .gate = TR_GATE_DATAGRAM, .protocol = IPPROTO_UDP } };
	struct tr_address *peer = tr_address_of(&asked), raw;
	u16 port = tr_packet_u16(skb, transport + 2);

	tr_read_peer(sk, &raw);
	*peer = raw;
	tr_make_canonical(peer);
	asked.key.port = bpf_ntohs(sk->dst_port);
	tr_judge(&asked);
	if (tr_lets_through(&asked)) {
		if (!state->is_tainted) {
			state->is_waiting = 0;
			state->generation = asked.key.generation;
			return tr_settle_at(&asked, skb, sk, NULL);
		}
		if (tr_is_same(&raw, to) && port == (u16)sk->dst_port)
			return tr_settle_at(&asked, skb, sk, NULL);
		*peer = *to;
		tr_make_canonical(peer);
		asked.key.port = bpf_ntohs(port);
		asked.key.action = TR_ACTION_BLOCK;
		asked.key.rule = TR_RULE_MOVED;
	}
	return tr_settle_at(&asked, skb, sk, NULL);
}

/* Whether a datagram of it is judged: the first one after connect(), or after a reload. */
static __always_inline int tr_is_first(const struct tr_datagrams *state)
{
	return state->is_connected && (state->is_waiting | state->is_tainted || state->generation != tr_generation());
}

#endif
