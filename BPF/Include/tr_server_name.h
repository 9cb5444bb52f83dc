/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Holds a server name that was read, or that there is none, against the policy and the names bound to the address. */
#ifndef TR_SERVER_NAME_H
#define TR_SERVER_NAME_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_client_hello.h"
#include "tr_host_name.h"
#include "tr_stream.h"

/* What becomes of a packet. */
enum {
	TR_NAME_REFUSED,
	TR_NAME_PASSES,
	TR_NAME_AGAIN, /* the packet is dropped, and comes again */
	TR_NAME_MORE,  /* what leaves after it says */
};

/* As tr_fits_process, for the image of a connection. */
__noinline int tr_fits_image(u32 slot, u32 process, u32 place)
{
	struct tr_policy *policy = bpf_map_lookup_elem(&policies, &slot);
	struct tr_scratch *scratch = tr_scratch_at(place);
	struct tr_image_class *class;
	struct tr_image *image;
	u32 glob = process - 1;

	if (!policy || !scratch)
		return 0;
	image = bpf_map_lookup_elem(&images, &scratch->asked.image);
	if (image) {
		class = slot ? &image->classes[1] : &image->classes[0];
		if (class->generation == policy->generation && image->count)
			return class->globs[glob / 64 % (TR_MAX_PROCESS_GLOBS / 64)] >> (glob % 64) & 1;
	}
	tr_count_total(TR_TOTAL_PROCESSES_UNKNOWN);
	return 0;
}

/* As tr_first_of_some, for the name of the key in a scratch. */
__noinline int tr_first_for_name(u32 place, u32 slot, u32 list)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	void *array = bpf_map_lookup_elem(&candidates, &slot);

	if (!scratch || !array)
		return -1;
	for (u32 i = 0; i < TR_CANDIDATES_AT_ONCE; i++) {
		u32 at = list + i, glob, outside, port = scratch->asked.port;
		struct tr_candidate *candidate = bpf_map_lookup_elem(array, &at);

		if (!candidate)
			return -1;
		glob = candidate->glob ? candidate->glob - 1 : 0;
		outside = (port - candidate->first_port) | (candidate->last_port - port);
		if (candidate->conditions & TR_IF_TCP && !(outside >> 31) &&
		    (!candidate->glob || scratch->binding.globs[slot & 1][(glob / 64) & 3] >> (glob % 64) & 1) &&
		    (!candidate->process || tr_fits_image(slot, candidate->process, place)))
			return at;
		if (candidate->conditions & TR_IS_LAST)
			return 0;
	}
	return TR_NONE_SO_FAR;
}

/* The candidate that the name in a scratch leads to; 0: none; less: it cannot be said. */
static __always_inline int tr_candidate_of_name(u32 place, u32 slot)
{
	int list = tr_look_up_name(place, slot), found;

	if (list <= 0)
		return list;
	for (u32 i = 0; i < TR_MAX_CANDIDATES; i += TR_CANDIDATES_AT_ONCE) {
		found = tr_first_for_name(place, slot, list + i);
		if (found != TR_NONE_SO_FAR)
			return found;
	}
	return -1;
}

/* Whether the name in a scratch is bound at a place of its address: 1 or 0; less than 0: there is none behind. */
__noinline int tr_is_bound_at(u32 place, u32 index)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	struct tr_binding *known;

	if (!scratch)
		return -1;
	scratch->place.place = index;
	known = bpf_map_lookup_elem(&bindings, &scratch->place);
	if (!known)
		return -1;
	if (known->until < bpf_ktime_get_boot_ns() || !tr_is_same_name(&known->name, &scratch->binding.name))
		return 0;
	scratch->asked.born = known->born;
	return 1;
}

/* 1 + the place of the address at which the name in a scratch is bound; 0: it is not. */
static __always_inline u32 tr_find_bound(u32 place)
{
	for (u32 i = 0; i < TR_MAX_NAMES_AN_ADDRESS; i++) {
		int is_bound = tr_is_bound_at(place, i);

		if (is_bound < 0)
			break;
		if (is_bound)
			return i + 1;
	}
	return 0;
}

/* Where no server name can be held against the policy; `rule` says why. */
static __always_inline int tr_judge_nameless(struct tr_name_case *asked, u32 rule, u32 is_evasive)
{
	if (!tr_needs_name(asked->alone_action, asked->conditions) &&
	    !(is_evasive && asked->about_names & TR_REFUSES_NAMES))
		return TR_NAME_PASSES;
	asked->action = TR_ACTION_BLOCK;
	asked->rule = rule;
	return TR_NAME_REFUSED;
}

/* What the server name says that was read. `asked` gets action, rule, and whether they are the name's. */
__noinline int tr_judge_server_name(u32 place, u32 slot)
{
	struct tr_scratch *scratch = tr_scratch_at(place);
	u32 action, rule, by_name, bound, alone;
	struct tr_candidate *candidate;
	void *array;
	int found;

	if (!scratch)
		return TR_NAME_REFUSED;
	if (tr_make_server_name(place) < 0)
		return tr_judge_nameless(&scratch->asked, TR_RULE_HELLO, 0);
	found = tr_candidate_of_name(place, slot);
	array = bpf_map_lookup_elem(&candidates, &slot);
	by_name = found;
	candidate = array ? bpf_map_lookup_elem(array, &by_name) : NULL;
	scratch->asked.action = TR_ACTION_ERROR;
	scratch->asked.rule = TR_RULE_NONE;
	if (found < 0 || !candidate)
		return TR_NAME_REFUSED;
	alone = scratch->asked.alone_action;
	action = by_name ? candidate->action : alone;
	rule = by_name ? candidate->rule : scratch->asked.alone_rule;
	bound = tr_find_bound(place);
	if ((by_name && action > TR_ACTION_ALERT) || (bound && action <= TR_ACTION_ALERT)) {
		scratch->asked.is_named = 1;
		scratch->asked.bound = bound;
	} else if (alone <= TR_ACTION_ALERT) {
		action = alone;
		rule = scratch->asked.alone_rule;
	} else if (scratch->asked.conditions & TR_VERIFIES_ADDRESS) {
		return TR_NAME_PASSES;
	} else {
		scratch->asked.is_named = 1;
		if (!bound) {
			action = TR_ACTION_BLOCK;
			rule = TR_RULE_UNBOUND;
		}
	}
	scratch->asked.is_told = 1;
	scratch->asked.action = action;
	scratch->asked.rule = rule;
	return action <= TR_ACTION_ALERT ? TR_NAME_PASSES : TR_NAME_REFUSED;
}

#endif
