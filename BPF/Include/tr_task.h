/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Who: fills a process's identity from its task_struct. */
#ifndef TR_TASK_H
#define TR_TASK_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "tr_borrower.h"
#include "tr_record.h"

static __always_inline u64 tr_cgroup_id(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

static __always_inline u16 tr_fill_task_of(struct tr_task *who, struct task_struct *task)
{
	struct task_struct *leader;

	leader = BPF_CORE_READ(task, group_leader);
	who->start_time = BPF_CORE_READ(leader, start_boottime);
	who->cgroup = tr_cgroup_id(leader);
	who->tgid = BPF_CORE_READ(task, tgid);
	who->uid = BPF_CORE_READ(task, cred, uid.val);
	who->gid = BPF_CORE_READ(task, cred, gid.val);
	who->netns = 0;
	bpf_core_read(who->comm, sizeof(who->comm), &leader->comm);
	return BPF_CORE_READ(leader, flags) & PF_KTHREAD ? TR_FLAG_KERNEL : 0;
}

/* The process that runs now, for any program; returns the flags that the record needs. */
static __always_inline u16 tr_fill_task(struct tr_task *who)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		task = tr_borrower(task);
	return tr_fill_task_of(who, task);
}

static __always_inline u64 tr_parent(struct task_struct *task, u32 *tgid)
{
	struct task_struct *parent = BPF_CORE_READ(task, group_leader, real_parent);

	*tgid = BPF_CORE_READ(parent, tgid);
	return BPF_CORE_READ(parent, group_leader, start_boottime);
}

#endif
