/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a command from the ways out that the gates do not see: other kinds of sockets, other processes. */
#ifndef TR_CONFINE_H
#define TR_CONFINE_H

/* What this kernel has for it. */
struct tr_confinement {
	/* The version of Landlock's interface (landlock(7)); 0: it has none that is of use. */
	int landlock;
	/* Whether system calls can be filtered (seccomp(2)). */
	int has_filter;
};

/* Finds out by asking. */
struct tr_confinement tr_confinement_find(void);

/* Whether the domain keeps signals and abstract unix sockets within (Linux 6.12). */
static inline int tr_confinement_scopes(struct tr_confinement confinement)
{
	return confinement.landlock >= 6;
}

/* The sockets at which libraries have other processes look up names, as paths; NULL ends them. */
extern const char *_Nullable const tr_lookup_sockets[];

/* In the process that becomes the command, as root: puts an empty file in the place of each of those sockets that is
 * there, in mounts of its own. Returns 0 or errno. */
int tr_hide_lookup_sockets(void);

/* In the process that becomes the command, behind no_new_privs: what it starts is held to it too, and nothing takes it
 * back. Only calls that are safe after a fork. Returns 0 or errno. */
int tr_confine(struct tr_confinement confinement);

#endif
