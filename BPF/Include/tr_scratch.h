/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Memory to read DNS in. Packet programs are interrupted by others, and on preemptible kernels by their like, so what
 * belongs to a CPU would not do: a piece is taken for as long as it is used. The cursors lie in it, for what is in a
 * map the verifier does not know and does not follow; they are volatile so that they stay there.
 */
#ifndef TR_SCRATCH_H
#define TR_SCRATCH_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_executable.h"
#include "tr_policy.h"

enum {
	TR_SCRATCHES = 32,
	TR_MESSAGE_BUFFER = 8192, /* a message, and what was left of the one before */
	TR_LONGEST_NAME = 253,
	TR_LONGEST_LABEL = 63,
};

/* A query is known again by its socket, id and type. */
struct tr_query_key {
	u64 socket;
	u16 id;
	u16 type;
	u32 reserved;
};

struct tr_query {
	struct tr_name_key name;
	u8 resolver[16];
	u64 time;
};

/* How far a ClientHello was read; see tr_client_hello.h. */
struct tr_hello_cursor {
	volatile u32 phase, left, value, next;
	volatile u32 header, records, record_size, record_left;
	volatile u32 body_left, list_left;
	volatile u32 seen;
	volatile u32 kind, second_size; /* of records behind the message */
	volatile u32 name_size;		/* may be more than is kept */
	u8 name[TR_NAME_SIZE];
};

/* A connection at the name gate; see tr_name_gate.h. */
struct tr_name_case {
	u32 slot, port;
	/* As in tr_case. */
	u32 alone_rule;
	u8 alone_action;
	u8 conditions;
	u8 about_names;
	u8 action;
	u32 rule;
	u8 is_named; /* action and rule are what the server name leads to */
	u8 is_told;
	u16 reserved;
	u32 bound; /* 1 + the place of the server name among those of the address; 0: it is not bound, or not needed */
	u64 born;
	struct tr_image_key image;
};

struct tr_scratch {
	struct bpf_spin_lock lock;
	u32 is_taken;
	/* The message: `size` bytes from `base` on; offsets count from `base`. */
	volatile u32 base, size;
	volatile u32 at;      /* what is read next */
	volatile u32 after;   /* behind the name that was read last */
	volatile u32 current; /* the name whose addresses are looked for */
	volatile u32 left, type;
	volatile u32 old;   /* 1 + the place of a name that has run out */
	volatile u32 taken; /* bytes of a stream that are done with */
	/* While a name is read. */
	volatile u32 from, out, labels, lowest;
	volatile u32 run, letters; /* of a label of a server name: its bytes so far, and whether one is no digit */
	/* While a glob is matched. */
	volatile u32 in_glob, in_text, behind_star, resume, glob_length;
	/* Names as in the message, without a dot at the end; and where their labels end, as a number: a dot may be in
	 * one. */
	volatile u32 length[2];
	volatile u32 shape[2];
	u8 text[2][TR_NAME_SIZE + TR_LONGEST_LABEL + 1];
	/* What is kept; the name asked for, and what the policy says of it, are in `binding`. */
	struct tr_query_key key;
	struct tr_query query;
	struct tr_binding_key place;
	struct tr_binding binding;
	struct tr_hello_cursor hello;
	struct tr_name_case asked;
	u8 message[TR_MESSAGE_BUFFER];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TR_SCRATCHES);
	__type(key, u32);
	__type(value, struct tr_scratch);
} scratches SEC(".maps");

static __always_inline struct tr_scratch *tr_scratch_at(u32 place)
{
	return bpf_map_lookup_elem(&scratches, &place);
}

/* A free piece's place, which has to be given back; less than 0: all are in use. `first` is where it looks first. */
__noinline int tr_find_scratch(u32 first)
{
	for (u32 i = 0; i < TR_SCRATCHES; i++) {
		u32 place = (first + i) % TR_SCRATCHES, was_taken;
		struct tr_scratch *scratch = tr_scratch_at(place);

		if (!scratch)
			return -1;
		bpf_spin_lock(&scratch->lock);
		was_taken = scratch->is_taken;
		scratch->is_taken = 1;
		bpf_spin_unlock(&scratch->lock);
		if (!was_taken)
			return place;
	}
	return -1;
}

static __always_inline int tr_take_scratch(void)
{
	return tr_find_scratch(bpf_get_smp_processor_id() * 4);
}

static __always_inline void tr_give_scratch(u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);

	if (scratch)
		*(volatile u32 *)&scratch->is_taken = 0;
}

#endif
