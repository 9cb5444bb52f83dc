/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a command from the ways out that the gates do not see: other kinds of sockets, other processes. */
#ifndef TR_CONFINE_H
#define TR_CONFINE_H

#include <sys/types.h>

/* What this kernel has for it. */
struct tr_confinement {
	/* The version of Landlock's interface (landlock(7)); 0: it has none that is of use. */
	int landlock;
	/* Whether system calls can be filtered (seccomp(2)). */
	int has_filter;
	/* Whether the command stays uid 0, whose files lead out of the scope. */
	int is_root;
};

/* Finds out by asking. */
struct tr_confinement tr_confinement_find(void);

/* Whether the domain keeps signals and abstract unix sockets within (Linux 6.12). */
static inline int tr_confinement_scopes(struct tr_confinement confinement)
{
	return confinement.landlock >= 6;
}

/* What the command may not see, each list ended by NULL and never freed. */
struct tr_hidden {
	/* Sockets at which other processes look up names for libraries (nscd, systemd-resolved) or start programs (the
	 * user's service manager and buses, managers of containers; for uid 0 the system's too), as far as they are
	 * there. */
	const char *_Nullable *_Nonnull sockets;
	/* For uid 0, else NULL: where control groups and pins are mounted, and the agents' locks. */
	const char *_Nullable *_Nullable folders;
};

/* Finds them for a command of that user. Returns 0 or -errno: no memory, or more than there is room for. */
int tr_hidden_find(struct tr_hidden *_Nonnull hidden, uid_t uid, int is_root);

/* In the process that becomes the command, with root's capabilities still, in mounts of its own: puts an empty file in
 * the place of each socket. With folders, those are empty, and /sys and /proc/sys read-only. Returns 0 or errno. */
int tr_hide(const struct tr_hidden *_Nonnull hidden);

/* In the process that becomes the command, behind no_new_privs: what it starts is held to it too, and nothing takes it
 * back. Only calls that are safe after a fork. Returns 0 or errno. */
int tr_confine(struct tr_confinement confinement);

#endif
