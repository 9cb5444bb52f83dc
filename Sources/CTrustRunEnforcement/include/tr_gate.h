/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates in the kernel. Functions return 0 or a count, or -errno. One thread owns a gate; it holds for as long as
 * the process that opened it lives and does not close it.
 */
#ifndef TR_GATE_H
#define TR_GATE_H

#include <stddef.h>
#include <stdint.h>
#include "../../../BPF/Include/tr_executable.h"
#include "../../../BPF/Include/tr_policy.h"

struct tr_gate;

/* A prefix and the place of its list. */
struct tr_ipv6_entry {
	struct tr_ipv6_key key;
	uint32_t list;
};

/* A name, or an end of names, and the place of its list. */
struct tr_name_entry {
	struct tr_name_key key;
	uint32_t list;
};

/* What a policy is in the maps. */
struct tr_tables {
	struct tr_policy policy;
	const struct tr_candidate *_Nonnull candidates;
	size_t candidate_count; /* at least one, the default */
	const struct tr_ipv4_range *_Nonnull ipv4;
	size_t ipv4_count; /* the cells, and one range at least */
	const struct tr_ipv6_entry *_Nullable ipv6;
	size_t ipv6_count;
	const struct tr_name_entry *_Nullable names;
	size_t name_count;
	const struct tr_glob *_Nullable globs;		/* policy.glob_count */
	const struct tr_unix_key *_Nullable unix_paths; /* whose slot is filled in */
	size_t unix_path_count;
	/* TR_STATES_ROWS of tr_states, one behind the other; or none: no rule is for certain executables. */
	const uint64_t *_Nullable states;
};

/* The ring of the records and the counts of those that found no room: open descriptors of both maps. */
struct tr_gate_ring {
	int events, drops;
};

/*
 * Loads the programs; nothing is attached, and there is no policy: what is attached now refuses all. With `tells` they
 * write a record of what they decide (tr_verdict_record), to `ring` or else one of their own, and count what they let
 * through by its destination too. -EPERM: not privileged; -ENOENT: no BTF.
 */
int tr_gate_open(int tells, const struct tr_gate_ring *_Nullable ring, struct tr_gate *_Nullable *_Nonnull out);

/* Detaches everything. */
void tr_gate_close(struct tr_gate *_Nonnull gate);

/* Whether this kernel lets the gate kill; else what should be killed is only refused. */
int tr_gate_can_kill(const struct tr_gate *_Nonnull gate);

/* Whether this kernel lets a gate that is not attached do what the next one tells. */
int tr_gate_can_refuse_handover(struct tr_gate *_Nonnull gate);

/* Whether the scope that it is attached to gets no sockets of other processes (handover.bpf.c). */
int tr_gate_refuses_handover(const struct tr_gate *_Nonnull gate);

/* To give to tr_sensor_open; the descriptors are the gate's own. */
struct tr_gate_ring tr_gate_ring(const struct tr_gate *_Nonnull gate);

/* Whether the gate's records are in that ring. */
int tr_gate_has_ring(const struct tr_gate *_Nonnull gate, const struct tr_gate_ring *_Nonnull ring);

/* Fills the other slot than the one in force and puts it in force, for all programs at once, as
 * tables.policy.generation. On an error what was in force stays so. */
int tr_gate_set_policy(struct tr_gate *_Nonnull gate, const struct tr_tables *_Nonnull tables);

/* Attaches every program to a directory of the cgroup v2 hierarchy and all below it, or none. */
int tr_gate_attach(struct tr_gate *_Nonnull gate, int cgroup);

/* How often each of TR_TOTALS was counted, all CPUs together. */
int tr_gate_totals(const struct tr_gate *_Nonnull gate, uint64_t counts[_Nonnull TR_TOTALS]);

/* Copies at most `capacity` of what was refused or recorded; returns how many. */
int tr_gate_outcomes(const struct tr_gate *_Nonnull gate, struct tr_outcome_key *_Nonnull keys,
		     struct tr_outcome *_Nonnull values, size_t capacity);

/* The same of the proof's own attempts, which are kept apart until they are forgotten. */
int tr_gate_probed(const struct tr_gate *_Nonnull gate, struct tr_outcome_key *_Nonnull keys,
		   struct tr_outcome *_Nonnull values, size_t capacity);
void tr_gate_forget_probed(const struct tr_gate *_Nonnull gate);

/* The generation of the policy in force; 0: there is none. */
uint32_t tr_gate_generation(const struct tr_gate *_Nonnull gate);

/* Forgets the names of each address whose names have all run out; returns how many. The gates do not ask them any more,
 * but they take room. */
int tr_gate_forget_names(const struct tr_gate *_Nonnull gate);

#endif
