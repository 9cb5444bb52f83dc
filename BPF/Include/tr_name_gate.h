/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The name gate: what a connection's ClientHello says, held against the policy and the names bound to its address. The
 * bytes are read once, in the order of their sequence numbers: what TCP keeps for retransmission is the kernel's own
 * copy, and bytes that the program could still change are refused. Blind spots: names in what is encrypted (ECH, HTTP's
 * Host); TLS that does not begin with the connection (STARTTLS, a proxy's CONNECT).
 */
#ifndef TR_NAME_GATE_H
#define TR_NAME_GATE_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_client_hello.h"
#include "tr_pages.h"
#include "tr_server_name.h"

enum {
	TR_NAME_TELLS = 8,
	TR_PLACE_SHIFT = 8,
	/* The chunks of one packet, and the end. */
	TR_HELLO_ROUNDS = (TR_LONGEST_HELLO + 4 + TR_HELLO_RECORDS * TLS_RECORD_HEADER) / TR_HELLO_CHUNK + 3,
	TCP_FLAG_URG = 0x20,
	TLS_LARGEST_FINISHED = 100, /* bytes of a record, encrypted */
};

/* Counts and tells what a scratch says of a connection, does it, and gives the scratch back. */
static __noinline int tr_settle_name(struct __sk_buff *skb, struct tr_stream *stream, u32 place)
{
	struct tr_outcome_key key = { .gate = TR_GATE_NAME, .protocol = IPPROTO_TCP };
	struct tr_scratch *scratch = tr_scratch_at(place);
	struct tr_whence whence = {};

	if (!scratch)
		return 0;
	__builtin_memcpy(key.address, &stream->peer, sizeof(key.address));
	key.port = stream->port;
	key.generation = stream->generation;
	key.action = scratch->asked.action;
	key.rule = scratch->asked.rule;
	/* That it was let through was counted at its connect(). */
	if (key.action > TR_ACTION_ALERT || key.action > stream->action) {
		tr_count_total(key.action);
		tr_count_outcome(&key);
	}
	stream->action = key.action;
	if (config.tells) {
		tr_find_whence(&whence, skb, skb->sk);
		tr_tell(&key, &whence, NULL, scratch->asked.is_named ? &scratch->binding.name : NULL);
	}
	tr_give_scratch(place);
	/* A packet leaves whenever the kernel gets to it, whoever runs. */
	if (key.action == TR_ACTION_KILL && tr_current_tgid() == stream->tgid) {
		if (config.can_signal)
			bpf_send_signal(SIGKILL);
		else
			tr_condemn();
	}
	return 0;
}

/* Takes the next chunk of the `left` bytes that a packet has `from` on, if the last one was read. */
static __always_inline int tr_take_chunk(struct __sk_buff *skb, struct tr_scratch *scratch)
{
	u32 size = scratch->left;

	if (scratch->at < scratch->size || scratch->hello.phase == TR_READ_NOTHING)
		return 0;
	if (!size)
		return TR_HELLO_MORE;
	if (size > TR_HELLO_CHUNK)
		size = TR_HELLO_CHUNK;
	if (bpf_skb_load_bytes(skb, scratch->from, scratch->message, tr_within(size, TR_HELLO_CHUNK)))
		return TR_HELLO_BROKEN;
	scratch->at = 0;
	scratch->size = size;
	scratch->from += size;
	scratch->left -= size;
	return 0;
}

/* Reads some of a packet; TR_HELLO_STEP: there may be more of it. */
__noinline int tr_read_some(struct __sk_buff *skb, u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	int result;

	if (!scratch)
		return TR_HELLO_BROKEN;
	result = tr_take_chunk(skb, scratch);
	if (result)
		return result;
	result = tr_read_hello(place);
	return result == TR_HELLO_MORE ? TR_HELLO_STEP : result;
}

/* Reads a packet from `from` on, which are the next bytes; the result is one of TR_HELLO. */
__noinline int tr_read_packet(struct __sk_buff *skb, u32 place)
{
	for (u32 i = 0; i < TR_HELLO_ROUNDS; i++) {
		int result = tr_read_some(skb, place);

		if (result)
			return result;
	}
	return TR_HELLO_BROKEN;
}

/*
 * Reads on in a ClientHello until it can be judged: TR_NAME, or TR_NAME_MORE. A name that was read is judged at once:
 * whoever passes it on may not wait for the rest.
 */
static __always_inline int tr_judge_hello(struct __sk_buff *skb, struct tr_scratch *scratch, u32 place)
{
	struct tr_name_case *asked = &scratch->asked;
	int read = tr_read_packet(skb, place), judged = TR_NAME_MORE;

	if (read == TR_HELLO_NAMED) {
		judged = tr_judge_server_name(place, asked->slot);
		if (judged != TR_NAME_PASSES)
			return judged;
		read = tr_read_packet(skb, place);
	}
	switch (read) {
	case TR_HELLO_MORE:
		return TR_NAME_MORE;
	case TR_HELLO_NOT_TLS:
		return tr_judge_nameless(asked, TR_RULE_NOT_TLS, 0);
	case TR_HELLO_END:
		return TR_NAME_PASSES;
	case TR_HELLO_WHOLE:
		if (!(scratch->hello.seen & TR_SEEN_LIST))
			return tr_judge_nameless(asked, TR_RULE_NAMELESS, 0);
		return judged == TR_NAME_MORE ? tr_judge_server_name(place, asked->slot) : judged;
	default:
		/* In a second message's place there may be what is encrypted. */
		if (scratch->hello.second_size && scratch->hello.second_size < TLS_LARGEST_FINISHED)
			return TR_NAME_PASSES;
		return tr_judge_nameless(asked, TR_RULE_HELLO, 1);
	}
}

/* A name that is encrypted (ECH) beside the one that was judged. */
static __always_inline int tr_judge_ech(struct tr_scratch *scratch, int result)
{
	if (result == TR_NAME_REFUSED || !(scratch->hello.seen & TR_SEEN_ECH) ||
	    !(scratch->asked.about_names & TR_REFUSES_ECH) ||
	    !tr_needs_name(scratch->asked.alone_action, scratch->asked.conditions))
		return result;
	return tr_judge_nameless(&scratch->asked, TR_RULE_ECH, 0);
}

/* Whether the first message is not the last one that has to be looked at. */
static __always_inline int tr_may_follow(const struct tr_scratch *scratch)
{
	const struct tr_name_case *asked = &scratch->asked;

	return scratch->hello.phase == TR_READ_NOTHING && !scratch->hello.second_size &&
	       (asked->about_names & TR_REFUSES_NAMES || tr_needs_name(asked->alone_action, asked->conditions));
}

/* What the connection was judged by so far. */
static __always_inline void tr_begin_case(struct tr_scratch *scratch, const struct tr_stream *stream, u32 slot)
{
	struct tr_name_case *asked = &scratch->asked;

	__builtin_memset(asked, 0, sizeof(*asked));
	asked->slot = slot;
	asked->port = stream->port;
	asked->alone_rule = stream->alone_rule;
	asked->alone_action = stream->alone_action;
	asked->conditions = stream->conditions;
	asked->about_names = stream->about_names;
	asked->image = stream->image;
	scratch->place.reserved = 0;
	__builtin_memcpy(scratch->place.address, &stream->peer, sizeof(scratch->place.address));
}

/* Keeps what was decided of a connection. */
static __always_inline void tr_keep_judgement(struct tr_stream *stream, const struct tr_name_case *asked, int result)
{
	stream->is_refused = result == TR_NAME_REFUSED;
	if (asked->bound && result == TR_NAME_PASSES) {
		stream->name = asked->bound;
		stream->born = asked->born;
		stream->is_proven = 1;
	}
}

/* Reads on in a ClientHello, and judges the connection as soon as that can be done; `why`: it must not be read. */
static __always_inline int tr_take_hello(struct __sk_buff *skb, struct tr_stream *stream, struct tr_hello *hello,
					 struct tr_scratch *scratch, u32 place, u32 at, u32 why)
{
	int result;

	if (!hello || why) {
		result = tr_judge_nameless(&scratch->asked, why, why != TR_RULE_UNSEEN);
		stream->inspects = 0;
		tr_keep_judgement(stream, &scratch->asked, result);
		return result;
	}
	if (hello->next)
		bpf_probe_read_kernel(&scratch->hello, sizeof(scratch->hello), &hello->cursor);
	else
		tr_begin_hello(&scratch->hello);
	scratch->from = at;
	scratch->left = skb->len - at;
	scratch->at = 0;
	scratch->size = 0;
	result = tr_judge_ech(scratch, tr_judge_hello(skb, scratch, place));
	if (result == TR_NAME_PASSES && tr_may_follow(scratch)) {
		tr_keep_judgement(stream, &scratch->asked, result);
		tr_begin_behind(&scratch->hello);
		result = tr_judge_ech(scratch, tr_judge_hello(skb, scratch, place));
	}
	if (result == TR_NAME_MORE) {
		bpf_probe_read_kernel(&hello->cursor, sizeof(hello->cursor), &scratch->hello);
		hello->next += skb->len - at;
		return TR_NAME_PASSES;
	}
	stream->inspects = 0;
	tr_keep_judgement(stream, &scratch->asked, result);
	return result;
}

/* A TCP packet of a connection whose server name is not known yet: TR_NAME, and with TR_NAME_TELLS above it the place
 * of the scratch that tr_settle_name wants. */
__noinline int tr_on_hello(struct __sk_buff *skb, u32 transport)
{
	u32 zero = 0, slot, sequence, offset, at, why = 0, *chosen;
	int place, result = TR_NAME_AGAIN;
	struct tr_hello *hello = NULL;
	struct tr_scratch *scratch;
	struct tr_stream *stream;
	struct tr_policy *policy;
	struct bpf_tcp_sock *tcp;
	struct bpf_sock *sk;
	u8 bytes[2];

	if (bpf_skb_load_bytes(skb, transport + 12, bytes, sizeof(bytes)))
		return TR_NAME_AGAIN;
	at = transport + (bytes[0] >> 4) * 4;
	if (skb->len <= at)
		return TR_NAME_PASSES;
	chosen = bpf_map_lookup_elem(&selected, &zero);
	if (!chosen || bpf_skb_load_bytes(skb, transport + 4, &sequence, sizeof(sequence)))
		return TR_NAME_AGAIN;
	slot = *(volatile u32 *)chosen;
	policy = bpf_map_lookup_elem(&policies, &slot);
	sk = skb->sk ? bpf_sk_fullsock(skb->sk) : NULL;
	tcp = sk ? bpf_tcp_sock(sk) : NULL;
	stream = sk ? bpf_sk_storage_get(&streams, sk, NULL, 0) : NULL;
	if (!policy || !tcp || !stream || policy->generation != stream->generation)
		return TR_NAME_AGAIN;
	/* An acknowledged SYN counts as a byte, so this is the distance from the initial sequence number. */
	offset = bpf_ntohl(sequence) - (tcp->snd_una - (u32)tcp->bytes_acked) - 1;
	if (bytes[1] & TCP_FLAG_SYN)
		offset += 1; /* Fast Open: the payload begins behind the SYN */
	if (stream->has_hello || !offset)
		hello = bpf_sk_storage_get(&hellos, sk, NULL, stream->has_hello ? 0 : BPF_SK_STORAGE_GET_F_CREATE);
	if (!hello && !offset)
		return TR_NAME_AGAIN;
	if (hello) {
		stream->has_hello = 1;
		if (offset + (skb->len - at) <= hello->next)
			return TR_NAME_PASSES; /* again what was read */
		if (offset > hello->next)
			hello = NULL;
		else
			at += hello->next - offset;
	}
	if (!hello)
		why = TR_RULE_UNSEEN;
	else if (tr_is_in_shared_pages(skb))
		why = TR_RULE_MEMORY;
	else if (bytes[1] & TCP_FLAG_URG) /* the peer need not read such bytes in their place */
		why = TR_RULE_HELLO;
	place = tr_take_scratch();
	if (place < 0)
		return TR_NAME_AGAIN;
	scratch = tr_scratch_at(place);
	if (scratch) {
		tr_begin_case(scratch, stream, slot);
		result = tr_take_hello(skb, stream, hello, scratch, place, at, why);
		if (result == TR_NAME_REFUSED || (result == TR_NAME_PASSES && scratch->asked.is_told)) {
			result |= TR_NAME_TELLS | place << TR_PLACE_SHIFT;
			place = -1;
		}
	}
	if (place >= 0)
		tr_give_scratch(place);
	if (!stream->inspects) {
		bpf_sk_storage_delete(&hellos, sk);
		stream->has_hello = 0;
	}
	return result;
}

#endif
