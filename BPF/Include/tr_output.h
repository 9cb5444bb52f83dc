/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Records leave by one ring that every family shares; a reserve that fails is counted, per CPU and kind, where it
 * fails. */
#ifndef TR_OUTPUT_H
#define TR_OUTPUT_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_record.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, TR_RING_BYTES);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TR_RECORD_KINDS);
	__type(key, u32);
	__type(value, u64);
} drops SEC(".maps");

static __always_inline void tr_count_drop(u32 kind)
{
	u64 *count = bpf_map_lookup_elem(&drops, &kind);

	/* A program may be interrupted, or preempted, by another between reading and writing. */
	if (count)
		__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

static __always_inline void tr_fill_header(struct tr_record_header *header, u16 kind, u32 size)
{
	header->kind = kind;
	header->flags = 0;
	header->size = size;
	header->time = bpf_ktime_get_boot_ns();
}

static __always_inline void *tr_reserve(u16 kind, u32 size)
{
	struct tr_record_header *header = bpf_ringbuf_reserve(&events, size, 0);

	if (!header) {
		tr_count_drop(kind);
		return NULL;
	}
	tr_fill_header(header, kind, size);
	return header;
}

/* Waking the agent costs the watched program more than the record does: records wait for the agent's tick. */
static __always_inline void tr_submit(void *record)
{
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* For records of variable size, built in a per-CPU scratch buffer. */
static __always_inline void tr_output(struct tr_record_header *record, u32 size)
{
	record->size = size;
	if (bpf_ringbuf_output(&events, record, size, BPF_RB_NO_WAKEUP))
		tr_count_drop(record->kind);
}

#endif
