/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What is kept of connections that were let through, and how they are judged again by each policy that comes into force
 * after that, at their next packet.
 */
#ifndef TR_STREAM_H
#define TR_STREAM_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_address.h"
#include "tr_judge.h"
#include "tr_packet.h"

/* What a TCP socket was let through to: where connect() led, never what a packet says. */
struct tr_stream {
	struct tr_address peer; /* canonical; not used of who connected in */
	u16 port;		/* number of the machine */
	u8 gate;		/* TR_GATE_CONNECT or TR_GATE_INBOUND */
	u8 is_refused;
	u32 generation; /* of the policy that said so; 0: none has been asked yet */
	u32 name;	/* 1 + the place of the binding that it rests on; 0: on none */
	u64 next_use;	/* when that binding is to be told that it is in use; nanoseconds since boot */
	u64 born;	/* of that binding */
	/* As in tr_case. */
	u32 alone_rule;
	u8 alone_action;
	u8 conditions;
	u8 about_names;
	u8 inspects;  /* its ClientHello is yet to be read */
	u8 is_proven; /* the client sent `name` */
	u8 has_hello; /* there is something in `hellos` */
	u8 action;    /* what was told of it last */
	u8 reserved;
	u32 tgid;		   /* whose connection it is */
	struct tr_image_key image; /* what that process ran */
};

/* An accepted socket begins with a copy of its listener's. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct tr_stream);
} streams SEC(".maps");

/* How much of its ClientHello has been read, of a socket that began to send one. */
struct tr_hello {
	struct tr_hello_cursor cursor;
	u32 next; /* bytes of the stream that were read */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tr_hello);
} hellos SEC(".maps");

enum { TR_NO_PLACE = 255 };

static __always_inline void tr_read_peer(struct bpf_sock *sk, struct tr_address *peer)
{
	if (sk->family == AF_INET) {
		tr_set_ipv4(peer, sk->dst_ip4);
		return;
	}
	peer->word[0] = sk->dst_ip6[0];
	peer->word[1] = sk->dst_ip6[1];
	peer->word[2] = sk->dst_ip6[2];
	peer->word[3] = sk->dst_ip6[3];
}

/* That of the policy in force. Without one, a number that none has. */
static __always_inline u32 tr_generation(void)
{
	u32 zero = 0, slot, *chosen = bpf_map_lookup_elem(&selected, &zero);
	struct tr_policy *policy;

	if (!chosen)
		return -1;
	slot = *(volatile u32 *)chosen;
	policy = bpf_map_lookup_elem(&policies, &slot);
	return policy && policy->generation ? policy->generation : -1;
}

/* The binding that a connection rests on, if it is still that of the same name. */
static __always_inline struct tr_binding *tr_binding_of_stream(const struct tr_stream *stream)
{
	struct tr_binding_key key = { .place = stream->name - 1 };
	struct tr_binding *binding;

	if (!stream->name)
		return NULL;
	__builtin_memcpy(key.address, &stream->peer, sizeof(key.address));
	binding = bpf_map_lookup_elem(&bindings, &key);
	return binding && binding->born == stream->born ? binding : NULL;
}

enum { TR_USE_SECONDS = 60 }; /* how often at most */

/* A name that a connection uses does not run out, as long as the connection sends something before it does. */
static __noinline __attribute__((unused)) int tr_use_name(struct tr_stream *stream)
{
	u32 zero = 0, slot, *chosen;
	struct tr_binding *binding;
	struct tr_policy *policy;
	u64 now, period;

	now = bpf_ktime_get_boot_ns();
	if (now < stream->next_use)
		return 0;
	chosen = bpf_map_lookup_elem(&selected, &zero);
	if (!chosen)
		return 0;
	slot = *(volatile u32 *)chosen;
	policy = bpf_map_lookup_elem(&policies, &slot);
	if (!policy)
		return 0;
	period = policy->grace / 2;
	stream->next_use = now + (period > TR_USE_SECONDS * TR_SECOND ? TR_USE_SECONDS * TR_SECOND : period);
	binding = tr_binding_of_stream(stream);
	/* In a place that has run out there may be another name soon. */
	if (binding && binding->until >= now && binding->until < now + policy->grace)
		binding->until = now + policy->grace;
	return 0;
}

/* Whether only a name let it through whose server name must be seen. */
static __always_inline int tr_needs_name(u32 alone_action, u32 conditions)
{
	return alone_action > TR_ACTION_ALERT && !(conditions & TR_VERIFIES_ADDRESS);
}

/* Whether a server name can make a difference. */
static __always_inline int tr_wants_name(const struct tr_case *asked)
{
	if (!(asked->about_names & TR_HAS_NAMES))
		return 0;
	return config.tells || asked->about_names & TR_REFUSES_NAMES ||
	       tr_needs_name(asked->alone_action, asked->conditions);
}

/* Keeps how it was judged. Not inlined, as the next: they have stacks of their own. */
static __noinline int tr_note_case(struct tr_stream *stream, const struct tr_case *asked)
{
	struct tr_binding_key key = { .place = asked->name - 1 };
	struct tr_binding *binding = NULL;

	__builtin_memcpy(key.address, asked->key.address, sizeof(key.address));
	if (asked->name)
		binding = bpf_map_lookup_elem(&bindings, &key);
	stream->name = asked->name;
	stream->born = binding ? binding->born : 0;
	stream->generation = asked->key.generation;
	stream->action = asked->key.action;
	stream->alone_rule = asked->alone_rule;
	stream->alone_action = asked->alone_action;
	stream->conditions = asked->conditions;
	stream->about_names = asked->about_names;
	return 0;
}

/* Of a connection whose server name is known, no other name counts. */
static __noinline int tr_only_name(const struct tr_stream *stream)
{
	if (!stream->is_proven)
		return 0;
	return tr_binding_of_stream(stream) ? stream->name : TR_NO_PLACE;
}

/* Keeps what a connect() was let through to; 0: there is no room, and it must be refused. */
static __always_inline int tr_keep_stream(struct bpf_sock *sk, const struct tr_case *asked)
{
	struct tr_stream *stream;

	if (!sk)
		return 0;
	stream = bpf_sk_storage_get(&streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!stream)
		return 0;
	__builtin_memcpy(&stream->peer, asked->key.address, sizeof(stream->peer));
	stream->port = asked->key.port;
	stream->gate = TR_GATE_CONNECT;
	stream->is_refused = 0;
	stream->next_use = 0;
	tr_note_case(stream, asked);
	stream->is_proven = 0;
	stream->inspects = tr_wants_name(asked);
	/* The socket was connected before. */
	if (stream->has_hello)
		bpf_sk_storage_delete(&hellos, sk);
	stream->has_hello = 0;
	if (stream->inspects) {
		stream->tgid = tr_current_tgid();
		if (asked->about_names & TR_HAS_PROCESSES)
			tr_keep_image(&stream->image);
	}
	return 1;
}

/* Whoever connects to this listener is to be judged as such; 0: there is no room. */
static __always_inline int tr_mark_listener(struct bpf_sock *sk)
{
	struct tr_stream *stream = bpf_sk_storage_get(&streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	if (!stream)
		return 0;
	stream->gate = TR_GATE_INBOUND;
	stream->is_refused = 0;
	stream->generation = 0;
	return 1;
}

/* Asks the policy in force of a connection that another one let through. Only what is refused is counted. */
static __always_inline int tr_judge_stream(struct bpf_sock *sk, struct tr_stream *stream)
{
	struct tr_case asked = { .key = { .gate = TR_GATE_CONNECT, .protocol = IPPROTO_TCP } };
	struct tr_address *peer = (struct tr_address *)asked.key.address;

	if (!stream || !stream->gate || stream->gate == TR_GATE_INBOUND) {
		tr_read_peer(sk, peer);
		tr_make_canonical(peer);
		asked.key.port = bpf_ntohs(sk->dst_port);
	} else {
		*peer = stream->peer;
		asked.key.port = stream->port;
	}
	if (stream && stream->gate == TR_GATE_INBOUND) {
		asked.key.gate = TR_GATE_INBOUND;
		asked.key.port = sk->src_port;
		asked.excluded = TR_HAS_PORTS;
	}
	if (stream)
		asked.only = tr_only_name(stream);
	tr_judge(&asked);
	if (!stream && tr_lets_through(&asked) && asked.name && tr_needs_name(asked.alone_action, asked.conditions)) {
		asked.key.action = TR_ACTION_BLOCK;
		asked.key.rule = TR_RULE_UNSEEN;
	}
	if (!tr_lets_through(&asked)) {
		/* No signal: whoever runs now need not be whose connection it is. */
		tr_count_total(asked.key.action);
		tr_count_outcome(&asked.key);
	}
	if (stream) {
		stream->is_refused = !tr_lets_through(&asked);
		if (stream->gate == TR_GATE_INBOUND) {
			stream->generation = asked.key.generation;
		} else {
			tr_note_case(stream, &asked);
			stream->inspects = !stream->is_proven && tr_wants_name(&asked);
		}
	}
	return tr_lets_through(&asked);
}

#endif
