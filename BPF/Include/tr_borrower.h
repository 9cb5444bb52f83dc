/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* For whom a kernel thread works. */
#ifndef TR_BORROWER_H
#define TR_BORROWER_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * io_uring's workers were kernel threads that borrow the submitter's memory before 5.12 (3bfe6106693b), so the process
 * is the owner of that memory.
 */
static __always_inline struct task_struct *tr_borrower(struct task_struct *task)
{
	struct task_struct *owner = NULL;
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	if (mm && bpf_core_field_exists(mm->owner))
		owner = BPF_CORE_READ(mm, owner);
	return owner ? owner : task;
}

#endif
