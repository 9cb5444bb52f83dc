/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Programs in pairs. A tracing program does not run where it would interrupt itself: the kernel passes over it in
 * silence (fentry since 5.12, ca06f55b9002; tracepoints since 6.2 and in later 6.1, 05b24ff9b2cf). A softirq that
 * changes a socket's state interrupts a process that changes another's; on preemptible kernels (tracepoints since 6.19)
 * one process interrupts another. So each hook has two programs with the same body: whichever comes first notes what it
 * has seen and does the work, the other finds the note and takes it away. An event is lost only if both are passed
 * over; so that processes that interrupt each other hardly meet there, the programs hold off preemption where they can
 * (6.10, fc7566ad0a82). If the second one is passed over, the first one's note stays. So a note holds what no later
 * event has: a socket's cookie or the time at which a process started, never the kernel's address, which is used again
 * at once. A softirq that interrupts one of the two may see many events, of each of which the interrupted one's twin
 * alone leaves a note: those have a set of their own, and take no place from the note that is waited for.
 */
#ifndef TR_TWIN_H
#define TR_TWIN_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_hold.h"

enum { TR_NOTES = 4, TR_NOTE_SETS = 2 };

struct tr_note {
	u64 subject; /* 0: free */
	u64 what;
};

struct tr_notes {
	struct tr_note notes[TR_NOTE_SETS][TR_NOTES]; /* the second one's: of programs that interrupt others */
	u32 next;
	u32 running; /* programs that are between tr_enter and tr_leave */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tr_notes);
} notes SEC(".maps");

/* Where tracepoints can be preempted, a task may go on to the second program on another CPU: the notes of all CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct tr_note);
	__type(value, u8);
} far_notes SEC(".maps");

static __always_inline int tr_is_first_anywhere(u64 subject, u64 what)
{
	struct tr_note note = { subject, what };
	u8 value = 1;

	if (!bpf_map_delete_elem(&far_notes, &note))
		return 0;
	bpf_map_update_elem(&far_notes, &note, &value, BPF_ANY);
	return 1;
}

static __always_inline int tr_is_first_here(struct tr_notes *noted, u64 subject, u64 what)
{
	struct tr_note *set = noted->running > 1 ? noted->notes[1] : noted->notes[0];
	struct tr_note *free = &set[noted->next % TR_NOTES];

	for (int i = 0; i < TR_NOTES; i++) {
		struct tr_note *note = &set[i];

		if (note->subject == subject && note->what == what) {
			note->subject = 0;
			return 0;
		}
		if (!note->subject)
			free = note;
	}
	noted->next++;
	/* The subject first: it takes the slot, and where programs may interrupt themselves (before 6.2) nobody else
	 * takes it in between. */
	free->subject = subject;
	barrier();
	free->what = what;
	return 1;
}

/* The CPU's notes for one of a pair, which ends with tr_leave; NULL where they are those of all CPUs. */
static __always_inline struct tr_notes *tr_enter(void)
{
	struct tr_notes *noted = NULL;
	u32 zero = 0;

	tr_hold();
	if (!tr_can_be_preempted())
		noted = bpf_map_lookup_elem(&notes, &zero);
	if (noted)
		noted->running++; /* whoever interrupts puts it back */
	barrier();
	return noted;
}

static __always_inline void tr_leave(struct tr_notes *noted)
{
	barrier();
	if (noted)
		noted->running--;
	tr_release();
}

/* Whether this program is the first of the two to see what happened to the subject. */
static __always_inline int tr_is_first(struct tr_notes *noted, u64 subject, u64 what)
{
	if (tr_can_be_preempted())
		return tr_is_first_anywhere(subject, what);
	return noted && tr_is_first_here(noted, subject, what);
}

#endif
