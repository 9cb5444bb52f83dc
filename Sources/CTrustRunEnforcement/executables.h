/* SPDX-License-Identifier: Apache-2.0 */
/* Which executable each process of the scopes runs, for rules with `process`; see BPF/executables.bpf.c. */
#ifndef TR_EXECUTABLES_H
#define TR_EXECUTABLES_H

#include <bpf/libbpf.h>
#include <stdint.h>
#include "companion.h"
#include "tr_gate.h"

/* Adds a directory of the cgroup v2 hierarchy to the scopes, and who is in it already. `companion`: NULL as long as no
 * policy asked. */
int tr_executables_add_scope(const struct bpf_object *gates, const struct tr_companion *companion, int cgroup);

/*
 * Puts the globs of a policy into a slot. Once it returns, every executable is held against them; the companion is
 * opened by the first policy that has any.
 */
int tr_executables_set_globs(const struct bpf_object *gates, struct tr_companion **companion, uint32_t slot,
			     uint32_t generation, const struct tr_tables *tables);

#endif
