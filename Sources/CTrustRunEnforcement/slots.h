/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the maps of maps, each of which the kernel fills only as fast as all running programs end. */
#ifndef TR_SLOTS_H
#define TR_SLOTS_H

#include <stddef.h>
#include <stdint.h>

/* A map that is to stand in a slot of a map of maps; the slot holds it from then on. */
struct tr_placement {
	int outer;
	uint32_t slot;
	int inner;
	int error; /* filled in */
};

/* Puts all of them in place, side by side: each update waits for all programs that run (maybe_wait_bpf_programs in
 * kernel/bpf/syscall.c), milliseconds to seconds. Returns 0 or -errno. */
int tr_place(struct tr_placement *placements, size_t count);

/* Waits until no program runs any more that ran at the call, by putting a slot's own map in its place once more. */
int tr_await_programs(int outer, uint32_t slot);

#endif
