// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "tr_pins.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* The mount point of a whole BPF file system: /sys/fs/bpf if it is one, else the first. Another mount is another file
 * system, with other pins. */
static int find_mount(char *point, size_t size)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096], root[1024], at[1024];
	int error = -ENOENT;

	if (!mounts)
		return -errno;
	while (fgets(line, sizeof(line), mounts)) {
		const char *kind = strstr(line, " - ");

		if (!kind || strncmp(kind, " - bpf ", 7) || sscanf(line, "%*s %*s %*s %1023s %1023s", root, at) != 2 ||
		    strcmp(root, "/") || strlen(at) >= size)
			continue;
		if (error || !strcmp(at, "/sys/fs/bpf"))
			strcpy(point, at);
		error = 0;
	}
	fclose(mounts);
	return error;
}

static int make_mount(char *point, size_t size)
{
	static const char *const points[] = { "/sys/fs/bpf", "/run/trustrun/bpf" };
	int error = 0;

	for (size_t i = 0; i < 2; i++) {
		if (i) {
			mkdir("/run/trustrun", 0700);
			mkdir(points[i], 0700);
		}
		if (!mount("bpf", points[i], "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")) {
			snprintf(point, size, "%s", points[i]);
			return 0;
		}
		error = -errno;
	}
	return error;
}

/*
 * Nobody's: uid 0 without capabilities, as a process of a scope may be, is the owner of all that root makes, and could
 * remove it. Above 2^31 there are no users, and -1 is no id.
 */
enum { OWNER = -3 };

/* Whether a folder is nobody's or root's, and closed to others. */
static int check_folder(const char *path, struct stat *status)
{
	if (lstat(path, status))
		return -errno;
	return S_ISDIR(status->st_mode) && (!status->st_uid || status->st_uid == (uid_t)OWNER) &&
			       !(status->st_mode & 077)
		       ? 0
		       : -EPERM;
}

int tr_pins_find(char path[TR_MAX_PIN_PATH], int makes)
{
	char point[TR_MAX_PIN_PATH - 32];
	int error = find_mount(point, sizeof(point));
	struct stat status;

	if (error == -ENOENT && makes)
		error = make_mount(point, sizeof(point));
	if (error)
		return error;
	snprintf(path, TR_MAX_PIN_PATH, "%s/trustrun", point);
	if (makes && mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	error = check_folder(path, &status);
	if (!error && makes && !status.st_uid && lchown(path, OWNER, OWNER))
		error = -errno;
	return error;
}
