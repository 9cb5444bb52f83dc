/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Whether the server name of a ClientHello is a host name, and the key that policies and bindings have for it. */
#ifndef TR_HOST_NAME_H
#define TR_HOST_NAME_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_name.h"
#include "tr_scratch.h"

/* Reads on in the labels of the name in text[0]: some bytes from `first` on. */
__noinline int tr_count_some_labels(u32 place, u32 first, u32 length)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 dots = 0, bad = 0, run, letters;

	if (!scratch)
		return -1;
	run = scratch->run;
	letters = scratch->letters;
	for (u32 i = 0; i < TR_AT_ONCE; i++) {
		u32 byte, is_dot;

		if (first + i >= length)
			break;
		byte = scratch->text[0][(first + i) & (TR_NAME_SIZE - 1)];
		is_dot = tr_in(byte, '.', '.');
		bad |= is_dot & ((run - 1) >> 31);
		run = (run + 1) * (1 - is_dot);
		bad |= (TR_LONGEST_LABEL - run) >> 31;
		letters = (letters | (1 - tr_in(byte, '0', '9'))) & (1 - is_dot);
		dots += is_dot;
	}
	scratch->run = run;
	scratch->letters = letters;
	scratch->labels += dots;
	return bad ? -1 : 0;
}

/* Labels of 1 to 63 bytes, the last one no number, which would be an address (RFC 1123 2.1): how many there are; 0:
 * something else. */
__noinline u32 tr_count_labels(u32 place, u32 length)
{
	struct tr_scratch *scratch = tr_scratch_at(place);

	if (!scratch)
		return 0;
	scratch->run = 0;
	scratch->letters = 0;
	scratch->labels = 1;
	for (u32 first = 0; first < TR_NAME_SIZE; first += TR_AT_ONCE) {
		if (first >= length)
			break;
		if (tr_count_some_labels(place, first, length))
			return 0;
	}
	return scratch->run && scratch->letters ? scratch->labels : 0;
}

/* Makes the key of the server name that was read. Less than 0: it is no host name. */
__noinline int tr_make_server_name(u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 size;

	if (!scratch)
		return -1;
	size = scratch->hello.name_size;
	if (!size || size > TR_LONGEST_NAME + 1)
		return -1;
	if (size > 1 && scratch->hello.name[(size - 1) & (TR_NAME_SIZE - 1)] == '.')
		size -= 1;
	if (size > TR_LONGEST_NAME)
		return -1;
	bpf_probe_read_kernel(scratch->text[0], TR_NAME_SIZE, scratch->hello.name);
	if (!tr_count_labels(place, size))
		return -1;
	scratch->length[0] = size;
	return tr_make_name_key(place);
}

#endif
