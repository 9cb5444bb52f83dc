// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Which executable each process of the scopes runs, and which globs of the policies its path matches: told at exec,
 * before the program's first instruction, and inherited at fork. Hooks, all of them needed:
 * tp_btf/sched_process_{exec,fork,exit}, tp_btf/cgroup_attach_task; iter/task for who is in a scope already, and
 * iter/bpf_map_elem for a policy that comes later. Blind spot: an executable more than 64 directories or mounts deep.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "tr_image.h"
#include "tr_pair.h"
#include "tr_path.h"
#include "tr_scope.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Scratch of the CPU. Tracing programs run one at a time on it; iterators can be interrupted by them. */
enum scratch_owner { TRACER, ITERATOR, SCRATCHES };

struct scratch {
	struct tr_image image;
	struct tr_walk walk;
	struct tr_states states;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, u32);
	__type(value, struct scratch);
} image_scratch SEC(".maps");

/* The next byte of a path. */
__noinline int tr_step(u32 owner, u32 slot, u32 byte, u32 words)
{
	struct scratch *scratch = bpf_map_lookup_elem(&image_scratch, &owner);
	void *rows = bpf_map_lookup_elem(&process_globs, &slot);
	u32 at = TR_STATES_STAY;
	struct tr_states *next, *stay;
	u64 carry = 0;

	if (!scratch || !rows)
		return 0;
	stay = bpf_map_lookup_elem(rows, &at);
	at = byte & 255;
	next = bpf_map_lookup_elem(rows, &at);
	if (!stay || !next)
		return 0;
	for (u32 i = 0; i < TR_STATE_WORDS && i < words; i++) {
		u64 state = scratch->states.words[i];

		scratch->states.words[i] = (((state << 1) | carry) & next->words[i]) | (state & stay->words[i]);
		carry = state >> 63;
	}
	return 0;
}

/* A slash and the component of the path that starts there. */
__noinline int tr_feed(u32 owner, u32 slot, u32 start, u32 words)
{
	tr_step(owner, slot, '/', words);
	for (u32 i = 0; i < TR_MAX_COMPONENT; i++) {
		struct scratch *scratch = bpf_map_lookup_elem(&image_scratch, &owner);
		u64 at = (u64)start + i;
		u8 byte;

		asm volatile("" : "+r"(at)); /* what is compared is what is used: 5.10 sees no more */
		if (!scratch || at >= TR_MAX_PATH_TEXT)
			return 0;
		byte = scratch->image.text[at];
		if (!byte)
			return 0;
		tr_step(owner, slot, byte, words);
	}
	return 0;
}

/* Which globs of a slot's policy match the path in the scratch. */
__noinline int tr_classify(u32 owner, u32 slot)
{
	struct scratch *scratch = bpf_map_lookup_elem(&image_scratch, &owner);
	void *rows = bpf_map_lookup_elem(&process_globs, &slot);
	struct tr_image_class *class;
	struct tr_states_head *head;
	struct tr_states *start;
	u32 at = TR_STATES_HEAD;

	if (!scratch)
		return 0;
	class = slot ? &scratch->image.classes[1] : &scratch->image.classes[0];
	__builtin_memset(class, 0, sizeof(*class));
	if (!rows)
		return 0;
	head = bpf_map_lookup_elem(rows, &at);
	at = TR_STATES_START;
	start = bpf_map_lookup_elem(rows, &at);
	if (!head || !start)
		return 0;
	for (u32 i = 0; i < TR_STATE_WORDS && i < head->words; i++)
		scratch->states.words[i] = start->words[i];
	for (u32 i = 0; i < TR_MAX_PATH_DEPTH; i++) {
		u32 component = scratch->image.count - 1 - i;

		if (component >= TR_MAX_PATH_DEPTH)
			break;
		tr_feed(owner, slot, scratch->image.starts[component], head->words);
	}
	for (u32 i = 0; i < TR_MAX_PROCESS_GLOBS && i < head->glob_count; i++) {
		u32 accept = head->accept[i];
		u64 is_met = scratch->states.words[accept / 64 % TR_STATE_WORDS] >> (accept % 64) & 1;

		class->globs[i / 64] |= is_met << (i % 64);
	}
	class->generation = head->generation;
	return 0;
}

static __always_inline void tr_let_go(struct tr_image_key *key)
{
	struct tr_image *image = bpf_map_lookup_elem(&images, key);

	if (!image)
		return;
	/* Whoever reads last reads 0: nobody takes a reference but a process that has one. */
	__atomic_fetch_add(&image->references, -1, __ATOMIC_RELAXED);
	if (!*(volatile u32 *)&image->references)
		bpf_map_delete_elem(&images, key);
}

/* Takes note of what a task executes now. `flags`: BPF_NOEXIST where an exec may have come first, which knows better.
 */
static __always_inline void tr_remember(struct task_struct *task, struct tr_process_key *process, u32 owner, u64 flags)
{
	struct scratch *scratch = bpf_map_lookup_elem(&image_scratch, &owner);
	struct tr_image_key key = {};
	struct file *file;

	if (!scratch)
		return;
	key.process = *process;
	key.exec_id = BPF_CORE_READ(task, self_exec_id);
	scratch->image.references = 1;
	scratch->image.count = 0;
	file = BPF_CORE_READ(task, mm, exe_file);
	if (file) {
		tr_walk(&scratch->walk, scratch->image.text, file);
		/* A path that is not all there is none. */
		if (!scratch->walk.is_cut)
			scratch->image.count = scratch->walk.count;
		__builtin_memcpy(scratch->image.starts, scratch->walk.starts, sizeof(scratch->image.starts));
	}
	tr_classify(owner, 0);
	tr_classify(owner, 1);
	if (bpf_map_update_elem(&images, &key, &scratch->image, BPF_NOEXIST))
		return;
	if (bpf_map_update_elem(&processes, process, &key, flags)) {
		bpf_map_delete_elem(&images, &key);
		return;
	}
	/* One that ends meanwhile may have found nothing to take away. */
	if (!BPF_CORE_READ(task, signal, live.counter) && !bpf_map_delete_elem(&processes, process))
		tr_let_go(&key);
}

static __always_inline int tr_exec_seen(struct task_struct *task)
{
	struct tr_process_key process;
	struct tr_image_key *known, old;

	tr_set_process_key(&process, task);
	known = bpf_map_lookup_elem(&processes, &process);
	if (known) {
		if (known->exec_id == task->self_exec_id)
			return 0;
		old = *known;
		/* Should there be no room, the process is not known. */
		bpf_map_delete_elem(&processes, &process);
		tr_let_go(&old);
	} else if (!tr_is_in_scope(task)) {
		return 0;
	}
	tr_remember(task, &process, TRACER, BPF_ANY);
	return 0;
}

static __always_inline int tr_fork_seen(struct task_struct *parent, struct task_struct *child)
{
	struct tr_process_key key;
	struct tr_image_key *known;
	struct tr_image *image;

	if (child->pid != child->tgid) /* a thread */
		return 0;
	tr_set_process_key(&key, parent);
	known = bpf_map_lookup_elem(&processes, &key);
	tr_set_process_key(&key, child);
	if (!known || known->exec_id != child->self_exec_id) {
		if (tr_is_in_scope(child))
			tr_remember(child, &key, TRACER, BPF_NOEXIST);
		return 0;
	}
	image = bpf_map_lookup_elem(&images, known);
	if (!image)
		return 0;
	__atomic_fetch_add(&image->references, 1, __ATOMIC_RELAXED);
	if (bpf_map_update_elem(&processes, &key, known, BPF_NOEXIST))
		__atomic_fetch_add(&image->references, -1, __ATOMIC_RELAXED); /* not the last: its parent has one */
	return 0;
}

static __always_inline int tr_exit_seen(struct task_struct *task)
{
	struct tr_process_key key;
	struct tr_image_key *known, old;

	if (task->signal->live.counter) /* not the last thread */
		return 0;
	tr_set_process_key(&key, task);
	known = bpf_map_lookup_elem(&processes, &key);
	if (!known)
		return 0;
	old = *known;
	if (!bpf_map_delete_elem(&processes, &key))
		tr_let_go(&old);
	return 0;
}

/* Each of a pair leaves alone what the other has done. */
TR_PAIR(sched_process_exec, tr_exec_seen(task), struct task_struct *task, int old_pid, struct linux_binprm *bprm)
TR_PAIR(sched_process_fork, tr_fork_seen(parent, child), struct task_struct *parent, struct task_struct *child)
TR_PAIR(sched_process_exit, tr_exit_seen(task), struct task_struct *task)

/* A process that comes into a scope. */
static __always_inline int tr_task_moved(struct task_struct *task)
{
	struct tr_process_key key;

	task = BPF_CORE_READ(task, group_leader);
	tr_set_process_key(&key, task);
	if (!bpf_map_lookup_elem(&processes, &key) && tr_is_in_scope(task))
		tr_remember(task, &key, TRACER, BPF_NOEXIST);
	return 0;
}

TR_PAIR(cgroup_attach_task, tr_task_moved(task), struct cgroup *cgroup, const char *path, struct task_struct *task,
	int is_group)

SEC("iter/task")
int iter__task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct tr_process_key key;

	if (!task || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0;
	tr_set_process_key(&key, task);
	if (!bpf_map_lookup_elem(&processes, &key) && tr_is_in_scope(task))
		tr_remember(task, &key, ITERATOR, BPF_NOEXIST);
	return 0;
}

/* A policy was filled into a slot: which of its globs does each image match? */
SEC("iter/bpf_map_elem")
int iter__bpf_map_elem(struct bpf_iter__bpf_map_elem *ctx)
{
	struct tr_image *image = ctx->value;
	u32 owner = ITERATOR;
	struct scratch *scratch = bpf_map_lookup_elem(&image_scratch, &owner);

	if (!image || !scratch)
		return 0;
	bpf_probe_read_kernel(&scratch->image, sizeof(scratch->image), image);
	for (u32 slot = 0; slot < TR_POLICY_SLOTS; slot++) {
		struct tr_image_class *class = slot ? &scratch->image.classes[1] : &scratch->image.classes[0];
		struct tr_image_class *old = slot ? &image->classes[1] : &image->classes[0];

		tr_classify(owner, slot);
		if (old->generation != class->generation)
			*old = *class;
	}
	return 0;
}
