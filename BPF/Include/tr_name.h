/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Names of DNS messages (RFC 1035 4.1.4) and what a policy says of them. The functions are global and take the place of
 * a scratch: the verifier looks at each once.
 */
#ifndef TR_NAME_H
#define TR_NAME_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_policy_maps.h"
#include "tr_scratch.h"

enum {
	TR_AT_ONCE = 16,     /* bytes, or globs */
	TR_MAX_STEPS = 160,  /* labels and pointers of a name */
	TR_GLOB_STEPS = 24,  /* in one call: the verifier looks at each */
	TR_GLOB_CALLS = 512, /* more than the longest name takes against a glob of stars */
};

static __always_inline u32 tr_message_u8(const struct tr_scratch *scratch, u32 offset)
{
	return scratch->message[(scratch->base + offset) & (TR_MESSAGE_BUFFER - 1)];
}

static __always_inline u32 tr_message_u16(const struct tr_scratch *scratch, u32 offset)
{
	return tr_message_u8(scratch, offset) << 8 | tr_message_u8(scratch, offset + 1);
}

/* 1: read; 0: another step; less: not a name. */
__noinline int tr_read_label(u32 place, u32 which)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 from, out, byte, start;

	if (!scratch)
		return -1;
	which &= 1;
	from = scratch->from;
	out = scratch->out;
	if (from >= scratch->size)
		return -1;
	byte = tr_message_u8(scratch, from);
	if (byte == 0) {
		if (!scratch->after)
			scratch->after = from + 1;
		scratch->length[which] = out;
		return 1;
	}
	if (byte >= 0xc0) {
		u32 target = tr_message_u16(scratch, from) & 0x3fff;

		/* Only backwards, so that it ends. */
		if (from + 2 > scratch->size || target >= scratch->lowest)
			return -1;
		if (!scratch->after)
			scratch->after = from + 2;
		scratch->lowest = target;
		scratch->from = target;
		return 0;
	}
	if (byte > TR_LONGEST_LABEL || from + 1 + byte > scratch->size || out + byte + 1 > TR_LONGEST_NAME + 1)
		return -1;
	if (out) {
		scratch->text[which][out & (TR_NAME_SIZE - 1)] = '.';
		out += 1;
	}
	if (out + byte > TR_LONGEST_NAME)
		return -1;
	start = (scratch->base + from + 1) & (TR_MESSAGE_BUFFER - 1);
	if (start > TR_MESSAGE_BUFFER - 64)
		return -1;
	byte &= 63;
	asm volatile("" : "+r"(byte));
	bpf_probe_read_kernel(&scratch->text[which][out & (TR_NAME_SIZE - 1)], byte & 63, &scratch->message[start]);
	scratch->out = out + byte;
	scratch->labels += 1;
	scratch->shape[which] = scratch->shape[which] * 67 + byte;
	scratch->from = from + 1 + byte;
	return 0;
}

/* Reads the name at an offset into `text`; less than 0: there is none. `after` gets what lies behind it. */
__noinline int tr_read_name(u32 place, u32 offset, u32 which)
{
	struct tr_scratch *scratch = tr_scratch_at(place);

	if (!scratch)
		return -1;
	scratch->from = offset;
	scratch->lowest = offset;
	scratch->out = 0;
	scratch->labels = 0;
	scratch->shape[which & 1] = 0;
	scratch->after = 0;
	for (u32 i = 0; i < TR_MAX_STEPS; i++) {
		int result = tr_read_label(place, which);

		if (result)
			return result;
	}
	return -1;
}

/* 1 if first <= value <= last, all below 2^31. Without a branch. */
static __always_inline u32 tr_in(u32 value, u32 first, u32 last)
{
	u32 below = first - 1 - value, above = value - last - 1;

	return (below & above) >> 31;
}

/* Some bytes of the key from the name in text[0]; how many of them may be in a name, and how many are dots above 16
 * bits. */
__noinline u32 tr_reverse_some(u32 place, u32 first, u32 length)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 dots = 0, good = 0;

	if (!scratch)
		return 0;
	for (u32 i = 0; i < TR_AT_ONCE; i++) {
		u32 at = first + i, byte;

		if (at >= length)
			break;
		byte = scratch->text[0][at & (TR_NAME_SIZE - 1)];
		byte += tr_in(byte, 'A', 'Z') << 5;
		dots += tr_in(byte, '.', '.');
		good += tr_in(byte, 'a', 'z') + tr_in(byte, '-', '.') + tr_in(byte, '0', '9') + tr_in(byte, '_', '_');
		scratch->binding.name.text[(length - 1 - at) & (TR_NAME_SIZE - 1)] = byte;
	}
	return good | dots << 16;
}

/*
 * Makes the key of the name in text[0]: lower case and from right to left. Less than 0 if it has other bytes than
 * letters, digits, hyphens and underscores in its labels.
 */
__noinline int tr_make_name_key(u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 length, sum = 0;

	if (!scratch)
		return -1;
	length = scratch->length[0];
	if (length == 0 || length > TR_LONGEST_NAME)
		return -1;
	__builtin_memset(&scratch->binding.name, 0, sizeof(scratch->binding.name));
	for (u32 first = 0; first < TR_NAME_SIZE; first += TR_AT_ONCE) {
		if (first >= length)
			break;
		sum += tr_reverse_some(place, first, length);
	}
	scratch->binding.name.length = (length + 1) * 8;
	return sum == (length | (scratch->labels - 1) << 16) ? 0 : -1;
}

static __always_inline int tr_is_same_name(const struct tr_name_key *left, const struct tr_name_key *right)
{
	u32 difference = left->length ^ right->length;

	for (u32 i = 0; i < TR_NAME_SIZE / 4; i++)
		difference |= ((const u32 *)left->text)[i] ^ ((const u32 *)right->text)[i];
	return !difference;
}

/* Some steps of matching a glob; 1: it matches, less than 0: it does not, 0: not known yet. */
__noinline int tr_match_some(u32 place, u32 index)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	struct tr_glob *glob = bpf_map_lookup_elem(&globs, &index);

	if (!scratch || !glob)
		return -1;
	for (u32 i = 0; i < TR_GLOB_STEPS; i++) {
		u32 in_glob = scratch->in_glob, in_text = scratch->in_text;
		u32 byte = scratch->binding.name.text[in_text & (TR_NAME_SIZE - 1)];
		u32 wanted = 0;

		if (in_glob < scratch->glob_length)
			wanted = glob->text[in_glob & (TR_NAME_SIZE - 1)];
		if (wanted == TR_GLOB_REST && byte)
			return 1;
		if (!byte && !wanted)
			return 1;
		if (wanted == '*') {
			scratch->in_glob = in_glob + 1;
			scratch->behind_star = in_glob + 1;
			scratch->resume = in_text;
		} else if (byte && wanted == byte) {
			scratch->in_glob = in_glob + 1;
			scratch->in_text = in_text + 1;
			if (byte == '.')
				scratch->behind_star = 0;
		} else {
			u32 resume = scratch->resume, taken;

			taken = scratch->binding.name.text[resume & (TR_NAME_SIZE - 1)];
			/* A star takes no dot. */
			if (!scratch->behind_star || !taken || taken == '.')
				return -1;
			scratch->resume = resume + 1;
			scratch->in_text = resume + 1;
			scratch->in_glob = scratch->behind_star;
		}
	}
	return 0;
}

/* Whether a glob of the policy matches the name of the key; less than 0: it cannot be said. */
__noinline int tr_match(u32 place, u32 index)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	struct tr_glob *glob = bpf_map_lookup_elem(&globs, &index);
	int result = 0;

	if (!scratch || !glob)
		return -1;
	scratch->in_glob = 0;
	scratch->in_text = 0;
	scratch->behind_star = 0;
	scratch->resume = 0;
	scratch->glob_length = glob->length;
	for (u32 i = 0; i < TR_GLOB_CALLS; i++) {
		result = tr_match_some(place, index);
		if (result)
			return result > 0;
	}
	return -1;
}

/* Looks up what a slot's policy has for the name of the key: its list and its globs. Less than 0: it cannot. */
__noinline int tr_look_up_name(u32 place, u32 slot)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	struct tr_policy *policy = bpf_map_lookup_elem(&policies, &slot);
	void *trie = bpf_map_lookup_elem(&name_tries, &slot);
	u32 *list;

	if (!scratch || !policy || !trie || slot >= TR_POLICY_SLOTS)
		return -1;
	list = bpf_map_lookup_elem(trie, &scratch->binding.name);
	__builtin_memset(scratch->binding.list, 0, sizeof(scratch->binding.list));
	__builtin_memset(scratch->binding.globs, 0, sizeof(scratch->binding.globs));
	scratch->binding.list[slot & 1] = (u64)policy->generation << 32 | (list ? *list : 0);
	/* Word by word, for a bit of a word costs the verifier less than one of a map. */
	for (u32 first = 0; first < TR_MAX_GLOBS; first += 64) {
		u64 word = 0;

		for (u32 i = 0; i < 64; i++) {
			int matches;

			if (first + i >= policy->glob_count)
				break;
			matches = tr_match(place, slot * TR_MAX_GLOBS + first + i);
			if (matches < 0)
				return -1;
			word |= (u64)matches << i;
		}
		scratch->binding.globs[slot & 1][first / 64] = word;
	}
	return (u32)scratch->binding.list[slot & 1];
}

#endif
