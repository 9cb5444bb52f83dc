/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What a packet says of itself, for cgroup_skb programs: skb->data is the IP header there. */
#ifndef TR_PACKET_H
#define TR_PACKET_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_record.h"

enum {
	IPPROTO_HOPOPTS = 0,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_ROUTING = 43,
	IPPROTO_FRAGMENT = 44,
	IPPROTO_DSTOPTS = 60,
	TR_MAX_EXTENSIONS = 6,
	UDP_HEADER = 8,
	ETH_P_IP = 0x0800,
	ETH_P_IPV6 = 0x86dd,
	TCP_FLAG_SYN = 0x02, /* in the second of the bytes that begin with the header's length */
	TCP_FLAG_RST = 0x04,
	TCP_FLAG_ACK = 0x10,
};

/*
 * A size of 1 to `limit`, a power of two, in a form that every verifier follows: those before 6.3 learn nothing from
 * `size != 0`, and what clang could leave out it must not know.
 */
static __always_inline u32 tr_within(u32 size, u32 limit)
{
	size -= 1;
	asm volatile("" : "+r"(size));
	return (size & (limit - 1)) + 1;
}

struct tr_ipv4 {
	u8 version_ihl, tos;
	u16 length, id, fragment;
	u8 ttl, protocol;
	u16 checksum;
	u8 source[4], destination[4];
};

struct tr_ipv6 {
	u32 flow;
	u16 length;
	u8 next, hops;
	u8 source[16], destination[16];
};

/* A 16-bit field of the packet, in network order: by a load where it is in the linear part, which it nearly always is.
 */
static __always_inline u16 tr_packet_u16(struct __sk_buff *skb, u32 offset)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	u16 value = 0;

	offset &= 0xfff;
	if (data + offset + sizeof(value) <= end)
		return *(u16 *)(data + offset);
	bpf_skb_load_bytes(skb, offset, &value, sizeof(value));
	return value;
}

/* The transport protocol, or -1; *offset gets where its header begins. The IP header is always in the linear part here.
 */
static __always_inline int tr_transport(struct __sk_buff *skb, u32 *offset)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct tr_ipv4 *v4 = data;
	struct tr_ipv6 *v6 = data;
	u8 extension[2];
	u8 next;

	if (data + sizeof(*v4) > end)
		return -1;
	if (v4->version_ihl >> 4 == 4) {
		*offset = (v4->version_ihl & 15) * 4;
		return v4->protocol;
	}
	if (data + sizeof(*v6) > end)
		return -1;
	next = v6->next;
	*offset = sizeof(*v6);
	if (next == IPPROTO_TCP || next == IPPROTO_UDP)
		return next;
	for (int i = 0; i < TR_MAX_EXTENSIONS; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_FRAGMENT &&
		    next != IPPROTO_DSTOPTS)
			break;
		if (bpf_skb_load_bytes(skb, *offset, extension, sizeof(extension)))
			return -1;
		*offset += next == IPPROTO_FRAGMENT ? 8 : (extension[1] + 1) * 8;
		next = extension[0];
	}
	return next;
}

/*
 * The kernel's address of a packet's socket. The verifier knows skb->sk as a pointer with few fields; read back from
 * the stack it is a number, and the socket's real fields can be read by it.
 */
static __always_inline struct sock *tr_packet_socket(struct __sk_buff *skb)
{
	struct bpf_sock *volatile sk = skb->sk;
	struct sock *address = NULL;

	bpf_probe_read_kernel(&address, sizeof(address), (void *)&sk);
	return address;
}

/* Fills the endpoints as the socket sees them: local and remote. */
static __always_inline int tr_fill_packet_ends(struct tr_endpoints *ends, struct __sk_buff *skb, u32 offset, int egress)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	u8 *source = egress ? ends->local : ends->remote;
	u8 *destination = egress ? ends->remote : ends->local;
	struct tr_ipv4 *v4 = data;
	struct tr_ipv6 *v6 = data;
	u16 ports[2];

	__builtin_memset(ends, 0, sizeof(*ends));
	if (data + sizeof(*v4) > end)
		return -1;
	if (v4->version_ihl >> 4 == 4) {
		ends->family = 4;
		__builtin_memcpy(source, v4->source, 4);
		__builtin_memcpy(destination, v4->destination, 4);
	} else {
		if (data + sizeof(*v6) > end)
			return -1;
		ends->family = 6;
		__builtin_memcpy(source, v6->source, 16);
		__builtin_memcpy(destination, v6->destination, 16);
	}
	if (bpf_skb_load_bytes(skb, offset, ports, sizeof(ports)))
		return -1;
	ends->local_port = egress ? ports[0] : ports[1];
	ends->remote_port = egress ? ports[1] : ports[0];
	return 0;
}

#endif
