/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal of a command's own, behind that of this process: what the command does to it ends with it. */
#ifndef TR_TERMINAL_H
#define TR_TERMINAL_H

#include <pthread.h>
#include <sys/types.h>
#include <termios.h>

struct tr_terminal {
	/* The two ends of the pseudo-terminal. */
	int master, slave;
	/* The terminal of this process, and how it was. */
	int outer;
	struct termios before;
	/* Those of the descriptors 0 to 2 that are this terminal, as bits. */
	int replaced;
	/* Made readable to end the thread that reads what is typed. */
	int stop[2];
	pthread_t typed, shown;
};

/* Whether descriptors 0 and 1 are the terminal of this process's session, and this process is in its foreground: else
 * others use it as well, such as a pager behind a pipe. */
int tr_terminal_is_ours(void);

/* Makes a terminal like that at descriptor 0, for this user. Returns 0 or -errno. */
int tr_terminal_open(struct tr_terminal *_Nonnull terminal, uid_t user);

/* In the process that becomes the command: makes it the terminal of a new session. Returns 0 or errno. */
int tr_terminal_enter(const struct tr_terminal *_Nonnull terminal);

/* Once the command has it: what is typed goes there, and what it shows comes here, by threads of their own. This
 * process's terminal passes every byte on until the end. Returns 0 or -errno. */
int tr_terminal_join(struct tr_terminal *_Nonnull terminal);

/* Gives the command's terminal the size of this one. */
void tr_terminal_resize(const struct tr_terminal *_Nonnull terminal);

/* After `join`, when nothing holds the command's end any more: shows the rest, and makes this process's terminal what
 * it was. */
void tr_terminal_leave(struct tr_terminal *_Nonnull terminal);

/* Before or without `join`. */
void tr_terminal_close(struct tr_terminal *_Nonnull terminal);

#endif
