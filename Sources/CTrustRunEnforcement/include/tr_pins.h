/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives an agent: one folder an instance in the machine's BPF file system, with all links and maps of its
 * gates, and a lock that its agent holds. Functions return 0 or a descriptor, or -errno.
 */
#ifndef TR_PINS_H
#define TR_PINS_H

#include "tr_gate.h"

enum {
	/* Raised with every change of struct tr_instance. */
	TR_INSTANCE_FORMAT = 2,
	TR_MAX_PIN_PATH = 512,
};

/* What the agent keeps beside the pins for whoever comes after it. */
struct tr_instance {
	uint32_t format;
	uint32_t can_kill;
	uint64_t layout; /* tr_gate_layout() of the agent that made it */
	uint64_t began;	 /* nanoseconds since 1970 */
	uint64_t cgroup; /* inode number of the scope's directory */
	uint64_t proven; /* nanoseconds since 1970; 0: the last proof failed */
	uint64_t noted;	 /* when `totals` were read; nanoseconds since 1970 */
	uint64_t proofs; /* refusals that the proofs made, in all */
	uint64_t totals[TR_TOTALS];
	uint32_t owns_scope; /* the scope was made for it, and goes with it */
	uint32_t proof_count;
	uint32_t is_proving;	/* what is counted now may be the proof's */
	uint32_t proof_brought; /* in how many proofs the root refused a socket that was made outside */
	char policy[256];
	char scope[1024]; /* from the root of the cgroup v2 hierarchy */
};

/* The folder of all instances; `makes`: mounts a BPF file system if there is none. -ENOENT: there is none; -EPERM: the
 * folder is not root's alone. */
int tr_pins_find(char path[_Nonnull TR_MAX_PIN_PATH], int makes);

/* Pins the links and maps of an attached gate into a new folder, all or none; what a later policy brings is pinned
 * before it is in force. */
int tr_gate_pin(struct tr_gate *_Nonnull gate, const char *_Nonnull folder,
		const struct tr_instance *_Nonnull instance);

/* Opens the gate that is pinned there. It holds with or without this process. -EPROTO: it is of another layout. */
int tr_gate_adopt(const char *_Nonnull folder, struct tr_gate *_Nullable *_Nonnull out);

/* Whether the scope of an attached or adopted gate is gone: the kernel takes the programs off a control group that is
 * removed. Returns 1, 0, or -errno. */
int tr_gate_is_off(const struct tr_gate *_Nonnull gate);

/* What tells whether two agents mean the same by the same maps. */
uint64_t tr_gate_layout(void);

/* -EPROTO: of another format; then nothing of it is known. */
int tr_instance_read(const char *_Nonnull folder, struct tr_instance *_Nonnull instance);

int tr_instance_write(const char *_Nonnull folder, const struct tr_instance *_Nonnull instance);

/* Removes the pins and their folder. The gates go with their last pin unless a process holds them, a little later. */
int tr_pins_remove(const char *_Nonnull folder);

/* Takes the gates off their scope, whoever holds them, and removes the pins: nothing is held any more then. */
int tr_pins_release(const char *_Nonnull folder);

/* Takes the lock of an instance until the descriptor is closed. -EWOULDBLOCK: an agent has it. */
int tr_lock_take(const char *_Nonnull name);

/* Lets it go, and removes its file. */
void tr_lock_drop(const char *_Nonnull name, int lock);

/* The process that holds the lock; 0: nobody does. */
int tr_lock_holder(const char *_Nonnull name);

#endif
