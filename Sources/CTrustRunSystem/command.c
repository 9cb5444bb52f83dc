// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "tr_command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int tr_user_find(uid_t uid, gid_t gid, struct tr_user *user)
{
	char memory[16384];
	struct passwd entry, *found = NULL;
	int error = getpwuid_r(uid, &entry, memory, sizeof(memory), &found);

	if (error)
		return -error;
	if (!found)
		return -ENOENT;
	if (strlen(entry.pw_name) >= sizeof(user->name) || strlen(entry.pw_dir) >= sizeof(user->home))
		return -ENAMETOOLONG;
	user->uid = uid;
	user->gid = gid;
	strcpy(user->name, entry.pw_name);
	strcpy(user->home, entry.pw_dir);
	user->group_count = sizeof(user->groups) / sizeof(user->groups[0]);
	return getgrouplist(user->name, gid, user->groups, &user->group_count) < 0 ? -E2BIG : 0;
}

/* Marks every descriptor above 2 to be closed by exec. */
static int close_others(void)
{
	char entries[4096];
	int folder;
	long size;

	if (!syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC))
		return 0;
	/* Before 5.11. */
	folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return errno;
	while ((size = syscall(SYS_getdents64, folder, entries, sizeof(entries))) > 0) {
		for (long at = 0; at < size;) {
			const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
			int fd = atoi(entry->d_name);

			if (fd > 2 && fcntl(fd, F_SETFD, FD_CLOEXEC) && errno != EBADF)
				return errno;
			at += entry->d_reclen;
		}
	}
	close(folder);
	return size < 0 ? errno : 0;
}

/* What the command can never gain: capabilities, by itself or by what it executes. Before the user is changed. */
static int renounce(void)
{
	for (unsigned long capability = 0; capability < 64; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno != EINVAL)
			return errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL))
		return errno;
	return close_others();
}

/* What a change of the user may have left. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	return syscall(SYS_capset, &header, none) ? errno : 0;
}

/* In the child. Only calls that are safe after a fork. */
static int drop_to(const struct tr_user *user)
{
	if (setgroups(user->group_count, user->groups) || setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return errno;
	return 0;
}

static _Noreturn void become(char *const *arguments, char *const *environment, const struct tr_user *user,
			     const struct tr_confinement *confinement, const struct tr_hidden *hidden,
			     const struct tr_terminal *terminal, int gate, int failure)
{
	sigset_t none;
	ssize_t count;
	int error = 0;
	char byte;

	do
		count = read(gate, &byte, 1);
	while (count < 0 && errno == EINTR);
	if (count != 1)
		_exit(125);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (terminal)
		error = tr_terminal_enter(terminal);
	if (!error && confinement)
		error = tr_hide(hidden);
	if (!error && confinement)
		error = renounce();
	if (!error && user)
		error = drop_to(user);
	if (!error && confinement)
		error = drop_capabilities();
	if (!error && confinement)
		error = tr_confine(*confinement);
	if (error) {
		/* Not the command's own failure: negative. */
		error = -error;
	} else {
		execvpe(arguments[0], arguments, environment);
		error = errno;
	}
	/* Whoever reads it is told by the exit status as well. */
	if (write(failure, &error, sizeof(error)) < 0)
		_exit(125);
	_exit(error < 0 ? 125 : error == ENOENT ? 127 : 126);
}

/* This process's environment with the user's own variables; NULL if there is no memory for it. */
static char **environment_of(const struct tr_user *user)
{
	static const char *const names[] = { "HOME=", "USER=", "LOGNAME=" };
	const char *values[] = { user->home, user->name, user->name };
	size_t count = 0, kept = 0;
	char **made;

	while (environ[count])
		count++;
	made = calloc(count + 4, sizeof(*made));
	if (!made)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(environ[i], "HOME=", 5) && strncmp(environ[i], "USER=", 5) &&
		    strncmp(environ[i], "LOGNAME=", 8))
			made[kept++] = environ[i];
	}
	/* They live until the process becomes the command, or as long as the agent. */
	for (size_t i = 0; i < 3; i++) {
		if (asprintf(&made[kept++], "%s%s", names[i], values[i]) < 0)
			return NULL;
	}
	return made;
}

int tr_command_start(struct tr_command *command, char *const *arguments, const struct tr_user *user,
		     const struct tr_confinement *confinement, const struct tr_terminal *terminal)
{
	char **environment = user ? environment_of(user) : environ;
	int gate[2], failure[2], error = 0;
	struct tr_hidden hidden;

	if (!environment)
		return -ENOMEM;
	if (confinement)
		error = tr_hidden_find(&hidden, user ? user->uid : getuid(), confinement->is_root);
	if (error)
		return error;
	if (pipe2(gate, O_CLOEXEC))
		return -errno;
	if (pipe2(failure, O_CLOEXEC)) {
		error = errno;
		close(gate[0]);
		close(gate[1]);
		return -error;
	}
	command->pid = fork();
	error = errno;
	if (command->pid == 0) {
		close(gate[1]);
		close(failure[0]);
		become(arguments, environment, user, confinement, &hidden, terminal, gate[0], failure[1]);
	}
	close(gate[0]);
	close(failure[1]);
	command->gate = gate[1];
	command->failure = failure[0];
	if (command->pid > 0)
		return 0;
	close(gate[1]);
	close(failure[0]);
	return -error;
}

int tr_command_release(struct tr_command *command)
{
	ssize_t count = write(command->gate, "", 1);
	int error = count == 1 ? 0 : errno;

	if (!error) {
		do
			count = read(command->failure, &error, sizeof(error));
		while (count < 0 && errno == EINTR);
		if (count != sizeof(error))
			error = 0;
	}
	close(command->gate);
	close(command->failure);
	return error;
}

int tr_adopt_orphans(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) ? -errno : 0;
}

int tr_rename_new(const char *from, const char *to)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system without that flag. */
	if (link(from, to))
		return -errno;
	unlink(from);
	return 0;
}
