/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The server name of a ClientHello (RFC 8446 4.1.2, RFC 6066 3), read in whatever pieces it comes, one byte after
 * another. TLSClientHello.parse reads the same, and a test holds the two against each other. The functions are global
 * and take the place of a scratch: the verifier looks at each once.
 */
#ifndef TR_CLIENT_HELLO_H
#define TR_CLIENT_HELLO_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_name.h"
#include "tr_scratch.h"

enum {
	TLS_CHANGE_CIPHER_SPEC = 20, /* RFC 8446 5.1 */
	TLS_HANDSHAKE = 22,
	TLS_APPLICATION_DATA = 23,
	TLS_MAJOR = 3,
	TLS_RECORD_HEADER = 5,
	TLS_LONGEST_RECORD = 1 << 14,
	TLS_CLIENT_HELLO = 1,
	TLS_RANDOM = 32,
	TLS_LONGEST_SESSION = 32,
	TLS_SERVER_NAME = 0,
	TLS_EARLY_DATA = 42,
	TLS_ECH = 0xfe0d, /* RFC 9849 5 */
	TLS_HOST_NAME = 0,
	TR_LONGEST_HELLO = 17 * 1024,
	TR_HELLO_RECORDS = 64,
	TR_HELLO_CHUNK = 512, /* bytes that are read at once */
};

/* What is read next. */
enum {
	TR_READ_HEAD, /* of the message: type and length */
	TR_READ_VERSION,
	TR_READ_SESSION, /* each with its length, and then passed over */
	TR_READ_CIPHERS,
	TR_READ_COMPRESSION,
	TR_READ_EXTENSIONS,
	TR_READ_EXTENSION, /* type and length */
	TR_READ_LIST,	   /* of server names: its length */
	TR_READ_ENTRY,	   /* type and length */
	TR_READ_NAME,
	TR_PASS_OVER,
	TR_READ_NOTHING,
	TR_READ_BEHIND, /* whether another message follows */
};

/* What the bytes turned out to be. */
enum {
	TR_HELLO_STEP = 0, /* there may be more to read */
	TR_HELLO_MORE,	   /* all that is there was read */
	TR_HELLO_NAMED,	   /* the list of server names ends here, and the message does not */
	TR_HELLO_WHOLE,
	TR_HELLO_NOT_TLS,
	TR_HELLO_BROKEN,
	TR_HELLO_END, /* no other message can follow */
};

/* tr_hello_cursor.seen */
enum {
	TR_SEEN_LIST = 1,
	TR_SEEN_NAME = 2,
	TR_SEEN_ECH = 4,
	TR_SEEN_EARLY = 8,
};

/* Begins to read a number, or something that is passed over. */
static __always_inline int tr_begin(struct tr_hello_cursor *hello, u32 phase, u32 size)
{
	if (size > hello->body_left)
		return TR_HELLO_BROKEN;
	hello->phase = phase;
	hello->left = size;
	hello->value = 0;
	return TR_HELLO_STEP;
}

static __always_inline int tr_begin_extension(struct tr_hello_cursor *hello)
{
	if (hello->body_left)
		return tr_begin(hello, TR_READ_EXTENSION, 4);
	hello->phase = TR_READ_NOTHING;
	return TR_HELLO_WHOLE;
}

/* What stands behind that which was passed over. */
static __always_inline int tr_begin_next(struct tr_hello_cursor *hello)
{
	switch (hello->next) {
	case TR_READ_SESSION:
		return tr_begin(hello, TR_READ_SESSION, 1);
	case TR_READ_CIPHERS:
		return tr_begin(hello, TR_READ_CIPHERS, 2);
	case TR_READ_COMPRESSION:
		return tr_begin(hello, TR_READ_COMPRESSION, 1);
	case TR_READ_EXTENSIONS:
		/* TLS 1.2 permits none (RFC 5246 7.4.1.2). */
		return hello->body_left ? tr_begin(hello, TR_READ_EXTENSIONS, 2) : tr_begin_extension(hello);
	case TR_READ_ENTRY:
		if (hello->list_left)
			return hello->list_left < 3 ? TR_HELLO_BROKEN : tr_begin(hello, TR_READ_ENTRY, 3);
		/* The end of the message, if it is here, is told at the next step. */
		if (tr_begin_extension(hello) == TR_HELLO_BROKEN)
			return TR_HELLO_BROKEN;
		return TR_HELLO_NAMED;
	default:
		return tr_begin_extension(hello);
	}
}

static __always_inline int tr_pass_over(struct tr_hello_cursor *hello, u32 phase, u32 size, u32 next)
{
	hello->next = next;
	return size ? tr_begin(hello, phase, size) : tr_begin_next(hello);
}

static __always_inline int tr_on_extension(struct tr_hello_cursor *hello, u32 type, u32 size)
{
	if (size > hello->body_left)
		return TR_HELLO_BROKEN;
	if (type == TLS_SERVER_NAME) {
		if (hello->seen & TR_SEEN_LIST || size < 2)
			return TR_HELLO_BROKEN;
		hello->seen |= TR_SEEN_LIST;
		hello->list_left = size - 2;
		return tr_begin(hello, TR_READ_LIST, 2);
	}
	if (type == TLS_ECH)
		hello->seen |= TR_SEEN_ECH;
	if (type == TLS_EARLY_DATA)
		hello->seen |= TR_SEEN_EARLY;
	return tr_pass_over(hello, TR_PASS_OVER, size, TR_READ_EXTENSION);
}

static __always_inline int tr_on_entry(struct tr_hello_cursor *hello, u32 type, u32 size)
{
	hello->list_left -= 3;
	if (size > hello->list_left)
		return TR_HELLO_BROKEN;
	hello->list_left -= size;
	if (type != TLS_HOST_NAME)
		return tr_pass_over(hello, TR_PASS_OVER, size, TR_READ_ENTRY);
	if (hello->seen & TR_SEEN_NAME || !size)
		return TR_HELLO_BROKEN;
	hello->seen |= TR_SEEN_NAME;
	return tr_pass_over(hello, TR_READ_NAME, size, TR_READ_ENTRY);
}

/* A number was read. */
static __always_inline int tr_on_number(struct tr_hello_cursor *hello)
{
	u32 value = hello->value;

	switch (hello->phase) {
	case TR_READ_HEAD:
		hello->body_left = value & 0xffffff;
		return hello->body_left > TR_LONGEST_HELLO ? TR_HELLO_BROKEN : tr_begin(hello, TR_READ_VERSION, 2);
	case TR_READ_VERSION:
		if (value >> 8 != TLS_MAJOR)
			return TR_HELLO_BROKEN;
		return tr_pass_over(hello, TR_PASS_OVER, TLS_RANDOM, TR_READ_SESSION);
	case TR_READ_SESSION:
		if (value > TLS_LONGEST_SESSION)
			return TR_HELLO_BROKEN;
		return tr_pass_over(hello, TR_PASS_OVER, value, TR_READ_CIPHERS);
	case TR_READ_CIPHERS:
		if (!value || value & 1)
			return TR_HELLO_BROKEN;
		return tr_pass_over(hello, TR_PASS_OVER, value, TR_READ_COMPRESSION);
	case TR_READ_COMPRESSION:
		return value ? tr_pass_over(hello, TR_PASS_OVER, value, TR_READ_EXTENSIONS) : TR_HELLO_BROKEN;
	case TR_READ_EXTENSIONS:
		return value == hello->body_left ? tr_begin_extension(hello) : TR_HELLO_BROKEN;
	case TR_READ_EXTENSION:
		return tr_on_extension(hello, value >> 16, value & 0xffff);
	case TR_READ_LIST:
		if (!value || value != hello->list_left)
			return TR_HELLO_BROKEN;
		hello->next = TR_READ_ENTRY;
		return tr_begin_next(hello);
	case TR_READ_ENTRY:
		return tr_on_entry(hello, value >> 16, value & 0xffff);
	default:
		return TR_HELLO_BROKEN;
	}
}

/* The last bytes of a record's header: its size. Whether the header ends with this one. */
static __always_inline int tr_ends_header(struct tr_hello_cursor *hello, u32 at, u32 byte)
{
	if (at == 3)
		hello->record_size = byte << 8;
	if (at < TLS_RECORD_HEADER - 1)
		return 0;
	hello->record_left = hello->record_size | byte;
	hello->header = 0;
	hello->records += 1;
	return 1;
}

/* A byte of a record's header. */
static __always_inline int tr_on_header(struct tr_hello_cursor *hello, u32 byte)
{
	u32 at = hello->header, wanted = at ? TLS_MAJOR : TLS_HANDSHAKE;

	if (at < 2 && byte != wanted)
		return hello->records ? TR_HELLO_BROKEN : TR_HELLO_NOT_TLS;
	hello->header = at + 1;
	if (!tr_ends_header(hello, at, byte))
		return TR_HELLO_STEP;
	if (!hello->record_left || hello->record_left > TLS_LONGEST_RECORD || hello->records > TR_HELLO_RECORDS)
		return TR_HELLO_BROKEN;
	return TR_HELLO_STEP;
}

/* A byte of the header of a record behind the message. */
static __always_inline int tr_on_header_behind(struct tr_hello_cursor *hello, u32 byte)
{
	u32 at = hello->header;

	hello->header = at + 1;
	if (at == 0) {
		hello->kind = byte;
		if (byte == TLS_APPLICATION_DATA)
			return hello->seen & TR_SEEN_EARLY ? TR_HELLO_STEP : TR_HELLO_END;
		return byte == TLS_HANDSHAKE || byte == TLS_CHANGE_CIPHER_SPEC ? TR_HELLO_STEP : TR_HELLO_END;
	}
	if (at == 1)
		return byte == TLS_MAJOR ? TR_HELLO_STEP : TR_HELLO_END;
	if (!tr_ends_header(hello, at, byte))
		return TR_HELLO_STEP;
	if (hello->records > 2 * TR_HELLO_RECORDS)
		return hello->kind == TLS_APPLICATION_DATA ? TR_HELLO_END : TR_HELLO_BROKEN;
	return TR_HELLO_STEP;
}

/*
 * A server that asks for another ClientHello (HelloRetryRequest, RFC 8446 4.1.4) gets it in the clear, behind records
 * that change no keys and early data at most, and some go by the name in that one. So does what is left of the first
 * one's record.
 */
static __always_inline int tr_step_behind(struct tr_scratch *scratch, struct tr_hello_cursor *hello, u32 at, u32 byte)
{
	u32 count = scratch->size - at;

	if (!hello->record_left) {
		scratch->at = at + 1;
		return tr_on_header_behind(hello, byte);
	}
	if (hello->kind != TLS_HANDSHAKE) {
		if (count > hello->record_left)
			count = hello->record_left;
		scratch->at = at + count;
		hello->record_left -= count;
		return TR_HELLO_STEP;
	}
	if (byte != TLS_CLIENT_HELLO)
		return TR_HELLO_END;
	scratch->at = at + 1;
	hello->second_size = hello->record_left;
	hello->record_left -= 1;
	hello->phase = TR_READ_HEAD;
	hello->value = byte;
	hello->left = 3;
	hello->seen &= TR_SEEN_ECH;
	hello->name_size = 0;
	return TR_HELLO_STEP;
}

/* After a whole message. */
static __always_inline void tr_begin_behind(struct tr_hello_cursor *hello)
{
	hello->phase = TR_READ_BEHIND;
	hello->kind = TLS_HANDSHAKE;
}

/* Reads a byte, or passes over as many as there are. */
__noinline int tr_hello_step(u32 place)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 at, byte, count;
	struct tr_hello_cursor *hello;

	if (!scratch)
		return TR_HELLO_BROKEN;
	hello = &scratch->hello;
	if (hello->phase == TR_READ_NOTHING)
		return TR_HELLO_WHOLE;
	at = scratch->at;
	if (at >= scratch->size)
		return TR_HELLO_MORE;
	byte = scratch->message[at & (TR_MESSAGE_BUFFER - 1)];
	if (hello->phase == TR_READ_BEHIND)
		return tr_step_behind(scratch, hello, at, byte);
	if (!hello->record_left) {
		scratch->at = at + 1;
		return tr_on_header(hello, byte);
	}
	count = 1;
	if (hello->phase == TR_PASS_OVER) {
		count = scratch->size - at;
		if (count > hello->left)
			count = hello->left;
		if (count > hello->record_left)
			count = hello->record_left;
	}
	scratch->at = at + count;
	hello->record_left -= count;
	if (hello->phase != TR_READ_HEAD)
		hello->body_left -= count;
	hello->left -= count;
	if (hello->phase == TR_PASS_OVER)
		return hello->left ? TR_HELLO_STEP : tr_begin_next(hello);
	if (hello->phase == TR_READ_NAME) {
		hello->name[hello->name_size & (TR_NAME_SIZE - 1)] = byte;
		hello->name_size += 1;
		return hello->left ? TR_HELLO_STEP : tr_begin_next(hello);
	}
	hello->value = hello->value << 8 | byte;
	if (hello->phase == TR_READ_HEAD && hello->left == 3 && byte != TLS_CLIENT_HELLO)
		return TR_HELLO_BROKEN;
	return hello->left ? TR_HELLO_STEP : tr_on_number(hello);
}

/* Reads on in what a scratch holds from `at` on, TR_HELLO_CHUNK bytes at most. */
__noinline int tr_read_hello(u32 place)
{
	for (u32 i = 0; i <= TR_HELLO_CHUNK; i++) {
		int result = tr_hello_step(place);

		if (result)
			return result;
	}
	return TR_HELLO_BROKEN;
}

static __always_inline void tr_begin_hello(struct tr_hello_cursor *hello)
{
	__builtin_memset(hello, 0, sizeof(*hello));
	hello->left = 4; /* of its head */
}

#endif
