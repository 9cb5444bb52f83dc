/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Asks whether the process that calls is one that a rule with `process` is for. */
#ifndef TR_PROCESS_H
#define TR_PROCESS_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "tr_borrower.h"
#include "tr_image.h"
#include "tr_outcome.h"

/*
 * The image that the current process runs; NULL: not known. What is read goes where the key was, since the stack is
 * shared with six callers, 512 bytes in all before 6.14 and rounded up to 32 for each.
 */
static __always_inline struct tr_image *tr_current_image(struct tr_process_key *key)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct tr_image_key *image;

	BPF_CORE_READ_INTO(&key->reserved, task, flags);
	if (key->reserved & PF_KTHREAD)
		task = tr_borrower(task);
	BPF_CORE_READ_INTO(&key->start, task, group_leader, start_boottime);
	BPF_CORE_READ_INTO(&key->tgid, task, tgid);
	key->reserved = 0;
	image = bpf_map_lookup_elem(&processes, key);
	BPF_CORE_READ_INTO(&key->start, task, self_exec_id);
	if (!image || image->exec_id != key->start)
		return NULL;
	return bpf_map_lookup_elem(&images, image);
}

static __always_inline u32 tr_current_tgid(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, tgid);
}

/* Which image the current process runs, for tr_fits_image. All zero: it is not known. */
static __always_inline void tr_keep_image(struct tr_image_key *kept)
{
	struct tr_process_key key;
	struct tr_image_key *image;

	__builtin_memset(kept, 0, sizeof(*kept));
	tr_set_process_key(&key, (struct task_struct *)bpf_get_current_task());
	image = bpf_map_lookup_elem(&processes, &key);
	if (image && tr_current_image(&key))
		*kept = *image;
}

/*
 * 1: the executable of the current process matches the glob of this number (from 1 on) in that slot's policy; 0: it
 * does not, or is not known. Global, so that the verifier looks at it once.
 */
__noinline int tr_fits_process(u32 slot, u32 process)
{
	u64 asked = (u64)slot << 32 | (process - 1); /* one register, so that none is spilled to the stack */
	struct tr_image_class *class;
	struct tr_process_key key;
	struct tr_policy *policy;
	struct tr_image *image;
	u32 glob;

	asm volatile("" : "+r"(asked));
	image = tr_current_image(&key);
	slot = key.tgid = asked >> 32;
	glob = asked;
	policy = bpf_map_lookup_elem(&policies, &key.tgid);
	if (image && policy) {
		class = slot ? &image->classes[1] : &image->classes[0];
		if (class->generation == policy->generation && image->count)
			return class->globs[glob / 64 % (TR_MAX_PROCESS_GLOBS / 64)] >> (glob % 64) & 1;
	}
	tr_count_total(TR_TOTAL_PROCESSES_UNKNOWN);
	return 0;
}

#endif
