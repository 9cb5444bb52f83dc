/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * DNS: what a socket sends to port 53 and what comes back to it from there, over UDP and TCP, for the agent to parse.
 * Blind spots: resolvers on other ports, DNS over TLS or HTTPS, and names that a daemon resolves for the process over a
 * unix socket.
 */
#ifndef TR_DNS_H
#define TR_DNS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_output.h"
#include "tr_packet.h"
#include "tr_task.h"

enum {
	DNS_PORT = 53,
	DNS_SMALL = 512, /* RFC 1035 section 4.2.1 */
	DNS_CHUNKS = 16, /* of TR_MAX_DNS: a whole GSO packet */
};

/*
 * Fills a record in the ring: a scratch buffer of the CPU could be overwritten by a softirq that interrupts this
 * program. `capacity` is a constant.
 */
static __always_inline int tr_send_dns_of(struct __sk_buff *skb, u32 offset, u32 size, u32 sequence, u32 flags,
					  const u32 capacity)
{
	struct tr_dns_record *record = tr_reserve(TR_RECORD_DNS, sizeof(*record) + capacity);
	u32 transport = 0;
	int protocol;

	if (!record)
		return 0;
	protocol = tr_transport(skb, &transport);
	if (tr_fill_packet_ends(&record->endpoints, skb, transport, flags & TR_FLAG_EGRESS)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return 0;
	}
	record->endpoints.protocol = protocol;
	if (flags & TR_FLAG_NO_TASK)
		__builtin_memset(&record->task, 0, sizeof(record->task));
	else
		flags |= tr_fill_task(&record->task);
	record->header.flags = flags;
	record->cookie = bpf_get_socket_cookie(skb);
	record->sequence = sequence;
	record->payload_size = size;
	if (size && bpf_skb_load_bytes(skb, offset, record + 1, tr_within(size, capacity)))
		record->payload_size = 0;
	tr_submit(record);
	return 0;
}

/* Not inlined, and global: the verifier looks at it once, however often it is called. */
__noinline int tr_send_dns(struct __sk_buff *skb, u32 offset, u32 size, u32 sequence, u32 flags)
{
	if (size <= DNS_SMALL)
		return tr_send_dns_of(skb, offset, size, sequence, flags, DNS_SMALL);
	return tr_send_dns_of(skb, offset, size, sequence, flags, TR_MAX_DNS);
}

/* A datagram that leaves is sent by the process that runs now; all else may happen in softirq. */
static __always_inline int tr_dns_datagram(struct __sk_buff *skb, u32 offset, u32 flags)
{
	u32 size;

	offset += UDP_HEADER;
	if (offset >= skb->len)
		return 1;
	size = skb->len - offset;
	if (size > TR_MAX_DNS) {
		size = TR_MAX_DNS;
		flags |= TR_FLAG_TRUNCATED;
	}
	tr_send_dns(skb, offset, size, 0, flags);
	return 1;
}

static __always_inline int tr_dns_segment(struct __sk_buff *skb, u32 offset, u32 flags)
{
	u32 bits = bpf_ntohs(tr_packet_u16(skb, offset + 12)); /* header length and flags */
	u32 sequence, size = 0;

	if (bpf_skb_load_bytes(skb, offset + 4, &sequence, sizeof(sequence)))
		return 1;
	sequence = bpf_ntohl(sequence);
	flags |= TR_FLAG_TCP | TR_FLAG_NO_TASK;
	offset += (bits >> 12) * 4;
	if (offset < skb->len)
		size = skb->len - offset;
	if (bits & TCP_FLAG_SYN) {
		flags |= TR_FLAG_SYN;
		sequence++;
	} else if (!size) {
		return 1;
	}
	for (int i = 0; i < DNS_CHUNKS; i++) {
		u32 chunk = size < TR_MAX_DNS ? size : TR_MAX_DNS;

		tr_send_dns(skb, offset, chunk, sequence, flags);
		flags &= ~TR_FLAG_SYN;
		sequence += chunk;
		offset += chunk;
		size -= chunk;
		if (!size)
			break;
	}
	return 1;
}

#endif
