/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Joining a multicast group: the kernel reports it to the network at once, outside of every socket, and the group's
 * number is the program's own choice: 28 bits of it in IPv4 (IGMP, RFC 3376), 112 in IPv6 (MLD, RFC 3810). So the group
 * must be one that may be sent to. Lists of sources are as much data again: those options are refused.
 */
#ifndef TR_JOIN_H
#define TR_JOIN_H

#include "vmlinux.h"
#include "tr_address.h"
#include "tr_judge.h"

enum {
	IP_ADD_MEMBERSHIP = 35,
	IP_UNBLOCK_SOURCE = 37, /* to IP_MSFILTER: by sources */
	IP_MSFILTER = 41,
	IPV6_JOIN_GROUP = 20,
	IPV6_JOIN_ANYCAST = 27,
	MCAST_JOIN_GROUP =
		42, /* to MCAST_MSFILTER: the same for both families, but laid out by the program's word size */
	MCAST_LEAVE_GROUP = 45,
	MCAST_LEAVE_SOURCE_GROUP = 47,
	MCAST_MSFILTER = 48,
};

static __always_inline int tr_is_join_by_source(int level, int option)
{
	if (option >= MCAST_JOIN_GROUP && option <= MCAST_MSFILTER)
		return option != MCAST_LEAVE_GROUP && option != MCAST_LEAVE_SOURCE_GROUP;
	return level == 0 ? option >= IP_UNBLOCK_SOURCE && option <= IP_MSFILTER : option == IPV6_JOIN_ANYCAST;
}

static __always_inline int tr_is_join(int level, int option)
{
	return option == (level == 0 ? IP_ADD_MEMBERSHIP : IPV6_JOIN_GROUP);
}

/* 1: it may, or it is no join. `level` is SOL_IP (0) or SOL_IPV6. */
static __always_inline int tr_on_join(struct bpf_sockopt *ctx, int level, int option)
{
	struct tr_case asked = { .key = { .gate = TR_GATE_OPTION, .protocol = IPPROTO_UDP }, .excluded = TR_HAS_PORTS };
	struct tr_address *group = (struct tr_address *)asked.key.address;
	u32 *value = ctx->optval;

	if (tr_is_join_by_source(level, option))
		return tr_refuse(TR_GATE_OPTION, level, option);
	if (!tr_is_join(level, option))
		return 1;
	if (level == 0) {
		if ((void *)(value + 1) > ctx->optval_end)
			return tr_refuse(TR_GATE_OPTION, level, option);
		tr_set_ipv4(group, value[0]);
	} else {
		if ((void *)(value + 4) > ctx->optval_end)
			return tr_refuse(TR_GATE_OPTION, level, option);
		group->word[0] = value[0];
		group->word[1] = value[1];
		group->word[2] = value[2];
		group->word[3] = value[3];
		tr_make_canonical(group);
	}
	tr_judge(&asked);
	return tr_lets_through(&asked) || tr_refuse(TR_GATE_OPTION, level, option);
}

#endif
