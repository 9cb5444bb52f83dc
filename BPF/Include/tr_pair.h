/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Programs of tracepoints in pairs, since the kernel passes over one that would interrupt itself (see tr_twin.h). What
 * the body does it does not do again when it runs twice. */
#ifndef TR_PAIR_H
#define TR_PAIR_H

#include <bpf/bpf_tracing.h>
#include "tr_hold.h"

#define TR_PAIR(tracepoint, body, ...)                      \
	SEC("tp_btf/" #tracepoint)                          \
	int BPF_PROG(tp_btf__##tracepoint, __VA_ARGS__)     \
	{                                                   \
		tr_hold();                                  \
		body;                                       \
		tr_release();                               \
		return 0;                                   \
	}                                                   \
	SEC("tp_btf/" #tracepoint)                          \
	int BPF_PROG(tp_btf__##tracepoint##_2, __VA_ARGS__) \
	{                                                   \
		tr_hold();                                  \
		body;                                       \
		tr_release();                               \
		return 0;                                   \
	}

#endif
