/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the processes of the scopes execute, kept from exec to exit. Nothing is ever evicted: what finds no room is not
 * known. */
#ifndef TR_IMAGE_H
#define TR_IMAGE_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "tr_executable.h"
#include "tr_path.h"
#include "tr_policy.h"
#include "tr_scope.h"

/* The classes of a slot's policy are written before that policy is selected. */
struct tr_image {
	struct tr_image_class classes[TR_POLICY_SLOTS];
	u32 references; /* processes */
	u32 count;	/* components of the path; 0: not known */
	u16 starts[TR_MAX_PATH_DEPTH];
	char text[TR_MAX_PATH_TEXT]; /* as of tr_walk */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TR_MAX_PROCESSES);
	__type(key, struct tr_process_key);
	__type(value, struct tr_image_key);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TR_MAX_IMAGES);
	__type(key, struct tr_image_key);
	__type(value, struct tr_image);
} images SEC(".maps");

struct tr_states_array {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TR_STATES_ROWS);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct tr_states));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, TR_POLICY_SLOTS);
	__type(key, u32);
	__array(values, struct tr_states_array);
} process_globs SEC(".maps");

static __always_inline void tr_set_process_key(struct tr_process_key *key, struct task_struct *task)
{
	key->start = BPF_CORE_READ(task, group_leader, start_boottime);
	key->tgid = BPF_CORE_READ(task, tgid);
	key->reserved = 0;
}

#endif
