/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The contract between the programs that know which executable a process runs, the gates that ask for it, and the
 * agent. Globs of paths are matched by one machine for all of a policy, a bit for each of its states: a glob has a
 * state for each number of its characters that were met, stars left out.
 */
#ifndef TR_EXECUTABLE_H
#define TR_EXECUTABLE_H

#include <linux/types.h>

enum {
	TR_MAX_PROCESS_GLOBS = 256,
	TR_STATE_WORDS = 256,	  /* of 64 states, for all globs of a policy */
	TR_MAX_PROCESSES = 32768, /* of the scopes, alive at the same time */
	TR_MAX_IMAGES = 16384,
	TR_MAX_SCOPES = 1024,
};

struct tr_process_key {
	__u64 start; /* of its first thread, nanoseconds since boot */
	__u32 tgid;
	__u32 reserved;
};

/*
 * What a process became by exec: the name of an image, which forks share. A value of the map `processes`. Where the
 * kernel's own count of the process's execs is another, an exec was missed, and the image is not known.
 */
struct tr_image_key {
	struct tr_process_key process; /* that executed it */
	__u64 exec_id;
};

/* Which globs match the path of an image, for one policy. */
struct tr_image_class {
	__u32 generation; /* of the policy; 0: none */
	__u32 reserved;
	__u64 globs[TR_MAX_PROCESS_GLOBS / 64];
};

struct tr_states {
	__u64 words[TR_STATE_WORDS];
};

/* Places in a slot's map of states; before them, by a path's byte: the states that it leads to. */
enum {
	TR_STATES_STAY = 256, /* those that any byte leaves as they are: a star */
	TR_STATES_START,
	TR_STATES_HEAD, /* a tr_states_head */
	TR_STATES_ROWS,
};

struct tr_states_head {
	__u32 generation;
	__u32 glob_count;
	__u32 words; /* that are used */
	__u32 reserved;
	__u16 accept[TR_MAX_PROCESS_GLOBS]; /* the state in which a glob has met the whole path */
};

#endif
