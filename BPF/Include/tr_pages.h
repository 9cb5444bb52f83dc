/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Whether the bytes of a packet are the program's own memory, which it could change after they were judged: splice(2),
 * sendfile(2), vmsplice(2) and io_uring's SEND_ZC leave them where they are, send(2) copies them.
 */
#ifndef TR_PAGES_H
#define TR_PAGES_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct sk_buff___pages {
	unsigned char *head;
	u32 end; /* an offset from head on 64-bit machines */
} __attribute__((preserve_access_index));

struct skb_shared_info___pages {
	u8 flags; /* since 5.12, commit 06b4feb37e64 ("net: group skb_shinfo zerocopy related bits together") */
	u8 tx_flags;
} __attribute__((preserve_access_index));

enum {
	SKBFL_ZEROCOPY_ENABLE = 1,
	SKBFL_SHARED_FRAG = 2,
	SKBTX_DEV_ZEROCOPY = 8, /* before */
	SKBTX_SHARED_FRAG = 32,
};

/* Some of it lies in pages. What send(2) copies of a short datagram lies with the headers. */
static __always_inline int tr_is_in_pages(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	return (u64)(end - data) < skb->len;
}

/* Some of it lies in pages that are not the kernel's own. TCP's always lies in pages. */
static __always_inline int tr_is_in_shared_pages(struct __sk_buff *skb)
{
	struct __sk_buff *volatile held = skb;
	struct skb_shared_info___pages *info;
	struct sk_buff___pages *packet = NULL;
	u8 flags;

	/* As tr_packet_socket does. */
	if (bpf_probe_read_kernel(&packet, sizeof(packet), (void *)&held))
		return 1;
	info = (void *)(BPF_CORE_READ(packet, head) + BPF_CORE_READ(packet, end));
	if (bpf_core_field_exists(info->flags)) {
		flags = BPF_CORE_READ(info, flags);
		return flags & (SKBFL_ZEROCOPY_ENABLE | SKBFL_SHARED_FRAG);
	}
	flags = BPF_CORE_READ(info, tx_flags);
	return flags & (SKBTX_DEV_ZEROCOPY | SKBTX_SHARED_FRAG);
}

#endif
