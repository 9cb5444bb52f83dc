/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Addresses as policies speak of them: 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. */
#ifndef TR_ADDRESS_H
#define TR_ADDRESS_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct tr_address {
	u32 word[4];
};

enum {
	TR_NAT64 = 0x0064ff9b, /* RFC 6052 2.1 */
	TR_MAPPED = 0xffff,
	TR_LOOPBACK = 0x7f000001,
};

static __always_inline void tr_set_ipv4(struct tr_address *address, u32 ipv4)
{
	address->word[0] = 0;
	address->word[1] = 0;
	address->word[2] = bpf_htonl(TR_MAPPED);
	address->word[3] = ipv4;
}

static __always_inline int tr_is_ipv4(const struct tr_address *address)
{
	return !(address->word[0] | address->word[1]) && address->word[2] == bpf_htonl(TR_MAPPED);
}

static __always_inline int tr_is_same(const struct tr_address *left, const struct tr_address *right)
{
	return !((left->word[0] ^ right->word[0]) | (left->word[1] ^ right->word[1]) |
		 (left->word[2] ^ right->word[2]) | (left->word[3] ^ right->word[3]));
}

/* NAT64 and mapped addresses are the IPv4 address within; Linux connects to loopback where the address is zero. */
static __always_inline void tr_make_canonical(struct tr_address *address)
{
	if (address->word[0] == bpf_htonl(TR_NAT64) && !(address->word[1] | address->word[2]))
		tr_set_ipv4(address, address->word[3]);
	if (tr_is_ipv4(address)) {
		if (!address->word[3])
			address->word[3] = bpf_htonl(TR_LOOPBACK);
	} else if (!(address->word[0] | address->word[1] | address->word[2] | address->word[3])) {
		address->word[3] = bpf_htonl(1);
	}
}

/*
 * A destination of zero is the source that the socket is bound to (ip_route_output_key_hash_rcu), which may be another
 * address of this machine than loopback.
 */
static __always_inline void tr_set_ipv4_from(struct tr_address *address, u32 ipv4, u32 source)
{
	tr_set_ipv4(address, ipv4 ? ipv4 : source);
	tr_make_canonical(address);
}

/* A destination of zero is ::1, or 127.0.0.1 if the source is a mapped address (tcp_v6_connect). */
static __always_inline void tr_make_canonical_from(struct tr_address *address, const struct tr_address *source)
{
	if (!(address->word[0] | address->word[1] | address->word[2] | address->word[3]) && tr_is_ipv4(source))
		tr_set_ipv4(address, 0);
	tr_make_canonical(address);
}

#endif
