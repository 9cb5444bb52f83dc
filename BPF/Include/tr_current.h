/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Who, at less cost than tr_task.h: for tracing programs. */
#ifndef TR_CURRENT_H
#define TR_CURRENT_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_config.h"
#include "tr_record.h"
#include "tr_task.h"

/* The process that runs now, where a load does instead of a helper call; without comm, which the agent has from
 * exec. */
static __always_inline u16 tr_fill_current(struct tr_task *who)
{
	struct task_struct *task;
	u64 ids;

	if (!config.tracing_helpers)
		return tr_fill_task(who);
	task = bpf_get_current_task_btf();
	if (task->flags & PF_KTHREAD)
		return tr_fill_task(who);
	ids = bpf_get_current_uid_gid();
	who->start_time = task->group_leader->start_boottime;
	who->cgroup = task->cgroups->dfl_cgrp->kn->id;
	who->tgid = task->tgid;
	who->uid = ids;
	who->gid = ids >> 32;
	who->netns = 0;
	__builtin_memset(who->comm, 0, sizeof(who->comm));
	return 0;
}

#endif
