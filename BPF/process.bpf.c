// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Who: fork, exec and exit of processes (not threads), cgroups as they come and go, and an iterator over what ran
 * before. Hooks: tp_btf/sched_process_{fork,exec,exit}, tp_btf/cgroup_{mkdir,rmdir}, iter/task. No fallback: without
 * BTF there is no agent. Blind spot: comm changed by prctl is seen only in the next record of that process.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "tr_config.h"
#include "tr_output.h"
#include "tr_path.h"
#include "tr_task.h"
#include "tr_twin.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Scratch buffers of the CPU: each program of a pair has its own, since one may interrupt the other; so has the
 * iterator. */
enum scratch_owner { FIRST, SECOND, ITERATOR, SCRATCHES };

struct exec_scratch {
	struct tr_exec_record record;
	char text[TR_MAX_PATH_TEXT + TR_MAX_ARGUMENTS];
	struct tr_walk walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

struct cgroup_scratch {
	struct tr_cgroup_record record;
	char path[TR_MAX_CGROUP_PATH];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, u32);
	__type(value, struct cgroup_scratch);
} cgroup_scratch SEC(".maps");

static __always_inline u32 tr_path(struct exec_scratch *scratch, struct file *file)
{
	tr_walk(&scratch->walk, scratch->text, file);
	return scratch->walk.is_cut ? 0 : scratch->walk.size; /* a part would be another path */
}

static __always_inline u32 tr_arguments(struct exec_scratch *scratch, u32 offset, struct mm_struct *mm)
{
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	u64 size = BPF_CORE_READ(mm, arg_end) - start;

	if (offset > TR_MAX_PATH_TEXT)
		return 0;
	if (size > TR_MAX_ARGUMENTS) {
		size = TR_MAX_ARGUMENTS;
		scratch->record.header.flags |= TR_FLAG_TRUNCATED;
	}
	if (bpf_probe_read_user(&scratch->text[offset], size, (void *)start))
		return 0;
	return size;
}

static __always_inline struct exec_scratch *tr_begin_exec(struct task_struct *task, u32 owner)
{
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &owner);

	if (!scratch)
		return NULL;
	tr_fill_header(&scratch->record.header, TR_RECORD_EXEC, 0);
	scratch->record.header.flags = tr_fill_task_of(&scratch->record.task, task);
	scratch->record.parent_start_time = tr_parent(task, &scratch->record.parent_tgid);
	scratch->record.arguments_size = 0;
	scratch->record.path_size = 0;
	return scratch;
}

static __always_inline int tr_on_exec(struct task_struct *task, u32 owner)
{
	struct exec_scratch *scratch;
	u32 size;

	scratch = tr_begin_exec(task, owner);
	if (!scratch)
		return 0;
	size = tr_path(scratch, BPF_CORE_READ(task, mm, exe_file));
	scratch->record.path_size = size;
	scratch->record.arguments_size = tr_arguments(scratch, size, BPF_CORE_READ(task, mm));
	size += sizeof(scratch->record) + scratch->record.arguments_size;
	if (size <= sizeof(*scratch))
		tr_output(&scratch->record.header, size);
	return 0;
}

static __always_inline int tr_on_fork(struct task_struct *child)
{
	struct tr_fork_record *record = tr_reserve(TR_RECORD_FORK, sizeof(*record));

	if (!record)
		return 0;
	record->header.flags = tr_fill_task_of(&record->task, child);
	record->parent_start_time = tr_parent(child, &record->parent_tgid);
	record->reserved = 0;
	tr_submit(record);
	return 0;
}

static __always_inline int tr_on_exit(struct task_struct *task)
{
	struct tr_exit_record *record = tr_reserve(TR_RECORD_EXIT, sizeof(*record));

	if (!record)
		return 0;
	record->header.flags = tr_fill_task_of(&record->task, task);
	record->code = BPF_CORE_READ(task, exit_code);
	record->reserved = 0;
	tr_submit(record);
	return 0;
}

static __always_inline int tr_on_cgroup(struct cgroup *cgroup, const char *path, u16 flags, u32 owner)
{
	struct cgroup_scratch *scratch;
	long size;

	if (BPF_CORE_READ(cgroup, root, hierarchy_id) != 0) /* v1 */
		return 0;
	scratch = bpf_map_lookup_elem(&cgroup_scratch, &owner);
	if (!scratch)
		return 0;
	tr_fill_header(&scratch->record.header, TR_RECORD_CGROUP, 0);
	scratch->record.header.flags = flags;
	scratch->record.id = BPF_CORE_READ(cgroup, kn, id);
	scratch->record.reserved = 0;
	size = bpf_probe_read_kernel_str(scratch->path, sizeof(scratch->path), path);
	if (size <= 0 || size > sizeof(scratch->path))
		return 0;
	scratch->record.path_size = size - 1;
	tr_output(&scratch->record.header, sizeof(scratch->record) + size);
	return 0;
}

static __always_inline int tr_exec_seen(struct task_struct *task, u32 owner)
{
	struct tr_notes *noted = tr_enter();

	if (tr_is_first(noted, task->start_boottime, task->self_exec_id << 16 | TR_RECORD_EXEC))
		tr_on_exec(task, owner);
	tr_leave(noted);
	return 0;
}

static __always_inline int tr_fork_seen(struct task_struct *child)
{
	struct tr_notes *noted;

	if (child->pid != child->tgid) /* a thread */
		return 0;
	noted = tr_enter();
	if (tr_is_first(noted, child->start_boottime, TR_RECORD_FORK))
		tr_on_fork(child);
	tr_leave(noted);
	return 0;
}

static __always_inline int tr_exit_seen(struct task_struct *task)
{
	struct tr_notes *noted;

	if (task->signal->live.counter) /* not the last thread */
		return 0;
	noted = tr_enter();
	if (tr_is_first(noted, task->start_boottime, TR_RECORD_EXIT))
		tr_on_exit(task);
	tr_leave(noted);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(tp_btf__sched_process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return tr_exec_seen(task, FIRST);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(tp_btf__sched_process_exec_2, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return tr_exec_seen(task, SECOND);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(tp_btf__sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	return tr_fork_seen(child);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(tp_btf__sched_process_fork_2, struct task_struct *parent, struct task_struct *child)
{
	return tr_fork_seen(child);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(tp_btf__sched_process_exit, struct task_struct *task)
{
	return tr_exit_seen(task);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(tp_btf__sched_process_exit_2, struct task_struct *task)
{
	return tr_exit_seen(task);
}

/* The kernel holds cgroup_mutex over both of these, so neither interrupts itself; each has its own scratch. */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(tp_btf__cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	return tr_on_cgroup(cgroup, path, 0, FIRST);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(tp_btf__cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	return tr_on_cgroup(cgroup, path, TR_FLAG_REMOVED, SECOND);
}

SEC("iter/task")
int iter__task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct exec_scratch *scratch;
	struct file *file;
	u32 size = 0;

	if (!task || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0;
	scratch = tr_begin_exec(task, ITERATOR);
	if (!scratch)
		return 0;
	scratch->record.header.flags |= TR_FLAG_EXISTING;
	file = BPF_CORE_READ(task, mm, exe_file);
	if (file)
		size = tr_path(scratch, file);
	scratch->record.path_size = size;
	size += sizeof(scratch->record);
	scratch->record.header.size = size;
	if (size <= sizeof(*scratch))
		bpf_seq_write(ctx->meta->seq, scratch, size);
	return 0;
}
