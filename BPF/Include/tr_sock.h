/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Where: fills the endpoints and the identity of a struct sock. */
#ifndef TR_SOCK_H
#define TR_SOCK_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_config.h"
#include "tr_record.h"

/*
 * `direct`: the verifier knows `sk` as a struct sock (fentry, tp_btf), so a load does; else (kprobe, a cast) each read
 * is a helper call. It is always a constant, so one of the two is compiled.
 */
#define TR_READ(direct, sk, field) ((direct) ? (sk)->field : BPF_CORE_READ(sk, field))

/* Tracing programs may ask for a cookie since 5.12 (c5dbb89fc2ac); before, another program made it and it is read. */
static __always_inline u64 tr_cookie(struct sock *sk, int direct)
{
	u64 cookie;

	if (!direct || !config.tracing_helpers)
		return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	cookie = sk->__sk_common.skc_cookie.counter;
	return cookie ? cookie : bpf_get_socket_cookie(sk);
}

static __always_inline u32 tr_netns(struct sock *sk, int direct)
{
	return direct ? sk->__sk_common.skc_net.net->ns.inum : BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline void tr_fill_endpoints(struct tr_endpoints *ends, struct sock *sk, u8 protocol, int direct)
{
	u32 address;

	__builtin_memset(ends, 0, sizeof(*ends));
	ends->protocol = protocol;
	ends->remote_port = TR_READ(direct, sk, __sk_common.skc_dport);
	ends->local_port = bpf_htons(TR_READ(direct, sk, __sk_common.skc_num));
	if (TR_READ(direct, sk, __sk_common.skc_family) == AF_INET6) {
		ends->family = 6;
		BPF_CORE_READ_INTO(&ends->local, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&ends->remote, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	} else {
		ends->family = 4;
		address = TR_READ(direct, sk, __sk_common.skc_rcv_saddr);
		__builtin_memcpy(ends->local, &address, sizeof(address));
		address = TR_READ(direct, sk, __sk_common.skc_daddr);
		__builtin_memcpy(ends->remote, &address, sizeof(address));
	}
}

#endif
