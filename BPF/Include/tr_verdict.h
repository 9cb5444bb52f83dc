/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Tells the agent what the gates decide, where it asked for that: each refusal and alert, and what is let through once
 * a connection or flow. The records are for telling only: a gate decides the same whether one found room or not.
 */
#ifndef TR_VERDICT_H
#define TR_VERDICT_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_address.h"
#include "tr_output.h"
#include "tr_packet.h"
#include "tr_policy.h"
#include "tr_task.h"

volatile const struct tr_gate_config config __attribute__((section(".rodata.config"), used));

/* What a record says of a case beside what decided it. */
struct tr_whence {
	u64 cookie; /* of the socket; inbound: of the listener */
	u32 netns;  /* of the socket; 0: not known */
	u32 reserved;
};

/* Of who connects in: the address that was asked for, and the peer's port. */
struct tr_syn {
	u8 own[16];
	u16 peer_port;
	u16 reserved;
};

/* What has been told of datagrams: a socket's destination by a policy's generation. */
struct tr_told {
	u64 cookie;
	u8 address[16];
	u32 generation;
	u16 port;
	u16 action;
};

/* Least recently used: what is dropped is told again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TR_MAX_TOLD);
	__type(key, struct tr_told);
	__type(value, u8);
} told SEC(".maps");

/* Whose a case is; `ctx` is of a kind that the helper knows, and `sk` its socket or NULL. */
static __always_inline void tr_find_whence(struct tr_whence *whence, void *ctx, struct bpf_sock *sk)
{
	struct bpf_sock *volatile socket = sk;
	struct sock *address = NULL;

	whence->cookie = bpf_get_socket_cookie(ctx);
	/* As in tr_packet_socket: read back from the stack it is a number, and the socket's real fields can be read. */
	bpf_probe_read_kernel(&address, sizeof(address), (void *)&socket);
	if (address)
		whence->netns = BPF_CORE_READ(address, __sk_common.skc_net.net, ns.inum);
}

/* Both ends of who connects in, by the packet. */
static __always_inline void tr_read_syn(struct tr_syn *syn, struct __sk_buff *skb, u32 transport)
{
	struct tr_address *own = (struct tr_address *)syn->own;

	if (!config.tells)
		return;
	syn->peer_port = bpf_ntohs(tr_packet_u16(skb, transport));
	if (skb->protocol != bpf_htons(ETH_P_IP)) {
		bpf_skb_load_bytes(skb, 24, own, sizeof(*own));
		return;
	}
	bpf_skb_load_bytes(skb, 16, &own->word[3], 4);
	tr_set_ipv4(own, own->word[3]);
}

static __always_inline int tr_is_told(const struct tr_outcome_key *key, u64 cookie)
{
	struct tr_told fact = {};
	u8 one = 1;

	if (key->gate != TR_GATE_DATAGRAM || key->action > TR_ACTION_ALERT)
		return 0;
	fact.cookie = cookie;
	__builtin_memcpy(fact.address, key->address, sizeof(fact.address));
	fact.generation = key->generation;
	fact.port = key->port;
	fact.action = key->action;
	if (bpf_map_lookup_elem(&told, &fact))
		return 1;
	bpf_map_update_elem(&told, &fact, &one, BPF_ANY);
	return 0;
}

static __always_inline void tr_fill_verdict(struct tr_verdict_record *record, const struct tr_outcome_key *key,
					    const struct tr_whence *whence, const struct tr_syn *syn)
{
	/* A packet comes or leaves whenever the kernel gets to it, whoever runs. */
	if (key->gate == TR_GATE_INBOUND || key->gate == TR_GATE_PACKET || key->gate == TR_GATE_NAME ||
	    (key->gate == TR_GATE_QUERY && key->protocol == IPPROTO_TCP)) {
		__builtin_memset(&record->task, 0, sizeof(record->task));
		record->header.flags = TR_FLAG_NO_TASK;
	} else {
		record->header.flags = tr_fill_task(&record->task);
	}
	record->task.netns = whence->netns;
	record->cookie = whence->cookie;
	__builtin_memcpy(record->address, key->address, sizeof(record->address));
	if (syn) {
		__builtin_memcpy(record->own, syn->own, sizeof(record->own));
		record->peer_port = syn->peer_port;
	} else {
		__builtin_memset(record->own, 0, sizeof(record->own));
		record->peer_port = 0;
	}
	record->port = key->port;
	record->protocol = key->protocol;
	record->gate = key->gate;
	record->action = key->action;
	record->rule = key->rule;
	record->generation = key->generation;
	record->name_size = 0;
	record->reserved = 0;
}

/*
 * Tells of a case; `name`: the name that it rested on, as in tr_name_key, or NULL. Not inlined: it has a stack of its
 * own.
 */
static __noinline int tr_tell(const struct tr_outcome_key *key, const struct tr_whence *whence,
			      const struct tr_syn *syn, const struct tr_name_key *name)
{
	u32 size = name ? name->length / 8 - 1 : 0; /* without its end */
	struct tr_named_verdict_record *named;
	struct tr_verdict_record *record;

	if (tr_is_told(key, whence->cookie))
		return 0;
	if (!size || size > TR_MAX_VERDICT_NAME) {
		record = tr_reserve(TR_RECORD_VERDICT, sizeof(*record));
		if (!record)
			return 0;
		tr_fill_verdict(record, key, whence, syn);
		tr_submit(record);
		return 0;
	}
	named = tr_reserve(TR_RECORD_VERDICT, sizeof(*named));
	if (!named)
		return 0;
	tr_fill_verdict(&named->verdict, key, whence, syn);
	if (!bpf_probe_read_kernel(named->name, sizeof(named->name), name->text))
		named->verdict.name_size = size;
	tr_submit(named);
	return 0;
}

#endif
