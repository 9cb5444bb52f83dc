/* SPDX-License-Identifier: Apache-2.0 */
/* A command that waits at a gate until it is let go. */
#ifndef TR_COMMAND_H
#define TR_COMMAND_H

#include <stddef.h>
#include <sys/types.h>

#include "tr_confine.h"
#include "tr_terminal.h"

/* Whom the command runs as. */
struct tr_user {
	uid_t uid;
	gid_t gid;
	/* Supplementary groups. */
	gid_t groups[256];
	int group_count;
	char name[256];
	char home[1024];
};

struct tr_command {
	pid_t pid;
	/* One byte lets it go; the end of it ends the command. */
	int gate;
	/* Tells the errno of what failed before the command ran; its end tells that it runs. */
	int failure;
};

/* What the user database says of a user, with this group as the first. Returns 0 or -errno. */
int tr_user_find(uid_t uid, gid_t gid, struct tr_user *_Nonnull user);

/* Forks the process that becomes the command once it is let go: if there is a user, as that user and with HOME, USER
 * and LOGNAME of theirs; if it is confined, without a capability and with no way to gain one, with no descriptors but
 * the first three, and with what the kernel has for it; if there is a terminal, in a session of its own there. Returns
 * 0 or -errno. */
int tr_command_start(struct tr_command *_Nonnull command, char *_Nullable const *_Nonnull arguments,
		     const struct tr_user *_Nullable user, const struct tr_confinement *_Nullable confinement,
		     const struct tr_terminal *_Nullable terminal);

/* Lets the command go. Returns 0 once it runs, else the errno of exec, or -errno of what failed before that; it is over
 * then. */
int tr_command_release(struct tr_command *_Nonnull command);

/* Makes this process the parent of descendants whose parent ends. Returns 0 or -errno. */
int tr_adopt_orphans(void);

/* Gives a file its final name unless there is one of that name. Returns 0 or -errno. */
int tr_rename_new(const char *_Nonnull from, const char *_Nonnull to);

#endif
