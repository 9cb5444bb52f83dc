/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Which control groups are enforced, for tracing programs: those of control groups run in theirs anyway. */
#ifndef TR_SCOPE_H
#define TR_SCOPE_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "tr_executable.h"

enum { TR_MAX_CGROUP_DEPTH = 64 };

/* Control groups, each with all below it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TR_MAX_SCOPES);
	__type(key, u64);
	__type(value, u8);
} scopes SEC(".maps");

static __always_inline int tr_is_of_scope(struct cgroup *cgroup)
{
	for (int i = 0; i < TR_MAX_CGROUP_DEPTH && cgroup; i++) {
		struct cgroup_subsys_state *parent;
		u64 id = BPF_CORE_READ(cgroup, kn, id);

		if (bpf_map_lookup_elem(&scopes, &id))
			return 1;
		parent = BPF_CORE_READ(cgroup, self.parent);
		if (!parent)
			return 0;
		cgroup = (void *)parent - bpf_core_field_offset(struct cgroup, self);
	}
	return 0;
}

static __always_inline int tr_is_in_scope(struct task_struct *task)
{
	return tr_is_of_scope(BPF_CORE_READ(task, cgroups, dfl_cgrp));
}

#endif
