/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The processes of the scopes, for good: whoever was in a scope, and what descends from it, wherever it moves itself.
 * Files of the hierarchy belong to uid 0, which may write itself into another group and needs no capability for that.
 */
#ifndef TR_MEMBER_H
#define TR_MEMBER_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "tr_borrower.h"
#include "tr_image.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TR_MAX_PROCESSES);
	__type(key, struct tr_process_key);
	__type(value, u8);
} members SEC(".maps");

static __always_inline int tr_is_member(struct task_struct *task)
{
	struct tr_process_key key;

	tr_set_process_key(&key, task);
	return bpf_map_lookup_elem(&members, &key) != NULL;
}

/* The same of a task that the verifier knows as one. */
static __always_inline int tr_is_member_here(struct task_struct *task)
{
	struct tr_process_key key = { .start = task->group_leader->start_boottime, .tgid = task->tgid };

	return bpf_map_lookup_elem(&members, &key) != NULL;
}

/* Before 5.15 the word is something else where v1 controllers tag sockets (its lowest bits). */
struct sock_cgroup_data___tagged {
	u64 val;
} __attribute__((preserve_access_index));

/* The group that a socket was born in; NULL: the kernel does not keep it. */
static __always_inline struct cgroup *tr_birthplace(struct sock *sk)
{
	struct sock_cgroup_data___tagged *tagged = (void *)&sk->sk_cgrp_data;
	u64 word;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	word = BPF_CORE_READ(tagged, val);
	return word & 3 ? NULL : (struct cgroup *)word;
}

#endif
