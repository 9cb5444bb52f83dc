// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * What packets tell: UDP flows, DNS, and the ClientHello. One program for each direction, since every packet of every
 * connection pays for each. Hooks, without a fallback: cgroup_skb/egress and ingress; cgroup/sock_release ends a
 * socket's UDP flows.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_dns.h"
#include "tr_hello.h"
#include "tr_output.h"
#include "tr_packet.h"
#include "tr_udp.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("cgroup_skb/egress")
int cgroup_skb__egress(struct __sk_buff *skb)
{
	u32 offset, payload;
	int protocol = tr_transport(skb, &offset), is_dns;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return 1;
	is_dns = tr_packet_u16(skb, offset + 2) == bpf_htons(DNS_PORT);
	if (protocol == IPPROTO_UDP) {
		tr_count_egress(skb, offset);
		return is_dns ? tr_dns_datagram(skb, offset, TR_FLAG_EGRESS) : 1;
	}
	if (is_dns)
		return tr_dns_segment(skb, offset, TR_FLAG_EGRESS);
	payload = offset + (bpf_ntohs(tr_packet_u16(skb, offset + 12)) >> 12) * 4;
	if (payload < skb->len)
		tr_find_hello(skb, offset, payload);
	return 1;
}

SEC("cgroup_skb/ingress")
int cgroup_skb__ingress(struct __sk_buff *skb)
{
	u32 offset;
	int protocol = tr_transport(skb, &offset), is_dns;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return 1;
	is_dns = tr_packet_u16(skb, offset) == bpf_htons(DNS_PORT);
	if (protocol == IPPROTO_TCP)
		return is_dns ? tr_dns_segment(skb, offset, 0) : 1;
	tr_count_ingress(skb, offset);
	return is_dns ? tr_dns_datagram(skb, offset, TR_FLAG_NO_TASK) : 1;
}

SEC("cgroup/sock_release")
int cgroup__sock_release(struct bpf_sock *ctx)
{
	struct tr_udp_close_record *record;

	if (ctx->protocol != IPPROTO_UDP)
		return 1;
	record = tr_reserve(TR_RECORD_UDP_CLOSE, sizeof(*record));
	if (!record)
		return 1;
	record->cookie = bpf_get_socket_cookie(ctx);
	tr_submit(record);
	return 1;
}
