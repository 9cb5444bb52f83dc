/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * UDP flows: the first datagram of a socket to a destination, and bytes both ways. The datagram itself tells QUIC, and
 * the first Initial packets go to the agent, which can decrypt them.
 * Blind spot: the destination is what NAT made of it.
 */
#ifndef TR_UDP_H
#define TR_UDP_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "tr_output.h"
#include "tr_packet.h"
#include "tr_sock.h"
#include "tr_task.h"

enum {
	FLOWS_MAX = 32768,
	QUIC_INITIAL_MIN = 1200, /* RFC 9000 section 14.1 */
	QUIC_LONG_HEADER = 0xc0, /* header form and fixed bit, RFC 9000 section 17.2 */
	QUIC_TYPE = 0x30,
	QUIC_VERSION_1 = 0x00000001,
	QUIC_VERSION_2 = 0x6b3343cf, /* RFC 9369 */
	QUIC_INITIALS = 8,	     /* of a flow that are told: more than the largest ClientHello takes */
	QUIC_CAPACITY = 2048,
};

/* Least recently used: what is dropped is reported again when it sends again, and the agent then knows that its bytes
 * are incomplete. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS_MAX);
	__type(key, struct tr_udp_key);
	__type(value, struct tr_udp_flow);
} udp_flows SEC(".maps");

/* An atomic addition without its result: clang 21 writes the form with one, which kernels have since 5.12
 * (5ca419f2864a). */
static __always_inline void tr_add(u64 *counter, u64 amount)
{
	asm volatile("lock *(u64 *)(%0 + 0) += %1" : : "r"(counter), "r"(amount) : "memory");
}

static __always_inline void tr_udp_key_of(struct tr_udp_key *key, u64 cookie, const struct tr_endpoints *ends)
{
	key->cookie = cookie;
	__builtin_memcpy(key->remote, ends->remote, sizeof(key->remote));
	key->remote_port = ends->remote_port;
	key->family = ends->family;
	key->reserved = 0;
}

/* Counts a datagram that leaves; returns its flow, or NULL. */
static __always_inline struct tr_udp_flow *tr_count_sent(const struct tr_udp_key *key, u32 size)
{
	struct tr_udp_flow *flow = bpf_map_lookup_elem(&udp_flows, key);
	struct tr_udp_flow fresh = {};

	if (!flow) {
		bpf_map_update_elem(&udp_flows, key, &fresh, BPF_NOEXIST);
		flow = bpf_map_lookup_elem(&udp_flows, key);
		if (!flow) {
			tr_count_drop(TR_RECORD_UDP_FLOW);
			return NULL;
		}
	}
	tr_add(&flow->sent, size);
	return flow;
}

static __always_inline void tr_report_flow(struct tr_udp_flow *flow, u64 cookie, const struct tr_endpoints *ends,
					   u32 netns, u16 flags)
{
	struct tr_udp_flow_record *record = tr_reserve(TR_RECORD_UDP_FLOW, sizeof(*record));

	if (!record)
		return; /* not marked: the next datagram tries again */
	flow->reported = 1;
	if (flow->inbound)
		flags |= TR_FLAG_INBOUND;
	record->header.flags = tr_fill_task(&record->task) | flags;
	record->task.netns = netns;
	record->cookie = cookie;
	record->endpoints = *ends;
	tr_submit(record);
}

static __always_inline u16 tr_quic_flag(struct __sk_buff *skb, u32 payload)
{
	u8 head[5];
	u32 version;

	if (skb->len < payload + QUIC_INITIAL_MIN || bpf_skb_load_bytes(skb, payload, head, sizeof(head)))
		return 0;
	version = (u32)head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4];
	if ((head[0] & QUIC_LONG_HEADER) != QUIC_LONG_HEADER)
		return 0;
	/* The type Initial is 0 in version 1 (section 17.2.2) and 1 in version 2 (RFC 9369 section 3.2). */
	if ((version == QUIC_VERSION_1 && (head[0] & QUIC_TYPE) == 0x00) ||
	    (version == QUIC_VERSION_2 && (head[0] & QUIC_TYPE) == 0x10))
		return TR_FLAG_QUIC;
	return 0;
}

/* Hands the agent a packet. */
static __noinline int tr_send_quic(struct __sk_buff *skb, u32 offset)
{
	struct tr_quic_record *record = tr_reserve(TR_RECORD_QUIC, sizeof(*record) + QUIC_CAPACITY);
	u32 payload = offset + UDP_HEADER, size = skb->len - payload;

	if (!record)
		return 0;
	if (tr_fill_packet_ends(&record->endpoints, skb, offset, 1)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return 0;
	}
	record->endpoints.protocol = IPPROTO_UDP;
	record->header.flags = TR_FLAG_NO_TASK;
	__builtin_memset(&record->task, 0, sizeof(record->task));
	record->cookie = bpf_get_socket_cookie(skb);
	record->reserved = 0;
	if (size > QUIC_CAPACITY)
		size = QUIC_CAPACITY;
	record->payload_size = size;
	if (bpf_skb_load_bytes(skb, payload, record + 1, tr_within(size, QUIC_CAPACITY)))
		record->payload_size = 0;
	tr_submit(record);
	return 0;
}

static __always_inline void tr_count_egress(struct __sk_buff *skb, u32 offset)
{
	struct tr_endpoints ends;
	struct tr_udp_flow *flow;
	struct tr_udp_key key;
	u16 flags;

	if (tr_fill_packet_ends(&ends, skb, offset, 1))
		return;
	ends.protocol = IPPROTO_UDP;
	tr_udp_key_of(&key, bpf_get_socket_cookie(skb), &ends);
	if (!key.cookie)
		return;
	flow = tr_count_sent(&key, skb->len - offset - UDP_HEADER);
	if (!flow)
		return;
	if (!flow->reported) {
		flags = tr_quic_flag(skb, offset + UDP_HEADER);
		flow->quic = flags ? 1 : 0;
		tr_report_flow(flow, key.cookie, &ends, tr_netns(tr_packet_socket(skb), 0), flags);
	}
	if (!flow->quic || flow->quic > QUIC_INITIALS || !tr_quic_flag(skb, offset + UDP_HEADER))
		return;
	flow->quic += 1;
	tr_send_quic(skb, offset);
}

static __always_inline void tr_count_ingress(struct __sk_buff *skb, u32 offset)
{
	struct tr_udp_flow fresh = {}; /* an initializer's constant would be a section that 5.10 refuses */
	struct tr_endpoints ends;
	struct tr_udp_flow *flow;
	struct tr_udp_key key;

	if (tr_fill_packet_ends(&ends, skb, offset, 0))
		return;
	tr_udp_key_of(&key, bpf_get_socket_cookie(skb), &ends);
	if (!key.cookie)
		return;
	flow = bpf_map_lookup_elem(&udp_flows, &key);
	if (flow) {
		tr_add(&flow->received, skb->len - offset - UDP_HEADER);
	} else {
		fresh.inbound = 1;
		fresh.received = skb->len - offset - UDP_HEADER;
		bpf_map_update_elem(&udp_flows, &key, &fresh, BPF_NOEXIST);
	}
}

#endif
