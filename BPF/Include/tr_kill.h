/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Kills whoever did what a rule says `kill` of. Programs of control groups may send signals from 6.18 on; before, the
 * gate notes the thread, and kill.bpf.c kills it in the same call, before it is back in its program.
 */
#ifndef TR_KILL_H
#define TR_KILL_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

enum { SIGKILL = 9, TR_MAX_CONDEMNED = 4096 };

struct tr_thread {
	u64 task;  /* its place in the kernel's memory */
	u64 start; /* nanoseconds since boot: nobody is killed for who was in that place before */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TR_MAX_CONDEMNED);
	__type(key, struct tr_thread);
	__type(value, u8);
} condemned SEC(".maps");

static __always_inline void tr_set_thread(struct tr_thread *thread)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	thread->task = (u64)task;
	thread->start = BPF_CORE_READ(task, start_boottime);
}

/* Not inlined: it has a stack of its own. */
static __noinline __attribute__((unused)) int tr_condemn(void)
{
	struct tr_thread thread;
	u8 one = 1;

	tr_set_thread(&thread);
	return bpf_map_update_elem(&condemned, &thread, &one, BPF_ANY);
}

static __always_inline void tr_kill_condemned(void)
{
	struct tr_thread thread;

	tr_set_thread(&thread);
	if (!bpf_map_delete_elem(&condemned, &thread))
		bpf_send_signal(SIGKILL);
}

#endif
