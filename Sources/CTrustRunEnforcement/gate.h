/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TR_GATE_PRIVATE_H
#define TR_GATE_PRIVATE_H

#include <bpf/libbpf.h>
#include <stdarg.h>
#include "companion.h"
#include "tr_gate.h"

enum { TR_MAX_PROGRAMS = 24 };

/* Of a gate that was adopted, only the maps of `object` are there, and `links` are those of the pins; what it had of
 * companions holds without this process. */
struct tr_gate {
	struct bpf_object *object;
	struct bpf_link *links[TR_MAX_PROGRAMS];
	struct tr_companion *executables; /* only if a policy has rules for certain executables */
	struct tr_companion *killer;	  /* only where the gates may not kill, and if a policy does */
	struct tr_companion *handover;	  /* only where the kernel lets it refuse */
	struct tr_companion *members;	  /* from the moment they are attached on */
	const struct tr_companion *pinned_executables, *pinned_killer, *pinned_handover, *pinned_members;
	char *folder; /* of the pins; NULL: nothing is pinned */
	uint32_t slot, generation;
	int can_signal; /* the gates themselves */
	int can_kill, refuses_handover, tells;
};

/* The descriptor of a map of the object, or -errno. */
int tr_gate_map(const struct tr_gate *gate, const char *name);

/* Pins the companions that are not, and removes the pins of those that were before them; does nothing to a gate that is
 * not pinned. */
int tr_gate_pin_companions(struct tr_gate *gate, uint32_t generation);

/* Whether programs of control groups may send signals on this kernel. */
int tr_gate_can_signal(void);

/* What libbpf prints, only if TRUSTRUN_LIBBPF_LOG is set. */
int tr_gate_log(enum libbpf_print_level level, const char *format, va_list arguments);

#endif
