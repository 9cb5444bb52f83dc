/* SPDX-License-Identifier: Apache-2.0 */
/* Programs outside of the scope that work for the gates: an object that has the gates' own maps wherever a name is the
 * same. */
#ifndef TR_COMPANION_H
#define TR_COMPANION_H

#include <bpf/libbpf.h>
#include <stddef.h>
#include "tr_gate.h"

struct tr_companion;

/* What one is made of. */
struct tr_companion_parts {
	const char *name;
	const unsigned char *object;
	size_t size;
	const struct bpf_object *gates;
	const struct tr_gate_config *config; /* NULL: its programs do not tell */
	int cgroup;			     /* what its programs of control groups are attached to */
	const char *const *left_out;	     /* programs, up to a NULL; or NULL */
};

/* Loads an object and attaches its programs, all but iterators. */
int tr_companion_open(struct tr_companion **out, const struct tr_companion_parts *parts);

/* Sets what programs that tell are told, before they are loaded. */
int tr_configure(struct bpf_object *object, const struct tr_gate_config *config);

void tr_companion_close(struct tr_companion *companion);

/* Runs one of its iterators to the end. */
int tr_companion_iterate(const struct tr_companion *companion, const char *program,
			 const struct bpf_iter_attach_opts *options);

/* The links of what is attached, in the order of the object; returns how many. */
size_t tr_companion_links(const struct tr_companion *companion, struct bpf_link *const **links);

#endif
