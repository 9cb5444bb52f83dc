/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Holds off preemption in tracing programs, which is theirs by nature but on kernels whose tracepoints can be preempted
 * (since 6.19). */
#ifndef TR_HOLD_H
#define TR_HOLD_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Such a kernel keeps `active` for each context, a byte each. */
struct bpf_prog___by_context {
	u8 *active;
} __attribute__((preserve_access_index));

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

static __always_inline int tr_can_be_preempted(void)
{
	return bpf_core_type_matches(struct bpf_prog___by_context);
}

static __always_inline void tr_hold(void)
{
	if (tr_can_be_preempted() && bpf_preempt_disable)
		bpf_preempt_disable();
}

static __always_inline void tr_release(void)
{
	if (tr_can_be_preempted() && bpf_preempt_enable)
		bpf_preempt_enable();
}

#endif
