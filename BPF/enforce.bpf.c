// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The connect gate refuses what the policy does not let through, before a byte leaves; the DNS gate ties names to
 * addresses before the program reads the answer; the name gate reads what name a connection asks for. Hooks, all of
 * them needed: cgroup/connect4, connect6, sendmsg4, sendmsg6, sock_create, setsockopt, post_bind4, post_bind6;
 * cgroup_skb/egress for datagrams of connected sockets, DNS queries and packets that are not plain; cgroup_skb/ingress
 * for who connects in and for DNS answers. Blind spots: sockets born outside of the scope; families that inet_create
 * does not make (packet, vsock, ...).
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_address.h"
#include "tr_cut.h"
#include "tr_datagram.h"
#include "tr_dns_stream.h"
#include "tr_join.h"
#include "tr_judge.h"
#include "tr_member.h"
#include "tr_packet.h"
#include "tr_stream.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum {
	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOL_IP = 0,
	SOL_SOCKET = 1,
	SOL_TCP = 6,
	SOL_IPV6 = 41,
	IP_OPTIONS = 4,
	SO_ZEROCOPY = 60,
	TCP_ULP = 31,
	IPV6_2292PKTOPTIONS = 6,
	IPV6_HOPOPTS = 54,
	IPV6_RTHDRDSTOPTS = 55,
	IPV6_RTHDR = 57,
	IPV6_DSTOPTS = 59,
	IPPROTO_ICMPV6 = 58,
	ND_FIRST = 133, /* RFC 4861: router solicitation to redirect */
	ND_LAST = 137,
};

static __always_inline int tr_on_connect(struct bpf_sock_addr *ctx, struct tr_case *asked)
{
	asked->key.port = bpf_ntohs(ctx->user_port);
	asked->key.protocol = ctx->protocol;
	if (ctx->protocol == IPPROTO_UDP) {
		asked->key.gate = TR_GATE_DATAGRAM;
		return tr_on_udp_connect(ctx, asked);
	}
	if (ctx->protocol != IPPROTO_TCP)
		return tr_refuse(TR_GATE_SOCKET, ctx->protocol, ctx->type);
	asked->key.gate = TR_GATE_CONNECT;
	tr_judge(asked);
	if (tr_lets_through(asked) && !tr_keep_stream(ctx->sk, asked))
		asked->key.action = TR_ACTION_ERROR;
	return tr_settle_at(asked, ctx, ctx->sk, NULL);
}

SEC("cgroup/connect4")
int cgroup__connect4(struct bpf_sock_addr *ctx)
{
	struct tr_case asked = {};
	struct bpf_sock *sk = ctx->sk;

	tr_set_ipv4_from(tr_address_of(&asked), ctx->user_ip4, sk ? sk->src_ip4 : 0);
	return tr_on_connect(ctx, &asked);
}

SEC("cgroup/connect6")
int cgroup__connect6(struct bpf_sock_addr *ctx)
{
	struct tr_address *address, source = {};
	struct bpf_sock *sk = ctx->sk;
	struct tr_case asked = {};

	address = tr_address_of(&asked);
	address->word[0] = ctx->user_ip6[0];
	address->word[1] = ctx->user_ip6[1];
	address->word[2] = ctx->user_ip6[2];
	address->word[3] = ctx->user_ip6[3];
	if (sk) {
		source.word[0] = sk->src_ip6[0];
		source.word[1] = sk->src_ip6[1];
		source.word[2] = sk->src_ip6[2];
		source.word[3] = sk->src_ip6[3];
	}
	tr_make_canonical_from(address, &source);
	return tr_on_connect(ctx, &asked);
}

SEC("cgroup/sendmsg4")
int cgroup__sendmsg4(struct bpf_sock_addr *ctx)
{
	struct tr_case asked = {};

	if (tr_is_of_connected(ctx))
		return tr_on_connected_call(ctx);
	tr_set_ipv4_from(tr_address_of(&asked), ctx->user_ip4, ctx->msg_src_ip4);
	return tr_on_datagram(ctx, &asked);
}

/* The kernel has made 127.0.0.1 of :: where the source is a mapped address. */
SEC("cgroup/sendmsg6")
int cgroup__sendmsg6(struct bpf_sock_addr *ctx)
{
	struct tr_case asked = {};
	struct tr_address *address = tr_address_of(&asked);

	if (tr_is_of_connected(ctx))
		return tr_on_connected_call(ctx);
	address->word[0] = ctx->user_ip6[0];
	address->word[1] = ctx->user_ip6[1];
	address->word[2] = ctx->user_ip6[2];
	address->word[3] = ctx->user_ip6[3];
	tr_make_canonical(address);
	return tr_on_datagram(ctx, &asked);
}

/* Neither MPTCP nor SCTP, UDP-Lite, ping or raw sockets: the other hooks do not see all that those send. */
SEC("cgroup/sock_create")
int cgroup__sock_create(struct bpf_sock *ctx)
{
	u32 family = ctx->family, type = ctx->type, protocol = ctx->protocol;

	if ((family == AF_INET || family == AF_INET6) &&
	    ((type == SOCK_STREAM && protocol == IPPROTO_TCP) || (type == SOCK_DGRAM && protocol == IPPROTO_UDP)))
		return 1;
	return tr_refuse(TR_GATE_SOCKET, protocol, type);
}

/* Sockets that answer DNS queries are not for the scope: nobody may forge answers to it. */
SEC("cgroup/post_bind4")
int cgroup__post_bind4(struct bpf_sock *ctx)
{
	return ctx->src_port != DNS_PORT || tr_refuse(TR_GATE_BIND, ctx->protocol, DNS_PORT);
}

SEC("cgroup/post_bind6")
int cgroup__post_bind6(struct bpf_sock *ctx)
{
	return ctx->src_port != DNS_PORT || tr_refuse(TR_GATE_BIND, ctx->protocol, DNS_PORT);
}

/* Other routes than the destination's own, and bytes that may change after they were judged. */
static __always_inline int tr_is_refused_option(int level, int option)
{
	switch (level) {
	case SOL_IP:
		return option == IP_OPTIONS;
	case SOL_IPV6:
		return option == IPV6_RTHDR || option == IPV6_HOPOPTS || option == IPV6_DSTOPTS ||
		       option == IPV6_RTHDRDSTOPTS || option == IPV6_2292PKTOPTIONS;
	case SOL_SOCKET:
		return option == SO_ZEROCOPY;
	default:
		return 0;
	}
}

SEC("cgroup/setsockopt")
int cgroup__setsockopt(struct bpf_sockopt *ctx)
{
	int level = ctx->level, option = ctx->optname;
	u8 *value = ctx->optval;

	if (tr_is_refused_option(level, option))
		return tr_refuse(TR_GATE_OPTION, level, option);
	if (level == SOL_TCP && option == TCP_ULP) {
		/* "tls" encrypts the same connection; others ("smc") make another transport of it. */
		if ((void *)(value + 3) > ctx->optval_end || value[0] != 't' || value[1] != 'l' || value[2] != 's')
			return tr_refuse(TR_GATE_OPTION, level, option);
		return 1;
	}
	if (level == SOL_IP || level == SOL_IPV6) {
		if (!tr_on_join(ctx, level, option))
			return 0;
		if (tr_is_join(level, option))
			return 1; /* the kernel takes the bytes that were judged */
	}
	ctx->optlen = 0; /* the kernel takes the caller's own bytes, however many */
	return 1;
}

/* The IP header's destination; 0 if the packet is not plain. */
static __always_inline int tr_read_plain(struct __sk_buff *skb, struct tr_address *to, u32 *transport, u16 *protocol)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct tr_ipv4 *v4 = data;
	struct tr_ipv6 *v6 = data;
	u8 next[2] = {};

	*protocol = 0;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (data + sizeof(*v4) > end)
			return 0;
		*protocol = v4->protocol;
		*transport = sizeof(*v4);
		tr_set_ipv4(to, *(u32 *)v4->destination);
		return v4->version_ihl == 0x45 && (*protocol == IPPROTO_TCP || *protocol == IPPROTO_UDP);
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || data + sizeof(*v6) > end)
		return 0;
	__builtin_memcpy(to, v6->destination, sizeof(*to));
	*protocol = v6->next;
	*transport = sizeof(*v6);
	if (*protocol == IPPROTO_FRAGMENT) {
		if (bpf_skb_load_bytes(skb, sizeof(*v6), next, 1))
			return 0;
		*protocol = next[0];
		*transport += 8;
	}
	if (*protocol == IPPROTO_ICMPV6)
		return !bpf_skb_load_bytes(skb, sizeof(*v6), next, 1) && next[0] >= ND_FIRST && next[0] <= ND_LAST;
	return *protocol == IPPROTO_TCP || *protocol == IPPROTO_UDP;
}

/* Where DNS goes to: where the socket is connected to, which an address translation may have turned elsewhere, or `to`.
 */
static __noinline int tr_on_port_53(struct __sk_buff *skb, struct bpf_sock *sk, const struct tr_address *to,
				    u32 transport, u32 protocol)
{
	u32 payload = transport + UDP_HEADER;
	struct tr_address server = *to;
	u8 offset;

	if (protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, transport + 12, &offset, sizeof(offset)))
			return 0;
		payload = transport + (offset >> 4) * 4;
	}
	if (skb->len <= payload)
		return 1;
	if (sk->dst_port == bpf_htons(DNS_PORT))
		tr_read_peer(sk, &server);
	tr_make_canonical(&server);
	return tr_on_query(skb, &server, payload, protocol);
}

static __noinline int tr_refuse_packet(struct __sk_buff *skb, const struct tr_address *to, u32 protocol)
{
	struct tr_case refused = { .key = { .gate = TR_GATE_PACKET } };

	*tr_address_of(&refused) = *to;
	refused.key.protocol = protocol;
	refused.key.action = TR_ACTION_BLOCK;
	refused.key.rule = TR_RULE_NONE;
	return tr_settle_at(&refused, skb, skb->sk, NULL);
}

SEC("cgroup_skb/egress")
int cgroup_skb__egress(struct __sk_buff *skb)
{
	struct tr_datagrams *state;
	struct tr_address to = {};
	struct bpf_sock *sk;
	u32 transport = 0;
	u16 protocol, port;

	if (!tr_read_plain(skb, &to, &transport, &protocol))
		return tr_refuse_packet(skb, &to, protocol);
	sk = skb->sk;
	if (!sk)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	if (protocol == IPPROTO_TCP && !tr_on_stream(skb, sk, transport))
		return 0;
	port = tr_packet_u16(skb, transport + 2);
	if (protocol == IPPROTO_UDP) {
		state = bpf_sk_storage_get(&datagrams, sk, NULL, 0);
		if (state && tr_is_first(state) && !tr_on_connected(skb, sk, state, &to, transport))
			return 0;
		if (sk->src_port == DNS_PORT)
			return tr_refuse(TR_GATE_BIND, IPPROTO_UDP, DNS_PORT);
		if (state && state->is_asking && sk->dst_port != bpf_htons(DNS_PORT)) {
			to = state->server;
			port = bpf_htons(DNS_PORT);
		}
	}
	if (port != bpf_htons(DNS_PORT) && sk->dst_port != bpf_htons(DNS_PORT))
		return 1;
	return tr_on_port_53(skb, sk, &to, transport, protocol);
}

/* The IP header's source; 0: it cannot be read. */
static __always_inline int tr_read_source(struct __sk_buff *skb, struct tr_address *source)
{
	if (skb->protocol != bpf_htons(ETH_P_IP))
		return !bpf_skb_load_bytes(skb, 8, source, sizeof(*source));
	if (bpf_skb_load_bytes(skb, 12, &source->word[3], 4))
		return 0;
	tr_set_ipv4(source, source->word[3]);
	return 1;
}

static __noinline int tr_from_port_53(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct tr_address source = {};
	u32 transport = 0, protocol = sk->protocol;

	if (tr_transport(skb, &transport) != protocol || tr_packet_u16(skb, transport) != bpf_htons(DNS_PORT) ||
	    !tr_read_source(skb, &source))
		return 1;
	if (protocol == IPPROTO_UDP)
		return tr_on_answer(skb, &source, transport + UDP_HEADER);
	return tr_on_dns_segment(skb, sk, &source, transport);
}

/*
 * Who connects in can be answered with data: it is judged at its SYN, by its address, without ports, and without
 * processes, for nobody knows yet who will accept it.
 */
static __noinline int tr_on_inbound(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct tr_case asked = { .excluded = TR_HAS_PORTS | TR_HAS_PROCESS };
	struct tr_syn syn = {};
	struct tr_address *peer;
	u32 transport;
	u8 flags;

	if (tr_transport(skb, &transport) != IPPROTO_TCP || bpf_skb_load_bytes(skb, transport + 13, &flags, 1))
		return tr_refuse(TR_GATE_INBOUND, 0, sk->src_port);
	if ((flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) != TCP_FLAG_SYN)
		return 1;
	peer = tr_address_of(&asked);
	if (!tr_read_source(skb, peer))
		return 0;
	tr_make_canonical(peer);
	asked.key.gate = TR_GATE_INBOUND;
	asked.key.protocol = IPPROTO_TCP;
	asked.key.port = sk->src_port;
	tr_read_syn(&syn, skb, transport);
	tr_judge(&asked);
	if (tr_lets_through(&asked) && !tr_mark_listener(sk))
		asked.key.action = TR_ACTION_ERROR;
	return tr_settle_at(&asked, skb, sk, &syn);
}

SEC("cgroup_skb/ingress")
int cgroup_skb__ingress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	if (sk->protocol == IPPROTO_UDP || (sk->protocol == IPPROTO_TCP && sk->dst_port == bpf_htons(DNS_PORT)))
		return tr_from_port_53(skb, sk);
	if (sk->protocol == IPPROTO_TCP && sk->state == TCP_LISTEN)
		return tr_on_inbound(skb, sk);
	return 1;
}
