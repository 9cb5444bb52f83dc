/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TR_GATE_PRIVATE_H
#define TR_GATE_PRIVATE_H

#include <bpf/libbpf.h>
#include <stdarg.h>
#include "companion.h"
#include "tr_gate.h"

enum { TR_MAX_PROGRAMS = 24 };

/* Of a gate that was adopted, only the maps of `object` are there, and `links` are those of the pins. */
struct tr_gate {
	struct bpf_object *object;
	struct bpf_link *links[TR_MAX_PROGRAMS];
	struct tr_companion *executables; /* only if a policy has rules for certain executables */
	struct tr_companion *killer;	  /* only where the gates may not kill, and if a policy does */
	uint32_t slot, generation;
	int can_signal; /* the gates themselves */
	int can_kill, tells;
};

/* The descriptor of a map of the object, or -errno. */
int tr_gate_map(const struct tr_gate *gate, const char *name);

/* What libbpf prints, only if TRUSTRUN_LIBBPF_LOG is set. */
int tr_gate_log(enum libbpf_print_level level, const char *format, va_list arguments);

#endif
